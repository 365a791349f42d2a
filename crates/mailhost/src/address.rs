//! Addresses of mailboxes: valid by construction, so that they can be a line of a file and a path on disk.
//!
//! Nothing in an [`Address`] can leave its directory, split a line of the passwd-file or differ in case only.

use std::fmt;
use std::str::FromStr;

/// RFC 5321, 4.5.3.1.1.
const LONGEST_LOCAL: usize = 64;
/// RFC 1035, 2.3.4, without the root's dot.
const LONGEST_DOMAIN: usize = 253;
const LONGEST_LABEL: usize = 63;

/// The address of a mailbox: `local@domain`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: DomainName,
}

impl Address {
    /// Reads the part before the @, in any case.
    ///
    /// # Errors
    ///
    /// What of it cannot be used.
    pub fn new(local: &str, domain: DomainName) -> Result<Address, AddressError> {
        let local = local.to_ascii_lowercase();
        if local.is_empty() {
            return Err(AddressError::LocalEmpty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-');
        if let Some(found) = local.chars().find(|c| !allowed(*c)) {
            return Err(AddressError::LocalCharacter(found));
        }
        if local.len() > LONGEST_LOCAL {
            return Err(AddressError::LocalTooLong);
        }
        // RFC 5321, 4.1.2 (Dot-string); it also keeps `.` and `..` away.
        if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
            return Err(AddressError::LocalDots);
        }
        Ok(Address { local, domain })
    }

    /// The part before the @.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The part after the @.
    pub fn domain(&self) -> &DomainName {
        &self.domain
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::NoAt)?;
        Address::new(local, domain.parse()?)
    }
}

/// The name of a domain: lower case, international names in their ASCII form (`xn--...`), at least two labels.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

impl DomainName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DomainName {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<DomainName, AddressError> {
        let refused = || AddressError::Domain;
        // UTS 46 as browsers apply it: lower case, normal form, ASCII form.
        let name = match url::Host::parse(text).map_err(|_| refused())? {
            url::Host::Domain(name) => name,
            url::Host::Ipv4(_) | url::Host::Ipv6(_) => return Err(refused()),
        };
        // A name of one label could be one of our own files beside the domains' directories.
        let labels: Vec<&str> = name.split('.').collect();
        if name.len() > LONGEST_DOMAIN || labels.len() < 2 || !labels.iter().all(|label| is_label(label)) {
            return Err(refused());
        }
        Ok(DomainName(name))
    }
}

/// RFC 1123, 2.1: letters, digits and hyphens, no hyphen at either end.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= LONGEST_LABEL
        && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Why something is no address of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing stands before the @.
    #[error("the part before the @ is missing")]
    LocalEmpty,
    /// A character that has no place before the @.
    #[error("the part before the @ may hold letters a-z, digits and . _ + - only, not {0:?}")]
    LocalCharacter(char),
    /// Too long.
    #[error("the part before the @ may have 64 characters at most")]
    LocalTooLong,
    /// A dot where none may be.
    #[error("the part before the @ may not begin or end with a dot, nor have two in a row")]
    LocalDots,
    /// No @ in it.
    #[error("an address has an @")]
    NoAt,
    /// Not a domain name.
    #[error("this is not the name of a domain")]
    Domain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_local_parts() {
        let domain: DomainName = "example.org".parse().unwrap();
        let long = "a".repeat(64);
        let longer = "a".repeat(65);
        let cases: [(&str, Result<&str, AddressError>); 26] = [
            ("alice", Ok("alice")),
            ("Alice", Ok("alice")),
            ("a.b_c+d-e.1", Ok("a.b_c+d-e.1")),
            ("-", Ok("-")),
            ("passwd", Ok("passwd")),
            ("maildir", Ok("maildir")),
            (&long, Ok(&long)),
            (&longer, Err(AddressError::LocalTooLong)),
            ("", Err(AddressError::LocalEmpty)),
            (".", Err(AddressError::LocalDots)),
            ("..", Err(AddressError::LocalDots)),
            (".a", Err(AddressError::LocalDots)),
            ("a.", Err(AddressError::LocalDots)),
            ("a..b", Err(AddressError::LocalDots)),
            ("../a", Err(AddressError::LocalCharacter('/'))),
            ("a/b", Err(AddressError::LocalCharacter('/'))),
            ("a b", Err(AddressError::LocalCharacter(' '))),
            (" a", Err(AddressError::LocalCharacter(' '))),
            ("a:b", Err(AddressError::LocalCharacter(':'))),
            ("a\nb", Err(AddressError::LocalCharacter('\n'))),
            ("a\rb", Err(AddressError::LocalCharacter('\r'))),
            ("a\0b", Err(AddressError::LocalCharacter('\0'))),
            ("a@b", Err(AddressError::LocalCharacter('@'))),
            ("m\u{fc}ller", Err(AddressError::LocalCharacter('\u{fc}'))),
            ("%u", Err(AddressError::LocalCharacter('%'))),
            ("#a", Err(AddressError::LocalCharacter('#'))),
        ];
        for (text, expected) in cases {
            let address = Address::new(text, domain.clone());
            assert_eq!(address.as_ref().map(Address::local), expected.as_ref().copied(), "{text:?}");
        }
    }

    #[test]
    fn odd_domains() {
        let label = "a".repeat(63);
        let cases = [
            ("example.org", Some("example.org")),
            ("EXAMPLE.org", Some("example.org")),
            ("b\u{fc}cher.example", Some("xn--bcher-kva.example")),
            ("xn--bcher-kva.example", Some("xn--bcher-kva.example")),
            ("1.example", Some("1.example")),
            (&format!("{label}.example"), Some(&format!("{label}.example")[..])),
            (&format!("a{label}.example"), None),
            (&format!("{}example", "a.".repeat(124)), None),
            ("passwd", None),
            ("localhost", None),
            ("", None),
            (".", None),
            ("..", None),
            ("example.org.", None),
            (".example.org", None),
            ("a..example", None),
            ("-a.example", None),
            ("a-.example", None),
            ("a_b.example", None),
            ("a/b.example", None),
            ("../example.org", None),
            ("example.org:1", None),
            ("exam ple.org", None),
            ("example.org\n", None),
            ("example\0.org", None),
            ("192.0.2.1", None),
            ("[2001:db8::1]", None),
            ("0x7f.1", None),
        ];
        for (text, expected) in cases {
            let domain = text.parse::<DomainName>();
            assert_eq!(domain.as_ref().ok().map(DomainName::as_str), expected, "{text:?}");
        }
    }

    #[test]
    fn an_address_is_read_from_its_last_at() {
        assert_eq!(
            "Alice@B\u{fc}cher.Example".parse::<Address>().unwrap().to_string(),
            "alice@xn--bcher-kva.example"
        );
        assert_eq!("alice".parse::<Address>(), Err(AddressError::NoAt));
        assert_eq!("a@b@example.org".parse::<Address>(), Err(AddressError::LocalCharacter('@')));
    }
}
