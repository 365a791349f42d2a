//! The place of every folder of the account: who gets a name first, and what the others get.
//!
//! The source's folders form a tree, parents that the server did not list included. INBOX comes first, then what the
//! operator mapped, then the roles, then everything else from the outermost level inwards, names that need no change before those
//! that do. Each gets a path that nobody has; children go below whatever their parent got.

use std::collections::{BTreeMap, HashMap, HashSet};

use unicode_normalization::is_nfc;

use super::roles::{self, ASSIGNED, Fit};
use super::rules::{Change, NameRules, note};
use super::selection::{Selection, canonical};
use super::source_name;
use crate::folder::{FolderPath, Role, SourceFolder};

/// Where one folder goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Placement {
    /// The destination's levels; none is INBOX.
    pub(super) path: Vec<String>,
    /// What it is for.
    pub(super) role: Option<Role>,
    /// Why it has another name, if it has.
    pub(super) why: String,
    /// Whether it is INBOX once more.
    pub(super) repeats_inbox: bool,
}

/// A place in the source's tree.
type Levels = Vec<String>;

struct Placer<'a> {
    rules: &'a NameRules,
    selection: &'a Selection,
    /// Folders by their levels; a level that no folder has is a parent that the server did not list.
    tree: BTreeMap<Levels, Vec<usize>>,
    folders: &'a [&'a SourceFolder],
    placements: Vec<Placement>,
    /// Where each part of the tree went.
    paths: HashMap<Levels, Vec<String>>,
    taken: HashSet<String>,
    /// Plain outermost folders of these names would be mistaken for a role's folder by the next plan.
    reserved: HashSet<Role>,
}

/// The places of `folders` (distinct, sorted), in their order.
pub(super) fn placements(
    folders: &[&SourceFolder],
    existing: &[FolderPath],
    rules: &NameRules,
    selection: &Selection,
) -> Vec<Placement> {
    let mut placer = Placer {
        rules,
        selection,
        tree: BTreeMap::new(),
        folders,
        placements: vec![Placement::default(); folders.len()],
        paths: HashMap::new(),
        taken: HashSet::new(),
        reserved: HashSet::new(),
    };
    let inbox = placer.inbox();
    placer.grow(inbox);
    placer.assign_roles(inbox);
    placer.place_mapped();
    placer.settle_inbox(inbox);
    placer.place_roles(existing);
    placer.place_the_rest();
    placer.placements
}

impl Placer<'_> {
    /// Which folder is INBOX: the one of that name; where there is none, the one that the server calls so.
    fn inbox(&self) -> Option<usize> {
        let find = |test: &dyn Fn(&SourceFolder) -> bool| self.folders.iter().position(|f| test(f));
        find(&|f| f.text == "INBOX")
            .or_else(|| find(&|f| f.text.eq_ignore_ascii_case("INBOX")))
            .or_else(|| find(&|f| f.role == Some(Role::Inbox)))
            .or_else(|| find(&|f| self.reads_as_inbox(f)))
    }

    /// Builds the tree. Levels beyond the destination's depth become one, so that no name makes the tree large.
    fn grow(&mut self, inbox: Option<usize>) {
        for (index, folder) in self.folders.iter().enumerate() {
            if Some(index) != inbox && inbox.is_some() && folder.text.eq_ignore_ascii_case("INBOX") {
                self.placements[index].repeats_inbox = true;
                continue;
            }
            let levels = self.levels(folder);
            for depth in 1..levels.len() {
                self.tree.entry(levels[..depth].to_vec()).or_default();
            }
            self.tree.entry(levels).or_default().push(index);
        }
    }

    fn levels(&self, folder: &SourceFolder) -> Levels {
        let mut levels = folder.components.clone();
        if levels.is_empty() {
            levels.push(String::new());
        }
        if let Some(first) = levels.first_mut()
            && first.eq_ignore_ascii_case("INBOX")
        {
            "INBOX".clone_into(first);
        }
        if levels.len() > self.rules.max_depth {
            let deep = levels.split_off(self.rules.max_depth - 1).join("/");
            levels.push(deep);
        }
        levels
    }

    /// Whether this is INBOX or a folder that people would take for it.
    fn reads_as_inbox(&self, folder: &SourceFolder) -> bool {
        matches!(self.levels(folder).as_slice(), [only] if only == "INBOX")
    }

    /// At most one folder for each role: told by the server first, then the best name, then the outermost, then by name.
    fn assign_roles(&mut self, inbox: Option<usize>) {
        let mut best: BTreeMap<Role, ((bool, Fit, usize), usize)> = BTreeMap::new();
        for (index, folder) in self.folders.iter().enumerate() {
            if Some(index) == inbox || !folder.selectable || self.reads_as_inbox(folder) {
                continue;
            }
            let named = roles::by_place(&folder.components);
            let Some(role) = folder.role.filter(|r| *r != Role::Inbox).or(named.map(|(role, _)| role)) else {
                continue;
            };
            if matches!(role, Role::All | Role::Flagged | Role::Important) {
                self.placements[index].role = Some(role);
                continue;
            }
            let fit = named.filter(|(by_name, _)| *by_name == role).map_or(Fit::Other, |(_, fit)| fit);
            let rank = (folder.role != Some(role), fit, folder.components.len());
            match best.get(&role) {
                Some((other, _)) if *other <= rank => {}
                _ => drop(best.insert(role, (rank, index))),
            }
        }
        for (role, (_, index)) in best {
            self.placements[index].role = Some(role);
        }
        // Of several folders that people read as one, the one with a role is first.
        for folders in self.tree.values_mut() {
            folders
                .sort_by_key(|index| (Some(*index) != inbox, self.placements[*index].role.is_none(), *index));
        }
    }

    fn settle_inbox(&mut self, inbox: Option<usize>) {
        let below = vec!["INBOX".to_owned()];
        let Some(index) = inbox else {
            self.paths.entry(below.clone()).or_insert(below);
            return;
        };
        let levels = self.levels(self.folders[index]);
        if !self.paths.contains_key(&levels) {
            self.placements[index].role = Some(Role::Inbox);
            self.placements[index].why = roles::description(Role::Inbox).to_owned();
            // A server's own word for INBOX (old Gmail) has children of its own; they follow into INBOX.
            self.paths.insert(levels, below);
        }
    }

    /// Folders and parents that the operator gave a name.
    fn place_mapped(&mut self) {
        if self.selection.map.is_empty() {
            return;
        }
        let asked: Vec<(Levels, String)> = self
            .tree
            .keys()
            .filter_map(|levels| Some((levels.clone(), self.selection.mapped(&levels.join("/"))?.to_owned())))
            .collect();
        for (levels, target) in asked {
            let target = canonical(&target);
            let mut wanted: Vec<&str> = target.split('/').collect();
            let name = wanted.pop().unwrap_or_default();
            let mut changes = Vec::new();
            let mut parent: Vec<String> = Vec::new();
            for level in wanted {
                let inbox = parent.is_empty() && level == "INBOX";
                let level = if inbox {
                    level.to_owned()
                } else {
                    self.rules.level(level, parent.is_empty(), &mut changes)
                };
                parent.push(level);
            }
            self.settle(&levels, &parent, name, Some("It was asked for (--map)."), changes);
        }
    }

    fn place_roles(&mut self, existing: &[FolderPath]) {
        for role in ASSIGNED {
            let Some(index) = self.folder_of(role) else { continue };
            let levels = self.levels(self.folders[index]);
            if self.paths.contains_key(&levels) {
                continue;
            }
            let name = self.role_name(role, existing);
            self.settle(&levels, &[], &name, Some(roles::description(role)), Vec::new());
            if self.placements[index].path != [roles::canonical_name(role)] {
                self.reserved.insert(role);
            }
        }
    }

    /// Gmail's view of everything brings only what has no label: archived mail.
    fn folder_of(&self, role: Role) -> Option<usize> {
        let with = |wanted: Role| self.placements.iter().position(|p| p.role == Some(wanted));
        with(role).or_else(|| {
            let index = with(Role::All).filter(|_| role == Role::Archive)?;
            let in_gmail =
                self.folders[index].components.first().is_some_and(|c| roles::is_gmail_container(c));
            in_gmail.then_some(index)
        })
    }

    /// The destination's name for a role: ours, unless it has a folder of another name for this already.
    fn role_name(&self, role: Role, existing: &[FolderPath]) -> String {
        let ours = roles::canonical_name(role);
        let free = |name: &str| !self.taken.contains(&self.rules.identity(&[name.to_owned()]));
        let mut others: Vec<&String> = Vec::new();
        for path in existing {
            match path.0.as_slice() {
                [name] if name == ours && free(name) => return ours.to_owned(),
                [name] if free(name) && roles::by_name(name).is_some_and(|(r, _)| r == role) => {
                    others.push(name)
                }
                _ => {}
            }
        }
        match others.into_iter().min() {
            Some(name) => name.clone(),
            None => ours.to_owned(),
        }
    }

    fn place_the_rest(&mut self) {
        let mut rest: Vec<(usize, bool, Levels)> = self
            .tree
            .keys()
            .filter(|levels| !self.paths.contains_key(*levels))
            .map(|levels| (levels.len(), !self.keeps_name(levels), levels.clone()))
            .collect();
        rest.sort();
        for (_, _, levels) in rest {
            let Some((name, above)) = levels.split_last() else { continue };
            let (parent, why) = self.parent(above);
            self.settle(&levels, &parent, name, why.as_deref(), Vec::new());
        }
        self.place_repeated();
    }

    /// Where a part of the tree went, and the sentence for what follows it to another name.
    fn parent(&self, above: &[String]) -> (Vec<String>, Option<String>) {
        let parent = self.paths.get(above).cloned().unwrap_or_default();
        let why = (parent != above)
            .then(|| format!("Its parent folder is saved as {}.", FolderPath(parent.clone())));
        (parent, why)
    }

    /// Folders whose decoded names are the same although they are several.
    fn place_repeated(&mut self) {
        let repeated: Vec<(Levels, usize)> = self
            .tree
            .iter()
            .flat_map(|(levels, folders)| folders.iter().skip(1).map(|index| (levels.clone(), *index)))
            .collect();
        for (levels, index) in repeated {
            let Some((name, above)) = levels.split_last() else { continue };
            let (parent, followed) = self.parent(above);
            let seed =
                [self.folders[index].text.as_bytes(), b"\0", self.folders[index].name.as_bytes()].concat();
            let (path, changed) = self.find_place(&parent, name, &seed, Vec::new());
            self.placements[index].path = path;
            self.placements[index].why = [followed.unwrap_or_default(), changed].join(" ").trim().to_owned();
        }
    }

    /// Whether a name can stay as it is; such folders choose first.
    fn keeps_name(&self, levels: &[String]) -> bool {
        let Some((name, above)) = levels.split_last() else { return false };
        let mut changes = Vec::new();
        is_nfc(name) && self.rules.escape(name, above.is_empty(), &mut changes) == *name
    }

    /// Gives a part of the tree, and the first folder that has it, a place below `parent`.
    fn settle(
        &mut self,
        levels: &[String],
        parent: &[String],
        name: &str,
        why: Option<&str>,
        changes: Vec<Change>,
    ) {
        let index = self.tree.get(levels).and_then(|folders| folders.first()).copied();
        let seed = match index {
            Some(index) => source_name(self.folders[index]),
            None => levels.join("/"),
        };
        let (path, changed) = self.find_place(parent, name, seed.as_bytes(), changes);
        if let Some(index) = index {
            self.placements[index].path.clone_from(&path);
            self.placements[index].why = [why.unwrap_or_default(), &changed].join(" ").trim().to_owned();
        }
        self.paths.insert(levels.to_vec(), path);
    }

    /// The path below `parent` that is nearest to `name`, obeys the rules and is nobody's; with the reasons for its changes.
    fn find_place(
        &mut self,
        parent: &[String],
        name: &str,
        seed: &[u8],
        mut changes: Vec<Change>,
    ) -> (Vec<String>, String) {
        let rules = self.rules;
        let plain = rules.escape(name, parent.is_empty(), &mut changes);
        let deep = parent.len() >= rules.max_depth;
        let long = !deep && !rules.fits(parent, &plain);
        if deep {
            note(&mut changes, Change::TooDeep);
        }
        if long {
            note(&mut changes, Change::TooLong);
        }
        let mut path = parent.to_vec();
        path.push(plain);
        let mut twin = false;
        if deep || long || !self.take(&path) {
            twin = !deep && !long;
            path = self.with_suffix(parent, name, seed);
        }
        let mut why: Vec<String> = changes.iter().map(ToString::to_string).collect();
        if twin {
            why.push("Another folder has this name in the new mailbox.".to_owned());
        }
        (path, why.join(" "))
    }

    /// Takes a path with a suffix made of the source name, so that it is the same at every run.
    fn with_suffix(&mut self, parent: &[String], name: &str, seed: &[u8]) -> Vec<String> {
        let rules = self.rules;
        let parent = &parent[..rules.roomy(parent)];
        let name = rules.escape(name, parent.is_empty(), &mut Vec::new());
        let mut round = 0_u32;
        loop {
            let digest = blake3::Hasher::new().update(seed).update(&round.to_be_bytes()).finalize().to_hex();
            let mut path = parent.to_vec();
            path.push(rules.with_suffix(parent, &name, &digest[..8]));
            if self.take(&path) {
                return path;
            }
            round += 1;
        }
    }

    /// Takes a path unless somebody has it, or it would be mistaken for a role's folder.
    fn take(&mut self, path: &[String]) -> bool {
        if let [name] = path
            && roles::by_name(name).is_some_and(|(role, _)| self.reserved.contains(&role))
        {
            return false;
        }
        self.taken.insert(self.rules.identity(path))
    }
}
