//! What customers change of themselves.

use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use secrecy::{ExposeSecret, SecretString};
use store::tables::{customer, domain};

use super::customer_view;
use super::customers::check_email;
use super::sessions::{SignedIn, add_session, end_sessions};
use crate::error::{Error, Result};
use crate::model::{Actor, Customer, Language, Problem, Scope, Theme};
use crate::service::{Service, require};

impl Service {
    /// Oneself.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when the customer is gone.
    pub async fn customer(&self, actor: &Actor) -> Result<Customer> {
        require(actor, Scope::Read)?;
        let row = self.customer_row(actor.customer.0).await?;
        let domains = domain::Entity::find()
            .filter(domain::Column::CustomerId.eq(row.id))
            .count(self.reading())
            .await?;
        Ok(customer_view(row, domains))
    }

    /// Language, look and e-mail address.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the address is none.
    pub async fn set_preferences(
        &self,
        actor: &Actor,
        language: Option<Language>,
        theme: Theme,
        email: Option<&str>,
    ) -> Result<()> {
        require(actor, Scope::Write)?;
        let email = check_email(email).map_err(|problem| Error::Invalid(vec![problem]))?;
        let row = self.customer_row(actor.customer.0).await?;
        let writing = self.writing().await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.language = Set(language.map(|language| language_text(language).to_owned()));
        changed.theme = Set(theme_text(theme).to_owned());
        changed.email = Set(email);
        changed.update(writing.connection()).await?;
        writing.commit().await.map_err(Error::from)
    }

    /// A new password. All sessions end; the answer is a new one for whoever asked.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the old one is wrong or the new one cannot be used; [`Error::Forbidden`] for tokens.
    pub async fn change_password(
        &self,
        actor: &Actor,
        old: SecretString,
        new: SecretString,
    ) -> Result<SignedIn> {
        let row = self.proved(actor, old, "old_password").await?;
        let problems = crate::password_policy::sign_in_problems(new.expose_secret(), &row.name);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let hash = self.inner.passwords.hash(new).await?;
        let writing = self.writing().await?;
        end_sessions(writing.connection(), row.id).await?;
        let mut changed: customer::ActiveModel = row.into();
        changed.password_hash = Set(Some(hash));
        let row = changed.update(writing.connection()).await?;
        let signed_in = add_session(writing.connection(), row, actor.address).await?;
        crate::audit::record(writing.connection(), actor, "password.change", &actor.name).await?;
        writing.commit().await?;
        Ok(signed_in)
    }

    /// The customer's row, when a person in a session knows its password.
    pub(crate) async fn proved(
        &self,
        actor: &Actor,
        password: SecretString,
        field: &str,
    ) -> Result<customer::Model> {
        if actor.via != crate::model::Via::Session {
            return Err(Error::Forbidden);
        }
        self.inner.by_name.attempt(&actor.name).map_err(|retry_after| Error::TooMany { retry_after })?;
        let row = self.customer_row(actor.customer.0).await?;
        if self.inner.passwords.verify(row.password_hash.clone(), password).await? {
            return Ok(row);
        }
        let message = "This is not your present password.";
        Err(Error::Invalid(vec![Problem::new(field, "password_wrong", message)]))
    }
}

pub(crate) fn language_text(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::German => "de",
    }
}

pub(crate) fn theme_text(theme: Theme) -> &'static str {
    match theme {
        Theme::System => "system",
        Theme::Light => "light",
        Theme::Dark => "dark",
    }
}
