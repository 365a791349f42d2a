//! API tokens: made by people, shown once, kept as digests.

use std::net::IpAddr;

use jiff::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};
use secrecy::SecretString;
use store::tables::{customer, token};
use uuid::Uuid;

use super::role;
use crate::clock::{now, time};
use crate::error::{Error, Result};
use crate::model::{Actor, CustomerId, Problem, Role, Scope, Token, TokenId, Via};
use crate::secret::{kept, new_secret};
use crate::service::Service;

/// What a token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "mailimport_";
/// Tokens one customer may have.
const MOST: u64 = 100;
const MINUTE: i64 = 60_000;

impl Service {
    /// Whom a token belongs to; `None` when it is unknown, revoked or over.
    ///
    /// # Errors
    ///
    /// [`Error::Internal`] when the database failed.
    pub async fn token_actor(&self, secret: &str, from: Option<IpAddr>) -> Result<Option<Actor>> {
        let now = now();
        let found = token::Entity::find()
            .filter(token::Column::SecretHash.eq(kept(secret)))
            .one(self.reading())
            .await?;
        let Some(row) = found.filter(|row| row.expires_at.is_none_or(|end| end > now)) else {
            return Ok(None);
        };
        let customer = customer::Entity::find_by_id(row.customer_id).one(self.reading()).await?;
        let Some(customer) = customer.filter(|customer| !customer.disabled) else { return Ok(None) };
        if row.last_used_at.is_none_or(|last| now - last > MINUTE) {
            self.used(row.id, now).await?;
        }
        Ok(Some(Actor {
            customer: CustomerId(customer.id),
            role: role(&customer),
            name: customer.name,
            via: Via::Token { id: TokenId(row.id), scopes: scopes(&row.scopes) },
            address: from,
        }))
    }

    async fn used(&self, id: Uuid, now: i64) -> Result<()> {
        let writing = self.writing().await?;
        token::Entity::update_many()
            .col_expr(token::Column::LastUsedAt, Some(now).into())
            .filter(token::Column::Id.eq(id))
            .exec(writing.connection())
            .await?;
        writing.commit().await.map_err(Error::from)
    }

    /// One's own tokens, newest first.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for tokens: a token that leaked must not show others.
    pub async fn tokens(&self, actor: &Actor) -> Result<Vec<Token>> {
        person(actor)?;
        let rows = token::Entity::find()
            .filter(token::Column::CustomerId.eq(actor.customer.0))
            .order_by_desc(token::Column::Id)
            .all(self.reading())
            .await?;
        Ok(rows.into_iter().map(view).collect())
    }

    /// A new token; its secret is never shown again.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] without a name or scope; [`Error::Forbidden`] for tokens and for scopes beyond one's role.
    pub async fn create_token(
        &self,
        actor: &Actor,
        name: &str,
        scopes: &[Scope],
        expires_at: Option<Timestamp>,
    ) -> Result<(Token, SecretString)> {
        person(actor)?;
        check(name, scopes)?;
        if scopes.contains(&Scope::Admin) && actor.role != Role::Operator {
            return Err(Error::Forbidden);
        }
        let secret = format!("{PREFIX}{}", new_secret());
        let writing = self.writing().await?;
        let mine = token::Entity::find().filter(token::Column::CustomerId.eq(actor.customer.0));
        if mine.count(writing.connection()).await? >= MOST {
            let message = format!("There may be {MOST} tokens at most. Please revoke one.");
            return Err(Error::Invalid(vec![Problem::new("", "tokens_full", message).with("most", MOST)]));
        }
        let row = token::ActiveModel {
            id: Set(Uuid::now_v7()),
            customer_id: Set(actor.customer.0),
            name: Set(name.trim().to_owned()),
            secret_hash: Set(kept(&secret)),
            scopes: Set(scopes_text(scopes)),
            created_at: Set(now()),
            last_used_at: Set(None),
            expires_at: Set(expires_at.map(Timestamp::as_millisecond)),
        };
        let row = row.insert(writing.connection()).await?;
        crate::audit::record(writing.connection(), actor, "token.create", &row.name).await?;
        writing.commit().await?;
        Ok((view(row), SecretString::from(secret)))
    }

    /// Ends a token.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when it is not one's own.
    pub async fn revoke_token(&self, actor: &Actor, id: TokenId) -> Result<()> {
        person(actor)?;
        let writing = self.writing().await?;
        let gone = token::Entity::delete_many()
            .filter(token::Column::Id.eq(id.0))
            .filter(token::Column::CustomerId.eq(actor.customer.0))
            .exec(writing.connection())
            .await?;
        if gone.rows_affected == 0 {
            return Err(Error::NotFound);
        }
        crate::audit::record(writing.connection(), actor, "token.revoke", &id.to_string()).await?;
        writing.commit().await.map_err(Error::from)
    }
}

fn person(actor: &Actor) -> Result<()> {
    match actor.via {
        Via::Session | Via::CommandLine => Ok(()),
        Via::Token { .. } => Err(Error::Forbidden),
    }
}

fn check(name: &str, scopes: &[Scope]) -> Result<()> {
    let mut problems = Vec::new();
    if name.trim().is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        let message = "Please say in up to 100 characters what the token is for.";
        problems.push(Problem::new("name", "token_name_unusable", message));
    }
    if scopes.is_empty() {
        problems.push(Problem::new("scopes", "token_scopes_missing", "Please choose what the token allows."));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

fn view(row: token::Model) -> Token {
    Token {
        id: TokenId(row.id),
        name: row.name,
        scopes: scopes(&row.scopes),
        created_at: time(row.created_at),
        last_used_at: row.last_used_at.map(time),
        expires_at: row.expires_at.map(time),
    }
}

const SCOPES: [(Scope, &str); 3] = [(Scope::Read, "read"), (Scope::Write, "write"), (Scope::Admin, "admin")];

fn scopes_text(scopes: &[Scope]) -> String {
    let names = SCOPES.iter().filter(|(scope, _)| scopes.contains(scope)).map(|(_, name)| *name);
    names.collect::<Vec<_>>().join(",")
}

fn scopes(text: &str) -> Vec<Scope> {
    let named = |name: &str| SCOPES.iter().find(|(_, known)| *known == name).map(|(scope, _)| *scope);
    text.split(',').filter_map(named).collect()
}
