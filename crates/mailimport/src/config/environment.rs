//! `MAILIMPORT_*` over the file: `work.checks` is `MAILIMPORT_WORK_CHECKS`, lists are separated by commas.
//!
//! Which settings there are and of what kind is read from the sample. A variable that is none of them is refused:
//! a mistyped one would otherwise do nothing, silently.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Config, ConfigError, FILE_VARIABLE, value};

const PREFIX: &str = "MAILIMPORT_";
/// Read elsewhere; no settings.
const OTHERS: [&str; 3] = [FILE_VARIABLE, "MAILIMPORT_SOURCE_PASSWORD", "MAILIMPORT_SOURCE_TOKEN"];

/// Puts the environment over what the file says.
pub(super) fn over(
    mut table: Table,
    environment: BTreeMap<OsString, OsString>,
) -> Result<Config, ConfigError> {
    let known = settings();
    for (name, given) in environment {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(name))
        else {
            continue;
        };
        let Some((path, kind)) = known.get(name) else {
            return Err(ConfigError::UnknownVariable(name.to_owned()));
        };
        let wrong =
            |why: &str| ConfigError::Variable { name: name.to_owned(), why: value::without_value(why) };
        let text = given.to_str().ok_or_else(|| wrong("it is not UTF-8 text"))?;
        put(&mut table, path, read(kind, text).map_err(wrong)?);
        Config::deserialize(table.clone()).map_err(|error| wrong(error.message()))?;
    }
    // The file alone was deserialised before, and each variable after it was put over it.
    Config::deserialize(table).map_err(|_| ConfigError::Together("the settings cannot be read"))
}

/// Each variable with the way to its setting and a value of its kind.
fn settings() -> BTreeMap<String, (Vec<String>, Value)> {
    let mut found = BTreeMap::new();
    let mut add = |path: Vec<String>, value: &Value| {
        let name = path.join("_").to_uppercase();
        found.insert(format!("{PREFIX}{name}"), (path, value.clone()));
    };
    for (key, value) in &sample() {
        match value {
            Value::Table(section) => {
                section.iter().for_each(|(inner, value)| add(vec![key.clone(), inner.clone()], value));
            }
            value => add(vec![key.clone()], value),
        }
    }
    found
}

/// The sample with every setting in force. A line that is a setting has its mark without a blank behind it.
pub(super) fn sample() -> Table {
    let lines: String = include_str!("../../mailimport.sample.toml")
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with([' ', '#']) => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    // A test reads it too.
    toml::from_str(&lines).unwrap_or_default()
}

/// Reads a text as the kind of value that a setting has.
fn read(kind: &Value, text: &str) -> Result<Value, &'static str> {
    match kind {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => text.trim().parse().map(Value::Integer).map_err(|_| "it is no whole number"),
        Value::Boolean(_) => {
            text.trim().parse().map(Value::Boolean).map_err(|_| "it is neither true nor false")
        }
        Value::Array(items) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            // An empty list in the sample is one of texts.
            let kind = items.first().cloned().unwrap_or(Value::String(String::new()));
            parts.map(|part| read(&kind, part)).collect::<Result<_, _>>().map(Value::Array)
        }
        _ => Err("it cannot be set by the environment"),
    }
}

fn put(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [section, rest @ ..] => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
