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
        table = with(&table, path, kind, text).map_err(|why| wrong(&why))?;
    }
    // The file alone was deserialised before, and each variable after it was put over it.
    Config::deserialize(table).map_err(|_| ConfigError::Together("the settings cannot be read"))
}

/// The table with one setting more, if it is one then.
fn with(table: &Table, path: &[String], kind: &Value, text: &str) -> Result<Table, String> {
    let mut why = String::new();
    for value in read(kind, text)? {
        let mut changed = table.clone();
        put(&mut changed, path, value);
        match Config::deserialize(changed.clone()) {
            Ok(_) => return Ok(changed),
            Err(error) => why = error.message().to_owned(),
        }
    }
    Err(why)
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

/// What a text may mean for a setting of this kind.
fn read(kind: &Value, text: &str) -> Result<Vec<Value>, &'static str> {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let texts = || Value::Array(parts().map(|part| Value::String(part.to_owned())).collect());
    let numbers = || parts().map(|part| part.parse().map(Value::Integer)).collect::<Result<Vec<_>, _>>();
    match kind {
        Value::String(_) => Ok(vec![Value::String(text.to_owned())]),
        Value::Integer(_) => text
            .trim()
            .parse()
            .map(|number| vec![Value::Integer(number)])
            .map_err(|_| "it is no whole number"),
        // An empty list in the sample does not tell what it is a list of.
        Value::Array(_) => Ok(numbers().map(Value::Array).into_iter().chain([texts()]).collect()),
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
