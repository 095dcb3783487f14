// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signal masks, dispositions and signals read from a descriptor.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Errno, Fd, Result, call};

/// Signal numbers (signal(7)).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod number {
    pub const SIGHUP: i32 = 1;
    pub const SIGINT: i32 = 2;
    pub const SIGQUIT: i32 = 3;
    pub const SIGKILL: i32 = 9;
    pub const SIGPIPE: i32 = 13;
    pub const SIGTERM: i32 = 15;
    pub const SIGCHLD: i32 = 17;
    pub const SIGCONT: i32 = 18;
    pub const SIGSTOP: i32 = 19;
    pub const SIGTSTP: i32 = 20;
    pub const SIGTTIN: i32 = 21;
    pub const SIGTTOU: i32 = 22;
    pub const SIGWINCH: i32 = 28;
    pub const LAST: i32 = 64;
}

/// A set of signals: bit N-1 is signal N.
pub type Mask = u64;

/// Every signal that can be blocked.
pub const ALL: Mask = !0;

/// The set with one signal in it.
pub fn bit(signal: i32) -> Mask {
    u32::try_from(signal.saturating_sub(1)).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or(0)
}

/// Sets the calling thread's mask; the one that was set before.
pub fn set_mask(mask: Mask) -> Result<Mask> {
    const SIG_SETMASK: usize = 2;
    let mut old: Mask = 0;
    call!(RT_SIGPROCMASK, SIG_SETMASK, &raw const mask, &raw mut old, size_of::<Mask>())?;
    Ok(old)
}

/// Gives every signal its default action. EINVAL for the two that have no other is no error.
pub fn reset_all() -> Result<()> {
    let action = [0u64; 4];
    for signal in 1..=number::LAST {
        match call!(RT_SIGACTION, signal, action.as_ptr(), 0, size_of::<Mask>()) {
            Ok(_) | Err(Errno::EINVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

const SIG_IGN: u64 = 1;

/// SIGALRM after so many seconds (alarm(2)), in place of any that was asked for before.
pub fn alarm(seconds: u32) -> Result<()> {
    call!(ALARM, seconds).map(drop)
}

/// Whether a signal is ignored.
pub fn is_ignored(signal: i32) -> Result<bool> {
    let mut action = [0u64; 4];
    call!(RT_SIGACTION, signal, 0, action.as_mut_ptr(), size_of::<Mask>())?;
    let [handler, ..] = action;
    Ok(handler == SIG_IGN)
}

/// Gives one signal its default action.
pub fn reset(signal: i32) -> Result<()> {
    let action = [0u64; 4];
    call!(RT_SIGACTION, signal, action.as_ptr(), 0, size_of::<Mask>()).map(drop)
}

/// Has one signal ignored.
pub fn ignore(signal: i32) -> Result<()> {
    let action = [SIG_IGN, 0, 0, 0];
    call!(RT_SIGACTION, signal, action.as_ptr(), 0, size_of::<Mask>()).map(drop)
}

/// A descriptor that reads the signals of `mask`, which must be blocked (signalfd(2)).
pub fn open_reader(mask: Mask) -> Result<Fd> {
    const SFD_NONBLOCK: usize = 0o4000;
    call!(SIGNALFD4, -1i32, &raw const mask, size_of::<Mask>(), O_CLOEXEC | SFD_NONBLOCK).map(from_raw)
}

/// One signal as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub signal: i32,
    /// Whether the kernel sent it to a whole process group, as a terminal does (SI_KERNEL).
    pub from_kernel: bool,
}

/// The next pending signal; `None` when there is none.
pub fn read_one(reader: Fd) -> Result<Option<Received>> {
    const SI_KERNEL: u32 = 0x80;
    // struct signalfd_siginfo: 128 bytes; signo, errno, code first.
    let mut info = [0u32; 32];
    match call!(READ, reader.0, info.as_mut_ptr(), size_of_val(&info)) {
        Ok(_) => {
            let [signal, _, code, ..] = info;
            Ok(Some(Received { signal: i32::try_from(signal).unwrap_or(0), from_kernel: code == SI_KERNEL }))
        }
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// What poll(2) is asked about one descriptor, and its answer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// The descriptor; negative ones are passed over.
    pub fd: i32,
    /// Asked.
    pub events: u16,
    /// Answered.
    pub answered: u16,
}

#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod poll_event {
    pub const IN: u16 = 1;
    pub const OUT: u16 = 4;
    pub const ERR: u16 = 8;
    pub const HUP: u16 = 16;
    /// POLLNVAL: the number names no descriptor.
    pub const CLOSED: u16 = 32;
}

/// ppoll(2); `timeout_ms` negative waits for ever. How many descriptors have an answer; 0 when interrupted.
pub fn poll(descriptors: &mut [Poll], timeout_ms: i64) -> Result<usize> {
    let timeout = [timeout_ms / 1000, (timeout_ms % 1000).saturating_mul(1_000_000)];
    let pointer = if timeout_ms < 0 { core::ptr::null() } else { timeout.as_ptr() };
    match call!(PPOLL, descriptors.as_mut_ptr(), descriptors.len(), pointer, 0, 0) {
        Err(Errno::EINTR) => Ok(0),
        other => other,
    }
}
