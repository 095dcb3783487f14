// SPDX-License-Identifier: MIT OR Apache-2.0
//! Copying files out of a running container, and into it. It is done by contain-init inside, as container root; no
//! program of the container's is needed, or trusted.

use super::{Container, Pending, Process, begin};
use crate::caller::raw;
use crate::compile::{self, Direction, Transfer};
use crate::config::Stdio;
use crate::error::{Error, Kind};
use crate::launch::{self, Along};
use crate::outcome::{EndedBy, Outcome};
use crate::{cgroup, join};
use std::ffi::OsStr;

impl Container {
    /// Starts copying a regular file of the container's to `destination`. Where it is longer than `limit` bytes, so many
    /// are copied. [`copied`] says how that ended.
    pub fn copy_out(&self, path: &OsStr, limit: u64, destination: Stdio) -> Result<Process, Error> {
        self.begin_copy_out(path, limit, destination)?.wait_on()
    }

    /// As `copy_out`, without waiting until the copying has begun.
    pub fn begin_copy_out(&self, path: &OsStr, limit: u64, destination: Stdio) -> Result<Pending<Process>, Error> {
        self.copy(path, Direction::Out { limit }, [Stdio::Null, destination, Stdio::Null])
    }

    /// Starts copying `source`, to its end, to a regular file of the container's, which is emptied first, or made
    /// with these permissions where it is missing. [`copied`] says how that ended.
    pub fn copy_in(&self, path: &OsStr, mode: u32, source: Stdio) -> Result<Process, Error> {
        self.begin_copy_in(path, mode, source)?.wait_on()
    }

    /// As `copy_in`, without waiting until the copying has begun.
    pub fn begin_copy_in(&self, path: &OsStr, mode: u32, source: Stdio) -> Result<Pending<Process>, Error> {
        if mode > 0o7777 {
            return Err(Error::invalid("mode", format!("{mode:o}"), "at most 0o7777"));
        }
        self.copy(path, Direction::In { mode }, [source, Stdio::Null, Stdio::Null])
    }

    fn copy(&self, path: &OsStr, direction: Direction, stdio: [Stdio; 3]) -> Result<Pending<Process>, Error> {
        let (pid, target) = self.running()?;
        let request = Transfer {
            path,
            direction,
            namespaces: join::differing(pid)?,
            pid,
            leave_groups: join::can_leave_groups()?,
            clear_groups: !join::denies_setgroups(pid),
            cgroups: cgroup::to_enter(pid)?.0,
        };
        let draft = compile::transfer(&request)?;
        let mut along = Along::new(0, &[]);
        along.target(raw(&target))?;
        let control = along.caller(self.lifetime)?;
        let launched = launch::beside(&draft, &along, stdio)?;
        drop(along);
        Ok(begin(control, launched, false, |monitored| Process { monitored: monitored.into() }))
    }
}

/// What the end of a copying process says: nothing, or why it failed. `verb` is `read` or `write`.
pub fn copied(verb: &str, path: &OsStr, outcome: &Outcome) -> Result<(), Error> {
    let stage = if verb == "read" { "file.read" } else { "file.write" };
    let mut error = Error::new(Kind::System, stage, format!("{verb} file"), path.to_string_lossy());
    error.in_child = true;
    match (outcome.ended_by, outcome.status) {
        (EndedBy::Exited, 0) => Ok(()),
        (EndedBy::Exited, errno) => Err(match errno {
            libc::EOPNOTSUPP | libc::ENXIO => {
                error.errno(errno).cause("it is a device, a fifo or a socket, not a regular file")
            }
            libc::EFBIG => error.errno(errno).cause("it is longer than was asked for, or than a limit on file sizes"),
            _ => error.errno(errno),
        }),
        _ => Err(error.cause("the process doing it was killed")),
    }
}
