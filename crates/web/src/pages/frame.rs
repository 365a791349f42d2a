//! What stands around every page: who is signed in, language, look, navigation, the message of the last action.

use std::borrow::Cow;

use askama::Template;
use service::model::{Role, Theme};

use super::flash::Flash;
use crate::html::Html;
use crate::words::Words;

/// Who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Name to sign in with.
    pub name: String,
    /// Role.
    pub role: Role,
}

/// Where a page hears of changes.
#[derive(Debug, Clone)]
pub struct Live {
    /// Address of the event stream.
    pub address: String,
    /// What the page shows already.
    pub revision: i64,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Language and time zone.
    pub words: Words,
    /// Chosen look.
    pub theme: Theme,
    /// Who is signed in.
    pub person: Option<Person>,
    /// Token that every form sends back as `csrf`.
    pub csrf: String,
    /// Path and query of this page, for coming back after a choice in the footer.
    pub path: String,
    /// What the last action did.
    pub flash: Option<Flash>,
    /// Where changes are told; pages that live set it themselves.
    pub live: Option<Live>,
}

/// A link of the navigation.
#[derive(Debug)]
pub(crate) struct NavLink {
    pub(crate) href: &'static str,
    pub(crate) text: Cow<'static, str>,
    pub(crate) current: bool,
}

/// A choice of the footer.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) text: Cow<'static, str>,
    pub(crate) chosen: bool,
}

#[derive(Template)]
#[template(source = r#"<input type="hidden" name="csrf" value="{{ csrf }}">"#, ext = "html")]
struct CsrfField<'a> {
    csrf: &'a str,
}

impl Frame {
    /// A sentence; short for templates.
    pub(crate) fn say(&self, key: &str) -> Cow<'static, str> {
        self.words.say(key)
    }

    pub(crate) fn count(&self, key: &str, n: &u64) -> Cow<'static, str> {
        self.words.count(key, *n)
    }

    pub(crate) fn naming(&self, key: &str, name: impl AsRef<str>) -> Cow<'static, str> {
        self.words.naming(key, name)
    }

    /// Title of a page.
    pub(crate) fn title(&self, page: impl AsRef<str>) -> String {
        format!("{} – mailimport", page.as_ref())
    }

    pub(crate) fn csrf_field(&self) -> Html {
        Html::of(&CsrfField { csrf: &self.csrf })
    }

    /// For the style sheet; nothing where the browser decides.
    pub(crate) fn theme_name(&self) -> Option<&'static str> {
        match self.theme {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }

    pub(crate) fn theme_choices(&self) -> [Choice; 3] {
        let choice = |value, key, theme| Choice { value, text: self.say(key), chosen: self.theme == theme };
        [
            choice("system", "theme-system", Theme::System),
            choice("light", "theme-light", Theme::Light),
            choice("dark", "theme-dark", Theme::Dark),
        ]
    }

    pub(crate) fn is_at(&self, place: &str) -> bool {
        let path = self.path.split('?').next().unwrap_or_default();
        path == place || path.strip_prefix(place).is_some_and(|rest| place != "/" && rest.starts_with('/'))
    }

    pub(crate) fn navigation(&self) -> Vec<NavLink> {
        let link = |href, text, elsewhere: &[&str]| NavLink {
            href,
            text: self.say(text),
            current: self.at_any(href, elsewhere),
        };
        let mut links = vec![link("/domains", "nav-domains", &["/runs", "/imports"])];
        if self.person.as_ref().is_some_and(|person| person.role == Role::Operator) {
            links.push(link("/operator/customers", "nav-customers", &[]));
            links.push(link("/operator/domains", "nav-all-domains", &[]));
            links.push(link("/operator/audit", "nav-audit", &[]));
        }
        links
    }

    fn at_any(&self, href: &str, elsewhere: &[&str]) -> bool {
        self.is_at(href) || elsewhere.iter().any(|place| self.is_at(place))
    }
}

/// Links to the pages of a long list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// Number of the first that is shown, from 1.
    pub from: u64,
    /// Number of the last that is shown.
    pub to: u64,
    /// How many there are, where it is known.
    pub total: Option<u64>,
    /// Address of the page before.
    pub previous: Option<String>,
    /// Address of the next page.
    pub next: Option<String>,
}

#[derive(Template)]
#[template(path = "pager.html")]
struct PagerTemplate<'a> {
    w: &'a Words,
    p: &'a Pager,
    text: String,
}

impl Pager {
    /// Whether everything fits on one page.
    pub(crate) fn is_whole(&self) -> bool {
        self.previous.is_none() && self.next.is_none()
    }

    /// The links; nothing when everything fits on one page.
    pub(crate) fn shown(&self, words: &Words) -> Html {
        if self.is_whole() {
            return Html::EMPTY;
        }
        let mut values =
            vec![("from", crate::words::number(self.from)), ("to", crate::words::number(self.to))];
        let text = match self.total {
            Some(total) => {
                values.push(("n", crate::words::number(total)));
                words.with("pager-of", &values)
            }
            None => words.with("pager", &values),
        };
        Html::of(&PagerTemplate { w: words, p: self, text: text.into_owned() })
    }
}
