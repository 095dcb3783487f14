// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capabilities and resource limits as the command itself sees them. Needs user namespaces.

use contain::config::APP_CAPABILITIES;
use contain::{Config, Container, EndedBy, Kind, Rlimit, Root, Stdio};
use std::io::Read;
use std::os::fd::AsRawFd;

/// What a shell command prints in a container of this configuration.
fn output(config: Config, script: &str) -> String {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let argv = ["sh", "-c", script].map(Into::into).to_vec();
    let stdio = [Stdio::Null, Stdio::Descriptor(writer.as_raw_fd()), Stdio::Inherit];
    let container = Container::run(&Config { argv, stdio, ..config }).expect("a container");
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("its output");
    let outcome = container.wait(None).expect("its end").expect("an outcome");
    assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Exited, 0), "{text}");
    text
}

fn library() -> Config {
    Config::run(Root::Host, vec!["true".into()])
}

fn set(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {status}"));
    u64::from_str_radix(line.trim(), 16).expect("a mask")
}

#[test]
fn library_run_has_the_fourteen_capabilities() {
    let status = output(library(), "cat /proc/self/status");
    for name in ["CapPrm:", "CapEff:", "CapBnd:"] {
        assert_eq!(set(&status, name), APP_CAPABILITIES, "{name} {status}");
    }
    for name in ["CapInh:", "CapAmb:"] {
        assert_eq!(set(&status, name), 0, "{name} {status}");
    }
}

#[test]
fn capabilities_go_with_the_profile_where_none_are_given() {
    let config = Config { seccomp: contain::Profile::System, ..library() };
    assert_ne!(set(&output(config, "cat /proc/self/status"), "CapEff:") & (1 << 21), 0, "CAP_SYS_ADMIN");
}

#[test]
fn capabilities_that_were_dropped_stay_dropped_without_no_new_privs() {
    let config = Config { capabilities: Some(1 << 5), no_new_privs: false, ..library() };
    let status = output(config, "cat /proc/self/status");
    assert_eq!((set(&status, "CapEff:"), set(&status, "CapBnd:")), (1 << 5, 1 << 5), "{status}");
    assert!(status.contains("NoNewPrivs:\t0") && status.contains("Seccomp:\t2"), "{status}");
}

#[test]
fn none_of_the_capabilities_and_all_of_them_can_be_had() {
    let status = output(Config { capabilities: Some(0), ..library() }, "cat /proc/self/status");
    assert_eq!((set(&status, "CapEff:"), set(&status, "CapBnd:")), (0, 0), "{status}");
    let status = output(Config { capabilities: Some(u64::MAX), ..library() }, "cat /proc/self/status");
    assert_eq!(set(&status, "CapEff:") & APP_CAPABILITIES, APP_CAPABILITIES, "{status}");
    assert_ne!(set(&status, "CapEff:") & (1 << 21), 0, "{status}");
}

#[test]
fn limits_are_the_commands() {
    let rlimits = vec![Rlimit { resource: 7, soft: 40, hard: 50 }, Rlimit { resource: 4, soft: 0, hard: 0 }];
    let text = output(Config { rlimits, ..library() }, "ulimit -Sn; ulimit -Hn; ulimit -c");
    assert_eq!(text, "40\n50\n0\n");
}

#[test]
fn limit_that_cannot_be_raised_is_explained() {
    let (_, hard) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("a limit");
    let rlimits = vec![Rlimit { resource: 7, soft: 40, hard: hard + 1 }];
    let error = Container::run(&Config { rlimits, ..library() }).expect_err("a limit above the caller's");
    assert_eq!((error.kind, error.errno), (Kind::System, Some(libc::EPERM)), "{error}");
    assert!(error.remedy.is_some() && error.to_string().contains("nofile"), "{error}");
    let swapped = Config { rlimits: vec![Rlimit { resource: 7, soft: 50, hard: 40 }], ..library() };
    assert_eq!(Container::run(&swapped).expect_err("soft above hard").kind, Kind::Invalid);
}
