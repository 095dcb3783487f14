// SPDX-License-Identifier: MIT OR Apache-2.0
//! Steps in words: for `--explain`, and for the error that names one.

use crate::{capability, rlimit};
use contain_plan::{Doer, Entry, List, Step, Text};
use contain_policy::{IdMap, PAGE, Request};
use contain_sys::mount::attribute;
use contain_sys::process::namespace;

/// One step as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its number.
    pub number: u32,
    /// `monitor`, `pid 1` or `finally`.
    pub doer: &'static str,
    /// Whether a failure is passed over.
    pub optional: bool,
    /// What is done.
    pub name: &'static str,
    /// To what.
    pub object: String,
    /// How.
    pub note: String,
}

/// A step in words. `finally`: it is one of the second list.
pub(crate) fn describe(entry: &Entry<'_>, finally: bool) -> Description {
    let (object, note) = words(&entry.step);
    let doer = match entry.doer {
        _ if finally => "finally",
        Doer::Monitor => "monitor",
        Doer::Init => "pid 1",
    };
    Description { number: entry.number, doer, optional: entry.optional, name: entry.step.name(), object, note }
}

fn plain(text: Text<'_>) -> String {
    text.to_string_lossy().into_owned()
}

fn joined(list: List<'_>) -> String {
    list.iter().map(|text| text.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn map(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines = text.lines().map(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [inside, outside, 1] => format!("{inside}→{outside}"),
            [inside, outside, count] => {
                let last = |first: u64| first.saturating_add(count.saturating_sub(1));
                format!("{inside}-{}→{outside}-{}", last(inside), last(outside))
            }
            _ => line.to_string(),
        }
    });
    lines.collect::<Vec<_>>().join(", ")
}

fn maps(users: String, groups: String) -> String {
    if users == groups { users } else { format!("users {users}; groups {groups}") }
}

fn namespaces(flags: u64) -> String {
    let names = [
        (namespace::USER, "user"),
        (namespace::MOUNT, "mount"),
        (namespace::PID, "pid"),
        (namespace::IPC, "ipc"),
        (namespace::UTS, "uts"),
        (namespace::NETWORK, "network"),
        (namespace::CGROUP, "cgroup"),
        (namespace::TIME, "time"),
    ];
    names.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn attributes(flags: u64) -> String {
    let names = [
        (attribute::RDONLY, "read-only"),
        (attribute::NOSUID, "nosuid"),
        (attribute::NODEV, "nodev"),
        (attribute::NOEXEC, "noexec"),
    ];
    names.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// The words after `NAME KEY COUNT …` triples of newuidmap, as the kernel writes a map.
fn helper_map(arguments: List<'_>) -> String {
    let words: Vec<String> = arguments.iter().map(plain).collect();
    map(words.chunks(3).map(|line| line.join(" ")).collect::<Vec<_>>().join("\n").as_bytes())
}

/// A map as the kernel reads it, in words.
fn kernel_map(entries: &IdMap) -> String {
    map(entries.render(&mut [0; PAGE]).unwrap_or_default())
}

fn words(step: &Step<'_>) -> (String, String) {
    let none = String::new;
    match step {
        Step::Clone { namespaces: flags } => (namespaces(*flags), none()),
        Step::MapIds { deny_setgroups, uid_map, gid_map } => {
            let denied = if *deny_setgroups { "setgroups denied" } else { "setgroups as in this user namespace" };
            (maps(map(uid_map), map(gid_map)), format!("{denied}, written directly"))
        }
        Step::MapIdsThrough { uid_helper, uid_arguments, gid_helper, gid_arguments } => (
            maps(helper_map(*uid_arguments), helper_map(*gid_arguments)),
            format!("setgroups allowed, through {} and {}", plain(uid_helper), plain(gid_helper)),
        ),
        Step::MapIdsByHelper { helper, request } => match Request::decode(request) {
            Ok(Request { users, groups, setgroups }) => (
                maps(kernel_map(&users), kernel_map(&groups)),
                format!("setgroups {}, through {}", if setgroups { "allowed" } else { "denied" }, plain(helper)),
            ),
            Err(_) => (none(), format!("through {}", plain(helper))),
        },
        Step::PrepareOutside { command, .. } => (format!("/bin/sh -c {:?}", plain(command)), "waiting".into()),
        Step::RunOutside { command } => {
            (format!("/bin/sh -c {:?}", plain(command)), "on the host, as the caller".into())
        }
        Step::Join { namespaces: flags } => (namespaces(*flags), "of pid 1".into()),
        Step::RunInside { command, .. } => {
            (format!("/bin/sh -c {:?}", plain(command)), "in the new namespaces but pid, at the new root".into())
        }
        Step::AwaitStart {} => (none(), "from the caller".into()),
        Step::BecomeIds { uid, gid, clear_groups } => {
            let groups = if *clear_groups { "no supplementary groups" } else { "supplementary groups as they are" };
            (format!("user {uid}, group {gid}"), groups.into())
        }
        Step::BecomeUser { uid, gid, set_groups, groups, keep, console } => {
            let numbers: Vec<String> = groups
                .chunks_exact(4)
                .map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]).to_string())
                .collect();
            let groups = match (*set_groups, numbers.is_empty()) {
                (false, _) => "supplementary groups as they are".into(),
                (true, true) => "no supplementary groups".into(),
                (true, false) => format!("supplementary groups {}", numbers.join(" ")),
            };
            let keep = if *keep == 0 { none() } else { format!(", keeps {} for now", capability::names(*keep)) };
            let console = if *console { ", the console is the user's" } else { "" };
            (format!("user {uid}, group {gid}"), format!("{groups}{keep}{console}"))
        }
        Step::SetDeadline { microseconds } => {
            (format!("{} s", *microseconds as f64 / 1e6), "from the exec on, then all of it is killed".into())
        }
        Step::BindRoot { path } => (plain(path), "recursive, slave".into()),
        Step::TmpfsRoot { place } => ("tmpfs".into(), format!("mode=0755, on {} until the pivot", plain(place))),
        Step::EnterCgroup { mount, file } => (format!("{}/{}", plain(mount), plain(file)), none()),
        Step::MakeDirectory { path, mode } => (format!("/{}", plain(path)), format!("mode {mode:04o}")),
        Step::MakeLink { target, path } => (format!("/{}", plain(path)), format!("to {}", plain(target))),
        Step::Mount { filesystem, target, options, attributes: flags, .. } => (
            format!("{} on /{}", plain(filesystem), plain(target)),
            [joined(*options), attributes(*flags)].join(" ").trim().to_string(),
        ),
        Step::Bind { source, target, attributes: flags, recursive } => (
            format!("{} on /{}", plain(source), plain(target)),
            [attributes(*flags), if *recursive { "recursive".into() } else { none() }].join(" ").trim().to_string(),
        ),
        Step::HoldSource { path, .. } => (plain(path), "found in the new mount namespace, as the caller".into()),
        Step::BindSource { source, target, attributes: flags, .. } => (
            format!("{} on /{}", plain(source), plain(target)),
            [attributes(*flags), "recursive".into()].join(" ").trim().to_string(),
        ),
        Step::MountInside { filesystem, target, options, attributes: flags } => (
            format!("{} on /{}", plain(filesystem), plain(target)),
            [joined(*options), attributes(*flags)].join(" ").trim().to_string(),
        ),
        Step::OverlayRoot { path, options } => {
            (plain(path), format!("below an overlay, written to a tmpfs {}", joined(*options)))
        }
        Step::Overlay { source, target, options } => {
            (format!("{} on /{}", plain(source), plain(target)), format!("written to a tmpfs {}", joined(*options)))
        }
        Step::ProtectRoot { submounts: true } => {
            ("what is mounted below the root".into(), "and no mounts of the host's later".into())
        }
        Step::ProtectRoot { submounts: false } => ("the root".into(), none()),
        Step::BindDevices { names } => (joined(*names), "from the host's /dev".into()),
        Step::OpenTerminal {} => ("/dev/pts".into(), "of the container's own".into()),
        Step::MakeConsole { rows, columns } => {
            ("a terminal of the container's own".into(), format!("{rows} rows, {columns} columns"))
        }
        Step::GiveConsole {} => ("the console's other end".into(), "to the caller".into()),
        Step::OpenConsole {} => ("/dev/console".into(), "a pseudo-terminal of the host".into()),
        Step::RaiseLoopback {} => ("lo".into(), "up".into()),
        Step::MakeVeth { name, peer, bridge, mtu } => {
            let bridge = if bridge.is_empty() { String::new() } else { format!(" on bridge {}", plain(bridge)) };
            let mtu = if *mtu == 0 { String::new() } else { format!(", mtu {mtu}") };
            (format!("{} here, {} inside", plain(name), plain(peer)), format!("up{bridge}{mtu}"))
        }
        Step::SetUpInterface { name, shown, .. } => (plain(name), plain(shown)),
        Step::Pivot {} => ("/".into(), "the host's root goes away".into()),
        Step::SetHostname { name } => (plain(name), none()),
        Step::LimitResource { resource, soft, hard } => {
            (rlimit::name(*resource), format!("soft {}, hard {}", limit(*soft), limit(*hard)))
        }
        Step::TakeConsole {} => ("/dev/console".into(), "new session, stdin, stdout and stderr".into()),
        Step::UseConsole { descriptors } => {
            let names = ["stdin", "stdout", "stderr"].into_iter().enumerate();
            let used: Vec<&str> =
                names.filter(|(bit, _)| descriptors & (1 << bit) != 0).map(|(_, name)| name).collect();
            ("the console".into(), format!("new session, {}", used.join(" ")))
        }
        Step::ChangeDirectory { path } => (plain(path), none()),
        Step::ResetSignals {} => (none(), "all to their default actions".into()),
        Step::Reap {} => (none(), "this process reaps; the command is its child".into()),
        Step::SetCapabilities { bounding, permitted } => {
            let note = if bounding == permitted { "bounding the same".into() } else { capability::names(*bounding) };
            (capability::names(*permitted), note)
        }
        Step::SetNoNewPrivs {} => (none(), none()),
        Step::LoadSeccomp { summary, flags, .. } => (plain(summary), seccomp_flags(*flags)),
        Step::Close { keep } => (none(), format!("every descriptor but 0 to 2{}", kept(*keep))),
        Step::Execute { search, arguments, environment, keep } => {
            let names = variables(*environment);
            let search = if search.is_empty() { none() } else { format!(", on {}", plain(search)) };
            let keep = kept(*keep);
            (joined(*arguments), format!("environment: {}{search}{keep}", names.join(" ")))
        }
        Step::JoinTarget { leave_groups, namespaces: flags, pid } => {
            let groups = if *leave_groups { ", without the caller's groups" } else { "" };
            (format!("process {pid}"), format!("{}{groups}", namespaces(*flags)))
        }
        Step::Dismiss {} => (none(), "the process that held the user namespace".into()),
        Step::Watch { console, guard } => {
            let console = if *console { "console copied" } else { "" };
            let guard = if *guard { "guarded" } else { "" };
            (none(), [console, guard].join(" ").trim().to_string())
        }
        Step::RestoreTerminal {} => (none(), "as it was".into()),
        Step::Report {} => (none(), "to the caller".into()),
        Step::MakeFile { path, mode, length, .. } => {
            (format!("/{}", plain(path)), format!("mode {mode:04o}, {length} bytes"))
        }
        Step::CopyOut { path, limit } => (plain(path), format!("to descriptor 1, at most {limit} bytes")),
        Step::CopyIn { path, mode } => (plain(path), format!("from descriptor 0, mode {mode:04o} where it is new")),
        Step::Never(..) => (none(), none()),
    }
}

/// The variables of an environment.
fn variables(environment: List<'_>) -> Vec<String> {
    let names: Vec<String> = environment.iter().map(|variable| shortened(&plain(variable))).collect();
    if names.is_empty() { vec!["empty".into()] } else { names }
}

/// The descriptors that the command keeps beside the first three.
fn kept(count: u32) -> String {
    match count {
        0 => String::new(),
        u32::MAX => ", every descriptor kept".into(),
        count => format!(", descriptors 3 to {} kept", count.saturating_add(2)),
    }
}

/// The flags of seccomp(2).
fn seccomp_flags(bits: u32) -> String {
    let names = [(libc::SECCOMP_FILTER_FLAG_LOG, "log"), (libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, "spec allow")];
    let set = names.iter().filter(|(bit, _)| u64::from(bits) & *bit != 0).map(|(_, name)| *name);
    set.collect::<Vec<_>>().join(", ")
}

fn limit(value: u64) -> String {
    if value == u64::MAX { "unlimited".into() } else { value.to_string() }
}

/// A variable as it may be shown: short, and without what looks like a secret's value when long.
fn shortened(variable: &str) -> String {
    match variable.split_once('=') {
        Some((name, value)) if value.len() > 60 => format!("{name}=…"),
        _ => variable.to_string(),
    }
}
