//! `mailimport admin dovecot-config`: the configuration with which Dovecot serves the mailboxes, on standard output.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use mailhost::{DovecotVersion, Owner, Served, dovecot_config};
use nix::unistd::Group;

use crate::arguments::{DovecotConfig, DovecotRelease};
use crate::commands::print;
use crate::config::Config;
use crate::exit::Exit;
use crate::notice::notice;
use crate::setup::WrongUse;
use crate::{location, owner};

/// Prints it.
pub(crate) fn run(config: &Config, arguments: &DovecotConfig) -> Result<Exit, WrongUse> {
    let root = match &arguments.destination {
        Some(destination) => location::maildir(destination)?,
        None => config.mail_root(),
    };
    let root = std::path::absolute(root)?;
    let owner = owner::owner(&root, config.mail.user.as_deref())?.unwrap_or_else(own);
    let group = Group::from_gid(owner.gid.into()).ok().flatten().map(|group| group.name);
    let served = Served {
        group: group.filter(|_| can_reach(&root, owner.gid)),
        root,
        owner,
        certificate: arguments.certificate.clone(),
        key: arguments.key.clone(),
    };
    let version = match arguments.version {
        DovecotRelease::V2_3 => DovecotVersion::V2_3,
        DovecotRelease::V2_4 => DovecotVersion::V2_4,
    };
    let text = dovecot_config(version, &served)?;
    if served.group.is_none() {
        notice(
            "Dovecot's login process will run as root: the directory is closed to its group, or the group has no name. \
             With a directory such as /srv/mail, mode 0750, it need not.",
        );
    }
    print(&text);
    Ok(Exit::Complete)
}

/// The user who runs this: whose the mailboxes are where nothing else is set.
fn own() -> Owner {
    Owner { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() }
}

/// Whether members of the group may go down to the directory. One that is not there yet is made with 0750.
fn can_reach(root: &Path, gid: u32) -> bool {
    root.ancestors().filter_map(|path| std::fs::metadata(path).ok()).all(|metadata| {
        let by_group = metadata.gid() == gid && metadata.mode() & 0o010 != 0;
        by_group || metadata.mode() & 0o001 != 0
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};

    use super::*;

    #[test]
    fn a_group_reaches_what_every_directory_above_lets_it_into() {
        let place = tempfile::Builder::new().prefix("mi").tempdir_in("/tmp").unwrap();
        let (outer, inner) = (place.path().join("a"), place.path().join("a/mail"));
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        chown(&inner, None, Some(8)).unwrap();
        for (outer_mode, inner_mode, gid, expected) in [
            (0o755, 0o750, 8, true),
            (0o755, 0o750, 9, false),
            (0o755, 0o700, 8, false),
            (0o755, 0o701, 9, true),
            (0o700, 0o750, 8, false),
        ] {
            std::fs::set_permissions(&outer, std::fs::Permissions::from_mode(outer_mode)).unwrap();
            std::fs::set_permissions(&inner, std::fs::Permissions::from_mode(inner_mode)).unwrap();
            assert_eq!(can_reach(&inner, gid), expected, "{outer_mode:o} {inner_mode:o} {gid}");
            assert_eq!(can_reach(&inner.join("to/come"), gid), expected);
        }
    }
}
