// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is delegated to the caller. Three files are opened, by names that are part of this program.

use crate::log::Entry;
use crate::privilege::Caller;
use contain_policy::{Answer, MAX_FILE, RangeSet, accounts, delegated};
use contain_sys::file::{self, Resolve, flags};
use contain_sys::program::Once;
use contain_sys::{Errno, Fd};
use core::ffi::CStr;

/// The ids that the caller may map beside its own, and its first name.
pub struct Delegations {
    /// User ids.
    pub users: RangeSet,
    /// Group ids.
    pub groups: RangeSet,
    /// Empty where /etc/passwd has none.
    pub name: &'static [u8],
}

/// A file, and one byte more that shows that it is too large.
type Buffer = [u8; MAX_FILE + 1];
static PASSWD: Once<Buffer> = Once::new([0; MAX_FILE + 1]);
static SUBORDINATE: Once<Buffer> = Once::new([0; MAX_FILE + 1]);

/// How many names of one user id are looked for.
const MAX_NAMES: usize = 16;

/// Reads what is delegated to `caller`. A file that is absent delegates nothing.
pub fn of(caller: Caller, entry: &mut Entry) -> Result<Delegations, Answer> {
    let (passwd, buffer) = PASSWD.take().zip(SUBORDINATE.take()).ok_or(Answer::System)?;
    let passwd: &'static [u8] = contents(c"/etc/passwd", passwd)?;
    let mut names: [&'static [u8]; MAX_NAMES] = [b""; MAX_NAMES];
    let mut found = 0usize;
    for (place, account) in names.iter_mut().zip(accounts(passwd, caller.uid).map_err(|_| Answer::Files)?) {
        *place = account.name;
        found = found.saturating_add(1);
    }
    let names = names.get(..found).unwrap_or(&[]);
    let mut ranges = |path| {
        let delegated = delegated(contents(path, buffer)?, names, caller.uid).map_err(|_| Answer::Files)?;
        entry.bad_lines = entry.bad_lines.saturating_add(delegated.bad_lines);
        Ok(delegated.ranges)
    };
    let (users, groups) = (ranges(c"/etc/subuid")?, ranges(c"/etc/subgid")?);
    Ok(Delegations { users, groups, name: names.first().copied().unwrap_or(b"") })
}

/// The bytes of a file that root alone can write, at most [`MAX_FILE`] of them; CVE-2022-47952.
fn contents<'a>(path: &CStr, buffer: &'a mut Buffer) -> Result<&'a [u8], Answer> {
    let how = flags::O_RDONLY | flags::O_NONBLOCK | flags::O_NOCTTY;
    let file = match file::open_in(Fd::CWD, path, how, Resolve::NO_LINKS) {
        Err(Errno::ENOENT) => return Ok(&[]),
        other => other.map_err(|_| Answer::Files)?,
    };
    let status = file::status(file).map_err(|_| Answer::Files)?;
    if !status.is_regular() || !status.only_root_writes() {
        return Err(Answer::Files);
    }
    let length = read_to_end(file, buffer).map_err(|_| Answer::Files)?;
    file.close().map_err(|_| Answer::Files)?;
    buffer.get(..length).filter(|text| text.len() <= MAX_FILE).ok_or(Answer::Files)
}

/// Reads from the beginning, whatever was read or written before, until the end of the file or of the buffer; how
/// much that was.
pub fn read_to_end(file: Fd, buffer: &mut [u8]) -> contain_sys::Result<usize> {
    let mut length = 0usize;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match file::read_at(file, rest, length)? {
            0 => break,
            more => length = length.saturating_add(more),
        }
    }
    Ok(length)
}
