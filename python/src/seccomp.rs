// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a seccomp profile would do with a system call, asked by name.

use crate::call::raise;
use crate::settings::{not_one_of, profile};
use contain::seccomp::{Action, Architecture, Call, Terminal, decide};
use contain::{Error, Kind};
use pyo3::prelude::*;

/// The action in words, and the errno of one that refuses.
#[pyfunction]
pub fn seccomp_decide(
    py: Python<'_>,
    profile: &str,
    name: &str,
    arguments: [u64; 6],
    architecture: &str,
    terminal: bool,
) -> PyResult<(&'static str, Option<u16>)> {
    let action = action(profile, name, arguments, architecture, terminal).map_err(|error| raise(py, &error))?;
    Ok(match action {
        Action::Allow => ("allow", None),
        Action::Errno(errno) => ("errno", Some(errno)),
        Action::KillProcess => ("kill_process", None),
        Action::KillThread => ("kill_thread", None),
        Action::Trap => ("trap", None),
        Action::Trace(_) => ("trace", None),
        Action::Log => ("log", None),
        Action::Notify => ("notify", None),
    })
}

fn action(name: &str, call: &str, arguments: [u64; 6], architecture: &str, own: bool) -> Result<Action, Error> {
    let profile = profile(name)?;
    let architecture = match architecture {
        "x86_64" => Architecture::X86_64,
        "i386" => Architecture::I386,
        other => return Err(not_one_of("architecture", other, &["x86_64", "i386"])),
    };
    let Some(number) = architecture.number(call) else {
        return Err(Error::invalid("system call", format!("{call:?}"), "this architecture has none of that name"));
    };
    let terminal = if own { Terminal::Own } else { Terminal::Passed };
    decide(&profile, terminal, &Call::new(architecture, number, arguments))
        .map_err(|fault| Error::new(Kind::Internal, "seccomp", "ask", name).cause(fault.to_string()))
}
