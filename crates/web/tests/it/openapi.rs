//! The description: OpenAPI 3.1, complete, and nothing in it that is not there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::rig::{Json, Rig};
use crate::routes::{Access, ROUTES};

async fn description(rig: &Rig) -> Value {
    rig.call("GET".parse().unwrap(), "/api/v1/openapi.json", "", Json::None).await.json()
}

/// Every operation with its method and address.
fn operations(description: &Value) -> Vec<(String, String, &Value)> {
    let paths = description["paths"].as_object().unwrap();
    let operations = |(path, item): (&String, &'_ Value)| -> Vec<(String, String)> {
        item.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    let names: Vec<_> = paths.iter().flat_map(operations).collect();
    names
        .into_iter()
        .map(|(method, path)| {
            let operation = &description["paths"][&path][method.to_lowercase()];
            (method, path, operation)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_with_what_it_asks_for() {
    let rig = Rig::new().await;
    let description = description(&rig).await;
    assert_eq!(description["openapi"], "3.1.0");
    let operations = operations(&description);
    let described: BTreeSet<_> =
        operations.iter().map(|(method, path, _)| (method.as_str(), path.as_str())).collect();
    let api = ROUTES.iter().filter(|line| line.is_api() && line.access != Access::All);
    assert_eq!(described, api.clone().map(|line| (line.method, line.path)).collect());
    for line in api {
        let (_, _, operation) =
            operations.iter().find(|(method, path, _)| method == line.method && path == line.path).unwrap();
        let (scheme, scopes): (&str, &[&str]) = match line.access {
            Access::Reading => ("token", &["read"]),
            Access::Writing => ("token", &["write"]),
            Access::Admin => ("token", &["admin"]),
            _ => ("person", &[]),
        };
        assert_eq!(operation["security"][0][scheme], serde_json::json!(scopes), "{line:?}");
        assert!(!operation["summary"].as_str().unwrap_or_default().is_empty(), "{line:?}: what does it do?");
        let problem = &operation["responses"]["default"]["content"]["application/problem+json"];
        assert!(problem.is_object(), "{line:?}: {operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn references_lead_somewhere_and_names_are_used_once() {
    let rig = Rig::new().await;
    let description = description(&rig).await;
    let mut references = Vec::new();
    collect(&description, "$ref", &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    let operations = operations(&description);
    let ids: BTreeSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for (method, path, operation) in &operations {
        let named: BTreeSet<_> =
            path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described = parameters.iter().filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<_> = described.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(named, described, "{method} {path}");
    }
}

/// What comes in as a secret has no way out: no schema of an answer has a field for it.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_made_here_leaves_as_a_secret() {
    let rig = Rig::new().await;
    let description = description(&rig).await;
    let schemas = description["components"]["schemas"].as_object().unwrap();
    let secret = |name: &str| name == "secret" || name.contains("password") && !name.starts_with("has_");
    let mut with_secrets = BTreeSet::new();
    for (name, schema) in schemas {
        let mut properties = Vec::new();
        collect(schema, "properties", &mut properties);
        let names = properties.iter().flat_map(|properties| properties.as_object().unwrap().keys());
        if names.into_iter().any(|field| secret(field)) {
            with_secrets.insert(name.as_str());
        }
    }
    let incoming = ["EntryChange", "NewEntry", "NewPassword", "PresentPassword"];
    let made_here = ["CreatedToken", "TotpSetup", "WebhookSecret"];
    assert_eq!(with_secrets, incoming.into_iter().chain(made_here).collect());
}

fn collect<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key));
            fields.values().for_each(|value| collect(value, key, found));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, key, found)),
        _ => {}
    }
}
