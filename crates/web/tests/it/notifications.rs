//! Being told when a mailimport ends: the page and the API.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use sea_orm::EntityTrait;
use service::notices::MailOut;
use store::tables::customer;
use web::{PlainLetters, Settings};

use crate::rig::{Browser, Json, PASSWORD, Place, Rig, bearer};

const PATH: &str = "/api/v1/account/notifications";

/// A service that can write e-mails.
async fn with_mail() -> Rig {
    Rig::with(Place::sqlite(), Settings::default(), |settings| {
        settings.mail_out = Some(MailOut {
            server: "smtp://localhost".parse().unwrap(),
            from: "mailimport@example.org".parse().unwrap(),
            letters: Arc::new(PlainLetters),
        });
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhooks_secret_is_on_the_page_that_made_it_and_nowhere_else() {
    let rig = with_mail().await;
    let mut browser = Browser::of(&rig.anna);
    let wrong =
        browser.post(&rig, "/account/notifications", "email=on&webhook=http%3A%2F%2Fexample.org").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        wrong.body.contains("value=\"http://example.org\"") && wrong.body.contains("id=\"webhook-error\"")
    );
    let made = browser
        .post(&rig, "/account/notifications", "email=on&webhook=https%3A%2F%2Fexample.org%2Fhook")
        .await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert!(made.body.contains(">whsec_"), "{}", made.body);
    let after = browser.get(&rig, "/account").await;
    assert!(after.body.contains("https://example.org/hook") && !after.body.contains("whsec_"));
    let saved =
        browser.post(&rig, "/account/notifications", "webhook=https%3A%2F%2Fexample.org%2Fother").await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "its secret stays as it is: {}", saved.body);
    let renewed = browser.post(&rig, "/account/notifications/secret", "").await;
    assert!(renewed.body.contains(">whsec_"), "{}", renewed.body);
    let sent = browser.post(&rig, "/account/notifications/test", "").await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert!(browser.get(&rig, "/account").await.body.contains("On its way."));
    // Ben has none of it.
    let bens = rig.call(Method::GET, PATH, &bearer(&rig.ben.token), Json::None).await.json();
    assert_eq!(
        (&bens["webhook"], &bens["last_webhook"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    let removed = browser.post(&rig, "/account/notifications", "email=on&webhook=").await;
    assert_eq!(removed.status, StatusCode::SEE_OTHER);
    let again = browser.post(&rig, "/account/notifications/secret", "").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND, "without a webhook there is no secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_can_say_how_to_be_told() {
    let rig = with_mail().await;
    let token = bearer(&rig.anna.token);
    let wanted = Json::Text(r#"{"email":false,"webhook":"https://example.org/hook"}"#);
    let first = rig.call(Method::PUT, PATH, &token, wanted).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    assert!(first.json()["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(
        rig.call(Method::PUT, PATH, &token, wanted).await.json(),
        serde_json::json!({ "secret": null })
    );
    let settings = rig.call(Method::GET, PATH, &token, Json::None).await;
    assert!(!settings.body.contains("whsec_"));
    let expected = serde_json::json!({
        "email_offered": true, "email": false, "webhook": "https://example.org/hook",
        "last_email": null, "last_webhook": null,
    });
    assert_eq!(settings.json(), expected);
    let test = rig.call(Method::POST, &format!("{PATH}/test"), &token, Json::None).await;
    assert_eq!(test.status, StatusCode::ACCEPTED, "{}", test.body);
    let last = rig.call(Method::GET, PATH, &token, Json::None).await.json();
    assert_eq!(
        (&last["last_webhook"]["state"], &last["last_webhook"]["run"]),
        (&"waiting".into(), &serde_json::Value::Null)
    );
    let refused =
        rig.call(Method::PUT, PATH, &token, Json::Text(r#"{"email":true,"webhook":"ftp://x"}"#)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["problems"][0]["field"], "webhook");
}

#[tokio::test(flavor = "multi_thread")]
async fn e_mail_is_offered_only_where_there_is_a_mail_server() {
    let without = Rig::new().await;
    let page = Browser::of(&without.anna).get(&without, "/account").await;
    assert!(!page.body.contains("name=\"email\" value=\"on\"") && page.body.contains("name=\"webhook\""));
    // What is not offered is not switched off by the form that does not offer it.
    Browser::of(&without.anna).post(&without, "/account/notifications", "webhook=").await;
    let settings = without.call(Method::GET, PATH, &bearer(&without.anna.token), Json::None).await.json();
    assert_eq!((&settings["email_offered"], &settings["email"]), (&false.into(), &true.into()));
    let with = with_mail().await;
    let page = Browser::of(&with.anna).get(&with, "/account").await;
    assert!(page.body.contains("name=\"email\" value=\"on\" checked"), "{}", page.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_language_of_the_browser_is_remembered_at_sign_in() {
    let rig = Rig::new().await;
    let language = async || {
        let row =
            customer::Entity::find_by_id(rig.anna.id.0).one(rig.store.reading()).await.unwrap().unwrap();
        (row.language, row.browser_language)
    };
    assert_eq!(language().await, (None, None));
    for (accepts, expected) in [("de-AT,en;q=0.5", "de"), ("fr", "en")] {
        let mut browser = Browser::default();
        browser.get(&rig, "/sign-in").await;
        let fields =
            format!("csrf={}&name=anna&password={}&next=/", browser.csrf, PASSWORD.replace(' ', "+"));
        let request = browser
            .request(Method::POST, "/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .header(header::ACCEPT_LANGUAGE, accepts);
        let answer = rig.send(request.body(fields.into()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        assert_eq!(language().await, (None, Some(expected.to_owned())));
    }
}
