// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `contain --name` and `contain --detach` leave behind: a keeper, which takes a container's name off the disk when
//! its supervisor has ended, however that was; and a container whose starter returns. For command lines alone: both
//! fork this process, which has one thread.

use super::Runtime;
use super::directory::{Directory, STAGE};
use super::held::ends_within;
use super::make::Entry;
use super::remove;
use crate::background::{apart, cannot_fork, leave, split, wipe_arguments};
use crate::caller::{own, raw, system};
use crate::config::{Config, Console, Lifetime, Stdio};
use crate::container::Container;
use crate::error::{Error, Kind};
use contain_sys::{Errno, fd, identity, process};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, setsid};
use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A name is an id that is not all digits: those are process ids.
pub fn check_name(name: &str) -> Result<(), Error> {
    super::check_id(name)?;
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid("name", name, "all digits would be a process id"));
    }
    Ok(())
}

/// The container of this name, and the directory that it is in, where there is one.
pub(crate) fn find(name: &str) -> Result<super::stored::Stored, Error> {
    let found = match Runtime::open_existing(None) {
        Ok(runtime) => runtime.stored(name),
        Err(error) if error.errno == Some(libc::ENOENT) => Err(super::absent(name)),
        Err(error) => Err(error),
    };
    found.map_err(|error| match error.kind {
        Kind::Gone => error.remedy("contain --name gives a name to a container of this user's, until it ends"),
        _ => error,
    })
}

/// Starts the keeper of a container whose supervisor this process becomes. It is no child of this process, so that
/// what ends the supervisor's children leaves it alone.
pub(crate) fn keep(entry: &Entry) -> Result<(), Error> {
    let myself = process::open_pidfd(process::id()).map_err(system(STAGE, "open a pidfd of", "this process"))?;
    let supervisor = own(myself);
    let place = entry.place()?;
    apart(STAGE, "the keeper of a name", || Ok(()), || stand_by(&supervisor, place))
}

/// The keeper: waits for the supervisor's end and takes its container off the disk.
fn stand_by(supervisor: &OwnedFd, (parent, directory, name): (&Directory, &Directory, &CStr)) -> ! {
    let mut keep = [raw(supervisor), parent.fd(), directory.fd()];
    let ready = fd::close_all_but(&mut keep)
        .and_then(|()| contain_sys::file::change_directory(c"/"))
        .and_then(|()| identity::set_name(c"contain-name"));
    if ready.is_err() {
        leave(1);
    }
    wipe_arguments();
    while !ends_within(supervisor, Duration::from_secs(3600)) {}
    // What cannot be removed is replaced by the next of this name.
    leave(i32::from(remove::forget(parent, directory, name).is_err()))
}

/// What became of a start in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detached {
    /// The command runs; its supervisor's process id.
    Running(i32),
    /// It does not, which has been told; the exit status.
    Failed(u8),
}

/// Starts a container that lives on without this process, in a session of its own; returns once its command has been
/// executed. Without a console the command has the standard descriptors of `config`, else /dev/null. A failure is told
/// by `fail`, in another process.
pub(crate) fn detach(config: &Config, name: Option<&str>, fail: &dyn Fn(&Error) -> u8) -> Result<Detached, Error> {
    let mut config = Config { lifetime: Lifetime::Detached, ..config.clone() };
    if config.console == Console::Emulated {
        (config.console, config.stdio) = (Console::None, [Stdio::Null; 3]);
    }
    let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
        .map_err(|errno| system(STAGE, "make", "a pipe")(Errno(errno as i32)))?;
    match split().map_err(|errno| cannot_fork(STAGE, errno))? {
        ForkResult::Child => {
            drop(reader);
            background(&config, name, File::from(writer), fail)
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut said = [0u8; 4];
            if File::from(reader).read_exact(&mut said).is_ok() {
                return Ok(Detached::Running(i32::from_ne_bytes(said)));
            }
            match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, status)) => Ok(Detached::Failed(u8::try_from(status).unwrap_or(125))),
                _ => Ok(Detached::Failed(125)),
            }
        }
    }
}

fn background(config: &Config, name: Option<&str>, mut told: File, fail: &dyn Fn(&Error) -> u8) -> ! {
    let started =
        setsid().map_err(|errno| system(STAGE, "make", "a session")(Errno(errno as i32))).and_then(|_| match name {
            Some(name) => {
                Runtime::open(None)?.run_transient(name, config).map(|stored| (stored.monitor_pid(), Some(stored)))
            }
            None => Container::run(config).map(|container| (container.pid(), None)),
        });
    let (pid, stored) = match started {
        Ok(started) => started,
        Err(error) => leave(fail(&error).into()),
    };
    // A starter that is gone does not read it.
    let _ = told.write_all(&pid.to_ne_bytes());
    drop(told);
    match stored.as_ref().and_then(|stored| Some((stored.monitor().ok()??, stored))) {
        Some((monitor, stored)) => stand_by(&monitor, stored.place()),
        None => match &stored {
            // It has ended already.
            Some(stored) => {
                let (parent, directory, name) = stored.place();
                leave(i32::from(remove::forget(parent, directory, name).is_err()))
            }
            None => leave(0),
        },
    }
}
