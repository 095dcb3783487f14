// SPDX-License-Identifier: MIT OR Apache-2.0
//! Callers with handlers, ignored and blocked signals, and children of their own that they wait for.

use crate::scenario::{alone, assert_exited, config, ended, finish, output_of, pipe, shell, wait_for_any};
use contain::{Config, Container, Injection, Stdio};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Calls of the handler.
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

fn dispose(signal: i32, handler: libc::sighandler_t, flags: i32) {
    // SAFETY: all zeros is a valid sigaction; the handler only counts.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0, "sigaction {signal}");
    }
}

#[test]
fn caller_that_waits_for_any_child_never_sees_the_container() {
    alone("signals::caller_that_waits_for_any_child_never_sees_the_container", || {
        dispose(libc::SIGCHLD, count as *const () as libc::sighandler_t, 0);
        for init in [true, false] {
            let config = Config { init, ..config(&["sleep", "1000"]) };
            let container = Container::run(&config).expect("start");
            for flags in [0, libc::__WALL, libc::__WCLONE] {
                assert_eq!(wait_for_any(flags), libc::ECHILD, "wait4 with flags {flags:#x}");
            }
            container.kill(libc::SIGKILL).expect("kill");
            assert_eq!(ended(&container).status, libc::SIGKILL);
            assert_eq!(wait_for_any(libc::__WALL), libc::ECHILD);
        }
        // A start that fails tells its caller as little.
        Container::run(&config(&["no such program"])).expect_err("there is no such program");
        assert_eq!(wait_for_any(libc::__WALL), libc::ECHILD);
        assert_eq!(HANDLED.load(Ordering::Relaxed), 0, "SIGCHLD reached the caller");
    });
}

#[test]
fn caller_that_ignores_its_children_still_gets_the_result() {
    alone("signals::caller_that_ignores_its_children_still_gets_the_result", || {
        dispose(libc::SIGCHLD, libc::SIG_IGN, 0);
        assert_exited(&finish(&shell("exit 3")), 3);
        dispose(libc::SIGCHLD, libc::SIG_DFL, libc::SA_NOCLDWAIT);
        assert_exited(&finish(&shell("exit 4")), 4);
    });
}

#[test]
fn another_thread_that_waits_for_any_child_takes_nothing_away() {
    alone("signals::another_thread_that_waits_for_any_child_takes_nothing_away", || {
        let over = AtomicU32::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while over.load(Ordering::Relaxed) == 0 {
                    wait_for_any(libc::__WALL);
                }
            });
            for status in 0..20 {
                assert_exited(&finish(&shell(&format!("exit {status}"))), status);
            }
            over.store(1, Ordering::Relaxed);
        });
    });
}

/// Every signal handled, ignored or blocked in the caller.
fn unusual_signals() {
    for signal in 1..=libc::SIGRTMAX() {
        let kept = [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];
        if kept.contains(&signal) || (32..libc::SIGRTMIN()).contains(&signal) {
            continue;
        }
        let handler = if signal % 2 == 0 { libc::SIG_IGN } else { count as *const () as libc::sighandler_t };
        dispose(signal, handler, 0);
    }
    // SAFETY: a full set, and the calling thread's mask.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        assert_eq!(libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut()), 0);
    }
}

/// Asserts that a process starts with no signal blocked, ignored, handled or pending.
fn assert_fresh(status: &str) {
    for field in ["SigPnd:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:"] {
        let value = status.lines().find_map(|line| line.strip_prefix(field)).expect(field).trim();
        assert_eq!(value, "0000000000000000", "{field} in\n{status}");
    }
}

#[test]
fn command_starts_without_the_callers_mask_and_dispositions() {
    alone("signals::command_starts_without_the_callers_mask_and_dispositions", || {
        unusual_signals();
        for init in [true, false] {
            assert_fresh(&output_of(Config { init, ..config(&["cat", "/proc/self/status"]) }));
        }
        let container = Container::run(&config(&["sleep", "1000"])).expect("start");
        let (mut reader, writer) = pipe();
        let injected = container
            .inject(&Injection {
                stdio: [Stdio::Null, Stdio::Descriptor(writer.as_raw_fd()), Stdio::Inherit],
                ..Injection::new(vec!["cat".into(), "/proc/self/status".into()])
            })
            .expect("inject");
        drop(writer);
        let mut status = String::new();
        reader.read_to_string(&mut status).expect("read");
        assert_fresh(&status);
        assert_exited(&injected.wait(Some(Duration::from_secs(30))).expect("wait").expect("it ends"), 0);
        container.kill(libc::SIGKILL).expect("kill");
        assert_eq!(ended(&container).status, libc::SIGKILL);
        assert_eq!(HANDLED.load(Ordering::Relaxed), 0, "a handler of the caller was called");
    });
}
