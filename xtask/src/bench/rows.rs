//! What is measured: which mailbox, over which line, to where, the first time or again, by whom.

use super::contenders::Contender::{self, Doveadm, Floor, Imapsync, Mailimport, Mbsync};
use super::mailboxes::Size;

/// What a contender does in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Into an empty mailbox.
    First,
    /// Once more, with nothing new.
    Again,
    /// Once more, with one per cent new.
    New,
}

/// Where messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Maildir,
    /// A Dovecot, over IMAP. It is as far away as the old server.
    Imap,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) mailbox: Size,
    pub(super) action: Action,
    pub(super) to: To,
    /// Round trip in milliseconds that the line adds; none: loopback itself.
    pub(super) round_trip: u64,
    pub(super) contenders: &'static [Contender],
}

const FIRST: &[Contender] = &[Floor(1), Floor(2), Mailimport, Mbsync, Doveadm];
const AGAIN: &[Contender] = &[Floor(1), Mailimport, Mbsync, Doveadm];
const NEW: &[Contender] = &[Mailimport, Mbsync, Doveadm];
const OVER: &[Contender] = &[Floor(1), Floor(2), Mailimport, Mbsync, Imapsync];
const OVER_AGAIN: &[Contender] = &[Floor(1), Mailimport, Mbsync, Imapsync];
const MANY: &[Contender] = &[Floor(1), Floor(8), Mailimport];

const fn row(
    mailbox: Size,
    action: Action,
    to: To,
    round_trip: u64,
    contenders: &'static [Contender],
) -> Row {
    Row { mailbox, action, to, round_trip, contenders }
}

/// All rows, in the order of the table.
pub(super) const ROWS: [Row; 19] = [
    row(Size::S, Action::First, To::Maildir, 0, FIRST),
    row(Size::S, Action::First, To::Maildir, 10, FIRST),
    row(Size::S, Action::First, To::Maildir, 40, FIRST),
    row(Size::S, Action::First, To::Maildir, 150, FIRST),
    row(Size::L, Action::First, To::Maildir, 0, FIRST),
    row(Size::L, Action::First, To::Maildir, 40, &[Floor(1), Floor(2), Mailimport, Mbsync]),
    row(Size::S, Action::Again, To::Maildir, 0, AGAIN),
    row(Size::S, Action::Again, To::Maildir, 10, AGAIN),
    row(Size::S, Action::Again, To::Maildir, 40, AGAIN),
    row(Size::S, Action::Again, To::Maildir, 150, AGAIN),
    row(Size::S, Action::New, To::Maildir, 0, NEW),
    row(Size::S, Action::New, To::Maildir, 40, NEW),
    row(Size::One, Action::First, To::Maildir, 0, &[Floor(1), Mailimport, Mbsync]),
    row(Size::Twenty, Action::First, To::Maildir, 0, MANY),
    row(Size::S, Action::First, To::Imap, 0, OVER),
    row(Size::S, Action::First, To::Imap, 40, OVER),
    row(Size::L, Action::First, To::Imap, 0, OVER),
    row(Size::S, Action::Again, To::Imap, 0, OVER_AGAIN),
    row(Size::S, Action::Again, To::Imap, 40, OVER_AGAIN),
];

impl Row {
    /// Such as `S first 40 ms`, `L over IMAP first loopback`.
    pub(super) fn name(&self) -> String {
        let mailbox = self.mailbox.name();
        let to = match self.to {
            To::Maildir => "",
            To::Imap => " over IMAP",
        };
        let action = match self.action {
            Action::First => "first",
            Action::Again => "again",
            Action::New => "1 % new",
        };
        let line =
            if self.round_trip == 0 { "loopback".to_owned() } else { format!("{} ms", self.round_trip) };
        format!("{mailbox}{to} {action} {line}")
    }

    /// Whom the others are compared with: the better floor, by what it is expected to be.
    pub(super) fn yardstick(&self) -> Contender {
        let floor = self.contenders.iter().rev().find(|contender| matches!(contender, Floor(_)));
        floor.copied().unwrap_or(Mbsync)
    }
}
