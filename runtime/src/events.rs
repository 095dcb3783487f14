// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of a container: one descriptor to poll, and one event after the other. Nothing runs in the background:
//! an epoll descriptor watches whatever the next change would show in, and a change is looked up when it is asked for.
//! Works for every handle, and is independent of it once it is open.

mod freezer;
mod subject;

pub(crate) use subject::Subject;

use crate::caller::system;
use crate::container::check_owner;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;
use crate::state::State;
use contain_sys::Errno;
use contain_sys::signal::{Poll, poll, poll_event};
use freezer::Freezer;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const STAGE: &str = "events";

/// One thing that became of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// What it is doing now. The first event of all is what it was doing when the events were opened.
    State(State),
    /// How it ended; the last event.
    Exit(Outcome),
}

/// What becomes of a container from when this was opened. States are told in order and none is left out, but a pause
/// that was over before anybody looked.
///
/// Several threads may ask for the next event; each gets another one.
#[derive(Debug)]
pub struct Events {
    epoll: Epoll,
    owner: u32,
    watch: Mutex<Watch>,
}

/// What has been told last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    State(State),
    Exit,
}

/// What shows a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// Is always readable.
    Ready,
    /// The command has been executed.
    Start,
    /// The monitor has ended.
    Monitor,
    /// PID 1 has ended.
    Init,
    /// The cgroup has been frozen or let go on.
    Cgroup,
}

#[derive(Debug)]
struct Watch {
    subject: Subject,
    first: State,
    told: Told,
    ready: Option<EventFd>,
    /// Once the command runs.
    freezer: Option<Freezer>,
    /// The signs that the epoll descriptor has.
    signs: Vec<Sign>,
}

impl Events {
    pub(crate) fn open(subject: Subject) -> Result<Events, Error> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed("make", "an epoll descriptor"))?;
        let ready = EventFd::from_value_and_flags(1, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(failed("make", "an event descriptor"))?;
        let mut watch = Watch {
            subject,
            first: State::Created,
            told: Told::Nothing,
            ready: Some(ready),
            freezer: None,
            signs: Vec::new(),
        };
        watch.first = watch.present(&epoll)?;
        watch.arm(&epoll, Told::Nothing)?;
        Ok(Events { epoll, owner: std::process::id(), watch: Mutex::new(watch) })
    }

    /// The next event; `None` when `timeout` passed first. Without one a signal's handler ends the wait with EINTR. After
    /// the exit there is none, and asking is an error of kind [`Kind::Gone`].
    pub fn next(&self, timeout: Option<Duration>) -> Result<Option<Event>, Error> {
        check_owner(self.owner)?;
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            if let Some(event) = self.watch.lock().unwrap_or_else(PoisonError::into_inner).step(&self.epoll)? {
                return Ok(Some(event));
            }
            let left_ms = match deadline {
                // Rounded up: a poll that returns early would spin.
                Some(deadline) => deadline.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000),
                None => u128::MAX,
            };
            if left_ms == 0 {
                return Ok(None);
            }
            let left_ms = if timeout.is_none() { -1 } else { i64::try_from(left_ms).unwrap_or(i64::MAX) };
            let mut asked = [Poll { fd: self.epoll.0.as_raw_fd(), events: poll_event::IN, answered: 0 }];
            if poll(&mut asked, left_ms).map_err(system(STAGE, "poll", "the events"))? == 0 && timeout.is_none() {
                return Err(Error::new(Kind::System, STAGE, "wait for", "an event").errno(libc::EINTR));
            }
        }
    }

    /// The descriptor to poll, which stays this object's: readable when there is an event, and for good after the exit.
    /// It may be readable without one.
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        check_owner(self.owner)?;
        Ok(self.epoll.0.as_fd())
    }
}

impl Watch {
    /// What the container is doing.
    fn present(&mut self, epoll: &Epoll) -> Result<State, Error> {
        if !self.subject.has_started()? {
            return Ok(if self.subject.has_ended() { State::Stopped } else { State::Created });
        }
        self.begin()?;
        Ok(if self.subject.init_has_ended() {
            State::Stopped
        } else if self.is_frozen(epoll)? {
            State::Paused
        } else {
            State::Running
        })
    }

    /// The command runs.
    fn begin(&mut self) -> Result<(), Error> {
        self.subject.find_init()?;
        self.freezer = self.subject.init_pid().map(Freezer::new);
        Ok(())
    }

    fn is_frozen(&mut self, epoll: &Epoll) -> Result<bool, Error> {
        let Some(freezer) = &mut self.freezer else { return Ok(false) };
        let gone = freezer.follow();
        if let Some(gone) = gone.filter(|_| self.signs.contains(&Sign::Cgroup)) {
            epoll.delete(gone).map_err(failed("no longer watch", "a cgroup"))?;
            self.signs.retain(|sign| *sign != Sign::Cgroup);
        }
        Ok(freezer.is_frozen())
    }

    /// The next event, if it is there.
    fn step(&mut self, epoll: &Epoll) -> Result<Option<Event>, Error> {
        let event = match self.told {
            Told::Nothing => Some(Event::State(self.first)),
            Told::State(State::Created) => self.after_created()?.map(Event::State),
            Told::State(State::Stopped) => self.after_stopped()?.map(Event::Exit),
            Told::State(state) => self.after_start(state, epoll)?.map(Event::State),
            Told::Exit => return Err(over()),
        };
        let told = match event {
            None => self.told,
            Some(Event::State(state)) => Told::State(state),
            Some(Event::Exit(_)) => Told::Exit,
        };
        // ORDER: an event that is told is not told again, and one that could not be is.
        self.arm(epoll, told)?;
        self.told = told;
        Ok(event)
    }

    fn after_created(&mut self) -> Result<Option<State>, Error> {
        // ORDER: whether it has been started is looked up after its end, which may have come behind that.
        let ended = self.subject.has_ended();
        let started = if ended { self.subject.had_started()? } else { self.subject.has_started()? };
        if started {
            self.begin()?;
        }
        Ok(match (started, ended) {
            (true, _) => Some(State::Running),
            (false, true) => Some(State::Stopped),
            (false, false) => None,
        })
    }

    fn after_start(&mut self, last: State, epoll: &Epoll) -> Result<Option<State>, Error> {
        let now = if self.is_frozen(epoll)? { State::Paused } else { State::Running };
        // ORDER: after the look at its cgroup, which by now could be that of another process.
        if self.subject.init_has_ended() {
            return Ok(Some(State::Stopped));
        }
        Ok((now != last).then_some(now))
    }

    fn after_stopped(&mut self) -> Result<Option<Outcome>, Error> {
        if self.subject.has_ended() { self.subject.outcome().map(Some) } else { Ok(None) }
    }

    /// Has the epoll descriptor show what comes after `told`, and nothing else.
    fn arm(&mut self, epoll: &Epoll, told: Told) -> Result<(), Error> {
        let end = match (self.subject.init_has_ended(), self.subject.monitor(), self.subject.init()) {
            (false, _, Some(_)) => Sign::Init,
            (_, Some(_), _) => Sign::Monitor,
            (_, None, Some(_)) => Sign::Init,
            (_, None, None) => Sign::Ready,
        };
        let wanted: &[Sign] = match told {
            Told::Nothing => &[Sign::Ready],
            Told::State(State::Created) if self.subject.monitor().is_some() => &[Sign::Start, Sign::Monitor],
            Told::State(State::Created) => &[Sign::Start, end],
            Told::State(State::Running | State::Paused) => &[end, Sign::Cgroup],
            Told::State(State::Stopped) | Told::Exit => &[end],
        };
        for sign in std::mem::take(&mut self.signs) {
            match self.descriptor(sign).filter(|_| !wanted.contains(&sign)) {
                Some(descriptor) => {
                    epoll.delete(descriptor).map_err(failed("no longer watch", "a container"))?;
                }
                None => self.signs.push(sign),
            }
        }
        for sign in wanted.iter().copied().filter(|sign| !self.signs.contains(sign)).collect::<Vec<_>>() {
            let Some(descriptor) = self.descriptor(sign) else { continue };
            let on = if sign == Sign::Cgroup { EpollFlags::EPOLLPRI } else { EpollFlags::EPOLLIN };
            epoll.add(descriptor, EpollEvent::new(on, 0)).map_err(failed("watch", "a container"))?;
            self.signs.push(sign);
        }
        // A fork may have copied them, so that closing alone would leave them in the epoll descriptor.
        if told != Told::Nothing && end != Sign::Ready {
            self.ready = None;
        }
        if !matches!(told, Told::Nothing | Told::State(State::Created)) {
            self.subject.forget_start();
        }
        Ok(())
    }

    fn descriptor(&self, sign: Sign) -> Option<BorrowedFd<'_>> {
        match sign {
            Sign::Ready => self.ready.as_ref().map(AsFd::as_fd),
            Sign::Start => self.subject.start(),
            Sign::Monitor => self.subject.monitor(),
            Sign::Init => self.subject.init(),
            Sign::Cgroup => self.freezer.as_ref().and_then(Freezer::descriptor),
        }
    }
}

fn over() -> Error {
    Error::new(Kind::Gone, STAGE, "wait for", "an event")
        .errno(libc::ESRCH)
        .cause("the container has ended, and its exit was the last event")
}

fn failed(operation: &'static str, object: &'static str) -> impl FnOnce(nix::Error) -> Error {
    move |errno| {
        let error = system(STAGE, operation, object)(Errno(errno as i32));
        match errno {
            nix::Error::ENOSPC => error
                .cause("the limit on what this user's epoll descriptors watch is reached")
                .remedy("raise it: sysctl fs.epoll.max_user_watches"),
            _ => error,
        }
    }
}
