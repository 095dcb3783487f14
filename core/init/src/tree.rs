// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ending an injected command with everything that it started, and nothing else. A reaper in the container's PID
//! namespace is the command's parent, and a subreaper: whatever is orphaned below it becomes its child. It is stopped
//! first; a process that is dead then stays its child, and no process id that its list names can be anybody else's.
//!
//! Not covered: what escapes by killing or continuing the reaper, which the container's root can do, and what another
//! process was asked to start.

use crate::context::{Context, Fault};
use crate::id_map::{Decimal, process_directory};
use contain_sys::file::{self, Resolve, flags};
use contain_sys::process::{self, Child};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::{Errno, Fd, Result};

/// How often the list is gone through, with a pause of at most as many milliseconds each.
const PASSES: u32 = 500;
const PAUSE_MS: i64 = 10;

/// How many milliseconds the reaper is given to stop.
const STOP_MS: u32 = 1000;

#[derive(PartialEq, Eq)]
enum Met {
    Stopped,
    Ended,
}

/// The reaper, and its list of children as the host's /proc shows it.
pub struct Tree {
    reaper: Child,
    /// /proc/PID/task/PID/children.
    pub children: Fd,
}

/// Opens the list of the process that this monitor has made.
pub fn open(context: &Context<'_>) -> core::result::Result<Tree, Fault> {
    let Some(reaper) = context.init else { return Err(Fault::Died) };
    let read_only = |directory: Fd, name: &core::ffi::CStr, flags: u32| {
        let opened = file::open_in(directory, name, flags, Resolve::SAME_MOUNT_NO_LINKS);
        directory.close().and(opened)
    };
    let tasks = read_only(process_directory(context)?, c"task", flags::O_PATH | flags::O_DIRECTORY)?;
    let task = read_only(tasks, Decimal::new(reaper.pid).text(), flags::O_PATH | flags::O_DIRECTORY)?;
    let children = read_only(task, c"children", flags::O_RDONLY)?;
    Ok(Tree { reaper, children })
}

impl Tree {
    /// Kills every process below the reaper and lets it reap them; it then reports the command's end.
    pub fn kill(&self) -> Result<()> {
        process::send_signal(self.reaper.pidfd, number::SIGSTOP)?;
        if self.stops_or_ends()? == Met::Ended {
            return Ok(());
        }
        let mut passes = 0u32;
        while self.kill_living()? && passes < PASSES {
            passes = passes.saturating_add(1);
        }
        process::send_signal(self.reaper.pidfd, number::SIGCONT)
    }

    /// ETIMEDOUT where it does neither: container root lets it go on again and again, or its cgroup is frozen.
    fn stops_or_ends(&self) -> Result<Met> {
        for _ in 0..STOP_MS {
            if process::has_stopped(self.reaper.pid)? {
                return Ok(Met::Stopped);
            }
            // It may have ended by itself just now.
            if poll(&mut [Poll { fd: self.reaper.pidfd.0, events: poll_event::IN, answered: 0 }], 1)? != 0 {
                return Ok(Met::Ended);
            }
        }
        Err(Errno::ETIMEDOUT)
    }

    /// Goes through the list once, and waits a little for the end of one that lived; whether any did.
    fn kill_living(&self) -> Result<bool> {
        let mut last = Fd::NONE;
        let waited = self.kill_listed(&mut last).and_then(|()| {
            if last.is_some() {
                poll(&mut [Poll { fd: last.0, events: poll_event::IN, answered: 0 }], PAUSE_MS)?;
            }
            Ok(last.is_some())
        });
        if !last.is_some() {
            return waited;
        }
        let closed = last.close();
        waited.and_then(|lived| closed.map(|()| lived))
    }

    /// Goes through the list once; `last` is a pidfd of one that lived.
    fn kill_listed(&self, last: &mut Fd) -> Result<()> {
        let mut buffer = [0u8; 1024];
        let (mut offset, mut number) = (0usize, 0i32);
        loop {
            let length = file::read_at(self.children, &mut buffer, offset)?;
            for byte in buffer.get(..length).unwrap_or(&[]) {
                if byte.is_ascii_digit() {
                    let digit = i32::from(byte.wrapping_sub(b'0'));
                    number = number.checked_mul(10).and_then(|tens| tens.checked_add(digit)).ok_or(Errno::EINVAL)?;
                } else if number != 0 {
                    self.kill_one(number, last)?;
                    number = 0;
                }
            }
            offset = offset.saturating_add(length);
            if length == 0 {
                return Ok(());
            }
        }
    }

    /// Kills a child that lives, and keeps its pidfd in place of the one before.
    fn kill_one(&self, pid: i32, last: &mut Fd) -> Result<()> {
        let pidfd = process::open_pidfd(pid)?;
        match self.kill_held(pidfd) {
            Ok(true) => {
                let before = core::mem::replace(last, pidfd);
                if before.is_some() { before.close() } else { Ok(()) }
            }
            other => {
                let closed = pidfd.close();
                other.and(closed)
            }
        }
    }

    /// Kills the child of a pidfd; whether it lived.
    fn kill_held(&self, pidfd: Fd) -> Result<bool> {
        let mut asked = [Poll { fd: pidfd.0, events: poll_event::IN, answered: 0 }];
        if poll(&mut asked, 0)? != 0 {
            return Ok(false);
        }
        // ORDER: when the pidfd was opened, the id was still that of the process on the list: the reaper has stood still.
        // EAGAIN: container root has let it go on, and it may have reaped that process.
        if process::has_gone_on(self.reaper.pid)? {
            return Err(Errno::EAGAIN);
        }
        // ESRCH: it has just ended.
        let _ = process::send_signal(pidfd, number::SIGKILL);
        Ok(true)
    }
}
