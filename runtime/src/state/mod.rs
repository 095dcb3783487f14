// SPDX-License-Identifier: MIT OR Apache-2.0
//! State on disk (docs/state.md): one process creates a container, others start, inject, signal, wait and delete. A
//! directory for each container holds what it is, the socket on which its monitor listens, and the record of its end.
//! Runs with the caller's rights; whoever may enter the directories may do all of it.

mod directory;
mod document;
mod found;
mod held;
mod make;
pub(crate) mod named;
pub(crate) mod processes;
mod remove;
pub(crate) mod stored;

use crate::caller;
use crate::config::Config;
use crate::container::{Container, Pending};
use crate::error::{Error, Kind};
use crate::outcome::{Causes, Outcome};
use contain_sys::Fd;
use directory::{Directory, STAGE};
use document::{Document, Record};
use held::Scope;
use make::Until;
use nix::unistd::geteuid;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use stored::Stored;

pub(crate) use found::Found;
pub(crate) use held::has_ended;
pub(crate) use make::Entry;
pub use named::{Detached, check_name};

/// The longest id, in bytes.
const ID_MAX: usize = 1024;
/// The longest id that is a directory's name as it is (NAME_MAX is 255).
const NAME_MAX: usize = 200;

/// What a container is doing. The numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum State {
    /// All is done but the command's exec; `start` was not given.
    Created = 1,
    /// The command has been executed and has not ended.
    Running = 2,
    /// Its cgroup is frozen.
    Paused = 3,
    /// PID 1 has ended.
    Stopped = 4,
}

impl State {
    /// The word that a program reads.
    pub fn word(self) -> &'static str {
        match self {
            State::Created => "created",
            State::Running => "running",
            State::Paused => "paused",
            State::Stopped => "stopped",
        }
    }
}

/// What is known of a container on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Its id.
    pub id: String,
    /// What it is doing.
    pub state: State,
    /// Process id of PID 1 as this process sees it; none once it is stopped.
    pub init_pid: Option<i32>,
    /// Process id of the monitor (the supervisor); none once that has ended.
    pub pid: Option<i32>,
    /// When it was created.
    pub created: SystemTime,
    /// Its root as it was given; `--host` for the host's own system.
    pub root: PathBuf,
    /// How it ended, once it is stopped.
    pub outcome: Option<Outcome>,
}

/// A container that was found in the directory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its status, or why that cannot be told: what a crash or somebody else has left can be deleted with force.
    pub status: Result<Status, Error>,
}

/// The directory with the state of containers.
#[derive(Debug)]
pub struct Runtime {
    directory: Directory,
    owner: u32,
}

impl Runtime {
    /// Opens the directory, and makes it (its last part, mode 0700) where it does not exist. Without `directory`:
    /// /run/contain for root, `$XDG_RUNTIME_DIR/contain` for a user.
    pub fn open(directory: Option<&Path>) -> Result<Runtime, Error> {
        caller::check()?;
        Directory::make(&directory.map_or_else(usual, |path| Ok(path.to_path_buf()))?).map(Runtime::from)
    }

    /// As `open`, but makes nothing: a directory that does not exist has no containers.
    pub fn open_existing(directory: Option<&Path>) -> Result<Runtime, Error> {
        caller::check()?;
        Directory::open(&directory.map_or_else(usual, |path| Ok(path.to_path_buf()))?).map(Runtime::from)
    }

    fn from(directory: Directory) -> Runtime {
        Runtime { directory, owner: std::process::id() }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Makes a container up to the last step before its command's exec. From when this returns it is on disk: any
    /// process of this user can start it, and this one may end unless `config.lifetime` binds it.
    pub fn create(&self, id: &str, config: &Config) -> Result<Container, Error> {
        self.begin_create(id, config)?.wait_on()
    }

    /// As `create`, without waiting until the container is there.
    pub fn begin_create(&self, id: &str, config: &Config) -> Result<Pending<Container>, Error> {
        self.check_process()?;
        make::begin(self, id, config, Until::Created, Container::from_stored)
    }

    /// Create and start in one. A command that cannot be executed leaves nothing on disk.
    pub fn run(&self, id: &str, config: &Config) -> Result<Container, Error> {
        self.begin_run(id, config)?.wait_on()
    }

    /// As `run`, without waiting until the command has been executed.
    pub fn begin_run(&self, id: &str, config: &Config) -> Result<Pending<Container>, Error> {
        self.check_process()?;
        make::begin(self, id, config, Until::Started, Container::from_stored)
    }

    /// As `run`, for what is removed when it ends: what a crash has left under this name is replaced.
    fn run_transient(&self, id: &str, config: &Config) -> Result<Stored, Error> {
        remove::stale(self, id)?;
        make::begin(self, id, config, Until::StartedTransient, |stored| stored)?.wait_on()
    }

    /// A place on disk for the container that this process is about to become the supervisor of.
    pub(crate) fn register(&self, id: &str, config: &Config, causes: Causes) -> Result<Entry, Error> {
        check_id(id)?;
        remove::stale(self, id)?;
        let entry = Entry::make(self, id)?;
        entry.write(config, causes, (held::Held::this_process()?, None), true)?;
        Ok(entry)
    }

    /// A container that some process has created.
    pub fn open_container(&self, id: &str) -> Result<Container, Error> {
        self.check_process()?;
        self.stored(id).map(Container::from_stored)
    }

    pub(crate) fn stored(&self, id: &str) -> Result<Stored, Error> {
        check_id(id)?;
        let name = directory_name(id);
        let directory = self.directory.below(&name)?.ok_or_else(|| absent(id))?;
        Stored::new(self.directory.again()?, directory, name, id)
    }

    /// Every container in the directory, by id.
    pub fn list(&self) -> Result<Vec<Listed>, Error> {
        self.check_process()?;
        let mut listed = Vec::new();
        for name in self.directory.names()? {
            let Ok(text) = name.to_str() else { continue };
            let found = match self.directory.below(&name) {
                Ok(Some(directory)) => Stored::new(self.directory.again()?, directory, name.clone(), ""),
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            match found.and_then(|stored| stored.status()) {
                Ok(status) => listed.push(Listed { id: status.id.clone(), status: Ok(status) }),
                Err(error) => listed.push(Listed { id: text.to_string(), status: Err(error) }),
            }
        }
        listed.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        Ok(listed)
    }

    /// Removes a container that has ended. With `force` it is killed first, what a crash has left is cleaned up, and
    /// one that does not exist is no error.
    pub fn delete(&self, id: &str, force: bool) -> Result<(), Error> {
        self.check_process()?;
        check_id(id)?;
        remove::delete(&self.directory, &directory_name(id), id, force)
    }

    fn check_process(&self) -> Result<(), Error> {
        if self.owner == std::process::id() {
            return Ok(());
        }
        Err(Error::new(Kind::WrongProcess, STAGE, "use the runtime of", format!("process {}", self.owner))
            .cause("this process was forked from the one that opened it")
            .remedy("open it in the process that uses it"))
    }
}

/// Where the state is unless a directory is given.
fn usual() -> Result<PathBuf, Error> {
    if geteuid().is_root() {
        return Ok("/run/contain".into());
    }
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(path) => Ok(path.join("contain")),
        None => Err(Error::new(Kind::Invalid, STAGE, "find the directory for", "the state of containers")
            .cause("XDG_RUNTIME_DIR is not set to an absolute path")
            .remedy("set XDG_RUNTIME_DIR to a directory of this user's, mode 0700, or name a directory")),
    }
}

/// Ids are `[A-Za-z0-9_+.-]+`, not `.` or `..`, at most 1024 bytes.
pub(crate) fn check_id(id: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte);
    let refuse = |cause: &str| Err(Error::invalid("container id", format!("{id:?}"), cause));
    match id {
        "" => refuse("it is empty"),
        "." | ".." => refuse("it names a directory"),
        _ if id.len() > ID_MAX => {
            Err(Error::invalid("container id", format!("of {} bytes", id.len()), "it can have 1024 bytes"))
        }
        _ if id.bytes().all(allowed) => Ok(()),
        _ => refuse("it is made of A-Z a-z 0-9 _ + . -"),
    }
}

/// The name of an id's directory: itself, or where it is too long for a name its beginning, `%`, which no id has, and
/// a checksum (FNV-1a of 128 bits). Where two ids have the same, the second is refused as existing.
fn directory_name(id: &str) -> CString {
    let name = if id.len() <= NAME_MAX {
        id.to_string()
    } else {
        let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
        for byte in id.bytes() {
            hash = (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b);
        }
        format!("{}%{hash:032x}", id.get(..NAME_MAX).unwrap_or(id))
    };
    CString::new(name).unwrap_or_default()
}

fn absent(id: &str) -> Error {
    Error::new(Kind::Gone, STAGE, "find container", id).cause("it does not exist").errno(libc::ENOENT)
}

fn status_of(document: &Document, record: &Record, state: State, init: Option<i32>, pid: Option<i32>) -> Status {
    Status {
        id: document.id.clone(),
        state,
        init_pid: init,
        pid,
        created: SystemTime::UNIX_EPOCH + Duration::from_secs(document.created),
        root: document.root.clone().into(),
        outcome: (state == State::Stopped).then(|| stored::outcome_of(record, None, document.causes)),
    }
}

/// As contain-sys takes it.
fn fd(fd: &std::os::fd::OwnedFd) -> Fd {
    caller::raw(fd)
}

/// Where this process is, to compare what was noted with.
fn check_scope(document: &Document) -> Result<(), Error> {
    if document.scope.is_elsewhere(&Scope::here()?) {
        return Err(Error::new(Kind::Invalid, STAGE, "use container", &document.id)
            .cause("it was created in another PID or time namespace, where process ids and times mean something else")
            .remedy("use it from where it was created"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for id in ["a", "0123", "A.b_c+d-e", "...", ".a", "-", &"x".repeat(1024)] {
            assert!(check_id(id).is_ok(), "{id}");
        }
        for id in ["", ".", "..", "a/b", "a b", "ä", "a\0", "a%", "a\n", &"x".repeat(1025)] {
            assert_eq!(check_id(id).expect_err(id).kind, Kind::Invalid);
        }
    }

    #[test]
    fn names_of_long_ids_fit_and_differ() {
        let (one, other) = ("x".repeat(1023) + "1", "x".repeat(1023) + "2");
        let names = [directory_name(&one), directory_name(&other)];
        assert!(names.iter().all(|name| name.as_bytes().len() <= 255) && names[0] != names[1]);
        assert_eq!(directory_name("web").to_bytes(), b"web");
        assert_eq!(directory_name(&"x".repeat(NAME_MAX)).as_bytes().len(), NAME_MAX);
    }
}
