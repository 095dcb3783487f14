// SPDX-License-Identifier: MIT OR Apache-2.0
//! PID 1, or the first process of an injected command with a deadline, as a reaper: it starts the command as its child,
//! reaps what is orphaned, passes signals on, and reports the command's end. The kernel treats PID 1 unlike any other
//! process; under a reaper the command is none.

use crate::context::{Context, Fault};
use crate::filter::{self, Duty};
use crate::{namespaces, walk};
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
    /// It is PID 1; else it stands in front of an injected command.
    is_pid_1: bool,
}

/// Starts the process that does the remaining steps, and waits until it has executed the command.
pub fn start_command(context: &mut Context<'_>) -> Result<Reaper, Fault> {
    let Some(stack) = STACK.take() else { return Err(Errno::EBUSY.into()) };
    let program = context.program;
    let is_pid_1 = context.descriptors.target < 0;
    if !is_pid_1 {
        identity::adopt_orphans()?;
    }
    let mut command = Command { context, fault: None };
    // This process stands still until the child has executed or exited.
    let child = program.run_until_exec(stack, go_on, &mut command)?;
    if let Some(fault) = command.fault {
        process::wait(child.pid, Hang::Yes)?;
        return Err(fault);
    }
    Ok(Reaper { child, peer: context.peer, is_pid_1 })
}

fn go_on(command: &mut Command<'_, '_>) -> ! {
    if let Err(fault) = die_with_reaper(command.context).and_then(|()| walk::rest(command.context)) {
        command.fault = Some(fault);
    }
    process::exit(crate::OWN_FAILURE)
}

/// The end of PID 1 is everybody's; that of another reaper is told to its child by this.
fn die_with_reaper(context: &Context<'_>) -> Result<(), Fault> {
    if context.descriptors.target < 0 { Ok(()) } else { namespaces::die_with_monitor(context) }
}

impl Reaper {
    /// Gives up all but what reaping needs, reaps until the command has ended, and reports that. The exit status.
    pub fn reap(&self) -> i32 {
        // A reaper that fails ends, and with it the container; the monitor then sees how PID 1 ended.
        match self.settle().and_then(|signals| until_end(self.child, signals, self.is_pid_1)) {
            Ok(ended) => {
                let ending = Ending {
                    status: ended.status,
                    wall_ns: 0,
                    user_us: ended.user_us,
                    system_us: ended.system_us,
                    peak_kib: ended.peak_kib,
                    ..Ending::default()
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
        // ORDER: before container root can look into it.
        filter::load(Duty::Reap)?;
        // As dumpable as the command itself: who may look into the container, its own root and the user who started
        // it, joins its namespaces through PID 1. Nothing of the host's is left in here: the program is sealed, the
        // plan unmapped, and one socket open on which only the command's end is told.
        // CVE-2016-9962: in front of an injected command it stays as it is.
        if self.is_pid_1 {
            identity::set_dumpable(Dumpable::Yes)?;
        }
        // The rendezvous after the exec, which here the closing of a socket cannot be.
        self.tell(&Message::Go)?;
        Ok(signals)
    }

    fn tell(&self, message: &Message) -> contain_sys::Result<()> {
        socket::send(self.peer, &message.to_bytes(), Fd::NONE, Wait::Yes)
    }
}

fn until_end(child: Child, signals: Fd, is_pid_1: bool) -> contain_sys::Result<Ended> {
    loop {
        let mut ours = None;
        while let Some(ended) = wait_for_any()? {
            ours = Some(ended).filter(|ended| ended.pid == child.pid).or(ours);
            // Before PID 1 of the container has to, this reaps everything that has ended by now.
            if is_pid_1 && ours.is_some() {
                break;
            }
        }
        if let Some(ended) = ours {
            return Ok(ended);
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

/// A child that has ended; none where there is no other.
fn wait_for_any() -> contain_sys::Result<Option<Ended>> {
    match process::wait(-1, Hang::No) {
        Err(Errno::ECHILD) => Ok(None),
        other => other,
    }
}
