// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process as it is named on disk: a process id means the same process only together with its start time, and only
//! in the PID namespace, time namespace and boot in which it was noted.

use super::directory::STAGE;
use crate::caller::{own, raw};
use crate::error::{Error, Kind};
use contain_sys::process;
use contain_sys::signal::{Poll, poll, poll_event};
use serde_json::{Value, json};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// A process id and the time when that process started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub pid: i32,
    /// Clock ticks since boot (/proc/PID/stat, field 22).
    pub start: u64,
}

impl Held {
    /// A process that is there.
    pub fn new(pid: i32) -> Option<Held> {
        let (_, start) = state_and_start(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?;
        Some(Held { pid, start })
    }

    /// This process.
    pub fn this_process() -> Result<Held, Error> {
        Held::new(process::id()).ok_or_else(|| {
            Error::new(Kind::System, STAGE, "read", "/proc/self/stat").cause("/proc is not mounted, or not this one's")
        })
    }

    /// Its pidfd, where it is still this process and has not ended: a zombie has.
    pub fn open(&self) -> Option<OwnedFd> {
        let pidfd = own(process::open_pidfd(self.pid).ok()?);
        let (state, start) = state_and_start(&std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?)?;
        // ORDER: what /proc said was of the process that the pidfd holds if that lives on after it was read.
        (start == self.start && !matches!(state, 'Z' | 'X') && !has_ended(&pidfd)).then_some(pidfd)
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
    !matches!(poll(&mut asked, 0), Ok(0))
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
            _ => return true,
        }
    }
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
    pub fn here() -> Scope {
        let namespace = |name: &str| {
            let link = std::fs::read_link(format!("/proc/self/ns/{name}")).unwrap_or_default();
            link.to_string_lossy().into_owned()
        };
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let (pid_namespace, time_namespace) = (namespace("pid"), namespace("time"));
        Scope { boot: boot.trim().to_string(), pid_namespace, time_namespace }
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
        let this = Held::new(std::process::id() as i32).expect("this process");
        assert!(this.open().is_some());
        assert!(Held { start: this.start + 1, ..this }.open().is_none(), "another start");
    }

    #[test]
    fn zombie_has_ended() {
        let mut child = std::process::Command::new("true").spawn().expect("a child");
        let held = Held::new(child.id() as i32).expect("it is there until it is waited for");
        let pidfd = own(process::open_pidfd(held.pid).expect("a pidfd"));
        let mut asked = [Poll { fd: raw(&pidfd).0, events: poll_event::IN, answered: 0 }];
        while poll(&mut asked, -1).expect("a poll") == 0 {}
        assert!(held.open().is_none());
        child.wait().expect("its end");
        assert!(held.open().is_none());
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
        let here = Scope::here();
        assert!(!here.is_over(&here) && !here.is_elsewhere(&here));
        let other = Scope { pid_namespace: "pid:[1]".into(), ..here.clone() };
        assert!(other.is_elsewhere(&here) && !other.is_over(&here));
        let earlier = Scope { boot: "x".into(), ..other };
        assert!(earlier.is_over(&here) && !earlier.is_elsewhere(&here));
    }
}
