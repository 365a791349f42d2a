//! Who gets in, and who does not.

use secrecy::{ExposeSecret, SecretString};
use service::model::{Language, Scope, Theme};
use service::{Conflict, Error, LinkPurpose, Page, SignInError};

use crate::rig::{PASSWORD, Place, Rig, on_both_databases};

on_both_databases! {
    the_first_operator_comes_in_by_a_link_that_works_once
    a_wrong_password_an_unknown_name_and_a_disabled_customer_look_the_same
    attempts_are_counted_for_each_name
    a_session_ends_when_somebody_signs_out_and_all_end_with_a_new_password
    a_token_does_what_it_was_made_for_and_nothing_after_it_was_revoked
    a_second_factor_is_asked_for_and_its_codes_work_once
    operators_pages_do_not_exist_for_customers
    names_and_addresses_that_cannot_be_used_are_refused_with_their_fields
    what_was_done_stands_in_the_audit_log
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

async fn the_first_operator_comes_in_by_a_link_that_works_once(place: &Place) {
    let rig = Rig::open(place).await;
    let first = rig.service.first_link().await.unwrap().unwrap();
    let link = rig.service.first_link().await.unwrap().unwrap();
    // A newer link ends the older one.
    assert_eq!(rig.service.open_link(&first.secret).await, Err(Error::NotFound));
    assert_eq!(rig.service.open_link(&link.secret).await, Ok(LinkPurpose::SetUpOperator));
    let weak = rig.service.use_link(&link.secret, Some(""), secret("short"), None).await.unwrap_err();
    let Error::Invalid(problems) = weak else { panic!("{weak}") };
    assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["name", "password"]);
    let signed_in =
        rig.service.use_link(&link.secret, Some(" Admin "), secret(PASSWORD), None).await.unwrap();
    assert_eq!(signed_in.session.actor.name, "admin");
    assert!(rig.service.session(&signed_in.secret).await.unwrap().is_some());
    assert_eq!(rig.service.open_link(&link.secret).await, Err(Error::NotFound));
    assert!(rig.service.first_link().await.unwrap().is_none());
}

async fn a_wrong_password_an_unknown_name_and_a_disabled_customer_look_the_same(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, _) = rig.customer(&operator, "alice", "example.com").await;
    let sign_in = async |name: &str, password: &str| {
        rig.service.sign_in(name, secret(password), None, None).await.map(drop).map_err(|e| e.to_string())
    };
    sign_in("ALICE ", PASSWORD).await.unwrap();
    let wrong = sign_in("alice", "wrong wrong wrong").await.unwrap_err();
    assert_eq!(sign_in("nobody", PASSWORD).await.unwrap_err(), wrong);
    rig.service.disable_customer(&operator, alice.customer).await.unwrap();
    assert_eq!(sign_in("alice", PASSWORD).await.unwrap_err(), wrong);
    rig.service.enable_customer(&operator, alice.customer).await.unwrap();
    sign_in("alice", PASSWORD).await.unwrap();
    assert_eq!(rig.service.disable_customer(&operator, operator.customer).await, Err(Error::Forbidden));
}

async fn attempts_are_counted_for_each_name(place: &Place) {
    let rig = Rig::with(place, |settings| settings.sign_ins_per_name = 5).await;
    rig.operator().await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(rig.service.sign_in("admin", secret("wrong"), None, None).await.unwrap_err());
    }
    assert!(answers[..5].iter().all(|error| matches!(error, SignInError::Refused)), "{answers:?}");
    assert!(matches!(answers[5], SignInError::TooMany { .. }), "{answers:?}");
    // Also with the right password: otherwise it could be found by trying on.
    let right = rig.service.sign_in("admin", secret(PASSWORD), None, None).await.unwrap_err();
    assert!(matches!(right, SignInError::TooMany { .. }));
    // From one address many names may not be tried either.
    let from = Some("192.0.2.7".parse().unwrap());
    let mut refused = 0;
    for n in 0..12 {
        let error = rig.service.sign_in(&format!("n{n}"), secret("x"), None, from).await.unwrap_err();
        refused += usize::from(matches!(error, SignInError::TooMany { .. }));
    }
    assert_eq!(refused, 2);
}

async fn a_session_ends_when_somebody_signs_out_and_all_end_with_a_new_password(place: &Place) {
    let rig = Rig::open(place).await;
    rig.operator().await;
    let one = rig.service.sign_in("admin", secret(PASSWORD), None, None).await.unwrap();
    let two = rig.service.sign_in("admin", secret(PASSWORD), None, None).await.unwrap();
    assert_ne!(one.session.csrf, two.session.csrf);
    rig.service.sign_out(&one.secret).await.unwrap();
    assert!(rig.service.session(&one.secret).await.unwrap().is_none());
    let actor = two.session.actor.clone();
    let wrong = rig.service.change_password(&actor, secret("not it"), secret("another long one")).await;
    assert!(matches!(wrong, Err(Error::Invalid(problems)) if problems[0].field == "old_password"));
    let new =
        rig.service.change_password(&actor, secret(PASSWORD), secret("another long one")).await.unwrap();
    assert!(rig.service.session(&two.secret).await.unwrap().is_none());
    assert!(rig.service.session(&new.secret).await.unwrap().is_some());
    assert!(rig.service.sign_in("admin", secret(PASSWORD), None, None).await.is_err());
    rig.service.sign_in("admin", secret("another long one"), None, None).await.unwrap();
    rig.service
        .set_preferences(&actor, Some(Language::German), Theme::Dark, Some("a@example.org"))
        .await
        .unwrap();
    let customer = rig.service.customer(&actor).await.unwrap();
    assert_eq!((customer.language, customer.theme), (Some(Language::German), Theme::Dark));
}

async fn a_token_does_what_it_was_made_for_and_nothing_after_it_was_revoked(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let (token, key) = rig.service.create_token(&alice, "panel", &[Scope::Read], None).await.unwrap();
    let robot = rig.service.token_actor(key.expose_secret(), None).await.unwrap().unwrap();
    rig.service.domain(&robot, domain).await.unwrap();
    let entry = crate::rig::entry("x");
    assert!(matches!(rig.service.add_entry(&robot, domain, entry).await, Err(Error::Forbidden)));
    // A token that leaked makes no others and shows none.
    assert_eq!(rig.service.tokens(&robot).await, Err(Error::Forbidden));
    assert_eq!(
        rig.service.create_token(&alice, "x", &[Scope::Admin], None).await.map(drop),
        Err(Error::Forbidden)
    );
    assert_eq!(rig.service.tokens(&alice).await.unwrap().len(), 1);
    assert_eq!(rig.service.revoke_token(&operator, token.id).await, Err(Error::NotFound));
    rig.service.revoke_token(&alice, token.id).await.unwrap();
    assert!(rig.service.token_actor(key.expose_secret(), None).await.unwrap().is_none());
    let past = jiff::Timestamp::from_second(1).unwrap();
    let (_, over) = rig.service.create_token(&alice, "over", &[Scope::Read], Some(past)).await.unwrap();
    assert!(rig.service.token_actor(over.expose_secret(), None).await.unwrap().is_none());
}

async fn a_second_factor_is_asked_for_and_its_codes_work_once(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let setup = rig.service.begin_totp(&operator).await.unwrap();
    assert!(setup.otpauth_url.starts_with("otpauth://totp/"));
    let secret_octets = totp_rs::Secret::try_from_base32(&setup.secret_base32).unwrap();
    let totp = totp_rs::Builder::new()
        .with_secret(secret_octets)
        .with_account_name("admin")
        .with_issuer(Some("mailimport"))
        .build()
        .unwrap();
    assert!(rig.service.confirm_totp(&operator, "abcdef").await.is_err());
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let code = totp.generate(now).to_string();
    rig.service.confirm_totp(&operator, &code).await.unwrap();
    let sign_in = async |code: Option<&str>| rig.service.sign_in("admin", secret(PASSWORD), code, None).await;
    assert!(matches!(sign_in(None).await, Err(SignInError::CodeNeeded)));
    assert!(matches!(sign_in(Some(&code)).await, Err(SignInError::Refused)), "a code that was used");
    // The next step's code is accepted already: clocks may be off by one step.
    let next = totp.generate(now + 30).to_string();
    sign_in(Some(&next)).await.unwrap();
    assert!(matches!(sign_in(Some(&next)).await, Err(SignInError::Refused)));
    rig.service.remove_totp(&operator, secret(PASSWORD)).await.unwrap();
}

async fn operators_pages_do_not_exist_for_customers(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let (alice, domain) = rig.customer(&operator, "alice", "example.com").await;
    let service = &rig.service;
    assert_eq!(service.customers(&alice, Page::first(9)).await, Err(Error::NotFound));
    assert_eq!(service.all_domains(&alice, Page::first(9)).await, Err(Error::NotFound));
    assert_eq!(service.audit(&alice, None, 9).await, Err(Error::NotFound));
    assert_eq!(service.create_domain(&alice, "x.org", alice.customer).await, Err(Error::NotFound));
    assert_eq!(service.remove_domain(&alice, domain).await, Err(Error::NotFound));
    assert_eq!(service.disable_customer(&alice, operator.customer).await, Err(Error::NotFound));
    assert_eq!(service.create_customer(&alice, "bob", None).await.map(drop), Err(Error::NotFound));
    assert_eq!(service.reset_link(&alice, operator.customer).await.map(drop), Err(Error::NotFound));
    // The operator's own list does not hold a customer's domain.
    assert_eq!(service.domain(&operator, domain).await, Err(Error::NotFound));
    assert_eq!(service.all_domains(&operator, Page::first(9)).await.unwrap().len(), 1);
}

async fn names_and_addresses_that_cannot_be_used_are_refused_with_their_fields(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    let refused = async |name: &str, email: Option<&str>| match rig
        .service
        .create_customer(&operator, name, email)
        .await
    {
        Err(Error::Invalid(problems)) => problems.into_iter().map(|p| p.field).collect(),
        Err(Error::Conflict(Conflict::NameTaken)) => vec!["taken".to_owned()],
        other => panic!("{other:?}"),
    };
    assert_eq!(refused("", None).await, ["name"]);
    assert_eq!(refused("a b", Some("no address")).await, ["name", "email"]);
    assert_eq!(refused("ADMIN", None).await, ["taken"]);
    for name in ["", "localhost", "exa mple.org", "-x.org", "192.0.2.1", "a..b", "../x.org"] {
        let error = rig.service.create_domain(&operator, name, operator.customer).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{name}: {error}");
    }
    let domain = rig.service.create_domain(&operator, "Bücher.Example", operator.customer).await.unwrap();
    assert_eq!(domain.name, "xn--bcher-kva.example");
    let again = rig.service.create_domain(&operator, "bücher.example", operator.customer).await;
    assert_eq!(again, Err(Error::Conflict(Conflict::NameTaken)));
    rig.service.remove_domain(&operator, domain.id).await.unwrap();
    assert_eq!(rig.service.domains(&operator).await.unwrap(), []);
}

async fn what_was_done_stands_in_the_audit_log(place: &Place) {
    let rig = Rig::open(place).await;
    let operator = rig.operator().await;
    rig.customer(&operator, "alice", "example.com").await;
    let _ = rig.service.sign_in("mallory", secret("x"), None, None).await;
    let lines = rig.service.audit(&operator, None, 100).await.unwrap();
    let actions: Vec<&str> = lines.iter().rev().map(|line| line.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "password.set_by_link",
            "customer.create",
            "password.set_by_link",
            "domain.create",
            "sign_in.refused"
        ]
    );
    let older = rig.service.audit(&operator, Some(lines[1].id), 2).await.unwrap();
    assert_eq!(older, lines[2..4]);
}
