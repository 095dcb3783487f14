// SPDX-License-Identifier: MIT OR Apache-2.0
//! A container found on disk, and what is done to it. Nothing is remembered between calls but who it is: what it is
//! doing is asked of the kernel each time, by process ids that are checked with their start times.

use super::directory::{Directory, Lock, STAGE, refused};
use super::document::{Document, Record};
use super::held::has_ended;
use super::make::CONTROL;
use super::{Found, State, Status, check_scope, processes, remove, status_of};
use crate::caller::{own, raw, system};
use crate::config::{Lifetime, Profile};
use crate::container::{Master, not_started, readable, reap};
use crate::error::{Error, Kind};
use crate::outcome::{Causes, EndedBy, Outcome};
use crate::wiped::Wiped;
use crate::{cgroup, diagnose, join, procfs};
use contain_plan::message::{Ending, Failure, LENGTH, Message, Part};
use contain_plan::{MAX_LENGTH, Plan};
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, process};
use std::ffi::{CStr, CString};
use std::io::Seek;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long a monitor may take to read what it is told.
const HEARING: Duration = Duration::from_secs(10);

/// A container on disk.
#[derive(Debug)]
pub(crate) struct Stored {
    parent: Directory,
    directory: Directory,
    name: CString,
    document: Document,
    /// Why this process ended it.
    reason: Mutex<Option<EndedBy>>,
    /// How it ended, once this process has been told: it may be deleted then.
    known: Mutex<Option<Outcome>>,
    /// The console's other end, in the process that created it.
    pub(super) console: Master,
    /// Where a start of this process's is answered.
    starting: Mutex<Option<(OwnedFd, Lock)>>,
}

impl Stored {
    /// Reads what is written of it. `id` empty: whichever it is.
    pub fn new(parent: Directory, directory: Directory, name: CString, id: &str) -> Result<Stored, Error> {
        let shown = if id.is_empty() { name.to_string_lossy().into_owned() } else { id.to_string() };
        let document = Document::read(&directory)?.ok_or_else(|| remove::unfinished(&shown))?;
        if (!id.is_empty() && document.id != id) || super::directory_name(&document.id) != name {
            return Err(super::absent(&shown).remedy("its directory belongs to another id"));
        }
        check_scope(&document)?;
        let (reason, known) = (Mutex::new(None), Mutex::new(None));
        let (starting, console) = (Mutex::new(None), Master::default());
        Ok(Stored { parent, directory, name, document, reason, known, starting, console })
    }

    /// Where it is: what its directory is in, its directory, its name.
    pub fn place(&self) -> (&Directory, &Directory, &CStr) {
        (&self.parent, &self.directory, &self.name)
    }

    /// For who watches it.
    pub fn found(self: &Arc<Stored>) -> Result<Found, Error> {
        Found::new(Arc::clone(self))
    }

    pub fn id(&self) -> &str {
        &self.document.id
    }

    /// What of its configuration can end the command.
    pub fn causes(&self) -> Causes {
        self.document.causes
    }

    /// Whether its PID 1 was there when it was written down.
    pub fn knows_init(&self) -> bool {
        self.document.init.is_some()
    }

    /// Why this process ended it, where it did.
    pub fn reason(&self) -> Option<EndedBy> {
        *self.reason.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// What its command runs under, as it is written down.
    pub fn profile(&self) -> Result<Profile, Error> {
        self.document.filter.profile(&self.directory)
    }

    pub fn lifetime(&self) -> Lifetime {
        self.document.lifetime
    }

    pub fn monitor_pid(&self) -> i32 {
        self.document.monitor.pid
    }

    /// Its monitor, while that lives.
    pub fn monitor(&self) -> Result<Option<OwnedFd>, Error> {
        self.document.live_monitor()
    }

    /// Its PID 1, while that lives.
    pub fn init(&self) -> Result<Option<(i32, OwnedFd)>, Error> {
        init_of(&self.document)
    }

    /// PID 1 of one that is running.
    pub fn running_init(&self) -> Result<(i32, OwnedFd), Error> {
        match (self.state()?, self.init()?) {
            // A paused one is refused where its cgroup is to be entered.
            (State::Running | State::Paused, Some(init)) => Ok(init),
            (State::Created, _) => Err(not_started(STAGE, self.id())),
            _ => Err(self.stopped("inject into")),
        }
    }

    pub fn state(&self) -> Result<State, Error> {
        self.status().map(|status| status.state)
    }

    /// What it is doing, derived anew.
    pub fn status(&self) -> Result<Status, Error> {
        let monitor = self.monitor()?;
        let init = self.init()?;
        // ORDER: after looking whether they live: what ended between the two has been recorded.
        let record = Record::read(&self.directory)?;
        let lives = init.is_some() || (self.document.init.is_none() && monitor.is_some());
        let state = match &init {
            _ if !lives || record.ended.is_some() || record.failed.is_some() => State::Stopped,
            _ if record.started.is_none() => State::Created,
            Some((pid, _)) if cgroup::frozen(*pid).is_some() => State::Paused,
            _ => State::Running,
        };
        let init = init.filter(|_| state != State::Stopped).map(|(pid, _)| pid);
        let mut status = status_of(&self.document, &record, state, init, monitor.map(|_| self.monitor_pid()));
        status.outcome = self.known().or(status.outcome);
        Ok(status)
    }

    fn lock(&self) -> Result<Lock, Error> {
        let lock = self.directory.lock()?;
        if self.directory.is_still(&self.parent, &self.name)? { Ok(lock) } else { Err(super::absent(self.id())) }
    }

    /// Tells the monitor that the command may begin; of several callers one does. The directory is locked until
    /// `started` has told how that went.
    pub fn begin_start(&self) -> Result<(), Error> {
        // One that has been deleted has no lock any more.
        if self.state()? == State::Stopped {
            return Err(self.stopped("start"));
        }
        let lock = self.lock()?;
        let answer = self.ask_to_start()?;
        *self.starting() = Some((answer, lock));
        Ok(())
    }

    /// Whether the command has begun, or why it has not, where that is known by now.
    pub fn started(&self) -> Result<bool, Error> {
        let mut starting = self.starting();
        let Some((answer, _)) = &*starting else { return Ok(true) };
        let answered = self.answered(answer);
        if !matches!(answered, Ok(false)) {
            *starting = None;
        }
        answered
    }

    fn starting(&self) -> std::sync::MutexGuard<'_, Option<(OwnedFd, Lock)>> {
        self.starting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Where the answer to the start comes.
    pub fn start_news(&self) -> Result<OwnedFd, Error> {
        let starting = self.starting();
        let (answer, _) = starting.as_ref().ok_or_else(|| self.started_before())?;
        answer.try_clone().map_err(|error| {
            system(STAGE, "duplicate", "a descriptor of the container")(Errno(
                error.raw_os_error().unwrap_or(libc::EIO),
            ))
        })
    }

    /// What is waited for: the monitor, then PID 1.
    pub fn end_news(&self) -> Result<OwnedFd, Error> {
        match self.monitor()? {
            Some(monitor) => Ok(monitor),
            None => self.init()?.map(|(_, pidfd)| pidfd).ok_or_else(|| self.stopped("wait for")),
        }
    }

    /// Tells the monitor, for a caller that holds the lock; where the answer comes.
    pub fn ask_to_start(&self) -> Result<OwnedFd, Error> {
        match self.state()? {
            State::Created => {}
            State::Stopped => return Err(self.stopped("start")),
            State::Running | State::Paused => return Err(self.started_before()),
        }
        let (ours, theirs) = socket::pair().map_err(system(STAGE, "make", "a socket pair"))?;
        let (ours, theirs) = (own(ours), own(theirs));
        if let Err(error) = send(&self.directory, &Message::Start, raw(&theirs)) {
            return Err(if self.init()?.is_none() { self.stopped("start") } else { error });
        }
        Ok(ours)
    }

    /// Whether the command has begun, once the monitor has answered that there.
    pub fn answered(&self, answer: &OwnedFd) -> Result<bool, Error> {
        let Some((message, passed)) = hear(answer)? else { return Ok(false) };
        match message {
            Some(Message::Started { .. }) => Ok(true),
            Some(Message::Failed(failure)) => Err(failed(&failure, passed)),
            _ => self.not_started().map(|()| true),
        }
    }

    /// The monitor has not answered: what became of the container is on record.
    fn not_started(&self) -> Result<(), Error> {
        let record = Record::read(&self.directory)?;
        match (record.started, record.failed) {
            (Some(_), _) => Err(self.started_before()),
            (None, Some(failure)) if !is_death(&failure) => Err(failed(&failure, None)),
            _ => Err(self.stopped("start")),
        }
    }

    fn started_before(&self) -> Error {
        Error::new(Kind::Invalid, STAGE, "start container", self.id()).cause("it was started before")
    }

    /// The console's other end, once.
    pub fn take_console(&self) -> Result<OwnedFd, Error> {
        let absent = (
            "it was created without one for the caller, or by another process, which alone has it",
            "take it in the process that creates the container, by the handle of that",
        );
        self.console.take(&format!("container {}", self.id()), absent)
    }

    pub fn stopped(&self, operation: &str) -> Error {
        Error::new(Kind::Gone, STAGE, format!("{operation} container"), self.id())
            .errno(libc::ESRCH)
            .cause("container not running: it has ended")
    }

    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        if !(0..=number::LAST).contains(&signal) {
            return Err(Error::invalid("signal", signal.to_string(), "a signal is a number from 0 to 64"));
        }
        if self.state()? == State::Stopped {
            return Err(self.stopped("signal"));
        }
        if signal == 0 {
            return Ok(());
        }
        let message = if signal == number::SIGKILL { Message::Kill } else { Message::Signal { signal } };
        let sent = send(&self.directory, &message, Fd::NONE);
        if signal == number::SIGKILL
            && let Some((pid, init)) = self.init()?
            && process::send_signal(raw(&init), number::SIGKILL).is_ok()
        {
            return cgroup::check_ends(pid, self.id());
        }
        // Between the look and the word it may have ended.
        sent.or_else(|error| if self.state()? == State::Stopped { Err(self.stopped("signal")) } else { Err(error) })
    }

    /// Kills it for this reason, and does not wait for that. One that has ended keeps its own result.
    pub fn condemn(&self, reason: EndedBy) -> Result<(), Error> {
        self.reason.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(reason);
        match self.kill(number::SIGKILL) {
            Err(error) if error.kind != Kind::Gone => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends it at once and waits for that; the result says `reason`.
    pub fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.condemn(reason)?;
        loop {
            match self.wait(None) {
                Err(error) if error.errno == Some(libc::EINTR) => {}
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits for the end; `None` when `timeout` passed first.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        if let Some(known) = self.known() {
            return Ok(Some(known));
        }
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let (init, monitor) = (self.init()?, self.monitor()?);
        // It stays readable when somebody deletes the container as soon as it has ended.
        let record = Record::open(&self.directory)?;
        // The monitor ends behind PID 1, when it has recorded the end; PID 1 ends behind a monitor that was killed.
        for pidfd in [monitor.as_ref(), init.as_ref().map(|(_, pidfd)| pidfd)].into_iter().flatten() {
            if !until_ended(pidfd, deadline, timeout.is_none(), self.id())? {
                return Ok(None);
            }
        }
        if let Some(monitor) = &monitor {
            reap(monitor);
        }
        let record =
            record.ok_or_else(|| self.stopped("wait for").cause("it was deleted, and how it ended with it"))?;
        self.note(&record, self.reason()).map(Some)
    }

    /// Reads how it ended, and keeps that.
    fn note(&self, record: &std::fs::File, reason: Option<EndedBy>) -> Result<Outcome, Error> {
        let record = Record::read_again(record).map_err(|error| {
            refused("read the record in", self.directory.path())(Errno(error.raw_os_error().unwrap_or(libc::EIO)))
        })?;
        let outcome = outcome_of(&record, reason, self.document.causes);
        Ok(*self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(outcome))
    }

    fn known(&self) -> Option<Outcome> {
        *self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub fn processes(&self) -> Result<Vec<i32>, Error> {
        match self.state()? {
            State::Stopped => Err(self.stopped("list the processes of")),
            _ => self.init()?.map_or(Ok(Vec::new()), |(pid, _)| processes::of(pid)),
        }
    }

    pub fn delete(&self, force: bool) -> Result<(), Error> {
        // A start that this process has not heard the answer to holds it.
        *self.starting() = None;
        let record = Record::open(&self.directory)?;
        remove::delete(&self.parent, &self.name, self.id(), force)?;
        record.map_or(Ok(()), |record| self.note(&record, None).map(drop))
    }
}

/// PID 1 of a container: as it was noted, else the child of its monitor.
fn init_of(document: &Document) -> Result<Option<(i32, OwnedFd)>, Error> {
    if let Some(held) = document.init {
        return Ok(document.live_init()?.map(|pidfd| (held.pid, pidfd)));
    }
    let Some(monitor) = document.live_monitor()? else { return Ok(None) };
    match join::find(document.monitor.pid) {
        Ok(target) => Ok((!has_ended(&monitor)).then_some((target.pid, target.pidfd))),
        Err(error) if error.kind == Kind::Gone => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether PID 1 lives, or a monitor that may yet make it.
pub(super) fn is_alive(document: &Document) -> Result<bool, Error> {
    let lives = if document.init.is_some() { document.live_init() } else { document.live_monitor() };
    Ok(lives?.is_some())
}

/// Waits for a process's end; false when `deadline` passed first. Without one a signal of the caller's ends the wait.
fn until_ended(pidfd: &OwnedFd, deadline: Option<Instant>, for_ever: bool, id: &str) -> Result<bool, Error> {
    loop {
        let left = deadline.map(|deadline| {
            // Rounded up: a poll that returns early would spin.
            let left = deadline.saturating_duration_since(Instant::now());
            i64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i64::MAX)
        });
        if readable([pidfd, pidfd], left.unwrap_or(-1))? > 0 {
            return Ok(true);
        }
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(false);
        }
        if for_ever {
            return Err(Error::new(Kind::System, STAGE, "wait for container", id).errno(libc::EINTR));
        }
    }
}

/// Whether somebody listens at the socket.
pub(super) fn is_heard(directory: &Directory) -> Result<bool, Error> {
    match connect(directory) {
        Ok(_) => Ok(true),
        // EPROTOTYPE: a socket of another kind is not the monitor's.
        Err(error) => match error.errno {
            Some(libc::ECONNREFUSED | libc::EPROTOTYPE) => Ok(false),
            Some(libc::ENOENT) if procfs::is_mounted() => Ok(false),
            _ => Err(error),
        },
    }
}

/// A socket that speaks to the monitor. ECONNREFUSED: there is none any more.
pub(super) fn connect(directory: &Directory) -> Result<UnixDatagram, Error> {
    let failed = |error: std::io::Error| {
        refused("reach the monitor of", directory.path())(Errno(error.raw_os_error().unwrap_or(libc::EIO)))
    };
    // connect(2) would follow a link.
    if !directory.has_socket(CONTROL)? {
        return Err(failed(std::io::Error::from_raw_os_error(libc::ECONNREFUSED)));
    }
    let socket = UnixDatagram::unbound().map_err(failed)?;
    socket.connect(directory.through_descriptor("control")).map_err(failed)?;
    Ok(socket)
}

/// Tells the monitor something; a descriptor for its answer goes along.
pub(super) fn send(directory: &Directory, message: &Message, passed: Fd) -> Result<(), Error> {
    let socket = connect(directory)?;
    let end = Instant::now() + HEARING;
    loop {
        match socket::send(raw(&socket), &message.to_bytes(), passed, Wait::No) {
            Ok(()) => return Ok(()),
            Err(Errno::EAGAIN) if Instant::now() < end => {
                // Others speak to it too: until there is room again.
                let mut asked = [Poll { fd: socket.as_raw_fd(), events: poll_event::OUT, answered: 0 }];
                poll(&mut asked, 100).map_err(system(STAGE, "poll", "the monitor"))?;
            }
            Err(Errno::EAGAIN) => {
                return Err(Error::new(
                    Kind::Busy,
                    STAGE,
                    "reach the monitor of",
                    directory.path().display().to_string(),
                )
                .errno(libc::EAGAIN)
                .cause("it does not listen: it is stopped"));
            }
            Err(errno) => return Err(refused("reach the monitor of", directory.path())(errno)),
        }
    }
}

/// What a monitor said to a start, and what came with it; nothing where it has closed the socket or ended.
type Answer = (Option<Message>, Option<OwnedFd>);

/// The answer to a start, where there is one by now.
fn hear(socket: &OwnedFd) -> Result<Option<Answer>, Error> {
    let mut buffer = [0u8; LENGTH];
    let (length, passed) = match socket::receive(raw(socket), &mut buffer, Wait::No) {
        Err(Errno::EAGAIN) => return Ok(None),
        other => other.map_err(system(STAGE, "hear from", "the monitor"))?,
    };
    Ok(Some((Message::from_bytes(&buffer[..length]).ok(), passed.is_some().then(|| own(passed)))))
}

/// The error of a start that failed, in the words of the plan that came along.
fn failed(failure: &Failure, plan: Option<OwnedFd>) -> Error {
    let read = |plan: OwnedFd| {
        // Every descriptor of a memfd shares one place to read from.
        let mut file = std::fs::File::from(plan);
        file.rewind()?;
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(MAX_LENGTH);
        Wiped::read(&mut file, length.min(MAX_LENGTH))
    };
    let bytes = plan.and_then(|plan| read(plan).ok()).unwrap_or_default();
    diagnose::error(Plan::read(&bytes).ok().as_ref(), failure)
}

/// Whether a failure is that the container was ended before its command began.
fn is_death(failure: &Failure) -> bool {
    failure.part() == Part::Died && failure.errno == 0
}

/// How a container ended, by its record. A monitor that was killed has recorded nothing, and PID 1 with it.
pub(super) fn outcome_of(record: &Record, reason: Option<EndedBy>, causes: Causes) -> Outcome {
    let killed = Ending { status: number::SIGKILL, ..Ending::default() };
    match (record.ended, record.failed) {
        (None, Some(failure)) if !is_death(&failure) => Outcome::NEVER_BEGUN,
        (ended, _) => Outcome::of(&ended.unwrap_or(killed), reason, causes),
    }
}
