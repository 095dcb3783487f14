// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the kernel is and has.

use super::super::Finding;
use super::super::facts::Facts;
use super::super::files::version as numbers;
use libc::{EACCES, ENOSYS, EOPNOTSUPP, EPERM};

/// What is used where it is there: the kernel that brought it, and what is lost without.
const OPTIONAL: [((u32, u32), &str); 6] = [
    ((5, 11), "overlay in user namespaces"),
    ((5, 12), "read-only binds of whole trees, which --host needs"),
    ((5, 13), "Landlock"),
    ((5, 14), "ending a cgroup at once"),
    ((6, 3), "programs in memory under vm.memfd_noexec=1"),
    ((6, 15), "mounting onto trees that are not attached"),
];

pub(super) fn version(facts: &Facts) -> Finding {
    let found = format!("Linux {}", facts.release);
    match numbers(&facts.release) {
        None => Finding::unknown("kernel", "its release is not to be read").mend("mount /proc"),
        Some(version) if version < (5, 10) => {
            Finding::missing("kernel", found).since("contain needs Linux 5.10 or newer").mend("use a newer kernel")
        }
        Some(_) => Finding::ok("kernel", found),
    }
}

pub(super) fn system_calls(facts: &Facts) -> Finding {
    let name = "system-calls";
    if facts.calls.is_empty() {
        return Finding::unknown(name, "not tried");
    }
    let refused: Vec<&str> = facts
        .calls
        .iter()
        .filter(|(_, errno)| [ENOSYS, EPERM, EACCES].contains(errno))
        .map(|(name, _)| *name)
        .collect();
    if refused.is_empty() {
        return Finding::ok(name, "those that are needed are let through");
    }
    let found = format!("refused: {}", refused.join(" "));
    let cause = "a seccomp filter around this process does not know them or forbids them, or the kernel is too old";
    let finding = if refused == ["clone3"] {
        Finding::limited(name, found).since(format!("{cause}; containers then have the host's time namespace"))
    } else {
        Finding::missing(name, found).since(cause)
    };
    finding.mend("use a newer engine, or podman run or docker run with --security-opt seccomp=unconfined; in a service unit, widen SystemCallFilter=")
}

pub(super) fn landlock(facts: &Facts) -> Finding {
    let name = "landlock";
    match facts.landlock {
        None => Finding::unknown(name, "not tried"),
        Some(Ok(version)) => Finding::ok(name, format!("version {version}")),
        Some(Err(EOPNOTSUPP)) => Finding::limited(name, "built into the kernel and switched off")
            .since("lsm= on the kernel's command line does not name it")
            .mend("add landlock to lsm= on the kernel's command line"),
        Some(Err(ENOSYS)) => {
            Finding::limited(name, "not in this kernel").mend("use kernel 5.13 or newer, built with it")
        }
        Some(Err(errno)) => Finding::limited(name, crate::error::errno_text(errno))
            .since("a seccomp filter around this process forbids it"),
    }
}

pub(super) fn kernel_features(facts: &Facts) -> Finding {
    let name = "kernel-features";
    let Some(version) = numbers(&facts.release) else {
        return Finding::unknown(name, "the kernel's release is not to be read");
    };
    let lost: Vec<_> = OPTIONAL.iter().filter(|(minimum, _)| version < *minimum).collect();
    let Some(((major, minor), _)) = lost.last() else {
        return Finding::ok(name, "all that contain can use");
    };
    let each: Vec<String> = lost.iter().map(|((major, minor), what)| format!("{what} ({major}.{minor})")).collect();
    Finding::limited(name, format!("without {}", each.join(", "))).mend(format!("use kernel {major}.{minor} or newer"))
}
