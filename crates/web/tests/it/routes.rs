//! Every route there is, with who may use it: one list, which the router is held against. A route without a line here
//! fails a test.

use std::collections::BTreeSet;

use axum::http::Method;

use crate::rig::{Json, Person, Rig};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    All,
    /// Page: who is signed in.
    Session,
    /// Page: an operator who is signed in.
    Operator,
    /// API: a token for reading.
    Reading,
    /// API: a token for writing.
    Writing,
    /// API: an operator's token.
    Admin,
    /// API: name and password.
    Person,
}

/// A route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// A body that would be taken.
    pub(crate) body: Json<'static>,
}

const fn line(method: &'static str, path: &'static str, access: Access) -> Line {
    Line { method, path, access, body: Json::None }
}

const fn json(method: &'static str, path: &'static str, access: Access, body: &'static str) -> Line {
    Line { method, path, access, body: Json::Text(body) }
}

const ENTRY: &str = r#"{"server":"imap.old.example","username":"new@old.example","password":"Canary-7f3a9-password",
    "mailbox":"new","mailbox_password":"Canary-b61d2-Mailbox"}"#;
const CSV: &str = "imap.old.example;csv@old.example;Canary-7f3a9-password;csv;Canary-b61d2-Mailbox\n";

const FORM: &str = "server=imap.old.example&username=page%40old.example&password=Canary-7f3a9-password&mailbox=page\
    &mailbox_password=Canary-b61d2-Mailbox";

const fn form(path: &'static str, access: Access, body: &'static str) -> Line {
    Line { method: "POST", path, access, body: Json::Form(body) }
}

use Access::{Admin, All, Operator, Person as ByPerson, Reading, Session, Writing};

/// All of them.
pub(crate) const ROUTES: &[Line] = &[
    line("GET", "/healthz", All),
    line("GET", "/readyz", All),
    line("GET", "/metrics", All),
    line("GET", "/", Session),
    line("GET", "/assets/{asset}", All),
    line("GET", "/favicon.ico", All),
    line("GET", "/api", All),
    line("GET", "/sign-in", All),
    form("/sign-in", All, "name=anna&password=wrong&next=/"),
    form("/sign-out", Session, ""),
    line("GET", "/link/{secret}", All),
    form("/link/{secret}", All, "password=another+good+one"),
    form("/preferences", All, "language=de&next=/domains"),
    line("GET", "/domains", Session),
    line("GET", "/domains/{name}/mailimport", Session),
    form("/domains/{name}/mailimport/entries", Session, FORM),
    form("/domains/{name}/mailimport/csv", Session, "text=a%3Bb%3Bc%3Bd%3Be"),
    form("/domains/{name}/mailimport/check-again", Session, ""),
    form("/domains/{name}/mailimport/remove-failed", Session, ""),
    form("/domains/{name}/mailimport/start", Session, ""),
    line("GET", "/domains/{name}/mailimport/events", Session),
    line("GET", "/domains/{name}/mailimport/entries/{entry}", Session),
    form("/domains/{name}/mailimport/entries/{entry}", Session, FORM),
    line("GET", "/domains/{name}/mailimport/entries/{entry}/remove", Session),
    form("/domains/{name}/mailimport/entries/{entry}/remove", Session, ""),
    form("/domains/{name}/mailimport/entries/{entry}/check", Session, ""),
    line("GET", "/runs/{run}", Session),
    form("/runs/{run}/pause", Session, ""),
    form("/runs/{run}/resume", Session, ""),
    form("/runs/{run}/cancel", Session, ""),
    form("/runs/{run}/retry", Session, ""),
    form("/runs/{run}/import-new", Session, ""),
    line("GET", "/runs/{run}/events", Session),
    line("GET", "/runs/{run}/report.json", Session),
    line("GET", "/runs/{run}/report.csv", Session),
    line("GET", "/imports/{import}", Session),
    form("/imports/{import}/pause", Session, ""),
    form("/imports/{import}/resume", Session, ""),
    form("/imports/{import}/cancel", Session, ""),
    line("GET", "/imports/{import}/events", Session),
    line("GET", "/imports/{import}/report", Session),
    line("GET", "/imports/{import}/report.json", Session),
    line("GET", "/imports/{import}/report.csv", Session),
    line("GET", "/account", Session),
    form("/account/preferences", Session, "language=de&theme=dark&email="),
    form("/account/notifications", Session, "email=on&webhook="),
    form("/account/notifications/secret", Session, ""),
    form("/account/notifications/test", Session, ""),
    form("/account/password", Session, "old=wrong&password=another+good+one"),
    form("/account/totp", Session, ""),
    form("/account/totp/confirm", Session, "code=000000"),
    form("/account/totp/remove", Session, "password=wrong"),
    form("/account/tokens", Session, "name=page&scopes=read&expires=30"),
    form("/account/tokens/{token}/revoke", Session, ""),
    line("GET", "/operator/customers", Operator),
    form("/operator/customers", Operator, "name=dora&email="),
    form("/operator/customers/{customer}/link", Operator, ""),
    form("/operator/customers/{customer}/disable", Operator, ""),
    form("/operator/customers/{customer}/enable", Operator, ""),
    line("GET", "/operator/domains", Operator),
    form("/operator/domains", Operator, "domain=page.example&customer=00000000-0000-4000-8000-000000000000"),
    form("/operator/domains/{domain}/remove", Operator, ""),
    line("GET", "/operator/audit", Operator),
    line("GET", "/api/v1/openapi.json", All),
    line("GET", "/api/v1/account", Reading),
    json(
        "PUT",
        "/api/v1/account",
        Writing,
        r#"{"language":"de","theme":"dark","email":"somebody@example.org"}"#,
    ),
    line("GET", "/api/v1/account/notifications", Reading),
    json("PUT", "/api/v1/account/notifications", Writing, r#"{"email":true,"webhook":null}"#),
    line("POST", "/api/v1/account/notifications/secret", Writing),
    line("POST", "/api/v1/account/notifications/test", Writing),
    json(
        "POST",
        "/api/v1/account/password",
        ByPerson,
        r#"{"old_password":"wrong","password":"another good one"}"#,
    ),
    line("POST", "/api/v1/account/totp", ByPerson),
    json("POST", "/api/v1/account/totp/confirm", ByPerson, r#"{"code":"000000"}"#),
    json("POST", "/api/v1/account/totp/remove", ByPerson, r#"{"password":"wrong"}"#),
    line("GET", "/api/v1/tokens", ByPerson),
    json("POST", "/api/v1/tokens", ByPerson, r#"{"name":"new","scopes":["read"]}"#),
    line("DELETE", "/api/v1/tokens/{token}", ByPerson),
    line("GET", "/api/v1/domains", Reading),
    line("GET", "/api/v1/domains/{domain}", Reading),
    line("GET", "/api/v1/domains/{domain}/readiness", Reading),
    line("GET", "/api/v1/domains/{domain}/entries", Reading),
    json("POST", "/api/v1/domains/{domain}/entries", Writing, ENTRY),
    line("POST", "/api/v1/domains/{domain}/entries/check-failed", Writing),
    line("POST", "/api/v1/domains/{domain}/entries/remove-failed", Writing),
    Line { body: Json::Csv(CSV), ..line("POST", "/api/v1/domains/{domain}/entries/csv", Writing) },
    Line { body: Json::Csv(CSV), ..line("POST", "/api/v1/domains/{domain}/entries/csv/preview", Reading) },
    line("GET", "/api/v1/domains/{domain}/runs", Reading),
    line("POST", "/api/v1/domains/{domain}/runs", Writing),
    line("GET", "/api/v1/domains/{domain}/events", Reading),
    line("GET", "/api/v1/entries/{entry}", Reading),
    json(
        "PATCH",
        "/api/v1/entries/{entry}",
        Writing,
        r#"{"revision":1000000,"username":"other@old.example"}"#,
    ),
    line("DELETE", "/api/v1/entries/{entry}", Writing),
    line("POST", "/api/v1/entries/{entry}/check", Writing),
    line("GET", "/api/v1/runs/{run}", Reading),
    line("GET", "/api/v1/runs/{run}/imports", Reading),
    line("POST", "/api/v1/runs/{run}/pause", Writing),
    line("POST", "/api/v1/runs/{run}/resume", Writing),
    line("POST", "/api/v1/runs/{run}/cancel", Writing),
    line("POST", "/api/v1/runs/{run}/retry", Writing),
    line("POST", "/api/v1/runs/{run}/import-new", Writing),
    line("GET", "/api/v1/runs/{run}/report", Reading),
    line("GET", "/api/v1/runs/{run}/report.csv", Reading),
    line("GET", "/api/v1/runs/{run}/events", Reading),
    line("GET", "/api/v1/imports/{import}", Reading),
    line("POST", "/api/v1/imports/{import}/pause", Writing),
    line("POST", "/api/v1/imports/{import}/resume", Writing),
    line("POST", "/api/v1/imports/{import}/cancel", Writing),
    line("GET", "/api/v1/imports/{import}/report", Reading),
    line("GET", "/api/v1/imports/{import}/report.csv", Reading),
    line("GET", "/api/v1/imports/{import}/events", Reading),
    line("GET", "/api/v1/operator/customers", Admin),
    json("POST", "/api/v1/operator/customers", Admin, r#"{"name":"carla"}"#),
    line("POST", "/api/v1/operator/customers/{customer}/link", Admin),
    line("POST", "/api/v1/operator/customers/{customer}/disable", Admin),
    line("POST", "/api/v1/operator/customers/{customer}/enable", Admin),
    line("GET", "/api/v1/operator/domains", Admin),
    json(
        "POST",
        "/api/v1/operator/domains",
        Admin,
        r#"{"name":"new.example","customer":"00000000-0000-4000-8000-000000000000"}"#,
    ),
    line("DELETE", "/api/v1/operator/domains/{domain}", Admin),
    line("GET", "/api/v1/operator/audit", Admin),
];

impl Line {
    pub(crate) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    pub(crate) fn is_api(&self) -> bool {
        self.path.starts_with("/api/v1/")
    }

    pub(crate) fn is_page(&self) -> bool {
        !self.is_api() && !matches!(self.path, "/healthz" | "/readyz" | "/metrics")
    }

    /// Whether its address names something of somebody's.
    pub(crate) fn has_id(&self) -> bool {
        self.path.contains('{') && !self.path.contains("{asset}") && !self.path.contains("{secret}")
    }

    pub(crate) fn writes(&self) -> bool {
        self.method != "GET"
    }

    /// Its address with the ids of what is somebody's.
    pub(crate) fn of(&self, person: &Person) -> String {
        self.path
            .replace("{name}", person.domain_name)
            .replace("{asset}", &web::assets::all()[0].name)
            .replace("{secret}", "unknown")
            .replace("{token}", &person.token_id.to_string())
            .replace("{domain}", &person.domain.to_string())
            .replace("{entry}", &person.entry.to_string())
            .replace("{run}", &person.run.to_string())
            .replace("{import}", &person.import.to_string())
            .replace("{customer}", &person.id.to_string())
    }

    /// Its address with ids that nothing has.
    pub(crate) fn of_nobody(&self) -> String {
        let id = "00000000-0000-4000-8000-000000000000";
        ["{token}", "{domain}", "{entry}", "{run}", "{import}", "{customer}"]
            .iter()
            .fold(self.path.replace("{name}", "nobody.example"), |path, name| path.replace(name, id))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_stands_in_the_list_and_the_list_holds_nothing_else() {
    let rig = Rig::new().await;
    let listed: BTreeSet<(String, String)> =
        ROUTES.iter().map(|line| (line.method.to_owned(), line.path.to_owned())).collect();
    assert_eq!(listed.len(), ROUTES.len(), "a route stands in the list twice");
    let different: Vec<_> = rig.web.routes().symmetric_difference(&listed).collect();
    assert!(different.is_empty(), "{different:?}");
}
