//! The plan as a whole: tables for each rule, properties for whatever a server may send.

use imap::{Status, WireName};
use proptest::prelude::*;

use super::rules::{encoded_octets, total_octets};
use super::*;

/// A personal folder on a server with `/`.
fn folder(name: &str) -> SourceFolder {
    SourceFolder {
        name: WireName::new(name),
        text: name.to_owned(),
        valid: true,
        components: name.split('/').map(str::to_owned).collect(),
        role: None,
        ownership: Ownership::Personal,
        selectable: true,
        subscribed: true,
        status: Status::default(),
    }
}

fn with_role(name: &str, role: Role) -> SourceFolder {
    SourceFolder { role: Some(role), ..folder(name) }
}

fn unselectable(name: &str) -> SourceFolder {
    SourceFolder { selectable: false, ..folder(name) }
}

fn paths(names: &[&str]) -> Vec<FolderPath> {
    names.iter().map(|name| FolderPath(name.split('/').map(str::to_owned).collect())).collect()
}

fn plan_of(folders: &[SourceFolder]) -> Plan {
    plan(folders, &[], &NameRules::maildir(), &Selection::default())
}

/// Source and destination names in the plan's order.
fn mapping(plan: &Plan) -> Vec<(String, String)> {
    plan.folders.iter().map(|f| (source_name(&f.source), f.destination.to_string())).collect()
}

#[track_caller]
fn assert_mapping(plan: &Plan, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> = expected.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
    assert_eq!(mapping(plan), expected);
}

fn destination<'a>(plan: &'a Plan, source: &str) -> &'a FolderPath {
    &plan.folders.iter().find(|f| source_name(&f.source) == source).unwrap().destination
}

fn why_renamed<'a>(plan: &'a Plan, source: &str) -> &'a str {
    &plan.renamed.iter().find(|r| r.source == source).unwrap().why
}

fn why_left_out<'a>(plan: &'a Plan, source: &str) -> &'a str {
    &plan.left_out.iter().find(|l| l.source == source).unwrap().why
}

#[test]
fn plain_folders_keep_their_names_and_inbox_comes_first() {
    let plan = plan_of(&[folder("Work/2023"), folder("Äpfel & Birnen"), folder("INBOX"), folder("Work")]);
    assert_mapping(
        &plan,
        &[
            ("INBOX", "INBOX"),
            ("Work", "Work"),
            ("Work/2023", "Work/2023"),
            ("Äpfel & Birnen", "Äpfel & Birnen"),
        ],
    );
    assert!(plan.folders[0].destination.is_inbox());
    assert_eq!((plan.renamed.len(), plan.left_out.len()), (0, 0));
}

#[test]
fn inbox_is_inbox_in_any_case_and_its_children_stay_below_it() {
    let plan = plan_of(&[folder("Inbox"), folder("Inbox/Projects"), folder("inbox/Projects/A")]);
    assert_mapping(
        &plan,
        &[("Inbox", "INBOX"), ("Inbox/Projects", "INBOX/Projects"), ("inbox/Projects/A", "INBOX/Projects/A")],
    );
    assert_eq!(plan.folders[1].destination.0, ["INBOX", "Projects"]);
    assert!(plan.renamed.is_empty());
}

#[test]
fn children_of_an_inbox_that_is_not_listed_stay_below_it() {
    assert_mapping(&plan_of(&[folder("INBOX/x")]), &[("INBOX/x", "INBOX/x")]);
}

#[test]
fn another_spelling_of_inbox_is_not_a_second_inbox() {
    let plan = plan_of(&[folder("inbox"), folder("INBOX")]);
    assert_mapping(&plan, &[("INBOX", "INBOX")]);
    assert!(why_left_out(&plan, "inbox").contains("another spelling"));
}

#[test]
fn a_folder_that_only_reads_as_inbox_is_kept_beside_it() {
    let twin =
        SourceFolder { name: WireName::new("INBOX.INBOX"), text: "INBOX.INBOX".into(), ..folder("INBOX") };
    let plan = plan_of(&[twin, folder("INBOX")]);
    assert_mapping(&plan, &[("INBOX", "INBOX"), ("INBOX", "INBOX_")]);
}

#[test]
fn the_servers_own_word_for_inbox_is_inbox_with_its_children() {
    let plan = plan_of(&[with_role("Posteingang", Role::Inbox), folder("Posteingang/x")]);
    assert_mapping(&plan, &[("Posteingang", "INBOX"), ("Posteingang/x", "INBOX/x")]);
    assert_eq!(why_renamed(&plan, "Posteingang"), "It is the inbox.");
}

#[test]
fn folders_with_a_role_get_our_names_and_children_follow() {
    let plan = plan_of(&[
        folder("INBOX"),
        folder("Papierkorb"),
        folder("Gesendet"),
        folder("Gesendet/2023/May"),
        folder("INBOX/Entwürfe"),
        with_role("Werbung", Role::Junk),
        folder("Archives"),
        folder("Archives/2022"),
        folder("Work/Sent"),
    ]);
    assert_mapping(
        &plan,
        &[
            ("INBOX", "INBOX"),
            ("Gesendet", "Sent"),
            ("INBOX/Entwürfe", "Drafts"),
            ("Papierkorb", "Trash"),
            ("Werbung", "Junk"),
            ("Archives", "Archive"),
            ("Archives/2022", "Archive/2022"),
            ("Gesendet/2023/May", "Sent/2023/May"),
            ("Work/Sent", "Work/Sent"),
        ],
    );
    assert_eq!(plan.folders[3].role, Some(Role::Trash));
    assert_eq!(why_renamed(&plan, "Gesendet"), "It is the folder for sent mail.");
    assert_eq!(why_renamed(&plan, "Archives/2022"), "Its parent folder is saved as Archive.");
}

#[test]
fn the_attribute_wins_over_names_and_the_others_keep_theirs() {
    let plan =
        plan_of(&[folder("Sent"), with_role("Gesendet", Role::Sent), folder("Sent Items"), folder("Sent/x")]);
    assert_eq!(destination(&plan, "Gesendet").to_string(), "Sent");
    assert_eq!(destination(&plan, "Sent Items").to_string(), "Sent Items");
    let plain = destination(&plan, "Sent").to_string();
    assert!(plain.starts_with("Sent_") && plain.len() == 13, "{plain}");
    assert_eq!(destination(&plan, "Sent/x").to_string(), format!("{plain}/x"));
    assert_eq!(why_renamed(&plan, "Sent"), "Another folder has this name in the new mailbox.");
}

#[test]
fn english_wins_over_other_languages_and_the_exact_name_over_english() {
    for (names, winner) in [
        (&["Gesendet", "Sent Items"][..], "Sent Items"),
        (&["Enviados", "Sent Items", "Sent"], "Sent"),
        (&["SENT", "Sent"], "Sent"),
        (&["Gesendete Objekte", "Gesendet"], "Gesendet"),
        (&["INBOX/Sent", "Sent"], "Sent"),
    ] {
        let folders: Vec<SourceFolder> = names.iter().map(|name| folder(name)).collect();
        let plan = plan_of(&folders);
        let roles: Vec<String> =
            plan.folders.iter().filter(|f| f.role.is_some()).map(|f| source_name(&f.source)).collect();
        assert_eq!(roles, [winner]);
        assert_eq!(destination(&plan, winner).to_string(), "Sent");
    }
}

#[test]
fn a_folder_that_the_destination_has_for_a_role_is_used() {
    for (existing, expected) in [
        (&["Gesendete Elemente"][..], "Gesendete Elemente"),
        (&["Gesendete Elemente", "Sent"], "Sent"),
        (&["Work/Gesendet", "Other"], "Sent"),
        (&[], "Sent"),
    ] {
        let plan = plan(&[folder("Envoyés")], &paths(existing), &NameRules::maildir(), &Selection::default());
        assert_eq!(destination(&plan, "Envoyés").to_string(), expected);
    }
}

#[test]
fn a_folder_that_cannot_be_opened_is_left_out_but_not_its_children() {
    let plan = plan_of(&[unselectable("Projects"), folder("Projects/A")]);
    assert_mapping(&plan, &[("Projects/A", "Projects/A")]);
    assert!(why_left_out(&plan, "Projects").contains("folders only"));
}

#[test]
fn folders_of_others_are_left_out_under_their_whole_names() {
    let bob =
        SourceFolder { ownership: Ownership::OtherUser, text: "user/bob/Sent".into(), ..folder("Sent") };
    let team = SourceFolder {
        ownership: Ownership::Shared,
        text: "shared/Sent".into(),
        name: WireName::new("shared/Sent"),
        ..folder("Sent")
    };
    let mine = SourceFolder { name: WireName::new("mine"), ..folder("Sent") };
    let plan = plan_of(&[bob, team, mine]);
    assert_mapping(&plan, &[("Sent", "Sent")]);
    assert_eq!(why_left_out(&plan, "user/bob/Sent"), "It belongs to another user.");
    assert_eq!(why_left_out(&plan, "shared/Sent"), "It is shared by several users.");
}

#[test]
fn gmail_loses_its_container_its_views_and_its_chats() {
    let plan = plan_of(&[
        folder("INBOX"),
        unselectable("[Gmail]"),
        with_role("[Gmail]/Alle Nachrichten", Role::All),
        with_role("[Gmail]/Gesendet", Role::Sent),
        with_role("[Gmail]/Markiert", Role::Flagged),
        with_role("[Gmail]/Wichtig", Role::Important),
        with_role("[Gmail]/Spam", Role::Junk),
        folder("[Gmail]/Chats"),
        folder("Reisen/2023"),
    ]);
    assert_mapping(
        &plan,
        &[
            ("INBOX", "INBOX"),
            ("[Gmail]/Gesendet", "Sent"),
            ("[Gmail]/Spam", "Junk"),
            ("Reisen/2023", "Reisen/2023"),
            ("[Gmail]/Alle Nachrichten", "Archive"),
        ],
    );
    assert_eq!(plan.folders[4].role, Some(Role::All));
    let left: Vec<&str> = plan.left_out.iter().map(|l| l.source.as_str()).collect();
    assert_eq!(left, ["[Gmail]", "[Gmail]/Chats", "[Gmail]/Markiert", "[Gmail]/Wichtig"]);
}

#[test]
fn gmails_archived_mail_does_not_mix_with_a_label_called_archive() {
    let plan = plan_of(&[with_role("[Gmail]/All Mail", Role::All), folder("Archive")]);
    assert_mapping(&plan, &[("Archive", "Archive"), ("[Gmail]/All Mail", "[Gmail]/All Mail")]);
}

#[test]
fn exchanges_calendar_contacts_and_tasks_are_left_out_but_notes_are_copied() {
    let names =
        ["Kalender", "Kalender/Feiertage", "Kontakte", "Aufgaben", "Journal", "Notizen", "Postausgang"];
    let folders: Vec<SourceFolder> = names.iter().map(|name| folder(name)).collect();
    let plan = plan_of(&folders);
    assert_mapping(&plan, &[("Notizen", "Notizen"), ("Postausgang", "Postausgang")]);
    assert_eq!(plan.left_out.len(), 5);
    let alone = plan_of(&[folder("Contacts"), folder("Journal"), folder("Calendar")]);
    assert_eq!(alone.folders.len(), 3);
}

#[test]
fn names_that_the_destination_refuses_are_changed_and_reported() {
    for (name, expected, why) in [
        ("a.b", "a_b", "The new mailbox does not allow “.” in a folder name."),
        ("~x", "_x", "The new mailbox does not allow “~” at the start of a folder name."),
        ("a\tb", "a_b", "The name holds a control character."),
        ("a//b", "a/_/b", "A part of the name is empty."),
        ("../../etc", "__/__/etc", "Its parent folder is saved as __/__."),
    ] {
        let plan = plan_of(&[folder(name)]);
        assert_eq!(destination(&plan, name).to_string(), expected);
        let expected_why = if name == "a//b" { "Its parent folder is saved as a/_." } else { why };
        assert_eq!(why_renamed(&plan, name), expected_why);
    }
}

#[test]
fn a_slash_inside_a_level_is_escaped() {
    let odd = SourceFolder { components: vec!["In/Out".into()], ..folder("In/Out") };
    let plan = plan_of(&[odd]);
    assert_eq!(plan.folders[0].destination.0, ["In_Out"]);
    assert_eq!(why_renamed(&plan, "In/Out"), "The new mailbox does not allow “/” in a folder name.");
}

#[test]
fn an_escaped_name_gives_way_to_the_folder_that_really_has_it() {
    let plan = plan_of(&[folder("a.b"), folder("a_b"), folder("a~b")]);
    assert_eq!(destination(&plan, "a_b").to_string(), "a_b");
    assert!(destination(&plan, "a.b").to_string().starts_with("a_b_"));
    assert!(why_renamed(&plan, "a.b").ends_with("Another folder has this name in the new mailbox."));
}

#[test]
fn twins_in_case_stay_and_twins_in_normalisation_are_told_apart() {
    let plan = plan_of(&[folder("Foo"), folder("foo"), folder("Ä"), folder("A\u{308}")]);
    assert_eq!(destination(&plan, "foo").to_string(), "foo");
    assert_eq!(destination(&plan, "Ä").to_string(), "Ä");
    assert!(destination(&plan, "A\u{308}").to_string().starts_with("A\u{308}_"));
    let insensitive = NameRules { case: Case::Insensitive, ..NameRules::maildir() };
    let plan = super::plan(&[folder("Foo"), folder("foo")], &[], &insensitive, &Selection::default());
    assert_eq!(plan.renamed.len(), 1);
}

#[test]
fn folders_with_one_decoded_name_stay_two() {
    let raw = SourceFolder { name: WireName::new(&b"caf\xe9"[..]), valid: false, ..folder("café") };
    let plan = plan_of(&[raw, folder("café"), folder("café/x")]);
    let places: HashSet<String> = plan.folders.iter().map(|f| f.destination.to_string()).collect();
    assert_eq!(places.len(), 3);
    assert!(places.contains("café") && places.contains("café/x"));
}

#[test]
fn the_second_of_two_with_one_decoded_name_follows_its_parent_and_says_so() {
    let junk = with_role("Old/a", Role::Junk);
    let second = SourceFolder { name: WireName::new("other"), ..folder("Old/a") };
    let selection = Selection::default().map("Old=New").unwrap();
    let plan = plan(&[junk, second], &[], &NameRules::maildir(), &selection);
    assert_mapping(&plan, &[("Old/a", "Junk"), ("Old/a", "New/a")]);
    assert_eq!(plan.renamed[1].why, "Its parent folder is saved as New.");
}

#[test]
fn a_folder_that_is_listed_twice_is_planned_once() {
    let plan = plan_of(&[folder("x"), with_role("x", Role::Junk), folder("x")]);
    assert_mapping(&plan, &[("x", "Junk")]);
}

#[test]
fn long_and_deep_names_are_shortened_and_stay_apart() {
    let long = "x".repeat(300);
    let deep = vec!["d"; 500].join("/");
    let (other_long, other_deep) = (format!("{long}y"), format!("{deep}/e"));
    let plan = plan_of(&[folder(&long), folder(&other_long), folder(&deep), folder(&other_deep)]);
    assert_eq!(why_renamed(&plan, &long), "The name is too long for the new mailbox.");
    for renamed in &plan.renamed {
        assert!(renamed.destination.contains('_'));
    }
    assert_eq!(plan.renamed.len(), 4);
    assert_ne!(destination(&plan, &long), destination(&plan, &other_long));
    assert_ne!(destination(&plan, &deep), destination(&plan, &other_deep));
}

#[test]
fn children_of_a_long_name_still_fit() {
    let parent = "日本語".repeat(40);
    let child = format!("{parent}/子/{}", "x".repeat(100));
    let plan = plan_of(&[folder(&parent), folder(&child)]);
    for planned in &plan.folders {
        assert!(total_octets(&planned.destination.0) <= 240, "{}", planned.destination);
    }
}

#[test]
fn a_mapped_folder_goes_where_it_was_asked_to_and_its_children_follow() {
    let selection = Selection::default().map("Old=Archive/Old").unwrap().map("INBOX=Before").unwrap();
    let folders = [folder("INBOX"), folder("INBOX/x"), folder("Old"), folder("Old/y"), folder("Archive/Old")];
    let plan = plan(&folders, &[], &NameRules::maildir(), &selection);
    assert_eq!(destination(&plan, "Old").to_string(), "Archive/Old");
    assert_eq!(destination(&plan, "Old/y").to_string(), "Archive/Old/y");
    assert_eq!(destination(&plan, "INBOX").to_string(), "Before");
    assert_eq!(destination(&plan, "INBOX/x").to_string(), "Before/x");
    assert!(destination(&plan, "Archive/Old").to_string().starts_with("Archive/Old_"));
    assert_eq!(why_renamed(&plan, "Old"), "It was asked for (--map).");
    assert_eq!(plan.unused, Vec::<String>::new());
}

#[test]
fn a_parent_that_is_not_listed_can_be_mapped() {
    let selection = Selection::default().map("Old=New/a.b").unwrap();
    let plan = plan(&[folder("Old/y")], &[], &NameRules::maildir(), &selection);
    assert_mapping(&plan, &[("Old/y", "New/a_b/y")]);
}

#[test]
fn mapping_a_folder_with_a_role_keeps_the_role() {
    let selection = Selection::default().map("Gesendet=Mine").unwrap();
    let plan = plan(&[with_role("Gesendet", Role::Sent)], &[], &NameRules::maildir(), &selection);
    assert_mapping(&plan, &[("Gesendet", "Mine")]);
    assert_eq!(plan.folders[0].role, Some(Role::Sent));
}

#[test]
fn what_is_asked_for_by_name_is_copied_though_it_is_a_view() {
    let selection = Selection::default().map("[Gmail]/Starred=Starred").unwrap();
    let plan = plan(&[with_role("[Gmail]/Starred", Role::Flagged)], &[], &NameRules::maildir(), &selection);
    assert_mapping(&plan, &[("[Gmail]/Starred", "Starred")]);
}

#[test]
fn excluded_folders_are_left_out_and_options_that_name_nothing_are_told() {
    let selection = Selection::default()
        .include("*")
        .and_then(|s| s.exclude("Trash"))
        .and_then(|s| s.exclude("Tarsh"))
        .and_then(|s| s.include("Nope/**"))
        .and_then(|s| s.map("Missing=Found"))
        .unwrap();
    let folders = [folder("INBOX"), folder("Trash"), folder("Work/2023")];
    let plan = plan(&folders, &[], &NameRules::maildir(), &selection);
    assert_mapping(&plan, &[("INBOX", "INBOX")]);
    assert_eq!(why_left_out(&plan, "Trash"), "It was excluded (Trash).");
    assert_eq!(why_left_out(&plan, "Work/2023"), "It is not among the folders that were asked for.");
    assert_eq!(plan.unused, ["--include Nope/**", "--exclude Tarsh", "--map Missing=Found"]);
}

/// Levels that collide, have a role, break a rule or are anything at all.
fn level() -> impl Strategy<Value = String> {
    let telling = [
        "INBOX",
        "inbox",
        "Sent",
        "sent",
        "Gesendet",
        "Sent Items",
        "Trash",
        "Papierkorb",
        "Archive",
        "Archiv",
        "Junk",
        "[Gmail]",
        "All Mail",
        "Calendar",
        "Contacts",
        "Tasks",
        "a.b",
        "a_b",
        "a/b",
        "a",
        "Ä",
        "A\u{308}",
        "..",
        ".",
        "",
        "~",
        "~a",
        "_a",
        "Foo",
        "foo",
        "\u{0}",
        "\r\n",
        "x\u{7f}",
    ];
    prop_oneof![
        6 => prop::sample::select(telling.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => (prop::sample::select(vec!["x", "é", "日本", "😀&"]), 60..300_usize).prop_map(|(unit, n)| unit.repeat(n)),
    ]
}

fn any_role() -> impl Strategy<Value = Option<Role>> {
    use Role::{All, Archive, Drafts, Flagged, Important, Inbox, Junk, Sent, Trash};
    let roles = vec![Inbox, Sent, Drafts, Trash, Junk, Archive, All, Flagged, Important];
    prop_oneof![4 => Just(None), 1 => prop::sample::select(roles).prop_map(Some)]
}

fn any_folder() -> impl Strategy<Value = SourceFolder> {
    let deep = (0..500_usize, level()).prop_map(|(n, last)| [vec!["d".to_owned(); n], vec![last]].concat());
    let levels = prop_oneof![9 => prop::collection::vec(level(), 0..4), 1 => deep];
    let wire = prop_oneof![3 => Just(String::new()), 1 => "[ab]"];
    (levels, any_role(), prop::bool::weighted(0.9), wire).prop_map(|(components, role, selectable, wire)| {
        let text = components.join("/");
        SourceFolder {
            components,
            role,
            selectable,
            name: WireName::new(format!("{wire}{text}")),
            ..folder(&text)
        }
    })
}

fn any_folders() -> impl Strategy<Value = Vec<SourceFolder>> {
    prop::collection::vec(any_folder(), 0..16)
}

fn any_existing() -> impl Strategy<Value = Vec<FolderPath>> {
    let name =
        prop::sample::select(vec!["Sent", "Gesendet", "Sent Items", "Papierkorb", "Archiv", "Work", "Spam"]);
    prop::collection::vec(name.prop_map(|name| FolderPath(vec![name.to_owned()])), 0..4)
}

fn any_selection() -> impl Strategy<Value = Selection> {
    let old =
        prop::sample::select(vec!["INBOX", "Sent", "Gesendet", "Foo", "a", "Archive", "[Gmail]", "a.b"]);
    let new = prop_oneof![
        prop::sample::select(vec![
            "Sent",
            "foo",
            "INBOX/x",
            "Archiv",
            "Gesendet",
            "a.b/~",
            "inbox/INBOX",
            "~/Foo"
        ])
        .prop_map(str::to_owned),
        (1..300_usize, 1..300_usize).prop_map(|(a, b)| format!("{}/{}", "a".repeat(a), "b".repeat(b))),
    ];
    prop::collection::vec((old, new), 0..3).prop_map(|maps| {
        maps.into_iter().fold(Selection::default(), |selection, (old, new)| {
            selection.clone().map(&format!("{old}={new}")).unwrap_or(selection)
        })
    })
}

fn any_rules() -> impl Strategy<Value = NameRules> {
    let narrow = NameRules {
        separator: '/',
        forbidden: &['*', '%'],
        forbidden_first: &['#'],
        max_component_octets: 60,
        max_total_octets: 120,
        max_depth: 5,
        case: Case::Insensitive,
    };
    prop::sample::select(vec![NameRules::maildir(), narrow])
}

fn obeys(rules: &NameRules, path: &FolderPath) -> bool {
    let levels = &path.0;
    let clean = |level: &String| {
        !level.is_empty()
            && encoded_octets(level) <= rules.max_component_octets
            && !level.chars().any(|c| c.is_control() || c == rules.separator || rules.forbidden.contains(&c))
    };
    let first = levels.first().is_none_or(|level| {
        !level.starts_with(rules.forbidden_first)
            && (!level.eq_ignore_ascii_case("INBOX") || (level == "INBOX" && levels.len() > 1))
    });
    levels.iter().all(clean)
        && first
        && total_octets(levels) <= rules.max_total_octets
        && levels.len() <= rules.max_depth
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_two_folders_land_in_one_and_every_name_obeys_the_rules(
        folders in any_folders(), existing in any_existing(), rules in any_rules(), selection in any_selection()
    ) {
        let plan = plan(&folders, &existing, &rules, &selection);
        let mut seen = HashSet::new();
        for planned in &plan.folders {
            prop_assert!(seen.insert(rules.identity(&planned.destination.0)), "twice: {}", planned.destination);
            prop_assert!(obeys(&rules, &planned.destination), "breaks a rule: {:?}", planned.destination);
        }
        let wires: HashSet<&WireName> = folders.iter().map(|f| &f.name).collect();
        prop_assert_eq!(plan.folders.len() + plan.left_out.len(), wires.len());
    }

    #[test]
    fn the_order_of_the_list_does_not_matter(
        (folders, shuffled) in any_folders().prop_flat_map(|f| (Just(f.clone()), Just(f).prop_shuffle())),
        existing in any_existing(), rules in any_rules(), selection in any_selection()
    ) {
        prop_assert_eq!(plan(&folders, &existing, &rules, &selection), plan(&shuffled, &existing, &rules, &selection));
    }

    #[test]
    fn planning_over_the_first_plans_folders_gives_the_first_plan(
        folders in any_folders(), mut existing in any_existing(), rules in any_rules(), selection in any_selection()
    ) {
        let first = plan(&folders, &existing, &rules, &selection);
        existing.extend(first.folders.iter().map(|f| f.destination.clone()));
        prop_assert_eq!(&plan(&folders, &existing, &rules, &selection), &first);
    }

    #[test]
    fn leaving_folders_out_moves_no_other(folders in any_folders(), rules in any_rules()) {
        let all = plan(&folders, &[], &rules, &Selection::default());
        let some = plan(&folders, &[], &rules, &Selection::default().exclude("*e*").unwrap());
        for planned in &some.folders {
            prop_assert!(all.folders.contains(planned));
        }
    }

    #[test]
    fn every_other_name_is_reported(folders in any_folders(), selection in any_selection()) {
        let plan = plan(&folders, &[], &NameRules::maildir(), &selection);
        let renamed: HashSet<(&str, &str)> =
            plan.renamed.iter().map(|r| (r.source.as_str(), r.destination.as_str())).collect();
        for planned in &plan.folders {
            let (source, destination) = (source_name(&planned.source), planned.destination.to_string());
            let same = planned.source.components == planned.destination.0 || source.to_uppercase().starts_with("INBOX");
            prop_assert!(same || renamed.contains(&(source.as_str(), destination.as_str())), "{source}");
        }
        prop_assert!(plan.renamed.iter().all(|r| r.why.ends_with('.')), "{:?}", plan.renamed);
    }
}
