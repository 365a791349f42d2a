//! `mailimport admin`: what the operator does beside the pages, on the same database.

mod domains;
mod dovecot_config;
mod tokens;
mod users;

use service::model::{Actor, Customer, CustomerId, Role, Via};
use service::{OneTimeLink, Page, Service};

use super::{print, runtime};
use crate::arguments::{Admin, AdminCommand};
use crate::assemble::{self, Assembled};
use crate::config::{Config, Overrides};
use crate::exit::Exit;
use crate::notice::notice;
use crate::quantity::counted;
use crate::setup::WrongUse;

/// Customers asked for at a time.
const PAGE: u64 = 500;

/// Does what is asked for.
pub(crate) fn run(arguments: &Admin) -> Result<Exit, WrongUse> {
    let config = Config::load(&Overrides::from(&arguments.service))?;
    if let AdminCommand::DovecotConfig(command) = &arguments.command {
        return dovecot_config::run(&config, command);
    }
    let done = assemble::become_owner_of_data(&config).map_err(NotDone::from).and_then(|()| {
        let runtime = runtime().map_err(|WrongUse(message)| NotDone(message))?;
        runtime.block_on(on_the_service(&config, &arguments.command))
    });
    Ok(match done {
        Ok(()) => Exit::Complete,
        Err(NotDone(message)) => {
            notice(message);
            Exit::Exceptions
        }
    })
}

/// Why it was not done: a plain sentence.
struct NotDone(String);

impl<E: std::error::Error> From<E> for NotDone {
    fn from(error: E) -> NotDone {
        NotDone(error.to_string())
    }
}

async fn on_the_service(config: &Config, command: &AdminCommand) -> Result<(), NotDone> {
    if matches!(command, AdminCommand::RotateKey) {
        let sealed = assemble::rotate_key(config).await?;
        notice(format_args!(
            "There is a new key; {} sealed with it.",
            counted(sealed, "password was", "passwords were")
        ));
        return Ok(());
    }
    let assembled = assemble::assemble_without_key(config).await?;
    let console = Console { base: config.base_url(&config.listen), service: assembled.service.clone() };
    let done = match command {
        AdminCommand::Users { command } => users::run(&console, command).await,
        AdminCommand::Domains { command } => domains::run(&console, command).await,
        AdminCommand::Tokens { command } => tokens::run(&console, command).await,
        AdminCommand::Migrations => migrations(&assembled).await,
        // Answered before anything was opened.
        AdminCommand::DovecotConfig(_) | AdminCommand::RotateKey => Ok(()),
    };
    assembled.store.close().await?;
    done
}

/// The service, and who asks: whoever may run this command on this machine.
struct Console {
    service: Service,
    base: String,
}

impl Console {
    fn actor(&self) -> Actor {
        Actor {
            // Nobody's things: an operator's acts need no customer.
            customer: CustomerId(uuid::Uuid::nil()),
            name: "command line".to_owned(),
            role: Role::Operator,
            via: Via::CommandLine,
            address: None,
        }
    }

    async fn customers(&self) -> Result<Vec<Customer>, NotDone> {
        let mut all = Vec::new();
        loop {
            let page = Page { offset: all.len() as u64, limit: PAGE };
            let some = self.service.customers(&self.actor(), page).await?;
            let is_last = (some.len() as u64) < PAGE;
            all.extend(some);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn customer(&self, name: &str) -> Result<Customer, NotDone> {
        let name = name.to_lowercase();
        let found = self.customers().await?.into_iter().find(|customer| customer.name == name);
        found.ok_or_else(|| NotDone(format!("There is no user {name:?}.")))
    }

    fn print_link(&self, link: &OneTimeLink) {
        let until = link.expires_at.strftime("%Y-%m-%d %H:%M UTC");
        print(&format!("{}/link/{}\n", self.base, link.secret));
        notice(format_args!("This link sets the password, once, until {until}."));
    }
}

async fn migrations(assembled: &Assembled) -> Result<(), NotDone> {
    // Opening the database has brought it up to date.
    let applied = assembled.store.migrations().await?;
    print(&applied.into_iter().map(|name| name + "\n").collect::<String>());
    Ok(())
}
