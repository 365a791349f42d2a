//! Two customers, every route, every id: never anything of the other.

use axum::http::StatusCode;

use crate::rig::{Answer, Browser, Json, PASSWORD, Place, Rig, basic, bearer};
use crate::routes::{Access, Line, ROUTES};
use web::Settings;

/// Everything that belongs to somebody, as text.
async fn belongings(rig: &Rig, person: &crate::rig::Person) -> String {
    let (service, actor) = (&rig.service, &person.actor);
    let page = service::Page::first(1000);
    let mut all = format!("{:?}", service.customer(actor).await.unwrap());
    all += &format!("{:?}", service.domains(actor).await.unwrap());
    all += &format!("{:?}", service.entries(actor, person.domain, page).await.unwrap());
    all += &format!("{:?}", service.run(actor, person.run).await.unwrap());
    all += &format!(
        "{:?}",
        service.tokens(actor).await.unwrap().iter().map(|token| token.id).collect::<Vec<_>>()
    );
    all
}

async fn what_is_anothers_is_not_there(place: Place) {
    let rig = Rig::with(place, Settings::default(), |_| {}).await;
    let before = belongings(&rig, &rig.anna).await;
    for line in ROUTES.iter().filter(|line| line.is_api() && line.has_id()) {
        let authorization = match line.access {
            Access::Person => basic("ben", PASSWORD),
            _ => bearer(&rig.ben.token),
        };
        let theirs = rig.call(line.method(), &line.of(&rig.anna), &authorization, line.body).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{line:?}: {}", theirs.body);
        assert!(!theirs.body.contains("anna"), "{line:?}: {}", theirs.body);
        let nobodys = rig.call(line.method(), &line.of_nobody(), &authorization, line.body).await;
        let without_number = |answer: &crate::rig::Answer| {
            let mut json = answer.json();
            json.as_object_mut().unwrap().remove("request");
            json
        };
        assert_eq!(without_number(&theirs), without_number(&nobodys), "{line:?}");
    }
    for line in ROUTES.iter().filter(|line| line.access == Access::Session && line.has_id()) {
        let mut bens = Browser::of(&rig.ben);
        let theirs = page(&rig, &mut bens, line, &line.of(&rig.anna)).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{line:?}: {}", theirs.body);
        assert!(!theirs.body.contains("anna") || theirs.body.contains(&line.of(&rig.anna)), "{line:?}");
    }
    // What is anna's, at a domain of ben's.
    for path in ["", "/remove"] {
        let path = format!("/domains/ben.example/mailimport/entries/{}{path}", rig.anna.entry);
        assert_eq!(Browser::of(&rig.ben).get(&rig, &path).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(before, belongings(&rig, &rig.anna).await);
}

async fn page(rig: &Rig, browser: &mut Browser, line: &Line, path: &str) -> Answer {
    match line.body {
        Json::Form(fields) => browser.post(rig, path, fields).await,
        _ => browser.get(rig, path).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_not_there_for_a_token_or_a_person() {
    what_is_anothers_is_not_there(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_not_there_for_a_token_or_a_person_on_postgresql() {
    what_is_anothers_is_not_there(Place::postgres()).await;
}

/// The control: with their own ids the same calls find something.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_ones_own_is_there() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.is_api() && line.has_id() && !line.writes()) {
        let authorization = match line.access {
            Access::Person => basic("anna", PASSWORD),
            _ => bearer(&rig.anna.token),
        };
        let own = rig.call(line.method(), &line.of(&rig.anna), &authorization, line.body).await;
        // A report is there only once the work has ended.
        let expected: &[StatusCode] = match line.path.contains("/imports/{import}/report") {
            true => &[StatusCode::CONFLICT],
            false => &[StatusCode::OK],
        };
        assert!(expected.contains(&own.status), "{line:?}: {}", own.body);
    }
    for line in ROUTES.iter().filter(|line| line.access == Access::Session && !line.writes()) {
        let own = Browser::of(&rig.anna).get(&rig, &line.of(&rig.anna)).await;
        let expected = match line.path {
            "/" => StatusCode::SEE_OTHER,
            path if path.contains("/imports/{import}/report") => StatusCode::CONFLICT,
            _ => StatusCode::OK,
        };
        assert_eq!(own.status, expected, "{line:?}: {}", own.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_is_asked_to() {
    let rig = Rig::new().await;
    let needs = |line: &&Line| matches!(line.access, Access::Session | Access::Operator);
    for line in ROUTES.iter().filter(needs) {
        let mut strangers = Browser::default();
        strangers.get(&rig, "/sign-in").await;
        let answer = page(&rig, &mut strangers, line, &line.of(&rig.anna)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{line:?}: {}", answer.body);
        assert!(answer.header("location").starts_with("/sign-in"), "{line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_pages_are_not_there_for_customers() {
    let rig = Rig::new().await;
    for line in ROUTES.iter().filter(|line| line.access == Access::Operator) {
        let customer = page(&rig, &mut Browser::of(&rig.anna), line, &line.of(&rig.ben)).await;
        assert_eq!(customer.status, StatusCode::NOT_FOUND, "{line:?}: {}", customer.body);
        if !line.writes() {
            let operator = page(&rig, &mut Browser::of(&rig.operator), line, &line.of(&rig.ben)).await;
            assert_eq!(operator.status, StatusCode::OK, "{line:?}: {}", operator.body);
        }
    }
}
