//! Forms: only ours are believed; what is done is told once on the next page.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};

use crate::rig::{Browser, Json, Rig};
use crate::routes::{Access, ROUTES};

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_the_token_of_its_session_does_nothing() {
    let rig = Rig::new().await;
    let before =
        format!("{:?}", rig.service.entries(&rig.anna.actor, rig.anna.domain, service::Page::first(9)).await);
    for line in ROUTES.iter().filter(|line| line.is_page() && line.writes()) {
        let Json::Form(fields) = line.body else { panic!("{line:?}") };
        let person = if line.access == Access::Operator { &rig.operator } else { &rig.anna };
        let browser = Browser::of(person);
        let path = line.of(&rig.anna);
        for forged in
            [fields.to_owned(), format!("csrf=&{fields}"), format!("csrf={}&{fields}", rig.ben.csrf)]
        {
            let answer = browser.forge(&rig, &path, &forged).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{line:?} {forged}: {}", answer.body);
        }
    }
    let after =
        format!("{:?}", rig.service.entries(&rig.anna.actor, rig.anna.domain, service::Page::first(9)).await);
    assert_eq!(before, after);
    assert!(rig.service.session(&rig.anna.session).await.unwrap().is_some(), "still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_of_another_site_does_nothing_even_with_the_token() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.writes()) {
        let path = line.of(&rig.anna);
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "http://localhost:8081"),
        ] {
            let request = Browser::of(&rig.anna).request(line.method(), &path).header(name, value);
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            let body = Body::from(format!("csrf={}", rig.anna.csrf));
            let answer = rig.send(request.body(body).unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{line:?} {name}: {value}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_looked_at_cannot_be_sent_and_the_other_way_round() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.is_page()) {
        let other = if line.writes() { Method::GET } else { Method::POST };
        if ROUTES.iter().any(|known| known.path == line.path && known.method == other.as_str()) {
            continue;
        }
        let mut browser = Browser::of(&rig.operator);
        let answer = match other {
            Method::GET => browser.get(&rig, &line.of(&rig.operator)).await,
            _ => browser.post(&rig, &line.of(&rig.operator), "").await,
        };
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{line:?}");
        assert!(answer.headers.contains_key("allow"), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let rig = Rig::new().await;
    let megabyte = "x".repeat(1024 * 1024 + 1);
    let six = "x".repeat(6 * 1024 * 1024);
    let mut browser = Browser::of(&rig.anna);
    let base = "/domains/anna.example/mailimport";
    let page = browser.post(&rig, &format!("{base}/entries"), &format!("server={megabyte}")).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let file = browser.post(&rig, &format!("{base}/csv"), &format!("text={six}")).await;
    assert_eq!(file.status, StatusCode::PAYLOAD_TOO_LARGE);
    let token = crate::rig::bearer(&rig.anna.token);
    let entries = format!("/api/v1/domains/{}/entries", rig.anna.domain);
    let json = format!("{{\"username\":\"{megabyte}\"}}");
    let call = rig.call(Method::POST, &entries, &token, Json::Text(&json)).await;
    assert_eq!(
        (call.status, call.json()["code"].as_str()),
        (StatusCode::PAYLOAD_TOO_LARGE, Some("too_large"))
    );
    let csv = rig.call(Method::POST, &format!("{entries}/csv"), &token, Json::Csv(&six)).await;
    assert_eq!((csv.status, csv.json()["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("too_large")));
    // What a file may be larger than a form is read.
    let two = "x".repeat(2 * 1024 * 1024);
    let csv = rig.call(Method::POST, &format!("{entries}/csv"), &token, Json::Csv(&two)).await;
    assert_ne!(csv.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_told_once_and_what_cannot_be_taken_is_kept_but_for_passwords() {
    let rig = Rig::new().await;
    let mut browser = Browser::of(&rig.anna);
    let base = "/domains/anna.example/mailimport";
    let fields = "server=imap.old.example&username=u%40old.example&password=Canary-7f3a9-password&mailbox=told\
        &mailbox_password=Canary-b61d2-Mailbox";
    let sent = browser.post(&rig, &format!("{base}/entries"), fields).await;
    assert_eq!((sent.status, sent.header("location")), (StatusCode::SEE_OTHER, base));
    let flash = "told@anna.example";
    let told = |body: &str| body.contains("role=\"status\"") && body.contains(flash);
    let first = browser.get(&rig, base).await.body;
    assert!(told(&first), "{first}");
    assert!(browser.cookie("mailimport-flash").is_none());
    // The same again: refused, with what was typed.
    let again = browser.post(&rig, &format!("{base}/entries"), fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("value=\"u@old.example\""), "{}", again.body);
}
