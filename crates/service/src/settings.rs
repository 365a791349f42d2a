//! What the operator can set, with the defaults that suit one machine.

use std::path::PathBuf;
use std::time::Duration;

use crate::network::Network;
use crate::notices::MailOut;

/// What passwords are sealed with while they are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealingKey {
    /// A key in this file; made at the first start, mode 0400.
    File(PathBuf),
    /// A key that systemd hands over (systemd.exec(5), `LoadCredential=`): it is only read, and systemd keeps others away.
    Credential(PathBuf),
    /// A key that only this process knows: what it sealed opens no more when it has ended.
    ThisProcess,
}

/// Who names the servers that are connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// Customers: the address policy decides.
    #[default]
    Policy,
    /// The operator at the command line: anywhere.
    Anywhere,
}

/// How the service behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What passwords are sealed with.
    pub key: SealingKey,
    /// Entries that one domain's prepared list may hold.
    pub entries_per_domain: u64,
    /// How each import goes about its work; its patience is how long it waits for a silent server in the foreground of
    /// its job, before its place is given to others.
    pub engine: engine::account::Settings,
    /// What each import brings.
    pub selection: engine::plan::Selection,
    /// How long the passwords of a finished run are kept, so that new messages can be imported later. Zero erases them
    /// at its end.
    pub keep_secrets: Duration,
    /// Passwords that may be hashed at the same time; each takes 19 MiB.
    pub password_hashes_at_once: usize,
    /// Sign-ins that may be tried in a minute from one address.
    pub sign_ins_per_address: u32,
    /// Sign-ins that may be tried in a minute for one name.
    pub sign_ins_per_name: u32,
    /// A check says that a server cannot be reached after this time at the earliest, whatever the cause: how fast it
    /// says so would tell a stranger which addresses exist in our network.
    pub unreachable_after: Duration,
    /// How long one connection may take to be made in a check.
    pub connect_timeout: Duration,
    /// How long an old server may not answer before an import fails (product: 30 minutes).
    pub give_up_after: Duration,
    /// How names are resolved, and which addresses may be connected to.
    pub network: Network,
    /// Who names the servers.
    pub reach: Reach,
    /// How customers are written to; `None`: they are not.
    pub mail_out: Option<MailOut>,
    /// What the addresses of pages begin with, such as `https://mail.example.org`. Without it notices name none.
    pub base_url: Option<String>,
    /// Test notices that a customer may ask for in a minute.
    pub notice_tests: u32,
    /// Certificates to trust beside the machine's own (PEM files' contents).
    pub tls: imap::TlsTrust,
}

impl Settings {
    /// The defaults, with this sealing key and this way out.
    pub fn new(key: SealingKey, network: Network) -> Settings {
        Settings {
            key,
            entries_per_domain: 10_000,
            engine: engine::account::Settings {
                connections: 2,
                patience: Duration::from_secs(60),
                ..engine::account::Settings::default()
            },
            selection: engine::plan::Selection::default(),
            keep_secrets: Duration::from_secs(7 * 24 * 3600),
            password_hashes_at_once: 2,
            sign_ins_per_address: 10,
            sign_ins_per_name: 5,
            unreachable_after: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(10),
            give_up_after: Duration::from_secs(30 * 60),
            network,
            reach: Reach::Policy,
            mail_out: None,
            base_url: None,
            notice_tests: 3,
            tls: imap::TlsTrust::default(),
        }
    }
}
