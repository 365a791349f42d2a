//! `mailimport admin domains`.

use service::Page;
use service::model::Domain;

use super::{Console, NotDone, PAGE};
use crate::arguments::DomainsCommand;
use crate::commands::print;
use crate::human::plain;

/// Does what is asked for.
pub(super) async fn run(console: &Console, command: &DomainsCommand) -> Result<(), NotDone> {
    let (service, actor) = (&console.service, console.actor());
    match command {
        DomainsCommand::List => {
            let line = |domain: Domain| format!("{}\t{}\n", domain.name, plain(&domain.customer_name));
            print(&all(console).await?.into_iter().map(line).collect::<String>());
            Ok(())
        }
        DomainsCommand::Add { domain, user } => {
            let customer = console.customer(user).await?;
            service.create_domain(&actor, domain, customer.id).await?;
            Ok(())
        }
        DomainsCommand::Remove { domain } => {
            let name = domain.to_lowercase();
            let found = all(console).await?.into_iter().find(|domain| domain.name == name);
            let found = found.ok_or_else(|| NotDone(format!("There is no domain {name:?}.")))?;
            Ok(service.remove_domain(&actor, found.id).await?)
        }
    }
}

async fn all(console: &Console) -> Result<Vec<Domain>, NotDone> {
    let mut all = Vec::new();
    loop {
        let page = Page { offset: all.len() as u64, limit: PAGE };
        let some = console.service.all_domains(&console.actor(), page).await?;
        let is_last = (some.len() as u64) < PAGE;
        all.extend(some);
        if is_last {
            return Ok(all);
        }
    }
}
