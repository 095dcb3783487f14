// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whoever dies when: delete with force leaves no process and no file.

use crate::scenario::{Held, PATIENCE, Said, alone};
use crate::stage::{Stage, kind};
use contain::{EndedBy, Kind, State};
use std::collections::BTreeSet;
use std::time::Duration;

/// The processes of a session.
fn session(leader: u32) -> BTreeSet<i32> {
    let of = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let (state, session) = (fields.next()?, fields.nth(2)?);
        (session == leader.to_string() && !matches!(state, "Z" | "X")).then_some(pid)
    };
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

#[test]
fn creator_killed_at_any_moment_leaves_what_force_cleans_up() {
    alone("killed::creator_killed_at_any_moment_leaves_what_force_cleans_up", || {
        Stage::run("killed::creator_killed_at_any_moment_leaves_what_force_cleans_up", |stage| {
            for moment in (0..48).step_by(4) {
                let mut creator = stage.start("create-wait web");
                std::thread::sleep(Duration::from_millis(moment));
                creator.kill().expect("kill the creator");
                creator.wait().expect("its end");
                stage.runtime().delete("web", true).unwrap_or_else(|error| panic!("after {moment} ms: {error}"));
                assert_eq!(session(creator.id()), BTreeSet::new(), "after {moment} ms");
                assert!(!stage.place("web").exists(), "after {moment} ms");
            }
        });
    });
}

#[test]
fn creator_killed_ends_a_bound_container_and_no_detached_one() {
    alone("killed::creator_killed_ends_a_bound_container_and_no_detached_one", || {
        Stage::run("killed::creator_killed_ends_a_bound_container_and_no_detached_one", |stage| {
            for (verb, expected) in [("create-bound", State::Stopped), ("create-wait", State::Created)] {
                let mut command = stage.command(&format!("{verb} web"));
                let mut creator = command.stdout(std::process::Stdio::piped()).spawn().expect("a creator");
                Said::by(&mut creator).numbers("container:");
                let container = stage.container("web");
                assert_eq!(container.state().expect("its state"), State::Created);
                creator.kill().expect("kill the creator");
                creator.wait().expect("its end");
                if expected == State::Stopped {
                    let outcome = container.wait(Some(PATIENCE)).expect("wait").expect("its end");
                    assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, libc::SIGKILL));
                } else {
                    // Long enough for a death that is noticed.
                    std::thread::sleep(Duration::from_millis(200));
                }
                assert_eq!(container.state().expect("its state"), expected, "{verb}");
                container.delete(true).expect("it is killed");
            }
        });
    });
}

#[test]
fn monitor_or_first_process_killed_leaves_what_force_cleans_up() {
    alone("killed::monitor_or_first_process_killed_leaves_what_force_cleans_up", || {
        Stage::run("killed::monitor_or_first_process_killed_leaves_what_force_cleans_up", |stage| {
            for started in [false, true] {
                for victim in ["monitor", "init"] {
                    let container = if started { stage.running("web") } else { stage.created("web") };
                    let (monitor, init) =
                        (Held::open(container.pid()), Held::open(container.init_pid().expect("a look")));
                    if victim == "monitor" {
                        monitor.kill()
                    } else {
                        init.kill()
                    }
                    assert!(monitor.ends_within(PATIENCE) && init.ends_within(PATIENCE), "{victim} {started}");
                    let status = container.status().expect("a status");
                    let ended = status.outcome.map(|outcome| (outcome.ended_by, outcome.status));
                    assert_eq!(
                        (status.state, status.pid, ended),
                        (State::Stopped, None, Some((EndedBy::Signalled, libc::SIGKILL)))
                    );
                    assert_eq!(kind(container.start()), Some(Kind::Gone));
                    container.delete(true).expect("it has ended");
                }
            }
        });
    });
}

#[test]
fn force_ends_a_monitor_that_was_stopped() {
    alone("killed::force_ends_a_monitor_that_was_stopped", || {
        Stage::run("killed::force_ends_a_monitor_that_was_stopped", |stage| {
            let container = stage.running("web");
            let (monitor, init) = (Held::open(container.pid()), Held::open(container.init_pid().expect("a look")));
            // SAFETY: kill only sends.
            assert_eq!(unsafe { libc::kill(container.pid(), libc::SIGSTOP) }, 0);
            container.delete(true).expect("it is killed");
            assert!(monitor.ends_within(Duration::ZERO) && init.ends_within(Duration::ZERO));
        });
    });
}

#[test]
fn half_made_and_half_removed_directories_are_cleaned_up() {
    alone("killed::half_made_and_half_removed_directories_are_cleaned_up", || {
        Stage::run("killed::half_made_and_half_removed_directories_are_cleaned_up", |stage| {
            let runtime = stage.runtime();
            for names in [&[][..], &["control"], &["control", "record"], &["control", "record", "state.json.new"]] {
                let place = stage.place("web");
                std::fs::create_dir(&place).expect("a directory");
                std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("mode");
                for name in names {
                    if *name == "control" {
                        drop(std::os::unix::net::UnixDatagram::bind(place.join(name)).expect("a socket"));
                    } else {
                        std::fs::write(place.join(name), "{").expect("a file");
                    }
                }
                let error = runtime.open_container("web").expect_err("it is not whole");
                assert!(error.kind == Kind::Invalid && error.remedy.is_some(), "{error}");
                let listed = runtime.list().expect("a list");
                assert!(listed.len() == 1 && listed[0].id == "web" && listed[0].status.is_err(), "{listed:?}");
                assert_eq!(kind(runtime.delete("web", false)), Some(Kind::Invalid));
                runtime.delete("web", true).expect("with force");
            }
        });
    });
}
