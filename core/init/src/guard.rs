// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guard: a process in the monitor's memory that outlives it long enough to kill PID 1. From the command's exec
//! on a parent-death signal is not enough, since a command can clear it and a change of ids does.

use contain_sys::process::{self, Child};
use contain_sys::program::{Once, Program};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::{Errno, Fd, Result};

/// How often a dead guard is replaced. Only somebody who kills guards on purpose needs the last.
const SPARE: usize = 8;
const STACK: usize = 4096;

static STACKS: [Once<[u8; STACK]>; SPARE] = [const { Once::new([0; STACK]) }; SPARE];

/// Starts a guard. EAGAIN when all spare ones are used up.
pub fn start(program: Program, monitor: Fd, init: Fd) -> Result<Child> {
    let stack = STACKS.iter().find_map(Once::take).ok_or(Errno::EAGAIN)?;
    program.start_beside(stack, watch, pack(monitor, init))
}

fn pack(monitor: Fd, init: Fd) -> usize {
    (monitor.0 as usize & 0xffff_ffff) | (init.0 as usize).wrapping_shl(32)
}

extern "C" fn watch(argument: *mut u8) -> ! {
    let packed = argument.addr();
    let monitor = (packed & 0xffff_ffff) as i32;
    let init = Fd(packed.wrapping_shr(32) as i32);
    loop {
        let mut asked = [Poll { fd: monitor, events: poll_event::IN, answered: 0 }];
        // An error here means that this cannot watch: better to end the container than to leave it unguarded.
        if poll(&mut asked, -1).is_err() || asked.iter().any(|answer| answer.answered != 0) {
            let _ = process::send_signal(init, number::SIGKILL);
            process::exit(0);
        }
    }
}
