// SPDX-License-Identifier: MIT OR Apache-2.0
//! The decision for made-up callers, and the facts of this process.

mod as_root;

use super::facts::{Account, Ids};
use super::*;
use crate::error::Kind;

const INITIAL: &str = "         0          0 4294967295\n";

fn ids(own: u32, current: &str, file: &str) -> Ids {
    let current = Box::new(IdMap::parse_kernel(current.as_bytes()).unwrap());
    Ids { own, current, file: SubordinateFile::Read(file.as_bytes().to_vec()) }
}

fn newidmap() -> Via {
    Via::Newidmap { newuidmap: "/usr/bin/newuidmap".into(), newgidmap: "/usr/bin/newgidmap".into() }
}

/// alice, 1000:1000, with 65536 ids of each kind and both helpers, in the initial user namespace.
fn alice() -> Facts {
    Facts {
        users: ids(1000, INITIAL, "alice:100000:65536\n"),
        groups: ids(1000, INITIAL, "alice:100000:65536\n"),
        accounts: vec![Account { name: b"alice".to_vec(), gid: 1000 }],
        may_set_ids: false,
        may_map_host_root: false,
        setgroups_denied: false,
        idmap: absent("contain-idmap"),
        newidmap: Ok(newidmap()),
    }
}

fn absent<T>(program: &str) -> Result<T, String> {
    Err(format!("{program} is not installed"))
}

fn idmap() -> Via {
    Via::Idmap { program: "/libexec/contain-idmap".into() }
}

/// alice, where contain-idmap is installed and the system's helpers are not.
fn alice_with_idmap() -> Facts {
    Facts { idmap: Ok("/libexec/contain-idmap".into()), newidmap: absent("newuidmap"), ..alice() }
}

fn alice_without_helpers() -> Facts {
    Facts { newidmap: absent("newuidmap"), ..alice() }
}

/// Root with all capabilities.
fn root(current: &str) -> Facts {
    Facts {
        users: Ids { file: SubordinateFile::Missing, ..ids(0, current, "") },
        groups: Ids { file: SubordinateFile::Missing, ..ids(0, current, "") },
        accounts: Vec::new(),
        may_set_ids: true,
        may_map_host_root: true,
        setgroups_denied: false,
        idmap: Err("not looked for".to_string()),
        newidmap: Err("not looked for".to_string()),
    }
}

/// Both texts, expected to be the same.
fn text(maps: &IdMaps) -> &str {
    assert_eq!(maps.uid_text, maps.gid_text);
    &maps.uid_text
}

fn refusal(facts: &Facts, uid_map: Option<&str>, gid_map: Option<&str>) -> (Kind, String) {
    let error = decide(facts, uid_map, gid_map).unwrap_err();
    (error.kind, error.to_string())
}

#[test]
fn user_with_helper_gets_own_id_and_delegated_ranges() {
    let maps = decide(&alice(), None, None).unwrap();
    assert_eq!(text(&maps), "0 1000 1\n1 100000 65536\n");
    assert_eq!((maps.setgroups, maps.setgroups_denied, maps.become_root), (Setgroups::Keep, false, true));
    assert_eq!(maps.via, newidmap());
    assert_eq!(maps.summary(), "0→1000, 1-65536→100000-165535, setgroups allowed");
    assert!(maps.maps_user(65_536) && !maps.maps_user(65_537) && maps.maps_group(1));
}

#[test]
fn user_ranges_by_number_and_by_every_name_count_in_file_order() {
    let mut facts = alice();
    facts.accounts.push(Account { name: b"alias".to_vec(), gid: 5 });
    facts.users = ids(1000, INITIAL, "alias:300000:10\nbob:1:1\n1000:200000:10\nalice:100000:10\nalice:300005:10\n");
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!(maps.uid_text, "0 1000 1\n1 300000 10\n11 200000 10\n21 100000 10\n31 300010 5\n");
}

#[test]
fn user_without_helper_gets_the_own_id_and_is_told_why() {
    let maps = decide(&alice_without_helpers(), None, None).unwrap();
    assert_eq!(text(&maps), "0 1000 1\n");
    assert_eq!((maps.via, maps.setgroups, maps.setgroups_denied), (Via::Direct, Setgroups::Deny, true));
    assert_eq!(maps.notes.len(), 2);
    assert!(maps.notes[0].contains("/etc/subuid") && maps.notes[0].contains("not installed"), "{:?}", maps.notes);
}

#[test]
fn user_with_contain_idmap_needs_no_other_helper() {
    let maps = decide(&alice_with_idmap(), None, None).unwrap();
    assert_eq!(text(&maps), "0 1000 1\n1 100000 65536\n");
    assert_eq!((maps.setgroups, maps.setgroups_denied, maps.become_root), (Setgroups::Keep, false, true));
    assert_eq!((maps.via.clone(), &maps.notes, &maps.remarks), (idmap(), &Vec::new(), &Vec::new()));
    let request = Request::decode(&maps.request().unwrap()).unwrap();
    assert_eq!((request.users.entries(), request.groups.entries()), (&maps.uid_map[..], &maps.gid_map[..]));
    assert!(request.setgroups);
    let both = Facts { newidmap: Ok(newidmap()), ..alice_with_idmap() };
    let maps = decide(&both, None, None).unwrap();
    assert_eq!((maps.via, maps.remarks), (idmap(), Vec::new()));
}

#[test]
fn plan_says_why_a_better_way_was_not_taken() {
    let maps = decide(&alice(), None, None).unwrap();
    assert_eq!(maps.remarks, ["the maps are not written by contain-idmap: contain-idmap is not installed"]);
    assert!(maps.notes.is_empty());
    let maps = decide(&alice_without_helpers(), None, None).unwrap();
    let reason = "contain-idmap is not installed; newuidmap is not installed";
    let note = |word, path| format!("the {word} ids of {path} are not mapped: {reason}");
    assert_eq!(maps.notes, [note("user", "/etc/subuid"), note("group", "/etc/subgid")]);
    assert!(maps.remarks.is_empty());
    let mut facts = alice_with_idmap();
    facts.users.file = SubordinateFile::Read(Vec::new());
    facts.groups.file = SubordinateFile::Missing;
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((&maps.via, maps.notes.len()), (&Via::Direct, 0));
    assert_eq!(maps.remarks, ["only the own ids are mapped: /etc/subuid and /etc/subgid delegate no others"]);
}

#[test]
fn contain_idmap_serves_whom_newuidmap_does_not() {
    let mut facts = alice_with_idmap();
    facts.groups.own = 27;
    assert_eq!(decide(&facts, None, None).unwrap().gid_text, "0 27 1\n1 100000 65536\n");
    facts.groups.file = SubordinateFile::Missing;
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("0 1000 1\n1 100000 65536\n", "0 27 1\n"));
    assert_eq!((maps.via.clone(), maps.setgroups, maps.setgroups_denied), (idmap(), Setgroups::Deny, true));
    assert!(!Request::decode(&maps.request().unwrap()).unwrap().setgroups);
    facts.users = ids(1000, INITIAL, "alice:1001:10\nalice:990:10\n");
    assert_eq!(decide(&facts, Some("0:990:21"), None).unwrap().uid_text, "0 990 21\n", "no line of its own is needed");
}

#[test]
fn contain_idmap_is_not_asked_for_a_name_that_it_cannot_know() {
    let mut facts = alice_with_idmap();
    facts.accounts.clear();
    facts.users.file = SubordinateFile::Read(b"1000:100000:10\n".to_vec());
    let (within, beyond) = (Some("0:1000:1,1:100000:10"), Some("0:1000:1,1:200000:10"));
    assert_eq!(decide(&facts, within, None).unwrap().via, idmap());
    assert_eq!(refusal(&facts, beyond, None).0, Kind::IdMap);
    facts.newidmap = Ok(newidmap());
    assert_eq!(decide(&facts, within, None).unwrap().via, idmap());
    let maps = decide(&facts, beyond, None).unwrap();
    assert_eq!(maps.via, newidmap());
    assert!(maps.remarks[0].ends_with("it knows users by /etc/passwd and by their numbers only"), "{:?}", maps.remarks);
}

#[test]
fn contain_idmap_takes_340_ranges_of_both_maps_together() {
    let lines = |count: u32| (0..count).map(|line| format!("alice:{}:1\n", 100_000 + 2 * line)).collect::<String>();
    let mut facts = alice_with_idmap();
    facts.users = ids(1000, INITIAL, &lines(169));
    facts.groups = ids(1000, INITIAL, &lines(169));
    assert_eq!(decide(&facts, None, None).unwrap().request().map(|request| request.len()), Ok(12 + 340 * 12));
    facts.groups = ids(1000, INITIAL, &lines(170));
    let error = decide(&facts, None, None).unwrap().request().unwrap_err();
    let said = "map ids: the two maps have 341 ranges, and contain-idmap takes 340 altogether";
    assert_eq!((error.kind, error.to_string().as_str()), (Kind::IdMap, said));
    assert!(error.remedy.is_some());
}

#[test]
fn no_new_privs_with_delegated_ids_is_an_error_that_names_the_way_out() {
    let refused = || facts::GAIN_NOTHING.to_string();
    let facts = Facts { idmap: Err(refused()), newidmap: Err(refused()), ..alice() };
    let error = decide(&facts, None, None).unwrap_err();
    assert_eq!(error.kind, Kind::IdMap);
    assert!(error.cause.is_some_and(|cause| cause.ends_with(facts::GAIN_NOTHING)));
    assert!(error.remedy.is_some_and(|remedy| remedy.contains("-u 0:UID:1 -g 0:GID:1")));
}

#[test]
fn user_without_ranges_writes_directly_though_there_is_a_helper() {
    let mut facts = alice();
    facts.users.file = SubordinateFile::Read(Vec::new());
    facts.groups.file = SubordinateFile::Read(b"bob:1:1\n".to_vec());
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!(text(&maps), "0 1000 1\n");
    assert_eq!((maps.via, maps.setgroups), (Via::Direct, Setgroups::Deny));
    assert!(maps.notes.is_empty());
}

#[test]
fn user_without_files_has_the_own_id_and_no_error() {
    let mut facts = alice();
    facts.users.file = SubordinateFile::Missing;
    facts.groups.file = SubordinateFile::Missing;
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((text(&maps), &maps.via), ("0 1000 1\n", &Via::Direct));
    assert!(maps.notes.is_empty());
    // newgidmap fails without its file, so that one file alone is of no use.
    facts.users.file = SubordinateFile::Read(b"alice:100000:10\n".to_vec());
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((text(&maps), &maps.via), ("0 1000 1\n", &Via::Direct));
    assert!(maps.notes[0].contains("/etc/subgid does not exist"), "{:?}", maps.notes);
}

#[test]
fn user_with_user_ranges_only_is_denied_setgroups() {
    let mut facts = alice();
    facts.groups.file = SubordinateFile::Read(Vec::new());
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("0 1000 1\n1 100000 65536\n", "0 1000 1\n"));
    assert_eq!((maps.via, maps.setgroups, maps.setgroups_denied), (newidmap(), Setgroups::Deny, true));
}

#[test]
fn user_own_id_map_is_written_directly() {
    for facts in [alice(), alice_without_helpers()] {
        let maps = decide(&facts, Some("1000:1000:1"), Some("0:1000:1")).unwrap();
        assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("1000 1000 1\n", "0 1000 1\n"));
        assert_eq!((maps.via, maps.setgroups, maps.become_root), (Via::Direct, Setgroups::Deny, false));
    }
}

#[test]
fn user_giving_one_map_gets_the_default_for_the_other() {
    let maps = decide(&alice(), Some("0:1000:1"), None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("0 1000 1\n", "0 1000 1\n1 100000 65536\n"));
    assert_eq!(maps.via, newidmap());
    let maps = decide(&alice_without_helpers(), Some("0:1000:1"), None).unwrap();
    assert_eq!((text(&maps), &maps.via), ("0 1000 1\n", &Via::Direct));
}

#[test]
fn user_map_onto_ranges_goes_through_the_helper_or_is_refused() {
    let asked = Some("0:1000:1,1:100005:10");
    assert_eq!(decide(&alice(), asked, asked).unwrap().via, newidmap());
    let (kind, message) = refusal(&alice_without_helpers(), asked, None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("newuidmap is not installed"), "{message}");
}

#[test]
fn user_map_onto_other_ids_is_refused_by_name() {
    let (kind, message) = refusal(&alice(), Some("0:1000:1,1:165530:10"), None);
    assert_eq!(kind, Kind::IdMap);
    assert_eq!(
        message,
        "map user ids 0:1000:1,1:165530:10: host user ids 165536-165539 are not delegated to you; \
         allowed are the own id 1000, 100000-165535"
    );
    let (_, message) = refusal(&alice(), None, Some("0:7:1"));
    assert!(message.starts_with("map group ids 0:7:1: host group ids 7 are not delegated"), "{message}");
}

#[test]
fn user_map_whose_sum_wraps_is_refused() {
    let (kind, message) = refusal(&alice(), Some("0:100005:4294967292"), None);
    assert_eq!(kind, Kind::Invalid);
    assert!(message.contains("ids end at 4294967294"), "{message}");
}

#[test]
fn user_never_maps_host_root() {
    let mut facts = alice();
    facts.users = ids(1000, INITIAL, "alice:0:10\n");
    assert_eq!(decide(&facts, None, None).unwrap().uid_text, "0 1000 1\n1 1 9\n");
    let (kind, message) = refusal(&facts, Some("0:0:1"), None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("host user id 0 is never given"), "{message}");
}

#[test]
fn user_in_group_root_maps_that_group_as_its_own() {
    let mut facts = alice();
    facts.groups = ids(0, INITIAL, "");
    facts.accounts[0].gid = 0;
    let maps = decide(&facts, Some("0:1000:1"), Some("0:0:1")).unwrap();
    assert_eq!((maps.gid_text.as_str(), &maps.via), ("0 0 1\n", &Via::Direct));
    assert_eq!(decide(&facts, None, None).unwrap().gid_text, "0 0 1\n");
}

#[test]
fn user_own_id_in_a_wider_line_is_cut_out_for_the_helper() {
    let mut facts = alice();
    facts.users = ids(1000, INITIAL, "alice:1001:10\nalice:990:10\n");
    assert_eq!(decide(&facts, Some("0:990:21"), None).unwrap().uid_text, "0 990 10\n10 1000 1\n11 1001 10\n");
}

#[test]
fn user_in_a_nested_namespace_is_clipped() {
    let mut facts = alice();
    facts.users = ids(1000, "0 100000 2000\n100000 500000 10\n", "alice:100000:65536\n");
    assert_eq!(decide(&facts, None, None).unwrap().uid_text, "0 1000 1\n1 100000 10\n");
    let (kind, message) = refusal(&facts, Some("0:100000:20"), None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("100010-100019 are not mapped in this user namespace"), "{message}");
    facts.groups = ids(65_534, "0 100000 2000\n", "");
    assert!(refusal(&facts, None, None).1.contains("group id is not mapped in this user namespace"));
}

#[test]
fn user_whose_name_comes_from_elsewhere_leaves_the_check_to_the_helper() {
    let mut facts = alice();
    facts.accounts.clear();
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.notes.len()), ("0 1000 1\n", 1));
    assert!(maps.notes[0].contains("no name in /etc/passwd"), "{:?}", maps.notes);
    let maps = decide(&facts, Some("0:1000:1,1:100000:10"), None).unwrap();
    assert_eq!((maps.uid_text.as_str(), &maps.via), ("0 1000 1\n1 100000 10\n", &newidmap()));
    assert_eq!(refusal(&facts, Some("0:0:1"), None).0, Kind::IdMap);
    facts.newidmap = absent("newuidmap");
    assert_eq!(refusal(&facts, Some("0:1000:1,1:100000:10"), None).0, Kind::IdMap);
}

#[test]
fn user_in_another_than_the_primary_group_cannot_use_the_helper() {
    let mut facts = alice();
    facts.groups.own = 27;
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("0 1000 1\n", "0 27 1\n"));
    assert!(maps.notes[0].contains("primary group in /etc/passwd, 1000, and this is 27"), "{:?}", maps.notes);
}

#[test]
fn setgroups_denied_in_the_current_namespace_stays_denied() {
    for facts in [alice(), alice_without_helpers(), root(INITIAL)] {
        let maps = decide(&Facts { setgroups_denied: true, ..facts }, None, None).unwrap();
        assert_eq!((maps.setgroups, maps.setgroups_denied), (Setgroups::Keep, true));
        assert!(maps.summary().ends_with("setgroups denied"));
    }
}

#[test]
fn malformed_maps_are_refused_with_the_item() {
    for (map, message) in [
        ("", "map user ids: the map is empty; START:LOWER:COUNT[,START:LOWER:COUNT]... is expected"),
        ("0:1000:1;7", "map user ids 7: START:LOWER:COUNT is expected, three decimal numbers"),
        ("0:1000:1,1:1:0", "map user ids 1:1:0: the count is 0"),
        ("0:1000:1,0:7:1", "map user ids 0:7:1: a container id is mapped twice"),
        ("0:1000:1,,1:1000:1", "map user ids 1:1000:1: a host id is mapped twice"),
    ] {
        for facts in [alice(), root(INITIAL)] {
            assert_eq!(refusal(&facts, Some(map), None), (Kind::Invalid, message.to_string()));
        }
    }
    let many: Vec<String> = (0..10_000).map(|id| format!("{id}:{}:1", 2 * id + 1)).collect();
    let (kind, message) = refusal(&root(INITIAL), None, Some(&many.join(",")));
    assert_eq!(kind, Kind::Invalid);
    assert_eq!(message, "map group ids 340:681:1: the kernel takes at most 340 ranges");
}

#[test]
fn files_with_bad_lines_are_used_and_said_to_be_bad() {
    let mut facts = alice();
    facts.users = ids(1000, INITIAL, "alice:1:0\nalice:100000:10\nalice:0200000:10\n");
    facts.groups.file = SubordinateFile::Unreadable("EACCES".to_string());
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!((maps.uid_text.as_str(), maps.gid_text.as_str()), ("0 1000 1\n1 100000 10\n", "0 1000 1\n"));
    assert_eq!(maps.notes[0], "/etc/subuid: lines that are not OWNER:FIRST:COUNT were skipped: 2");
    assert_eq!(maps.notes[1], "/etc/subgid is not used: EACCES");
}

#[test]
fn facts_of_this_process_are_its_own() {
    let facts = Facts::collect().unwrap();
    assert_eq!(facts.users.own, nix::unistd::getuid().as_raw());
    assert_eq!(facts.groups.own, nix::unistd::getgid().as_raw());
    assert!(facts.users.current.maps_container(facts.users.own));
}
