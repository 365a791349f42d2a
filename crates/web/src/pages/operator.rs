//! The operator's pages: customers, domains, audit log.

use askama::Template;
use jiff::Timestamp;
use service::AuditLine;
use service::model::{Customer, Domain, Problem};

use super::field::{self, Field, Kind};
use super::frame::{Frame, Pager};
use super::mailimport::base;
use crate::html::Html;

/// A one-time link that was made a moment ago.
#[derive(Clone)]
pub struct NewLink {
    /// Whose.
    pub name: String,
    /// The whole address, shown this once.
    pub address: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Customers.
#[derive(Template)]
#[template(path = "customers.html")]
pub struct Customers {
    /// The frame.
    pub f: Frame,
    /// The customers of this page.
    pub customers: Vec<Customer>,
    /// Links to the other pages.
    pub pager: Pager,
    /// The link that was made a moment ago.
    pub link: Option<NewLink>,
    /// The name that was typed and could not be taken.
    pub name: String,
    /// The e-mail address that was typed and could not be taken.
    pub email: String,
    /// Why.
    pub problems: Vec<Problem>,
}

impl Customers {
    pub(crate) fn errors(&self) -> Html {
        field::summary(&self.f.words, &self.problems, field::same_id)
    }

    pub(crate) fn name_field(&self) -> Html {
        Field::new(&self.f.words, "name", "customer-name")
            .hint(self.f.say("customer-name-hint"))
            .value(&self.name)
            .problems(&self.f.words, &self.problems)
            .shown()
    }

    pub(crate) fn email_field(&self) -> Html {
        Field::new(&self.f.words, "email", "customer-email")
            .kind(Kind::Email)
            .hint(self.f.say("customer-email-hint"))
            .value(&self.email)
            .optional()
            .problems(&self.f.words, &self.problems)
            .shown()
    }

    pub(crate) fn role(&self, customer: &Customer) -> String {
        self.f.words.role(customer.role)
    }

    /// The address to write to, where it says more than the name.
    pub(crate) fn other_email<'a>(&self, customer: &'a Customer) -> Option<&'a str> {
        customer.email.as_deref().filter(|email| *email != customer.name)
    }

    /// Whether this is who looks at the page: nobody locks themselves out.
    pub(crate) fn is_me(&self, customer: &Customer) -> bool {
        self.f.person.as_ref().is_some_and(|person| person.name == customer.name)
    }
}

/// All domains.
#[derive(Template)]
#[template(path = "all_domains.html")]
pub struct AllDomains {
    /// The frame.
    pub f: Frame,
    /// The domains of this page.
    pub domains: Vec<Domain>,
    /// Links to the other pages.
    pub pager: Pager,
    /// Who a new domain can belong to.
    pub customers: Vec<Customer>,
    /// The name that was typed and could not be taken.
    pub name: String,
    /// The owner that was chosen.
    pub owner: String,
    /// Why.
    pub problems: Vec<Problem>,
}

impl AllDomains {
    pub(crate) fn errors(&self) -> Html {
        field::summary(&self.f.words, &self.problems, field::same_id)
    }

    pub(crate) fn name_field(&self) -> Html {
        Field::new(&self.f.words, "domain", "domain-name")
            .hint(self.f.say("domain-name-hint"))
            .value(&self.name)
            .problems(&self.f.words, &self.problems)
            .shown()
    }

    pub(crate) fn is_owner(&self, customer: &Customer) -> bool {
        self.owner == customer.id.to_string()
    }

    pub(crate) fn is_mine(&self, domain: &Domain) -> bool {
        self.f.person.as_ref().is_some_and(|person| person.name == domain.customer_name)
    }

    pub(crate) fn base(&self, domain: &Domain) -> String {
        base(domain)
    }
}

/// The audit log.
#[derive(Template)]
#[template(path = "audit.html")]
pub struct Audit {
    /// The frame.
    pub f: Frame,
    /// Lines, newest first.
    pub lines: Vec<AuditLine>,
    /// Address of older lines.
    pub older: Option<String>,
}

impl Audit {
    pub(crate) fn action(&self, line: &AuditLine) -> String {
        self.f.words.audit_action(&line.action)
    }
}
