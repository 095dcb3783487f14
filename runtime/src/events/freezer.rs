// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a container is frozen, by the cgroups of its PID 1. On cgroup2 a change wakes who polls (cgroup.events); the
//! freezer of version 1 has nothing to be polled, and is looked at when somebody asks.

use crate::{cgroup, procfs};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The cgroups of a process.
#[derive(Debug)]
pub(super) struct Freezer {
    pid: i32,
    /// As /proc/PID/cgroup had them.
    cgroups: String,
    /// cgroup.events of that on cgroup2, where it can be read.
    events: Option<File>,
    /// freezer.state of those of version 1.
    states: Vec<PathBuf>,
}

impl Freezer {
    pub fn new(pid: i32) -> Freezer {
        let mut freezer = Freezer { pid, cgroups: String::new(), events: None, states: Vec::new() };
        freezer.follow();
        freezer
    }

    /// Goes to where the process is now; what is left behind, where that was watched.
    pub fn follow(&mut self) -> Option<File> {
        let cgroups = procfs::text(&format!("/proc/{}/cgroup", self.pid)).unwrap_or_default();
        // One that has ended is nowhere.
        if cgroups.is_empty() || cgroups == self.cgroups {
            return None;
        }
        let mounts = procfs::text("/proc/self/mountinfo").unwrap_or_default();
        let places = cgroup::directories(&cgroups, &mounts);
        self.states = places.iter().map(|place| place.join("freezer.state")).filter(|state| state.exists()).collect();
        self.cgroups = cgroups;
        let events = places.iter().find_map(|place| File::open(place.join("cgroup.events")).ok());
        std::mem::replace(&mut self.events, events)
    }

    /// Whether it is frozen. Reading is also what makes the descriptor wait for the next change.
    pub fn is_frozen(&self) -> bool {
        let unified = self.events.as_ref().is_some_and(|events| {
            let mut text = [0; 256];
            let length = events.read_at(&mut text, 0).unwrap_or(0);
            text.get(..length).is_some_and(|text| text.split(|byte| *byte == b'\n').any(|line| line == b"frozen 1"))
        });
        unified
            || self.states.iter().any(|state| {
                let state = std::fs::read_to_string(state).unwrap_or_default();
                matches!(state.trim(), "FROZEN" | "FREEZING")
            })
    }

    /// What has an exceptional condition (EPOLLPRI) when cgroup.events has changed.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.events.as_ref().map(AsFd::as_fd)
    }
}
