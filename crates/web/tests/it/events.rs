//! Streams: what they tell, how many there may be, when they end.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request, StatusCode, header};
use futures_util::StreamExt as _;
use tower::ServiceExt as _;

use crate::rig::{Browser, Place, Rig, bearer, new_entry};
use web::Settings;

/// How long something may take on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);

fn often() -> Settings {
    Settings { stream_interval: Duration::from_millis(20), ..Settings::default() }
}

/// An open stream.
struct Stream {
    body: BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(rig: &Rig, request: Request<Body>) -> Result<Stream, StatusCode> {
        let response = rig.router().oneshot(request).await.unwrap();
        if response.status() != StatusCode::OK {
            return Err(response.status());
        }
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Ok(Stream { body: response.into_body().into_data_stream(), text: String::new() })
    }

    /// The data of the next event.
    async fn next(&mut self) -> serde_json::Value {
        loop {
            if let Some((event, rest)) = self.text.clone().split_once("\n\n") {
                rest.clone_into(&mut self.text);
                if let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) {
                    return serde_json::from_str(data).unwrap();
                }
                continue;
            }
            let more = tokio::time::timeout(PATIENCE, self.body.next()).await.expect("nothing is told");
            self.text += std::str::from_utf8(&more.expect("the stream has ended").unwrap()).unwrap();
        }
    }

    /// Whether it ends, and tells nothing before.
    async fn ends(mut self) -> bool {
        let read = async {
            while let Some(more) = self.body.next().await {
                self.text += std::str::from_utf8(&more.unwrap()).unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, read).await.is_ok() && !self.text.contains("data:")
    }
}

fn of_page(rig: &Rig, path: &str) -> Request<Body> {
    Browser::of(&rig.anna).request(Method::GET, path).body(Body::empty()).unwrap()
}

fn of_api(rig: &Rig, path: &str) -> Request<Body> {
    Request::get(path).header(header::AUTHORIZATION, bearer(&rig.anna.token)).body(Body::empty()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_told_the_parts_that_changed() {
    let rig = Rig::with(Place::sqlite(), often(), |_| {}).await;
    let revision =
        rig.service.revision(&rig.anna.actor, service::Watch::Domain(rig.anna.domain)).await.unwrap();
    let path = format!("/domains/anna.example/mailimport/events?since={revision}");
    let mut stream = Stream::open(&rig, of_page(&rig, &path)).await.unwrap();
    let entry = rig.service.add_entry(&rig.anna.actor, rig.anna.domain, new_entry("live")).await.unwrap();
    let told = stream.next().await;
    let ids: Vec<_> =
        told["fragments"].as_array().unwrap().iter().map(|part| part["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [format!("entry-{}", entry.id), "summary".to_owned()]);
    assert!(told["fragments"][0]["html"].as_str().unwrap().contains("live@anna.example"));
    assert!(!told["announce"].as_str().unwrap().is_empty());
    rig.service.remove_entry(&rig.anna.actor, entry.id).await.unwrap();
    let told = stream.next().await;
    assert_eq!(told["fragments"][0], serde_json::json!({"id": format!("entry-{}", entry.id), "html": ""}));
    // Who comes again says what was seen last, and misses nothing.
    let mut again = of_page(&rig, &path);
    again.headers_mut().insert("last-event-id", revision.to_string().parse().unwrap());
    let mut again = Stream::open(&rig, again).await.unwrap();
    assert_eq!(again.next().await["revision"], told["revision"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_an_import_are_told_too() {
    let rig = Rig::with(Place::sqlite(), often(), |_| {}).await;
    for (path, id) in [
        (format!("/runs/{}/events", rig.anna.run), format!("import-{}", rig.anna.import)),
        (format!("/imports/{}/events", rig.anna.import), "overview".to_owned()),
    ] {
        let told = Stream::open(&rig, of_page(&rig, &path)).await.unwrap().next().await;
        let fragments = told["fragments"].as_array().unwrap();
        assert!(fragments.iter().any(|part| part["id"] == id), "{path}: {told}");
        assert!(!told["title"].as_str().unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_tells_what_changed_and_begins_with_everything() {
    let rig = Rig::with(Place::sqlite(), often(), |_| {}).await;
    let path = format!("/api/v1/domains/{}/events", rig.anna.domain);
    let mut stream = Stream::open(&rig, of_api(&rig, &path)).await.unwrap();
    let told = stream.next().await;
    assert_eq!(told["entries"][0]["id"], rig.anna.entry.to_string());
    assert_eq!(told["runs"][0]["id"], rig.anna.run.to_string());
    assert_eq!(told["entries"][0]["has_password"], true);
    for path in [
        format!("/api/v1/runs/{}/events", rig.anna.run),
        format!("/api/v1/imports/{}/events", rig.anna.import),
    ] {
        let told = Stream::open(&rig, of_api(&rig, &path)).await.unwrap().next().await;
        assert_eq!(told["imports"][0]["id"], rig.anna.import.to_string(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_to_who_has_signed_out_or_lost_the_token() {
    let rig = Rig::with(Place::sqlite(), often(), |_| {}).await;
    let (actor, domain) = (&rig.anna.actor, rig.anna.domain);
    let revision = rig.service.revision(actor, service::Watch::Domain(domain)).await.unwrap();
    let page = format!("/domains/anna.example/mailimport/events?since={revision}");
    let page = Stream::open(&rig, of_page(&rig, &page)).await.unwrap();
    let api = format!("/api/v1/domains/{domain}/events?since={revision}");
    let api = Stream::open(&rig, of_api(&rig, &api)).await.unwrap();
    rig.service.sign_out(&rig.anna.session).await.unwrap();
    rig.service.revoke_token(actor, rig.anna.token_id).await.unwrap();
    rig.service.add_entry(actor, domain, new_entry("unseen")).await.unwrap();
    assert!(page.ends().await);
    assert!(api.ends().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_and_room_comes_back() {
    let settings = Settings { streams: 3, streams_per_customer: 2, ..often() };
    let rig = Rig::with(Place::sqlite(), settings, |_| {}).await;
    let path = format!("/runs/{}/events", rig.anna.run);
    let first = Stream::open(&rig, of_page(&rig, &path)).await.unwrap();
    let _second = Stream::open(&rig, of_page(&rig, &path)).await.unwrap();
    assert_eq!(Stream::open(&rig, of_page(&rig, &path)).await.err(), Some(StatusCode::TOO_MANY_REQUESTS));
    drop(first);
    assert!(Stream::open(&rig, of_page(&rig, &path)).await.is_ok());
}
