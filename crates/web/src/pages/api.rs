//! The API's documentation, drawn from its OpenAPI description: no script of elsewhere, no second truth.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

use super::frame::Frame;

/// Methods in the order in which they are read.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page.
#[derive(Template)]
#[template(path = "api.html")]
pub struct ApiDocs {
    /// The frame.
    pub f: Frame,
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) description: Vec<String>,
    pub(crate) groups: Vec<Group>,
    pub(crate) schemas: Vec<Schema>,
}

/// Operations of one tag.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) operations: Vec<Operation>,
}

pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) description: Vec<String>,
    pub(crate) scopes: String,
    pub(crate) parameters: Vec<Member>,
    pub(crate) body: Option<Type>,
    pub(crate) responses: Vec<Answer>,
    pub(crate) example: String,
}

/// A parameter or a member of an object.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) place: String,
    pub(crate) kind: Type,
    pub(crate) required: bool,
    pub(crate) description: String,
}

/// A type in words, with the object that it names.
pub(crate) struct Type {
    pub(crate) before: String,
    pub(crate) link: Option<String>,
}

pub(crate) struct Answer {
    pub(crate) status: String,
    pub(crate) description: String,
    pub(crate) kind: Option<Type>,
}

pub(crate) struct Schema {
    pub(crate) name: String,
    pub(crate) description: Vec<String>,
    pub(crate) members: Vec<Member>,
    pub(crate) values: Vec<String>,
    pub(crate) is: Option<Type>,
}

impl ApiDocs {
    /// Reads an OpenAPI 3.1 description. What it lacks is left out.
    pub fn new(f: Frame, document: &Value) -> ApiDocs {
        let schemas = document["components"]["schemas"].as_object();
        ApiDocs {
            f,
            title: text(&document["info"]["title"]),
            version: text(&document["info"]["version"]),
            description: paragraphs(&document["info"]["description"]),
            groups: groups(document),
            schemas: schemas.into_iter().flatten().map(|(name, schema)| read_schema(name, schema)).collect(),
        }
    }
}

fn groups(document: &Value) -> Vec<Group> {
    let mut found: BTreeMap<String, Vec<Operation>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(described) = item.get(method) else { continue };
            let tag = described["tags"][0].as_str().unwrap_or("api").to_owned();
            found.entry(tag).or_default().push(operation(path, method, item, described));
        }
    }
    // The order of the description's tags; what is not among them follows.
    let named = document["tags"].as_array().into_iter().flatten().filter_map(|tag| tag["name"].as_str());
    let order: Vec<&str> = named.collect();
    let place = |name: &str| order.iter().position(|known| *known == name).unwrap_or(order.len());
    let group = |(name, operations): (String, Vec<Operation>)| Group { id: anchor(&name), name, operations };
    let mut groups: Vec<Group> = found.into_iter().map(group).collect();
    groups.sort_by_key(|group| place(&group.name));
    groups
}

fn operation(path: &str, method: &str, item: &Value, described: &Value) -> Operation {
    let both = [&item["parameters"], &described["parameters"]];
    let parameters = both.into_iter().filter_map(Value::as_array).flatten();
    let body = content(&described["requestBody"]);
    Operation {
        id: anchor(described["operationId"].as_str().unwrap_or(&format!("{method}-{path}"))),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&described["summary"]),
        description: paragraphs(&described["description"]),
        scopes: scopes(described),
        parameters: parameters.map(parameter).collect(),
        example: example(path, method, body),
        body: body.map(read_type),
        responses: described["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(status, answer)| Answer {
                status: status.clone(),
                description: text(&answer["description"]),
                kind: content(answer).map(read_type),
            })
            .collect(),
    }
}

/// The schema of what is sent, whatever its media type.
fn content(value: &Value) -> Option<&Value> {
    let (_, first) = value["content"].as_object()?.iter().next()?;
    first.get("schema")
}

fn scopes(described: &Value) -> String {
    let required = described["security"].as_array().into_iter().flatten();
    let named = required.filter_map(Value::as_object).flat_map(|needs| needs.values());
    let names = named.filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    names.collect::<Vec<_>>().join(", ")
}

fn parameter(value: &Value) -> Member {
    Member {
        name: text(&value["name"]),
        place: text(&value["in"]),
        kind: read_type(&value["schema"]),
        required: value["required"].as_bool().unwrap_or(false),
        description: text(&value["description"]),
    }
}

fn read_schema(name: &str, schema: &Value) -> Schema {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let objects = std::iter::once(schema).chain(parts.clone());
    let members = objects
        .filter_map(|part| part["properties"].as_object())
        .flatten()
        .map(|(member, described)| Member {
            name: member.clone(),
            place: String::new(),
            kind: read_type(described),
            required: required.contains(&member.as_str()),
            description: text(&described["description"]),
        })
        .collect::<Vec<_>>();
    let values: Vec<String> = schema["enum"].as_array().into_iter().flatten().map(text).collect();
    let is = (members.is_empty() && values.is_empty()).then(|| read_type(schema));
    Schema { name: name.to_owned(), description: paragraphs(&schema["description"]), members, values, is }
}

/// A schema in a few words. It never follows a reference, so that it ends.
fn read_type(schema: &Value) -> Type {
    let plain = |before: String| Type { before, link: None };
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return Type { before: String::new(), link: Some(name.to_owned()) };
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        let Some(choices) = schema[key].as_array() else { continue };
        let nullable = choices.iter().any(|choice| choice["type"] == "null");
        if let Some(choice) = choices.iter().find(|choice| choice["type"] != "null") {
            let mut known = read_type(choice);
            known.before = if nullable { format!("null | {}", known.before) } else { known.before };
            return known;
        }
    }
    let names = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if names.contains(&"array") {
        let of = read_type(&schema["items"]);
        return Type { before: format!("array of {}", of.before), link: of.link };
    }
    let values = schema["enum"].as_array().into_iter().flatten().map(text).collect::<Vec<_>>();
    let kind = if values.is_empty() { names.join(" | ") } else { values.join(" | ") };
    match schema["format"].as_str() {
        Some(format) => plain(format!("{kind} ({format})")),
        None if kind.is_empty() => plain("any".to_owned()),
        None => plain(kind),
    }
}

/// A command that can be tried.
fn example(path: &str, method: &str, body: Option<&Value>) -> String {
    let method = match method {
        "get" => String::new(),
        other => format!(" -X {}", other.to_uppercase()),
    };
    let body = if body.is_some() { " \\\n  -H 'Content-Type: application/json' -d @body.json" } else { "" };
    format!("curl{method} -H \"Authorization: Bearer $TOKEN\" \"$SERVER{path}\"{body}")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn paragraphs(value: &Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    text.split("\n\n").map(|p| p.trim().replace('\n', " ")).filter(|p| !p.is_empty()).collect()
}

fn anchor(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).collect()
}
