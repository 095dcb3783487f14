// SPDX-License-Identifier: MIT OR Apache-2.0
//! A started container, and what can be done to it.

use crate::{Config, Error, Outcome};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::time::Duration;
use crate::config::{Profile, Stdio};

/// A command to be run in a container that is there already.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The command and its arguments; looked up on PATH.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<OsString>,
    /// Its standard descriptors.
    pub stdio: [Stdio; 3],
    /// Its seccomp profile; the container's own where none is given.
    pub seccomp: Option<Profile>,
}

/// A container that this process started. Dropping it never kills: `Config::lifetime` says what follows.
#[derive(Debug)]
pub struct Container {}

/// A process injected into a container.
#[derive(Debug)]
pub struct Process {}

impl Container {
    /// Makes the container up to the last step before the command's exec, and leaves it waiting there.
    pub fn create(_config: &Config) -> Result<Container, Error> { unimplemented!() }
    /// Lets the command of a created container begin; returns once it has been executed.
    pub fn start(&self) -> Result<(), Error> { unimplemented!() }
    /// Create and start in one.
    pub fn run(_config: &Config) -> Result<Container, Error> { unimplemented!() }
    /// Process id of the monitor (the supervisor that `inject` takes).
    pub fn pid(&self) -> i32 { unimplemented!() }
    /// Process id of PID 1, as seen from outside.
    pub fn init_pid(&self) -> i32 { unimplemented!() }
    /// A pidfd of PID 1, the caller's to close: readable when the container has ended.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> { unimplemented!() }
    /// Sends a signal to the command; SIGKILL ends the whole container.
    pub fn kill(&self, _signal: i32) -> Result<(), Error> { unimplemented!() }
    /// Runs another command inside.
    pub fn inject(&self, _injection: &Injection) -> Result<Process, Error> { unimplemented!() }
    /// Waits for the end; `None` when `timeout` passed first. The result stays readable afterwards.
    pub fn wait(&self, _timeout: Option<Duration>) -> Result<Option<Outcome>, Error> { unimplemented!() }
}

impl Process {
    /// Process id as seen from outside.
    pub fn pid(&self) -> i32 { unimplemented!() }
    /// A pidfd, the caller's to close.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> { unimplemented!() }
    /// Sends a signal to the injected process.
    pub fn kill(&self, _signal: i32) -> Result<(), Error> { unimplemented!() }
    /// Waits for its end.
    pub fn wait(&self, _timeout: Option<Duration>) -> Result<Option<Outcome>, Error> { unimplemented!() }
}
