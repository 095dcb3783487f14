// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users from text, and from files of which a container may have made anything.

use super::*;
use crate::idmap::{Setgroups, Via};
use contain_policy::IdMap;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/sh
broken:x:1000:1000:six fields:/home/broken
alice:x:1000:1000:Alice:/home/alice:/bin/sh
bob:x:+5:5::/home/bob:/bin/sh
octal:x:010:5::/home/octal:/bin/sh
huge:x:4294967296:5::/:/bin/sh
none:x:4294967295:5::/:/bin/sh
relative:x:7:7::../..:/bin/sh
alice:x:1:1:second:/home/second:/bin/sh
+nis::::::
";
const GROUP: &str = "root:x:0:\nalice:x:1000:\naudio:x:29:alice,bob\nvideo:x:44:bob,alicent\nfar:x:900000:alice\nwork:x:50:bob,alice\nbad:x:-1:alice\nshort:x:60\n";

/// A root of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("contain-user-{}-{name}", std::process::id()));
        std::fs::create_dir_all(path.join("etc")).expect("a folder");
        Folder(path)
    }

    fn with_files(name: &str) -> Folder {
        let folder = Folder::new(name);
        std::fs::write(folder.0.join("etc/passwd"), PASSWD).expect("passwd");
        std::fs::write(folder.0.join("etc/group"), GROUP).expect("group");
        folder
    }

    fn resolve(&self, text: &str, maps: &IdMaps) -> Result<Resolved, Error> {
        resolve(&User::parse(text)?, &Root::Directory(self.0.clone()), maps)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).expect("the folder goes");
    }
}

fn maps(denied: bool) -> IdMaps {
    let map = IdMap::parse(b"0:100000:65536").expect("a map");
    IdMaps {
        uid_text: String::new(),
        gid_text: String::new(),
        uid_map: map.entries().to_vec(),
        gid_map: map.entries().to_vec(),
        setgroups: Setgroups::Keep,
        setgroups_denied: denied,
        via: Via::Direct,
        become_root: true,
        notes: Vec::new(),
        remarks: Vec::new(),
    }
}

#[test]
fn text_is_a_user_and_perhaps_a_group() {
    let name = |name: &str| Id::Name(name.into());
    for (text, user, group) in [
        ("0", Id::Number(0), None),
        ("1000:50", Id::Number(1000), Some(Id::Number(50))),
        ("alice", name("alice"), None),
        ("alice:4294967294", name("alice"), Some(Id::Number(4_294_967_294))),
        ("www-data:_apt", name("www-data"), Some(name("_apt"))),
    ] {
        assert_eq!(User::parse(text).expect(text), User { user, group });
    }
}

/// CVE-2026-30892.
#[test]
fn text_that_is_neither_name_nor_number_is_refused() {
    for text in [
        "",
        ":",
        "1:",
        ":1",
        "alice:",
        ":alice",
        "1:2:3",
        "a:b:c",
        "-1",
        "+1",
        "01",
        "1 ",
        " 1",
        "1x",
        "0x10",
        "1e3",
        "4294967295",
        "4294967296",
        "18446744073709551616",
        "1:-1",
        "1:01",
        "al ice",
        "a/b",
        "a\nb",
        "1:\t",
    ] {
        assert!(User::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_name_has_the_ids_groups_and_home_of_the_files() {
    let found = Folder::with_files("name").resolve("alice", &maps(false)).expect("alice");
    assert_eq!((found.uid, found.gid, found.home.as_str()), (1000, 1000, "/home/alice"));
    assert_eq!(found.groups, Some(vec![29, 50]));
    assert_eq!(found.notes, ["supplementary groups 900000 are left out: they are not mapped"]);
}

#[test]
fn a_named_group_is_the_only_one() {
    let folder = Folder::with_files("group");
    let found = folder.resolve("alice:video", &maps(false)).expect("alice");
    assert_eq!((found.uid, found.gid, found.groups), (1000, 44, Some(Vec::new())));
    let found = folder.resolve("1234:44", &maps(false)).expect("numbers");
    assert_eq!((found.uid, found.gid, found.home.as_str()), (1234, 44, "/"));
}

#[test]
fn numbers_need_no_files() {
    let folder = Folder::new("bare");
    let found = folder.resolve("1000:50", &maps(false)).expect("numbers");
    assert_eq!((found.uid, found.gid, found.groups), (1000, 50, Some(Vec::new())));
    let error = folder.resolve("1000", &maps(false)).expect_err("no group");
    assert!(error.remedy.expect("a remedy").contains("1000:GROUP"));
    assert_eq!(folder.resolve("alice", &maps(false)).expect_err("no file").errno, Some(libc::ENOENT));
}

#[test]
fn where_setgroups_is_denied_the_groups_are_left_out_and_told() {
    let found = Folder::with_files("denied").resolve("alice", &maps(true)).expect("alice");
    assert_eq!(found.groups, None);
    assert!(found.notes[0].contains("29, 50, 900000"), "{:?}", found.notes);
}

#[test]
fn lines_that_are_not_well_formed_name_nobody() {
    let folder = Folder::with_files("lines");
    for name in ["broken", "bob", "octal", "huge", "none", "+nis", "ali", "alicee"] {
        let refused = folder.resolve(name, &maps(false));
        assert!(refused.is_err(), "{name}: {refused:?}");
    }
    for name in ["bad", "short", "ali"] {
        assert!(folder.resolve(&format!("alice:{name}"), &maps(false)).is_err(), "{name}");
    }
    assert_eq!(folder.resolve("relative", &maps(false)).expect("relative").home, "/");
}

#[test]
fn an_id_that_is_not_mapped_is_refused() {
    let folder = Folder::with_files("unmapped");
    for text in ["70000:0", "0:70000", "alice:far"] {
        let error = folder.resolve(text, &maps(false)).expect_err(text);
        assert_eq!(error.kind, Kind::IdMap, "{error}");
    }
}

#[test]
fn links_stay_below_the_root() {
    let folder = Folder::new("links");
    let outside = Folder::with_files("links-outside");
    let name = |folder: &Folder| folder.0.join("etc/passwd");
    symlink(name(&outside), name(&folder)).expect("a link");
    assert!(folder.resolve("alice", &maps(false)).is_err_and(|error| error.errno == Some(libc::ENOENT)));
    std::fs::remove_file(name(&folder)).expect("the link goes");
    symlink("../../../../../../../../etc/real", name(&folder)).expect("a link");
    std::fs::write(folder.0.join("etc/real"), PASSWD).expect("a file");
    assert_eq!(folder.resolve("alice:0", &maps(false)).expect("alice").uid, 1000);
    std::fs::remove_file(name(&folder)).expect("the link goes");
    symlink("/proc/self/fd/0", name(&folder)).expect("a link");
    assert!(folder.resolve("alice", &maps(false)).is_err());
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let folder = Folder::new("kinds");
    let name = folder.0.join("etc/passwd");
    nix::unistd::mkfifo(&name, nix::sys::stat::Mode::S_IRWXU).expect("a fifo");
    let refused = |what: &str| {
        let error = folder.resolve("alice", &maps(false)).expect_err(what);
        assert!(error.to_string().contains("not a regular file"), "{what}: {error}");
        // A number is not held up by it.
        assert_eq!(folder.resolve("5:6", &maps(false)).expect(what).uid, 5);
    };
    refused("a fifo");
    std::fs::remove_file(&name).expect("the fifo goes");
    std::fs::create_dir(&name).expect("a directory");
    refused("a directory");
    std::fs::remove_dir(&name).expect("the directory goes");
    let _socket = std::os::unix::net::UnixListener::bind(&name).expect("a socket");
    refused("a socket");
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let folder = Folder::with_files("long");
    let file = std::fs::OpenOptions::new().write(true).open(folder.0.join("etc/passwd")).expect("passwd");
    file.set_len(1 << 20).expect("a length");
    assert_eq!(folder.resolve("alice:0", &maps(false)).expect("still read").uid, 1000);
    file.set_len(1 << 40).expect("a length");
    assert!(folder.resolve("alice", &maps(false)).is_err_and(|error| error.to_string().contains("more than")));
}
