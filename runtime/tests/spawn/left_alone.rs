// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a caller is and has, compared before and after; and what of it the command gets to see.

use crate::scenario::{PATIENCE, alone, assert_exited, children, config, ended, finish, output_of};
use contain::{Config, Container, Injection, Mount, Root, Stdio};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// Everything about this process that a start could change.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    /// umask, ids, groups, capabilities, masks, dispositions, number of threads, no_new_privs, seccomp, …
    status: BTreeMap<String, String>,
    limits: String,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
    descriptors: BTreeMap<i32, PathBuf>,
    namespaces: BTreeMap<OsString, PathBuf>,
    session: (i32, i32),
    dumpable: i32,
    subreaper: i32,
    parent_death_signal: i32,
    personality: i32,
    nice: i32,
    oom_score: String,
    children: Vec<i32>,
}

fn prctl_value(option: i32) -> i32 {
    let mut value = 0;
    // SAFETY: these options write one number.
    assert_eq!(unsafe { libc::prctl(option, &raw mut value) }, 0);
    value
}

impl Snapshot {
    fn take() -> Snapshot {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let links = |path: &str| {
            let entries = std::fs::read_dir(path).expect("a folder of /proc").flatten();
            entries.filter_map(|entry| Some((entry.file_name(), entry.path().read_link().ok()?)))
        };
        let kept = |line: &str| {
            // Use of memory and time change by themselves; SigQ counts the signals of all of the user's processes.
            !["Vm", "Rss", "SigQ", "voluntary_ctxt", "nonvoluntary_ctxt"].iter().any(|start| line.starts_with(start))
        };
        let status = text("/proc/thread-self/status");
        let fields = status.lines().filter(|line| kept(line)).filter_map(|line| line.split_once(':'));
        let own = format!("/proc/{}/fd", std::process::id());
        // SAFETY: reads of this process's own attributes.
        let (session, dumpable, personality, nice) = unsafe {
            let session = (libc::getsid(0), libc::getpgrp());
            let dumpable = libc::prctl(libc::PR_GET_DUMPABLE);
            (session, dumpable, libc::personality(0xffff_ffff), libc::getpriority(libc::PRIO_PROCESS, 0))
        };
        Snapshot {
            status: fields.map(|(name, value)| (name.to_string(), value.trim().to_string())).collect(),
            limits: text("/proc/self/limits"),
            environment: std::env::vars_os().collect(),
            directory: std::env::current_dir().expect("a working directory"),
            descriptors: links("/proc/self/fd")
                .filter(|(_, target)| target.as_os_str() != own.as_str())
                .map(|(name, target)| (name.to_string_lossy().parse().expect("a number"), target))
                .collect(),
            namespaces: links("/proc/self/ns").collect(),
            session,
            dumpable,
            subreaper: prctl_value(libc::PR_GET_CHILD_SUBREAPER),
            parent_death_signal: prctl_value(libc::PR_GET_PDEATHSIG),
            personality,
            nice,
            oom_score: text("/proc/self/oom_score_adj"),
            children: children(),
        }
    }
}

extern "C" fn nothing(_: i32) {}

/// Settings that nobody has by chance, so that a default put in their place is seen.
fn be_unusual() {
    // SAFETY: settings of this process alone; the handler does nothing.
    unsafe {
        libc::umask(0o27);
        libc::signal(libc::SIGUSR1, nothing as *const () as libc::sighandler_t);
        libc::signal(libc::SIGUSR2, libc::SIG_IGN);
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGWINCH);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
        let limit = libc::rlimit { rlim_cur: 333, rlim_max: 1111 };
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
        // Tests that are run as nice already may not become less so.
        let nice = libc::getpriority(libc::PRIO_PROCESS, 0);
        assert_eq!(libc::setpriority(libc::PRIO_PROCESS, 0, (nice + 3).min(19)), 0);
    }
    std::env::set_current_dir("/usr").expect("change directory");
}

/// A bind of something of the host's; several lie on each other.
fn bound(source: &str) -> Mount {
    let target = if source == "/usr" { "/dev/bound" } else { "/dev/file" };
    Mount::Bind { source: source.into(), target: target.into(), read_only: true }
}

/// One of every kind of start and end.
fn every_kind(round: usize) {
    assert_exited(&finish(&config(&["true"])), 0);
    if round.is_multiple_of(5) {
        let direct = Config { init: false, ..config(&["false"]) };
        assert_exited(&finish(&direct), 1);
        Container::run(&config(&["no such program"])).expect_err("there is no such program");
        let missing = Config { mounts: vec![bound("/no such file")], ..config(&["true"]) };
        Container::run(&missing).expect_err("there is no such source");
        let mounts = vec![bound("/etc/passwd"), bound("/usr")];
        assert_exited(&finish(&Config { mounts, ..config(&["test", "-d", "/dev/bound"]) }), 0);
        let nowhere = Config { root: Root::Directory("/no such folder".into()), ..config(&["true"]) };
        Container::run(&nowhere).expect_err("there is no such root");
        let closed = Config { stdio: [Stdio::Descriptor(999), Stdio::Null, Stdio::Null], ..config(&["true"]) };
        Container::run(&closed).expect_err("descriptor 999 is not open");
        drop(Container::create(&config(&["true"])).expect("create"));
        let container = Container::create(&config(&["sleep", "1000"])).expect("create");
        container.start().expect("start");
        let injection = Injection { stdio: [Stdio::Null; 3], ..Injection::new(vec!["true".into()]) };
        let injected = container.inject(&injection).expect("inject");
        assert_exited(&injected.wait(Some(PATIENCE)).expect("wait").expect("it ends"), 0);
        container.kill(libc::SIGKILL).expect("kill");
        assert_eq!(ended(&container).status, libc::SIGKILL);
    }
}

#[test]
fn caller_is_the_same_after_a_hundred_runs() {
    alone("left_alone::caller_is_the_same_after_a_hundred_runs", || {
        be_unusual();
        // What the standard library makes on first use is made.
        every_kind(0);
        let before = Snapshot::take();
        assert_eq!(before.status["SigBlk"], format!("{:016x}", 1 << (libc::SIGWINCH - 1)), "the settings took effect");
        for round in 0..100 {
            every_kind(round);
        }
        let after = Snapshot::take();
        assert_eq!(after, before);
        assert_eq!(after.children, [0; 0]);
    });
}

#[test]
fn command_has_none_of_the_callers_descriptors() {
    alone("left_alone::command_has_none_of_the_callers_descriptors", || {
        let file = std::fs::File::open("/etc/passwd").expect("/etc/passwd");
        // SAFETY: numbers that this process does not use otherwise; inheritable, all of them.
        unsafe {
            let source = libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, 500);
            for target in [3, 4, 7, 9, 50, 300] {
                assert_eq!(libc::dup2(source, target), target);
            }
        }
        std::mem::forget(file);
        for init in [true, false] {
            let listing = output_of(Config { init, ..config(&["ls", "/proc/self/fd"]) });
            // 3 is the listing's own.
            assert_eq!(listing.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
            let mounts = vec![bound("/usr"), bound("/etc/passwd")];
            let listing = output_of(Config { init, mounts: mounts.clone(), ..config(&["ls", "/proc/self/fd"]) });
            assert_eq!(listing.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3"]);
            let kept = Config { init, mounts, preserve_fds: 5, ..config(&["ls", "/proc/self/fd"]) };
            let listing = output_of(kept);
            // 3, 4 and 7 are the caller's; 5 is the lowest that is free, and the listing's own.
            assert_eq!(listing.split_whitespace().collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5", "7"]);
        }
    });
}

#[test]
fn caller_without_standard_descriptors_starts_containers() {
    alone("left_alone::caller_without_standard_descriptors_starts_containers", || {
        // SAFETY: this process uses them no more; its status alone tells how it went.
        (0..3).for_each(|fd| unsafe {
            libc::close(fd);
        });
        std::panic::set_hook(Box::new(|_| std::process::exit(77)));
        for init in [true, false] {
            assert_exited(&finish(&Config { init, ..config(&["sh", "-c", "exit 6"]) }), 6);
            let null = Config {
                init,
                stdio: [Stdio::Null; 3],
                pass_fds: Vec::new(),
                ..config(&["sh", "-c", "echo x >&2 && exit 7"])
            };
            assert_exited(&finish(&null), 7);
        }
        // The harness prints; without a place to print to it would fail.
        std::process::exit(0);
    });
}
