// SPDX-License-Identifier: MIT OR Apache-2.0
//! Places below the new root for the caller's own mounts: found or made by descriptors alone. Links are resolved inside
//! the root by openat2, each time from the root's descriptor, so that whoever changes them meanwhile leads nowhere else.

use crate::context::Context;
use crate::mounts::{PATH, copy};
use contain_plan::HARMLESS;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::{Errno, Fd, Result};
use core::ffi::CStr;

/// What a place has to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A directory.
    Directory,
    /// Anything else.
    File,
}

/// The place at `target`, made where there is none. EXDEV: it is in a file system of the kernel's.
pub fn find_or_make(context: &Context<'_>, target: &CStr, wanted: Wanted) -> Result<Fd> {
    let harmless = HARMLESS.iter().any(|name| name.as_bytes() == target.to_bytes());
    // CVE-2019-19921, CVE-2025-31133: what is named must be what is reached where it is a file of /proc.
    let resolve = if harmless { Resolve::BENEATH_NO_LINKS } else { Resolve::IN_ROOT };
    let place = match file::open_in(context.root, target, flags::O_PATH, resolve) {
        Err(Errno::ENOENT) if !harmless => make(context, target, wanted),
        other => other,
    }?;
    if !harmless {
        refuse_kernels(place)?;
    }
    match (file::status(place)?.is_directory(), wanted) {
        (false, Wanted::Directory) => Err(Errno::ENOTDIR),
        (true, Wanted::File) => Err(Errno::EISDIR),
        _ => Ok(place),
    }
}

/// Makes what is missing on the way, and the place itself.
#[inline(never)]
fn make(context: &Context<'_>, target: &CStr, wanted: Wanted) -> Result<Fd> {
    let bytes = target.to_bytes();
    let mut buffer = [0u8; PATH];
    let mut holder = context.root;
    let mut start = 0usize;
    loop {
        let rest = bytes.get(start..).unwrap_or(&[]);
        let name = rest.split(|byte| *byte == b'/').next().unwrap_or(&[]);
        let end = start.saturating_add(name.len());
        let path = bytes.get(..end).unwrap_or(&[]);
        let is_last = end == bytes.len();
        let kind = if is_last { flags::O_PATH } else { flags::O_PATH | flags::O_DIRECTORY };
        let found = match file::open_in(context.root, copy(path, &mut buffer)?, kind, Resolve::IN_ROOT) {
            Err(Errno::ENOENT) => {
                refuse_kernels(holder)?;
                let name = copy(name, &mut buffer)?;
                let made = if is_last && wanted == Wanted::File {
                    file::make_file(holder, name, 0o644)
                } else {
                    file::make_directory(holder, name, 0o755)
                };
                match made {
                    // Made by somebody else meanwhile, or a link that leads to nothing: the next look tells.
                    Ok(()) | Err(Errno::EEXIST) => {}
                    Err(errno) => return Err(errno),
                }
                file::open_in(context.root, copy(path, &mut buffer)?, kind, Resolve::IN_ROOT)?
            }
            other => other?,
        };
        if holder != context.root {
            holder.close()?;
        }
        if is_last {
            return Ok(found);
        }
        holder = found;
        start = end.saturating_add(1);
    }
}

/// EXDEV in /proc, /sys and cgroup trees, wherever a link of the root's has led there.
fn refuse_kernels(place: Fd) -> Result<()> {
    match file::filesystem_magic(place)? {
        file::PROC_SUPER_MAGIC | file::SYSFS_MAGIC | file::CGROUP_SUPER_MAGIC | file::CGROUP2_SUPER_MAGIC => {
            Err(Errno::EXDEV)
        }
        _ => Ok(()),
    }
}
