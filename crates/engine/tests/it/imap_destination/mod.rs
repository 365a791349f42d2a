//! Imports into IMAP servers: everything arrives, once, judged by the test kit's own client.

mod arrival;
mod later;
mod once;
mod quota;
mod refused;
mod rig;
mod without;
