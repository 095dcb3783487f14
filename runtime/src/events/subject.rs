// SPDX-License-Identifier: MIT OR Apache-2.0
//! The container that is watched: by its monitor's socket, where this process made it, or by its directory.

use crate::container::Monitored;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::state::{Found, has_ended};
use nix::sys::eventfd::EventFd;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// A container, however it is held on to.
#[derive(Debug)]
pub(crate) enum Subject {
    /// And what its start rings.
    Monitored(Arc<Monitored>, Option<Arc<EventFd>>),
    Stored(Found),
}

impl Subject {
    pub fn monitored(monitored: Arc<Monitored>) -> Result<Subject, Error> {
        // ORDER: before anybody looks whether it has been started.
        let bell = monitored.bell()?;
        Ok(Subject::Monitored(monitored, bell))
    }

    /// Its monitor; none where that had ended before.
    pub fn monitor(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Subject::Monitored(monitored, _) => Some(monitored.monitor.as_fd()),
            Subject::Stored(found) => found.monitor.as_ref().map(AsFd::as_fd),
        }
    }

    /// Its PID 1; none where that had ended before, or is not known yet.
    pub fn init(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Subject::Monitored(monitored, _) => Some(monitored.init.as_fd()),
            Subject::Stored(found) => found.init.as_ref().map(|(_, pidfd)| pidfd.as_fd()),
        }
    }

    pub fn init_pid(&self) -> Option<i32> {
        match self {
            Subject::Monitored(monitored, _) => Some(monitored.init_pid),
            Subject::Stored(found) => found.init.as_ref().map(|(pid, _)| *pid),
        }
    }

    /// Looks for PID 1 where it was not known; to be asked once it has been started.
    pub fn find_init(&mut self) -> Result<(), Error> {
        match self {
            Subject::Stored(found) => found.find_init(),
            _ => Ok(()),
        }
    }

    /// What is readable when it has been started; it may be readable before.
    pub fn start(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Subject::Monitored(_, bell) => bell.as_ref().map(|bell| bell.as_fd()),
            Subject::Stored(found) => found.written.as_ref().map(AsFd::as_fd),
        }
    }

    pub fn forget_start(&mut self) {
        match self {
            Subject::Monitored(_, bell) => *bell = None,
            Subject::Stored(found) => found.written = None,
        }
    }

    /// Whether its command has been executed. Does not wait for somebody who is at that.
    pub fn has_started(&self) -> Result<bool, Error> {
        match self {
            Subject::Monitored(monitored, _) => Ok(monitored.has_started()),
            Subject::Stored(found) => found.has_started(),
        }
    }

    /// As `has_started`, of one that has ended.
    pub fn had_started(&self) -> Result<bool, Error> {
        match self {
            Subject::Monitored(monitored, _) => monitored.had_started(),
            Subject::Stored(found) => found.has_started(),
        }
    }

    /// Whether its PID 1 has ended, and with it all that ran inside; where that is not known, its monitor.
    pub fn init_has_ended(&self) -> bool {
        match self {
            Subject::Monitored(monitored, _) => has_ended(&monitored.init),
            Subject::Stored(found) => found.init_has_ended(),
        }
    }

    /// Whether its monitor has ended too, after its last word.
    pub fn has_ended(&self) -> bool {
        self.init_has_ended()
            && match self {
                Subject::Monitored(monitored, _) => has_ended(&monitored.monitor),
                Subject::Stored(found) => found.monitor.as_ref().is_none_or(has_ended),
            }
    }

    /// How it ended, once it has.
    pub fn outcome(&self) -> Result<Outcome, Error> {
        match self {
            Subject::Monitored(monitored, _) => monitored.last_word(),
            Subject::Stored(found) => found.outcome(),
        }
    }
}
