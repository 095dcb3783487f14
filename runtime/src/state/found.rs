// SPDX-License-Identifier: MIT OR Apache-2.0
//! A container on disk as one who watches it holds it: by pidfds and its open record, so that neither its removal nor
//! that of its directory takes the end away.

use super::directory::{STAGE, refused};
use super::document::Record;
use super::held::has_ended;
use super::stored::{Stored, outcome_of};
use crate::caller::system;
use crate::container::reap;
use crate::error::Error;
use crate::outcome::Outcome;
use contain_sys::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;

/// A container on disk, watched.
#[derive(Debug)]
pub(crate) struct Found {
    stored: Arc<Stored>,
    /// None where it had ended before.
    pub(crate) monitor: Option<OwnedFd>,
    /// None where it had ended before, or is not known yet.
    pub(crate) init: Option<(i32, OwnedFd)>,
    record: Option<File>,
    /// Tells that something was written to the record, until the command has been started.
    pub(crate) written: Option<Inotify>,
}

impl Found {
    pub fn new(stored: Arc<Stored>) -> Result<Found, Error> {
        let record = Record::open(stored.place().1)?;
        let (monitor, init) = (stored.monitor()?, stored.init()?);
        let mut found = Found { stored, monitor, init, record, written: None };
        if !found.has_started()? && !found.init_has_ended() {
            // Whoever looks whether it has been started does so after this.
            found.written = found.record.as_ref().map(watch).transpose()?;
        }
        Ok(found)
    }

    pub fn find_init(&mut self) -> Result<(), Error> {
        if self.init.is_none() {
            self.init = self.stored.init()?;
        }
        Ok(())
    }

    fn record(&self) -> Result<Record, Error> {
        let read = self.record.as_ref().map_or_else(|| Ok(Record::default()), Record::read_again);
        read.map_err(|error| {
            refused("read the record in", self.stored.place().1.path())(Errno(
                error.raw_os_error().unwrap_or(libc::EIO),
            ))
        })
    }

    pub fn has_started(&self) -> Result<bool, Error> {
        if let Some(written) = &self.written {
            // ORDER: what is written after the look is told again.
            while written.read_events().is_ok() {}
        }
        self.record().map(|record| record.started.is_some())
    }

    pub fn init_has_ended(&self) -> bool {
        match &self.init {
            Some((_, init)) => has_ended(init),
            None => self.stored.knows_init() || self.monitor.as_ref().is_none_or(has_ended),
        }
    }

    pub fn outcome(&self) -> Result<Outcome, Error> {
        if let Some(monitor) = &self.monitor {
            reap(monitor);
        }
        self.record().map(|record| outcome_of(&record, self.stored.reason(), self.stored.causes()))
    }
}

/// By its descriptor, so that it is the very file.
fn watch(record: &File) -> Result<Inotify, Error> {
    let made = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).and_then(|inotify| {
        let path = format!("/proc/self/fd/{}", record.as_raw_fd());
        inotify.add_watch(path.as_str(), AddWatchFlags::IN_MODIFY).map(|_| inotify)
    });
    made.map_err(|errno| {
        let error = system(STAGE, "watch", "the record of a created container")(Errno(errno as i32));
        match errno {
            nix::Error::EMFILE | nix::Error::ENOSPC => error
                .cause("a limit is reached: on open files, or on what this user watches by inotify(7)")
                .remedy("raise it: ulimit -n, sysctl fs.inotify.max_user_instances and fs.inotify.max_user_watches"),
            _ => error,
        }
    })
}
