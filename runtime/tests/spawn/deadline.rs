// SPDX-License-Identifier: MIT OR Apache-2.0
//! Deadlines of containers and of injected commands: everything below them ends, and the result says why.

use crate::scenario::{PATIENCE, alone, assert_exited, config, ended};
use contain::{Config, Container, EndedBy, Injection, Kind, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_millis(300);

fn injection(script: &str, timeout: Option<Duration>) -> Injection {
    Injection {
        env: vec!["PATH=/usr/bin:/bin".into()],
        stdio: [Stdio::Null; 3],
        timeout,
        ..Injection::new(["sh", "-c", script].map(Into::into).to_vec())
    }
}

#[test]
fn container_is_ended_at_its_deadline() {
    alone("deadline::container_is_ended_at_its_deadline", || {
        for init in [true, false] {
            let wanted =
                Config { init, timeout: Some(SOON), ..config(&["sh", "-c", "trap '' TERM; sleep 1000 & wait"]) };
            let outcome = ended(&Container::run(&wanted).expect("start"));
            assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Wall, libc::SIGKILL));
            assert_eq!(outcome.exit_status(), 124);
            assert!(outcome.wall >= SOON);
        }
    });
}

#[test]
fn container_that_ends_in_time_has_its_own_result() {
    alone("deadline::container_that_ends_in_time_has_its_own_result", || {
        let wanted = Config { timeout: Some(PATIENCE), ..config(&["sh", "-c", "exit 7"]) };
        assert_exited(&ended(&Container::run(&wanted).expect("start")), 7);
        let container =
            Container::run(&Config { timeout: Some(PATIENCE), ..config(&["sleep", "1000"]) }).expect("start");
        container.kill(libc::SIGKILL).expect("kill");
        assert_eq!(ended(&container).ended_by, EndedBy::Signalled);
    });
}

#[test]
fn injected_command_is_ended_with_its_tree_at_its_deadline() {
    alone("deadline::injected_command_is_ended_with_its_tree_at_its_deadline", || {
        let container = Container::run(&config(&["sleep", "1000"])).expect("start");
        let count = |wanted: &str| {
            let script = format!("test $(grep -lxs '{wanted}' /proc/[0-9]*/comm | wc -l)");
            let run = |operator: &str| {
                let process = container.inject(&injection(&format!("{script} {operator}"), None)).expect("inject");
                process.wait(Some(PATIENCE)).expect("wait").expect("it ends").status == 0
            };
            (run("= 1"), run("= 3"))
        };
        let script = "(setsid tail -f /dev/null &); (setsid sleep 1000 &); exec sleep 1000";
        let process = container.inject(&injection(script, Some(SOON))).expect("inject");
        let outcome = process.wait(Some(PATIENCE)).expect("wait").expect("it ends");
        assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Wall, libc::SIGKILL));
        assert_eq!(count("sleep"), (true, false), "the container's own goes on, and no other");
        assert!(!count("tail").0);

        // Killed by hand, it takes along what it started too.
        let process = container.inject(&injection(script, Some(PATIENCE))).expect("inject");
        process.kill(libc::SIGKILL).expect("kill");
        let outcome = process.wait(Some(PATIENCE)).expect("wait").expect("it ends");
        assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, libc::SIGKILL));
        assert_eq!(count("sleep"), (true, false));

        let process = container.inject(&injection("exit 9", Some(PATIENCE))).expect("inject");
        assert_exited(&process.wait(Some(PATIENCE)).expect("wait").expect("it ends"), 9);
        container.kill(libc::SIGKILL).expect("kill");
        assert_eq!(ended(&container).status, libc::SIGKILL);
    });
}

#[test]
fn deadline_that_is_none_is_refused() {
    for wrong in [Duration::ZERO, Duration::from_secs(1_000_000_001)] {
        let error = Container::run(&Config { timeout: Some(wrong), ..config(&["true"]) }).expect_err("no deadline");
        assert_eq!(error.kind, Kind::Invalid);
        assert!(error.to_string().starts_with("timeout "), "{error}");
    }
}
