//! All pages as files, to look at: `cargo test -p mailimport-web --test pages -- --ignored gallery` writes them with
//! their assets below `target/gallery/`.

use std::fs;
use std::path::{Path, PathBuf};

use askama::Template;
use engine::report::Verdict;
use service::model::*;
use web::pages::account::{Account, Form, NewToken, TotpShown};
use web::pages::api::ApiDocs;
use web::pages::domains::Domains;
use web::pages::entry::{EntryEdit, EntryRemove, Meanwhile};
use web::pages::error::{ErrorPage, Fault, Hindrance};
use web::pages::import::ImportPage;
use web::pages::mailimport::{EntryValues, Mailimport, Tab};
use web::pages::operator::{AllDomains, Audit, Customers, NewLink};
use web::pages::report::ReportFile;
use web::pages::run::{RunPage, Show};
use web::pages::sign_in::{LinkFor, LinkOver, SecondFactor, SetPassword, SignIn, SignInTrouble};
use web::pages::{Flash, Frame, Pager};

use crate::fixtures::*;

/// A page's name and markup.
pub(crate) type Named = (&'static str, String);

fn page(name: &'static str, template: impl Template) -> Named {
    (name, template.render().unwrap())
}

/// The page *Mailimport* with nothing on it.
pub(crate) fn bare(f: Frame, tab: Tab) -> Mailimport {
    Mailimport {
        f,
        domain: domain(DOMAIN, 0, 0, 0),
        tab,
        values: EntryValues::default(),
        problems: Vec::new(),
        entries: Vec::new(),
        pager: Pager::default(),
        readiness: readiness(&[]),
        current: Vec::new(),
        finished: Vec::new(),
        finished_pager: Pager::default(),
    }
}

fn listed(f: Frame, entries: Vec<Entry>) -> Mailimport {
    Mailimport { readiness: readiness(&entries), entries, ..bare(f, Tab::Single) }.live_from(40)
}

fn doors(language: Language) -> Vec<Named> {
    let f = || stranger(language, "/sign-in");
    let sign_in =
        |name: &str, trouble| SignIn { f: f(), name: name.into(), next: "/domains".into(), trouble };
    let factor = |trouble| SecondFactor { f: f(), pending: "p7".into(), next: "/".into(), trouble };
    let link = |whose, problems: Vec<Problem>| SetPassword {
        f: f(),
        secret: "s3".into(),
        whose,
        name: String::new(),
        problems,
    };
    let weak =
        vec![Problem::new("name", "name_missing", "x"), Problem::new("password", "password_short", "x")];
    vec![
        page("sign-in", sign_in("", None)),
        page("sign-in-refused", sign_in("anna", Some(SignInTrouble::Refused))),
        page("sign-in-many", sign_in("anna", Some(SignInTrouble::TooMany(48)))),
        page("second-factor", factor(None)),
        page("second-factor-refused", factor(Some(SignInTrouble::CodeRefused))),
        page("link-operator", link(LinkFor::Operator, weak)),
        page("link-customer", link(LinkFor::Customer("neu@example.com".into()), Vec::new())),
        page("link-over", LinkOver { f: f() }),
    ]
}

fn mailimports(language: Language) -> Vec<Named> {
    let f = || frame(language, "/domains/example.org/mailimport");
    let ready: Vec<Entry> =
        (1..=6).map(|n| entry(n, &format!("mitarbeiter.{n}"), EntryState::Verified)).collect();
    let csv = Flash::CsvAdded {
        added: 12,
        with_problems: 3,
        duplicates: 2,
        notes: vec![
            Problem::new("file", "csv_encoding_guessed", "x"),
            Problem::new("file", "csv_duplicates", "x").with("count", 1).with("lines", "9"),
        ],
    };
    let mut refused = bare(f(), Tab::Single);
    refused.problems = vec![
        Problem::new("", "entry_duplicate", "x"),
        Problem::new("username", "username_missing", "x"),
        Problem::new("mailbox_password", "mailbox_password_short", "x"),
    ];
    refused.values = EntryValues { server: HOSTILE.into(), username: String::new(), mailbox: "anna".into() };
    let mut file = bare(f(), Tab::Csv);
    file.problems = vec![Problem::new("file", "csv_too_large", "x").with("limit", "5 MiB")];
    let full = Mailimport {
        current: vec![run_summary(1, RunState::Running, 37), run_summary(2, RunState::Paused, 61)],
        finished: vec![
            run_summary(3, RunState::Completed, 100),
            run_summary(4, RunState::CompletedWithExceptions, 100),
            run_summary(5, RunState::Failed, 88),
            run_summary(6, RunState::Cancelled, 12),
        ],
        ..listed(flash(f(), csv), entries())
    };
    let mut many =
        listed(flash(f(), Flash::EntryAdded { mailbox: format!("anna@{DOMAIN}") }), many_entries(500));
    many.pager = Pager { from: 1, to: 500, total: Some(1_200), previous: None, next: Some("?page=2".into()) };
    vec![
        page("mailimport-empty", bare(f(), Tab::Single)),
        page("mailimport-csv", bare(f(), Tab::Csv)),
        page("mailimport-csv-refused", file),
        page("mailimport-refused", refused),
        page("mailimport-full", full),
        page("mailimport-ready", listed(f(), ready)),
        page("mailimport-500", many),
    ]
}

fn entry_pages(language: Language) -> Vec<Named> {
    let f = || frame(language, "/domains/example.org/mailimport/entries/1");
    let list = entries();
    let mut changed = EntryEdit::new(f(), DOMAIN, list[5].clone());
    changed.meanwhile = Meanwhile::Changed;
    vec![
        page("entry-failed", EntryEdit::new(f(), DOMAIN, list[3].clone())),
        page("entry-invalid", changed),
        page("entry-remove", EntryRemove { f: f(), domain: DOMAIN.into(), entry: list[7].clone() }),
    ]
}

fn runs(language: Language) -> Vec<Named> {
    let f = || frame(language, "/runs/1");
    let run =
        |state, done| Run { summary: run_summary(1, state, done), imports: imports(), samples: samples() };
    let run_page = |f, run| RunPage { f, run, show: Show::All, pager: Pager::default() }.live_from(40);
    let file = ReportFile {
        words: words(language),
        import: finished_import(Verdict::CompleteWithExceptions, 5),
        report: report(Verdict::CompleteWithExceptions, 5),
    };
    vec![
        page(
            "run-running",
            run_page(flash(f(), Flash::RunStarted { mailboxes: 14 }), run(RunState::Running, 37)),
        ),
        page("run-finished", run_page(f(), run(RunState::CompletedWithExceptions, 100))),
        page("run-failed", run_page(f(), run(RunState::Failed, 88))),
        page("import-copying", ImportPage { f: f(), import: working_import() }.live_from(9)),
        page("import-done", ImportPage { f: f(), import: finished_import(Verdict::Complete, 0) }),
        page(
            "import-exceptions",
            ImportPage { f: f(), import: finished_import(Verdict::CompleteWithExceptions, 130) },
        ),
        page("import-failed", ImportPage { f: f(), import: finished_import(Verdict::Incomplete, 3) }),
        page("report-file", file),
    ]
}

fn accounts(language: Language) -> Vec<Named> {
    let f = || frame(language, "/account");
    let me = || customer(1, "anna.schmidt@example.org", Role::Operator);
    let mut fresh = Account::new(flash(f(), Flash::PreferencesSaved), me(), tokens(), notices());
    fresh.new_token = Some(NewToken {
        name: "nightly reports".into(),
        secret: "mi_4f8fK2sQxV0bq7cWm3nT9yRzL5eHjD1aUoPiG6tB".into(),
    });
    let mut totp = Account::new(f(), Customer { has_totp: false, ..me() }, Vec::new(), no_notices());
    totp.totp = Some(TotpShown {
        secret_base32: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        otpauth_url:
            "otpauth://totp/mailimport:anna?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=mailimport".into(),
    });
    totp.problems = Some((Form::Totp, vec![Problem::new("code", "code_wrong", "x")]));
    let mut wrong = Account::new(f(), Customer { has_totp: false, ..me() }, Vec::new(), notices());
    wrong.problems = Some((
        Form::Password,
        vec![Problem::new("old", "password_wrong", "x"), Problem::new("password", "password_short", "x")],
    ));
    let refused = NoticeSettings {
        address: None,
        webhook: Some(HOSTILE.into()),
        last_email: None,
        last_webhook: None,
        ..notices()
    };
    let mut hook = Account::new(f(), Customer { has_totp: false, email: None, ..me() }, Vec::new(), refused);
    hook.problems = Some((Form::Notices, vec![Problem::new("webhook", "webhook_unusable", "x")]));
    hook.new_secret = Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=".into());
    vec![
        page("account-webhook", hook),
        page("account", fresh),
        page("account-totp", totp),
        page("account-wrong", wrong),
    ]
}

fn operators(language: Language) -> Vec<Named> {
    let f = |path: &str| frame(language, path);
    let all_customers = |f, link| Customers {
        f,
        customers: customers(),
        pager: Pager::default(),
        link,
        name: String::new(),
        email: String::new(),
        problems: Vec::new(),
    };
    let link = NewLink {
        name: "neu".into(),
        address: "https://mailimport.example.org/link/q0Z3v8mB1xWnK5tR7yUeP2sLdF9hJcG4".into(),
        expires_at: at(3 * 24 * 60),
    };
    let some_domains =
        vec![domain(DOMAIN, 14, 1, 3), domain("example.org", 0, 0, 0), domain("example.net", 0, 0, 12)];
    let all_domains = |domains| AllDomains {
        f: f("/operator/domains"),
        domains,
        pager: Pager::default(),
        customers: customers(),
        name: String::new(),
        owner: String::new(),
        problems: Vec::new(),
    };
    let domains = |domains| Domains { f: f("/domains"), domains, pager: Pager::default() };
    vec![
        page("domains", domains(some_domains.clone())),
        page("domains-empty", domains(Vec::new())),
        page("customers", all_customers(f("/operator/customers"), None)),
        page("customers-link", all_customers(f("/operator/customers"), Some(link))),
        page("all-domains", all_domains(some_domains)),
        page("all-domains-empty", all_domains(Vec::new())),
        page("audit", Audit { f: f("/operator/audit"), lines: audit(), older: Some("?before=90".into()) }),
        page("api", ApiDocs::new(f("/api"), &openapi())),
    ]
}

fn errors(language: Language) -> Vec<Named> {
    let error = |fault| ErrorPage { f: frame(language, "/x"), fault, back: None };
    let not_ready = Fault::Conflict(Hindrance::NotReady { open: 2, all: 14 });
    let conflict = ErrorPage { back: Some("/domains".into()), ..error(not_ready) };
    vec![
        page("error-403", error(Fault::FormExpired)),
        page("error-404", error(Fault::NotFound)),
        page("error-409", conflict),
        page("error-429", error(Fault::TooMany(30))),
        page("error-500", error(Fault::Internal { reference: "7f3a91c2".into() })),
    ]
}

/// Every page.
pub(crate) fn all(language: Language) -> Vec<Named> {
    let kinds = [doors, mailimports, entry_pages, runs, accounts, operators, errors];
    kinds.into_iter().flat_map(|kind| kind(language)).collect()
}

#[test]
#[ignore = "writes files to look at"]
fn gallery() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("gallery");
    let assets = target.join("assets");
    fs::create_dir_all(&assets).unwrap();
    for asset in web::assets::all() {
        fs::write(assets.join(&asset.name), asset.content).unwrap();
    }
    for (language, code) in [(Language::English, "en"), (Language::German, "de")] {
        let directory: PathBuf = target.join(code);
        fs::create_dir_all(&directory).unwrap();
        for (name, html) in all(language) {
            fs::write(directory.join(format!("{name}.html")), html).unwrap();
        }
    }
    println!("{}", target.display());
}
