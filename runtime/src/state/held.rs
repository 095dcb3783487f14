// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process as it is named on disk: a process id means the same process only together with its start time, and only
//! in the PID namespace, time namespace and boot in which it was noted.

use super::directory::STAGE;
use crate::caller::{own, raw, system};
use crate::error::{Error, Kind};
use crate::procfs;
use contain_sys::signal::{Poll, poll, poll_event};
use contain_sys::{Errno, process};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// What tells one boot from another.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// A process id and the time when that process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub pid: i32,
    /// Clock ticks since boot (/proc/PID/stat, field 22).
    pub start: u64,
}

impl Held {
    /// A process; none where it is not there.
    pub fn new(pid: i32) -> Result<Option<Held>, Error> {
        Ok(look_up(pid)?.map(|(_, start)| Held { pid, start }))
    }

    /// This process.
    pub fn this_process() -> Result<Held, Error> {
        let pid = process::id();
        Held::new(pid)?.ok_or_else(|| hidden(pid))
    }

    /// Its pidfd, where it is still this process and has not ended: a zombie has. What cannot be told is an error:
    /// whoever takes a living process for one that has ended would remove what belongs to it.
    pub fn open(&self) -> Result<Option<OwnedFd>, Error> {
        let pidfd = match process::open_pidfd(self.pid) {
            Ok(pidfd) => own(pidfd),
            // EINVAL, ENOENT: the id is that of a thread by now.
            Err(Errno::ESRCH | Errno::EINVAL | Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(system(STAGE, "open a pidfd of", format!("process {}", self.pid))(errno)),
        };
        let found = look_up(self.pid)?;
        // ORDER: what /proc said was of the process that the pidfd holds if that lives on after it was read.
        match (has_ended(&pidfd), found) {
            (true, _) => Ok(None),
            (false, None) => Err(hidden(self.pid)),
            (false, Some((state, start))) => Ok((start == self.start && !matches!(state, 'Z' | 'X')).then_some(pidfd)),
        }
    }

    pub fn to_json(self) -> Value {
        json!({ "pid": self.pid, "start": self.start })
    }

    pub fn from_json(value: &Value) -> Option<Held> {
        let pid = i32::try_from(value["pid"].as_i64()?).ok().filter(|pid| *pid > 0)?;
        Some(Held { pid, start: value["start"].as_u64()? })
    }
}

/// Whether the process of a pidfd has ended.
pub(crate) fn has_ended(pidfd: &OwnedFd) -> bool {
    let mut asked = [Poll { fd: raw(pidfd).0, events: poll_event::IN, answered: 0 }];
    matches!(poll(&mut asked, 0), Ok(1..))
}

/// Waits for the end of the process of a pidfd; whether it came in time.
pub(crate) fn ends_within(pidfd: &OwnedFd, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let mut asked = [Poll { fd: raw(pidfd).0, events: poll_event::IN, answered: 0 }];
        // A signal of the caller's may interrupt it.
        match poll(&mut asked, left.as_millis() as i64) {
            Ok(0) if left.is_zero() => return false,
            Ok(0) => {}
            Ok(_) => return true,
            Err(_) => return false,
        }
    }
}

/// State and start of a process as /proc tells them; none where there is no such process.
fn look_up(pid: i32) -> Result<Option<(char, u64)>, Error> {
    let path = format!("/proc/{pid}/stat");
    let failed = |errno| system(STAGE, "read", path.as_str())(Errno(errno));
    match procfs::text(&path) {
        Ok(stat) => state_and_start(&stat).map(Some).ok_or_else(|| failed(libc::EIO)),
        Err(error) => match error.raw_os_error().unwrap_or(libc::EIO) {
            libc::ESRCH => Ok(None),
            libc::ENOENT if procfs::is_mounted() => Ok(None),
            libc::ENOENT => Err(procfs::missing(STAGE, &path)),
            errno => Err(failed(errno)),
        },
    }
}

/// The error of a process that lives and is not shown.
fn hidden(pid: i32) -> Error {
    Error::new(Kind::System, STAGE, "read", format!("/proc/{pid}/stat"))
        .errno(libc::ENOENT)
        .cause("process ids in /proc are not this process's, or it is mounted with hidepid")
        .remedy("mount a /proc of this PID namespace that shows this user's processes")
}

/// Fields 3 and 22 of /proc/PID/stat, whose second one may hold anything, brackets and spaces too.
fn state_and_start(stat: &str) -> Option<(char, u64)> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Where process ids and start times mean something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    boot: String,
    pid_namespace: String,
    time_namespace: String,
}

impl Scope {
    /// Where this process is.
    pub fn here() -> Result<Scope, Error> {
        let failed = |path: &str, error: std::io::Error| match error.raw_os_error().unwrap_or(libc::EIO) {
            libc::ENOENT if !procfs::is_mounted() => procfs::missing(STAGE, path),
            errno => system(STAGE, "read", path)(Errno(errno)),
        };
        let namespace = |path: &str| match std::fs::read_link(path) {
            Ok(link) => Ok(link.to_string_lossy().into_owned()),
            // A kernel without namespaces of this kind.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) && procfs::is_mounted() => Ok(String::new()),
            Err(error) => Err(failed(path, error)),
        };
        let (pid_namespace, time_namespace) = (namespace("/proc/self/ns/pid")?, namespace("/proc/self/ns/time")?);
        let boot = procfs::text(BOOT).map_err(|error| failed(BOOT, error))?;
        Ok(Scope { boot: boot.trim().to_string(), pid_namespace, time_namespace })
    }

    /// Whether a process noted there can be looked at from here: not where it is of another boot, when it has ended.
    pub fn is_over(&self, here: &Scope) -> bool {
        self.boot != here.boot
    }

    /// Whether process ids noted there mean something else here.
    pub fn is_elsewhere(&self, here: &Scope) -> bool {
        !self.is_over(here)
            && (&self.pid_namespace, &self.time_namespace) != (&here.pid_namespace, &here.time_namespace)
    }

    pub fn to_json(&self) -> Value {
        json!({ "boot": self.boot, "pid": self.pid_namespace, "time": self.time_namespace })
    }

    pub fn from_json(value: &Value) -> Option<Scope> {
        let text = |name: &str| value[name].as_str().map(str::to_string);
        Some(Scope { boot: text("boot")?, pid_namespace: text("pid")?, time_namespace: text("time")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_whose_id_was_given_to_another_is_gone() {
        let this = Held::this_process().expect("this process");
        assert!(this.open().expect("it can be looked at").is_some());
        let other = Held { start: this.start + 1, ..this }.open();
        assert!(other.expect("it can be looked at").is_none(), "another start");
    }

    #[test]
    fn zombie_has_ended() {
        let mut child = std::process::Command::new("true").spawn().expect("a child");
        let held = Held::new(child.id() as i32).expect("a look").expect("it is there until it is waited for");
        let pidfd = own(process::open_pidfd(held.pid).expect("a pidfd"));
        let mut asked = [Poll { fd: raw(&pidfd).0, events: poll_event::IN, answered: 0 }];
        while poll(&mut asked, -1).expect("a poll") == 0 {}
        assert!(held.open().expect("a look").is_none());
        child.wait().expect("its end");
        assert!(held.open().expect("a look").is_none());
    }

    #[test]
    fn name_of_a_process_may_hold_brackets_and_spaces() {
        let rest = (4..=21).map(|field| field.to_string()).collect::<Vec<_>>().join(" ");
        let stat = format!("7 (a) Z 1) S {rest} 99 0 0\n");
        assert_eq!(state_and_start(&stat), Some(('S', 99)));
        assert_eq!(state_and_start("7 (a"), None);
        assert_eq!(state_and_start("7 (a) S 1"), None);
    }

    #[test]
    fn other_namespaces_and_other_boots_are_told_apart() {
        let here = Scope::here().expect("/proc is there");
        assert!(!here.is_over(&here) && !here.is_elsewhere(&here));
        let other = Scope { pid_namespace: "pid:[1]".into(), ..here.clone() };
        assert!(other.is_elsewhere(&here) && !other.is_over(&here));
        let earlier = Scope { boot: "x".into(), ..other };
        assert!(earlier.is_over(&here) && !earlier.is_elsewhere(&here));
    }
}
