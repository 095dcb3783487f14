// SPDX-License-Identifier: MIT OR Apache-2.0
//! The seccomp programs that monitor, guard and reaper run under once the command has started: the calls that they
//! still make, and EPERM for every other.

use contain_sys::arch::nr;
use contain_sys::filter::{self, Limited, Otherwise, RESTART_SYSCALL};
use contain_sys::{Result, identity};

/// What is still called.
const ALLOWED: [usize; 18] = [
    nr::PPOLL,
    nr::READ,
    nr::WRITE,
    nr::PIDFD_SEND_SIGNAL,
    nr::RECVMSG,
    nr::SENDMSG,
    nr::PREAD64,
    nr::WAIT4,
    nr::CLOCK_GETTIME,
    nr::GETPGID,
    nr::GETPID,
    nr::CLONE,
    nr::SETPGID,
    nr::CLOSE,
    nr::CLOSE_RANGE,
    nr::MUNMAP,
    nr::EXIT_GROUP,
    RESTART_SYSCALL,
];

/// What is asked of the caller's terminal and of the console: attributes, window size, foreground group.
const REQUESTS: Limited<'_> = Limited::requests(&[0x5401, 0x5402, 0x5403, 0x5413, 0x5414, 0x540f]);

/// What ending the tree of an injected command takes besides.
const WITH_TREE: [usize; ALLOWED.len() + 2] = filter::with(&ALLOWED, &[nr::PIDFD_OPEN, nr::WAITID]);

/// What a reaper still calls. Container root can look into one that is PID 1, and make it call what it likes: its filter
/// lets it do nothing that a profile keeps from the command.
const REAPING: [usize; 7] =
    [nr::PPOLL, nr::READ, nr::WAIT4, nr::PIDFD_SEND_SIGNAL, nr::SENDMSG, nr::EXIT_GROUP, RESTART_SYSCALL];

/// Of prctl the reaper has whether it is dumpable alone: nobody takes its parent-death signal from it, by which it ends
/// with the monitor.
const DUMPABLE: Limited<'_> = Limited::options(&[identity::PR_SET_DUMPABLE]);

const REAP: [filter::Instruction; filter::length(&REAPING, &DUMPABLE)] =
    filter::allow(&REAPING, &DUMPABLE, Otherwise::Refuse);
const WATCH: [filter::Instruction; filter::length(&ALLOWED, &REQUESTS)] =
    filter::allow(&ALLOWED, &REQUESTS, Otherwise::Refuse);
const END_TREE: [filter::Instruction; filter::length(&WITH_TREE, &REQUESTS)] =
    filter::allow(&WITH_TREE, &REQUESTS, Otherwise::Refuse);

/// What the guard calls that is there before its monitor has a filter: it waits, kills, sets the terminal's attributes and
/// ends. Others are made by a monitor under its own, and have that.
const GUARD_CALLS: [usize; 4] = [nr::PPOLL, nr::PIDFD_SEND_SIGNAL, nr::EXIT_GROUP, RESTART_SYSCALL];
const ATTRIBUTES: Limited<'_> = Limited::requests(&[0x5401, 0x5402]);
const GUARD: [filter::Instruction; filter::length(&GUARD_CALLS, &ATTRIBUTES)] =
    filter::allow(&GUARD_CALLS, &ATTRIBUTES, Otherwise::Refuse);

/// What a process of contain's still does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Duty {
    /// A monitor: it watches.
    Watch,
    /// A monitor that also ends the tree of an injected command at its deadline.
    EndTree,
    /// A reaper.
    Reap,
    /// A guard of a monitor that has no filter yet.
    Guard,
}

/// Loads the program; no exec gains privilege from here on.
pub fn load(duty: Duty) -> Result<()> {
    identity::set_no_new_privs()?;
    let program = match duty {
        Duty::Watch => WATCH.as_flattened(),
        Duty::EndTree => END_TREE.as_flattened(),
        Duty::Reap => REAP.as_flattened(),
        Duty::Guard => GUARD.as_flattened(),
    };
    identity::load_seccomp(program, 0)
}
