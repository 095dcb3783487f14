// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a container or an injected command ended.

use std::time::Duration;

/// Why it ended: one enumeration everywhere. The numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum EndedBy {
    /// The command exited; `status` is its exit status.
    Exited = 1,
    /// A signal ended the command; `status` is the signal's number.
    Signalled = 2,
    /// The deadline passed and the whole tree was killed; `status` is SIGKILL.
    Wall = 3,
    /// The captured output reached its limit and the whole tree was killed.
    Output = 6,
    /// The command never began: making the container or executing the command failed; `status` is 125.
    Setup = 8,
}

impl EndedBy {
    /// The word that a program reads.
    pub fn word(self) -> &'static str {
        match self {
            EndedBy::Exited => "exited",
            EndedBy::Signalled => "signalled",
            EndedBy::Wall => "wall",
            EndedBy::Output => "output",
            EndedBy::Setup => "setup",
        }
    }
}

/// The result of a run. Times are those of the command and of everything it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Why it ended.
    pub ended_by: EndedBy,
    /// Exit status or signal number, as `ended_by` says.
    pub status: i32,
    /// From the command's exec to its end.
    pub wall: Duration,
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
    /// Highest resident set of one process, in bytes.
    pub peak_memory: u64,
}

impl Outcome {
    /// That of a container whose command could not be executed.
    pub(crate) const NEVER_BEGUN: Outcome = Outcome {
        ended_by: EndedBy::Setup,
        status: 125,
        wall: Duration::ZERO,
        user: Duration::ZERO,
        system: Duration::ZERO,
        peak_memory: 0,
    };

    /// The exit status a shell would show: the command's own, 128+N for a signal, 124 for the deadline.
    pub fn exit_status(&self) -> i32 {
        match self.ended_by {
            EndedBy::Exited | EndedBy::Setup => self.status,
            EndedBy::Wall => 124,
            EndedBy::Signalled | EndedBy::Output => 128 + self.status,
        }
    }
}

/// The shell's exit status for a wait status as wait4(2) gives it.
pub fn status_of_wait(status: i32) -> i32 {
    if status & 0x7f == 0 { (status >> 8) & 0xff } else { 128 + (status & 0x7f) }
}
