// SPDX-License-Identifier: MIT OR Apache-2.0
//! The process whose user namespace gets its maps, named by a descriptor of its /proc/PID directory: what is checked
//! of it before anything is written, the writes, and what is checked after.

use crate::delegation::read_to_end;
use crate::privilege::{self, Caller, SETGID};
use crate::procfs::{Procfs, namespace_of};
use contain_policy::{IdMap, PAGE, Request, Setgroups};
use contain_sys::file::{self, Resolve, flags};
use contain_sys::namespace::Identity;
use contain_sys::{Errno, Fd, Result};
use core::ffi::CStr;

/// A target that has passed every check. What is written goes to the namespace that was looked at, whatever the
/// process does meanwhile: the kernel binds the three files to it when they are opened.
pub struct Target {
    directory: Fd,
    namespace: Identity,
    users: Fd,
    groups: Fd,
    setgroups: Fd,
}

impl Target {
    /// Checks that `directory` is that of a process on `procfs`, the caller's by its real ids, in a user namespace
    /// that is a child of this process's own, owned by the caller, and without maps. CVE-2017-5985.
    pub fn open(directory: Fd, procfs: &Procfs, caller: Caller) -> Result<Target> {
        if !procfs.has(directory)? || !file::status(directory)?.is_directory() {
            return Err(Errno::EINVAL);
        }
        let ours = procfs.own_namespace()?;
        let theirs = namespace_of(directory)?;
        if theirs.owner()? != caller.uid || theirs.parent()?.identity()? != ours.identity()? {
            return Err(Errno::EPERM);
        }
        let open = |name: &CStr| {
            let file = file::open_in(directory, name, flags::O_RDWR, Resolve::SAME_MOUNT_NO_LINKS)?;
            // Of the directory this would say too little: it is the user's even where the process is not dumpable.
            let status = file::status(file)?;
            if (status.uid, status.gid) == (caller.uid, caller.gid) { Ok(file) } else { Err(Errno::EPERM) }
        };
        let namespace = theirs.identity()?;
        let (users, groups, setgroups) = (open(c"uid_map")?, open(c"gid_map")?, open(c"setgroups")?);
        let target = Target { directory, namespace, users, groups, setgroups };
        for map in [users, groups] {
            if file::read_at_start(map, &mut [0; 1])? != 0 {
                return Err(Errno::EPERM);
            }
        }
        target.check_unchanged()?;
        Ok(target)
    }

    /// Whether the process is still there, and in the namespace that was looked at.
    fn check_unchanged(&self) -> Result<()> {
        if namespace_of(self.directory)?.identity()? == self.namespace { Ok(()) } else { Err(Errno::ESRCH) }
    }

    /// Writes setgroups, the user map and the group map, in this order and up to the first that fails; each
    /// capability is dropped when it has been used.
    pub fn write(&self, request: &Request, setgroups: Setgroups) -> Result<()> {
        if setgroups == Setgroups::Denied {
            const DENY: &[u8] = b"deny";
            file::write_whole(self.setgroups, DENY)?;
            let mut text = [0; 8];
            let length = file::read_at_start(self.setgroups, &mut text)?;
            if text.get(..length).is_none_or(|text| !text.starts_with(DENY)) {
                return Err(Errno::EIO);
            }
        }
        write_map(self.users, &request.users)?;
        privilege::keep(SETGID)?;
        write_map(self.groups, &request.groups)?;
        privilege::keep(0)?;
        check_map(self.users, &request.users)?;
        check_map(self.groups, &request.groups)?;
        self.check_unchanged()
    }
}

fn write_map(file: Fd, map: &IdMap) -> Result<()> {
    let mut text = [0; PAGE];
    file::write_whole(file, map.render(&mut text).map_err(|_| Errno::EINVAL)?)
}

/// Whether the kernel shows the map that was asked for.
fn check_map(file: Fd, map: &IdMap) -> Result<()> {
    // Three columns of ten, two blanks and a newline for each line.
    let mut text = [0; 33 * contain_policy::MAX_LINES + 1];
    let length = read_to_end(file, &mut text)?;
    let shown = IdMap::parse_kernel(text.get(..length).unwrap_or(&[])).map_err(|_| Errno::EIO)?;
    if shown == map.sorted() { Ok(()) } else { Err(Errno::EIO) }
}
