// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this process may: what was laid on it, and its limits.

use super::super::Finding;
use super::super::facts::Facts;
use super::super::files::field;
use libc::{EACCES, EMFILE};

/// Fewer than these, and a container cannot be made.
const FEWEST_FILES: u64 = 64;
const FEWEST_PROCESSES: u64 = 8;
/// contain-init and a plan are written to memfds, for which the limit on file sizes counts.
const SMALLEST_FILE: u64 = 1 << 20;

pub(super) fn seccomp_filter(facts: &Facts) -> Finding {
    let name = "seccomp-filter";
    match field(&facts.status, "Seccomp") {
        None => Finding::unknown(name, "/proc/self/status does not tell"),
        Some("0") => Finding::ok(name, "none around this process"),
        Some(_) => {
            let count = field(&facts.status, "Seccomp_filters").map_or(String::new(), |count| format!(" ({count})"));
            Finding::limited(name, format!("around this process{count}"))
                .since("what it forbids is forbidden in every container too; system-calls shows what it takes from contain")
                .mend("where a container fails: podman run or docker run with --security-opt seccomp=unconfined; in a service unit, widen SystemCallFilter=")
        }
    }
}

pub(super) fn no_new_privs(facts: &Facts) -> Finding {
    let name = "no-new-privs";
    match field(&facts.status, "NoNewPrivs") {
        None => Finding::unknown(name, "/proc/self/status does not tell"),
        Some("0") => Finding::ok(name, "not set"),
        Some(_) if facts.uid == 0 => Finding::ok(name, "set, which takes nothing from root"),
        Some(_) => Finding::limited(name, "set on this process")
            .since("programs that map delegated ids gain no privilege under it")
            .mend("start contain from a process without it (a service unit with NoNewPrivileges=yes, a sandbox and many containers set it), or map the own id alone: -u 0:UID:1 -g 0:GID:1"),
    }
}

pub(super) fn contain_init(facts: &Facts) -> Finding {
    let name = "contain-init";
    let (file, wrong) = &facts.init;
    let installed = match wrong {
        None => format!("installed as {file}"),
        Some(wrong) => format!("{file}: {wrong}"),
    };
    let noexec = facts.sysctls.get("vm.memfd_noexec").is_some_and(|value| value == "2");
    let refused = match facts.memfd {
        None => return Finding::unknown(name, "not tried"),
        Some(Ok(())) if !noexec => return Finding::ok(name, format!("runs from memory; {installed}")),
        _ if noexec => "vm.memfd_noexec is 2, so that it cannot run from memory",
        Some(Err(EMFILE)) => "the limit on open files is reached",
        Some(Err(EACCES)) => "this process may not run programs from memory",
        _ => "it cannot be put into memory",
    };
    let mend = "install contain (make install), or sysctl vm.memfd_noexec=1; CONTAIN_LIBEXECDIR names another folder with contain-init";
    match wrong {
        None => Finding::ok(name, format!("runs from {file}: {refused}")),
        Some(_) => Finding::missing(name, installed).since(refused).mend(mend),
    }
}

pub(super) fn processes(facts: &Facts) -> Finding {
    let name = "processes";
    if let Some((current, most)) = facts.cgroup_processes
        && most.saturating_sub(current) < FEWEST_PROCESSES
    {
        return Finding::missing(name, format!("{current} of {most} in this cgroup"))
            .since(format!(
                "a container needs three processes beside its command's; room for {FEWEST_PROCESSES} is wise"
            ))
            .mend("raise pids.max of this cgroup (systemd: TasksMax=), or end some processes");
    }
    match facts.processes {
        None => Finding::unknown(name, "the limit is not to be read"),
        Some(limit) if limit < FEWEST_PROCESSES => {
            Finding::missing(name, format!("RLIMIT_NPROC is {limit}, all of this user's processes together"))
                .since("a container needs three processes beside its command's")
                .mend("ulimit -u 1000 or more; for good in /etc/security/limits.conf")
        }
        Some(libc::RLIM_INFINITY) => Finding::ok(name, "unlimited"),
        Some(limit) => Finding::ok(name, format!("up to {limit} of this user's")),
    }
}

pub(super) fn open_files(facts: &Facts) -> Finding {
    let name = "open-files";
    match facts.open_files {
        None => Finding::unknown(name, "the limit is not to be read"),
        Some(limit) if limit < FEWEST_FILES => Finding::limited(name, format!("RLIMIT_NOFILE is {limit}"))
            .since("contain holds up to some twenty descriptors beside the caller's")
            .mend("ulimit -n 64 or more; for good in /etc/security/limits.conf"),
        Some(libc::RLIM_INFINITY) => Finding::ok(name, "unlimited"),
        Some(limit) => Finding::ok(name, format!("up to {limit}")),
    }
}

pub(super) fn file_size(facts: &Facts) -> Finding {
    let name = "file-size";
    match facts.file_size {
        None => Finding::unknown(name, "the limit is not to be read"),
        Some(limit) if limit < SMALLEST_FILE => Finding::missing(name, format!("RLIMIT_FSIZE is {limit} bytes"))
            .since("contain-init and its plan are files in memory, for which the limit counts")
            .mend("ulimit -f unlimited"),
        Some(libc::RLIM_INFINITY) => Finding::ok(name, "unlimited"),
        Some(limit) => Finding::ok(name, format!("up to {limit} bytes")),
    }
}
