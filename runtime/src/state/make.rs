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
use crate::config::{Config, Lifetime, Profile, Root};
use crate::container::{First, Master, Pending, Word, Work, no_descriptor, reap};
use crate::error::{Error, Kind};
use crate::launch::{self, Along};
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
    owner: u32,
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
                owner: std::process::id(),
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
        let document = self.document(config, causes, processes, transient)?;
        document.write(self.directory()?, Filter::of(&config.seccomp).1)
    }

    /// What state.json says.
    fn document(
        &self,
        config: &Config,
        causes: Causes,
        (monitor, init): (Held, Option<Held>),
        transient: bool,
    ) -> Result<Document, Error> {
        let root = match &config.root {
            Root::Directory(path) => path.to_string_lossy().into_owned(),
            Root::Host => "--host".to_string(),
        };
        let (filter, _) = Filter::of(&config.seccomp);
        let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        Ok(Document {
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
        })
    }

    /// The container is there: its directory stays, and is locked until the lock is dropped. After an error it does not.
    pub fn keep(&mut self) -> Result<(Stored, Option<Lock>), Error> {
        let parent = self.parent.again()?;
        let Some(directory) = self.directory.take() else {
            return Err(Error::new(Kind::Internal, STAGE, "use container", &self.id));
        };
        let stored = Stored::new(parent, directory, self.name.clone(), &self.id).inspect_err(|_| {
            self.directory = self.parent.below(&self.name).ok().flatten();
        })?;
        Ok((stored, self.lock.take()))
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.as_ref().filter(|_| self.owner == std::process::id()) {
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

/// How far a container is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    Created,
    Started,
    /// And it is removed when it ends.
    StartedTransient,
}

/// Starts to make a container; its directory is locked until that is done.
pub(super) fn begin<T: 'static>(
    runtime: &Runtime,
    id: &str,
    config: &Config,
    until: Until,
    become_handle: fn(Stored) -> T,
) -> Result<Pending<T>, Error> {
    caller::check()?;
    check_id(id)?;
    let draft = compile::container(config, Way::Create)?;
    let mut along = Along::new(config.preserve_fds, &config.pass_fds);
    along.directories(config)?;
    let entry = Entry::make(runtime, id)?;
    entry.along(&mut along)?;
    let mut document =
        entry.document(config, draft.causes, (Held { pid: 0, start: 0 }, None), until == Until::StartedTransient)?;
    // Until the state is on disk every container dies with its caller: nobody else could find it.
    let control = along.caller(Lifetime::Bound)?;
    let launched = launch::beside(&draft, &along, compile::console::outer_stdio(config))?;
    drop(along);
    document.monitor.pid = launched.monitor.pid;
    let monitor = own(launched.monitor.pidfd);
    let word = Word::new(control, launched.plan);
    let profile = config.seccomp.clone();
    let stage = Stage::Creating(Box::new(Creating { entry, document, word, monitor, profile, console: None }));
    Ok(Pending::new(Making { stage, until, become_handle, owner: std::process::id() }))
}

/// A container with state on disk that is being made.
struct Making<T> {
    stage: Stage,
    until: Until,
    become_handle: fn(Stored) -> T,
    owner: u32,
}

enum Stage {
    Creating(Box<Creating>),
    /// The monitor has been told to start it.
    Starting {
        stored: Box<Stored>,
        lock: Option<Lock>,
        answer: OwnedFd,
        monitor: Option<OwnedFd>,
    },
    Over,
}

struct Creating {
    entry: Entry,
    /// What will be on disk; the monitor's start time and PID 1 are missing.
    document: Document,
    word: Word,
    monitor: OwnedFd,
    profile: Profile,
    /// The console's other end, which is the caller's.
    console: Option<OwnedFd>,
}

impl<T> Work<T> for Making<T> {
    fn news(&self) -> Option<&OwnedFd> {
        match &self.stage {
            Stage::Creating(creating) => Some(&creating.word.control),
            Stage::Starting { answer, .. } => Some(answer),
            Stage::Over => None,
        }
    }

    fn monitor(&self) -> Option<&OwnedFd> {
        match &self.stage {
            Stage::Creating(creating) => Some(&creating.monitor),
            Stage::Starting { monitor, .. } => monitor.as_ref(),
            Stage::Over => None,
        }
    }

    fn advance(&mut self) -> Result<Option<T>, Error> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Creating(mut creating) => match creating.note() {
                Ok(false) => self.stage = Stage::Creating(creating),
                Ok(true) => return self.created(*creating),
                Err(error) => {
                    creating.take_down();
                    return Err(error);
                }
            },
            Stage::Starting { stored, lock, answer, monitor } => match stored.answered(&answer) {
                Ok(false) => self.stage = Stage::Starting { stored, lock, answer, monitor },
                Ok(true) => return Ok(Some((self.become_handle)(*stored))),
                Err(error) => return Err(undone(&stored, lock, error)),
            },
            Stage::Over => return Err(unexpected()),
        }
        Ok(None)
    }
}

impl<T> Making<T> {
    /// It is on disk.
    fn created(&mut self, mut creating: Creating) -> Result<Option<T>, Error> {
        // ORDER: its directory is removed behind it.
        let (mut stored, lock) = creating.entry.keep().inspect_err(|_| creating.take_down())?;
        let Creating { monitor, console, .. } = creating;
        stored.console = Master::of(console);
        if self.until == Until::Created {
            return Ok(Some((self.become_handle)(stored)));
        }
        match stored.ask_to_start() {
            Ok(answer) => {
                self.stage = Stage::Starting { stored: Box::new(stored), lock, answer, monitor: Some(monitor) };
                Ok(None)
            }
            Err(error) => Err(undone(&stored, lock, error)),
        }
    }
}

/// A container that could not be started leaves nothing. The error that is told is that of the start.
fn undone(stored: &Stored, lock: Option<Lock>, error: Error) -> Error {
    drop(lock);
    let _ = stored.delete(true);
    error
}

impl Creating {
    /// When PID 1 is there, writes the state down and lets the container go on without this process where it is to.
    fn note(&mut self) -> Result<bool, Error> {
        let Some(First { message, passed, console }) = self.word.hear()? else { return Ok(false) };
        let init = passed.ok_or_else(no_descriptor)?;
        let Message::Created { init: pid } = message else { return Err(unexpected()) };
        let id = &self.document.id;
        let died = || Error::new(Kind::Gone, STAGE, "create container", id).cause("it was killed meanwhile");
        let held = Held::new(self.document.monitor.pid)?.zip(Held::new(pid)?);
        let (monitor_held, init_held) =
            held.filter(|_| !has_ended(&self.monitor) && !has_ended(&init)).ok_or_else(died)?;
        let document = Document { monitor: monitor_held, init: Some(init_held), ..self.document.clone() };
        document.write(self.entry.directory()?, Filter::of(&self.profile).1)?;
        if document.lifetime == Lifetime::Detached {
            socket::send(raw(&self.word.control), &Message::Detach.to_bytes(), Fd::NONE, Wait::Yes)
                .map_err(|_| died())?;
        }
        self.console = console;
        Ok(true)
    }

    fn take_down(&self) {
        // ORDER: nothing may be left that the directory was about, when that is removed.
        let _ = process::send_signal(raw(&self.monitor), number::SIGKILL);
        ends_within(&self.monitor, Duration::from_secs(10));
        reap(&self.monitor);
    }
}

impl<T> Drop for Making<T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Creating(creating) if self.owner == std::process::id() => creating.take_down(),
            Stage::Starting { stored, lock, .. } if self.owner == std::process::id() => {
                drop(lock);
                let _ = stored.delete(true);
            }
            _ => {}
        }
    }
}

fn unexpected() -> Error {
    Error::new(Kind::Internal, STAGE, "hear from", "the monitor").cause("a defect in contain: please report it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_of_a_container_that_cannot_be_kept_is_removed() {
        let path = std::env::temp_dir().join(format!("contain-kept-{}", std::process::id()));
        let runtime = Runtime::open(Some(&path)).expect("a state directory");
        // Nothing is written in it, so that it is no container's.
        let mut entry = Entry::make(&runtime, "x").expect("a directory");
        assert!(entry.keep().is_err());
        drop(entry);
        let left = std::fs::read_dir(&path).expect("a list").count();
        std::fs::remove_dir_all(&path).expect("removed");
        assert_eq!(left, 0);
    }
}
