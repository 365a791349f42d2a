//! Service records of a domain: `_imaps._tcp` and `_imap._tcp` (RFC 6186, RFC 8314).

use std::time::Duration;

use imap::{Endpoint, Security};
use rand::Rng;

use crate::resolver::{Resolver, Srv};
use crate::server_field;

/// How long both look-ups may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// The servers that the domain names, in the order to try.
pub(super) async fn look(domain: &str, resolver: &dyn Resolver) -> Vec<Endpoint> {
    let (imaps, imap) = (format!("_imaps._tcp.{domain}"), format!("_imap._tcp.{domain}"));
    let both = async { futures_util::join!(resolver.services(&imaps), resolver.services(&imap)) };
    let Ok((imaps, imap)) = tokio::time::timeout(PATIENCE, both).await else { return Vec::new() };
    let with = |security, records: Result<Vec<Srv>, _>| {
        let records = records.unwrap_or_default().into_iter();
        records.filter_map(move |record| service(security, record))
    };
    // Implicit TLS first, among records of the same priority (RFC 8314, section 5.1).
    let services = with(Security::ImplicitTls, imaps).chain(with(Security::StartTls, imap)).collect();
    order(services, &mut rand::rng())
}

/// A record that names a server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Service {
    priority: u16,
    weight: u16,
    endpoint: Endpoint,
}

/// `None` for the root as target: the domain says that it has no such service (RFC 2782).
fn service(security: Security, record: Srv) -> Option<Service> {
    let host = server_field::host(&record.target)?;
    let endpoint = Endpoint { host, port: record.port, security };
    (record.port != 0).then_some(Service { priority: record.priority, weight: record.weight, endpoint })
}

/// By priority, then implicit TLS before STARTTLS, then by chance according to weight (RFC 2782).
fn order(mut services: Vec<Service>, chance: &mut impl Rng) -> Vec<Endpoint> {
    let rank = |service: &Service| (service.priority, service.endpoint.security != Security::ImplicitTls);
    services.sort_by_key(|service| (rank(service), service.weight != 0));
    let mut ordered = Vec::with_capacity(services.len());
    while let Some(first) = services.first() {
        let equal = services.partition_point(|service| rank(service) <= rank(first));
        let total: u32 = services[..equal].iter().map(|service| u32::from(service.weight)).sum();
        let mut rest = chance.random_range(0..=total);
        let chosen = services[..equal].iter().position(|service| {
            let weight = u32::from(service.weight);
            let found = rest <= weight;
            rest = rest.saturating_sub(weight);
            found
        });
        ordered.push(services.remove(chosen.unwrap_or(0)).endpoint);
    }
    ordered.dedup();
    ordered
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn record(priority: u16, weight: u16, port: u16, target: &str) -> Srv {
        Srv { priority, weight, port, target: target.to_owned() }
    }

    fn ordered(imaps: &[Srv], imap: &[Srv], seed: u64) -> Vec<String> {
        let with = |security, records: &[Srv]| {
            records.iter().filter_map(|r| service(security, r.clone())).collect::<Vec<_>>()
        };
        let all = [with(Security::ImplicitTls, imaps), with(Security::StartTls, imap)].concat();
        order(all, &mut StdRng::seed_from_u64(seed)).iter().map(server_field::url).collect()
    }

    #[test]
    fn the_lowest_priority_is_first_and_implicit_tls_before_starttls() {
        for (imaps, imap, expected) in [
            (
                &[record(10, 1, 993, "b.example.org"), record(0, 1, 1993, "a.example.org")][..],
                &[record(0, 1, 143, "a.example.org"), record(20, 1, 143, "c.example.org")][..],
                &[
                    "imaps://a.example.org:1993",
                    "imap://a.example.org:143",
                    "imaps://b.example.org:993",
                    "imap://c.example.org:143",
                ][..],
            ),
            (
                &[record(20, 0, 993, "a.example.org")],
                &[record(10, 0, 143, "b.example.org")],
                &["imap://b.example.org:143", "imaps://a.example.org:993"],
            ),
            // The root says: not here.
            (&[record(0, 0, 0, "")], &[record(0, 1, 143, "b.example.org")], &["imap://b.example.org:143"]),
            (&[record(0, 0, 0, "")], &[record(0, 0, 0, "")], &[]),
            (&[record(0, 0, 0, "a.example.org"), record(0, 0, 993, "a b")], &[], &[]),
        ] {
            for seed in 0..20 {
                assert_eq!(ordered(imaps, imap, seed), expected);
            }
        }
    }

    #[test]
    fn weight_decides_how_often_a_server_is_first() {
        let records = [
            record(0, 0, 993, "never.example.org"),
            record(0, 1, 993, "seldom.example.org"),
            record(0, 9, 993, "often.example.org"),
        ];
        let first =
            |name: &str| (0..1_000).filter(|seed| ordered(&records, &[], *seed)[0].contains(name)).count();
        assert!((750..950).contains(&first("often")), "{}", first("often"));
        assert!((50..200).contains(&first("seldom")), "{}", first("seldom"));
        assert!((1..150).contains(&first("never")), "{}", first("never"));
        for seed in 0..100 {
            assert_eq!(ordered(&records, &[], seed).len(), 3);
        }
    }
}
