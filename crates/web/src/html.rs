//! Markup that was made by a template or by code of this crate, and may stand in another template as it is.
//!
//! The only way around escaping; the filter `safe` is used nowhere. Text of people and servers never becomes [`Html`]
//! other than through `text` or a template.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::Timestamp;

use crate::names::shown;
use crate::words::Words;

/// Finished markup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(String);

impl Html {
    /// Nothing.
    pub const EMPTY: Html = Html(String::new());

    /// What a template makes.
    pub(crate) fn of(template: &impl Template) -> Html {
        // Rendering into a string fails only when a formatter does; ours do not.
        Html(template.render().unwrap_or_default())
    }

    /// Markup that code of this crate put together.
    pub(crate) fn made(markup: String) -> Html {
        Html(markup)
    }

    /// The markup.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The markup.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// Text made harmless for elements and attributes.
pub(crate) fn text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A sign of the sprite in the layout; it says nothing that the words beside it do not say.
pub(crate) fn icon(name: &'static str) -> Html {
    Html(format!("<svg class=\"icon icon-{name}\" aria-hidden=\"true\"><use href=\"#i-{name}\"/></svg>"))
}

/// An address whose domain steps back: in a list of one domain the part before the @ is what differs.
pub(crate) fn address(address: &str) -> Html {
    let address = &shown(address);
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Html(format!("<span class=\"address\">{}</span>", text(address)));
    };
    let (local, domain) = (text(local), text(domain));
    Html(format!("<span class=\"address\">{local}<span class=\"at\"><wbr>@{domain}</span></span>"))
}

/// A moment: in the reader's time zone where it is known.
pub(crate) fn moment(words: &Words, at: &Timestamp) -> Html {
    let exact = at.round(jiff::Unit::Second).unwrap_or(*at);
    Html(format!("<time datetime=\"{exact}\">{}</time>", text(&words.moment(*at))))
}
