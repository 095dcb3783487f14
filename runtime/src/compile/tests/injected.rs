// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans into a container that runs: injected commands, and copied files.

use super::*;
use crate::cgroup::Place;

/// Every kind of them.
pub(super) fn cases() -> Vec<(&'static str, Draft)> {
    let timeout = Some(Duration::from_secs(60));
    let place = |mount: &str, file: &str| Place { mount: mount.into(), file: file.into() };
    let limits = [Rlimit { resource: 7, soft: 64, hard: 128 }, Rlimit { resource: 0, soft: 1, hard: u64::MAX }];
    vec![
        ("copy_out", copied(Direction::Out { limit: 1024 })),
        ("copy_in", copied(Direction::In { mode: 0o640 })),
        ("inject_in_place", planned(Way::InPlace, |_| {})),
        (
            "inject_library",
            planned(Way::Run, |request| {
                (request.profile, request.keep, request.leave_groups) = (&Profile::App, 0, false)
            }),
        ),
        (
            "inject_cgroups",
            planned(Way::InPlace, |request| {
                request.note = None;
                request.cgroups = vec![
                    place("/sys/fs/cgroup/pids", "a/cgroup.procs"),
                    place("/sys/fs/cgroup/unified", "b/cgroup.procs"),
                ];
            }),
        ),
        ("inject_user", planned(Way::Run, as_user)),
        (
            "inject_user_bounded",
            planned(Way::Run, |request| {
                as_user(request);
                (request.capabilities, request.no_new_privs) = (Some(1), true);
            }),
        ),
        (
            "inject_rights",
            planned(Way::Run, |request| {
                request.user = Some(user(0, &[10, 20]));
                (request.capabilities, request.rlimits) = (Some(0x21), &limits);
            }),
        ),
        (
            "inject_no_new_privs",
            planned(Way::InPlace, |request| (request.no_new_privs, request.timeout) = (true, timeout)),
        ),
        ("inject_terminal", planned(Way::InPlace, |request| (request.console, request.keep) = (Console::Emulated, 0))),
        (
            "inject_terminal_timeout",
            planned(Way::InPlace, |request| {
                (request.console, request.keep, request.timeout) = (Console::Emulated, 0, timeout);
            }),
        ),
        ("inject_console", on_a_console(None)),
        ("inject_console_timeout", on_a_console(timeout)),
        ("inject_timeout", planned(Way::InPlace, |request| (request.keep, request.timeout) = (0, timeout))),
    ]
}

pub(super) fn on_a_console(timeout: Option<Duration>) -> Draft {
    planned(Way::Run, |request| {
        (request.profile, request.keep, request.timeout) = (&Profile::App, 0, timeout);
        request.console = Console::Taken(Window::default());
    })
}

fn copied(direction: Direction) -> Draft {
    let namespaces = namespace::USER | namespace::MOUNT | namespace::PID;
    let path = OsStr::new("/tmp/result");
    let request = Transfer {
        path,
        direction,
        namespaces,
        pid: 4711,
        leave_groups: true,
        clear_groups: true,
        cgroups: Vec::new(),
    };
    transfer(&request).expect("a plan")
}

fn user(uid: u32, groups: &[u32]) -> Resolved {
    Resolved { uid, gid: uid / 10, groups: Some(groups.to_vec()), home: "/home/user".into(), notes: Vec::new() }
}

fn as_user(request: &mut Inject<'_>) {
    (request.user, request.chdir) = (Some(user(1000, &[10, 20])), Some(Path::new("/work")));
    (request.profile, request.keep, request.note) = (&Profile::App, 0, None);
}

/// What is planned for root's `inject 4711 ps ax` in a container without cgroups of its own, changed.
fn planned<'a>(way: Way, change: impl FnOnce(&mut Inject<'a>)) -> Draft {
    refused_or_planned(way, change).expect("a plan")
}

fn refused_or_planned<'a>(way: Way, change: impl FnOnce(&mut Inject<'a>)) -> Result<Draft, Error> {
    // Of the tests' whole life: they are few.
    let leaked = |list: &[&str]| -> &'static [OsString] { Box::leak(words(list).into_boxed_slice()) };
    let mut request = Inject {
        argv: leaked(&["ps", "ax"]),
        env: leaked(&["container=contain", "PATH=/sbin:/bin"]),
        timeout: None,
        console: Console::None,
        stdio: [Stdio::Inherit; 3],
        profile: &Profile::System,
        namespaces: namespace::USER | namespace::MOUNT | namespace::PID | namespace::NETWORK,
        pid: 4711,
        keep: u32::MAX,
        leave_groups: true,
        clear_groups: true,
        note: Some("the command stays in the caller's cgroup".to_string()),
        cgroups: Vec::new(),
        user: None,
        chdir: None,
        capabilities: None,
        no_new_privs: false,
        rlimits: &[],
    };
    change(&mut request);
    inject(&request, way)
}

#[test]
fn capabilities_go_when_nothing_needs_them_any_more() {
    let root = planned(Way::Run, |request| request.capabilities = Some(0x21));
    assert_order("root's", &root, &[BECOME_IDS, SECCOMP, CAPABILITIES, EXECUTE]);
    let confined = planned(Way::Run, |request| (request.capabilities, request.no_new_privs) = (Some(0), true));
    assert_order("under no_new_privs", &confined, &[BECOME_IDS, NO_NEW_PRIVS, CAPABILITIES, SECCOMP, EXECUTE]);
    let other = planned(Way::Run, |request| (request.user, request.capabilities) = (Some(user(1000, &[])), Some(1)));
    assert_order("another user's", &other, &[CAPABILITIES, BECOME_USER, SECCOMP, CAPABILITIES, EXECUTE]);
    with_entries(&other, |steps, _| {
        let last = steps.iter().rev().find(|entry| entry.step.kind() == CAPABILITIES).map(|entry| entry.step);
        assert_eq!(last, Some(Step::SetCapabilities { bounding: 1, permitted: 0 }), "it has none");
    });
}

#[test]
fn limits_are_of_the_command_alone() {
    let limits = [Rlimit { resource: 0, soft: 1, hard: 1 }];
    let draft = planned(Way::Run, |request| {
        (request.rlimits, request.timeout) = (&limits, Some(Duration::from_secs(1)));
        request.user = Some(user(1000, &[]));
    });
    assert_order("limits", &draft, &[REAP, RLIMIT, BECOME_USER, EXECUTE]);
}

#[test]
fn injection_that_can_be_refused_without_a_machine_is() {
    let none: [OsString; 0] = [];
    let upside_down = [Rlimit { resource: 0, soft: 2, hard: 1 }];
    let unknown = [Rlimit { resource: 16, soft: 1, hard: 1 }];
    let refused = [
        ("argv", refused_or_planned(Way::Run, |request| request.argv = &none)),
        ("rlimits", refused_or_planned(Way::Run, |request| request.rlimits = &upside_down)),
        ("rlimits", refused_or_planned(Way::Run, |request| request.rlimits = &unknown)),
        ("chdir", refused_or_planned(Way::Run, |request| request.chdir = Some(Path::new("")))),
        ("timeout", refused_or_planned(Way::Run, |request| request.timeout = Some(Duration::ZERO))),
    ];
    for (operation, planned) in refused {
        let error = planned.err().expect(operation);
        assert_eq!((error.kind, error.operation.as_str()), (Kind::Invalid, operation), "{error}");
    }
}
