// SPDX-License-Identifier: MIT OR Apache-2.0
//! PID 1 as a reaper: it starts the command as its child, reaps what is orphaned, passes signals on, and reports the
//! command's end. The kernel treats PID 1 unlike any other process; under a reaper the command is none.

use crate::context::{Context, Fault};
use crate::walk;
use contain_plan::message::{Ending, Message};
use contain_sys::identity::{self, Capabilities, Dumpable, capability};
use contain_sys::process::{self, Child, Ended, Hang};
use contain_sys::program::Once;
use contain_sys::signal::{self, Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, fd};

static STACK: Once<[u8; 128 * 1024]> = Once::new([0; 128 * 1024]);

struct Command<'a, 'p> {
    context: &'a mut Context<'p>,
    fault: Option<Fault>,
}

/// PID 1 once the command has been started.
pub struct Reaper {
    child: Child,
    peer: Fd,
}

/// Starts the process that does the remaining steps, and waits until it has executed the command.
pub fn start_command(context: &mut Context<'_>) -> Result<Reaper, Fault> {
    let Some(stack) = STACK.take() else { return Err(Errno::EBUSY.into()) };
    let program = context.program;
    let mut command = Command { context, fault: None };
    // This process stands still until the child has executed or exited.
    let child = program.run_until_exec(stack, go_on, &mut command)?;
    if let Some(fault) = command.fault {
        process::wait(child.pid, Hang::Yes)?;
        return Err(fault);
    }
    Ok(Reaper { child, peer: context.peer })
}

fn go_on(command: &mut Command<'_, '_>) -> ! {
    if let Err(fault) = walk::rest(command.context) {
        command.fault = Some(fault);
    }
    process::exit(crate::OWN_FAILURE)
}

impl Reaper {
    /// Gives up all but what reaping needs, reaps until the command has ended, and reports that. The exit status.
    pub fn reap(&self) -> i32 {
        // A reaper that fails ends, and with it the container; the monitor then sees how PID 1 ended.
        match self.settle().and_then(|signals| until_end(self.child, signals)) {
            Ok(ended) => {
                let ending = Ending {
                    status: ended.status,
                    wall_ns: 0,
                    user_us: ended.user_us,
                    system_us: ended.system_us,
                    peak_kib: ended.peak_kib,
                };
                // A monitor that is gone needs no report; one that is there must not take this for success.
                self.tell(&Message::Ended(ending)).map_or(crate::OWN_FAILURE, |()| 0)
            }
            Err(_) => crate::OWN_FAILURE,
        }
    }

    fn settle(&self) -> contain_sys::Result<Fd> {
        signal::set_mask(signal::ALL)?;
        let signals = signal::open_reader(signal::ALL)?;
        fd::close_all_but(&mut [self.peer, signals, self.child.pidfd])?;
        identity::set_name(c"contain-init")?;
        let kill = identity::capabilities()?.permitted & (1 << capability::KILL);
        identity::set_capabilities(Capabilities { effective: kill, permitted: kill, inheritable: 0 })?;
        identity::set_no_new_privs()?;
        // As dumpable as the command itself: who may look into the container, its own root and the user who started
        // it, joins its namespaces through PID 1. Nothing of the host's is left in here: the program is sealed, the
        // plan unmapped, and one socket open on which only the command's end is told.
        identity::set_dumpable(Dumpable::Yes)?;
        // The rendezvous after the exec, which here the closing of a socket cannot be.
        self.tell(&Message::Go)?;
        Ok(signals)
    }

    fn tell(&self, message: &Message) -> contain_sys::Result<()> {
        socket::send(self.peer, &message.to_bytes(), Fd::NONE, Wait::Yes)
    }
}

fn until_end(child: Child, signals: Fd) -> contain_sys::Result<Ended> {
    loop {
        while let Some(ended) = process::wait(-1, Hang::No)? {
            if ended.pid == child.pid {
                return Ok(ended);
            }
        }
        poll(&mut [Poll { fd: signals.0, events: poll_event::IN, answered: 0 }], -1)?;
        while let Some(received) = signal::read_one(signals)? {
            // A terminal's signal goes to the whole process group: the command has it already.
            if received.signal != number::SIGCHLD && !received.from_kernel {
                // ESRCH: it has just ended.
                let _ = process::send_signal(child.pidfd, received.signal);
            }
        }
    }
}
