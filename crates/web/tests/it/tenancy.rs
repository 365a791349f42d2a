//! Two customers, every route, every id: never anything of the other.

use axum::http::StatusCode;

use crate::rig::{PASSWORD, Place, Rig, basic, bearer};
use crate::routes::{Access, ROUTES};
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
    assert_eq!(before, belongings(&rig, &rig.anna).await);
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
    for line in ROUTES.iter().filter(|line| line.is_api() && line.has_id() && line.method == "GET") {
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
}
