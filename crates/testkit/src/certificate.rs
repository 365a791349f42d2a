//! A certificate authority for tests and the certificates that servers show: a good one for `localhost`
//! and 127.0.0.1, and those that a client must refuse.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::{Doing, Error, Result};

/// Which certificate a server shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// For `localhost` and 127.0.0.1, signed by the test authority.
    #[default]
    Good,
    /// Signed by the test authority, but for `elsewhere.example`.
    WrongHost,
    /// For `localhost`, signed by the test authority, ended in 2001.
    Expired,
    /// For `localhost`, signed by itself.
    SelfSigned,
}

/// The files of a server's certificate, all PEM.
#[derive(Debug, Clone)]
pub struct Files {
    /// The certificate of the authority that a client is to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
    /// Key and certificate in one file, as Courier wants it.
    pub both: PathBuf,
}

/// Makes an authority and a certificate of the kind wanted and writes them into `directory`.
pub fn write(kind: Kind, directory: &Path) -> Result<Files> {
    let hosts: &[&str] = match kind {
        Kind::WrongHost => &["elsewhere.example"],
        _ => &["localhost", "127.0.0.1"],
    };
    write_for(kind, hosts, directory)
}

/// The same for a server with these names.
pub fn write_for(kind: Kind, hosts: &[&str], directory: &Path) -> Result<Files> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name = name("mailimport test authority");
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate()?;
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut server = CertificateParams::new(hosts)?;
    server.distinguished_name = name("mailimport test server");
    if kind == Kind::Expired {
        server.not_before = date_time_ymd(2000, 1, 1);
        server.not_after = date_time_ymd(2001, 1, 1);
    }
    let certificate =
        if kind == Kind::SelfSigned { server.self_signed(&key)? } else { server.signed_by(&key, &issuer)? };

    let files = Files {
        ca: directory.join("ca.pem"),
        certificate: directory.join("cert.pem"),
        key: directory.join("key.pem"),
        both: directory.join("both.pem"),
    };
    for (path, text) in [
        (&files.ca, ca_certificate.pem()),
        (&files.certificate, certificate.pem()),
        (&files.key, key.serialize_pem()),
        (&files.both, key.serialize_pem() + &certificate.pem()),
    ] {
        std::fs::write(path, text).doing(|| format!("writing {}", path.display()))?;
    }
    Ok(files)
}

/// The configuration of a TLS server that shows this certificate, for the scripted server.
pub fn server_config(files: &Files) -> Result<Arc<rustls::ServerConfig>> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(unreadable)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(unreadable)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, key))
        .map_err(unreadable)?;
    Ok(Arc::new(config))
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Unreadable(format!("certificate: {error}"))
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
