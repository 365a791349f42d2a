//! Whatever a folder is called: no control character of it reaches a terminal, the JSON document reads back as it was,
//! and no markup of it gets into the page.

use std::sync::LazyLock;

use askama::Template;
use engine::report::{
    Counts, Difference, Exception, FolderLine, Note, RenamedFolder, Report, Side, SourceLine, Stop,
};
use service::model::{Import, ImportId, ImportState, Language, Progress, RunId};
use web::pages::report::ReportFile;
use web::words::Words;

use crate::{document, human};

/// The octets are what a server calls a folder, what stands in a message's header, and what the server says.
pub(crate) fn check(octets: &[u8]) {
    let name = imap::WireName::new(octets).decode(imap::NameEncoding::Utf8).text;
    let told = report(&name);
    readable(&human::report(&told), &USUAL.text);
    json(&told);
    for (language, usual) in &USUAL.pages {
        page(&page_of(told.clone(), *language), usual);
    }
}

/// What an ordinary name makes of it.
struct Usual {
    text: String,
    pages: [(Language, String); 2],
}

static USUAL: LazyLock<Usual> = LazyLock::new(|| {
    let pages = [Language::English, Language::German];
    let usual = report("name");
    Usual {
        text: human::report(&usual),
        pages: pages.map(|language| (language, page_of(usual.clone(), language))),
    }
});

fn readable(text: &str, usual: &str) {
    let bad = |c: char| c != '\n' && (c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c));
    assert!(!text.contains(bad), "{text:?}");
    assert_eq!(text.lines().count(), usual.lines().count(), "a name made a line: {text}");
}

fn json(report: &Report) {
    let text = document::json(report).expect("a document");
    let bad = |c: char| c != '\n' && (c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c));
    assert!(!text.contains(bad), "{text:?}");
    assert_eq!(&serde_json::from_str::<Report>(&text).expect("JSON"), report);
}

fn page(markup: &str, usual: &str) {
    // Equal as markup: a name adds no element, closes none and leaves no attribute.
    for sign in ['<', '>', '"', '\''] {
        assert_eq!(markup.matches(sign).count(), usual.matches(sign).count(), "{sign} of a name got through");
    }
}

fn report(name: &str) -> Report {
    let text = || name.to_owned();
    let source = SourceLine { host: text(), user: text(), server: Some(text()) };
    let counts = Counts { listed: 3, imported: 1, failed: 1, unreadable: 1, ..Counts::default() };
    let mut report = Report::blank(source, format!("maildir:/srv/{name}"), jiff::Timestamp::UNIX_EPOCH);
    report.totals = counts;
    // Equal names are shown once, so these never are.
    let destination = format!("to {name}");
    report.folders = vec![FolderLine {
        source: text(),
        destination: destination.clone(),
        role: None,
        uidvalidity: 1,
        counts,
    }];
    report.exceptions = vec![Exception {
        folder: text(),
        uid: Some(1),
        class: "unreadable".to_owned(),
        message: format!("The old server refuses to hand over this message ({name})."),
        size: Some(1),
        date: Some(text()),
        from: Some(text()),
        subject: Some(text()),
        retryable: true,
    }];
    report.renamed_folders = vec![RenamedFolder { source: text(), destination, why: text() }];
    report.left_out.insert(text(), "It is shared by several users.".to_owned());
    report.notes =
        vec![Note { folder: text(), class: "phantom".to_owned(), uids: "1".to_owned(), message: text() }];
    report.differences = Some(vec![Difference {
        folder: text(),
        class: "bytes".to_owned(),
        uids: "1".to_owned(),
        message: text(),
    }]);
    let message = format!("The old server answered in a way that cannot be used. (it said {name:?})");
    report.error = Some(Stop { side: Side::Source, class: "protocol".to_owned(), message });
    report
}

fn page_of(report: Report, language: Language) -> String {
    let import = Import {
        id: ImportId(uuid::Uuid::nil()),
        run: RunId(uuid::Uuid::nil()),
        number: 1,
        server: String::new(),
        username: String::new(),
        mailbox: "anna@example.org".to_owned(),
        state: ImportState::Failed,
        progress: Progress::default(),
        current_folder: None,
        retry_at: None,
        failure: None,
        exceptions: 1,
        mailbox_created: true,
        started_at: None,
        finished_at: None,
        revision: 1,
        takeovers: 0,
        folders: Vec::new(),
        samples: Vec::new(),
        report: None,
    };
    ReportFile { words: Words::new(language, None), import, report }.render().expect("a page")
}
