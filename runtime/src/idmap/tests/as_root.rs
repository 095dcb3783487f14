// SPDX-License-Identifier: MIT OR Apache-2.0
//! What root's maps are, with all capabilities and without.

use super::*;

#[test]
fn root_default_keeps_host_root_out() {
    let maps = decide(&root(INITIAL), None, None).unwrap();
    assert_eq!(text(&maps), "0 4294967294 1\n1 1 4294967293\n");
    assert_eq!((maps.setgroups, maps.setgroups_denied), (Setgroups::Keep, false));
    assert_eq!((maps.via.clone(), maps.become_root), (Via::Direct, true));
    assert_eq!(maps.summary(), "0→4294967294, 1-4294967293→1-4294967293, setgroups allowed");
    assert!(maps.notes.is_empty());
}

#[test]
fn root_nested_default_is_clipped_to_the_namespace() {
    let maps = decide(&root("0 1000 1\n1 100000 65536\n"), None, None).unwrap();
    assert_eq!(text(&maps), "0 65536 1\n1 1 65535\n");
}

#[test]
fn root_with_one_id_has_no_default_but_can_give_maps() {
    let facts = root("0 1000 1\n");
    let (kind, message) = refusal(&facts, None, None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("only one user id is mapped"), "{message}");
    assert_eq!(text(&decide(&facts, Some("0:0:1"), Some("0:0:1")).unwrap()), "0 0 1\n");
}

#[test]
fn root_maps_are_taken_as_configured() {
    let maps = decide(&root(INITIAL), Some("0:100000:65536"), Some("0:200000:10;20:5:1")).unwrap();
    assert_eq!(maps.uid_text, "0 100000 65536\n");
    assert_eq!(maps.gid_text, "0 200000 10\n20 5 1\n");
    assert_eq!((maps.via.clone(), maps.setgroups), (Via::Direct, Setgroups::Keep));
    assert_eq!(maps.summary(), "users 0-65535→100000-165535; groups 0-9→200000-200009, 20→5; setgroups allowed");
    let maps = decide(&root(INITIAL), Some("0:100000:65536"), None).unwrap();
    assert_eq!(maps.gid_text, "0 4294967294 1\n1 1 4294967293\n");
}

#[test]
fn root_map_across_lines_of_the_current_map_is_cut() {
    let facts = root("0 1000 1\n1 100000 65536\n");
    assert_eq!(text(&decide(&facts, Some("5:0:11"), Some("5:0:11")).unwrap()), "5 0 1\n6 1 10\n");
    let (kind, message) = refusal(&facts, Some("0:65530:20"), None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("host user ids 65537-65549 are not mapped in this user namespace"), "{message}");
}

#[test]
fn root_without_setfcap_may_not_map_host_root() {
    let facts = Facts { may_map_host_root: false, ..root(INITIAL) };
    let (kind, message) = refusal(&facts, Some("0:0:10"), None);
    assert_eq!(kind, Kind::IdMap);
    assert!(message.contains("host user id 0 needs CAP_SETFCAP"), "{message}");
    assert_eq!(decide(&facts, None, Some("0:0:10")).unwrap().gid_text, "0 0 10\n");
}

#[test]
fn root_without_capabilities_has_its_own_ids_only() {
    let facts = Facts { may_set_ids: false, ..root(INITIAL) };
    let without_setfcap = Facts { may_map_host_root: false, ..facts.clone() };
    assert!(refusal(&without_setfcap, None, None).1.contains("needs CAP_SETFCAP"));
    let maps = decide(&facts, None, None).unwrap();
    assert_eq!(text(&maps), "0 0 1\n");
    assert_eq!((maps.via, maps.setgroups), (Via::Direct, Setgroups::Deny));
    assert_eq!(refusal(&facts, Some("0:1000:1"), None).0, Kind::IdMap);
    let with_helpers = Facts { newidmap: Ok(newidmap()), users: ids(0, INITIAL, "0:100000:9\n"), ..facts };
    assert_eq!(decide(&with_helpers, None, None).unwrap().uid_text, "0 0 1\n");
}
