// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making a container whose state is on disk: its directory, locked; its socket and its record; its processes; and
//! state.json, before the monitor hears that it may go on without its caller.

use super::directory::{Directory, Lock, STAGE, refused};
use super::document::{Document, Filter, Record};
use super::held::{Held, Scope, ends_within, has_ended};
use super::stored::Stored;
use super::{Runtime, check_id, directory_name, fd};
use crate::caller::{self, own, raw};
use crate::compile::{self, Way};
use crate::config::{Config, Lifetime, Root};
use crate::container::{First, Master, first_message, reap};
use crate::error::{Error, Kind};
use crate::launch::{self, Along, Launched};
use crate::outcome::Causes;
use contain_plan::Message;
use contain_sys::signal::number;
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, process};
use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, SystemTime};

/// The socket on which a monitor listens.
pub(super) const CONTROL: &CStr = c"control";

/// A container's directory while it is being filled: locked, and removed again unless it is kept.
pub(crate) struct Entry {
    id: String,
    name: CString,
    parent: Directory,
    directory: Option<Directory>,
    lock: Option<Lock>,
    listen: OwnedFd,
    record: OwnedFd,
}

impl Entry {
    /// Makes and locks the directory, and what the monitor gets of it.
    pub fn make(runtime: &Runtime, id: &str) -> Result<Entry, Error> {
        let (parent, name) = (runtime.directory.again()?, directory_name(id));
        let directory = parent.make_below(&name)?.ok_or_else(|| exists(id))?;
        // One that could not be locked is empty, or somebody else's by now.
        let lock = directory.lock().inspect_err(|_| parent.remove_empty(&name))?;
        if !directory.is_still(&parent, &name)? {
            return Err(Error::new(Kind::Busy, STAGE, "create container", id)
                .cause("another process deleted it meanwhile")
                .remedy("create it again"));
        }
        match outlets(&directory) {
            Ok((listen, record)) => Ok(Entry {
                id: id.to_string(),
                name,
                parent,
                directory: Some(directory),
                lock: Some(lock),
                listen,
                record,
            }),
            Err(error) => {
                let _ = directory.remove(&parent, &name, super::document::STATE);
                Err(error)
            }
        }
    }

    fn directory(&self) -> Result<&Directory, Error> {
        self.directory.as_ref().ok_or_else(|| Error::new(Kind::Internal, STAGE, "use container", &self.id))
    }

    /// The descriptors for the monitor.
    pub fn along(&self, along: &mut Along) -> Result<(), Error> {
        along.state(fd(&self.listen), fd(&self.record))
    }

    /// Where it is: what the directory is in, the directory, its name.
    pub fn place(&self) -> Result<(&Directory, &Directory, &CStr), Error> {
        Ok((&self.parent, self.directory()?, &self.name))
    }

    /// Writes state.json. `processes`: the monitor, and PID 1 where it is there yet.
    pub fn write(
        &self,
        config: &Config,
        causes: Causes,
        processes: (Held, Option<Held>),
        transient: bool,
    ) -> Result<(), Error> {
        let (monitor, init) = processes;
        let root = match &config.root {
            Root::Directory(path) => path.to_string_lossy().into_owned(),
            Root::Host => "--host".to_string(),
        };
        let (filter, program) = Filter::of(&config.seccomp);
        let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let document = Document {
            id: self.id.clone(),
            created,
            root,
            filter,
            causes,
            lifetime: config.lifetime,
            transient,
            monitor,
            init,
            scope: Scope::here()?,
        };
        document.write(self.directory()?, program)
    }

    /// The container is there: its directory stays, and is locked until the lock is dropped.
    pub fn keep(mut self) -> Result<(Stored, Option<Lock>), Error> {
        let lock = self.lock.take();
        let Some(directory) = self.directory.take() else {
            return Err(Error::new(Kind::Internal, STAGE, "use container", &self.id));
        };
        let stored = Stored::new(self.parent.again()?, directory, self.name.clone(), &self.id)?;
        Ok((stored, lock))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            // What cannot be removed is what a crash would leave: delete with force.
            let _ = directory.remove(&self.parent, &self.name, super::document::STATE);
        }
    }
}

/// The socket on which the monitor listens, and its record.
fn outlets(directory: &Directory) -> Result<(OwnedFd, OwnedFd), Error> {
    let bound = UnixDatagram::bind(directory.through_descriptor("control")).map_err(|error| {
        refused("make a socket in", directory.path())(Errno(error.raw_os_error().unwrap_or(libc::EIO)))
    })?;
    directory.close_to_others(CONTROL)?;
    Ok((bound.into(), Record::make(directory)?))
}

pub(super) fn exists(id: &str) -> Error {
    Error::new(Kind::Exists, STAGE, "create container", id)
        .errno(libc::EEXIST)
        .cause("a container of this id exists already")
        .remedy("choose another id, or delete that one")
}

/// Makes a container up to its wait for the start; its directory is locked still.
pub(super) fn create(
    runtime: &Runtime,
    id: &str,
    config: &Config,
    transient: bool,
) -> Result<(Stored, Option<Lock>), Error> {
    caller::check()?;
    check_id(id)?;
    let draft = compile::container(config, Way::Create)?;
    let mut along = Along::new(config.preserve_fds, &config.pass_fds);
    along.directories(config)?;
    let entry = Entry::make(runtime, id)?;
    entry.along(&mut along)?;
    // Until the state is on disk every container dies with its caller: nobody else could find it.
    let control = along.caller(Lifetime::Bound)?;
    let launched = launch::beside(&draft, &along, compile::console::outer_stdio(config))?;
    drop(along);
    let monitor = own(launched.monitor.pidfd);
    match note(&entry, config, transient, &control, &monitor, &launched) {
        Ok(console) => {
            let (mut stored, lock) = entry.keep()?;
            stored.console = Master::of(console);
            Ok((stored, lock))
        }
        Err(error) => {
            // ORDER: nothing may be left that the directory was about, when that is removed.
            let _ = process::send_signal(raw(&monitor), number::SIGKILL);
            ends_within(&monitor, Duration::from_secs(10));
            reap(&monitor);
            Err(error)
        }
    }
}

/// Waits for PID 1, writes the state down, and lets the container go on without this process where it is to. The other
/// end of the console, where there is one, is the caller's.
fn note(
    entry: &Entry,
    config: &Config,
    transient: bool,
    control: &OwnedFd,
    monitor: &OwnedFd,
    launched: &Launched,
) -> Result<Option<OwnedFd>, Error> {
    let First { message, passed, console } = first_message(control, monitor, &launched.plan)?;
    let init = passed.ok_or_else(unexpected)?;
    let Message::Created { init: pid } = message else { return Err(unexpected()) };
    let held = Held::new(launched.monitor.pid)?.zip(Held::new(pid)?);
    let died = || Error::new(Kind::Gone, STAGE, "create container", &entry.id).cause("it was killed meanwhile");
    let (monitor_held, init_held) = held.filter(|_| !has_ended(monitor) && !has_ended(&init)).ok_or_else(died)?;
    entry.write(config, launched.causes, (monitor_held, Some(init_held)), transient)?;
    if config.lifetime == Lifetime::Detached {
        socket::send(raw(control), &Message::Detach.to_bytes(), Fd::NONE, Wait::Yes).map_err(|_| died())?;
    }
    Ok(console)
}

fn unexpected() -> Error {
    Error::new(Kind::Internal, STAGE, "hear from", "the monitor").cause("a defect in contain: please report it")
}
