// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process holds of a monitor that it has started itself: the socket to it, its pidfd, and what it has said.

use super::console::Master;
use crate::caller::{own, raw, system};
use crate::error::{Error, Kind};
use crate::outcome::{Causes, EndedBy, Outcome};
use crate::plan::Bytes;
use crate::state::{State, has_ended};
use crate::{cgroup, diagnose};
use contain_plan::Plan;
use contain_plan::message::{Ending, LENGTH, Message};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, process};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::ops::Deref;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a container or process handle has of a [`Monitored`]: when it is dropped, the monitor is told.
#[derive(Debug)]
pub(super) struct Handle(Arc<Monitored>);

impl Handle {
    /// For what goes on without the handle.
    pub(super) fn share(&self) -> Arc<Monitored> {
        Arc::clone(&self.0)
    }
}

impl Deref for Handle {
    type Target = Monitored;

    fn deref(&self) -> &Monitored {
        &self.0
    }
}

impl From<Monitored> for Handle {
    fn from(monitored: Monitored) -> Handle {
        Handle(Arc::new(monitored))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // The monitor may be gone; a full socket must not block either.
            let _ = socket::send(raw(&self.control), &Message::Release.to_bytes(), Fd::NONE, Wait::No);
        }
    }
}

/// A process with a contain-init beside it that watches it: PID 1, or an injected command.
#[derive(Debug)]
pub(crate) struct Monitored {
    pub(super) control: OwnedFd,
    pub(crate) monitor: OwnedFd,
    pub(super) monitor_pid: i32,
    pub(crate) init: OwnedFd,
    pub(crate) init_pid: i32,
    pub(super) owner: u32,
    /// Only the monitor can kill all of it: what a command with a deadline has started in somebody else's container.
    pub(super) tree: bool,
    console: Master,
    causes: Causes,
    state: Mutex<Told>,
}

#[derive(Default)]
pub(super) struct Told {
    /// The plan, until the command has been started: an error names its step.
    plan: Option<Bytes>,
    started: bool,
    /// Rung by the start, for those who wait for that.
    bell: Option<Arc<EventFd>>,
    start: Start,
    outcome: Option<Outcome>,
    reason: Option<EndedBy>,
    /// Nothing is on disk that would go with it; a second time is told all the same.
    deleted: bool,
}

/// What has become of the start of a created container.
#[derive(Default)]
enum Start {
    /// Nobody has asked for it.
    #[default]
    Waiting,
    /// The monitor was told; who did that hears its answer.
    Asked,
    /// It failed; who asked has not been told yet.
    Failed(Box<Error>),
    /// There is no more to be said of it.
    Over,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Monitored {
    /// One whose process is there; with the plan, a created container that waits for its start.
    pub(super) fn new(
        control: OwnedFd,
        (monitor, monitor_pid): (OwnedFd, i32),
        (init, init_pid): (OwnedFd, i32),
        (plan, causes): (Option<Bytes>, Causes),
        console: Option<OwnedFd>,
    ) -> Monitored {
        Monitored {
            control,
            monitor,
            monitor_pid,
            init,
            init_pid,
            owner: std::process::id(),
            tree: false,
            console: Master::of(console),
            causes,
            state: Mutex::new(Told { started: plan.is_none(), plan, ..Told::default() }),
        }
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn check_process(&self) -> Result<(), Error> {
        check_owner(self.owner)
    }

    /// Tells the monitor that the command may begin.
    pub(super) fn begin_start(&self) -> Result<(), Error> {
        if self.is_over()? {
            return Err(self.stopped("start"));
        }
        let mut state = self.lock();
        match (&state.start, &state.plan) {
            (Start::Waiting, Some(_)) if state.outcome.is_some() => return Err(self.stopped("start")),
            (Start::Waiting, Some(_)) => {}
            _ => {
                return Err(
                    Error::new(Kind::Invalid, "container", "start", "the container").cause("it was started before")
                );
            }
        }
        state.start = Start::Over;
        self.send(&Message::Start)?;
        state.start = Start::Asked;
        Ok(())
    }

    /// Whether the command has begun, or why it has not, where that is known by now.
    pub(super) fn started(&self) -> Result<bool, Error> {
        self.take_word(Asking::Start)?;
        let mut state = self.lock();
        match std::mem::replace(&mut state.start, Start::Over) {
            Start::Failed(error) => Err(*error),
            Start::Over => Ok(true),
            waiting => {
                state.start = waiting;
                Ok(false)
            }
        }
    }

    pub(super) fn start_news(&self) -> Result<OwnedFd, Error> {
        duplicate(&self.control)
    }

    pub(super) fn end_news(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        duplicate(self.speaks_of_end())
    }

    /// The answer to a start is for who asked for it; what is said before the process has ended is no end.
    fn speaks_of_end(&self) -> &OwnedFd {
        if matches!(self.lock().start, Start::Asked) { &self.init } else { &self.control }
    }

    /// Whether the command has been executed, as far as was heard.
    pub(crate) fn has_started(&self) -> bool {
        self.lock().started
    }

    /// As `has_started`, of one whose processes have ended: what they said of it may not have been heard yet.
    pub(crate) fn had_started(&self) -> Result<bool, Error> {
        self.take_word(Asking::End)?;
        Ok(self.lock().started)
    }

    /// What is readable once the command has been executed; none where it has been.
    pub(crate) fn bell(&self) -> Result<Option<Arc<EventFd>>, Error> {
        let mut state = self.lock();
        if state.started {
            return Ok(None);
        }
        if state.bell.is_none() {
            let made = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
                .map_err(|errno| system("container", "make", "an event descriptor")(Errno(errno as i32)))?;
            state.bell = Some(Arc::new(made));
        }
        Ok(state.bell.clone())
    }

    /// How it ended, once its processes have.
    pub(crate) fn last_word(&self) -> Result<Outcome, Error> {
        loop {
            if let Some(outcome) = self.lock().outcome {
                return Ok(outcome);
            }
            self.take_word(Asking::End)?;
        }
    }

    pub(super) fn state(&self) -> Result<State, Error> {
        let created = match &*self.lock() {
            Told { outcome: Some(_), .. } => return Ok(State::Stopped),
            Told { plan, .. } => plan.is_some(),
        };
        Ok(match self.is_over()? {
            true => State::Stopped,
            false if created => State::Created,
            false if cgroup::frozen(self.init_pid).is_some() => State::Paused,
            false => State::Running,
        })
    }

    /// Whether PID 1 has ended, or is known to.
    pub(super) fn is_over(&self) -> Result<bool, Error> {
        if self.lock().outcome.is_some() {
            return Ok(true);
        }
        let mut ended = [Poll { fd: self.init.as_raw_fd(), events: poll_event::IN, answered: 0 }];
        Ok(poll(&mut ended, 0).map_err(system("container", "poll", "PID 1"))? > 0)
    }

    pub(super) fn stopped(&self, operation: &str) -> Error {
        Error::new(Kind::Gone, "container", format!("{operation} container"), self.init_pid.to_string())
            .errno(libc::ESRCH)
            .cause("container not running: it has ended")
    }

    pub(super) fn running_init(&self) -> Result<OwnedFd, Error> {
        match self.state()? {
            // A paused one is refused where its cgroup is to be entered.
            State::Running | State::Paused => self.pidfd(),
            State::Created => Err(not_started("container", self.init_pid.to_string())),
            State::Stopped => Err(self.stopped("inject into")),
        }
    }

    pub(super) fn send(&self, message: &Message) -> Result<(), Error> {
        socket::send(raw(&self.control), &message.to_bytes(), Fd::NONE, Wait::Yes).map_err(|_| self.ended())
    }

    fn ended(&self) -> Error {
        Error::new(Kind::Gone, "container", "reach the monitor of", self.init_pid.to_string())
            .errno(libc::EPIPE)
            .cause("the container has ended")
    }

    pub(super) fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        duplicate(&self.init)
    }

    pub(super) fn take_console(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        let absent = ("it was made without one for the caller", "ask for one when it is made");
        self.console.take(&format!("process {}", self.init_pid), absent)
    }

    pub(super) fn kill(&self, signal: i32) -> Result<(), Error> {
        self.check_process()?;
        if !(0..=number::LAST).contains(&signal) {
            return Err(Error::invalid("signal", signal.to_string(), "a signal is a number from 0 to 64"));
        }
        if self.is_over()? {
            return Err(self.stopped("signal"));
        }
        match signal {
            0 => Ok(()),
            number::SIGKILL => {
                let sent = self.send(&Message::Kill);
                self.kill_directly();
                sent.and_then(|()| cgroup::check_ends(self.init_pid, self.init_pid.to_string()))
            }
            _ => self.send(&Message::Signal { signal }),
        }
    }

    /// Kills it for this reason, and does not wait for that. One that has ended already keeps its own result.
    pub(super) fn condemn(&self, reason: EndedBy) -> Result<(), Error> {
        self.check_process()?;
        self.lock().reason.get_or_insert(reason);
        let _ = self.send(&Message::Kill);
        self.kill_directly();
        cgroup::check_ends(self.init_pid, self.init_pid.to_string())
    }

    pub(super) fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.condemn(reason)?;
        loop {
            match self.wait(None) {
                Err(error) if error.errno == Some(libc::EINTR) => {}
                other => return other?.ok_or_else(unexpected),
            }
        }
    }

    /// Says that nobody wants it any more; with `force` it is killed first. A second time it is not there.
    pub(super) fn delete(&self, force: bool) -> Result<(), Error> {
        let object = self.init_pid.to_string();
        if !self.is_over()? {
            if !force {
                return Err(Error::new(Kind::Busy, "state", "delete the container of process", object)
                    .errno(libc::EBUSY)
                    .cause("it has not ended")
                    .remedy("kill it first, or delete it with force"));
            }
            self.end(EndedBy::Signalled)?;
        }
        let deleted = std::mem::replace(&mut self.lock().deleted, true);
        if deleted && !force {
            return Err(Error::new(Kind::Gone, "state", "find the container of process", object)
                .errno(libc::ENOENT)
                .cause("it was deleted before"));
        }
        Ok(())
    }

    /// As well as through the monitor, which somebody may have stopped. It may not be allowed: then the monitor does it.
    pub(super) fn kill_directly(&self) {
        if self.tree {
            return;
        }
        let _ = process::send_signal(raw(&self.init), number::SIGKILL);
    }

    pub(super) fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        self.check_process()?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(outcome) = self.lock().outcome {
                return Ok(Some(outcome));
            }
            let left = match (timeout, deadline) {
                (Some(_), Some(deadline)) => {
                    // Rounded up: a poll that returns early would spin.
                    let left = deadline.saturating_duration_since(Instant::now());
                    i64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
                }
                _ => -1,
            };
            let answered = readable([self.speaks_of_end(), &self.monitor], left)?;
            if answered == 0 {
                if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                    return Ok(None);
                }
                // Interrupted by a signal of the caller's: its own loop decides.
                if timeout.is_none() {
                    return Err(
                        Error::new(Kind::System, "container", "wait for", self.init_pid.to_string()).errno(libc::EINTR)
                    );
                }
                continue;
            }
            self.take_word(Asking::End)?;
        }
    }

    /// Takes the next word of the monitor's, where there is one; a monitor that died without a word took its container
    /// along.
    fn take_word(&self, asking: Asking) -> Result<(), Error> {
        let mut state = self.lock();
        let answers_start = matches!(state.start, Start::Asked);
        if state.outcome.is_some() || (answers_start && asking == Asking::End && !has_ended(&self.init)) {
            return Ok(());
        }
        // ORDER: before it is listened to: what has ended says no more.
        let silent = has_ended(&self.monitor);
        let mut buffer = [0u8; LENGTH];
        let word = match socket::receive(raw(&self.control), &mut buffer, Wait::No) {
            Err(Errno::EAGAIN) if !silent => return Ok(()),
            Err(Errno::EAGAIN) | Ok((0, _)) => {
                // Its guard kills PID 1 now; the container has ended when that has.
                readable([&self.init, &self.init], 5000)?;
                if answers_start {
                    state.start = Start::Failed(Box::new(died()));
                }
                Message::Ended(killed())
            }
            Ok((length, passed)) => {
                if passed.is_some() {
                    drop(own(passed));
                }
                Message::from_bytes(&buffer[..length]).map_err(|_| unexpected())?
            }
            Err(errno) => return Err(system("container", "hear from", "the monitor")(errno)),
        };
        let ended = match word {
            Message::Started { .. } if answers_start => {
                (state.plan, state.start, state.started) = (None, Start::Over, true);
                if let Some(bell) = &state.bell {
                    // Its count cannot come near what it has room for.
                    let _ = bell.write(1);
                }
                return Ok(());
            }
            Message::Ended(ending) => {
                if matches!(state.start, Start::Asked) {
                    (state.start, state.started) = (Start::Over, true);
                }
                Outcome::of(&ending, state.reason, self.causes)
            }
            Message::Failed(failure) => {
                let error = failed(state.plan.as_ref(), &failure);
                // A step that failed, not a container that was killed before its command began.
                let never_begun = answers_start && error.step.is_some() && error.errno.is_some();
                if answers_start {
                    state.start = Start::Failed(Box::new(error));
                }
                if never_begun { Outcome::NEVER_BEGUN } else { Outcome::of(&killed(), state.reason, self.causes) }
            }
            _ => return Ok(()),
        };
        state.outcome = Some(ended);
        drop(state);
        reap(&self.monitor);
        Ok(())
    }
}

/// Who reads what a monitor says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    /// The one who asked for the start.
    Start,
    /// One who waits for the end.
    End,
}

/// A caller that is PID 1 or a subreaper inherits the monitor when that has said its last word: it is waited for, and
/// no other child.
pub(crate) fn reap(monitor: &OwnedFd) {
    let subreaper = || {
        let mut value = 0i32;
        // SAFETY: PR_GET_CHILD_SUBREAPER writes one int.
        unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut value) == 0 && value != 0 }
    };
    if std::process::id() == 1 || subreaper() {
        let _ = readable([monitor, monitor], 1000);
        let id = nix::sys::wait::Id::PIDFd(std::os::fd::AsFd::as_fd(monitor));
        // ECHILD: it is somebody else's.
        let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOHANG;
        let _ = nix::sys::wait::waitid(id, flags);
    }
}

/// Handles work in the process that made them: a forked child shares the socket, not the container.
pub(crate) fn check_owner(owner: u32) -> Result<(), Error> {
    if owner == std::process::id() {
        return Ok(());
    }
    Err(Error::new(Kind::WrongProcess, "container", "use the handle of", format!("process {owner}"))
        .cause("this process was forked from the one that made it")
        .remedy("make containers in the process that uses them"))
}

/// The error of what takes a container whose command has begun.
pub(crate) fn not_started(stage: &'static str, object: impl Into<String>) -> Error {
    Error::new(Kind::Busy, stage, "inject into container", object)
        .errno(libc::EBUSY)
        .cause("it has been created but not started")
        .remedy("start it first")
}

pub(super) fn unexpected() -> Error {
    Error::new(Kind::Internal, "container", "hear from", "the monitor").cause("a defect in contain: please report it")
}

pub(super) fn failed(plan: Option<&Bytes>, failure: &contain_plan::message::Failure) -> Error {
    let plan = plan.and_then(|bytes| Plan::read(bytes).ok());
    diagnose::error(plan.as_ref(), failure)
}

/// Waits until one of two descriptors can be read; how many can.
pub(crate) fn readable(descriptors: [&OwnedFd; 2], timeout_ms: i64) -> Result<usize, Error> {
    let mut asked = descriptors.map(|fd| Poll { fd: fd.as_raw_fd(), events: poll_event::IN, answered: 0 });
    poll(&mut asked, timeout_ms).map_err(system("container", "poll", "the monitor"))
}

/// What a monitor would have said of a container that was killed.
fn killed() -> Ending {
    Ending { status: number::SIGKILL, ..Ending::default() }
}

/// A monitor that said nothing.
pub(super) fn died() -> Error {
    Error::new(Kind::System, "monitor", "start", "contain-init")
        .cause("it died before the container was made: it was killed, or ran out of memory")
}

/// The kernel had no number for a descriptor that the monitor sent.
pub(crate) fn no_descriptor() -> Error {
    system("container", "take", "the pidfd of PID 1")(Errno(libc::EMFILE))
}

fn duplicate(fd: &OwnedFd) -> Result<OwnedFd, Error> {
    fd.try_clone().map_err(|error| {
        system("container", "duplicate", "a descriptor of the container")(Errno(
            error.raw_os_error().unwrap_or(libc::EIO),
        ))
    })
}
