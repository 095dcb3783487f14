// SPDX-License-Identifier: MIT OR Apache-2.0
//! The life of a container whose every verb is another process's.

use crate::scenario::{PATIENCE, alone, config, shell};
use crate::stage::{Stage, consoled, detached, kind, sleeper};
use contain::seccomp::Own;
use contain::{Config, EndedBy, Kind, Lifetime, Profile, Rlimit, Root, Runtime, State};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::time::Duration;

#[test]
fn every_verb_by_another_process() {
    alone("life::every_verb_by_another_process", || {
        Stage::run("life::every_verb_by_another_process", |stage| {
            let container = stage.created("web");
            let status = container.status().expect("a status");
            assert_eq!((status.id.as_str(), status.state, status.outcome), ("web", State::Created, None));
            assert!(status.pid.is_some() && status.created.elapsed().is_ok_and(|age| age < PATIENCE), "{status:?}");
            assert_eq!(container.processes().expect("PID 1"), [status.init_pid.expect("PID 1 is there")]);
            assert!(stage.other("inject web true").starts_with("Busy: inject into container web"));
            assert_eq!(container.wait(Some(Duration::ZERO)).expect("it runs"), None);

            assert_eq!(stage.other("start web"), "ok\n");
            assert_eq!(stage.other("state web"), "Running\nok\n");
            let processes = container.processes().expect("its processes");
            assert!(
                processes.len() == 2 && processes.contains(&container.init_pid().expect("a look")),
                "reaper, sleep: {processes:?}"
            );
            assert_eq!(stage.other("inject web exit${IFS}3"), "Exited 3\nok\n");
            assert!(stage.other("start web").starts_with("Invalid: start container web"));
            assert_eq!(kind(container.delete(false)), Some(Kind::Busy));

            assert_eq!(stage.other("kill web 15"), "ok\n");
            let outcome = container.wait(Some(PATIENCE)).expect("wait").expect("its end");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, 15));
            let status = container.status().expect("a status");
            assert_eq!((status.state, status.init_pid, status.outcome), (State::Stopped, None, Some(outcome)));
            assert!(stage.other("kill web 15").contains("container not running"));
            assert!(stage.other("start web").starts_with("Gone"));
            assert_eq!(stage.container("web").wait(None).expect("it has ended"), Some(outcome));

            container.delete(false).expect("it has ended");
            assert_eq!(kind(stage.runtime().open_container("web")), Some(Kind::Gone));
            assert_eq!(kind(stage.runtime().delete("web", false)), Some(Kind::Gone));
            stage.runtime().delete("web", true).expect("with force it is no error");
            container.delete(true).expect("nor is it here");
        });
    });
}

#[test]
fn result_is_recorded_for_those_who_come_later() {
    alone("life::result_is_recorded_for_those_who_come_later", || {
        Stage::run("life::result_is_recorded_for_those_who_come_later", |stage| {
            assert_eq!(stage.other("run-script web i=0; while [ $i -lt 9999 ]; do i=$((i+1)); done; exit 7"), "ok\n");
            let outcome = stage.container("web").wait(Some(PATIENCE)).expect("wait").expect("its end");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Exited, 7));
            assert!(outcome.wall > Duration::ZERO && outcome.peak_memory > 0, "{outcome:?}");
            stage.runtime().delete("web", false).expect("it has ended");
        });
    });
}

#[test]
fn whose_limit_it_was_is_known_to_those_who_come_later() {
    alone("life::whose_limit_it_was_is_known_to_those_who_come_later", || {
        Stage::run("life::whose_limit_it_was_is_known_to_those_who_come_later", |stage| {
            let rlimits = vec![Rlimit { resource: libc::RLIMIT_CPU, soft: 1, hard: 1 }];
            let spin = Config { rlimits, ..detached(shell("while :; do :; done")) };
            let outcome = stage.runtime().run("web", &spin).expect("run").wait(Some(PATIENCE)).expect("wait");
            let outcome = outcome.expect("its end");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Cpu, libc::SIGKILL));
            assert_eq!(stage.container("web").wait(None).expect("wait"), Some(outcome));
            assert_eq!(stage.container("web").status().expect("status").outcome, Some(outcome));
            stage.runtime().delete("web", false).expect("it has ended");
            for action in ["SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"] {
                let rules = format!(r#"[{{"names":["unshare"],"action":"{action}"}}]"#);
                let filter = format!(r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{rules}}}"#);
                let seccomp = Profile::Own(Own::from_oci(filter.as_bytes()).expect("a filter"));
                let config = Config { seccomp, ..detached(config(&["unshare", "-U", "true"])) };
                stage.runtime().run("web", &config).expect("run");
                let outcome = stage.container("web").wait(Some(PATIENCE)).expect("wait").expect("its end");
                assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Seccomp, libc::SIGSYS), "{action}");
                stage.runtime().delete("web", false).expect("it has ended");
            }
        });
    });
}

#[test]
fn console_is_its_creators_alone() {
    alone("life::console_is_its_creators_alone", || {
        Stage::run("life::console_is_its_creators_alone", |stage| {
            let creator = stage.runtime().create("web", &consoled()).expect("it is created");
            let opened = stage.container("web");
            let refused = opened.take_console().expect_err("another handle has none");
            assert!(refused.kind == Kind::Invalid && refused.to_string().contains("by another process"), "{refused}");
            let master = creator.take_console().expect("its console");
            assert_eq!(kind(creator.take_console()), Some(Kind::Invalid));
            drop(creator);
            assert_eq!(stage.other("start web"), "ok\n");
            assert_eq!(stage.state("web"), State::Running);
            drop(master);
            let outcome = opened.wait(Some(PATIENCE)).expect("wait").expect("its end");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, 1), "it hung up");
            opened.delete(false).expect("it has ended");
            // With its creator the console goes, and there is nothing to begin on.
            assert_eq!(stage.other("create-console web"), "ok\n");
            assert_eq!(stage.state("web"), State::Created);
            let said = stage.other("start web");
            assert!(said.contains("closed before the command could begin"), "{said}");
            stage.runtime().delete("web", true).expect("it has ended");
        });
    });
}

#[test]
fn command_that_is_not_there_is_told_to_who_starts_it() {
    alone("life::command_that_is_not_there_is_told_to_who_starts_it", || {
        Stage::run("life::command_that_is_not_there_is_told_to_who_starts_it", |stage| {
            assert_eq!(stage.other("create-missing web"), "ok\n");
            let said = stage.other("start web");
            assert!(said.starts_with("NotFound: step ") && said.contains("no-such-program"), "{said}");
            let status = stage.container("web").status().expect("a status");
            let ended = status.outcome.map(|outcome| (outcome.ended_by, outcome.status));
            assert_eq!((status.state, ended), (State::Stopped, Some((EndedBy::Setup, 125))));
            stage.runtime().delete("web", false).expect("it has ended");
            let missing = Config { argv: vec!["no-such-program".into()], ..sleeper() };
            assert_eq!(kind(stage.runtime().run("web", &missing)), Some(Kind::NotFound));
            assert!(stage.runtime().list().expect("a list").is_empty());
            let nowhere = Config { root: Root::Directory("/no/such/root".into()), ..sleeper() };
            assert_eq!(kind(stage.runtime().create("web", &nowhere)), Some(Kind::Root));
        });
    });
}

#[test]
fn stop_gives_time_and_then_kills() {
    alone("life::stop_gives_time_and_then_kills", || {
        Stage::run("life::stop_gives_time_and_then_kills", |stage| {
            let container = stage.running("kind");
            let outcome = container.stop(libc::SIGTERM, PATIENCE).expect("it ends");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, libc::SIGTERM));
            assert_eq!(container.stop(libc::SIGTERM, PATIENCE).expect("it keeps its result"), outcome);
            container.delete(false).expect("it has ended");
            let deaf = stage.runtime().run("deaf", &detached(shell("trap '' TERM; while :; do sleep 1; done")));
            let deaf = deaf.expect("it runs");
            // Long enough for the trap to be there.
            std::thread::sleep(Duration::from_millis(300));
            let outcome = deaf.stop(libc::SIGTERM, Duration::from_millis(50)).expect("it ends");
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, libc::SIGKILL));
            deaf.delete(false).expect("it has ended");
        });
    });
}

#[test]
fn created_container_ends_by_what_would_end_its_command() {
    alone("life::created_container_ends_by_what_would_end_its_command", || {
        Stage::run("life::created_container_ends_by_what_would_end_its_command", |stage| {
            for signal in [libc::SIGKILL, libc::SIGTERM] {
                let container = stage.created("web");
                container.kill(libc::SIGUSR1).expect("it is ignored");
                assert_eq!(container.state().expect("its state"), State::Created);
                container.kill(signal).expect("it is there");
                let outcome = container.wait(Some(PATIENCE)).expect("wait").expect("its end");
                assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, libc::SIGKILL));
                container.delete(false).expect("it has ended");
            }
        });
    });
}

#[test]
fn bound_container_ends_with_its_creator_and_stays_on_disk() {
    alone("life::bound_container_ends_with_its_creator_and_stays_on_disk", || {
        Stage::run("life::bound_container_ends_with_its_creator_and_stays_on_disk", |stage| {
            let bound = Config { lifetime: Lifetime::Bound, ..sleeper() };
            let container = stage.runtime().run("mine", &bound).expect("it runs");
            assert_eq!(stage.other("kill mine 0"), "ok\n");
            container.end(EndedBy::Wall).expect("it ends");
            assert_eq!(
                container.wait(None).expect("it has ended").map(|outcome| outcome.ended_by),
                Some(EndedBy::Wall)
            );
            container.delete(false).expect("it has ended");
        });
    });
}

#[test]
fn files_are_this_users_alone_and_hold_no_secret() {
    alone("life::files_are_this_users_alone_and_hold_no_secret", || {
        Stage::run("life::files_are_this_users_alone_and_hold_no_secret", |stage| {
            // SAFETY: the umask is this process's own.
            unsafe { libc::umask(0o277) };
            let config = Config { env: vec!["TOKEN=hush-hush".into(), "PATH=/bin".into()], ..sleeper() };
            let runtime = Runtime::open(Some(&stage.path().join("below"))).expect("it is made");
            let container = runtime.create("web", &config).expect("it is created");
            let place = stage.path().join("below/web");
            let mode = |path: &std::path::Path| path.symlink_metadata().expect("it is there").permissions().mode();
            assert_eq!((mode(&stage.path().join("below")) & 0o7777, mode(&place) & 0o7777), (0o700, 0o700));
            let mut names = Vec::new();
            for entry in std::fs::read_dir(&place).expect("its directory").flatten() {
                assert_eq!(mode(&entry.path()) & 0o077, 0, "{entry:?}");
                if entry.file_type().expect("its type").is_file() {
                    let bytes = std::fs::read(entry.path()).unwrap_or_default();
                    assert!(!String::from_utf8_lossy(&bytes).contains("hush"), "{entry:?}");
                }
                names.push(entry.file_name().into_string().expect("a plain name"));
            }
            names.sort();
            assert_eq!(names, ["control", "record", "state.json"]);
            assert!(place.join("control").metadata().expect("the socket").file_type().is_socket());
            container.start().expect("it starts");
            container.delete(true).expect("it is killed");
            std::fs::remove_dir(stage.path().join("below")).expect("nothing is left in it");
        });
    });
}

#[test]
fn ids_and_lists() {
    alone("life::ids_and_lists", || {
        Stage::run("life::ids_and_lists", |stage| {
            let runtime = stage.runtime();
            for id in ["", ".", "..", "a/b", "../x", "a b"] {
                assert_eq!(kind(runtime.create(id, &sleeper())), Some(Kind::Invalid), "{id}");
                assert_eq!(kind(runtime.open_container(id)), Some(Kind::Invalid), "{id}");
                assert_eq!(kind(runtime.delete(id, true)), Some(Kind::Invalid), "{id}");
            }
            let long = "x".repeat(1024);
            for id in ["b", "123", &long] {
                runtime.create(id, &sleeper()).unwrap_or_else(|error| panic!("{id}: {error}"));
            }
            let second = runtime.create("b", &sleeper()).expect_err("the id is taken");
            assert_eq!((second.kind, second.errno), (Kind::Exists, Some(libc::EEXIST)));
            let listed: Vec<_> = runtime.list().expect("a list").into_iter().map(|listed| listed.id).collect();
            assert_eq!(listed, ["123", "b", long.as_str()]);
            assert_eq!(stage.state("b"), State::Created);
            for id in &listed {
                runtime.delete(id, true).expect("it is killed");
            }
        });
    });
}
