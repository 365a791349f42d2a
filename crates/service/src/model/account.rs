//! Who signs in, and what belongs to them.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{CustomerId, DomainId, TokenId};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs mailimport: customers, domains, audit log; may own domains too.
    Operator,
    /// Owns domains and runs mailimports for them.
    Customer,
}

/// A language of pages and mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

/// The look that somebody has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the browser says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// A customer or operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Customer {
    /// Id.
    pub id: CustomerId,
    /// Name to sign in with: lower case, unique.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Where to write to when a run ends.
    pub email: Option<String>,
    /// Chosen language; `None`: as the browser says.
    pub language: Option<Language>,
    /// Chosen look.
    pub theme: Theme,
    /// Whether a password was set (before, only a one-time link lets them in).
    pub has_password: bool,
    /// Whether a second factor is asked for.
    pub has_totp: bool,
    /// Signing in is switched off.
    pub disabled: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// Domains owned.
    pub domains: u64,
}

/// A domain of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Domain {
    /// Id.
    pub id: DomainId,
    /// Lower case; international names in their ASCII form.
    pub name: String,
    /// Owner.
    pub customer: CustomerId,
    /// Name of the owner.
    pub customer_name: String,
    /// Entries in the prepared list.
    pub prepared: u64,
    /// Runs that work or are paused.
    pub current_runs: u64,
    /// Runs that have ended.
    pub finished_runs: u64,
}

/// What an API token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reading lists, runs and reports.
    Read,
    /// Preparing entries, starting and steering runs.
    Write,
    /// What only operators do: customers, domains, audit log.
    Admin,
}

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Id.
    pub id: TokenId,
    /// What it is for, in its owner's words.
    pub name: String,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was used last (to the minute).
    pub last_used_at: Option<Timestamp>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// How somebody came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// Pages, signed in.
    Session,
    /// API, with a token.
    Token {
        /// Which one.
        id: TokenId,
        /// What it allows.
        scopes: Vec<Scope>,
    },
    /// The operator's command line.
    CommandLine,
}

/// Who asks for something. Every use case takes one, and reads and writes only what belongs to its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Whose things.
    pub customer: CustomerId,
    /// Name, for the audit log.
    pub name: String,
    /// Role.
    pub role: Role,
    /// How they came in.
    pub via: Via,
    /// From where.
    pub address: Option<IpAddr>,
}

impl Actor {
    /// Whether `scope` is allowed: to people everything that their role has, to tokens what they were made for.
    pub fn may(&self, scope: Scope) -> bool {
        let role = scope != Scope::Admin || self.role == Role::Operator;
        role && match &self.via {
            Via::Token { scopes, .. } => scopes.contains(&scope),
            Via::Session | Via::CommandLine => true,
        }
    }
}
