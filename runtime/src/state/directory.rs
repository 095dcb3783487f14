// SPDX-License-Identifier: MIT OR Apache-2.0
//! Directories of the state on disk: this user's alone, reached by descriptors, no link followed below what the caller
//! named; locked by flock(2) of the directory itself; files replaced whole. Runs with the caller's rights.

use crate::caller::{own, raw, system};
use crate::error::{Error, Kind};
use contain_sys::file::{self, flags};
use contain_sys::{Errno, Fd};
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmod, fchmodat, fstatat};
use nix::unistd::{UnlinkatFlags, geteuid, unlinkat};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The stage of every error of the state on disk.
pub(crate) const STAGE: &str = "state";
/// What contain puts into a container's directory beside state.json.
const OWN: [&CStr; 5] = [c"control", c"record", c"state.json.new", c"seccomp.bpf", c"seccomp.bpf.new"];
/// How long one waits for another caller to be done with a container.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(4);

/// An open directory that belongs to this user and that nobody else may enter.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

/// A directory held against every other caller until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[allow(dead_code, reason = "dropped at its end")] Flock<OwnedFd>);

impl Directory {
    /// Opens a directory by the path that the caller chose; the way to it may have links, it itself may be none.
    pub fn open(path: &Path) -> Result<Directory, Error> {
        let name = c_path(path)?;
        let fd = file::open(Fd::CWD, &name, flags::O_DIRECTORY | flags::O_NOFOLLOW).map_err(refused("open", path))?;
        Directory { fd: own(fd), path: path.to_path_buf() }.checked()
    }

    /// Makes a directory where there is none, and opens it.
    pub fn make(path: &Path) -> Result<Directory, Error> {
        let name = c_path(path)?;
        match file::make_directory(Fd::CWD, &name, 0o700) {
            Ok(()) => {
                let made = Directory::open(path)?;
                made.open_mode()?;
                Ok(made)
            }
            Err(Errno::EEXIST) => Directory::open(path),
            Err(errno) => Err(refused("make", path)(errno)),
        }
    }

    /// The directory `name` in this one; none where there is none.
    pub fn below(&self, name: &CStr) -> Result<Option<Directory>, Error> {
        let path = self.path_of(name);
        match file::open(raw(&self.fd), name, flags::O_DIRECTORY | flags::O_NOFOLLOW) {
            Ok(fd) => Directory { fd: own(fd), path }.checked().map(Some),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(refused("open", &path)(errno)),
        }
    }

    /// Makes the directory `name` in this one; none where the name is taken.
    pub fn make_below(&self, name: &CStr) -> Result<Option<Directory>, Error> {
        match file::make_directory(raw(&self.fd), name, 0o700) {
            Ok(()) => {}
            Err(Errno::EEXIST) => return Ok(None),
            Err(errno) => return Err(refused("make", &self.path_of(name))(errno)),
        }
        let made = match self.below(name) {
            Ok(Some(made)) => made.open_mode().map(|()| Some(made)),
            Ok(None) => Err(refused("open", &self.path_of(name))(Errno::ENOENT)),
            Err(error) => Err(error),
        };
        made.inspect_err(|_| self.remove_empty(name))
    }

    /// Removes the directory `name` in this one where nothing is in it; the error that is told is another one.
    pub fn remove_empty(&self, name: &CStr) {
        let _ = self.unlink(name, UnlinkatFlags::RemoveDir);
    }

    /// The caller's umask may have taken more away than others' rights.
    fn open_mode(&self) -> Result<(), Error> {
        fchmod(&self.fd, Mode::from_bits_truncate(0o700)).map_err(|errno| self.failed("set the mode of", errno))
    }

    fn checked(self) -> Result<Directory, Error> {
        let status = file::status(raw(&self.fd)).map_err(refused("look at", &self.path))?;
        let user = geteuid().as_raw();
        let refuse = |cause: String, remedy: &str| {
            Err(Error::new(Kind::Invalid, STAGE, "use", self.path.display().to_string()).cause(cause).remedy(remedy))
        };
        if status.uid != user {
            return refuse(
                format!("it belongs to user {}, and this is user {user}", status.uid),
                "use a directory of your own",
            );
        }
        if status.mode & 0o077 != 0 {
            return refuse(
                format!("others may enter it: its mode is {:03o}", status.mode & 0o777),
                "chmod 700, once you know who has been in it",
            );
        }
        Ok(self)
    }

    /// Its descriptor.
    pub fn fd(&self) -> Fd {
        raw(&self.fd)
    }

    /// For people.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in here, for people.
    fn path_of(&self, name: &CStr) -> PathBuf {
        self.path.join(std::ffi::OsStr::from_bytes(name.to_bytes()))
    }

    /// The path of something in here for the calls that know no descriptors: unix sockets.
    pub fn through_descriptor(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.fd.as_raw_fd()))
    }

    /// A second descriptor of it.
    pub fn again(&self) -> Result<Directory, Error> {
        let fd = file::open(raw(&self.fd), c".", flags::O_DIRECTORY).map_err(refused("open", &self.path))?;
        Ok(Directory { fd: own(fd), path: self.path.clone() })
    }

    /// Holds it against every other caller, in this process too.
    pub fn lock(&self) -> Result<Lock, Error> {
        let end = Instant::now() + LOCK_WAIT;
        // A lock belongs to an opening of the file, not to the process: each has its own.
        let mut fd = self.again()?.fd;
        loop {
            match Flock::lock(fd, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => return Ok(Lock(lock)),
                Err((_, nix::Error::EWOULDBLOCK)) if Instant::now() >= end => {
                    return Err(Error::new(Kind::Busy, STAGE, "lock", self.path.display().to_string())
                        .cause(format!("another process has been at work on it for {} s", LOCK_WAIT.as_secs()))
                        .remedy("try again when it is done"));
                }
                Err((back, nix::Error::EWOULDBLOCK)) => fd = back,
                Err((_, errno)) => return Err(self.failed("lock", errno)),
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Whether it is what `parent` has under `name`: once it is locked, it may have been removed.
    pub fn is_still(&self, parent: &Directory, name: &CStr) -> Result<bool, Error> {
        let own = nix::sys::stat::fstat(&self.fd).map_err(|errno| self.failed("look at", errno))?;
        Ok(parent.look_at(name)?.is_some_and(|now| (now.st_dev, now.st_ino) == (own.st_dev, own.st_ino)))
    }

    /// What is in here under a name, no link followed; it takes no descriptor.
    fn look_at(&self, name: &CStr) -> Result<Option<FileStat>, Error> {
        match fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(status) => Ok(Some(status)),
            Err(nix::Error::ENOENT) => Ok(None),
            Err(errno) => Err(refused("look at", &self.path_of(name))(Errno(errno as i32))),
        }
    }

    /// A file in here, to be read; none where there is none. What is no file, not ours or too long is an error.
    pub fn open_file(&self, name: &CStr, most: usize) -> Result<Option<OwnedFd>, Error> {
        let path = self.path_of(name);
        let damaged = |cause: &str| {
            Error::new(Kind::Invalid, STAGE, "read", path.display().to_string())
                .cause(cause.to_string())
                .remedy("remove what is left of the container: delete with force")
        };
        // Not waiting for the other end of a pipe.
        let fd = match file::open(raw(&self.fd), name, flags::O_NOFOLLOW | flags::O_NONBLOCK | flags::O_NOCTTY) {
            Ok(fd) => own(fd),
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ELOOP) => return Err(damaged("it is a symbolic link")),
            Err(errno) => return Err(refused("open", &path)(errno)),
        };
        let status = file::status(raw(&fd)).map_err(refused("look at", &path))?;
        if status.mode & 0o170_000 != 0o100_000 {
            return Err(damaged("it is not a regular file"));
        }
        if status.uid != geteuid().as_raw() {
            return Err(damaged("it belongs to another user"));
        }
        if status.size > most as u64 {
            return Err(damaged("it is longer than any that contain writes"));
        }
        Ok(Some(fd))
    }

    /// The bytes of a file in here, as [`Directory::open_file`] finds it.
    pub fn read(&self, name: &CStr, most: usize) -> Result<Option<Vec<u8>>, Error> {
        let Some(fd) = self.open_file(name, most)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = File::from(fd).take(most as u64).read_to_end(&mut bytes);
        read.map_err(|error| refused("read", &self.path_of(name))(errno_of(&error)))?;
        Ok(Some(bytes))
    }

    /// A new file in here, open for reading and writing.
    pub fn make_file(&self, name: &CStr, bytes: &[u8]) -> Result<OwnedFd, Error> {
        use std::os::unix::fs::FileExt;
        let how = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::openat(&self.fd, name, how, Mode::from_bits_truncate(0o600))
            .map_err(|errno| refused("make", &self.path_of(name))(Errno(errno as i32)))?;
        let file = File::from(fd);
        check_file_limit(bytes.len()).map_err(refused("write", &self.path_of(name)))?;
        file.write_all_at(bytes, 0).map_err(|error| refused("write", &self.path_of(name))(errno_of(&error)))?;
        Ok(file.into())
    }

    /// Replaces a file by another one, whole: whoever reads sees the one or the other.
    pub fn replace(&self, name: &CStr, bytes: &[u8]) -> Result<(), Error> {
        let temporary = [name.to_bytes(), b".new"].concat();
        let temporary = CString::new(temporary).unwrap_or_default();
        // One that a crash has left.
        self.unlink(&temporary, UnlinkatFlags::NoRemoveDir)?;
        let mut file = File::from(self.make_file(&temporary, bytes)?);
        file.flush().map_err(|error| refused("write", &self.path_of(name))(errno_of(&error)))?;
        nix::fcntl::renameat(&self.fd, temporary.as_c_str(), &self.fd, name)
            .map_err(|errno| self.failed("replace a file in", errno))
    }

    /// The mode of a socket in here.
    pub fn close_to_others(&self, name: &CStr) -> Result<(), Error> {
        let mode = Mode::from_bits_truncate(0o700);
        fchmodat(&self.fd, name, mode, FchmodatFlags::FollowSymlink)
            .map_err(|errno| refused("set the mode of", &self.path_of(name))(Errno(errno as i32)))
    }

    /// Whether `name` is a socket, and no link to one.
    pub fn has_socket(&self, name: &CStr) -> Result<bool, Error> {
        Ok(self.look_at(name)?.is_some_and(|status| status.st_mode & 0o170_000 == 0o140_000))
    }

    /// The names in here.
    pub fn names(&self) -> Result<Vec<CString>, Error> {
        let failed = |error: std::io::Error| refused("read", &self.path)(errno_of(&error));
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.through_descriptor("")).map_err(failed)? {
            names.extend(CString::new(entry.map_err(failed)?.file_name().as_bytes()));
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Removes all that is in it, `last` at the end, and then itself from `parent`. Without a descriptor to list it,
    /// what contain puts there.
    pub fn remove(&self, parent: &Directory, name: &CStr, last: &CStr) -> Result<(), Error> {
        let names = self.names().unwrap_or_else(|_| OWN.map(CString::from).to_vec());
        for one in names.iter().filter(|one| one.as_c_str() != last) {
            self.unlink(one, UnlinkatFlags::NoRemoveDir)?;
        }
        self.unlink(last, UnlinkatFlags::NoRemoveDir)?;
        parent.unlink(name, UnlinkatFlags::RemoveDir)
    }

    fn unlink(&self, name: &CStr, what: UnlinkatFlags) -> Result<(), Error> {
        match unlinkat(&self.fd, name, what) {
            Ok(()) | Err(nix::Error::ENOENT) => Ok(()),
            Err(errno) => Err(refused("remove", &self.path_of(name))(Errno(errno as i32))),
        }
    }

    fn failed(&self, operation: &str, errno: nix::Error) -> Error {
        refused(operation, &self.path)(Errno(errno as i32))
    }
}

/// Above the limit the kernel would end this process by SIGXFSZ.
fn check_file_limit(length: usize) -> Result<(), Errno> {
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE);
    if limit.is_ok_and(|(soft, _)| soft < length as u64) { Err(Errno(libc::EFBIG)) } else { Ok(()) }
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno(error.raw_os_error().unwrap_or(libc::EIO))
}

fn c_path(path: &Path) -> Result<CString, Error> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::invalid("state directory", format!("{path:?}"), "a NUL byte cannot be part of it"))
}

/// The error of a call on something at `path`.
pub(crate) fn refused(operation: &str, path: &Path) -> impl FnOnce(Errno) -> Error {
    let (operation, object) = (operation.to_string(), path.display().to_string());
    move |errno| {
        let error = system(STAGE, &operation, object)(errno);
        match errno.0 {
            libc::ENOTDIR | libc::ELOOP => {
                error.cause("it, or something on the way to it, is a link or no directory; no link is followed here")
            }
            libc::ENOENT if operation == "make" => {
                error.cause("the directory that it is to be in does not exist").remedy("make that first")
            }
            libc::EACCES | libc::EROFS => error.cause("this user may not write there").remedy("use another directory"),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::{Document, Filter, Record, STATE};
    use super::super::held::{Held, Scope};
    use super::*;
    use crate::config::{Lifetime, Profile};
    use crate::outcome::Causes;
    use crate::seccomp::{Action, Own, RuleSet};

    #[test]
    fn what_is_removed_unlisted_is_all_that_is_written() {
        let path = std::env::temp_dir().join(format!("contain-directory-{}", std::process::id()));
        let directory = Directory::make(&path).expect("a directory");
        let profile = Profile::Own(Own::new(RuleSet::new(Action::Allow)).expect("a filter"));
        let (filter, program) = Filter::of(&profile);
        let document = Document {
            id: "x".into(),
            created: 0,
            root: String::new(),
            filter,
            causes: Causes::default(),
            lifetime: Lifetime::Bound,
            transient: false,
            monitor: Held::this_process().expect("this process"),
            init: None,
            scope: Scope::here().expect("/proc is there"),
        };
        document.write(&directory, program).expect("its state");
        Record::make(&directory).expect("its record");
        let names = directory.names().expect("a list");
        let unknown: Vec<_> =
            names.iter().filter(|name| name.as_c_str() != STATE && !OWN.contains(&&***name)).collect();
        std::fs::remove_dir_all(&path).expect("removed");
        assert_eq!((names.len(), unknown), (3, Vec::new()));
    }
}
