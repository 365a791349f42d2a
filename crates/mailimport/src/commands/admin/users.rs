//! `mailimport admin users`.

use super::{Console, NotDone};
use crate::arguments::UsersCommand;
use crate::commands::print;
use crate::human::plain;
use crate::secrets;

/// Does what is asked for.
pub(super) async fn run(console: &Console, command: &UsersCommand) -> Result<(), NotDone> {
    let (service, actor) = (&console.service, console.actor());
    match command {
        UsersCommand::List => list(console).await,
        UsersCommand::Add { name, email, password_file } => {
            let password = password_file.as_deref().map(secrets::from_file).transpose();
            let password = password.map_err(|error| NotDone(error.to_string()))?;
            let (_, link) = service.create_customer(&actor, name, email.as_deref()).await?;
            match password {
                None => console.print_link(&link),
                Some(password) => drop(service.use_link(&link.secret, None, password, None).await?),
            }
            Ok(())
        }
        UsersCommand::Link { name } => {
            let customer = console.customer(name).await?;
            console.print_link(&service.reset_link(&actor, customer.id).await?);
            Ok(())
        }
        UsersCommand::Disable { name } => {
            let customer = console.customer(name).await?;
            Ok(service.disable_customer(&actor, customer.id).await?)
        }
        UsersCommand::Enable { name } => {
            let customer = console.customer(name).await?;
            Ok(service.enable_customer(&actor, customer.id).await?)
        }
    }
}

/// One line each: name, role, domains, what is missing.
async fn list(console: &Console) -> Result<(), NotDone> {
    let mut text = String::new();
    for customer in console.customers().await? {
        let role = match customer.role {
            service::model::Role::Operator => "operator",
            service::model::Role::Customer => "customer",
        };
        let notes = [(customer.disabled, "disabled"), (!customer.has_password, "no password yet")];
        let notes =
            notes.iter().filter(|(is, _)| *is).map(|(_, note)| format!("\t{note}")).collect::<String>();
        let domains = crate::quantity::counted(customer.domains, "domain", "domains");
        text += &format!("{}\t{role}\t{domains}{notes}\n", plain(&customer.name));
    }
    print(&text);
    Ok(())
}
