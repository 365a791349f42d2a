// Everything works without this file. With it pages renew themselves, rows are corrected in place, and passwords are
// judged while they are typed.

const root = document.documentElement;
const $ = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// ── Time zone: told to the server once, so that it writes times as this device does ──

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && zone !== root.dataset.zone) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `mailimport-zone=${encodeURIComponent(zone)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

/** Until the server knows: local times in place of those in UTC. */
function localTimes(within) {
  if (root.dataset.zone || !zone || zone === "UTC") return;
  const format = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" });
  for (const time of all("time[datetime]", within)) time.textContent = format.format(new Date(time.dateTime));
}

// ── Live changes ──

const FOCUSABLE = "a[href], button, summary, input, select, textarea, [tabindex]";

/** Puts a new element in the place of an old one; focus, open parts and the page's place stay. */
function swap(old, html) {
  const holder = document.createElement(old.localName === "tr" ? "tbody" : "div");
  holder.innerHTML = html;
  const fresh = holder.firstElementChild;
  if (!fresh || fresh.outerHTML === old.outerHTML) return;
  const open = all("details", old).map((details) => details.open);
  all("details", fresh).forEach((details, index) => { details.open = open[index] ?? false; });
  const focused = old.contains(document.activeElement) ? focusKey(old) : null;
  old.replaceWith(fresh);
  localTimes(fresh);
  if (focused) focusAgain(fresh, focused);
}

function focusKey(within) {
  const active = document.activeElement;
  const name = active.getAttribute("formaction") || active.getAttribute("href") || active.textContent;
  return { name, index: all(FOCUSABLE, within).indexOf(active) };
}

function focusAgain(within, { name, index }) {
  const choices = all(FOCUSABLE, within);
  const same = choices.find((e) => [e.getAttribute("formaction"), e.getAttribute("href"), e.textContent].includes(name));
  const next = same ?? choices[Math.min(Math.max(index, 0), choices.length - 1)] ?? within;
  next.focus({ preventScroll: true });
}

/** An element that is not on the page yet belongs to the list of its kind, if the page shows that list: at its place. */
function insert(id, html) {
  const list = $(`[data-rows="${CSS.escape(id.split("-")[0])}"]`);
  if (!list) return;
  const holder = document.createElement(list.localName === "tbody" ? "tbody" : "div");
  holder.innerHTML = html;
  const fresh = holder.firstElementChild;
  if (!fresh) return;
  const order = Number(fresh.dataset.order ?? Infinity);
  list.insertBefore(fresh, [...list.children].find((other) => Number(other.dataset.order) > order) ?? null);
  fresh.classList.add("changed");
  localTimes(fresh);
}

function gone(row) {
  const focused = row.contains(document.activeElement);
  const next = row.nextElementSibling ?? row.previousElementSibling ?? $("#main");
  if (row.nextElementSibling?.classList.contains("editor")) return; // Somebody is typing: let the form say it.
  row.remove();
  if (focused) next.focus({ preventScroll: true });
}

function apply({ fragments = [], title, announce }) {
  for (const { id, html } of fragments) {
    const old = document.getElementById(id);
    if (old && html) swap(old, html);
    else if (old) gone(old);
    else if (html) insert(id, html);
  }
  if (title) document.title = title;
  if (announce) say(announce);
}

// One sentence for the whole list, never more than one in five seconds, and only when it is another one.
let waiting = "";
let said = "";
let timer = 0;
function say(text) {
  waiting = text;
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    if (waiting === said) return;
    said = waiting;
    $("#announce").textContent = said;
  }, 5000);
}

let stream = null;
let again = 1000;
function listen() {
  const address = document.body.dataset.events;
  if (!address || stream || document.hidden) return;
  const url = new URL(address, location.href);
  url.searchParams.set("since", document.body.dataset.revision);
  stream = new EventSource(url);
  stream.onmessage = (event) => {
    again = 1000;
    const news = JSON.parse(event.data);
    document.body.dataset.revision = news.revision;
    apply(news);
  };
  stream.onerror = () => {
    // The browser's own attempts would ask from where the page began.
    stop();
    setTimeout(listen, again);
    again = Math.min(again * 2, 30000);
  };
}

function stop() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
addEventListener("pagehide", stop);
addEventListener("pageshow", listen);

// ── Passwords ──

/** A button that shows what is typed. */
function reveal(box) {
  const input = $("input", box);
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "reveal", textContent: box.dataset.show });
  button.setAttribute("aria-label", `${box.dataset.show}: ${input.labels[0]?.textContent ?? ""}`);
  button.onclick = () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.textContent = shown ? box.dataset.show : box.dataset.hide;
    button.setAttribute("aria-label", `${button.textContent}: ${input.labels[0]?.textContent ?? ""}`);
  };
  input.form?.addEventListener("submit", () => { input.type = "password"; });
  box.append(button);
}

/** The guideline as a checklist. What it says is only a help: the server judges. */
function checklist(list, form) {
  const input = $(`#${list.dataset.guideline}`, form);
  const marks = new Set([..."0123456789", ...list.dataset.special]);
  const rules = {
    length: (text) => [...text].length >= Number(list.dataset.least),
    lowercase: (text) => /[a-z]/.test(text),
    uppercase: (text) => /[A-Z]/.test(text),
    "digit-or-special": (text) => [...text].some((c) => marks.has(c)),
  };
  const judge = () => {
    for (const item of all("[data-rule]", list)) {
      const met = rules[item.dataset.rule](input.value);
      item.classList.toggle("met", met);
      $("[data-said]", item).textContent = input.value ? (met ? list.dataset.met : list.dataset.unmet) : "";
    }
  };
  input?.addEventListener("input", judge);
}

// ── Correcting and removing in place ──

async function part(address, selector) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return document.importNode($(selector, page), true);
}

async function edit(link) {
  const row = link.closest("tr");
  closeEditor();
  const form = await part(link.href, "#edit-form");
  const editor = document.createElement("tr");
  editor.className = "editor";
  editor.setAttribute("role", "row");
  const cell = editor.insertCell();
  cell.colSpan = row.cells.length;
  cell.setAttribute("role", "cell");
  // Ids of the form for adding stay the page's own.
  for (const element of all("[id], [for], [aria-describedby], a[href^='#'], [data-guideline]", form)) {
    if (element.id) element.id = `edit-${element.id}`;
    if (element.htmlFor) element.htmlFor = `edit-${element.htmlFor}`;
    if (element.dataset.guideline) element.dataset.guideline = `edit-${element.dataset.guideline}`;
    const described = element.getAttribute("aria-describedby");
    if (described) element.setAttribute("aria-describedby", described.split(" ").map((id) => `edit-${id}`).join(" "));
    const anchor = element.getAttribute("href");
    if (anchor?.startsWith("#")) element.setAttribute("href", `#edit-${anchor.slice(1)}`);
  }
  form.setAttribute("aria-label", link.getAttribute("aria-label"));
  cell.append(form);
  row.after(editor);
  enhance(form);
  $("[data-close]", form)?.addEventListener("click", (event) => { event.preventDefault(); closeEditor(row); });
  form.addEventListener("keydown", (event) => { if (event.key === "Escape") closeEditor(row); });
  ($("[aria-invalid]", form) ?? $("input:not([type=hidden])", form))?.focus();
}

function closeEditor(row) {
  const editor = $("tr.editor");
  const current = row && document.getElementById(row.id);
  editor?.remove();
  if (current) $("[data-edit]", current)?.focus();
}

async function ask(link) {
  const form = await part(link.href, "#ask");
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "ask-title");
  dialog.append(form);
  document.body.append(dialog);
  $("[data-close]", form).addEventListener("click", (event) => { event.preventDefault(); dialog.close(); });
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.showModal();
}

document.addEventListener("click", (event) => {
  const plain = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
  const link = plain && event.target.closest("a[data-edit], a[data-ask]");
  if (link) {
    event.preventDefault();
    // Whatever goes wrong: the page behind the link does the same.
    (link.matches("[data-edit]") ? edit : ask)(link).catch(() => location.assign(link.href));
  }
  // A question that was left alone closes.
  for (const open of all("details.confirm[open]")) if (!open.contains(event.target)) open.open = false;
});

document.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.("details.confirm[open]");
  if (open) { open.open = false; $("summary", open).focus(); }
});

// A form is sent once.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  setTimeout(() => delete form.dataset.sent, 5000);
});

function enhance(within) {
  all("[data-reveal]", within).forEach(reveal);
  all("[data-guideline]", within).forEach((list) => checklist(list, list.closest("form") ?? document));
  for (const code of all("[data-copy]", within)) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button small", textContent: code.dataset.copy });
    button.onclick = async () => { await navigator.clipboard.writeText(code.textContent); button.textContent = code.dataset.copied; };
    if (navigator.clipboard) code.after(button);
  }
}

enhance(document);
localTimes(document);
listen();
$("#errors")?.focus();
