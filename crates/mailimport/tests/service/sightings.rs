//! Where a secret is seen, in whatever form somebody may have written it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};

use crate::process::rand_name;

/// A secret that stands nowhere else in the world.
#[derive(Clone)]
pub(crate) struct Canary {
    pub(crate) what: &'static str,
    pub(crate) text: String,
    /// Its middle, which every way to quote leaves as it is.
    core: String,
}

impl Canary {
    /// With characters that CSV, JSON, HTML and addresses write otherwise.
    pub(crate) fn new(what: &'static str) -> Canary {
        let core = format!("{}{}", rand_name(), rand_name());
        Canary { what, text: format!("\"Ab-1;&\u{e9}{core}<+ %"), core }
    }

    /// As others gave it.
    pub(crate) fn of(what: &'static str, text: &str) -> Canary {
        Canary { what, text: text.to_owned(), core: text.to_owned() }
    }

    /// Everything that is looked for, each with its name. `user` is who logs in with it.
    pub(crate) fn forms(&self, user: &str) -> Vec<(&'static str, String)> {
        let (text, core) = (&self.text, &self.core);
        let plain = format!("\0{user}\0{text}");
        let mut forms = vec![
            ("plain", text.clone()),
            ("its middle", core.clone()),
            ("base64", BASE64_STANDARD_NO_PAD.encode(text)),
            ("base64 for addresses", BASE64_URL_SAFE_NO_PAD.encode(text)),
            ("base64 of SASL PLAIN", BASE64_STANDARD_NO_PAD.encode(plain)),
            ("URL-encoded", encoded(text)),
            ("hex", hex(text)),
            ("HEX", hex(text).to_uppercase()),
            ("JSON", serde_json::to_string(text).unwrap()),
            ("octets as a list", octets(core)),
        ];
        forms.extend((0..3).map(|shift| ("base64 of something around it", shifted(core, shift))));
        forms
    }
}

/// The middle of what base64 makes of `core` behind so many octets more than a multiple of three.
fn shifted(core: &str, shift: usize) -> String {
    let encoded = BASE64_STANDARD_NO_PAD.encode(format!("{}{core}", "x".repeat(shift)));
    // The first and last letters hold bits of what is around.
    encoded[4..encoded.len() - 4].to_owned()
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn hex(text: &str) -> String {
    text.bytes().fold(String::new(), |mut hex, octet| {
        write!(hex, "{octet:02x}").unwrap();
        hex
    })
}

/// As Rust prints octets for debugging.
fn octets(text: &str) -> String {
    format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned()
}

/// What is looked for, and what was found.
pub(crate) struct Watch {
    wanted: Vec<(String, Vec<u8>)>,
    found: BTreeSet<String>,
    pub(crate) looked_at: usize,
}

impl Watch {
    pub(crate) fn new(canaries: &[(&Canary, &str)]) -> Watch {
        let wanted = canaries.iter().flat_map(|(canary, user)| {
            let named =
                |(form, text): (&str, String)| (format!("{} ({form})", canary.what), text.into_bytes());
            canary.forms(user).into_iter().map(named)
        });
        Watch { wanted: wanted.collect(), found: BTreeSet::new(), looked_at: 0 }
    }

    pub(crate) fn look(&mut self, place: &str, octets: &[u8]) {
        self.looked_at += 1;
        for (what, form) in &self.wanted {
            if contains(octets, form) {
                self.found.insert(format!("{what} in {place}"));
            }
        }
    }

    /// All files below a directory.
    pub(crate) fn look_below(&mut self, directory: &Path) {
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            self.look("a file's name", path.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                self.look_below(&path);
            } else if let Ok(octets) = std::fs::read(&path) {
                self.look(&path.display().to_string(), &octets);
            }
        }
    }

    /// Arguments and environment of all processes. One can end while it is looked at.
    pub(crate) fn look_at_processes(&mut self) -> BTreeSet<u32> {
        let mut seen = BTreeSet::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            for file in ["cmdline", "environ"] {
                if let Ok(octets) = std::fs::read(entry.path().join(file)) {
                    self.look(&format!("/proc/{id}/{file}"), &octets);
                    seen.insert(id);
                }
            }
        }
        seen
    }

    pub(crate) fn found(&self) -> Vec<&str> {
        self.found.iter().map(String::as_str).collect()
    }

    #[track_caller]
    pub(crate) fn saw_nothing(&self) {
        assert!(self.looked_at > 0 && self.found.is_empty(), "{:#?}", self.found);
    }
}

/// The core has no octet twice in a row often; looking for the first one is quick enough.
fn contains(octets: &[u8], form: &[u8]) -> bool {
    let Some((first, _)) = form.split_first() else { return false };
    let mut from = 0;
    while let Some(at) = octets[from..].iter().position(|octet| octet == first) {
        from += at;
        if octets[from..].starts_with(form) {
            return true;
        }
        from += 1;
    }
    false
}

#[test]
fn a_planted_canary_is_found_in_every_form_and_place() {
    let canary = Canary::new("planted");
    for (form, text) in canary.forms("alice") {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("deep")).unwrap();
        let mut watch = Watch::new(&[(&canary, "alice")]);
        let file = directory.path().join("deep/mailimport.db-wal");
        std::fs::write(&file, "nothing").unwrap();
        watch.look_below(directory.path());
        watch.saw_nothing();
        std::fs::write(&file, [b"\x00\xffbefore", text.as_bytes(), b"\x01after"].concat()).unwrap();
        watch.look_below(directory.path());
        let found = watch.found();
        assert!(
            found.iter().any(|found| found.contains(&format!("({form})")) && found.contains("db-wal")),
            "{found:?}"
        );
    }
    // Within something longer, at each place within base64's groups.
    for before in ["", "1", "12"] {
        let mut watch = Watch::new(&[(&canary, "somebody else")]);
        watch.look("a line", BASE64_STANDARD_NO_PAD.encode(format!("{before}{}x", canary.text)).as_bytes());
        assert!(!watch.found().is_empty(), "{before}");
    }
    for (argument, variable) in [(canary.text.as_str(), ""), ("", canary.text.as_str())] {
        let mut process = std::process::Command::new("sh")
            .args(["-c", "read -r line", argument])
            .env("PLANTED", variable)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut watch = Watch::new(&[(&canary, "alice")]);
        assert!(watch.look_at_processes().contains(&process.id()));
        let file = if argument.is_empty() { "environ" } else { "cmdline" };
        let found = watch.found();
        assert!(
            found.iter().any(|found| found.ends_with(&format!("/proc/{}/{file}", process.id()))),
            "{found:?}"
        );
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
