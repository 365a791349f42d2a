//! Pages and API over a service of their own, with an operator and two customers who each have something of everything.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use mailhost::{MaildirTree, TreeOptions};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use secrecy::{ExposeSecret, SecretString};
use service::Service;
use service::address_policy::AddressPolicy;
use service::model::{
    Actor, CheckOutcome, CustomerId, DomainId, EntryId, FoundBy, FoundServer, ImportId, NewEntry, RunId,
    Scope, TokenId,
};
use service::network::Network;
use service::resolver::{ResolveError, Resolver, Srv};
use store::Store;
use store::tables::entry;
use tempfile::TempDir;
use testkit::server::Postgres;
use tower::ServiceExt as _;
use web::{Settings, Web};

/// What everybody here signs in with.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Secrets that go in and must never come out.
pub(crate) const CANARY: &str = "Canary-7f3a9-password";
pub(crate) const MAILBOX_CANARY: &str = "Canary-b61d2-Mailbox";

/// Somebody, with what is theirs.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) actor: Actor,
    pub(crate) id: CustomerId,
    /// The session's cookie and the token of its forms.
    pub(crate) session: String,
    pub(crate) csrf: String,
    /// A token for everything, and one for reading only.
    pub(crate) token: String,
    pub(crate) reading: String,
    pub(crate) token_id: TokenId,
    pub(crate) domain: DomainId,
    pub(crate) domain_name: &'static str,
    /// In the prepared list.
    pub(crate) entry: EntryId,
    pub(crate) run: RunId,
    pub(crate) import: ImportId,
}

/// All of it.
pub(crate) struct Rig {
    pub(crate) service: Service,
    pub(crate) store: Arc<Store>,
    pub(crate) web: Web,
    pub(crate) operator: Person,
    pub(crate) anna: Person,
    pub(crate) ben: Person,
    _place: Place,
    _directory: TempDir,
}

/// Where the rows lie.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(Box<Postgres>),
}

impl Place {
    pub(crate) fn sqlite() -> Place {
        Place::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) fn postgres() -> Place {
        Place::Postgres(Box::new(Postgres::start().unwrap()))
    }

    async fn open(&self) -> Arc<Store> {
        Arc::new(match self {
            Place::Sqlite(directory) => {
                Store::open_file(&directory.path().join("mailimport.db"), None).await.unwrap()
            }
            Place::Postgres(server) => Store::connect(&server.url()).await.unwrap(),
        })
    }
}

/// A way out that leads nowhere: no test asks a name server.
fn nowhere() -> Network {
    #[derive(Debug)]
    struct NoNames;

    #[async_trait::async_trait]
    impl Resolver for NoNames {
        async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, ResolveError> {
            Err(ResolveError::NotFound)
        }

        async fn services(&self, _: &str) -> Result<Vec<Srv>, ResolveError> {
            Err(ResolveError::NotFound)
        }
    }

    Network::new(AddressPolicy::new(Vec::new(), &[]), Arc::new(NoNames))
}

impl Rig {
    pub(crate) async fn new() -> Rig {
        Rig::with(Place::sqlite(), Settings::default(), |_| {}).await
    }

    pub(crate) async fn with(
        place: Place,
        settings: Settings,
        change: impl FnOnce(&mut service::Settings),
    ) -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let mail = directory.path().join("mail");
        std::fs::create_dir(&mail).unwrap();
        let host = MaildirTree::open(&mail, TreeOptions::default()).unwrap();
        let mut service_settings = service::Settings::new(
            service::SealingKey::File(directory.path().join("sealing.key")),
            nowhere(),
        );
        // Tests sign in more often than people do.
        (service_settings.sign_ins_per_name, service_settings.sign_ins_per_address) = (1000, 1000);
        change(&mut service_settings);
        let store = place.open().await;
        let service = Service::open(service_settings, store.clone(), Arc::new(host)).await.unwrap();
        let link = service.first_link().await.unwrap().unwrap();
        let first = service.use_link(&link.secret, Some("admin"), secret(), None).await.unwrap();
        let admin = first.session.actor.clone();
        let operator = person(&service, &store, &admin, first, ("admin", "operator.example")).await;
        let mut customers = Vec::new();
        for (name, domain) in [("anna", "anna.example"), ("ben", "ben.example")] {
            let (_, link) = service.create_customer(&admin, name, None).await.unwrap();
            let signed_in = service.use_link(&link.secret, None, secret(), None).await.unwrap();
            customers.push(person(&service, &store, &admin, signed_in, (name, domain)).await);
        }
        let ben = customers.pop().unwrap();
        let anna = customers.pop().unwrap();
        let web = Web::new(service.clone(), settings);
        Rig { service, store, web, operator, anna, ben, _place: place, _directory: directory }
    }

    pub(crate) fn router(&self) -> Router {
        self.web.router()
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router(), request).await
    }

    /// A call of the API.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        authorization: &str,
        body: Json<'_>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        let request = match authorization {
            "" => request,
            authorization => request.header(header::AUTHORIZATION, authorization),
        };
        let request = match body {
            Json::None => request.body(Body::empty()),
            Json::Text(text) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(text.to_owned()))
            }
            Json::Csv(text) => {
                request.header(header::CONTENT_TYPE, "text/csv").body(Body::from(text.to_owned()))
            }
            Json::Form(text) => request.header(header::CONTENT_TYPE, FORM).body(Body::from(text.to_owned())),
        };
        self.send(request.unwrap()).await
    }
}

/// What a call brings along.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Json<'a> {
    None,
    Text(&'a str),
    Csv(&'a str),
    Form(&'a str),
}

const FORM: &str = "application/x-www-form-urlencoded";

/// A browser at one's own machine: on plain HTTP, as the cookies are called there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Browser {
    cookies: std::collections::BTreeMap<String, String>,
    /// The token that it puts into its forms.
    pub(crate) csrf: String,
}

impl Browser {
    /// Of somebody who has signed in.
    pub(crate) fn of(person: &Person) -> Browser {
        let cookies = [("mailimport".to_owned(), person.session.clone())].into();
        Browser { cookies, csrf: person.csrf.clone() }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder().method(method).uri(path).header(header::HOST, "localhost:8080");
        if cookies.is_empty() { request } else { request.header(header::COOKIE, cookies.join("; ")) }
    }

    pub(crate) async fn get(&mut self, rig: &Rig, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Body::empty()).unwrap();
        let answer = rig.send(request).await;
        self.keep(&answer);
        answer
    }

    /// Sends a form of ours.
    pub(crate) async fn post(&mut self, rig: &Rig, path: &str, fields: &str) -> Answer {
        let body = format!("csrf={}&{fields}", self.csrf);
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, FORM);
        let request = request.header("sec-fetch-site", "same-origin").header(header::ORIGIN, "null");
        let answer = rig.send(request.body(Body::from(body)).unwrap()).await;
        self.keep(&answer);
        answer
    }

    /// A form of one's own tampering: no token of its own accord.
    pub(crate) async fn forge(&self, rig: &Rig, path: &str, fields: &str) -> Answer {
        let request = self.request(Method::POST, path).header(header::CONTENT_TYPE, FORM);
        rig.send(request.body(Body::from(fields.to_owned())).unwrap()).await
    }

    /// Keeps cookies as browsers do, and the token of the page's forms.
    fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some((_, rest)) = answer.body.split_once("name=\"csrf\" value=\"") {
            self.csrf = rest.split('"').next().unwrap().to_owned();
        }
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends a request to a router as a server would, from an address of documentation.
pub(crate) async fn send(router: Router, mut request: Request<Body>) -> Answer {
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from, 4711)));
    let response = router.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    // A stream has no end; its beginning says what there is to say.
    let is_stream = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let body = match is_stream {
        true => Vec::new(),
        false => body.collect().await.unwrap().to_bytes().to_vec(),
    };
    let body = String::from_utf8_lossy(&body).into_owned();
    // What went in as a secret is in no answer, whatever the test is about.
    let whole = format!("{:?}{body}", parts.headers);
    for canary in [CANARY, MAILBOX_CANARY] {
        assert!(!whole.contains(canary), "a secret in an answer: {whole}");
    }
    Answer { status: parts.status, headers: parts.headers, body }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))
}

fn secret() -> SecretString {
    SecretString::from(PASSWORD)
}

/// An entry as somebody types it who makes no mistake, with secrets that are looked for everywhere.
pub(crate) fn new_entry(mailbox: &str) -> NewEntry {
    NewEntry {
        server: "imap.old.example".into(),
        username: format!("{mailbox}@old.example"),
        password: Some(CANARY.into()),
        mailbox: mailbox.into(),
        mailbox_password: Some(MAILBOX_CANARY.into()),
    }
}

async fn person(
    service: &Service,
    store: &Store,
    admin: &Actor,
    signed_in: service::SignedIn,
    (name, domain_name): (&'static str, &'static str),
) -> Person {
    let actor = signed_in.session.actor.clone();
    let all: &[Scope] = match name {
        "admin" => &[Scope::Read, Scope::Write, Scope::Admin],
        _ => &[Scope::Read, Scope::Write],
    };
    let (token, all) = service.create_token(&actor, "all", all, None).await.unwrap();
    let (_, reading) = service.create_token(&actor, "reading", &[Scope::Read], None).await.unwrap();
    let domain = service.create_domain(admin, domain_name, actor.customer).await.unwrap().id;
    let started = service.add_entry(&actor, domain, new_entry("started")).await.unwrap();
    verify(store, started.id).await;
    let run = service.start(&actor, domain).await.unwrap();
    let entry = service.add_entry(&actor, domain, new_entry("prepared")).await.unwrap().id;
    Person {
        name,
        id: actor.customer,
        actor,
        session: signed_in.secret,
        csrf: signed_in.session.csrf,
        token: all.expose_secret().to_owned(),
        reading: reading.expose_secret().to_owned(),
        token_id: token.id,
        domain,
        domain_name,
        entry,
        run,
        import: ImportId(started.id.0),
    }
}

/// Makes an entry verified, as its check would.
pub(crate) async fn verify(store: &Store, id: EntryId) {
    let server = FoundServer {
        url: "imaps://imap.old.example:993".into(),
        username: None,
        by: FoundBy::Given,
        provider: None,
    };
    let outcome = CheckOutcome {
        at: Timestamp::UNIX_EPOCH,
        server: Some(server),
        software: None,
        folders: 3,
        messages: 12,
        octets: Some(4711),
        estimate: None,
        mailbox_exists: false,
        failure: None,
        hint: None,
        hint_url: None,
    };
    let writing = store.writing().await.unwrap();
    entry::Entity::update_many()
        .col_expr(entry::Column::State, Expr::value("verified"))
        .col_expr(entry::Column::Outcome, Expr::value(serde_json::to_string(&outcome).unwrap()))
        .filter(entry::Column::Id.eq(id.0))
        .exec(writing.connection())
        .await
        .unwrap();
    writing.commit().await.unwrap();
}
