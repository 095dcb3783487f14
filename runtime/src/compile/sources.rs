// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is bound from the host: looked up once, in the caller's directory and with the caller's rights, and held open
//! from before anything is done.

use crate::caller::{own, raw};
use crate::config::{Config, Mount};
use crate::error::{Error, Kind};
use contain_sys::file::{self, Resolve, Status, flags};
use contain_sys::{Errno, Fd};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Its path without a link on the way: where PID 1 finds it again in its own mount namespace.
    pub path: PathBuf,
    /// The descriptor's number, the same here and in contain-init.
    pub number: i32,
    /// The descriptor; none in made-up facts.
    pub held: Option<Arc<OwnedFd>>,
}

/// The sources of a configuration's binds, in their order, above the descriptors that the command keeps.
pub(crate) fn collect(config: &Config) -> Result<Vec<Source>, Error> {
    let minimum = 3i32.saturating_add_unsigned(config.kept_descriptors());
    let sources = config.mounts.iter().filter_map(|mount| match mount {
        Mount::Bind { source, .. } => Some(source),
        Mount::Tmpfs { .. } => None,
    });
    sources.map(|source| open(source, minimum)).collect()
}

fn open(path: &Path, minimum: i32) -> Result<Source, Error> {
    let shown = path.display().to_string();
    let refused = |errno: Errno| refusal(errno, shown.clone());
    let name = |path: &Path| {
        CString::new(path.as_os_str().as_bytes())
            .map_err(|_| Error::invalid("bind", format!("{path:?}"), "a NUL byte cannot be part of it"))
    };
    let given = own(file::open(Fd::CWD, &name(path)?, flags::O_PATH).map_err(refused)?);
    let canonical = path.canonicalize().map_err(|error| refused(Errno(error.raw_os_error().unwrap_or(libc::EIO))))?;
    let found = file::open_in(Fd::CWD, &name(&canonical)?, flags::O_PATH, Resolve::NO_LINKS).map(own);
    let same = |found: OwnedFd| Ok::<_, Errno>(identity(&found)? == identity(&given)?);
    if !found.and_then(same).map_err(refused)? {
        return Err(Error::new(Kind::Root, "rootfs.source", "bind", shown)
            .errno(libc::ESTALE)
            .cause("it was replaced meanwhile, or its path leads through a link of /proc to where no path leads")
            .remedy("name it by a path of the host"));
    }
    let held = raw(&given).duplicate_from(minimum).map(own).map_err(refused)?;
    Ok(Source { path: canonical, number: held.as_raw_fd(), held: Some(Arc::new(held)) })
}

fn identity(fd: &OwnedFd) -> Result<(u64, u64, u32), Errno> {
    let status: Status = file::status(raw(fd))?;
    Ok((status.device, status.inode, status.kind()))
}

fn refusal(errno: Errno, shown: String) -> Error {
    let error = Error::new(Kind::Root, "rootfs.source", "bind", shown).errno(errno.0);
    match errno.0 {
        libc::ENOENT => error.cause("it does not exist on the host").remedy("make it, or name what is there"),
        libc::ENOTDIR => error.cause("a part of its path is no directory").remedy("mend the path"),
        libc::ELOOP => error.cause("its path goes through too many symbolic links").remedy("mend the links"),
        libc::EACCES => error
            .cause("this user may not enter a directory on the way to it")
            .remedy("make every directory up to it searchable for this user (chmod +x)"),
        libc::EMFILE => error
            .cause("the limit on open files is reached")
            .remedy("raise it: ulimit -n 64 and one more for each bind"),
        _ => error,
    }
}
