// SPDX-License-Identifier: MIT OR Apache-2.0
//! Callers to whom every orphan below them falls: subreapers, and PID 1 of a PID namespace. The monitor is such an
//! orphan, and must not stay behind as a zombie.

use crate::scenario::{
    PATIENCE, Place, alone, alone_in, assert_exited, children, config, ended, finish, shell, wait_for_any,
};
use contain::{Container, Injection, Root, Stdio};
use std::time::Instant;

/// Ends of every kind; none of them leaves a child behind.
fn no_child_is_left() {
    assert_eq!(children(), [0; 0], "children before the first start");
    assert_exited(&finish(&shell("exit 5")), 5);
    assert_nothing_left("a container that exited");

    let container = Container::run(&config(&["sleep", "1000"])).expect("start");
    let injected = container
        .inject(&Injection { stdio: [Stdio::Null; 3], ..Injection::new(vec!["true".into()]) })
        .expect("inject");
    assert_exited(&injected.wait(Some(PATIENCE)).expect("wait").expect("it ends"), 0);
    container.kill(libc::SIGKILL).expect("kill");
    assert_eq!(ended(&container).status, libc::SIGKILL);
    assert_nothing_left("a container that was killed, and a command injected into it");

    Container::run(&config(&["no such program"])).expect_err("there is no such program");
    assert_nothing_left("a command that does not exist");
    let mut wrong = config(&["true"]);
    wrong.root = Root::Directory("/etc/passwd".into());
    Container::run(&wrong).expect_err("it is no directory");
    assert_nothing_left("a root that is no directory");

    let container = Container::create(&config(&["true"])).expect("create");
    container.kill(libc::SIGKILL).expect("kill");
    // Not started: there is no command that could have ended.
    let _ = container.wait(Some(PATIENCE));
    assert_nothing_left("a container that was created and killed");
}

/// Asserts that no child is there, a zombie or not; the monitor may take a moment to end after it has reported.
fn assert_nothing_left(after: &str) {
    let deadline = Instant::now() + PATIENCE / 10;
    while !children().is_empty() && Instant::now() < deadline {
        std::thread::sleep(PATIENCE / 3000);
    }
    let left: Vec<_> = children().iter().map(|pid| std::fs::read_to_string(format!("/proc/{pid}/stat"))).collect();
    assert!(left.is_empty(), "{after}: {left:?}");
    assert_eq!(wait_for_any(libc::__WALL), libc::ECHILD, "{after}");
}

#[test]
fn subreaper_keeps_no_zombie() {
    alone("reaping::subreaper_keeps_no_zombie", || {
        // SAFETY: one number in, nothing out.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) }, 0);
        no_child_is_left();
    });
}

#[test]
fn first_process_of_a_pid_namespace_keeps_no_zombie() {
    alone_in(Place::FirstProcess, "reaping::first_process_of_a_pid_namespace_keeps_no_zombie", || {
        assert_eq!(std::process::id(), 1);
        no_child_is_left();
    });
}
