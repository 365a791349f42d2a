//! `Idempotency-Key`: done once, answered twice.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::rig::{Answer, PASSWORD, Rig, basic, bearer};

async fn post(rig: &Rig, path: &str, authorization: &str, key: &str, body: &str) -> Answer {
    let request = Request::post(path)
        .header(header::HOST, "localhost")
        .header(header::AUTHORIZATION, authorization)
        .header(header::CONTENT_TYPE, "application/json")
        .header("idempotency-key", key);
    rig.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_twice_with_one_key_is_done_once() {
    let rig = Rig::new().await;
    let path = format!("/api/v1/domains/{}/entries", rig.anna.domain);
    let token = bearer(&rig.anna.token);
    let body = r#"{"username":"twice@old.example","password":"x","mailbox":"twice"}"#;
    let first = post(&rig, &path, &token, "one", body).await;
    let again = post(&rig, &path, &token, "one", body).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED), "{}", again.body);
    assert_eq!(first.body, again.body);
    assert_eq!((first.header("idempotency-replayed"), again.header("idempotency-replayed")), ("", "true"));
    let entries =
        rig.service.entries(&rig.anna.actor, rig.anna.domain, service::Page::first(100)).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.mailbox == "twice").count(), 1);
    // The same key for something else, and a key that is none.
    let other = post(&rig, &path, &token, "one", &body.replace("twice", "other")).await;
    assert_eq!(
        (other.status, other.json()["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("idempotency_key_reused"))
    );
    let long = post(&rig, &path, &token, &"k".repeat(256), body).await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST);
    // Somebody else's key of the same name is another one.
    let bens = format!("/api/v1/domains/{}/entries", rig.ben.domain);
    assert_eq!(
        post(&rig, &bens, &bearer(&rig.ben.token), "one", body).await.header("idempotency-replayed"),
        ""
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_may_be_tried_again_with_its_key() {
    let rig = Rig::new().await;
    let path = format!("/api/v1/domains/{}/runs", rig.anna.domain);
    let token = bearer(&rig.anna.token);
    assert_eq!(post(&rig, &path, &token, "start", "").await.status, StatusCode::CONFLICT);
    crate::rig::verify(&rig.store, rig.anna.entry).await;
    let started = post(&rig, &path, &token, "start", "").await;
    assert_eq!(started.status, StatusCode::CREATED, "{}", started.body);
    let again = post(&rig, &path, &token, "start", "").await;
    assert_eq!((again.status, again.body), (StatusCode::CREATED, started.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_answer_holds_no_secret() {
    let rig = Rig::new().await;
    let body = r#"{"name":"new","scopes":["read"]}"#;
    let person = basic(rig.anna.name, PASSWORD);
    let first = post(&rig, "/api/v1/tokens", &person, "token", body).await.json();
    let again = post(&rig, "/api/v1/tokens", &person, "token", body).await.json();
    assert!(first["secret"].as_str().unwrap().starts_with("mailimport_"));
    assert_eq!((&again["secret"], &again["id"]), (&serde_json::Value::Null, &first["id"]));
    let admin = bearer(&rig.operator.token);
    let customers = "/api/v1/operator/customers";
    let first = post(&rig, customers, &admin, "customer", r#"{"name":"carla"}"#).await.json();
    let again = post(&rig, customers, &admin, "customer", r#"{"name":"carla"}"#).await.json();
    assert!(first["link"]["url"].as_str().unwrap().starts_with("http://localhost/link/"), "{first}");
    assert_eq!((&again["link"]["url"], &again["customer"]), (&serde_json::Value::Null, &first["customer"]));
}
