//! What no answer lacks, whatever it answers.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use crate::rig::{Answer, Browser, Rig};
use crate::routes::ROUTES;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

fn assert_guarded(answer: &Answer, what: &str) {
    assert_eq!(answer.header("content-security-policy"), POLICY, "{what}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}");
    assert_eq!(answer.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
    assert!(!answer.header("x-request-id").is_empty(), "{what}");
    let caching = answer.header("cache-control");
    let is_asset = what.contains("/assets/") && answer.status == StatusCode::OK;
    assert_eq!(caching.contains("immutable"), is_asset, "{what}: {caching}");
    assert!(is_asset || caching == "no-store" || caching == "no-cache", "{what}: {caching}");
    assert!(!answer.headers.contains_key("server"), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_guarded_errors_too() {
    let rig = Rig::new().await;
    for line in ROUTES {
        let path = line.of(&rig.anna);
        // As it is meant, by nobody, with another method.
        let known = Browser::of(&rig.operator).request(line.method(), &path).body(Body::empty()).unwrap();
        let nobody = Request::builder().method(line.method()).uri(&path).body(Body::empty()).unwrap();
        let other = Request::builder().method(Method::PUT).uri(&path).body(Body::empty()).unwrap();
        for request in [known, nobody, other] {
            let answer = rig.send(request).await;
            assert_guarded(&answer, &format!("{} {path}: {}", line.method, answer.status));
        }
    }
    for path in
        ["/nothing", "/api/v1/nothing", "/api/nothing", "/assets/nothing.js", "/%ff", "//", "/domains/"]
    {
        let answer = Browser::of(&rig.anna).get(&rig, path).await;
        assert_guarded(&answer, path);
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!answer.body.is_empty(), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_are_held_to_encryption_only_where_it_is() {
    let settings = web::Settings { trusted_proxies: 1, ..web::Settings::default() };
    let rig = Rig::with(crate::rig::Place::sqlite(), settings, |_| {}).await;
    let ask = async |proto: &str| {
        let request =
            Request::get("/sign-in").header("x-forwarded-proto", proto).body(Body::empty()).unwrap();
        rig.send(request).await
    };
    let (plain, encrypted) = (ask("http").await, ask("https").await);
    assert_eq!(plain.header("strict-transport-security"), "");
    assert_eq!(encrypted.header("strict-transport-security"), "max-age=31536000");
    assert!(plain.header("set-cookie").starts_with("mailimport-visitor="));
    let guarded = encrypted.header("set-cookie");
    assert!(guarded.starts_with("__Host-mailimport-visitor=") && guarded.contains("; Secure"), "{guarded}");
    // Without a proxy that is trusted, anybody could write that header.
    let rig = Rig::new().await;
    let request = Request::get("/sign-in").header("x-forwarded-proto", "https").body(Body::empty()).unwrap();
    assert_eq!(rig.send(request).await.header("strict-transport-security"), "");
}
