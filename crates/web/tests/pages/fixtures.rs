//! Data that pages find hard: long addresses and words, letters beyond ASCII, markup in names, every state and failure.

use engine::report::{
    Counts, Exception, FolderLine, Note, RenamedFolder, Report, SCHEMA, SourceLine, Verdict, Verification,
};
use jiff::{SignedDuration, Timestamp};
use service::model::*;
use service::{AuditLine, Readiness};
use uuid::Uuid;
use web::pages::{Flash, Frame, Person};
use web::words::Words;

pub(crate) const DOMAIN: &str = "werkstatt-mueller.example";
pub(crate) const HOSTILE: &str = "<script>alert('x')</script>\"&";

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + n)
}

pub(crate) fn at(minutes: i64) -> Timestamp {
    "2026-11-24T13:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
}

pub(crate) fn words(language: Language) -> Words {
    Words::new(language, Some("Europe/Berlin"))
}

pub(crate) fn frame(language: Language, path: &str) -> Frame {
    Frame {
        words: words(language),
        theme: Theme::System,
        person: Some(Person { name: "anna.schmidt@example.org".into(), role: Role::Operator }),
        csrf: "k7Xw2vYpQ9".into(),
        path: path.into(),
        flash: None,
        live: None,
    }
}

pub(crate) fn stranger(language: Language, path: &str) -> Frame {
    Frame { person: None, ..frame(language, path) }
}

pub(crate) fn flash(frame: Frame, flash: Flash) -> Frame {
    Frame { flash: Some(flash), ..frame }
}

pub(crate) fn domain(name: &str, prepared: u64, current: u64, finished: u64) -> Domain {
    Domain {
        id: DomainId(id(name.bytes().map(u128::from).sum())),
        name: name.into(),
        customer: CustomerId(id(1)),
        customer_name: "anna.schmidt@example.org".into(),
        prepared,
        current_runs: current,
        finished_runs: finished,
    }
}

pub(crate) fn failure(class: &str) -> Failure {
    let message =
        service::failure::CLASSES.iter().find(|(known, _)| *known == class).map_or("?", |(_, said)| said);
    Failure {
        side: Side::Source,
        class: class.into(),
        message: message.into(),
        detail: (class != "connect").then(|| {
            format!("NO [{}] {HOSTILE} (imap.gmail.com:993, 142.250.110.108)", class.to_uppercase())
        }),
        retried: false,
    }
}

fn check() -> CheckOutcome {
    CheckOutcome {
        at: at(0),
        server: Some(FoundServer {
            url: "imaps://imap.old-provider.example:993".into(),
            username: None,
            by: FoundBy::Given,
            provider: None,
        }),
        software: Some("Dovecot".into()),
        folders: 27,
        messages: 4_312,
        octets: Some(2_140_000_000),
        estimate: Some(Estimate { low: 600, high: 890 }),
        mailbox_exists: false,
        failure: None,
        hint: None,
        hint_url: None,
    }
}

pub(crate) fn entry(number: u64, mailbox: &str, state: EntryState) -> Entry {
    Entry {
        id: EntryId(id(u128::from(number) + 100)),
        domain: DomainId(id(3)),
        number,
        server: "imap.old-provider.example".into(),
        username: format!("{mailbox}@old-provider.example"),
        has_password: true,
        mailbox: mailbox.into(),
        has_mailbox_password: true,
        state,
        problems: Vec::new(),
        notes: Vec::new(),
        check: (state == EntryState::Verified).then(check),
        revision: 7,
        updated_at: at(0),
    }
}

fn failed(number: u64, mailbox: &str, class: &str, hint: Option<(ProviderHint, &str)>) -> Entry {
    let mut entry = entry(number, mailbox, EntryState::CheckFailed);
    let mut check = check();
    check.failure = Some(failure(class));
    check.hint = hint.map(|(hint, _)| hint);
    check.hint_url = hint.map(|_| "https://support.google.com/accounts/answer/185833".into());
    check.server = Some(FoundServer {
        url: "imaps://imap.gmail.com:993".into(),
        username: None,
        by: FoundBy::KnownProvider,
        provider: hint.map(|(_, name)| name.to_owned()),
    });
    entry.server = String::new();
    entry.check = Some(check);
    entry
}

/// A list with one entry of each kind, and every class of failure.
pub(crate) fn entries() -> Vec<Entry> {
    let mut list = vec![
        entry(1, "anna", EntryState::Verified),
        entry(2, "joerg.mueller-luedenscheidt", EntryState::Checking),
        entry(3, "info", EntryState::Queued),
        failed(4, "ben", "auth", Some((ProviderHint::AppPassword, "Gmail"))),
        failed(5, "vertrieb", "imap_disabled", Some((ProviderHint::SwitchOnImap, "GMX"))),
    ];
    let mut invalid = entry(6, "buchhaltung", EntryState::Invalid);
    invalid.problems = service::password_policy::problems("kurz");
    invalid.problems.push(Problem::new("server", "server_scheme", "x"));
    invalid.notes.push(Problem::new("", "csv_line", "Line 12 of the file.").with("line", 12));
    list.push(invalid);
    let mut hostile = entry(7, "", EntryState::Invalid);
    (hostile.username, hostile.server) = (HOSTILE.into(), HOSTILE.into());
    hostile.problems = vec![
        Problem::new("mailbox", "mailbox_missing", "x"),
        Problem::new("server", "of_tomorrow", HOSTILE),
        Problem::new("mailbox", "mailbox_other_domain", "x").with("domain", HOSTILE),
    ];
    list.push(hostile);
    let mut existing =
        entry(8, "geschaeftsfuehrungssekretariat.nordrhein-westfalen.koeln", EntryState::Verified);
    existing.username =
        "geschaeftsfuehrungssekretariat.nordrhein-westfalen.koeln@sehr-langer-anbietername.example".into();
    existing.notes.push(Problem::new("mailbox", "mailbox_shared", "x").with("lines", "3, 8"));
    if let Some(check) = &mut existing.check {
        (check.mailbox_exists, check.folders, check.messages, check.octets) = (true, 1, 1, None);
        check.estimate = Some(Estimate { low: 1, high: 20 });
        check.server = Some(FoundServer {
            url: "imaps://imap.sehr-langer-anbietername.example:993".into(),
            username: None,
            by: FoundBy::Srv,
            provider: None,
        });
    }
    list.push(existing);
    let classes = service::failure::CLASSES
        .iter()
        .map(|(class, _)| *class)
        .filter(|class| !["auth", "imap_disabled"].contains(class));
    list.extend(
        (9..).zip(classes).map(|(number, class)| failed(number, &format!("postfach.{class}"), class, None)),
    );
    list
}

/// Many entries, all in good order but two.
pub(crate) fn many_entries(count: u64) -> Vec<Entry> {
    let one = |n: u64| match n {
        17 => failed(n, "mitarbeiter.0017", "dns", None),
        203 => failed(n, "mitarbeiter.0203", "auth", Some((ProviderHint::MailProgramPassword, "T-Online"))),
        n => entry(n, &format!("mitarbeiter.{n:04}"), EntryState::Verified),
    };
    (1..=count).map(one).collect()
}

pub(crate) fn readiness(entries: &[Entry]) -> Readiness {
    let count = |states: &[EntryState]| entries.iter().filter(|e| states.contains(&e.state)).count() as u64;
    let bad = [EntryState::Invalid, EntryState::CheckFailed];
    Readiness {
        entries: entries.len() as u64,
        verified: count(&[EntryState::Verified]),
        need_attention: count(&bad),
        pending: count(&[EntryState::Queued, EntryState::Checking]),
        first_failed: entries.iter().find(|e| bad.contains(&e.state)).map(|e| e.id),
    }
}

fn progress(done: u64, speed: u64) -> Progress {
    Progress {
        folders: 27,
        messages_total: 4_312,
        messages_done: 4_312 * done / 100,
        octets_total: Some(2_140_000_000),
        octets_done: 21_400_000 * done,
        imported: 4_312 * done / 100,
        speed,
        remaining: (speed > 0).then_some(Estimate { low: 600, high: 890 }),
    }
}

pub(crate) fn run_summary(number: u64, state: RunState, done: u64) -> RunSummary {
    let ended = !state.is_current();
    RunSummary {
        id: RunId(id(u128::from(number) + 9_000)),
        domain: DomainId(id(3)),
        domain_name: DOMAIN.into(),
        number,
        state,
        started_at: at(-90 * number as i64),
        finished_at: ended.then(|| at(-90 * number as i64 + 74)),
        progress: progress(done, if state == RunState::Running { 4_230_000 } else { 0 }),
        imports: match state {
            RunState::Completed => StateCounts { done: 14, ..StateCounts::default() },
            RunState::CompletedWithExceptions => {
                StateCounts { done: 12, done_with_exceptions: 2, ..StateCounts::default() }
            }
            RunState::Failed => StateCounts { done: 11, failed: 3, ..StateCounts::default() },
            RunState::Cancelled => StateCounts { done: 4, cancelled: 10, ..StateCounts::default() },
            RunState::Paused => StateCounts { done: 4, paused: 10, ..StateCounts::default() },
            RunState::Running => StateCounts {
                waiting: 3,
                working: 3,
                retrying: 1,
                paused: 1,
                done: 4,
                done_with_exceptions: 1,
                failed: 1,
                cancelled: 0,
            },
        },
        exceptions: if state == RunState::CompletedWithExceptions { 3 } else { 0 },
        revision: 40,
    }
}

pub(crate) fn import(number: u64, mailbox: &str, state: ImportState, done: u64) -> Import {
    let copying = state == ImportState::Copying;
    Import {
        id: ImportId(id(u128::from(number) + 5_000)),
        run: RunId(id(9_001)),
        number,
        server: "imaps://imap.old-provider.example:993".into(),
        username: format!("{mailbox}@old-provider.example"),
        mailbox: format!("{mailbox}@{DOMAIN}"),
        state,
        progress: progress(done, if copying { 1_412_000 } else { 0 }),
        current_folder: copying.then(|| "Archiv/2019/Rechnungen & Mahnungen <alt>".into()),
        retry_at: (state == ImportState::Retrying).then(|| at(32)),
        failure: None,
        exceptions: if state == ImportState::DoneWithExceptions { 3 } else { 0 },
        mailbox_created: true,
        started_at: (state != ImportState::Waiting).then(|| at(-60)),
        finished_at: state.is_final().then(|| at(14)),
        revision: 12,
        takeovers: 0,
        folders: Vec::new(),
        samples: Vec::new(),
        report: None,
    }
}

/// An import in every state.
pub(crate) fn imports() -> Vec<Import> {
    use ImportState as S;
    let mut list = vec![
        import(1, "anna", S::Done, 100),
        import(2, "joerg.mueller-luedenscheidt", S::Copying, 37),
        import(3, "geschaeftsfuehrungssekretariat.nordrhein-westfalen.koeln", S::Scanning, 0),
        import(4, "ben", S::Creating, 0),
        import(5, "info", S::Retrying, 61),
        import(6, "vertrieb", S::Paused, 12),
        import(7, "buchhaltung", S::DoneWithExceptions, 100),
        import(8, "archiv", S::Failed, 44),
        import(9, "einkauf", S::Cancelled, 3),
        import(10, "lager", S::Waiting, 0),
    ];
    list[3].progress = Progress::default();
    list[2].progress = Progress::default();
    list[9].progress = Progress::default();
    list[4].failure = Some(failure("throttled"));
    list[7].failure = Some(failure("quota"));
    list[7].takeovers = 1;
    list
}

/// A curve with a slow start and a pause, up to 37 %.
pub(crate) fn samples() -> Vec<Sample> {
    let mut octets: u64 = 0;
    let one = |n: u64| {
        let speed = match n {
            0..10 => 60_000 * n,
            30..44 => 0,
            _ => 500_000 + (n * n * 7919 % 600_000),
        };
        octets += speed * 15;
        Sample { at: at(0) + SignedDuration::from_secs(15 * n as i64), messages: octets / 400_000, octets }
    };
    (0..88).map(one).collect()
}

pub(crate) fn folders() -> Vec<FolderProgress> {
    let folder = |name: &str, destination: &str, total: u64, done: u64, octets: u64| FolderProgress {
        name: name.into(),
        destination: destination.into(),
        messages_total: total,
        messages_done: done,
        octets_total: Some(octets),
        octets_done: octets * done / total.max(1),
    };
    vec![
        folder("INBOX", "INBOX", 1_204, 1_204, 610_000_000),
        folder("Gesendete Objekte", "Sent", 982, 982, 720_000_000),
        folder(
            "Archiv/2019/Rechnungen & Mahnungen <alt>",
            "Archiv/2019/Rechnungen & Mahnungen <alt>",
            1_480,
            391,
            522_000_000,
        ),
        folder(
            "Straßenverkehrsordnungswidrigkeitenverfahren",
            "Straßenverkehrsordnungswidrigkeitenverfahren",
            310,
            0,
            161_000_000,
        ),
        folder("Entwürfe", "Drafts", 12, 0, 2_400_000),
        folder("Projekte.alt", "Projekte_alt", 88, 0, 41_000_000),
        folder("Spam", "Junk", 236, 0, 19_000_000),
        folder("Leer", "Leer", 0, 0, 0),
    ]
}

pub(crate) fn report(verdict: Verdict, exceptions: usize) -> Report {
    let counts = |listed: u64, unreadable: u64| Counts {
        listed,
        imported: listed - unreadable,
        unreadable,
        bytes: listed * 480_000,
        ..Counts::default()
    };
    let line = |source: &str, destination: &str, counts: Counts| FolderLine {
        source: source.into(),
        destination: destination.into(),
        role: None,
        uidvalidity: 1,
        counts,
    };
    let unreadable = exceptions as u64;
    let mut folders = vec![
        line("INBOX", "INBOX", counts(1_204, 0)),
        line("Gesendete Objekte", "Sent", counts(982, 0)),
        line(
            "Archiv/2019/Rechnungen & Mahnungen <alt>",
            "Archiv/2019/Rechnungen & Mahnungen <alt>",
            counts(1_480 + unreadable, unreadable),
        ),
        line("Projekte.alt", "Projekte_alt", counts(88, 0)),
    ];
    folders[1].counts.already_there = 40;
    folders[1].counts.imported -= 40;
    let mut totals = Counts::default();
    folders.iter().for_each(|folder| totals.add(&folder.counts));
    Report {
        schema: SCHEMA.into(),
        verdict,
        source: SourceLine { host: "imap.old-provider.example".into(), user: "buchhaltung@old-provider.example".into(), server: None },
        destination: "maildir".into(),
        started_at: at(-60),
        finished_at: at(14),
        totals,
        folders,
        exceptions: (0..exceptions).map(exception).collect(),
        renamed_folders: vec![
            RenamedFolder {
                source: "Projekte.alt".into(),
                destination: "Projekte_alt".into(),
                why: "The new mailbox does not allow “.” in a folder name.".into(),
            },
            RenamedFolder { source: "Gesendete Objekte".into(), destination: "Sent".into(), why: "It is the folder for sent mail.".into() },
        ],
        left_out: [("Kalender".to_owned(), "It holds appointments, contacts or tasks, which are no mail.".to_owned())].into(),
        notes: vec![Note {
            folder: "INBOX".into(),
            class: "date_adjusted".into(),
            uids: "12,90:94".into(),
            message: "The date was missing or out of range at the old server, and was taken from the message itself.".into(),
        }],
        verification: Verification { compared: 3_754, different: 0 },
        differences: None,
        error: None,
    }
}

fn exception(n: usize) -> Exception {
    let whole = n == 1;
    Exception {
        folder: "Archiv/2019/Rechnungen & Mahnungen <alt>".into(),
        uid: (!whole).then_some(4_711 + n as u32),
        class: if whole { "folder_denied".into() } else { "unreadable".into() },
        message: if whole {
            "The old server does not let us open folder Archiv/2019. (NO [NOPERM] Permission denied)".into()
        } else {
            "The old server refuses to hand over this message.".into()
        },
        size: (!whole).then_some(11_400_000),
        date: (!whole).then(|| "Tue, 12 Mar 2019 09:14:03 +0100".into()),
        from: (!whole).then(|| format!("Käthe {HOSTILE} <kaethe.grossmann@lieferant.example>")),
        subject: match n {
            1 | 2 => None,
            _ => Some("Rechnung Nr. 2019-0312 für Donaudampfschifffahrtsgesellschaftskapitänsmützen".into()),
        },
        retryable: whole,
    }
}

pub(crate) fn working_import() -> Import {
    let mut import = import(2, "joerg.mueller-luedenscheidt", ImportState::Copying, 37);
    (import.samples, import.folders) = (samples(), folders());
    import
}

pub(crate) fn finished_import(verdict: Verdict, exceptions: usize) -> Import {
    let state = match verdict {
        Verdict::Complete => ImportState::Done,
        Verdict::CompleteWithExceptions => ImportState::DoneWithExceptions,
        Verdict::Incomplete => ImportState::Failed,
    };
    let mut import = import(7, "buchhaltung", state, if verdict == Verdict::Incomplete { 61 } else { 100 });
    (import.samples, import.folders) = (samples(), folders());
    import.report = Some(report(verdict, exceptions));
    import.exceptions = exceptions as u64;
    if verdict == Verdict::Incomplete {
        import.failure = Some(failure("disk_full"));
        import.takeovers = 2;
    }
    import
}

pub(crate) fn customer(n: u128, name: &str, role: Role) -> Customer {
    Customer {
        id: CustomerId(id(n)),
        name: name.into(),
        role,
        email: Some(name.to_owned()),
        language: None,
        theme: Theme::System,
        has_password: true,
        has_totp: role == Role::Operator,
        disabled: false,
        created_at: at(-100_000),
        domains: n as u64,
    }
}

/// Being told on both ways, with troubles.
pub(crate) fn notices() -> NoticeSettings {
    let notice = |channel, state, outcome, code| Notice {
        channel,
        run: Some(RunId(id(3))),
        state,
        outcome: Some(outcome),
        code: Some(code),
        attempts: 3,
        at: at(100),
        retry_at: (state == NoticeState::Retrying).then(|| at(115)),
    };
    NoticeSettings {
        email_offered: true,
        email: true,
        address: Some("anna.schmidt@example.org".into()),
        webhook: Some(
            "https://hooks.example.org/mailimport?key=4f8fK2sQxV0bq7cWm3nT9yRzL5eHjD1aUoPiG6tB".into(),
        ),
        last_email: Some(notice(Channel::Email, NoticeState::Failed, NoticeOutcome::MailRefused, 550)),
        last_webhook: Some(notice(Channel::Webhook, NoticeState::Retrying, NoticeOutcome::Status, 503)),
    }
}

/// Being told of nothing, where there is no mail server.
pub(crate) fn no_notices() -> NoticeSettings {
    NoticeSettings {
        email_offered: false,
        email: true,
        address: None,
        webhook: None,
        last_email: None,
        last_webhook: None,
    }
}

pub(crate) fn customers() -> Vec<Customer> {
    let mut list = vec![
        customer(1, "anna.schmidt@example.org", Role::Operator),
        customer(2, "geschaeftsfuehrung@kfz-werkstatt-mueller-luedenscheidt.example", Role::Customer),
        customer(3, "neu", Role::Customer),
        customer(4, "gesperrt@example.net", Role::Customer),
    ];
    (list[2].has_password, list[2].email) = (false, Some("neu@example.com".into()));
    list[3].disabled = true;
    list
}

pub(crate) fn tokens() -> Vec<Token> {
    let token = |n: u128, name: &str, scopes: &[Scope]| Token {
        id: TokenId(id(n + 700)),
        name: name.into(),
        scopes: scopes.to_vec(),
        created_at: at(-50_000),
        last_used_at: (n == 1).then(|| at(-3)),
        expires_at: (n == 1).then(|| at(80_000)),
    };
    vec![
        token(1, "nightly reports", &[Scope::Read]),
        token(2, HOSTILE, &[Scope::Read, Scope::Write, Scope::Admin]),
    ]
}

pub(crate) fn audit() -> Vec<AuditLine> {
    let line = |n: i64, actor: &str, action: &str, subject: &str, address: Option<&str>| AuditLine {
        id: 100 - n,
        at: at(-7 * n),
        actor: actor.into(),
        customer: None,
        action: action.into(),
        subject: subject.into(),
        address: address.map(str::to_owned),
    };
    vec![
        line(1, "anna.schmidt@example.org", "run.start", "example.org: 14 mailboxes", Some("203.0.113.7")),
        line(2, "", "sign_in.refused", HOSTILE, Some("2001:db8:85a3:8d3:1319:8a2e:370:7348")),
        line(3, "anna.schmidt@example.org", "customer.link", "neu", None),
        line(4, "anna.schmidt@example.org", "of.tomorrow", "something", None),
    ]
}

/// A small OpenAPI description with everything that the page reads.
pub(crate) fn openapi() -> serde_json::Value {
    serde_json::json!({
        "openapi": "3.1.0",
        "info": {"title": "mailimport API", "version": "1", "description": "Everything the pages do.\n\nErrors are problem details (RFC 9457)."},
        "tags": [{"name": "entries"}, {"name": "runs"}],
        "paths": {
            "/api/v1/domains/{domain}/entries": {
                "parameters": [{"name": "domain", "in": "path", "required": true, "schema": {"type": "string"}, "description": "Name of the domain."}],
                "get": {"tags": ["entries"], "operationId": "listEntries", "summary": "The prepared list", "security": [{"token": ["read"]}],
                    "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "format": "int64"}, "description": "At most so many."}],
                    "responses": {"200": {"description": "A page.", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}}}}}},
                "post": {"tags": ["entries"], "operationId": "addEntry", "summary": "Add to the prepared list", "security": [{"token": ["write"]}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewEntry"}}}},
                    "responses": {"201": {"description": "Added.", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Entry"}}}}, "422": {"description": "A problem."}}}
            },
            "/api/v1/runs/{run}/cancel": {"post": {"tags": ["runs"], "operationId": "cancelRun", "summary": "Cancel a run; what was copied stays", "description": "Idempotent.", "responses": {"204": {"description": "Done."}}}}
        },
        "components": {"schemas": {
            "Entry": {"type": "object", "description": "A line of the prepared list.", "required": ["id", "state"], "properties": {
                "id": {"type": "string", "format": "uuid"}, "state": {"$ref": "#/components/schemas/EntryState"},
                "check": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/CheckOutcome"}], "description": "What the latest check saw."}}},
            "EntryState": {"type": "string", "enum": ["invalid", "queued", "checking", "verified", "check_failed"]},
            "NewEntry": {"type": "object", "required": ["username"], "properties": {"username": {"type": "string"}, "password": {"type": ["string", "null"], "format": "password", "description": "Write-only."}}},
            "CheckOutcome": {"type": "object", "properties": {"folders": {"type": "integer"}}}
        }}
    })
}
