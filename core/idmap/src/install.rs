// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the program is installed: whether it got its privilege, and whether others can put something else in its place.

use crate::privilege::Privilege;
use crate::procfs::Procfs;
use contain_policy::Answer;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::{Errno, Fd, Result};
use core::ffi::CStr;

/// Refuses to serve without privilege, saying why there is none, and out of a folder that others than root can write
/// (CVE-2021-44730).
pub fn check(procfs: &Procfs, privilege: Privilege) -> core::result::Result<(), Answer> {
    let mut path = [0; 4096];
    let (path, program) = procfs.own_program(&mut path).map_err(|_| Answer::System)?;
    match privilege {
        Privilege::Held => {}
        Privilege::NoNewPrivileges => return Err(Answer::NoNewPrivileges),
        Privilege::Missing if file::is_nosuid(program).map_err(|_| Answer::System)? => return Err(Answer::Nosuid),
        Privilege::Missing => return Err(Answer::NotPrivileged),
    }
    // Whatever keeps the folder from being looked at, it is not one to be relied on.
    if is_safe(path, program).unwrap_or(false) { Ok(()) } else { Err(Answer::Folder) }
}

/// Whether only root can write the folder, and the program in it is this one and root's alone too.
fn is_safe(path: &mut [u8], program: Fd) -> Result<bool> {
    let slash = path.iter().rposition(|&byte| byte == b'/').ok_or(Errno::ENOENT)?;
    let (folder, name) = path.split_at_mut(slash);
    // `/` itself, where the program lies there.
    let mut folder_text = [0; 4096];
    let folder: &[u8] = if folder.is_empty() { b"/" } else { folder };
    folder_text.get_mut(..folder.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(folder);
    let folder = file::open_in(Fd::CWD, text(&folder_text)?, flags::O_PATH | flags::O_DIRECTORY, Resolve::NO_LINKS)?;
    let mut name_text = [0; 256];
    let name = name.strip_prefix(b"/").ok_or(Errno::ENOENT)?;
    name_text.get_mut(..name.len()).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
    let named = file::open_in(folder, text(&name_text)?, flags::O_PATH, Resolve::BENEATH_NO_LINKS)?;
    let (running, there) = (file::status(program)?, file::status(named)?);
    let is_same = (running.device, running.inode) == (there.device, there.inode);
    Ok(is_same && there.only_root_writes() && file::status(folder)?.only_root_writes())
}

fn text(bytes: &[u8]) -> Result<&CStr> {
    CStr::from_bytes_until_nul(bytes).map_err(|_| Errno::ENAMETOOLONG)
}
