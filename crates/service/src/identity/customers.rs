//! Customers, as the operator sees them.

use sea_orm::ActiveValue::Set;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use store::tables::{customer, domain};
use uuid::Uuid;

use super::links::{OneTimeLink, add_link, taken};
use super::sessions::end_sessions;
use super::{customer_view, role_text};
use crate::clock::now;
use crate::error::{Error, Result};
use crate::model::{Actor, Customer, CustomerId, Problem, Role, Theme};
use crate::page::Page;
use crate::service::{Service, Transaction, require_operator};

impl Service {
    /// All customers by name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for who is no operator.
    pub async fn customers(&self, actor: &Actor, page: Page) -> Result<Vec<Customer>> {
        require_operator(actor)?;
        let rows = customer::Entity::find()
            .order_by_asc(customer::Column::Name)
            .offset(page.offset)
            .limit(page.limit)
            .all(self.reading())
            .await?;
        let mut customers = Vec::with_capacity(rows.len());
        for row in rows {
            let domains = domain::Entity::find()
                .filter(domain::Column::CustomerId.eq(row.id))
                .count(self.reading())
                .await?;
            customers.push(customer_view(row, domains));
        }
        Ok(customers)
    }

    /// One of all customers.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] for who is no operator, and when there is no such customer.
    pub async fn any_customer(&self, actor: &Actor, id: CustomerId) -> Result<Customer> {
        require_operator(actor)?;
        Ok(customer_view(self.customer_row(id.0).await?, 0))
    }

    /// A new customer, with the link by which they set their password.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a name or address that cannot be used; a conflict when the name is taken.
    pub async fn create_customer(
        &self,
        actor: &Actor,
        name: &str,
        email: Option<&str>,
    ) -> Result<(Customer, OneTimeLink)> {
        require_operator(actor)?;
        let email = check_email(email);
        let (name, email) = match (check_name(name), email) {
            (Ok(name), Ok(email)) => (name, email),
            (name, email) => return Err(Error::Invalid(name.err().into_iter().chain(email.err()).collect())),
        };
        let writing = self.writing().await?;
        let row = new_customer(writing.connection(), &name, Role::Customer, email, Theme::System).await?;
        let link = add_link(writing.connection(), Some(row.id)).await?;
        crate::audit::record(writing.connection(), actor, "customer.create", &name).await?;
        writing.commit().await?;
        Ok((customer_view(row, 0), link))
    }

    /// A new link by which a customer sets their password; earlier ones end.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such customer.
    pub async fn reset_link(&self, actor: &Actor, customer: CustomerId) -> Result<OneTimeLink> {
        require_operator(actor)?;
        let row = self.customer_row(customer.0).await?;
        let writing = self.writing().await?;
        let link = add_link(writing.connection(), Some(row.id)).await?;
        crate::audit::record(writing.connection(), actor, "customer.link", &row.name).await?;
        writing.commit().await?;
        Ok(link)
    }

    /// Switches signing in off for a customer; what runs goes on.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such customer; [`Error::Forbidden`] for oneself.
    pub async fn disable_customer(&self, actor: &Actor, customer: CustomerId) -> Result<()> {
        if actor.customer == customer {
            return Err(Error::Forbidden);
        }
        self.set_disabled(actor, customer, Access::Disabled).await
    }

    /// Switches signing in on again.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such customer.
    pub async fn enable_customer(&self, actor: &Actor, customer: CustomerId) -> Result<()> {
        self.set_disabled(actor, customer, Access::Enabled).await
    }

    async fn set_disabled(&self, actor: &Actor, customer: CustomerId, access: Access) -> Result<()> {
        require_operator(actor)?;
        let row = self.customer_row(customer.0).await?;
        let (name, disabled) = (row.name.clone(), access == Access::Disabled);
        let writing = self.writing().await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.disabled = Set(disabled);
        changed.update(writing.connection()).await?;
        if disabled {
            end_sessions(writing.connection(), customer.0).await?;
        }
        let action = if disabled { "customer.disable" } else { "customer.enable" };
        crate::audit::record(writing.connection(), actor, action, &name).await?;
        writing.commit().await.map_err(Error::from)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Enabled,
    Disabled,
}

/// A name to sign in with: 2 to 64 letters, digits and `. _ - + @`, in lower case.
pub(crate) fn check_name(name: &str) -> std::result::Result<String, Problem> {
    let name = name.trim().to_lowercase();
    let usable = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
    let message = match name.chars().count() {
        0 => return Err(Problem::new("name", "name_missing", "Please choose a name.")),
        2..=64 if name.chars().all(usable) => return Ok(name),
        _ => "A name has 2 to 64 letters, digits and . _ - + @, without spaces.",
    };
    Err(Problem::new("name", "name_unusable", message))
}

/// An e-mail address as far as it can be judged from here; empty is none.
pub(crate) fn check_email(email: Option<&str>) -> std::result::Result<Option<String>, Problem> {
    let email = email.unwrap_or_default().trim();
    if email.is_empty() {
        return Ok(None);
    }
    let plain = email.len() <= 254 && !email.chars().any(|c| c.is_control() || c.is_whitespace());
    match email.rsplit_once('@') {
        Some((local, domain)) if plain && !local.is_empty() && domain.contains('.') => {
            Ok(Some(email.to_owned()))
        }
        _ => Err(Problem::new("email", "email_unusable", "This is not an e-mail address.")),
    }
}

pub(crate) async fn new_customer(
    transaction: &Transaction,
    name: &str,
    role: Role,
    email: Option<String>,
    theme: Theme,
) -> Result<customer::Model> {
    let row = customer::ActiveModel {
        id: Set(Uuid::now_v7()),
        name: Set(name.to_owned()),
        role: Set(role_text(role).to_owned()),
        email: Set(email),
        password_hash: Set(None),
        totp: Set(None),
        totp_pending: Set(None),
        totp_step: Set(0),
        language: Set(None),
        browser_language: Set(None),
        theme: Set(super::account::theme_text(theme).to_owned()),
        disabled: Set(false),
        created_at: Set(now()),
    };
    row.insert(transaction).await.map_err(taken)
}
