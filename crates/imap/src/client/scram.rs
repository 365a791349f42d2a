//! SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).
//!
//! The password never travels, and the server must prove that it knows it too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;

/// RFC 7677 asks for at least 4096; the upper bound keeps a server from burning our CPU.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4_096..=1_000_000;

/// An exchange that has begun.
pub(super) struct Scram {
    header: String,
    first_bare: String,
    nonce: String,
    password: SecretString,
}

/// An exchange whose last word is the server's.
pub(super) struct ScramProof {
    server_signature: [u8; 32],
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32], Error> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Error::UnsendableCredentials)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

/// RFC 5802, section 5.1.
fn escape(name: &str) -> String {
    name.replace('=', "=3D").replace(',', "=2C")
}

/// SASLprep's normalisation (RFC 4013, section 2.2) and its mapping of spaces.
fn prepare(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mapped = text.chars().filter(|c| *c != '\u{ad}').map(|c| match c {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
        other => other,
    });
    mapped.nfkc().collect()
}

impl Scram {
    pub(super) fn new(user: &str, authorization_id: Option<&str>, password: &SecretString) -> Scram {
        let nonce = STANDARD.encode(rand::random::<[u8; 18]>());
        Scram::with_nonce(user, authorization_id, password, nonce)
    }

    fn with_nonce(
        user: &str,
        authorization_id: Option<&str>,
        password: &SecretString,
        nonce: String,
    ) -> Scram {
        let header = match authorization_id {
            Some(id) => format!("n,a={},", escape(&prepare(id))),
            None => "n,,".to_owned(),
        };
        let first_bare = format!("n={},r={nonce}", escape(&prepare(user)));
        Scram { header, first_bare, nonce, password: password.clone() }
    }

    /// The client's first message.
    pub(super) fn first(&self) -> Vec<u8> {
        format!("{}{}", self.header, self.first_bare).into_bytes()
    }

    /// Answers the server's first message. Hashing takes long, so it runs beside the other tasks.
    pub(super) async fn answer(self, server_first: Vec<u8>) -> Result<(Vec<u8>, ScramProof), Error> {
        let hashing = tokio::task::spawn_blocking(move || self.answer_now(&server_first));
        hashing.await.map_err(|_| Error::ServerNotAuthentic("the computation was stopped"))?
    }

    fn answer_now(&self, server_first: &[u8]) -> Result<(Vec<u8>, ScramProof), Error> {
        let wrong = Error::ServerNotAuthentic;
        let message = std::str::from_utf8(server_first).map_err(|_| wrong("its challenge is no text"))?;
        let field = |name: &str| message.split(',').find_map(|part| part.strip_prefix(name));
        if field("m=").is_some() {
            return Err(wrong("it demands an unknown extension"));
        }
        let nonce = field("r=").ok_or(wrong("its challenge has no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(wrong("it did not answer our nonce"));
        }
        let salt = field("s=").and_then(|salt| STANDARD.decode(salt).ok());
        let salt = salt.ok_or(wrong("its challenge has no salt"))?;
        let iterations = field("i=").and_then(|count| count.parse().ok());
        let iterations = iterations.filter(|count| ITERATIONS.contains(count));
        let iterations = iterations.ok_or(wrong("its iteration count is out of bounds"))?;

        let password = SecretString::from(prepare(self.password.expose_secret()));
        let mut salted = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.expose_secret().as_bytes(), &salt, iterations, &mut salted);
        let client_key = hmac(&salted, &[b"Client Key"])?;
        let stored_key = Sha256::digest(client_key);
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(&self.header));
        let signed: [&[u8]; 5] =
            [self.first_bare.as_bytes(), b",", server_first, b",", without_proof.as_bytes()];
        let signature = hmac(&stored_key, &signed)?;
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, octet)| key ^ octet).collect();
        let server_key = hmac(&salted, &[b"Server Key"])?;
        let last = format!("{without_proof},p={}", STANDARD.encode(proof));
        Ok((last.into_bytes(), ScramProof { server_signature: hmac(&server_key, &signed)? }))
    }
}

impl ScramProof {
    /// Checks the server's last message.
    pub(super) fn verify(&self, server_last: &[u8]) -> Result<(), Error> {
        let signature = server_last.strip_prefix(b"v=").and_then(|text| {
            let text = text.split(|&octet| octet == b',').next()?;
            STANDARD.decode(text).ok()
        });
        let signature = signature.ok_or(Error::ServerNotAuthentic("it sent no signature"))?;
        if bool::from(signature.as_slice().ct_eq(&self.server_signature)) {
            Ok(())
        } else {
            Err(Error::ServerNotAuthentic("its signature is wrong"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Scram {
        let password = SecretString::from("pencil".to_owned());
        Scram::with_nonce("user", None, &password, "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    const CHALLENGE: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn the_example_of_rfc_7677_comes_out() {
        assert_eq!(example().first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (last, proof) = example().answer_now(CHALLENGE).unwrap();
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                        p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(String::from_utf8(last).unwrap(), expected);
        proof.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert!(proof.verify(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=").is_err());
        assert!(proof.verify(b"e=other-error").is_err());
    }

    #[test]
    fn challenges_that_weaken_the_exchange_are_refused() {
        for challenge in [
            "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqO,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=1",
            "r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4000000000",
            "r=rOprNGfwEbeRWgbNEkqOx,i=4096",
            "m=x,r=rOprNGfwEbeRWgbNEkqOx,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        ] {
            assert!(example().answer_now(challenge.as_bytes()).is_err(), "{challenge}");
        }
    }

    #[test]
    fn names_are_escaped() {
        let password = SecretString::from("x".to_owned());
        let scram = Scram::with_nonce("a=b,c", Some("d,e"), &password, "n".to_owned());
        assert_eq!(scram.first(), b"n,a=d=2Ce,n=a=3Db=2Cc,r=n");
    }
}
