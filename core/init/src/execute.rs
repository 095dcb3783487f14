// SPDX-License-Identifier: MIT OR Apache-2.0
//! Becoming the command.

use crate::context::{Context, Fault};
use contain_plan::message::Part;
use contain_plan::{Doer, List, MAX_STRINGS, Text};
use contain_sys::fd::{OnExec, close_range};
use contain_sys::file::{self, flags};
use contain_sys::identity::{self, Dumpable};
use contain_sys::program::StringTable;
use contain_sys::{Errno, Fd, signal};
use core::ffi::CStr;

/// Room for one execution: arguments, environment, their two ends, and the shell in front of a script.
pub type Strings = StringTable<{ MAX_STRINGS + 8 }>;

/// No environment.
pub const EMPTY_ENVIRONMENT: core::iter::Empty<&'static CStr> = core::iter::empty();

/// Makes ready for the exec: not dumpable, the caller's umask, and closed what the command does not keep.
pub fn prepare(context: &mut Context<'_>, keep: u32) -> Result<(), Fault> {
    if context.me == Doer::Init {
        identity::set_dumpable(Dumpable::No)?;
    }
    if let Some(mask) = context.umask {
        file::set_umask(mask);
    }
    let peer = drop_descriptors(context.peer, keep)?;
    // In a command's process under a reaper the memory, but not the descriptor table, is the reaper's.
    if !context.reaper {
        context.peer = peer;
    }
    context.prepared = true;
    Ok(())
}

/// Executes the command, made ready for that where it is not yet; returns only on failure.
pub fn execute(
    context: &mut Context<'_>,
    search: Text<'_>,
    arguments: List<'_>,
    environment: List<'_>,
    keep: u32,
) -> Result<(), Fault> {
    if !context.prepared {
        prepare(context, keep)?;
    }
    let Some(name) = arguments.iter().next() else { return Err(Errno::EINVAL.into()) };
    if context.me == Doer::Monitor {
        signal::set_mask(0)?;
    }
    // An empty name is not looked for, as by execvp(3): every directory would answer to it.
    let errno = if search.is_empty() || name.is_empty() {
        context.strings.execute(name, arguments.iter(), environment.iter())
    } else if name.to_bytes().contains(&b'/') {
        execute_or_interpret(context, name, arguments, environment)
    } else {
        search_path(context, search, name, arguments, environment)
    };
    let there = errno == Errno::ENOENT && file::open(Fd::CWD, name, flags::O_PATH).is_ok();
    Err(Fault::Call(errno, if there { Part::Interpreter } else { Part::Program }))
}

/// Leaves 0 to 2, `keep` more, and the socket whose closing tells the monitor that the exec has been done.
pub fn drop_descriptors(peer: Fd, keep: u32) -> Result<Fd, Fault> {
    let Some(first) = keep.checked_add(3).filter(|_| peer.is_some()) else { return Ok(peer) };
    let place = Fd(i32::try_from(first).map_err(|_| Errno::EINVAL)?);
    if peer != place {
        peer.duplicate_to(place, OnExec::Close)?;
    }
    // CVE-2024-21626: no descriptor of the host is open when the command starts.
    close_range(first.saturating_add(1), u32::MAX)?;
    // Between those that the command keeps there may be some of our own.
    for fd in (3..place.0).map(Fd).filter(|fd| fd.closes_on_exec()) {
        fd.close()?;
    }
    Ok(place)
}

/// As execvp(3): each directory of `search` in turn.
fn search_path(
    context: &mut Context<'_>,
    search: Text<'_>,
    name: Text<'_>,
    arguments: List<'_>,
    environment: List<'_>,
) -> Errno {
    let mut found = Errno::ENOENT;
    let mut buffer = [0u8; 4096];
    for directory in search.to_bytes().split(|byte| *byte == b':') {
        let directory = if directory.is_empty() { b"." } else { directory };
        let Some(path) = join(&mut buffer, directory, name.to_bytes()) else { continue };
        match execute_or_interpret(context, path, arguments, environment) {
            Errno::ENOENT | Errno::ENOTDIR => {}
            Errno::EACCES => found = Errno::EACCES,
            other => return other,
        }
    }
    found
}

/// A file without a format that the kernel knows is taken for a shell script.
fn execute_or_interpret(context: &mut Context<'_>, path: &CStr, arguments: List<'_>, environment: List<'_>) -> Errno {
    match context.strings.execute(path, arguments.iter(), environment.iter()) {
        Errno::ENOEXEC => {
            let script = [c"/bin/sh", path].into_iter().chain(arguments.iter().skip(1));
            context.strings.execute(c"/bin/sh", script, environment.iter())
        }
        other => other,
    }
}

fn join<'b>(buffer: &'b mut [u8], directory: &[u8], name: &[u8]) -> Option<&'b CStr> {
    let name_at = directory.len().checked_add(1)?;
    let end = name_at.checked_add(name.len())?;
    buffer.get_mut(..directory.len())?.copy_from_slice(directory);
    *buffer.get_mut(directory.len())? = b'/';
    buffer.get_mut(name_at..end)?.copy_from_slice(name);
    *buffer.get_mut(end)? = 0;
    CStr::from_bytes_with_nul(buffer.get(..end.checked_add(1)?)?).ok()
}
