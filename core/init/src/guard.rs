// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guard: a process in the monitor's memory that outlives it long enough to kill PID 1 and to give the caller's
//! terminal its attributes back, and ends by itself with PID 1. From the command's exec on a parent-death signal is not
//! enough, since a command can clear it and a change of ids does.

use crate::attributes;
use crate::context::{Context, Fault};
use crate::filter::{self, Duty};
use contain_sys::identity::{self, Capabilities, capability};
use contain_sys::process::{self, Child};
use contain_sys::program::{Once, Program};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::{Errno, Fd, Result};

/// How often a dead guard is replaced. Only somebody who kills guards on purpose needs the last.
const SPARE: usize = 8;
const STACK: usize = 4096;

static STACKS: [Once<[u8; STACK]>; SPARE] = [const { Once::new([0; STACK]) }; SPARE];

/// A guard, and the pidfd of the monitor that it watches.
#[derive(Clone, Copy)]
pub struct Guard {
    pub child: Child,
    pub monitor: Fd,
}

/// Starts the first guard before PID 1 does what ends with the command's exec: a command that kills the monitor at once
/// finds the guard there. Where the monitor still needs what a guard does not, that gives it up by itself.
pub fn start_in_time(context: &mut Context<'_>) -> core::result::Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let (monitor, child) = match &context.settled {
        Some(settled) => (settled.myself, start(context.program, settled.myself, init.pidfd)?),
        None => {
            let monitor = process::open_pidfd(process::id())?;
            (monitor, start_in(context.program, give_up_and_watch, monitor, init.pidfd)?)
        }
    };
    context.guard = Some(Guard { child, monitor });
    Ok(())
}

/// Starts a guard, by a monitor that has given up all it does not need. EAGAIN when all spare ones are used up.
pub fn start(program: Program, monitor: Fd, init: Fd) -> Result<Child> {
    start_in(program, watch, monitor, init)
}

fn start_in(program: Program, entry: extern "C" fn(*mut u8) -> !, monitor: Fd, init: Fd) -> Result<Child> {
    let stack = STACKS.iter().find_map(Once::take).ok_or(Errno::EAGAIN)?;
    let child = program.start_beside(stack, entry, pack(monitor, init))?;
    // With the caller's terminal passed on, the command is in the monitor's process group and can kill or stop all of
    // it at once (kill(2) of 0). ORDER: by the monitor, so that it is done before the command runs.
    match process::lead_group(child.pid) {
        // ESRCH: it has been killed, which the monitor sees.
        Ok(()) | Err(Errno::ESRCH) => Ok(child),
        Err(errno) => Err(errno),
    }
}

/// Keeps no capability but the one to signal inside, and puts the filter up.
pub fn give_up(duty: Duty) -> Result<()> {
    let kill = identity::capabilities()?.permitted & (1 << capability::KILL);
    identity::set_capabilities(Capabilities { effective: kill, permitted: kill, inheritable: 0 })?;
    filter::load(duty)
}

fn pack(monitor: Fd, init: Fd) -> usize {
    (monitor.0 as usize & 0xffff_ffff) | (init.0 as usize).wrapping_shl(32)
}

extern "C" fn give_up_and_watch(argument: *mut u8) -> ! {
    until_monitor_ends(argument, give_up(Duty::Guard))
}

extern "C" fn watch(argument: *mut u8) -> ! {
    until_monitor_ends(argument, Ok(()))
}

fn until_monitor_ends(argument: *mut u8, ready: Result<()>) -> ! {
    let packed = argument.addr();
    let monitor = (packed & 0xffff_ffff) as i32;
    let init = Fd(packed.wrapping_shr(32) as i32);
    loop {
        let mut asked = [monitor, init.0].map(|fd| Poll { fd, events: poll_event::IN, answered: 0 });
        // An error here means that this cannot watch: better to end the container than to leave it unguarded.
        let watches = ready.is_ok() && poll(&mut asked, -1).is_ok();
        let [monitor, ended] = asked.map(|one| one.answered != 0);
        if !watches || monitor {
            let _ = process::send_signal(init, number::SIGKILL);
        }
        if watches && monitor {
            // SIGTTOU is blocked like every signal: its group is not the foreground's.
            attributes::restore(Fd(0));
        }
        if !watches || monitor || ended {
            process::exit(0);
        }
    }
}
