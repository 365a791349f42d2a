//! Who is asking: sign-in, sessions, one-time links, tokens, second factor, customers and their domains.
//!
//! Nobody learns from an answer or from its time whether a name exists. What is handed out (session, link, token) is
//! kept as a digest only.

pub(crate) mod account;
pub(crate) mod customers;
pub(crate) mod domains;
pub(crate) mod links;
pub(crate) mod passwords;
pub(crate) mod sessions;
pub(crate) mod throttle;
pub(crate) mod tokens;
pub(crate) mod totp;

use sea_orm::EntityTrait;
use store::tables::customer;
use uuid::Uuid;

use crate::clock::time;
use crate::error::{Error, Result};
use crate::model::{Customer, CustomerId, Language, Role, Theme};
use crate::service::Service;

impl Service {
    pub(crate) async fn customer_row(&self, id: Uuid) -> Result<customer::Model> {
        customer::Entity::find_by_id(id).one(self.reading()).await?.ok_or(Error::NotFound)
    }
}

/// The language of a row's code.
pub(crate) fn language(code: Option<&str>) -> Option<Language> {
    match code {
        Some("en") => Some(Language::English),
        Some("de") => Some(Language::German),
        _ => None,
    }
}

pub(crate) fn role(row: &customer::Model) -> Role {
    if row.role == "operator" { Role::Operator } else { Role::Customer }
}

pub(crate) fn role_text(role: Role) -> &'static str {
    match role {
        Role::Operator => "operator",
        Role::Customer => "customer",
    }
}

pub(crate) fn customer_view(row: customer::Model, domains: u64) -> Customer {
    Customer {
        id: CustomerId(row.id),
        role: role(&row),
        name: row.name,
        email: row.email,
        language: language(row.language.as_deref()),
        theme: match row.theme.as_str() {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::System,
        },
        has_password: row.password_hash.is_some(),
        has_totp: row.totp.is_some(),
        disabled: row.disabled,
        created_at: time(row.created_at),
        domains,
    }
}
