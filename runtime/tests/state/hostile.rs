// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories and files as contain does not make them: refused, never followed, and what is this user's can be
//! cleaned up.

use crate::scenario::alone;
use crate::stage::{Stage, kind, sleeper};
use contain::{Kind, Runtime, State};
use nix::unistd::{Uid, chown, geteuid, mkfifo};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
}

#[test]
fn directory_of_others_or_open_to_others_or_a_link_is_refused() {
    alone("hostile::directory_of_others_or_open_to_others_or_a_link_is_refused", || {
        Stage::run("hostile::directory_of_others_or_open_to_others_or_a_link_is_refused", |stage| {
            let place = stage.path().join("place");
            std::fs::create_dir(&place).expect("a directory");
            for mode in [0o701, 0o710, 0o704, 0o755, 0o1777] {
                set_mode(&place, mode);
                let error = Runtime::open(Some(&place)).expect_err("others may enter it");
                assert!(error.kind == Kind::Invalid && error.remedy.is_some(), "{error}");
            }
            set_mode(&place, 0o700);
            let link = stage.path().join("link");
            symlink(&place, &link).expect("a link");
            assert_eq!(Runtime::open(Some(&link)).expect_err("a link").errno, Some(libc::ENOTDIR));
            let file = stage.path().join("file");
            std::fs::write(&file, "").expect("a file");
            assert_eq!(Runtime::open(Some(&file)).expect_err("a file").errno, Some(libc::ENOTDIR));
            let nowhere = stage.path().join("no/such");
            assert_eq!(Runtime::open(Some(&nowhere)).expect_err("no parent").errno, Some(libc::ENOENT));
            assert!(Runtime::open_existing(Some(&stage.path().join("none"))).is_err());
            if geteuid().is_root() {
                chown(&place, Some(Uid::from_raw(61_234)), None).expect("root can");
                let error = Runtime::open(Some(&place)).expect_err("it is another's");
                assert!(error.to_string().contains("belongs to user 61234"), "{error}");
            }
            std::fs::remove_file(link).and_then(|()| std::fs::remove_file(file)).expect("they are ours");
            std::fs::remove_dir(place).expect("it is empty");
        });
    });
}

#[test]
fn container_that_is_a_link_is_not_followed() {
    alone("hostile::container_that_is_a_link_is_not_followed", || {
        Stage::run("hostile::container_that_is_a_link_is_not_followed", |stage| {
            let (runtime, container) = (stage.runtime(), stage.created("web"));
            symlink(stage.place("web"), stage.place("other")).expect("a link");
            assert!(runtime.open_container("other").is_err());
            assert!(runtime.delete("other", true).is_err());
            assert_eq!(kind(runtime.create("other", &sleeper())), Some(Kind::Exists));
            assert_eq!(container.state().expect("it is untouched"), State::Created);
            std::fs::remove_file(stage.place("other")).expect("the link is ours");
            // Under another name it is nobody's.
            std::fs::rename(stage.place("web"), stage.place("moved")).expect("it is ours");
            assert_eq!(kind(runtime.open_container("moved")), Some(Kind::Gone));
            std::fs::rename(stage.place("moved"), stage.place("web")).expect("it is ours");
            set_mode(&stage.place("web"), 0o755);
            assert_eq!(kind(runtime.open_container("web")), Some(Kind::Invalid));
            set_mode(&stage.place("web"), 0o700);
            runtime.delete("web", true).expect("it is killed");
        });
    });
}

#[test]
fn damaged_state_is_an_error_and_force_ends_the_container_all_the_same() {
    alone("hostile::damaged_state_is_an_error_and_force_ends_the_container_all_the_same", || {
        Stage::run("hostile::damaged_state_is_an_error_and_force_ends_the_container_all_the_same", |stage| {
            let runtime = stage.runtime();
            let damage: [fn(&Path); 7] = [
                |path| std::fs::write(path, b"\xff{garbage").expect("a file"),
                |path| std::fs::write(path, "").expect("a file"),
                |path| std::fs::write(path, "[".repeat(60_000)).expect("a file"),
                |path| std::fs::write(path, r#"{"version":1,"id":7}"#).expect("a file"),
                |path| std::fs::File::create(path).and_then(|file| file.set_len(1 << 40)).expect("a huge file"),
                |path| mkfifo(path, nix::sys::stat::Mode::S_IRUSR).expect("a pipe"),
                |path| symlink("/dev/zero", path).expect("a link"),
            ];
            for (number, damage) in damage.iter().enumerate() {
                let container = stage.running("web");
                let init = crate::scenario::Held::open(container.init_pid().expect("a look"));
                let path = stage.place("web").join("state.json");
                std::fs::remove_file(&path).expect("it is ours");
                damage(&path);
                let error = runtime.open_container("web").expect_err("it is damaged");
                assert!(error.kind == Kind::Invalid && error.remedy.is_some(), "{number}: {error}");
                assert_eq!(kind(runtime.delete("web", false)), Some(Kind::Invalid), "{number}");
                assert!(runtime.list().expect("a list")[0].status.is_err(), "{number}");
                runtime.delete("web", true).unwrap_or_else(|error| panic!("{number}: {error}"));
                assert!(init.ends_within(std::time::Duration::from_secs(5)), "{number}: its process lives");
            }
        });
    });
}

#[test]
fn process_id_of_another_process_is_stopped_and_nothing_is_killed() {
    alone("hostile::process_id_of_another_process_is_stopped_and_nothing_is_killed", || {
        Stage::run("hostile::process_id_of_another_process_is_stopped_and_nothing_is_killed", |stage| {
            let container = stage.running("web");
            let path = stage.place("web").join("state.json");
            let whole = std::fs::read_to_string(&path).expect("its state");
            // The ids belong to processes that started at another time.
            let started = |line: &str| line.trim_start().starts_with("\"start\":");
            let later = |line: &str| if started(line) { "\"start\": 1".to_string() } else { line.to_string() };
            let other: Vec<_> = whole.lines().map(later).collect();
            std::fs::write(&path, other.join("\n")).expect("it is ours");
            let stale = stage.container("web");
            assert_eq!(stale.state().expect("its state"), State::Stopped);
            assert_eq!(kind(stale.kill(9)), Some(Kind::Gone));
            assert_eq!(container.state().expect("nothing was killed"), State::Running);
            // In another PID namespace they mean something else altogether.
            let elsewhere = whole.replace("pid:[", "pid:[1");
            std::fs::write(&path, elsewhere).expect("it is ours");
            let error = stage.runtime().open_container("web").expect_err("it is of another namespace");
            assert!(error.to_string().contains("PID or time namespace"), "{error}");
            assert!(stage.runtime().delete("web", true).is_err());
            // After a boot all have ended.
            let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("the boot's id");
            let earlier = whole.replace(boot.trim(), "an-earlier-one");
            std::fs::write(&path, earlier).expect("it is ours");
            assert_eq!(stage.state("web"), State::Stopped);
            std::fs::write(&path, whole).expect("it is ours");
            stage.runtime().delete("web", true).expect("it is killed");
        });
    });
}

#[test]
fn socket_that_is_a_link_or_none_is_not_spoken_to() {
    alone("hostile::socket_that_is_a_link_or_none_is_not_spoken_to", || {
        Stage::run("hostile::socket_that_is_a_link_or_none_is_not_spoken_to", |stage| {
            let (one, other) = (stage.created("one"), stage.created("other"));
            let control = stage.place("one").join("control");
            std::fs::remove_file(&control).expect("it is ours");
            symlink(stage.place("other").join("control"), &control).expect("a link");
            assert!(one.start().is_err() && one.kill(libc::SIGTERM).is_err());
            assert_eq!(other.state().expect("it heard nothing"), State::Created);
            one.delete(true).expect("by its process ids");
            other.delete(true).expect("it is killed");
        });
    });
}
