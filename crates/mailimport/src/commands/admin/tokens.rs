//! `mailimport admin tokens`.

use jiff::{Timestamp, ToSpan};
use secrecy::ExposeSecret;
use service::model::{Actor, Customer, Scope, Via};

use super::{Console, NotDone};
use crate::arguments::{ScopeName, TokensCommand};
use crate::commands::print;
use crate::human::plain;
use crate::notice::notice;

/// Does what is asked for.
pub(super) async fn run(console: &Console, command: &TokensCommand) -> Result<(), NotDone> {
    let service = &console.service;
    match command {
        TokensCommand::List { user } => {
            let owner = actor_for(&console.customer(user).await?);
            let mut text = String::new();
            for token in service.tokens(&owner).await? {
                let scopes: Vec<&str> = token.scopes.iter().map(|scope| word(*scope)).collect();
                let until = token.expires_at.map_or(String::new(), |at| format!("\tuntil {}", day(at)));
                text += &format!("{}\t{}\t{}{until}\n", token.id, plain(&token.name), scopes.join(","));
            }
            print(&text);
        }
        TokensCommand::Add { user, name, scopes, days } => {
            let owner = actor_for(&console.customer(user).await?);
            let scopes: Vec<Scope> = scopes.iter().copied().map(Scope::from).collect();
            // A day here is 24 hours; nobody counts leap seconds of a token.
            let until =
                days.map(|days| Timestamp::now().checked_add((i64::from(days) * 24).hours())).transpose()?;
            let (_, secret) = service.create_token(&owner, name, &scopes, until).await?;
            print(&format!("{}\n", secret.expose_secret()));
            notice("This is the token; it is not shown again.");
        }
        TokensCommand::Revoke { user, id } => {
            let owner = actor_for(&console.customer(user).await?);
            let id = id.parse().map_err(|_| NotDone("This is no token's id; list shows them.".to_owned()))?;
            service.revoke_token(&owner, id).await?;
        }
    }
    Ok(())
}

/// A token is its owner's: the operator acts in their name, and the audit log says so.
fn actor_for(customer: &Customer) -> Actor {
    Actor {
        customer: customer.id,
        name: format!("command line for {}", customer.name),
        role: customer.role,
        via: Via::CommandLine,
        address: None,
    }
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Write => "write",
        Scope::Admin => "admin",
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

impl From<ScopeName> for Scope {
    fn from(name: ScopeName) -> Scope {
        match name {
            ScopeName::Read => Scope::Read,
            ScopeName::Write => Scope::Write,
            ScopeName::Admin => Scope::Admin,
        }
    }
}
