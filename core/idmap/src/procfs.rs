// SPDX-License-Identifier: MIT OR Apache-2.0
//! /proc, once it is known to be the kernel's and to show this very process: a foreign one names other processes
//! (CVE-2025-52881).

use crate::log::Decimal;
use contain_sys::file::{self, PROC_SUPER_MAGIC, Resolve, flags};
use contain_sys::namespace::UserNamespace;
use contain_sys::{Errno, Fd, Result, process};
use core::ffi::CStr;

/// The verified /proc.
#[derive(Clone, Copy, Debug)]
pub struct Procfs {
    own: Fd,
    device: u64,
}

const DIRECTORY: u32 = flags::O_PATH | flags::O_DIRECTORY;

impl Procfs {
    /// Opens and verifies it.
    pub fn open() -> Result<Procfs> {
        const ROOT_INODE: u64 = 1;
        let root = file::open_in(Fd::CWD, c"/proc", DIRECTORY, Resolve::NO_LINKS)?;
        let status = file::status(root)?;
        let mut target = [0; 16];
        let length = file::read_link(root, c"self", &mut target)?;
        let number = Decimal::new(process::id().unsigned_abs());
        let shows_us = target.get(..length) == Some(number.digits());
        if status.inode != ROOT_INODE || file::filesystem_magic(root)? != PROC_SUPER_MAGIC || !shows_us {
            return Err(Errno::EINVAL);
        }
        let own = file::open_in(root, number.text(), DIRECTORY, Resolve::SAME_MOUNT_NO_LINKS)?;
        root.close()?;
        Ok(Procfs { own, device: status.device })
    }

    /// Whether `fd` is on this procfs, and not on another one.
    pub fn has(&self, fd: Fd) -> Result<bool> {
        Ok(file::filesystem_magic(fd)? == PROC_SUPER_MAGIC && file::status(fd)?.device == self.device)
    }

    /// A file of this process's own directory, to be read.
    pub fn open_own(&self, name: &CStr) -> Result<Fd> {
        file::open_in(self.own, name, flags::O_RDONLY, Resolve::SAME_MOUNT_NO_LINKS)
    }

    /// The path of this program as the kernel knows it, and a descriptor of the program.
    pub fn own_program<'a>(&self, path: &'a mut [u8]) -> Result<(&'a mut [u8], Fd)> {
        let program = file::open(self.own, c"exe", flags::O_PATH)?;
        let length = file::read_link(self.own, c"exe", path)?;
        path.get_mut(..length).map(|path| (path, program)).ok_or(Errno::ENAMETOOLONG)
    }

    /// The user namespace of this process.
    pub fn own_namespace(&self) -> Result<UserNamespace> {
        namespace_of(self.own)
    }
}

/// The user namespace of the process with this directory. The last step is one of the kernel's links, which the
/// kernel itself follows; what it led to is checked.
pub fn namespace_of(directory: Fd) -> Result<UserNamespace> {
    let links = file::open_in(directory, c"ns", DIRECTORY, Resolve::SAME_MOUNT_NO_LINKS)?;
    let namespace = file::open(links, c"user", flags::O_RDONLY)?;
    links.close()?;
    UserNamespace::new(namespace)
}
