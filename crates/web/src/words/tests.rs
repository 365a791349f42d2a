use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fluent_bundle::FluentResource;
use jiff::SignedDuration;
use service::model::{Estimate, Problem};

use super::*;

fn english() -> Words {
    Words::new(Language::English, None)
}

fn german() -> Words {
    Words::new(Language::German, None)
}

fn both() -> [Words; 2] {
    [english(), german()]
}

/// Names and places of the sentences of a language.
fn keys(files: &[&str]) -> BTreeSet<String> {
    let name = |line: &str| {
        let (name, _) = line.split_once(" =")?;
        name.chars().next()?.is_ascii_alphabetic().then(|| name.to_owned())
    };
    files.iter().flat_map(|file| file.lines().filter_map(name)).collect()
}

/// `$name`s in the text of each sentence.
fn variables(files: &[&str]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut key = String::new();
    for line in files.iter().flat_map(|file| file.lines()) {
        if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '#'])) {
            name.clone_into(&mut key);
        }
        for part in line.split("{ $").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_alphabetic).collect();
            found.insert((key.clone(), name));
        }
    }
    found
}

fn files_below(directory: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, extension, into);
        } else if path.extension().is_some_and(|found| found == extension) {
            into.push(path);
        }
    }
}

fn sources(directory: &str, extension: &str) -> Vec<String> {
    let mut files = Vec::new();
    files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(directory), extension, &mut files);
    assert!(!files.is_empty(), "{directory}");
    // Tests name what is not there.
    files.retain(|file| !file.ends_with("tests.rs"));
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The string literals right behind each `call` in a source.
fn literals(source: &str, call: &str) -> Vec<String> {
    let behind = source.split(call).skip(1);
    behind
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned))
        .collect()
}

#[test]
fn every_file_of_the_locales_is_sound() {
    for file in ENGLISH.iter().chain(GERMAN) {
        let errors = FluentResource::try_new((*file).to_owned()).err().map(|(_, errors)| errors);
        assert_eq!(errors, None, "{}", &file[..60]);
    }
    for (name, files) in [("en", ENGLISH), ("de", GERMAN)] {
        let all = files
            .iter()
            .flat_map(|file| file.lines())
            .filter(|line| line.contains(" = ") && !line.starts_with([' ', '#']));
        let mut seen = BTreeSet::new();
        for line in all {
            assert!(seen.insert(line.split(" = ").next().unwrap()), "{name}: twice: {line}");
        }
    }
}

#[test]
fn both_languages_say_the_same_things_with_the_same_values() {
    let (english, german) = (keys(ENGLISH), keys(GERMAN));
    assert_eq!(english.symmetric_difference(&german).collect::<Vec<_>>(), Vec::<&String>::new());
    let known: BTreeSet<_> = variables(ENGLISH).into_iter().filter(|(_, name)| name != "n").collect();
    let other: BTreeSet<_> = variables(GERMAN).into_iter().filter(|(_, name)| name != "n").collect();
    assert_eq!(known.symmetric_difference(&other).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

#[test]
fn every_sentence_that_code_and_templates_name_is_there() {
    let mut named = BTreeSet::new();
    for source in sources("src", "rs").into_iter().chain(sources("templates", "html")) {
        for call in
            ["say(", "count(", "naming(", "words.with(", "Field::new(words, ", "Field::new(&self.f.words, "]
        {
            let found = literals(&source, call);
            // The label of a field stands behind its name.
            if call.starts_with("Field") {
                let labels = source.split(call).skip(1).filter_map(|rest| rest.split('"').nth(3));
                named.extend(labels.map(str::to_owned));
            } else {
                named.extend(found);
            }
        }
    }
    assert!(named.len() > 200, "{}", named.len());
    let unknown: Vec<_> = named.iter().filter(|key| !english().knows(key)).collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

#[test]
fn every_sentence_is_used() {
    let everything = sources("src", "rs").into_iter().chain(sources("templates", "html")).collect::<String>();
    let composed = [
        "problem-",
        "failure-",
        "exception-",
        "note-",
        "hint-",
        "estimate-",
        "month-",
        "fault-",
        "audit-",
        "tally-",
        "guideline-",
        "field-",
        "show-",
        "notice-outcome-",
    ];
    let unused: Vec<String> = keys(ENGLISH)
        .into_iter()
        .filter(|key| !everything.contains(&format!("\"{key}\"")))
        .filter(|key| composed.iter().all(|prefix| !key.starts_with(prefix)))
        .collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn every_problem_that_service_finds_has_its_sentence() {
    let mut codes = BTreeSet::new();
    for source in sources("../service/src", "rs") {
        let source = source.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        for part in source.split("Problem::new(").skip(1) {
            let mut parts = part.splitn(3, ',');
            let code = parts.nth(1).unwrap_or_default().trim();
            codes.extend(code.strip_prefix('"').and_then(|code| code.strip_suffix('"')).map(str::to_owned));
        }
        // Short forms with the code first, and the rules of passwords.
        codes.extend(literals(&source, " problem("));
        codes.extend(literals(&source, "(problem("));
    }
    use service::password_policy::{SignInUnmet, Unmet};
    codes.extend(Unmet::ALL.map(|unmet| unmet.code().to_owned()));
    codes.extend([SignInUnmet::Length, SignInUnmet::NotTheName].map(|unmet| unmet.code().to_owned()));
    codes.extend(["password_characters", "mailbox_password_characters"].map(str::to_owned));
    codes.extend(
        ["password_long", "mailbox_password_long", "csv_quote_unclosed", "csv_quote_text"].map(str::to_owned),
    );
    assert!(codes.len() > 25, "{codes:?}");
    for words in both() {
        let unknown: Vec<_> = codes.iter().filter(|code| !words.knows(&format!("problem-{code}"))).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{}", words.code());
    }
}

#[test]
fn every_class_of_failure_has_its_sentence() {
    let more = [
        "timeout",
        "not_imap",
        "blocked_address",
        "daily_limit",
        "too_many_connections",
        "locked",
        "interrupted",
    ];
    let classes = service::failure::CLASSES.iter().map(|(class, _)| *class).chain(more);
    for (class, words) in classes.flat_map(|class| both().map(|words| (class, words))) {
        assert!(words.knows(&format!("failure-{class}")), "{} {class}", words.code());
    }
}

#[test]
fn every_action_of_the_audit_log_has_its_words() {
    let mut actions = BTreeSet::new();
    for source in sources("../service/src", "rs") {
        for part in source
            .split("audit::")
            .skip(1)
            .filter(|part| part.starts_with("record(") || part.starts_with("write("))
        {
            let literal = part.split('"').nth(1).unwrap_or_default();
            let is_action = literal.contains('.')
                && literal.bytes().all(|b| b.is_ascii_lowercase() || b"._".contains(&b));
            actions.extend(is_action.then(|| format!("audit-{}", literal.replace('.', "-"))));
        }
    }
    assert!(actions.len() > 5, "{actions:?}");
    for words in both() {
        let unknown: Vec<_> = actions.iter().filter(|key| !words.knows(key)).collect();
        assert_eq!(unknown, Vec::<&String>::new(), "{}", words.code());
    }
}

#[test]
fn every_engine_reason_has_its_german() {
    let mut unknown = Vec::new();
    for file in ["plan.rs", "plan/roles.rs", "plan/rules.rs", "plan/selection.rs", "plan/place.rs"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/src").join(file);
        let source = fs::read_to_string(path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        for literal in source.split('"').skip(1).step_by(2) {
            let sentence =
                literal.starts_with(char::is_uppercase) && literal.ends_with('.') && literal.contains(' ');
            if !sentence {
                continue;
            }
            let filled: String =
                ["{c}", "{}"].iter().fold(literal.to_owned(), |text, gap| text.replace(gap, "x"));
            if reasons::in_german(&filled) == filled {
                unknown.push(filled);
            }
        }
    }
    assert_eq!(unknown, Vec::<String>::new());
}

#[test]
fn reasons_of_several_sentences_become_german_with_their_names() {
    let said = reasons::in_german(
        "Its parent folder is saved as A (1). B. The name is too long for the new mailbox.",
    );
    assert_eq!(said, "Its parent folder is saved as A (1). B. The name is too long for the new mailbox.");
    let said = reasons::in_german(
        "Its parent folder is saved as A.b. The new mailbox does not allow “.” in a folder name.",
    );
    assert_eq!(
        said,
        "Der übergeordnete Ordner heißt im neuen Postfach A.b. Im neuen Postfach darf „.“ nicht in einem Ordnernamen stehen."
    );
    assert_eq!(reasons::in_german("Something new."), "Something new.");
}

#[test]
fn problems_are_filled_and_unknown_ones_keep_their_english() {
    let problem = Problem::new("file", "csv_too_many_rows", "x").with("limit", 10_000);
    assert!(english().problem(&problem).contains("10,000"));
    assert!(german().problem(&problem).contains("10.000"));
    let columns = Problem::new("file", "csv_column_missing", "x").with("columns", "password, mailbox");
    assert!(german().problem(&columns).ends_with("IMAP-Passwort, Postfach"));
    assert_eq!(german().problem(&Problem::new("", "of_tomorrow", "Said in English.")), "Said in English.");
}

#[test]
fn numbers_and_sizes_are_written_as_the_language_writes_them() {
    for (octets, en, de) in [
        (0, "0\u{a0}B", "0\u{a0}B"),
        (999, "999\u{a0}B", "999\u{a0}B"),
        (1_500, "2\u{a0}kB", "2\u{a0}kB"),
        (999_499, "999\u{a0}kB", "999\u{a0}kB"),
        (999_999, "1.0\u{a0}MB", "1,0\u{a0}MB"),
        (2_140_000_000, "2.1\u{a0}GB", "2,1\u{a0}GB"),
        (123_456_789_012, "123\u{a0}GB", "123\u{a0}GB"),
        (u64::MAX, "18447\u{a0}PB", "18447\u{a0}PB"),
    ] {
        assert_eq!((english().octets(octets).as_str(), german().octets(octets).as_str()), (en, de));
    }
    assert_eq!(english().number(4_312), "4,312");
    assert_eq!(german().number(1_234_567), "1.234.567");
    assert_eq!(english().count("messages", 1), "1 message");
    assert_eq!(german().count("messages", 4_312), "4.312 Nachrichten");
    assert_eq!(english().speed(0), "–");
}

#[test]
fn estimates_are_ranges_rounded_outwards() {
    for (low, high, en, de) in [
        (5, 50, "less than a minute", "weniger als eine Minute"),
        (61, 61, "about 1–2 minutes", "etwa 1–2 Minuten"),
        (600, 890, "about 10–15 minutes", "etwa 10–15 Minuten"),
        (660, 660, "about 11 minutes", "etwa 11 Minuten"),
        (3_600, 5_400, "about 60–90 minutes", "etwa 60–90 Minuten"),
        (3_600, 10_000, "about 1–3 hours", "etwa 1–3 Stunden"),
        (86_400, 400_000, "about 1–5 days", "etwa 1–5 Tage"),
        (900, 60, "less than a minute", "weniger als eine Minute"),
    ] {
        let estimate = Estimate { low, high };
        assert_eq!((english().estimate(&estimate).as_str(), german().estimate(&estimate).as_str()), (en, de));
    }
}

#[test]
fn times_are_the_readers_own_or_say_utc() {
    let at: jiff::Timestamp = "2026-03-04T13:32:00Z".parse().unwrap();
    assert_eq!(english().moment(at), "4\u{a0}Mar 2026, 13:32\u{a0}UTC");
    let berlin = Words::new(Language::German, Some("Europe/Berlin"));
    assert_eq!(berlin.moment(at), "4.\u{a0}März 2026, 14:32");
    assert_eq!(Words::new(Language::German, Some("Nowhere/Else")).time(at), "13:32\u{a0}UTC");
    assert_eq!(english().duration(SignedDuration::from_secs(42)), "42\u{a0}s");
    assert_eq!(english().duration(SignedDuration::from_secs(8_040)), "2\u{a0}h 14\u{a0}min");
    assert_eq!(english().duration(SignedDuration::from_secs(-5)), "0\u{a0}s");
}

#[test]
fn the_browsers_language_is_understood() {
    for (header, language) in [
        ("de-AT,de;q=0.9,en;q=0.8", Language::German),
        ("en-US,en;q=0.9,de;q=0.5", Language::English),
        ("fr-FR,de;q=0.7", Language::German),
        ("fr", Language::English),
        ("", Language::English),
        ("\u{0};;,,q=", Language::English),
    ] {
        assert_eq!(preferred(header), language, "{header}");
    }
}
