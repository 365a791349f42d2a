//! TLS: whom to trust, and what to say when we do not.
//!
//! A certificate that is not accepted is described well enough to be pinned. A pin replaces the checks
//! of chain, name and dates, never the proof that the server holds the key.

use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use tokio::io::BufReader;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::transport::BoxStream;
use crate::error::{CertificateFault, CertificateProblem, Error, Stage};

/// Octets taken from a socket at a time, before they are deciphered.
const READ_AHEAD: usize = 64 * 1024;

/// Whom to trust beside the platform's certificate authorities.
#[derive(Clone, Debug, Default)]
pub struct TlsTrust {
    /// Further authorities, such as a private one.
    pub additional_roots: Vec<CertificateDer<'static>>,
    /// SHA-256 of the one certificate (DER) to accept, whatever its issuer, names and dates.
    pub pin: Option<[u8; 32]>,
}

impl TlsTrust {
    /// The certificates of a PEM text.
    ///
    /// # Errors
    /// [`Error::TlsSettings`] for a text without certificates or with a broken one.
    pub fn parse_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
        let roots = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Error::TlsSettings(format!("the PEM text is broken: {error}")))?;
        if roots.is_empty() {
            return Err(Error::TlsSettings("the PEM text holds no certificate".to_owned()));
        }
        Ok(roots)
    }

    /// Reads a pin: `sha256:` and 64 hexadecimal digits, colons between them permitted.
    ///
    /// # Errors
    /// [`Error::TlsSettings`] for anything else.
    pub fn parse_pin(text: &str) -> Result<[u8; 32], Error> {
        let wrong = || Error::TlsSettings("a pin is written as sha256: and 64 hexadecimal digits".to_owned());
        let digits = text.trim().strip_prefix("sha256:").ok_or_else(wrong)?.replace(':', "");
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let mut pin = [0; 32];
        for (octet, at) in pin.iter_mut().zip((0..64).step_by(2)) {
            *octet = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(pin)
    }
}

/// TLS settings and the sessions that can be resumed. Clones share both.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 with this trust.
    ///
    /// # Errors
    /// [`Error::TlsSettings`] when a root cannot be used.
    pub fn new(trust: TlsTrust) -> Result<Tls, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let settings = |error: rustls::Error| Error::TlsSettings(error.to_string());
        let trusted = match trust.pin {
            Some(pin) => Trusted::Pin(pin),
            None => {
                Trusted::Authorities(Authorities::new(trust.additional_roots, &provider).map_err(settings)?)
            }
        };
        let verifier = Verifier { trusted, provider: Arc::clone(&provider) };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(settings)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Tls { connector: TlsConnector::from(Arc::new(config)) })
    }

    /// The same trust for another protocol, as rustls's configuration of a client.
    pub fn client_config(&self) -> ClientConfig {
        self.connector.config().as_ref().clone()
    }

    /// Shakes hands as client of `host`.
    pub(super) async fn connect(
        &self,
        host: &str,
        stream: BoxStream,
        patience: std::time::Duration,
    ) -> Result<BoxStream, Error> {
        let name = ServerName::try_from(host.trim_end_matches('.').to_owned())
            .map_err(|_| Error::TlsSettings(format!("{host} is no host name")))?;
        // rustls asks for 4 kB at a time; a call for each would cost more than the octets.
        let buffered = BufReader::with_capacity(READ_AHEAD, stream);
        match tokio::time::timeout(patience, self.connector.connect(name, buffered)).await {
            Err(_) => Err(Error::Timeout { stage: Stage::Tls }),
            Ok(Ok(stream)) => Ok(Box::new(stream)),
            Ok(Err(error)) => Err(handshake_error(error)),
        }
    }
}

fn handshake_error(error: std::io::Error) -> Error {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner)))) => {
            match inner.downcast_ref::<CertificateProblem>() {
                Some(problem) => Error::Certificate(Box::new(problem.clone())),
                None => Error::Tls(inner.to_string()),
            }
        }
        Some(tls) => Error::Tls(tls.to_string()),
        None if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::Tls("the server closed the connection during the handshake".to_owned())
        }
        None => Error::Io(Arc::new(error)),
    }
}

/// Our own authorities, and the platform's, which are read when they are needed for the first time: reading them all takes
/// longer than shaking hands.
#[derive(Debug)]
struct Authorities {
    roots: Vec<CertificateDer<'static>>,
    own: Option<Arc<WebPkiServerVerifier>>,
    platform: OnceLock<Option<Arc<rustls_platform_verifier::Verifier>>>,
    provider: Arc<CryptoProvider>,
}

impl Authorities {
    /// A broken root of our own is the user's to mend, and said at once.
    fn new(
        roots: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Authorities, rustls::Error> {
        let mut own = rustls::RootCertStore::empty();
        for root in &roots {
            own.add(root.clone())?;
        }
        let own = if own.is_empty() {
            None
        } else {
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(own), Arc::clone(provider)).build();
            Some(verifier.map_err(|error| rustls::Error::General(error.to_string()))?)
        };
        Ok(Authorities { roots, own, platform: OnceLock::new(), provider: Arc::clone(provider) })
    }

    /// `None`: a machine without any (no ca-certificates), which is an answer and not a fault; a private authority or a pin
    /// must still work there.
    fn platform(&self) -> Option<&Arc<rustls_platform_verifier::Verifier>> {
        let read = || {
            let (roots, provider) = (self.roots.clone(), Arc::clone(&self.provider));
            rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider)
                .inspect_err(|error| tracing::warn!(%error, "this machine has no certificate authorities"))
                .ok()
                .map(Arc::new)
        };
        self.platform.get_or_init(read).as_ref()
    }

    /// Why the certificate is not accepted.
    fn refusal(&self, judge: impl Fn(&dyn ServerCertVerifier) -> Option<rustls::Error>) -> Option<Refusal> {
        let told = |error: rustls::Error| (fault_of(&error), error.to_string());
        let by_own = match &self.own {
            Some(own) => Some(judge(own.as_ref())?),
            None => None,
        };
        match (self.platform(), by_own) {
            // It knows our own authorities as well.
            (Some(platform), _) => judge(platform.as_ref()).map(told),
            (None, Some(error)) => Some(told(error)),
            (None, None) => {
                Some((CertificateFault::UnknownIssuer, "no authorities on this machine".to_owned()))
            }
        }
    }
}

/// What is wrong with a certificate, and in whose words.
type Refusal = (CertificateFault, String);

#[derive(Debug)]
enum Trusted {
    Pin([u8; 32]),
    Authorities(Authorities),
}

/// Decides about certificates and describes those it refuses.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refusal = match &self.trusted {
            Trusted::Pin(pin) if Sha256::digest(certificate).as_slice() == pin => None,
            Trusted::Pin(_) => Some((CertificateFault::NotPinned, String::new())),
            Trusted::Authorities(authorities) => authorities.refusal(|verifier| {
                verifier.verify_server_cert(certificate, intermediates, name, ocsp, now).err()
            }),
        };
        let Some((fault, detail)) = refusal else { return Ok(ServerCertVerified::assertion()) };
        let problem = describe(certificate, &name.to_str(), fault, detail);
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(problem)))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn fault_of(error: &rustls::Error) -> CertificateFault {
    let rustls::Error::InvalidCertificate(error) = error else { return CertificateFault::Other };
    match error {
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::WrongHost
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            CertificateFault::NotYetValid
        }
        CertificateError::Revoked => CertificateFault::Revoked,
        _ => CertificateFault::Other,
    }
}

fn describe(
    certificate: &CertificateDer<'_>,
    host: &str,
    fault: CertificateFault,
    detail: String,
) -> CertificateProblem {
    let mut problem = CertificateProblem {
        fault,
        host: host.to_owned(),
        subject: String::new(),
        issuer: String::new(),
        names: Vec::new(),
        not_before: 0,
        not_after: 0,
        fingerprint: Sha256::digest(certificate).into(),
        detail,
    };
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else { return problem };
    problem.subject = parsed.subject().to_string();
    problem.issuer = parsed.issuer().to_string();
    problem.not_before = parsed.validity().not_before.timestamp();
    problem.not_after = parsed.validity().not_after.timestamp();
    if let Ok(Some(names)) = parsed.subject_alternative_name() {
        problem.names = names.value.general_names.iter().filter_map(name_text).collect();
    }
    let own_issuer = parsed.subject() == parsed.issuer();
    if own_issuer && matches!(fault, CertificateFault::UnknownIssuer | CertificateFault::Other) {
        problem.fault = CertificateFault::SelfSigned;
    }
    problem
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => match <[u8; 4]>::try_from(*octets) {
            Ok(four) => Some(std::net::Ipv4Addr::from(four).to_string()),
            Err(_) => <[u8; 16]>::try_from(*octets).ok().map(|all| std::net::Ipv6Addr::from(all).to_string()),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_with_and_without_colons_and_nothing_else_is() {
        let plain = "ab".repeat(32);
        let colons = vec!["AB"; 32].join(":");
        assert_eq!(TlsTrust::parse_pin(&format!("sha256:{plain}")).unwrap(), [0xab; 32]);
        assert_eq!(TlsTrust::parse_pin(&format!("sha256:{colons}")).unwrap(), [0xab; 32]);
        for wrong in [plain.as_str(), "sha256:ab", "sha1:abcd", &format!("sha256:{}", "zz".repeat(32))] {
            assert!(TlsTrust::parse_pin(wrong).is_err(), "{wrong}");
        }
    }
}
