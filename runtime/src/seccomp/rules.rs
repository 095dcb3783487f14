// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a seccomp filter is to decide: plain data, checked and compiled by `tree`.
//!
//! This module, `assemble`, `tree`, `profiles` and the tables are also part of the build script, which compiles
//! the named profiles: they use nothing of the rest of the runtime.

use seccompiler::SeccompCmpOp;
use std::fmt;

/// Number of the x32 form of a system call: bit 30, under the audit architecture of x86-64.
pub const X32_BIT: u32 = 0x4000_0000;

/// The number that a tracer sets to have the kernel skip a system call. The kernel does nothing for it and reports
/// what the tracer left in the result register, or ENOSYS.
pub const SKIPPED: u32 = u32::MAX;

/// The largest errno that the kernel hands on.
pub const LARGEST_ERRNO: u16 = 4095;

/// What the kernel does with a system call (seccomp(2), SECCOMP_RET_…).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// End the process by SIGSYS.
    KillProcess,
    /// End the calling thread by SIGSYS.
    KillThread,
    /// Send SIGSYS to the calling thread.
    Trap,
    /// Fail with this errno, at most [`LARGEST_ERRNO`].
    Errno(u16),
    /// Ask the listener.
    Notify,
    /// Tell the tracer, with this message; ENOSYS without one.
    Trace(u16),
    /// Carry out and log.
    Log,
    /// Carry out.
    Allow,
}

impl Action {
    /// The value that a program returns for it.
    pub fn code(self) -> u32 {
        match self {
            Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
            Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
            Action::Trap => libc::SECCOMP_RET_TRAP,
            Action::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
            Action::Notify => libc::SECCOMP_RET_USER_NOTIF,
            Action::Trace(message) => libc::SECCOMP_RET_TRACE | u32::from(message),
            Action::Log => libc::SECCOMP_RET_LOG,
            Action::Allow => libc::SECCOMP_RET_ALLOW,
        }
    }

    /// Of what two programs say, one loaded after the other, the kernel does this.
    pub fn stricter(self, other: Action) -> Action {
        let rank = |action: Action| match action {
            Action::KillProcess => 0,
            Action::KillThread => 1,
            Action::Trap => 2,
            Action::Errno(_) => 3,
            Action::Notify => 4,
            Action::Trace(_) => 5,
            Action::Log => 6,
            Action::Allow => 7,
        };
        // Of two alike the one that was loaded last counts.
        if rank(other) <= rank(self) { other } else { self }
    }

    /// What the kernel understands by the value that a program returned.
    pub fn of_code(code: u32) -> Action {
        let data = (code & libc::SECCOMP_RET_DATA) as u16;
        match code & libc::SECCOMP_RET_ACTION_FULL {
            libc::SECCOMP_RET_KILL_THREAD => Action::KillThread,
            libc::SECCOMP_RET_TRAP => Action::Trap,
            libc::SECCOMP_RET_ERRNO => Action::Errno(data.min(LARGEST_ERRNO)),
            libc::SECCOMP_RET_USER_NOTIF => Action::Notify,
            libc::SECCOMP_RET_TRACE => Action::Trace(data),
            libc::SECCOMP_RET_LOG => Action::Log,
            libc::SECCOMP_RET_ALLOW => Action::Allow,
            _ => Action::KillProcess,
        }
    }
}

/// A condition on one argument. On an architecture of 32 bits both the argument and the value are cut to their low
/// 32 bits: a 64-bit process may call `int 0x80` with anything in the upper halves of its registers, the filter
/// sees them, and the kernel ignores them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The argument's index, 0 to 5.
    pub argument: u8,
    /// The comparison, argument first; for `MaskedEq(mask)`: argument & mask == value & mask.
    pub comparison: SeccompCmpOp,
    /// What the argument is compared with.
    pub value: u64,
}

/// A decision about one system call, where all of the conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The system call's number, with [`X32_BIT`] for its x32 form.
    pub number: u32,
    /// What is done.
    pub action: Action,
    /// When; always where there are none.
    pub conditions: Vec<Condition>,
}

/// A processor's way of calling the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit calls, and x32 by [`X32_BIT`].
    X86_64,
    /// 32-bit calls.
    I386,
}

impl Architecture {
    /// The value that the kernel gives a filter (linux/audit.h, AUDIT_ARCH_…).
    pub fn audit(self) -> u32 {
        match self {
            Architecture::X86_64 => 0xc000_003e,
            Architecture::I386 => 0x4000_0003,
        }
    }

    /// The system calls and their numbers, by number.
    pub fn calls(self) -> impl Iterator<Item = (&'static str, u32)> {
        let rows = match self {
            Architecture::X86_64 => super::table_x86_64::ROWS,
            Architecture::I386 => super::table_i386::ROWS,
        };
        rows.iter()
            .flat_map(|(first, names)| names.split_ascii_whitespace().zip(*first..))
            .filter(|(name, _)| *name != "-")
    }

    /// The number of the system call of this name.
    pub fn number(self, name: &str) -> Option<u32> {
        self.calls().find(|(known, _)| *known == name).map(|(_, number)| number)
    }
}

/// What one architecture's system calls are to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The architecture.
    pub architecture: Architecture,
    /// What no rule decides, up to `newest`.
    pub default: Action,
    /// The last number that the rules' author had in view.
    pub newest: u32,
    /// What no rule decides above `newest`; [`SKIPPED`] is allowed all the same, unless a rule names it.
    pub newer: Action,
    /// What no rule decides of x32 (x86-64 only), up to `x32_newest`.
    pub x32: Action,
    /// The last number of x32 that the rules' author had in view; above it `newer`.
    pub x32_newest: u32,
    /// The rules. Those of one number are tried in their order, and the first that holds decides.
    pub rules: Vec<Rule>,
}

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Per architecture, each at most once.
    pub tables: Vec<Table>,
    /// What any other architecture meets.
    pub foreign: Action,
}

/// Why a filter does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// A condition on an argument that does not exist: system call number, argument.
    Argument(u32, u8),
    /// An errno that the kernel would cut to 4095.
    Errno(u16),
    /// An architecture with two tables.
    Twice(Architecture),
    /// A program of this many instructions; the kernel takes 4096.
    TooLong(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Argument(number, argument) => {
                write!(to, "compile seccomp rule of system call {number}: no argument {argument}: they are 0 to 5")
            }
            Error::Errno(errno) => write!(to, "compile seccomp filter: no errno {errno}: the largest is 4095"),
            Error::Twice(architecture) => {
                write!(to, "compile seccomp filter: two tables for {architecture:?}: merge their rules")
            }
            Error::TooLong(length) => {
                write!(to, "compile seccomp filter: {length} instructions: the kernel takes 4096: use fewer rules")
            }
        }
    }
}

impl std::error::Error for Error {}
