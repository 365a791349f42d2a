//! The choice of a domain.

use askama::Template;
use service::model::{Domain, Role};

use super::frame::{Frame, Pager};
use super::mailimport::base;

/// One's own domains.
#[derive(Template)]
#[template(path = "domains.html")]
pub struct Domains {
    /// The frame.
    pub f: Frame,
    /// The domains.
    pub domains: Vec<Domain>,
    /// Links to the other pages of the list.
    pub pager: Pager,
}

impl Domains {
    pub(crate) fn base(&self, domain: &Domain) -> String {
        base(domain)
    }

    pub(crate) fn is_operator(&self) -> bool {
        self.f.person.as_ref().is_some_and(|person| person.role == Role::Operator)
    }
}
