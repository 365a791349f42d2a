//! XOAUTH2 and OAUTHBEARER (RFC 7628): a token instead of a password.

use secrecy::ExposeSecret as _;
use secrecy::SecretString;

/// The initial response of OAUTHBEARER.
pub(super) fn bearer(user: &str, token: &SecretString) -> Vec<u8> {
    // RFC 5801: `=` and `,` are escaped in the authorization identity.
    let user = user.replace('=', "=3D").replace(',', "=2C");
    format!("n,a={user},\u{1}auth=Bearer {}\u{1}\u{1}", token.expose_secret()).into_bytes()
}

/// The initial response of XOAUTH2.
pub(super) fn xoauth2(user: &str, token: &SecretString) -> Vec<u8> {
    format!("user={user}\u{1}auth=Bearer {}\u{1}\u{1}", token.expose_secret()).into_bytes()
}

/// The status in the JSON that a server sends when it refuses the token; nothing else of it is kept.
pub(super) fn refusal(json: &[u8]) -> Option<String> {
    let answer: serde_json::Value = serde_json::from_slice(json).ok()?;
    let status = answer.get("status")?;
    let text = status.as_str().map_or_else(|| status.to_string(), str::to_owned);
    Some(text.chars().filter(|c| !c.is_control()).take(80).collect())
}
