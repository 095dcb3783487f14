// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors: numbers that name something in this process's table, and what is done to the table itself.
//! An [`Fd`] owns nothing: core's processes close ranges at known points instead.

use crate::{Errno, Result, call};

/// A descriptor's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd(pub i32);

impl Fd {
    /// The current directory, in calls that take a directory descriptor (AT_FDCWD).
    pub const CWD: Fd = Fd(-100);
    /// No descriptor.
    pub const NONE: Fd = Fd(-1);

    /// Whether this names a descriptor at all.
    pub fn is_some(self) -> bool {
        self.0 >= 0
    }

    /// close(2). The number is gone whatever is returned.
    pub fn close(self) -> Result<()> {
        call!(CLOSE, self.0).map(drop)
    }

    /// The lowest free descriptor from `minimum` on, close-on-exec (F_DUPFD_CLOEXEC).
    pub fn duplicate_from(self, minimum: i32) -> Result<Fd> {
        const F_DUPFD_CLOEXEC: usize = 1030;
        call!(FCNTL, self.0, F_DUPFD_CLOEXEC, minimum).map(from_raw)
    }

    /// Makes `target` another name of this; never close-on-exec unless asked. The two must differ.
    pub fn duplicate_to(self, target: Fd, on_exec: OnExec) -> Result<()> {
        let flags = if on_exec == OnExec::Close { O_CLOEXEC } else { 0 };
        call!(DUP3, self.0, target.0, flags).map(drop)
    }

    /// Sets or clears close-on-exec.
    pub fn set_on_exec(self, on_exec: OnExec) -> Result<()> {
        const F_SETFD: usize = 2;
        call!(FCNTL, self.0, F_SETFD, usize::from(on_exec == OnExec::Close)).map(drop)
    }

    /// Takes O_NONBLOCK back: reading and writing waits.
    pub fn set_waits(self) -> Result<()> {
        const F_GETFL: usize = 3;
        const F_SETFL: usize = 4;
        const O_NONBLOCK: usize = 0o4000;
        let flags = call!(FCNTL, self.0, F_GETFL)?;
        call!(FCNTL, self.0, F_SETFL, flags & !O_NONBLOCK).map(drop)
    }

    /// Whether it is open and closes at an exec.
    pub fn closes_on_exec(self) -> bool {
        const F_GETFD: usize = 1;
        const FD_CLOEXEC: usize = 1;
        call!(FCNTL, self.0, F_GETFD).is_ok_and(|flags| flags & FD_CLOEXEC != 0)
    }

    /// Whether the number names an open descriptor.
    pub fn is_open(self) -> bool {
        const F_GETFD: usize = 1;
        call!(FCNTL, self.0, F_GETFD).is_ok()
    }
}

/// What happens to a descriptor at execve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExec {
    /// It is closed.
    Close,
    /// It stays open.
    Keep,
}

/// O_CLOEXEC, the same for every call that makes a descriptor.
pub(crate) const O_CLOEXEC: usize = 0o2_000_000;

/// A descriptor from a call's return value.
pub(crate) fn from_raw(value: usize) -> Fd {
    Fd(i32::try_from(value).unwrap_or(-1))
}

/// Sets close-on-exec on all of these; negative ones are passed over. They are put in order.
pub fn close_on_exec(descriptors: &mut [Fd]) -> Result<()> {
    const CLOSE_RANGE_CLOEXEC: usize = 4;
    descriptors.sort_unstable_by_key(|fd| fd.0);
    let mut named = descriptors.iter().filter(|fd| fd.is_some()).peekable();
    while let Some(first) = named.next() {
        let mut last = first.0;
        while let Some(next) = named.next_if(|fd| fd.0 == last || fd.0 == last.saturating_add(1)) {
            last = next.0;
        }
        match call!(CLOSE_RANGE, first.0, last, CLOSE_RANGE_CLOEXEC) {
            // Kernel 5.11: the flag.
            Err(Errno::EINVAL) => (first.0..=last).try_for_each(|fd| Fd(fd).set_on_exec(OnExec::Close))?,
            other => drop(other?),
        }
    }
    Ok(())
}

/// Closes all descriptors from `first` to `last`, both included (close_range(2)). Kernel 5.9.
pub fn close_range(first: u32, last: u32) -> Result<()> {
    if first > last {
        return Ok(());
    }
    call!(CLOSE_RANGE, first, last, 0).map(drop)
}

/// Closes every descriptor from 0 on but those of `keep`, which is put in order; negative ones are passed over.
pub fn close_all_but(keep: &mut [Fd]) -> Result<()> {
    keep.sort_unstable_by_key(|fd| fd.0);
    let mut next = 0u32;
    for fd in keep.iter() {
        let Ok(number) = u32::try_from(fd.0) else { continue };
        if number > next {
            close_range(next, number.saturating_sub(1))?;
        }
        next = next.max(number.saturating_add(1));
    }
    close_range(next, u32::MAX)
}
