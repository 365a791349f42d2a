//! Coming in, staying, going out.

use axum::http::StatusCode;
use secrecy::SecretString;

use crate::rig::{Browser, PASSWORD, Place, Rig};
use web::Settings;

async fn sign_in(rig: &Rig, browser: &mut Browser, name: &str, password: &str) -> crate::rig::Answer {
    browser.get(rig, "/sign-in").await;
    let password = password.replace(' ', "+");
    browser.post(rig, "/sign-in", &format!("name={name}&password={password}&next=/account")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_and_out_and_the_cookie_is_worth_nothing_afterwards() {
    let rig = Rig::new().await;
    let mut browser = Browser::default();
    let wrong = sign_in(&rig, &mut browser, "anna", "wrong").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("value=\"anna\"") && browser.cookie("mailimport").is_none());
    let unknown = sign_in(&rig, &mut browser, "nobody", "wrong").await;
    assert_eq!(unknown.status, wrong.status);
    let right = sign_in(&rig, &mut browser, "Anna", PASSWORD).await;
    assert_eq!((right.status, right.header("location")), (StatusCode::SEE_OTHER, "/account"));
    let set = right
        .headers
        .get_all("set-cookie")
        .iter()
        .find(|line| line.to_str().unwrap().starts_with("mailimport="));
    let set = set.unwrap().to_str().unwrap();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    assert_eq!(browser.get(&rig, "/account").await.status, StatusCode::OK);
    let before = browser.clone();
    let out = browser.post(&rig, "/sign-out", "").await;
    assert_eq!((out.status, out.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(browser.cookie("mailimport").is_none());
    let late = before.clone().get(&rig, "/account").await;
    assert_eq!(
        (late.status, late.header("location")),
        (StatusCode::SEE_OTHER, "/sign-in?expired=1&next=%2Faccount")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere_after_the_sign_in() {
    let rig = Rig::new().await;
    for next in
        ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/%0d%0aX:1"]
    {
        let mut browser = Browser::default();
        browser.get(&rig, "/sign-in").await;
        let fields = format!("name=anna&password={}&next={next}", PASSWORD.replace(' ', "+"));
        let answer = browser.post(&rig, "/sign-in", &fields).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_counted_for_each_name_and_each_address() {
    let few = |settings: &mut service::Settings| {
        (settings.sign_ins_per_name, settings.sign_ins_per_address) = (3, 5);
    };
    let rig = Rig::with(Place::sqlite(), Settings::default(), few).await;
    let mut browser = Browser::default();
    for _ in 0..3 {
        assert_eq!(
            sign_in(&rig, &mut browser, "anna", "wrong").await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    let fourth = sign_in(&rig, &mut browser, "anna", PASSWORD).await;
    assert_eq!(fourth.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sign_in(&rig, &mut browser, "ben", "wrong").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(sign_in(&rig, &mut browser, "ben", PASSWORD).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_is_asked_for_after_the_password_and_the_password_does_not_travel_again() {
    let rig = Rig::new().await;
    let mut browser = Browser::of(&rig.anna);
    let shown = browser.post(&rig, "/account/totp", "").await;
    assert_eq!(shown.status, StatusCode::OK);
    // Taken from the page as somebody types it: in groups of four.
    let secret = shown
        .body
        .split("class=\"secret\"><code>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .replace(' ', "");
    let mistyped = browser.post(&rig, "/account/totp/confirm", "code=000").await;
    assert!(
        mistyped.status == StatusCode::UNPROCESSABLE_ENTITY && mistyped.body.contains("<svg class=\"qr\"")
    );
    let code = totp(&secret, 0);
    let confirmed = browser.post(&rig, "/account/totp/confirm", &format!("code={code}")).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.body);
    let mut other = Browser::default();
    let asked = sign_in(&rig, &mut other, "anna", PASSWORD).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(!asked.body.contains(PASSWORD) && other.cookie("mailimport").is_none());
    let pending =
        asked.body.split("name=\"pending\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let wrong = other.post(&rig, "/sign-in", &format!("pending={pending}&code=123&next=/account")).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let next = totp(&secret, 1);
    let right = other.post(&rig, "/sign-in", &format!("pending={pending}&code={next}&next=/account")).await;
    assert_eq!(
        (right.status, right.header("location")),
        (StatusCode::SEE_OTHER, "/account"),
        "{}",
        right.body
    );
    let again = other.post(&rig, "/sign-in", &format!("pending={pending}&code={next}&next=/account")).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "it works once");
}

/// A code `steps` steps from now (RFC 6238), by a program of its own.
fn totp(secret: &str, steps: i64) -> String {
    let at = jiff::Timestamp::now().as_second() + 30 * steps;
    let output = std::process::Command::new("python3")
        .args(["-c", "import sys,hmac,struct,base64\nk=base64.b32decode(sys.argv[1]+'='*(-len(sys.argv[1])%8))\nd=hmac.new(k,struct.pack('>Q',int(sys.argv[2])//30),'sha1').digest()\no=d[19]&15\nprint('%06d'%((struct.unpack('>I',d[o:o+4])[0]&0x7fffffff)%1000000))"])
        .arg(secret)
        .arg(at.to_string())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_link_works_once() {
    let rig = Rig::new().await;
    let mut operators = Browser::of(&rig.operator);
    let made = operators.post(&rig, "/operator/customers", "name=carla&email=").await;
    assert_eq!(made.status, StatusCode::OK);
    let secret = made.body.split("http://localhost:8080/link/").nth(1).unwrap();
    let secret: String =
        secret.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    // It is told this once.
    assert!(!operators.get(&rig, "/operator/customers").await.body.contains(&secret));
    let mut carlas = Browser::default();
    let path = format!("/link/{secret}");
    let page = carlas.get(&rig, &path).await;
    assert!(page.status == StatusCode::OK && page.body.contains("carla"), "{}", page.body);
    let short = carlas.post(&rig, &path, "password=short").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let taken = carlas.post(&rig, &path, "password=a+good+long+one").await;
    assert_eq!((taken.status, taken.header("location")), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(carlas.get(&rig, "/domains").await.status, StatusCode::OK);
    assert_eq!(Browser::default().get(&rig, &path).await.status, StatusCode::NOT_FOUND);
    let password = SecretString::from("a good long one");
    assert!(rig.service.sign_in("carla", password, None, None).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_all_other_sessions() {
    let rig = Rig::new().await;
    let mut elsewhere = Browser::default();
    sign_in(&rig, &mut elsewhere, "anna", PASSWORD).await;
    assert_eq!(elsewhere.get(&rig, "/account").await.status, StatusCode::OK);
    let mut here = Browser::of(&rig.anna);
    let wrong = here.post(&rig, "/account/password", "old=wrong&password=another+good+one").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"old-error\""), "{}", wrong.body);
    let old = PASSWORD.replace(' ', "+");
    let changed = here.post(&rig, "/account/password", &format!("old={old}&password=another+good+one")).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.body);
    assert_eq!(here.get(&rig, "/account").await.status, StatusCode::OK);
    assert_eq!(elsewhere.get(&rig, "/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn language_and_look_are_the_accounts_else_the_browsers() {
    let rig = Rig::new().await;
    let german = |body: &str| body.contains("<html lang=\"de\"");
    let mut browser = Browser::default();
    let request = browser
        .request("GET".parse().unwrap(), "/sign-in")
        .header("accept-language", "fr, de;q=0.8, en;q=0.5");
    assert!(german(&rig.send(request.body(axum::body::Body::empty()).unwrap()).await.body));
    assert!(!german(&browser.get(&rig, "/sign-in").await.body));
    let chosen = browser.post(&rig, "/preferences", "language=de&next=/sign-in").await;
    assert_eq!((chosen.status, chosen.header("location")), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(german(&browser.get(&rig, "/sign-in").await.body));
    browser.post(&rig, "/preferences", "theme=dark&next=/sign-in").await;
    let page = browser.get(&rig, "/sign-in").await.body;
    assert!(page.contains("data-theme=\"dark\""), "{page}");
    // An account's own choice goes before what the browser was told.
    let mut annas = Browser::of(&rig.anna);
    annas.post(&rig, "/preferences", "language=de&next=/account").await;
    assert!(german(&annas.get(&rig, "/account").await.body));
    annas.post(&rig, "/account/preferences", "language=en&theme=light&email=anna%40example.org").await;
    let page = annas.get(&rig, "/account").await.body;
    assert!(
        !german(&page) && page.contains("data-theme=\"light\"") && page.contains("anna@example.org"),
        "{page}"
    );
}
