// SPDX-License-Identifier: MIT OR Apache-2.0
//! Containers and injected processes as Python objects. They may be used from any thread, and only in the process
//! that made them.

use crate::call::{interruptible, raise, unlocked};
use crate::settings::{Settings, Standard, not_one_of, profile, stdio, text, texts};
use contain::{EndedBy, Error, Injection, Kind, Outcome};
use pyo3::prelude::*;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// SIGKILL.
const KILL: i32 = 9;

/// How it ended, status, and seconds on the wall, in user mode and in the kernel; bytes of memory at the peak.
type Ending = (&'static str, i32, f64, f64, f64, u64);

fn ending(outcome: &Outcome) -> Ending {
    let ended_by = match outcome.ended_by {
        EndedBy::Exited => "exited",
        EndedBy::Wall => "wall",
        EndedBy::Output => "output",
        EndedBy::Setup => "setup",
        // This module asks for no other reason.
        _ => "signalled",
    };
    let [wall, user, system] = [outcome.wall, outcome.user, outcome.system].map(|time| time.as_secs_f64());
    (ended_by, outcome.status, wall, user, system, outcome.peak_memory)
}

/// What every handle has beside the runtime's: a pidfd of its own to poll, and the process that made it.
struct Held {
    pidfd: OwnedFd,
    owner: u32,
}

impl Held {
    fn new(pidfd: OwnedFd) -> Held {
        Held { pidfd, owner: std::process::id() }
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
        self.check(py).map(|()| self.pidfd.as_raw_fd())
    }
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

/// How far a new container goes by itself.
#[derive(Clone, Copy)]
enum Until {
    Created,
    Started,
}

impl Container {
    fn launch(py: Python<'_>, settings: Settings, standard: Standard, until: Until) -> PyResult<Container> {
        let owned = settings.is_owned();
        let mut config = settings.config(py)?;
        let container = unlocked(py, || {
            config.stdio = stdio(standard)?;
            let inner = match until {
                Until::Created => contain::Container::create(&config)?,
                Until::Started => contain::Container::run(&config)?,
            };
            let held = Held::new(inner.pidfd()?);
            Ok(Container { inner, held, owned })
        })?;
        // Where the handler of a signal that came meanwhile raises, nobody gets the handle.
        if let Err(raised) = py.check_signals() {
            let _ = unlocked(py, || container.inner.end(EndedBy::Signalled));
            return Err(raised);
        }
        Ok(container)
    }
}

impl Process {
    fn launch(py: Python<'_>, start: impl FnOnce() -> Result<contain::Process, Error> + Send) -> PyResult<Process> {
        let process = unlocked(py, || {
            let inner = start()?;
            let held = Held::new(inner.pidfd()?);
            Ok(Process { inner, held })
        })?;
        // As for a container.
        if let Err(raised) = py.check_signals() {
            let _ = unlocked(py, || process.inner.kill(KILL).and_then(|()| process.inner.wait(None)));
            return Err(raised);
        }
        Ok(process)
    }
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
    /// Makes a container that waits for `start`.
    #[staticmethod]
    fn create(py: Python<'_>, settings: Settings, standard: Standard) -> PyResult<Container> {
        Container::launch(py, settings, standard, Until::Created)
    }

    /// Makes a container and starts its command.
    #[staticmethod]
    fn run(py: Python<'_>, settings: Settings, standard: Standard) -> PyResult<Container> {
        Container::launch(py, settings, standard, Until::Started)
    }

    /// Lets the command begin.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        unlocked(py, || self.inner.start())
    }

    /// Runs another command inside.
    fn inject(
        &self,
        py: Python<'_>,
        argv: Vec<Vec<u8>>,
        env: Vec<Vec<u8>>,
        seccomp: Option<String>,
        pass_fds: Vec<i32>,
        timeout: Option<f64>,
        standard: Standard,
    ) -> PyResult<Process> {
        Process::launch(py, || {
            let injection = Injection {
                argv: texts(argv),
                env: texts(env),
                stdio: stdio(standard)?,
                pass_fds,
                seccomp: seccomp.as_deref().map(profile).transpose()?,
                timeout: timeout.map(Duration::from_secs_f64),
            };
            self.inner.inject(&injection)
        })
    }

    /// Starts copying a file of the container's to its stdout.
    fn copy_out(&self, py: Python<'_>, path: Vec<u8>, limit: u64, standard: Standard) -> PyResult<Process> {
        Process::launch(py, || self.inner.copy_out(&text(path), limit, stdio(standard)?[1]))
    }

    /// Starts copying its stdin to a file of the container's.
    fn copy_in(&self, py: Python<'_>, path: Vec<u8>, mode: u32, standard: Standard) -> PyResult<Process> {
        Process::launch(py, || self.inner.copy_in(&text(path), mode, stdio(standard)?[0]))
    }

    /// The monitor's process id.
    #[getter]
    fn pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py).map(|()| self.inner.pid())
    }

    /// The process id of PID 1.
    #[getter]
    fn init_pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py).map(|()| self.inner.init_pid())
    }

    /// The number of a pidfd that stays this object's.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        self.held.number(py)
    }

    /// A new pidfd, the caller's to close.
    fn pidfd(&self, py: Python<'_>) -> PyResult<RawFd> {
        unlocked(py, || self.inner.pidfd()).map(IntoRawFd::into_raw_fd)
    }

    /// Sends a signal to the command.
    fn kill(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        unlocked(py, || self.inner.kill(signal))
    }

    /// Ends the container for this reason, and waits for that.
    fn end(&self, py: Python<'_>, reason: &str) -> PyResult<Ending> {
        let reason = match reason {
            "wall" => EndedBy::Wall,
            "output" => EndedBy::Output,
            other => return Err(raise(py, &not_one_of("reason", other, &["wall", "output"]))),
        };
        interruptible(py, || self.inner.end(reason)).map(|outcome| ending(&outcome))
    }

    /// How it ended, if it has.
    fn try_wait(&self, py: Python<'_>) -> PyResult<Option<Ending>> {
        unlocked(py, || self.inner.wait(Some(Duration::ZERO))).map(|outcome| outcome.as_ref().map(ending))
    }

    /// Waits for the end.
    fn wait(&self, py: Python<'_>) -> PyResult<Option<Ending>> {
        interruptible(py, || self.inner.wait(None)).map(|outcome| outcome.as_ref().map(ending))
    }
}

#[pymethods]
impl Process {
    /// Its process id.
    #[getter]
    fn pid(&self, py: Python<'_>) -> PyResult<i32> {
        self.held.check(py).map(|()| self.inner.pid())
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

    /// Waits for its end.
    fn wait(&self, py: Python<'_>) -> PyResult<Option<Ending>> {
        interruptible(py, || self.inner.wait(None)).map(|outcome| outcome.as_ref().map(ending))
    }

    /// How the copying of a file ended, where this is that: nothing, or an error.
    fn check_copied(&self, py: Python<'_>, verb: &str, path: Vec<u8>) -> PyResult<()> {
        unlocked(py, || match self.inner.wait(None)? {
            Some(outcome) => contain::container::copied(verb, &text(path), &outcome),
            None => Ok(()),
        })
    }
}
