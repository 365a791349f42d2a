//! Imports into IMAP servers: everything arrives, once, judged by the test kit's own client.

mod arrival;
mod rig;
