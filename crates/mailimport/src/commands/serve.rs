//! `mailimport serve`: pages, API and workers in one process, until it is told to stop.
//!
//! At the end imports put away what they have in hand and give their work back, so that the next start goes on at once.

use std::net::TcpListener;
use std::time::Duration;

use sd_notify::NotifyState;
use service::Service;
use service::work::{Limits, Owner};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use web::{Certificate, Listen, Web};

use super::{print, runtime};
use crate::arguments::Serve;
use crate::assemble::{self, NotAssembled};
use crate::claim::{self, Claim, Extent};
use crate::config::{Config, Overrides};
use crate::exit::Exit;
use crate::measure::Measurements;
use crate::notice::notice;
use crate::setup::WrongUse;
use crate::{interrupt, logs};

/// Between two looks for passwords that are to be erased.
const MAINTENANCE: Duration = Duration::from_secs(300);

/// What the process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duties {
    /// `serve`: pages, API, checks and imports.
    Everything,
    /// `worker`: checks and imports.
    Work,
}

/// Serves until it is told to stop.
pub(crate) fn run(arguments: &Serve) -> Result<Exit, WrongUse> {
    let overrides = Overrides { listen: arguments.listen, ..Overrides::from(&arguments.service) };
    until_stopped(&Config::load(&overrides)?, Duties::Everything)
}

/// Does its duties. What keeps it from starting is said, with exit status 1.
pub(crate) fn until_stopped(config: &Config, duties: Duties) -> Result<Exit, WrongUse> {
    logs::start_service(&config.log)?;
    Ok(match runtime()?.block_on(work(config, duties)) {
        Ok(()) => Exit::Complete,
        Err(error) => {
            notice(error);
            Exit::Exceptions
        }
    })
}

async fn work(config: &Config, duties: Duties) -> Result<(), NotAssembled> {
    let stop = interrupt::listen().map_err(NotAssembled::of)?;
    let data = config.data_dir();
    assemble::make_data_dir(&data)?;
    let extent = if config.database.url.is_some() { Extent::Shared } else { Extent::Alone };
    let claim = claim::claim(&data, extent).map_err(NotAssembled::of)?;
    let measurements = Measurements::begin(config).await?;
    let door = match duties {
        Duties::Everything => Some(door(config)?),
        Duties::Work => None,
    };
    let assembled = assemble::assemble(config).await?;
    let service = &assembled.service;
    let tasks = [
        Some(service.start_workers(owner(&claim), limits(config), stop.clone())),
        Some(tokio::spawn(maintain(service.clone(), stop.clone()))),
        measurements.as_ref().and_then(|measurements| measurements.serve(stop.clone())),
    ];
    let served = match door {
        Some(door) => serve(config, service, door, measurements.as_ref(), &stop).await,
        None => {
            tell(&[NotifyState::Ready, NotifyState::Status("Works.")]);
            stop.cancelled().await;
            Ok(())
        }
    };
    // Also when serving failed: what works here stops in good order.
    stop.cancel();
    tell(&[NotifyState::Stopping, NotifyState::Status("Imports put away what they have in hand.")]);
    for task in tasks.into_iter().flatten() {
        ended(task).await;
    }
    let closed = assembled.store.close().await.map_err(NotAssembled::of);
    served.and(closed)
}

/// Serves pages and API; says where they are once they are.
async fn serve(
    config: &Config,
    service: &Service,
    door: Listen,
    measurements: Option<&Measurements>,
    stop: &CancellationToken,
) -> Result<(), NotAssembled> {
    let link = service.first_link().await.map_err(NotAssembled::of)?;
    let settings = web::Settings {
        public_url: config.public_url.as_ref().and_then(|url| url::Url::parse(url.as_str()).ok()),
        trusted_proxies: config.trusted_proxies.into(),
        metrics: measurements.and_then(Measurements::behind_token),
        ..web::Settings::default()
    };
    let base = config.base_url(&address(&door)?);
    let mut text = format!("mailimport is at {base}\n");
    if let Some(link) = link {
        text += &format!("The operator chooses name and password here, once: {base}/link/{}\n", link.secret);
    }
    print(&text);
    if config.tls.certificate.is_none() && config.public_url.is_none() && !config.listen.ip().is_loopback() {
        notice(
            "Without tls.certificate, and without a proxy that encrypts (public_url), passwords can be read on the way.",
        );
    }
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("At {base}"))]);
    let web = Web::new(service.clone(), settings);
    web.serve(door, stop.clone().cancelled_owned()).await.map_err(NotAssembled::of)
}

/// Listens, so that an address that is taken is known before anything else begins.
fn door(config: &Config) -> Result<Listen, NotAssembled> {
    let listener = TcpListener::bind(config.listen)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
        .map_err(|error| {
            NotAssembled::of(format_args!("{} cannot be listened on: {error}", config.listen))
        })?;
    Ok(match (&config.tls.certificate, &config.tls.key) {
        (Some(chain), Some(key)) => {
            Listen::Tls(listener, Certificate { chain: chain.clone(), key: key.clone() })
        }
        _ => Listen::Plain(listener),
    })
}

/// What is really listened on: with port 0 the system has chosen one.
fn address(door: &Listen) -> Result<std::net::SocketAddr, NotAssembled> {
    let (Listen::Plain(listener) | Listen::Tls(listener, _)) = door;
    listener.local_addr().map_err(NotAssembled::of)
}

/// By what name jobs are held. One that a lock keeps for us lets this start take up at once what the last one left when
/// it was killed.
fn owner(claim: &Claim) -> Owner {
    claim.name().map_or(Owner::Fresh, Owner::Sole)
}

fn limits(config: &Config) -> Limits {
    let some = |limit: u16| (limit > 0).then_some(u32::from(limit));
    Limits {
        checks: config.work.checks.into(),
        imports: config.work.imports.into(),
        imports_per_customer: some(config.work.imports_per_customer),
        imports_per_server: some(config.work.imports_per_server),
        ..Limits::default()
    }
}

async fn maintain(service: Service, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = service.maintain().await {
            tracing::warn!(%error, "what is due now and then could not be done");
        }
        let _ = tokio::time::timeout(MAINTENANCE, stop.cancelled()).await;
    }
}

async fn ended(task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(%error, "a task ended by a fault");
    }
}

/// Tells systemd, where it listens.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd could not be told");
    }
}
