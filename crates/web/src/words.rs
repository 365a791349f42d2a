//! What the pages say, in the reader's language.
//!
//! Sentences live in `locales/{en,de}/*.ftl`; Rust code and templates hold only their names. Numbers, sizes, dates and
//! durations are written as the language writes them. Text of servers and people is put into sentences as it is: making
//! it harmless is the templates' part.

mod formats;
mod reasons;
mod sentences;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_langneg::{
    LanguageIdentifier, NegotiationStrategy, negotiate_languages, parse_accepted_languages,
};
use jiff::tz::TimeZone;
use service::model::Language;

pub use sentences::{Chip, Tone};

/// Something a sentence is filled with: text or a number.
pub type Value<'a> = FluentValue<'a>;

type Bundle = FluentBundle<FluentResource>;

const ENGLISH: &[&str] = &[
    include_str!("../locales/en/common.ftl"),
    include_str!("../locales/en/states.ftl"),
    include_str!("../locales/en/problems.ftl"),
    include_str!("../locales/en/failures.ftl"),
    include_str!("../locales/en/mailimport.ftl"),
    include_str!("../locales/en/runs.ftl"),
    include_str!("../locales/en/account.ftl"),
    include_str!("../locales/en/operator.ftl"),
    include_str!("../locales/en/notices.ftl"),
];
const GERMAN: &[&str] = &[
    include_str!("../locales/de/common.ftl"),
    include_str!("../locales/de/states.ftl"),
    include_str!("../locales/de/problems.ftl"),
    include_str!("../locales/de/failures.ftl"),
    include_str!("../locales/de/mailimport.ftl"),
    include_str!("../locales/de/runs.ftl"),
    include_str!("../locales/de/account.ftl"),
    include_str!("../locales/de/operator.ftl"),
    include_str!("../locales/de/notices.ftl"),
];

static ENGLISH_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle("en", ENGLISH));
static GERMAN_BUNDLE: LazyLock<Bundle> = LazyLock::new(|| bundle("de", GERMAN));

/// A language and a time zone: everything that is needed to say something to somebody. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Words {
    language: Language,
    zone: TimeZone,
}

impl Words {
    /// Words in a language. `zone` is a name of the time zone database as a browser tells it (`Europe/Berlin`); times are
    /// in UTC, and say so, where it is absent or unknown.
    pub fn new(language: Language, zone: Option<&str>) -> Words {
        let known = zone.filter(|name| name.len() <= 64).and_then(|name| TimeZone::get(name).ok());
        Words { language, zone: known.unwrap_or(TimeZone::UTC) }
    }

    /// The language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Its code, for `lang`: `en` or `de`.
    pub fn code(&self) -> &'static str {
        match self.language {
            Language::English => "en",
            Language::German => "de",
        }
    }

    /// The time zone's name; empty where it is not known.
    pub(crate) fn zone_name(&self) -> &str {
        self.zone.iana_name().filter(|name| *name != "UTC").unwrap_or_default()
    }

    /// A sentence that is filled with nothing.
    pub fn say(&self, key: &str) -> Cow<'static, str> {
        self.filled(key, None)
    }

    /// A sentence with a number, called `$n` in it.
    pub fn count(&self, key: &str, n: u64) -> Cow<'static, str> {
        self.with(key, &[("n", number(n))])
    }

    /// A sentence with a text, called `$name` in it.
    pub fn naming(&self, key: &str, name: impl AsRef<str>) -> Cow<'static, str> {
        self.with(key, &[("name", name.as_ref().into())])
    }

    /// A sentence with several things in it.
    pub fn with(&self, key: &str, values: &[(&str, Value<'_>)]) -> Cow<'static, str> {
        let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        self.filled(key, Some(&args))
    }

    /// Whether there is a sentence of this name.
    pub fn knows(&self, key: &str) -> bool {
        self.bundle().has_message(key)
    }

    fn bundle(&self) -> &'static Bundle {
        match self.language {
            Language::English => &ENGLISH_BUNDLE,
            Language::German => &GERMAN_BUNDLE,
        }
    }

    /// A name without a sentence is shown as it is; a test sees to it that there is none.
    fn filled(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        let bundle = self.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return Cow::Owned(key.to_owned());
        };
        let said = bundle.format_pattern(pattern, args, &mut Vec::new());
        Cow::Owned(said.into_owned())
    }
}

/// A number for a sentence.
pub fn number(n: u64) -> Value<'static> {
    // Numbers of messages stay far below 2^53.
    Value::from(n as f64)
}

/// The language that fits an `Accept-Language` header best.
pub fn preferred(accept_language: &str) -> Language {
    let wanted = parse_accepted_languages(accept_language);
    let available = ["en", "de"].map(|code| code.parse::<LanguageIdentifier>().unwrap_or_default());
    let found = negotiate_languages(&wanted, &available, None, NegotiationStrategy::Lookup);
    match found.first() {
        Some(language) if **language == available[1] => Language::German,
        _ => Language::English,
    }
}

fn bundle(code: &str, files: &[&str]) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![code.parse().unwrap_or_default()]);
    // Isolation marks show as boxes in mail programs and terminals where pages are pasted into.
    bundle.set_use_isolating(false);
    bundle.set_formatter(Some(if code == "de" { formats::german } else { formats::english }));
    for file in files {
        // A broken entry costs only itself, and a test.
        let resource = FluentResource::try_new((*file).to_owned()).unwrap_or_else(|(partial, _)| partial);
        let _ = bundle.add_resource(resource);
    }
    bundle
}
