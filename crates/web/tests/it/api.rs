//! The API: who is let in, what refusals look like, what is done once.

use axum::http::{Method, StatusCode};

use crate::rig::{Json, PASSWORD, Rig, basic, bearer};
use crate::routes::{Access, ROUTES};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_without_the_credentials_that_a_route_wants() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.is_api() && line.access != Access::All) {
        let path = line.of(&rig.anna);
        let by_person = line.access == Access::Person;
        let scheme = if by_person { "Basic" } else { "Bearer" };
        let wrong = [
            String::new(),
            bearer("mailimport_unknown"),
            basic("anna", "wrong password"),
            // A cookie, and what lets in elsewhere, are no way in.
            if by_person { bearer(&rig.anna.token) } else { basic("anna", PASSWORD) },
        ];
        for authorization in wrong {
            let answer = rig.call(line.method(), &path, &authorization, line.body).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{line:?} {authorization}");
            assert!(answer.header("www-authenticate").starts_with(scheme), "{line:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json", "{line:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_reading_writes_nothing() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.access == Access::Writing) {
        let answer =
            rig.call(line.method(), &line.of(&rig.anna), &bearer(&rig.anna.reading), line.body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{line:?}: {}", answer.body);
        assert!(answer.header("www-authenticate").contains("insufficient_scope"), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_operators_do_is_not_there_for_customers() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.access == Access::Admin) {
        let answer = rig.call(line.method(), &line.of(&rig.ben), &bearer(&rig.anna.token), line.body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{line:?}: {}", answer.body);
        let reading =
            rig.call(line.method(), &line.of(&rig.ben), &bearer(&rig.operator.reading), line.body).await;
        assert_eq!(reading.status, StatusCode::FORBIDDEN, "{line:?}: {}", reading.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_problem_details() {
    let rig = Rig::new().await;
    let token = bearer(&rig.anna.token);
    let entries = format!("/api/v1/domains/{}/entries", rig.anna.domain);
    let runs = format!("/api/v1/domains/{}/runs", rig.anna.domain);
    let entry = format!("/api/v1/entries/{}", rig.anna.entry);
    let retry = format!("/api/v1/runs/{}/retry", rig.anna.run);
    let query = format!("{entries}?limit=many");
    let empty = r#"{"username":"","password":"","mailbox":""}"#;
    let cases: Vec<(&str, Method, &str, &str, Json<'_>)> = vec![
        ("no token", Method::GET, "/api/v1/domains", "", Json::None),
        ("unknown token", Method::GET, "/api/v1/domains", "Bearer nothing", Json::None),
        ("no password", Method::GET, "/api/v1/tokens", "", Json::None),
        ("unknown address", Method::GET, "/api/v1/nothing", &token, Json::None),
        (
            "unknown id",
            Method::GET,
            "/api/v1/domains/0d9b3d3c-0000-4000-8000-000000000000",
            &token,
            Json::None,
        ),
        ("no id", Method::GET, "/api/v1/domains/first", &token, Json::None),
        ("method", Method::DELETE, "/api/v1/domains", &token, Json::None),
        ("no JSON", Method::POST, &entries, &token, Json::Text("{\"username\": ")),
        ("a field is missing", Method::POST, &entries, &token, Json::Text("{\"username\": \"a\"}")),
        (
            "another type",
            Method::POST,
            &entries,
            &token,
            Json::Text(r#"{"username": "a", "password": 4711, "mailbox": "a"}"#),
        ),
        ("an unknown field", Method::POST, &entries, &token, Json::Text(r#"{"usrname": "a"}"#)),
        ("everything is empty", Method::POST, &entries, &token, Json::Text(empty)),
        ("a file where JSON is read", Method::POST, &entries, &token, Json::Csv("a;b")),
        ("a revision that is old", Method::PATCH, &entry, &token, Json::Text(r#"{"revision":0}"#)),
        ("not verified", Method::POST, &runs, &token, Json::None),
        ("still working", Method::POST, &retry, &token, Json::None),
        ("query", Method::GET, &query, &token, Json::None),
    ];
    let mut told = String::new();
    for (name, method, path, authorization, body) in cases {
        let answer = rig.call(method, path, authorization, body).await;
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}: {}", answer.body);
        let mut details = answer.json();
        let details = details.as_object_mut().unwrap();
        assert_eq!(details["status"], answer.status.as_u16(), "{name}");
        assert_eq!(
            details.remove("request").unwrap().as_str().unwrap(),
            answer.header("x-request-id"),
            "{name}"
        );
        if let Some(readiness) = details.get_mut("readiness") {
            readiness["first_failed"] = "[id]".into();
        }
        let text = serde_json::to_string_pretty(&details).unwrap();
        told += &format!("== {name}: {}\n{text}\n", answer.status);
    }
    insta::assert_snapshot!(told);
}
