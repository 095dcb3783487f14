// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a descriptor of a namespace tells about it (ioctl_ns(2)).

use crate::fd::from_raw;
use crate::{Errno, Fd, Result, call, file};

/// The requests; nothing else is ever asked of a namespace.
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod request {
    pub const NS_GET_PARENT: u32 = 0xb702;
    pub const NS_GET_NSTYPE: u32 = 0xb703;
    pub const NS_GET_OWNER_UID: u32 = 0xb704;
}

/// Which namespace a descriptor is of: two that are equal are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

/// A descriptor of a user namespace.
#[derive(Clone, Copy, Debug)]
pub struct UserNamespace(Fd);

impl UserNamespace {
    /// `fd` as a user namespace; EINVAL where it is something else.
    pub fn new(fd: Fd) -> Result<Self> {
        const NSFS_MAGIC: u64 = 0x6e73_6673;
        let is_namespace = file::filesystem_magic(fd)? == NSFS_MAGIC;
        let kind = if is_namespace { call!(IOCTL, fd.0, request::NS_GET_NSTYPE, 0)? } else { 0 };
        if kind as u64 == crate::process::namespace::USER { Ok(UserNamespace(fd)) } else { Err(Errno::EINVAL) }
    }

    /// Which one it is.
    pub fn identity(self) -> Result<Identity> {
        let status = file::status(self.0)?;
        Ok(Identity { device: status.device, inode: status.inode })
    }

    /// The namespace that it was made in; EPERM where that cannot be seen from here.
    pub fn parent(self) -> Result<UserNamespace> {
        call!(IOCTL, self.0.0, request::NS_GET_PARENT, 0).map(|fd| UserNamespace(from_raw(fd)))
    }

    /// The effective user id of whoever made it.
    pub fn owner(self) -> Result<u32> {
        let mut owner = u32::MAX;
        call!(IOCTL, self.0.0, request::NS_GET_OWNER_UID, &raw mut owner)?;
        Ok(owner)
    }

    /// close(2).
    pub fn close(self) -> Result<()> {
        self.0.close()
    }
}
