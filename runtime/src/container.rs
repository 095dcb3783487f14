// SPDX-License-Identifier: MIT OR Apache-2.0
//! A started container, and what can be done to it. Nothing here runs in the background: the monitor watches, and
//! these functions talk to it over one socket and hold pidfds.

mod transfer;

pub use transfer::copied;

use crate::caller::{self, own, raw, system};
use crate::compile::{self, Inject, Way};
use crate::config::{Config, Lifetime, Profile, Stdio, reach_of};
use crate::error::{Error, Kind};
use crate::launch::{self, Along, Launched};
use crate::outcome::{EndedBy, Outcome};
use crate::plan::{Bytes, Draft};
use crate::state::stored::Stored;
use crate::state::{State, Status, processes};
use crate::user::{User, resolve_joined};
use crate::{cgroup, diagnose, join};
use contain_plan::Plan;
use contain_plan::message::{Ending, LENGTH, Message, Reached};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, process};
use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A command to be run in a container that is there already.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The command and its arguments; looked up on PATH.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<OsString>,
    /// Its standard descriptors.
    pub stdio: [Stdio; 3],
    /// Descriptors of the caller's, 3 to 1026, that it keeps under their own numbers; open at least until the call
    /// returns.
    pub pass_fds: Vec<i32>,
    /// Its seccomp profile; the container's own where none is given.
    pub seccomp: Option<Profile>,
    /// How long it may run, from its exec on; then it is killed with everything that it started. For ever when none.
    pub timeout: Option<Duration>,
    /// Who it runs as, by number or by the names that the container has for users now; user 0 when none. HOME is that
    /// user's, where `env` names none.
    pub user: Option<User>,
    /// Its working directory inside; `/` when none.
    pub chdir: Option<PathBuf>,
}

/// A container that this process started, or one whose state is on disk. Dropping it never kills: `Config::lifetime`
/// says what follows.
#[derive(Debug)]
pub struct Container {
    hold: Hold,
    profile: Profile,
    lifetime: Lifetime,
}

/// How a container is held on to.
#[derive(Debug)]
enum Hold {
    /// By its monitor's socket: nobody else knows of it.
    Monitored(Monitored),
    /// By its directory; and the process that opened it.
    Stored(Box<Stored>, u32),
}

/// A process injected into a container.
#[derive(Debug)]
pub struct Process {
    monitored: Monitored,
}

impl Container {
    /// Makes the container up to the last step before the command's exec, and leaves it waiting there.
    pub fn create(config: &Config) -> Result<Container, Error> {
        Container::launch(config, Way::Create)
    }

    /// Lets the command of a created container begin; returns once it has been executed.
    pub fn start(&self) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.start(),
            Hold::Stored(stored, _) => stored.start(),
        }
    }

    /// Create and start in one.
    pub fn run(config: &Config) -> Result<Container, Error> {
        Container::launch(config, Way::Run)
    }

    fn launch(config: &Config, way: Way) -> Result<Container, Error> {
        caller::check()?;
        let draft = compile::container(config, way)?;
        caller::check_preserved(config.preserve_fds)?;
        let mut along = Along::new(config.preserve_fds, &config.pass_fds);
        along.directories(config)?;
        let control = along.caller(config.lifetime)?;
        let launched = launch::beside(&draft, &along, config.stdio)?;
        drop(along);
        let monitored = Monitored::new(control, launched, way == Way::Create)?;
        Ok(Container { hold: Hold::Monitored(monitored), profile: config.seccomp, lifetime: config.lifetime })
    }

    /// One whose state is on disk.
    pub(crate) fn from_stored(stored: Stored) -> Container {
        let (profile, lifetime) = (stored.profile(), stored.lifetime());
        Container { hold: Hold::Stored(Box::new(stored), std::process::id()), profile, lifetime }
    }

    fn check_process(&self) -> Result<(), Error> {
        let (Hold::Monitored(Monitored { owner, .. }) | Hold::Stored(_, owner)) = &self.hold;
        check_owner(*owner)
    }

    /// Its id, where its state is on disk.
    pub fn id(&self) -> Option<&str> {
        match &self.hold {
            Hold::Monitored(_) => None,
            Hold::Stored(stored, _) => Some(stored.id()),
        }
    }

    /// Process id of the monitor (the supervisor that `inject` takes).
    pub fn pid(&self) -> i32 {
        match &self.hold {
            Hold::Monitored(monitored) => monitored.monitor_pid,
            Hold::Stored(stored, _) => stored.monitor_pid(),
        }
    }

    /// Process id of PID 1, as seen from outside; 0 where one whose state is on disk has ended.
    pub fn init_pid(&self) -> i32 {
        match &self.hold {
            Hold::Monitored(monitored) => monitored.init_pid,
            Hold::Stored(stored, _) => stored.init().map_or(0, |(pid, _)| pid),
        }
    }

    /// A pidfd of PID 1, the caller's to close: readable when the container has ended.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.pidfd(),
            Hold::Stored(stored, _) => stored.init().map(|(_, pidfd)| pidfd).ok_or_else(|| stored.stopped("open")),
        }
    }

    /// Sends a signal to the command; SIGKILL ends the whole container.
    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.kill(signal),
            Hold::Stored(stored, _) => stored.kill(signal),
        }
    }

    /// As `kill`.
    pub fn signal(&self, signal: i32) -> Result<(), Error> {
        self.kill(signal)
    }

    /// Ends the whole container at once and waits for that; the result says `reason`.
    pub fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.end(reason),
            Hold::Stored(stored, _) => stored.end(reason),
        }
    }

    /// Sends `signal`, waits `grace` for the end, and then kills the whole container. One that has ended already keeps
    /// its own result.
    pub fn stop(&self, signal: i32, grace: Duration) -> Result<Outcome, Error> {
        match self.kill(signal) {
            Err(error) if error.kind != Kind::Gone => return Err(error),
            _ => {}
        }
        match self.wait(Some(grace))? {
            Some(outcome) => Ok(outcome),
            None => self.end(EndedBy::Signalled),
        }
    }

    /// Runs another command inside; returns once it has been executed.
    pub fn inject(&self, injection: &Injection) -> Result<Process, Error> {
        let profile = injection.seccomp.unwrap_or(self.profile);
        let (pid, target) = self.running()?;
        inject_into(raw(&target), pid, injection, profile, self.lifetime)
    }

    /// Its PID 1, where it can be joined.
    fn running(&self) -> Result<(i32, OwnedFd), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => Ok((monitored.init_pid, monitored.running_init()?)),
            Hold::Stored(stored, _) => stored.running_init(),
        }
    }

    /// Waits for the end; `None` when `timeout` passed first. The result stays readable afterwards.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.wait(timeout),
            Hold::Stored(stored, _) => stored.wait(timeout),
        }
    }

    /// What it is doing, derived anew at each call.
    pub fn state(&self) -> Result<State, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => Ok(monitored.state()),
            Hold::Stored(stored, _) => stored.state(),
        }
    }

    /// All that is known of one whose state is on disk.
    pub fn status(&self) -> Result<Status, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => Err(Error::new(Kind::Invalid, "state", "find container", "")
                .cause(format!("the container of process {} has no state on disk", monitored.monitor_pid))
                .remedy("create it through a runtime")),
            Hold::Stored(stored, _) => stored.status(),
        }
    }

    /// The process ids, as this process sees them, of all in the container's PID namespace: those that were injected
    /// too. Read from /proc, so that what starts or ends meanwhile may be missing or named.
    pub fn processes(&self) -> Result<Vec<i32>, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) if monitored.state() == State::Stopped => Err(gone(monitored.init_pid)),
            Hold::Monitored(monitored) => Ok(processes::of(monitored.init_pid)),
            Hold::Stored(stored, _) => stored.processes(),
        }
    }

    /// Removes one that has ended from disk; with `force` it is killed first, and one that has been deleted already is
    /// no error.
    pub fn delete(&self, force: bool) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) if monitored.state() == State::Stopped => Ok(()),
            Hold::Monitored(monitored) if force => monitored.end(EndedBy::Signalled).map(drop),
            Hold::Monitored(monitored) => {
                Err(Error::new(Kind::Busy, "state", "delete the container of process", monitored.init_pid.to_string())
                    .errno(libc::EBUSY)
                    .cause("it has not ended")
                    .remedy("kill it first, or delete it with force"))
            }
            Hold::Stored(stored, _) => stored.delete(force),
        }
    }
}

/// Runs a command in the container of a supervisor, or of a PID 1, that need not be this process's own.
pub fn inject_by_pid(pid: i32, injection: &Injection) -> Result<Process, Error> {
    caller::check()?;
    let target = join::find(pid)?;
    let profile = injection.seccomp.unwrap_or(Profile::System);
    inject_into(raw(&target.pidfd), target.pid, injection, profile, Lifetime::Bound)
}

fn inject_into(
    target: Fd,
    pid: i32,
    injection: &Injection,
    profile: Profile,
    lifetime: Lifetime,
) -> Result<Process, Error> {
    compile::check_passed(&injection.pass_fds)?;
    let (cgroups, note) = cgroup::to_enter(pid);
    let request = Inject {
        argv: &injection.argv,
        env: &injection.env,
        profile,
        namespaces: join::differing(pid)?,
        pid,
        keep: reach_of(&injection.pass_fds),
        clear_groups: !join::denies_setgroups(pid),
        cgroups,
        note,
        timeout: injection.timeout,
        terminal: false,
        user: injection.user.as_ref().map(|user| resolve_joined(user, pid)).transpose()?,
        chdir: injection.chdir.as_deref(),
    };
    let draft = compile::inject(&request, Way::Run)?;
    let mut along = Along::new(0, &injection.pass_fds);
    along.target(target)?;
    let control = along.caller(lifetime)?;
    let launched = launch::beside(&draft, &along, injection.stdio)?;
    drop(along);
    let mut monitored = Monitored::new(control, launched, false)?;
    monitored.tree = injection.timeout.is_some();
    Ok(Process { monitored })
}

impl Process {
    /// Starts a plan's command beside this process.
    pub(crate) fn launch(
        draft: &Draft,
        mut along: Along,
        lifetime: Lifetime,
        stdio: [Stdio; 3],
    ) -> Result<Process, Error> {
        let control = along.caller(lifetime)?;
        let launched = launch::beside(draft, &along, stdio)?;
        drop(along);
        Ok(Process { monitored: Monitored::new(control, launched, false)? })
    }

    /// Process id as seen from outside.
    pub fn pid(&self) -> i32 {
        self.monitored.init_pid
    }

    /// A pidfd, the caller's to close.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.monitored.pidfd()
    }

    /// Sends a signal to the injected process. With a deadline SIGKILL ends everything that it started too.
    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        self.monitored.kill(signal)
    }

    /// Kills it, as SIGKILL does, and waits for that; the result says `reason`.
    pub fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.monitored.end(reason)
    }

    /// Waits for its end.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        self.monitored.wait(timeout)
    }
}

/// A process with a contain-init beside it that watches it: PID 1, or an injected command.
#[derive(Debug)]
struct Monitored {
    control: OwnedFd,
    monitor: OwnedFd,
    monitor_pid: i32,
    init: OwnedFd,
    init_pid: i32,
    owner: u32,
    /// Only the monitor can kill all of it: what a command with a deadline has started in somebody else's container.
    tree: bool,
    state: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// The plan, until the command has been started: an error names its step.
    plan: Option<Bytes>,
    outcome: Option<Outcome>,
    reason: Option<EndedBy>,
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Monitored {
    /// Waits until contain-init says that its process is there.
    fn new(control: OwnedFd, launched: Launched, created: bool) -> Result<Monitored, Error> {
        let monitor = own(launched.monitor.pidfd);
        let (message, passed) = first_message(&control, &monitor, &launched.plan).inspect_err(|_| reap(&monitor))?;
        let init_pid = match message {
            Message::Created { init } if created => init,
            Message::Started { init } if !created => init,
            _ => return Err(unexpected()),
        };
        if !passed.is_some() {
            return Err(unexpected());
        }
        Ok(Monitored {
            control,
            monitor,
            monitor_pid: launched.monitor.pid,
            init: own(passed),
            init_pid,
            owner: std::process::id(),
            tree: false,
            state: Mutex::new(Told { plan: created.then_some(launched.plan), ..Told::default() }),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn check_process(&self) -> Result<(), Error> {
        check_owner(self.owner)
    }

    fn start(&self) -> Result<(), Error> {
        let mut state = self.lock();
        let Some(plan) = state.plan.take() else {
            return Err(Error::new(Kind::Invalid, "container", "start", "the container").cause("it was started before"));
        };
        self.send(&Message::Start)?;
        self.hear_first(&plan).inspect_err(|error| {
            // A step that failed, not a container that was killed before its command began.
            if error.step.is_some() && error.errno.is_some() {
                state.outcome = Some(Outcome::NEVER_BEGUN);
            }
        })
    }

    fn state(&self) -> State {
        let created = match &*self.lock() {
            Told { outcome: Some(_), .. } => return State::Stopped,
            Told { plan, .. } => plan.is_some(),
        };
        let mut ended = [Poll { fd: self.init.as_raw_fd(), events: poll_event::IN, answered: 0 }];
        match poll(&mut ended, 0) {
            Ok(0) if created => State::Created,
            Ok(0) if processes::is_frozen(self.init_pid) => State::Paused,
            Ok(0) => State::Running,
            _ => State::Stopped,
        }
    }

    fn running_init(&self) -> Result<OwnedFd, Error> {
        if self.lock().plan.is_some() {
            return Err(Error::new(Kind::Gone, "container", "inject into", "the container")
                .cause("it has been created but not started"));
        }
        self.pidfd()
    }

    fn hear_first(&self, plan: &Bytes) -> Result<(), Error> {
        let (message, passed) =
            first_message(&self.control, &self.monitor, plan).inspect_err(|_| reap(&self.monitor))?;
        if passed.is_some() {
            drop(own(passed));
        }
        match message {
            Message::Started { .. } => Ok(()),
            _ => Err(unexpected()),
        }
    }

    fn send(&self, message: &Message) -> Result<(), Error> {
        socket::send(raw(&self.control), &message.to_bytes(), Fd::NONE, Wait::Yes).map_err(|errno| {
            Error::new(Kind::Gone, "container", "reach the monitor of", self.init_pid.to_string())
                .errno(errno.0)
                .cause("the container has ended")
        })
    }

    fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        self.init.try_clone().map_err(|error| {
            system("container", "duplicate", "a pidfd")(Errno(error.raw_os_error().unwrap_or(libc::EIO)))
        })
    }

    fn kill(&self, signal: i32) -> Result<(), Error> {
        self.check_process()?;
        if !(0..=number::LAST).contains(&signal) {
            return Err(Error::invalid("signal", signal.to_string(), "a signal is a number from 0 to 64"));
        }
        if self.lock().outcome.is_some() {
            return Err(gone(self.init_pid));
        }
        match signal {
            0 => process::send_signal(raw(&self.init), 0).map_err(|_| gone(self.init_pid)),
            number::SIGKILL => {
                let sent = self.send(&Message::Kill);
                self.kill_directly();
                sent
            }
            _ => self.send(&Message::Signal { signal }),
        }
    }

    fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.check_process()?;
        self.lock().reason.get_or_insert(reason);
        // A container that has ended already keeps its own result.
        let _ = self.send(&Message::Kill);
        self.kill_directly();
        loop {
            match self.wait(None) {
                Err(error) if error.errno == Some(libc::EINTR) => {}
                other => return other?.ok_or_else(unexpected),
            }
        }
    }

    /// As well as through the monitor, which somebody may have stopped. It may not be allowed: then the monitor does it.
    fn kill_directly(&self) {
        if self.tree {
            return;
        }
        let _ = process::send_signal(raw(&self.init), number::SIGKILL);
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
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
            let answered = readable([&self.control, &self.monitor], left)?;
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
            self.take_ending()?;
        }
    }

    /// Reads what the monitor has said; a monitor that died without a word took its container along.
    fn take_ending(&self) -> Result<(), Error> {
        let mut state = self.lock();
        if state.outcome.is_some() {
            return Ok(());
        }
        let mut buffer = [0u8; LENGTH];
        let ending = match socket::receive(raw(&self.control), &mut buffer, Wait::No) {
            Err(Errno::EAGAIN) => return Ok(()),
            Ok((0, _)) => {
                // Its guard kills PID 1 now; the container has ended when that has.
                readable([&self.init, &self.init], 5000)?;
                Ending { status: number::SIGKILL, ..Ending::default() }
            }
            Ok((length, passed)) => {
                if passed.is_some() {
                    drop(own(passed));
                }
                match Message::from_bytes(&buffer[..length]) {
                    Ok(Message::Ended(ending)) => ending,
                    // Created, and killed before it was started.
                    Ok(Message::Failed(_)) => Ending { status: number::SIGKILL, ..Ending::default() },
                    _ => return Ok(()),
                }
            }
            Err(errno) => return Err(system("container", "hear from", "the monitor")(errno)),
        };
        let reason = state.reason.filter(|_| ending.status & 0x7f == number::SIGKILL);
        state.outcome = Some(outcome(&ending, reason));
        drop(state);
        reap(&self.monitor);
        Ok(())
    }
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
fn check_owner(owner: u32) -> Result<(), Error> {
    if owner == std::process::id() {
        return Ok(());
    }
    Err(Error::new(Kind::WrongProcess, "container", "use the handle of", format!("process {owner}"))
        .cause("this process was forked from the one that made it")
        .remedy("make containers in the process that uses them"))
}

impl Drop for Monitored {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // The monitor may be gone; a full socket must not block either.
            let _ = socket::send(raw(&self.control), &Message::Release.to_bytes(), Fd::NONE, Wait::No);
        }
    }
}

fn gone(pid: i32) -> Error {
    Error::new(Kind::Gone, "container", "signal", pid.to_string()).errno(libc::ESRCH).cause("it has ended")
}

fn unexpected() -> Error {
    Error::new(Kind::Internal, "container", "hear from", "the monitor").cause("a defect in contain: please report it")
}

fn failed(plan: Option<&Bytes>, failure: &contain_plan::message::Failure) -> Error {
    let plan = plan.and_then(|bytes| Plan::read(bytes).ok());
    diagnose::error(plan.as_ref(), failure)
}

/// Waits until one of two descriptors can be read; how many can.
pub(crate) fn readable(descriptors: [&OwnedFd; 2], timeout_ms: i64) -> Result<usize, Error> {
    let mut asked = descriptors.map(|fd| Poll { fd: fd.as_raw_fd(), events: poll_event::IN, answered: 0 });
    poll(&mut asked, timeout_ms).map_err(system("container", "poll", "the monitor"))
}

/// The first thing that a new contain-init has to say.
pub(crate) fn first_message(control: &OwnedFd, monitor: &OwnedFd, plan: &Bytes) -> Result<(Message, Fd), Error> {
    loop {
        readable([control, monitor], -1)?;
        let mut buffer = [0u8; LENGTH];
        let (length, passed) = match socket::receive(raw(control), &mut buffer, Wait::No) {
            Err(Errno::EAGAIN) => continue,
            other => other.map_err(system("container", "hear from", "the monitor"))?,
        };
        if length == 0 {
            return Err(Error::new(Kind::System, "monitor", "start", "contain-init")
                .cause("it died before the container was made: it was killed, or ran out of memory"));
        }
        match Message::from_bytes(&buffer[..length]) {
            Ok(Message::Failed(failure)) => {
                if passed.is_some() {
                    drop(own(passed));
                }
                return Err(failed(Some(plan), &failure));
            }
            Ok(message) => return Ok((message, passed)),
            Err(_) => return Err(unexpected()),
        }
    }
}

pub(crate) fn outcome(ending: &Ending, reason: Option<EndedBy>) -> Outcome {
    let (ended_by, status) = match ending.status & 0x7f {
        0 => (EndedBy::Exited, (ending.status >> 8) & 0xff),
        signal => (EndedBy::Signalled, signal),
    };
    Outcome {
        ended_by: match ending.reached {
            Reached::Deadline => EndedBy::Wall,
            Reached::Nothing | Reached::Failure => reason.unwrap_or(ended_by),
        },
        status,
        wall: Duration::from_nanos(ending.wall_ns),
        user: Duration::from_micros(ending.user_us),
        system: Duration::from_micros(ending.system_us),
        peak_memory: ending.peak_kib.saturating_mul(1024),
    }
}
