// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process that walks the plan holds on to, and how a step fails.

use crate::execute::Strings;
use crate::guard::Guard;
use crate::mounts::Nearby;
use crate::tree::Tree;
use crate::watch::Settled;
use contain_plan::message::{Failure, LENGTH, Message, Part, Passed, TEXT};
use contain_plan::{Descriptors, Doer, Plan};
use contain_sys::process::Child;
use contain_sys::program::Program;
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd};

/// How many file systems of the container's own are remembered.
pub const OWN: usize = 32;

/// The state of one process. The monitor's and PID 1's are the same until the fork.
pub struct Context<'p> {
    /// What a program without C library may do.
    pub program: Program,
    /// Room for one execution.
    pub strings: &'static mut Strings,
    /// The plan.
    pub plan: Plan<'p>,
    /// The plan's descriptor.
    pub plan_fd: Fd,
    /// The descriptors of the header.
    pub descriptors: Descriptors,
    /// Which of the two this is.
    pub me: Doer,
    /// The caller's umask, which the command gets back.
    pub umask: Option<u32>,
    /// What the command does not keep is closed already.
    pub prepared: bool,
    /// The socket to the other one.
    pub peer: Fd,
    /// The other one, where this is the monitor and it has been made.
    pub init: Option<Child>,
    /// The monitor: PID 1's own directory in /proc, where the maps were written through it.
    pub process: Fd,
    /// Number of the step that is being done.
    pub step: u32,
    /// PID 1: the new root. Monitor: the new root as PID 1 passed it on.
    pub root: Fd,
    /// PID 1: the directory below the root that was resolved last.
    pub nearby: Nearby,
    /// PID 1: the file systems that it made for the container, by device; for plans that make files.
    pub own: Option<[Option<u64>; OWN]>,
    /// The console's master, in the monitor.
    pub console: Fd,
    /// The console's own end, in the monitor; in PID 1 where it has been opened there.
    pub terminal: Fd,
    /// The outside helper that waits, and the socket that lets it go.
    pub outside: Option<(Child, Fd)>,
    /// Who prints a failure in place of a monitor that has joined a container, and the socket that tells it what.
    pub printer: Option<(Child, Fd)>,
    /// The monitor: what it watches with, once it has given up what it does not need.
    pub settled: Option<Settled>,
    /// The guard, once the command may run.
    pub guard: Option<Guard>,
    /// How long the command may run, in microseconds.
    pub deadline_us: Option<u64>,
    /// What an injected command with a deadline is ended by.
    pub tree: Option<Tree>,
    /// PID 1 is a reaper: the command is its child.
    pub reaper: bool,
    /// A failure as the other process reported it.
    pub reported: Option<Failure>,
    /// What the kernel said about the step that fails.
    pub said: Said,
}

/// The kernel's own words about a failure.
#[derive(Clone, Copy)]
pub struct Said {
    pub text: [u8; TEXT],
    pub length: usize,
}

impl Said {
    pub const NOTHING: Said = Said { text: [0; TEXT], length: 0 };
}

/// How a step fails.
#[derive(Clone, Copy)]
pub enum Fault {
    /// A call failed in this process.
    Call(Errno, Part),
    /// A helper ended with this wait status.
    Helper(i32),
    /// contain-idmap answered with this code.
    Answer(u32),
    /// The other process, or a helper's run, reported a failure: `Context::reported`.
    Reported,
    /// The other process died without a word.
    Died,
    /// The container that something was to be injected into has ended.
    TargetGone,
    /// The caller died; nobody is there to tell.
    CallerGone,
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Fault::Call(errno, Part::Whole)
    }
}

/// Names the part of a step that a call belongs to.
pub trait At<T> {
    fn at(self, part: Part) -> Result<T, Fault>;
}

impl<T> At<T> for contain_sys::Result<T> {
    fn at(self, part: Part) -> Result<T, Fault> {
        self.map_err(|errno| Fault::Call(errno, part))
    }
}

impl Context<'_> {
    /// Remembers a file system that was made for the container, where the plan makes files. What finds no room is not
    /// written to.
    pub fn remember_own(&mut self, filesystem: Fd) -> contain_sys::Result<()> {
        let own = self.own.as_mut().and_then(|own| own.iter_mut().find(|slot| slot.is_none()));
        if let Some(slot) = own {
            *slot = Some(contain_sys::file::status(filesystem)?.device);
        }
        Ok(())
    }

    /// The failure of the current step as a message.
    pub fn failure(&self, fault: Fault) -> Failure {
        if let (Fault::Reported, Some(failure)) = (fault, self.reported) {
            return failure;
        }
        let mut failure = match fault {
            Fault::Call(errno, part) => Failure::new(self.step, errno.0, part),
            Fault::Helper(status) => Failure { status, ..Failure::new(self.step, 0, Part::Helper) },
            Fault::Answer(code) => {
                let status = i32::try_from(code).unwrap_or(i32::MAX);
                Failure { status, ..Failure::new(self.step, 0, Part::Answer) }
            }
            Fault::TargetGone => Failure::new(self.step, Errno::ESRCH.0, Part::Died),
            Fault::Reported | Fault::Died | Fault::CallerGone => Failure::new(self.step, 0, Part::Died),
        };
        failure.inside = self.me == Doer::Init;
        failure.text = self.said.text;
        failure.text_length = u32::try_from(self.said.length).unwrap_or(0);
        failure
    }

    /// Sends to the other process.
    pub fn tell(&self, message: &Message, passed: Fd) -> contain_sys::Result<()> {
        socket::send(self.peer, &message.to_bytes(), passed, Wait::Yes)
    }

    /// The next message on `socket`; `None` when the other side is gone.
    pub fn hear(&mut self, socket: Fd, wait: Wait) -> contain_sys::Result<Option<Message>> {
        let mut buffer = [0u8; LENGTH];
        let (length, passed) = socket::receive(socket, &mut buffer, wait)?;
        if length == 0 {
            return Ok(None);
        }
        let message =
            Message::from_bytes(buffer.get(..length).unwrap_or(&[])).map_err(|_| contain_sys::Errno::EPROTO)?;
        if let Message::Pass { what } = message {
            let place = match what {
                Passed::Console => &mut self.console,
                Passed::Root => &mut self.root,
                Passed::Terminal => &mut self.terminal,
            };
            // Each comes once: nobody who has got hold of PID 1 later puts another descriptor in its place.
            if place.is_some() {
                passed.close()?;
                return Err(contain_sys::Errno::EPROTO);
            }
            *place = passed;
        }
        Ok(Some(message))
    }
}
