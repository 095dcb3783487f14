// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a seccomp profile or a filter of the caller's own would do with a system call, asked by name; and its program.

use crate::call::raise;
use crate::settings::{not_one_of, profile};
use contain::seccomp::{Abi, Action, Call, SystemCall, Terminal, decide, program};
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

/// The program of a profile or filter: the bytes of an array of struct sock_filter; none where nothing is loaded.
#[pyfunction]
pub fn seccomp_bpf(py: Python<'_>, profile: &str, terminal: bool) -> PyResult<std::borrow::Cow<'static, [u8]>> {
    let terminal = if terminal { Terminal::Own } else { Terminal::Passed };
    let profile = self::profile(profile).map_err(|error| raise(py, &error))?;
    Ok(program(&profile, terminal).unwrap_or_default().to_vec().into())
}

/// Refuses a name that no system call has.
#[pyfunction]
pub fn seccomp_check_call(py: Python<'_>, name: &str) -> PyResult<()> {
    SystemCall::parse(name).map(drop).map_err(|error| raise(py, &error))
}

fn action(name: &str, call: &str, arguments: [u64; 6], architecture: &str, own: bool) -> Result<Action, Error> {
    let profile = profile(name)?;
    let abi = match architecture {
        "x86_64" => Abi::X86_64,
        "i386" => Abi::X86,
        "x32" => Abi::X32,
        other => return Err(not_one_of("architecture", other, &["x86_64", "i386", "x32"])),
    };
    let Some(number) = abi.number(call) else {
        return Err(Error::invalid("system call", format!("{call:?}"), "this architecture has none of that name"));
    };
    let terminal = if own { Terminal::Own } else { Terminal::Passed };
    decide(&profile, terminal, &Call::new(abi.architecture(), number, arguments))
        .map_err(|fault| Error::new(Kind::Internal, "seccomp", "ask", name).cause(fault.to_string()))
}
