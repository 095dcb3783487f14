// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finding a running container by a process id: its supervisor's, or its PID 1's.

use crate::caller::{own, system};
use crate::error::{Error, Kind};
use crate::procfs;
use contain_sys::identity::capability::SETGID;
use contain_sys::process::namespace;
use contain_sys::{Errno, Fd, identity, process};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The stage of every error of finding one.
const STAGE: &str = "namespaces.find";
/// How long a PID 1 is waited for that does not show where its namespaces are.
const PATIENCE: Duration = Duration::from_millis(250);

/// PID 1 of a running container.
#[derive(Debug)]
pub(crate) struct Target {
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// Finds PID 1 by the supervisor's id, or by its own. What the caller may not know is not told apart.
pub(crate) fn find(pid: i32) -> Result<Target, Error> {
    let refuse =
        |cause: &str| Error::new(Kind::Gone, STAGE, "find the container of process", pid.to_string()).cause(cause);
    let own_status = status(pid)?.ok_or_else(|| {
        refuse("there is no such process").remedy("give the process id of contain, or the container's name")
    })?;
    let init = if own_status.is_init() {
        pid
    } else {
        let mut found = None;
        for child in children(pid)? {
            if found.is_none() && status(child)?.is_some_and(|status| status.is_init()) {
                found = Some(child);
            }
        }
        found.ok_or_else(|| {
            refuse("it is not a container supervisor: it has no child that is PID 1 of a PID namespace")
                .remedy("give the process id of contain, or of the container's PID 1")
        })?
    };
    let pidfd = own(process::open_pidfd(init).map_err(|errno| match errno {
        Errno::ESRCH => refuse("it has ended"),
        errno => system(STAGE, "open a pidfd of", format!("process {init}"))(errno),
    })?);
    // The id is still the same process's: it has a pidfd, and is what it was.
    let now = status(init)?.ok_or_else(|| refuse("it has ended"))?;
    if !now.is_init() || (init != pid && now.parent != pid) {
        return Err(refuse("it has ended"));
    }
    if !shows_namespaces(init) {
        return Err(refuse("it does not belong to you").remedy("run inject as the user who started it, or as root"));
    }
    Ok(Target { pid: init, pidfd })
}

/// Whether /proc says where a process's namespaces are. Of somebody else's container it never does; of a PID 1 that
/// reaps not until it is told of its command's exec, shortly after that can already be seen from outside.
fn shows_namespaces(init: i32) -> bool {
    let link = format!("/proc/{init}/ns/user");
    let end = Instant::now() + PATIENCE;
    loop {
        if std::fs::read_link(&link).is_ok() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

struct Status {
    parent: i32,
    /// Ids in each PID namespace, ours first.
    ids: Vec<i32>,
}

impl Status {
    fn is_init(&self) -> bool {
        self.ids.len() > 1 && self.ids.last() == Some(&1)
    }
}

/// What /proc says of a process; none where it has ended.
fn status(pid: i32) -> Result<Option<Status>, Error> {
    let path = format!("/proc/{pid}/status");
    let text = match procfs::text(&path) {
        Ok(text) => text,
        Err(error) => match error.raw_os_error().unwrap_or(libc::EIO) {
            libc::ENOENT if !procfs::is_mounted() => return Err(procfs::missing(STAGE, &path)),
            libc::ENOENT | libc::ESRCH | libc::EACCES | libc::EPERM => return Ok(None),
            errno => return Err(system(STAGE, "read", path)(Errno(errno))),
        },
    };
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let parsed = || {
        Some(Status {
            parent: field("PPid:")?.trim().parse().ok()?,
            ids: field("NSpid:")?.split_whitespace().filter_map(|id| id.parse().ok()).collect(),
        })
    };
    Ok(parsed())
}

fn children(pid: i32) -> Result<Vec<i32>, Error> {
    let failed = |error: std::io::Error| {
        let errno = Errno(error.raw_os_error().unwrap_or(libc::EIO));
        system(STAGE, "look for the children of", format!("process {pid}"))(errno)
    };
    match procfs::text(&format!("/proc/{pid}/task/{pid}/children")) {
        Ok(text) => return Ok(text.split_whitespace().filter_map(|id| id.parse().ok()).collect()),
        // A kernel without CONFIG_PROC_CHILDREN, or a process that has ended: look at all.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {}
        Err(error) => return Err(failed(error)),
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").map_err(failed)? {
        let Some(child) = entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if status(child)?.is_some_and(|status| status.parent == pid) {
            found.push(child);
        }
    }
    Ok(found)
}

/// The namespaces (CLONE_NEW* bits) in which a process differs from this one: joining one's own is refused.
pub(crate) fn differing(pid: i32) -> Result<u64, Error> {
    let kinds = [
        ("user", namespace::USER),
        ("mnt", namespace::MOUNT),
        ("pid", namespace::PID),
        ("ipc", namespace::IPC),
        ("uts", namespace::UTS),
        ("net", namespace::NETWORK),
        ("cgroup", namespace::CGROUP),
        ("time", namespace::TIME),
    ];
    let link = |who: &str, kind: &str| std::fs::read_link(PathBuf::from("/proc").join(who).join("ns").join(kind)).ok();
    let mut flags = 0;
    for (kind, flag) in kinds {
        let (theirs, ours) = (link(&pid.to_string(), kind), link("self", kind));
        if theirs.is_none() && ours.is_some() {
            return Err(Error::new(Kind::Gone, STAGE, "look at the namespaces of process", pid.to_string())
                .cause("it has ended, or does not belong to you"));
        }
        if theirs != ours {
            flags |= flag;
        }
    }
    Ok(flags)
}

/// Whether setgroups(2) is denied in a process's user namespace.
pub(crate) fn denies_setgroups(pid: i32) -> bool {
    procfs::text(&format!("/proc/{pid}/setgroups")).is_ok_and(|text| text.trim() == "deny")
}

/// Whether this process can give up its supplementary groups.
pub(crate) fn can_leave_groups() -> Result<bool, Error> {
    let held = identity::capabilities().map_err(system("caller", "read", "the capabilities"))?.effective;
    Ok(held & (1 << SETGID) != 0 && !denies_setgroups(process::id()))
}

/// A pidfd as contain-sys takes it.
impl Target {
    pub fn fd(&self) -> Fd {
        crate::caller::raw(&self.pidfd)
    }
}
