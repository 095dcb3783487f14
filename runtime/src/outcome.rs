// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a container or an injected command ended.

use std::time::Duration;

use crate::seccomp;
use contain_plan::Step;
use contain_plan::message::{Ending, Reached};
use serde_json::{Value, json};

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
    /// The command has used up the CPU time of its limit (`Config::rlimits`, RLIMIT_CPU); `status` is SIGXCPU or SIGKILL.
    Cpu = 4,
    /// The captured output reached its limit and the whole tree was killed.
    Output = 6,
    /// The seccomp program ended the command; `status` is SIGSYS. The signal itself, sent by somebody inside under a
    /// program that can do that, is not told from it.
    Seccomp = 7,
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
            EndedBy::Cpu => "cpu",
            EndedBy::Output => "output",
            EndedBy::Seccomp => "seccomp",
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
            EndedBy::Signalled | EndedBy::Cpu | EndedBy::Output | EndedBy::Seccomp => 128 + self.status,
        }
    }
}

impl Outcome {
    /// By what the monitor says. `reason`: why this process had it killed.
    pub(crate) fn of(ending: &Ending, reason: Option<EndedBy>, causes: Causes) -> Outcome {
        let (user, system) = (Duration::from_micros(ending.user_us), Duration::from_micros(ending.system_us));
        let (by_itself, status) = match ending.status & 0x7f {
            0 => (EndedBy::Exited, (ending.status >> 8) & 0xff),
            signal => (EndedBy::Signalled, signal),
        };
        let ended_by = match (ending.reached, reason) {
            (Reached::Deadline, _) => EndedBy::Wall,
            (_, Some(reason)) if by_itself == EndedBy::Signalled && status == libc::SIGKILL => reason,
            (Reached::Nothing, _) if by_itself == EndedBy::Signalled => causes.of_signal(status, user + system),
            _ => by_itself,
        };
        let wall = Duration::from_nanos(ending.wall_ns);
        Outcome { ended_by, status, wall, user, system, peak_memory: ending.peak_kib.saturating_mul(1024) }
    }
}

/// libc's own has another type with each C library.
const RLIMIT_CPU: u32 = nix::sys::resource::Resource::RLIMIT_CPU as u32;

/// What a command was given that ends it by a signal which others can send too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Causes {
    /// Its seccomp program can kill or trap.
    seccomp: bool,
    /// Its limit of CPU time, soft and hard, in seconds; `u64::MAX` is none.
    cpu: Option<(u64, u64)>,
}

impl Causes {
    /// Notes what a step of its plan means for that.
    pub fn note(&mut self, step: &Step<'_>) {
        if let Step::LimitResource { resource: RLIMIT_CPU, soft, hard } = *step {
            self.cpu = Some((soft, hard));
        }
    }

    /// Notes a seccomp program of the caller's own. Those that have a name end nothing.
    pub fn note_program(&mut self, program: &[u8]) {
        self.seccomp |= seccomp::can_end(program);
    }

    /// Why a signal that nobody asked for ended it, with so much CPU time used.
    fn of_signal(self, signal: i32, used: Duration) -> EndedBy {
        let reached = |limit: u64| limit != u64::MAX && is_used_up(used, limit);
        match (signal, self.cpu) {
            (libc::SIGSYS, _) if self.seccomp => EndedBy::Seccomp,
            (libc::SIGXCPU, Some((soft, _))) if reached(soft) => EndedBy::Cpu,
            (libc::SIGKILL, Some((_, hard))) if reached(hard) => EndedBy::Cpu,
            _ => EndedBy::Signalled,
        }
    }

    pub fn to_json(self) -> Value {
        json!({ "seccomp": self.seccomp, "cpu": self.cpu.map(|(soft, hard)| [soft, hard]) })
    }

    pub fn from_json(value: &Value) -> Option<Causes> {
        let cpu = match &value["cpu"] {
            Value::Null => None,
            limits => Some((limits[0].as_u64()?, limits[1].as_u64()?)),
        };
        Some(Causes { seccomp: value["seccomp"].as_bool()?, cpu })
    }
}

/// Whether a limit of so many seconds has been reached. The kernel counts for it in ticks of its clock, each for whom it
/// finds running, and tells what was used by a finer clock. The two differ as samples do, by the square root of their
/// number: a quarter of a limit of one second, a fortieth of one of a hundred. The kernel takes 0 for 1.
fn is_used_up(used: Duration, limit: u64) -> bool {
    let limit = limit.max(1);
    let doubt = u128::from(limit.isqrt()) * 250;
    used.as_millis() + doubt >= u128::from(limit) * 1000
}

/// The shell's exit status for a wait status as wait4(2) gives it.
pub fn status_of_wait(status: i32) -> i32 {
    if status & 0x7f == 0 { (status >> 8) & 0xff } else { 128 + (status & 0x7f) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSES: Causes = Causes { seccomp: true, cpu: Some((2, 5)) };
    const NONE: Causes = Causes { seccomp: false, cpu: None };

    fn ending(status: i32, seconds: u64, reached: Reached) -> Ending {
        Ending { status, user_us: seconds * 999_000, system_us: 500, reached, ..Ending::default() }
    }

    #[test]
    fn signal_is_told_by_who_may_have_sent_it() {
        let by =
            |status, seconds, reached, causes| Outcome::of(&ending(status, seconds, reached), None, causes).ended_by;
        for (status, seconds, expected) in [
            (libc::SIGSYS, 0, EndedBy::Seccomp),
            (libc::SIGSYS | 0x80, 0, EndedBy::Seccomp),
            (libc::SIGXCPU, 2, EndedBy::Cpu),
            (libc::SIGXCPU, 1, EndedBy::Signalled),
            (libc::SIGKILL, 5, EndedBy::Cpu),
            (libc::SIGKILL, 4, EndedBy::Signalled),
            (libc::SIGTERM, 9, EndedBy::Signalled),
            (libc::SIGSYS << 8, 9, EndedBy::Exited),
        ] {
            assert_eq!(by(status, seconds, Reached::Nothing, CAUSES), expected, "{status} after {seconds} s");
            let plain = if status & 0x7f == 0 { EndedBy::Exited } else { EndedBy::Signalled };
            assert_eq!(by(status, seconds, Reached::Nothing, NONE), plain, "{status}: nothing was given");
            assert_eq!(by(status, seconds, Reached::Asked, CAUSES), plain, "{status}: somebody asked for it");
        }
        assert_eq!(by(libc::SIGKILL, 5, Reached::Deadline, CAUSES), EndedBy::Wall);
        let unlimited = Causes { seccomp: false, cpu: Some((2, u64::MAX)) };
        assert_eq!(by(libc::SIGKILL, 1 << 40, Reached::Nothing, unlimited), EndedBy::Signalled);
    }

    #[test]
    fn callers_reason_counts_where_it_was_killed() {
        let by = |status, reached| Outcome::of(&ending(status, 5, reached), Some(EndedBy::Output), CAUSES).ended_by;
        assert_eq!(by(libc::SIGKILL, Reached::Asked), EndedBy::Output);
        assert_eq!(by(libc::SIGKILL, Reached::Nothing), EndedBy::Output);
        assert_eq!(by(libc::SIGSYS, Reached::Nothing), EndedBy::Seccomp);
        assert_eq!(by(7 << 8, Reached::Nothing), EndedBy::Exited);
    }

    #[test]
    fn status_is_the_same_whatever_sent_the_signal() {
        for (status, causes) in [(libc::SIGSYS, CAUSES), (libc::SIGXCPU, CAUSES), (libc::SIGSYS, NONE)] {
            let outcome = Outcome::of(&ending(status, 2, Reached::Nothing), None, causes);
            assert_eq!((outcome.status, outcome.exit_status()), (status, 128 + status));
        }
    }

    #[test]
    fn causes_are_kept_as_json() {
        for causes in [CAUSES, NONE, Causes { seccomp: false, cpu: Some((0, u64::MAX)) }] {
            assert_eq!(Causes::from_json(&causes.to_json()), Some(causes));
        }
        assert_eq!(Causes::from_json(&json!({ "seccomp": 1, "cpu": null })), None);
        assert_eq!(Causes::from_json(&json!({ "seccomp": true, "cpu": [1] })), None);
    }
}
