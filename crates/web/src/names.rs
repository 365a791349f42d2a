//! Names of domains as people write them: `müller.example`, where the service and the wire say `xn--mller-kva.example`.
//!
//! For showing only. Addresses of pages, forms and the API keep the form that the service knows.

/// A domain, or an address, with its domain in Unicode; what is not a valid international name stays as it is.
pub(crate) fn shown(name: &str) -> String {
    let (local, domain) = name.rsplit_once('@').map_or(("", name), |(local, domain)| (local, domain));
    if !domain.contains("xn--") {
        return name.to_owned();
    }
    match idna::domain_to_unicode(domain) {
        (unicode, Ok(())) if local.is_empty() => unicode,
        (unicode, Ok(())) => format!("{local}@{unicode}"),
        (_, Err(_)) => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn international_names_are_shown_as_people_write_them() {
        for (name, seen) in [
            ("example.org", "example.org"),
            ("xn--mller-kva.example", "müller.example"),
            ("anna@xn--mller-kva.example", "anna@müller.example"),
            ("anna@example.org", "anna@example.org"),
            ("xn--a.example", "xn--a.example"),
            ("xn--mller-kva@example.org", "xn--mller-kva@example.org"),
        ] {
            assert_eq!(shown(name), seen);
        }
    }
}
