//! What a server says it can do (RFC 9051, section 7.2.2).
//!
//! Names compare without regard to case. An extension is used only when its name stands here.

/// The capabilities of a connection as last announced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    names: Vec<String>,
}

impl Capabilities {
    /// Whether the server announced this one, e.g. `ID`, `AUTH=PLAIN`.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// All names as announced.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether nothing was announced.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The SASL mechanisms among them.
    pub fn mechanisms(&self) -> impl Iterator<Item = &str> {
        self.iter().filter_map(|name| {
            let (kind, mechanism) = name.split_at_checked(5)?;
            kind.eq_ignore_ascii_case("AUTH=").then_some(mechanism)
        })
    }
}

impl<'a> FromIterator<&'a str> for Capabilities {
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Capabilities {
        Capabilities { names: names.into_iter().filter(|name| !name.is_empty()).map(str::to_owned).collect() }
    }
}
