//! Response codes: the machine's part of a status response (RFC 9051, section 7.1, and RFC 5530).
//!
//! An unknown or garbled code is kept, never an error: the text after it still counts.

use super::{Capabilities, Flag, ModSeq, UidSet, UidValidity};

/// What stands in brackets after OK, NO, BAD, BYE or PREAUTH.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseCode {
    /// The text must be shown to a person.
    Alert,
    /// The folder's UIDVALIDITY.
    UidValidity(UidValidity),
    /// The next UID the folder will give.
    UidNext(u32),
    /// Flags that can be stored.
    PermanentFlags(Vec<Flag>),
    /// UIDVALIDITY and UIDs of appended messages (RFC 4315).
    AppendUid(UidValidity, UidSet),
    /// The folder's highest modification sequence (RFC 7162).
    HighestModSeq(ModSeq),
    /// The folder keeps no modification sequences (RFC 7162).
    NoModSeq,
    /// New capabilities.
    Capability(Capabilities),
    /// Wrong credentials.
    AuthenticationFailed,
    /// Right credentials, but not for that authorization identity.
    AuthorizationFailed,
    /// The password or permission has expired.
    Expired,
    /// Only over an encrypted connection.
    PrivacyRequired,
    /// The user should ask the provider's support.
    ContactAdmin,
    /// Access denied.
    NoPerm,
    /// Somebody else uses the resource.
    InUse,
    /// Messages were expunged by another session.
    ExpungeIssued,
    /// The server found damage in its own data.
    Corruption,
    /// The server found a fault in itself.
    ServerBug,
    /// The server thinks the client is wrong.
    ClientBug,
    /// Can never succeed.
    Cannot,
    /// A limit of the server was met.
    Limit,
    /// No room.
    OverQuota,
    /// No such thing.
    NonExistent,
    /// There is one already.
    AlreadyExists,
    /// A part of the server is down for the moment.
    Unavailable,
    /// The server slows us down (Gmail).
    Throttled,
    /// The folder would have to be created first.
    TryCreate,
    /// The folder is open read-only.
    ReadOnly,
    /// The folder is open read-write.
    ReadWrite,
    /// The previous folder is closed (RFC 9051).
    Closed,
    /// The server could not parse the stored message.
    Parse,
    /// A content transfer encoding is unknown to the server (RFC 3516).
    UnknownCte,
    /// COMPRESS is on already (RFC 4978).
    CompressionActive,
    /// Anything else.
    Other {
        /// The first word.
        name: String,
        /// The rest.
        arguments: String,
    },
}

impl ResponseCode {
    /// Reads what stands between the brackets.
    pub(crate) fn parse(inner: &[u8]) -> ResponseCode {
        let text = String::from_utf8_lossy(inner);
        let text = text.trim();
        let (name, arguments) = text.split_once(' ').unwrap_or((text, ""));
        let arguments = arguments.trim();
        let other = || ResponseCode::Other { name: name.to_owned(), arguments: arguments.to_owned() };
        match name.to_ascii_uppercase().as_str() {
            "ALERT" => ResponseCode::Alert,
            "UIDVALIDITY" => arguments
                .parse()
                .map_or_else(|_| other(), |number| ResponseCode::UidValidity(UidValidity(number))),
            "UIDNEXT" => arguments.parse().map_or_else(|_| other(), ResponseCode::UidNext),
            "PERMANENTFLAGS" => ResponseCode::PermanentFlags(flags_in(arguments)),
            "HIGHESTMODSEQ" => arguments
                .parse()
                .map_or_else(|_| other(), |number| ResponseCode::HighestModSeq(ModSeq(number))),
            "APPENDUID" => append_uid(arguments).unwrap_or_else(other),
            "NOMODSEQ" => ResponseCode::NoModSeq,
            "CAPABILITY" => ResponseCode::Capability(arguments.split_ascii_whitespace().collect()),
            "AUTHENTICATIONFAILED" => ResponseCode::AuthenticationFailed,
            "AUTHORIZATIONFAILED" => ResponseCode::AuthorizationFailed,
            "EXPIRED" => ResponseCode::Expired,
            "PRIVACYREQUIRED" => ResponseCode::PrivacyRequired,
            "CONTACTADMIN" => ResponseCode::ContactAdmin,
            "NOPERM" => ResponseCode::NoPerm,
            "INUSE" => ResponseCode::InUse,
            "EXPUNGEISSUED" => ResponseCode::ExpungeIssued,
            "CORRUPTION" => ResponseCode::Corruption,
            "SERVERBUG" => ResponseCode::ServerBug,
            "CLIENTBUG" => ResponseCode::ClientBug,
            "CANNOT" => ResponseCode::Cannot,
            "LIMIT" => ResponseCode::Limit,
            "OVERQUOTA" => ResponseCode::OverQuota,
            "NONEXISTENT" => ResponseCode::NonExistent,
            "ALREADYEXISTS" => ResponseCode::AlreadyExists,
            "UNAVAILABLE" => ResponseCode::Unavailable,
            "THROTTLED" => ResponseCode::Throttled,
            "TRYCREATE" => ResponseCode::TryCreate,
            "READ-ONLY" => ResponseCode::ReadOnly,
            "READ-WRITE" => ResponseCode::ReadWrite,
            "CLOSED" => ResponseCode::Closed,
            "PARSE" => ResponseCode::Parse,
            "UNKNOWN-CTE" => ResponseCode::UnknownCte,
            "COMPRESSIONACTIVE" => ResponseCode::CompressionActive,
            _ => other(),
        }
    }
}

fn append_uid(arguments: &str) -> Option<ResponseCode> {
    let (uid_validity, uids) = arguments.split_once(' ')?;
    Some(ResponseCode::AppendUid(UidValidity(uid_validity.parse().ok()?), uids.trim().parse().ok()?))
}

fn flags_in(list: &str) -> Vec<Flag> {
    let inner = list.trim_start_matches('(').trim_end_matches(')');
    inner.split_ascii_whitespace().filter_map(|flag| Flag::parse(flag.trim_matches('"').as_bytes())).collect()
}
