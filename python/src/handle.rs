// SPDX-License-Identifier: MIT OR Apache-2.0
//! Containers and injected processes as Python objects. They may be used from any thread, and only in the process
//! that made them.

use crate::call::{interruptible, raise, unlocked};
use crate::descriptor::Descriptor;
use crate::events::Events;
use crate::pending::{PendingContainer, PendingProcess};
use crate::runtime::{Place, StatusParts, status};
use crate::settings::{Settings, Standard, not_one_of, profile, rlimit, stdio, text, texts, window};
use contain::{EndedBy, Error, Id, Injection, Kind, Outcome, User, capability};
use pyo3::prelude::*;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// SIGKILL.
const KILL: i32 = 9;
/// No such process.
const ESRCH: i32 = 3;

/// How it ended, status, and seconds on the wall, in user mode and in the kernel; bytes of memory at the peak.
pub type Ending = (&'static str, i32, f64, f64, f64, u64);

/// An outcome as Python takes it.
pub fn ending(outcome: &Outcome) -> Ending {
    let [wall, user, system] = [outcome.wall, outcome.user, outcome.system].map(|time| time.as_secs_f64());
    (outcome.ended_by.word(), outcome.status, wall, user, system, outcome.peak_memory)
}

/// What every handle has beside the runtime's: a descriptor of its own to poll, and the process that made it.
struct Held {
    watched: Watched,
    owner: u32,
}

/// What is readable at the end.
enum Watched {
    Pidfd(OwnedFd),
    /// Of a container whose PID 1 had ended before there was a handle: the end of a pipe that nobody writes to.
    Ended(OwnedFd),
}

impl Held {
    fn new(pidfd: OwnedFd) -> Held {
        Held { watched: Watched::Pidfd(pidfd), owner: std::process::id() }
    }

    /// Of a container that may have ended.
    fn of(container: &contain::Container) -> Result<Held, Error> {
        let watched = match container.pidfd() {
            Ok(pidfd) => Watched::Pidfd(pidfd),
            Err(error) if error.kind == Kind::Gone => Watched::Ended(readable()?),
            Err(error) => return Err(error),
        };
        Ok(Held { watched, owner: std::process::id() })
    }

    fn check(&self, py: Python<'_>) -> PyResult<()> {
        if self.owner == std::process::id() {
            return Ok(());
        }
        let error = Error::new(Kind::WrongProcess, "python", "use the handle of", format!("process {}", self.owner))
            .cause("this process was forked from the one that made it")
            .remedy("make containers in the process that uses them");
        Err(raise(py, &error))
    }

    fn number(&self, py: Python<'_>) -> PyResult<RawFd> {
        let (Watched::Pidfd(watched) | Watched::Ended(watched)) = &self.watched;
        self.check(py).map(|()| watched.as_raw_fd())
    }

    fn duplicate(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.check(py)?;
        let duplicate = match &self.watched {
            Watched::Pidfd(pidfd) => pidfd.try_clone().map_err(|error| failed("duplicate", "a pidfd", &error)),
            Watched::Ended(_) => Err(Error::new(Kind::Gone, "python", "open a pidfd of", "the container")
                .errno(ESRCH)
                .cause("it had ended before there was a handle")),
        };
        duplicate.map(IntoRawFd::into_raw_fd).map_err(|error| raise(py, &error))
    }
}

/// The error of a call that this module itself made.
pub fn failed(operation: &str, object: &str, error: &std::io::Error) -> Error {
    let made = Error::new(Kind::System, "python", operation, object);
    error.raw_os_error().into_iter().fold(made, Error::errno)
}

/// A container.
#[pyclass(frozen, module = "contain._native")]
pub struct Container {
    inner: contain::Container,
    held: Held,
    owned: bool,
}

/// A process injected into a container.
#[pyclass(frozen, module = "contain._native")]
pub struct Process {
    inner: contain::Process,
    held: Held,
}

/// `contain._container.Command`: what is injected, paths and texts as bytes.
#[derive(FromPyObject)]
pub struct Command {
    argv: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    user: Option<String>,
    groups: Option<Vec<String>>,
    cwd: Option<Vec<u8>>,
    seccomp: Option<String>,
    capabilities: Option<Vec<String>>,
    no_new_privs: bool,
    rlimits: Vec<(u32, u64, u64)>,
    pass_fds: Vec<i32>,
    timeout: Option<f64>,
    console: Option<(u16, u16)>,
}

impl Command {
    fn injection(self, standard: Standard) -> Result<Injection, Error> {
        let group = |name: &String| Id::parse(name);
        Ok(Injection {
            env: texts(self.env),
            stdio: stdio(standard)?,
            pass_fds: self.pass_fds,
            seccomp: self.seccomp.as_deref().map(profile).transpose()?,
            timeout: self.timeout.map(Duration::from_secs_f64),
            user: self.user.as_deref().map(User::parse).transpose()?,
            groups: self.groups.map(|names| names.iter().map(group).collect()).transpose()?,
            chdir: self.cwd.map(|path| text(path).into()),
            capabilities: self.capabilities.map(|names| capability::changed(0, &names, &[""; 0])).transpose()?,
            no_new_privs: self.no_new_privs,
            rlimits: self.rlimits.into_iter().map(rlimit).collect(),
            console: self.console.map(window),
            ..Injection::new(texts(self.argv))
        })
    }
}

/// How far a new container goes by itself.
#[derive(Clone, Copy)]
enum Until {
    Created,
    Started,
}

impl Process {
    /// Of a process that has just begun; it is killed where it cannot be watched.
    pub fn new(inner: contain::Process) -> Result<Process, Error> {
        let pidfd = inner.pidfd().inspect_err(|_| drop(inner.kill(KILL)))?;
        Ok(Process { inner, held: Held::new(pidfd) })
    }
}

impl Container {
    /// Of a container that has just been made; it is killed where it cannot be watched.
    pub fn new(inner: contain::Container, owned: bool) -> Result<Container, Error> {
        let held = Held::of(&inner).inspect_err(|_| drop(inner.end(EndedBy::Signalled)))?;
        Ok(Container { inner, held, owned })
    }

    fn begin(
        py: Python<'_>,
        settings: Settings,
        standard: Standard,
        until: Until,
        place: Option<Place>,
    ) -> PyResult<PendingContainer> {
        let owned = settings.is_owned();
        let mut config = settings.config(py)?;
        unlocked(py, || {
            config.stdio = stdio(standard)?;
            let pending = match (&place, until) {
                (None, Until::Created) => contain::Container::begin_create(&config)?,
                (None, Until::Started) => contain::Container::begin_run(&config)?,
                (Some(place), Until::Created) => place.make()?.begin_create(place.name(), &config)?,
                (Some(place), Until::Started) => place.make()?.begin_run(place.name(), &config)?,
            };
            Ok(PendingContainer::new(pending, owned))
        })
    }
}

/// The end of a pipe that nobody writes to: it is readable for ever.
fn readable() -> Result<OwnedFd, Error> {
    std::io::pipe().map(|(reader, _)| reader.into()).map_err(|error| failed("make", "a pipe", &error))
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.owned {
            // One that has ended, or that a forked child holds, is left alone.
            let _ = self.inner.kill(KILL);
        }
    }
}

#[pymethods]
impl Container {
    /// Begins to make a container that waits for its start.
    #[staticmethod]
    fn create(
        py: Python<'_>,
        settings: Settings,
        standard: Standard,
        place: Option<Place>,
    ) -> PyResult<PendingContainer> {
        Container::begin(py, settings, standard, Until::Created, place)
    }

    /// Begins to make a container whose command starts.
    #[staticmethod]
    fn run(py: Python<'_>, settings: Settings, standard: Standard, place: Option<Place>) -> PyResult<PendingContainer> {
        Container::begin(py, settings, standard, Until::Started, place)
    }

    /// One that some process has created.
    #[staticmethod]
    fn open(py: Python<'_>, place: Place) -> PyResult<Container> {
        unlocked(py, || {
            let inner = place.find()?;
            let held = Held::of(&inner)?;
            Ok(Container { inner, held, owned: false })
        })
    }

    /// Lets the command begin.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        unlocked(py, || self.inner.begin_start())
    }

    /// Whether it has been executed since, or why not; None as long as neither is known.
    fn started(&self, py: Python<'_>) -> PyResult<Option<bool>> {
        unlocked(py, || self.inner.started()).map(|started| started.then_some(true))
    }

    /// A new descriptor that becomes readable when `started` may have more to tell.
    fn start_news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        unlocked(py, || self.inner.start_news()).map(Descriptor::from)
    }

    /// A new descriptor that becomes readable when `try_wait` may have more to tell.
    fn news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        unlocked(py, || match self.inner.end_news() {
            Err(error) if error.kind == Kind::Gone => readable(),
            other => other,
        })
        .map(Descriptor::from)
    }

    /// Begins to run another command inside.
    fn inject(&self, py: Python<'_>, command: Command, standard: Standard) -> PyResult<PendingProcess> {
        PendingProcess::begin(py, || self.inner.begin_inject(&command.injection(standard)?))
    }

    /// Begins to copy a file of the container's to its stdout.
    fn copy_out(&self, py: Python<'_>, path: Vec<u8>, limit: u64, standard: Standard) -> PyResult<PendingProcess> {
        PendingProcess::begin(py, || self.inner.begin_copy_out(&text(path), limit, stdio(standard)?[1]))
    }

    /// Begins to copy its stdin to a file of the container's.
    fn copy_in(&self, py: Python<'_>, path: Vec<u8>, mode: u32, standard: Standard) -> PyResult<PendingProcess> {
        PendingProcess::begin(py, || self.inner.begin_copy_in(&text(path), mode, stdio(standard)?[0]))
    }

    /// The monitor's process id.
    #[getter]
    fn pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py).map(|()| self.inner.pid())
    }

    /// The process id of PID 1.
    #[getter]
    fn init_pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py)?;
        unlocked(py, || self.inner.init_pid())
    }

    /// The other end of its console, the caller's to close.
    fn take_console(&self, py: Python<'_>) -> PyResult<RawFd> {
        unlocked(py, || self.inner.take_console()).map(IntoRawFd::into_raw_fd)
    }

    /// The number of a pidfd that stays this object's.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.held.number(py)
    }

    /// A new pidfd, the caller's to close.
    fn pidfd(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.held.duplicate(py)
    }

    /// What it is doing.
    fn state(&self, py: Python<'_>) -> PyResult<&'static str> {
        unlocked(py, || self.inner.state()).map(contain::State::word)
    }

    /// All that is known of one with state on disk.
    fn status(&self, py: Python<'_>) -> PyResult<StatusParts> {
        unlocked(py, || self.inner.status()).map(status)
    }

    /// What becomes of it from here on.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        unlocked(py, || Events::of(&self.inner))
    }

    /// The process ids of all that runs inside.
    fn processes(&self, py: Python<'_>) -> PyResult<Vec<i32>> {
        unlocked(py, || self.inner.processes())
    }

    /// Removes its state.
    fn delete(&self, py: Python<'_>, force: bool) -> PyResult<()> {
        interruptible(py, || self.inner.delete(force))
    }

    /// Sends a signal to the command.
    fn kill(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        unlocked(py, || self.inner.kill(signal))
    }

    /// Kills the whole container for this reason.
    fn condemn(&self, py: Python<'_>, reason: &str) -> PyResult<()> {
        let reason = match reason {
            "wall" => EndedBy::Wall,
            "output" => EndedBy::Output,
            "signalled" => EndedBy::Signalled,
            other => return Err(raise(py, &not_one_of("reason", other, &["wall", "output", "signalled"]))),
        };
        unlocked(py, || self.inner.condemn(reason))
    }

    /// How it ended, if it has.
    fn try_wait(&self, py: Python<'_>) -> PyResult<Option<Ending>> {
        unlocked(py, || self.inner.wait(Some(Duration::ZERO))).map(|outcome| outcome.as_ref().map(ending))
    }
}

#[pymethods]
impl Process {
    /// Its process id.
    #[getter]
    fn pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py).map(|()| self.inner.pid())
    }

    /// The other end of its console, the caller's to close.
    fn take_console(&self, py: Python<'_>) -> PyResult<RawFd> {
        unlocked(py, || self.inner.take_console()).map(IntoRawFd::into_raw_fd)
    }

    /// The number of a pidfd that stays this object's.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.held.number(py)
    }

    /// A new pidfd, the caller's to close.
    fn pidfd(&self, py: Python<'_>) -> PyResult<RawFd> {
        unlocked(py, || self.inner.pidfd()).map(IntoRawFd::into_raw_fd)
    }

    /// Sends it a signal.
    fn kill(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        unlocked(py, || self.inner.kill(signal))
    }

    /// How it ended, if it has.
    fn try_wait(&self, py: Python<'_>) -> PyResult<Option<Ending>> {
        unlocked(py, || self.inner.wait(Some(Duration::ZERO))).map(|outcome| outcome.as_ref().map(ending))
    }

    /// A new descriptor that becomes readable when `try_wait` may have more to tell.
    fn news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        unlocked(py, || self.inner.end_news()).map(Descriptor::from)
    }

    /// How the copying of a file has ended, where this is that: nothing, or an error.
    fn check_copied(&self, py: Python<'_>, verb: &str, path: Vec<u8>) -> PyResult<()> {
        unlocked(py, || match self.inner.wait(Some(Duration::ZERO))? {
            Some(outcome) => contain::container::copied(verb, &text(path), &outcome),
            None => Ok(()),
        })
    }
}
