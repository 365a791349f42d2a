//! Servers as they are: one small script for each provider or product that is known to be odd, and what an import from
//! it must come to.
//!
//! Each script is the scripted server of the test kit with a few answers replaced. What arrived is read from the files of
//! the new Maildir, and a second import must leave them as they are.

mod domino;
mod exchange;
mod gmail;
mod gmx;
mod hmailserver;
mod icewarp;
mod icloud;
mod mailru;
mod netease;
mod tobit;
mod xeams;
mod yahoo;
mod zimbra;

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use engine::report::Report;
use testkit::mutf7;
use testkit::scripted::{Command, Folder, Message, Script, Scripted, VirtualAccount};

use crate::rig::{Rig, assert_balanced};

/// The octets of a message of its own.
pub(crate) fn letter(name: &str, number: u32) -> Vec<u8> {
    let id = format!("Message-ID: <{number}@{}>", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    format!("{id}\r\nSubject: number {number} of {name}\r\n\r\nWhat was\r\n.\r\nwritten\r\n").into_bytes()
}

/// A folder with as many messages, unlike those of every other folder.
pub(crate) fn folder(wire: &str, count: u32) -> Folder {
    Folder::new(wire, (1..=count).map(|uid| Message::new(uid, &letter(wire, uid))).collect())
}

pub(crate) fn with_attributes(mut folder: Folder, attributes: &[&str]) -> Folder {
    folder.attributes = attributes.iter().map(|attribute| (*attribute).to_owned()).collect();
    folder
}

/// Serves the folders to an import over one connection.
pub(crate) fn serve(folders: Vec<Folder>, script: Script) -> (Scripted, Rig) {
    serve_account(VirtualAccount::new(folders), script)
}

pub(crate) fn serve_account(account: VirtualAccount, script: Script) -> (Scripted, Rig) {
    let server = Scripted::start(account, script).unwrap();
    let mut rig = Rig::start();
    rig.source = server.addr();
    rig.settings.connections = 1;
    (server, rig)
}

pub(crate) fn asks_for_bodies(command: &Command) -> bool {
    command.arguments.contains("BODY.PEEK[]")
}

pub(crate) fn lists_everything(command: &Command) -> bool {
    command.arguments.starts_with("1:* ")
}

/// Whether a FETCH is about this message, perhaps among others.
pub(crate) fn is_about(command: &Command, uid: u32) -> bool {
    let set = command.arguments.split(' ').next().unwrap();
    set.split(',').any(|range| {
        let (from, to) = range.split_once(':').unwrap_or((range, range));
        from.parse().is_ok_and(|from| (from..=to.parse().unwrap_or(u32::MAX)).contains(&uid))
    })
}

/// A file of the new Maildir.
pub(crate) struct Stored {
    pub(crate) octets: Vec<u8>,
    /// The letters of its flags.
    pub(crate) flags: String,
    /// Its date, seconds since 1970.
    pub(crate) date: i64,
}

/// The files of a folder, levels joined by `/`, in the order of their numbers at the source.
pub(crate) fn stored(rig: &Rig, folder: &str) -> Vec<Stored> {
    let mut directory = rig.server.maildir("bob");
    if folder != "INBOX" {
        let levels: Vec<String> = folder.split('/').map(mutf7::encode).collect();
        directory = directory.join(format!(".{}", levels.join(".")));
    }
    let mut files: Vec<(u32, PathBuf)> = std::fs::read_dir(directory.join("cur"))
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let number = name.split_once(".M").unwrap().1.split_once('P').unwrap().0;
            (number.parse().unwrap(), path)
        })
        .collect();
    files.sort();
    let read = |(_, path): (u32, PathBuf)| Stored {
        octets: std::fs::read(&path).unwrap(),
        flags: path.to_str().unwrap().split_once(":2,").unwrap().1.to_owned(),
        date: std::fs::metadata(&path).unwrap().mtime(),
    };
    files.into_iter().map(read).collect()
}

pub(crate) fn octets(rig: &Rig, folder: &str) -> Vec<Vec<u8>> {
    stored(rig, folder).into_iter().map(|file| file.octets).collect()
}

/// These messages of the source's folder lie in the new folder, byte for byte, and no others.
pub(crate) fn assert_holds(rig: &Rig, new: &str, name: &str, numbers: impl IntoIterator<Item = u32>) {
    let expected: Vec<_> = numbers.into_iter().map(|number| letter(name, number)).collect();
    let text = |octets: Vec<Vec<u8>>| -> Vec<_> {
        octets.iter().map(|octets| String::from_utf8_lossy(octets).into_owned()).collect()
    };
    assert_eq!(text(octets(rig, new)), text(expected), "{new}");
}

/// How many message files there are in all folders.
pub(crate) fn files(rig: &Rig) -> usize {
    rig.files().len()
}

/// Imports once more: nothing is copied, and no file is touched.
pub(crate) async fn assert_nothing_more_comes(rig: &Rig) -> Report {
    let before = rig.files();
    let report = rig.import().await;
    assert_eq!((report.totals.imported, &report.error), (0, &None), "{report:#?}");
    assert_balanced(&report);
    assert_eq!(rig.files(), before);
    rig.assert_clean();
    report
}

/// What the report says did not arrive: folder, message and class.
pub(crate) fn missed(report: &Report) -> Vec<(&str, Option<u32>, &str)> {
    report.exceptions.iter().map(|e| (e.folder.as_str(), e.uid, e.class.as_str())).collect()
}
