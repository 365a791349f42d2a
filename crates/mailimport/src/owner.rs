//! Whose the new files are: the user's who runs the command; for root the directory's owner or `--mail-user`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use maildir::Owner;
use nix::unistd::{Group, User};

/// Why nobody can own the files.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OwnerError {
    /// `--mail-user` or `mail.user` by somebody else.
    #[error(
        "whose the mailboxes are can be chosen by root only; otherwise they belong to the user who runs this"
    )]
    NotRoot,
    /// No such user.
    #[error("there is no user {0:?}")]
    User(String),
    /// No such group.
    #[error("there is no group {0:?}")]
    Group(String),
    /// A number without a user needs its group.
    #[error("the user number {0} has no name here; give its group too, as {0}:GROUP")]
    GroupNeeded(u32),
}

/// The owner of everything made below `root`; `None` means the user who runs this.
pub(crate) fn owner(root: &Path, mail_user: Option<&str>) -> Result<Option<Owner>, OwnerError> {
    let is_root = rustix::process::geteuid().is_root();
    match mail_user {
        Some(_) if !is_root => Err(OwnerError::NotRoot),
        Some(name) => named(name).map(Some),
        None if is_root => Ok(nearest(root)),
        None => Ok(None),
    }
}

/// The owner of the directory, or of the nearest one above it that is there.
fn nearest(root: &Path) -> Option<Owner> {
    let metadata = root.ancestors().find_map(|path| std::fs::metadata(path).ok())?;
    Some(Owner { uid: metadata.uid(), gid: metadata.gid() })
}

/// Reads `USER[:GROUP]`, names or numbers.
fn named(text: &str) -> Result<Owner, OwnerError> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let known = User::from_name(user).ok().flatten();
    let (uid, own_group) = match (known, user.parse::<u32>()) {
        (Some(user), _) => (user.uid.as_raw(), Some(user.gid.as_raw())),
        (None, Ok(number)) => {
            let known = User::from_uid(number.into()).ok().flatten();
            (number, known.map(|user| user.gid.as_raw()))
        }
        (None, Err(_)) => return Err(OwnerError::User(user.to_owned())),
    };
    let gid = match group {
        Some(group) => match (Group::from_name(group).ok().flatten(), group.parse::<u32>()) {
            (Some(group), _) => group.gid.as_raw(),
            (None, Ok(number)) => number,
            (None, Err(_)) => return Err(OwnerError::Group(group.to_owned())),
        },
        None => own_group.ok_or(OwnerError::GroupNeeded(uid))?,
    };
    Ok(Owner { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_names_or_numbers() {
        for (text, expected) in [
            ("root", Ok((0, 0))),
            ("0", Ok((0, 0))),
            ("root:54321", Ok((0, 54_321))),
            ("54321:root", Ok((54_321, 0))),
            ("54321", Err(OwnerError::GroupNeeded(54_321))),
            ("no such user", Err(OwnerError::User("no such user".into()))),
            ("root:no such group", Err(OwnerError::Group("no such group".into()))),
        ] {
            assert_eq!(named(text).map(|owner| (owner.uid, owner.gid)), expected, "{text}");
        }
    }
}
