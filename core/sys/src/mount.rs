// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mount API of kernel 5.2 and later: file system contexts, detached trees, and moving them into place.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::{Errno, Fd, Result, call};
use core::ffi::CStr;

/// Mount attributes (mount_setattr(2)).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod attribute {
    pub const RDONLY: u64 = 0x1;
    pub const NOSUID: u64 = 0x2;
    pub const NODEV: u64 = 0x4;
    pub const NOEXEC: u64 = 0x8;
}

const AT_EMPTY_PATH: usize = 0x1000;
const AT_RECURSIVE: usize = 0x8000;
const EMPTY: &CStr = c"";

/// A context for a new file system (fsopen(2)).
pub fn open_filesystem(kind: &CStr) -> Result<Fd> {
    const FSOPEN_CLOEXEC: usize = 1;
    call!(FSOPEN, kind.as_ptr(), FSOPEN_CLOEXEC).map(from_raw)
}

/// Sets `key` to `value`, or the flag `key`.
pub fn configure(context: Fd, key: &CStr, value: Option<&CStr>) -> Result<()> {
    const FSCONFIG_SET_FLAG: usize = 0;
    const FSCONFIG_SET_STRING: usize = 1;
    match value {
        Some(value) => call!(FSCONFIG, context.0, FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr(), 0),
        None => call!(FSCONFIG, context.0, FSCONFIG_SET_FLAG, key.as_ptr(), 0, 0),
    }
    .map(drop)
}

/// Makes the file system and returns it as a detached mount.
pub fn create(context: Fd, attributes: u64) -> Result<Fd> {
    const FSCONFIG_CMD_CREATE: usize = 6;
    const FSMOUNT_CLOEXEC: usize = 1;
    call!(FSCONFIG, context.0, FSCONFIG_CMD_CREATE, 0, 0, 0)?;
    call!(FSMOUNT, context.0, FSMOUNT_CLOEXEC, attributes).map(from_raw)
}

/// The next line that the kernel wrote about a context ("e tmpfs: Bad value for 'mode'"); 0 when there is none.
pub fn read_message(context: Fd, buffer: &mut [u8]) -> usize {
    crate::file::read(context, buffer).unwrap_or(0)
}

/// How much of a tree is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The mount alone.
    Mount,
    /// All that is mounted below it too.
    Recursive,
}

/// A detached copy of the mount tree at `path` (open_tree(2), OPEN_TREE_CLONE). An empty path names `at` itself.
pub fn copy_tree(at: Fd, path: &CStr, depth: Depth) -> Result<Fd> {
    const OPEN_TREE_CLONE: usize = 1;
    let recursive = if depth == Depth::Recursive { AT_RECURSIVE } else { 0 };
    call!(OPEN_TREE, at.0, path.as_ptr(), OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | recursive).map(from_raw)
}

/// Puts a detached mount onto what `target` is.
pub fn attach(mount: Fd, target: Fd) -> Result<()> {
    const F_EMPTY_PATH: usize = 0x4;
    const T_EMPTY_PATH: usize = 0x40;
    call!(MOVE_MOUNT, mount.0, EMPTY.as_ptr(), target.0, EMPTY.as_ptr(), F_EMPTY_PATH | T_EMPTY_PATH).map(drop)
}

/// Puts a detached mount onto `name` in `directory`, which nobody else can change: a file system of our own;
/// or onto the directory itself.
pub fn attach_at(mount: Fd, directory: Fd, name: &CStr) -> Result<()> {
    const F_EMPTY_PATH: usize = 0x4;
    call!(MOVE_MOUNT, mount.0, EMPTY.as_ptr(), directory.0, name.as_ptr(), F_EMPTY_PATH).map(drop)
}

/// Puts a detached mount onto the working directory.
pub fn attach_here(mount: Fd) -> Result<()> {
    attach_at(mount, Fd::CWD, c".")
}

/// Sets attributes of a mount (mount_setattr(2)). Kernel 5.12; ENOSYS before.
pub fn set_attributes(mount: Fd, attributes: u64, depth: Depth) -> Result<()> {
    change(mount, attributes, 0, 0, depth)
}

/// Sets attributes of a mount and cuts it off from the host's: no mount without these attributes comes in later.
pub fn set_attributes_for_good(mount: Fd, attributes: u64, depth: Depth) -> Result<()> {
    const MS_PRIVATE: u64 = 1 << 18;
    change(mount, attributes, 0, MS_PRIVATE, depth)
}

/// Clears attributes of a mount alone.
pub fn clear_attributes(mount: Fd, attributes: u64) -> Result<()> {
    change(mount, 0, attributes, 0, Depth::Mount)
}

/// Makes a mount and all below it slaves of the host's: changes come in, none go out.
pub fn make_slave(mount: Fd) -> Result<()> {
    const MS_SLAVE: u64 = 1 << 19;
    const MS_REC: usize = 1 << 14;
    match change(mount, 0, 0, MS_SLAVE, Depth::Recursive) {
        // Kernel 5.12: mount_setattr. Before: by path, here the directory that we stand in.
        Err(Errno::ENOSYS) => call!(MOUNT, 0, c".".as_ptr(), 0, (MS_SLAVE as usize) | MS_REC, 0).map(drop),
        other => other,
    }
}

fn change(mount: Fd, set: u64, clear: u64, propagation: u64, depth: Depth) -> Result<()> {
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    let recursive = if depth == Depth::Recursive { AT_RECURSIVE } else { 0 };
    let change = Attributes { set, clear, propagation, user_namespace: 0 };
    call!(MOUNT_SETATTR, mount.0, EMPTY.as_ptr(), AT_EMPTY_PATH | recursive, &raw const change, size_of::<Attributes>())
        .map(drop)
}

/// Makes the current directory, which must be a mount, the root, and takes the old root away.
pub fn pivot_to_current_directory() -> Result<()> {
    const MNT_DETACH: usize = 2;
    let here = c".";
    call!(PIVOT_ROOT, here.as_ptr(), here.as_ptr())?;
    // The old root now lies on top of the new one, at "."
    call!(UMOUNT2, here.as_ptr(), MNT_DETACH).map(drop)
}
