// SPDX-License-Identifier: MIT OR Apache-2.0
//! The container's /etc/passwd and /etc/group. The container may have written them: they are found below its root
//! alone, opened only where they are regular files, and read up to a bound; a line that is not well-formed is none.

use super::number;
use crate::caller::{own, raw};
use crate::config::Root;
use crate::error::{Error, Kind};
use crate::launch::open_root;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::{Errno, Fd};
use std::ffi::{CStr, CString};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Bytes of a file that is read.
const MAX_FILE: u64 = 1 << 20;

/// One line of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub name: Vec<u8>,
    pub uid: u32,
    pub gid: u32,
    home: Vec<u8>,
}

impl Account {
    /// Its home directory, where that is a path.
    pub fn home(self) -> String {
        String::from_utf8(self.home).ok().filter(|home| home.starts_with('/')).unwrap_or("/".into())
    }
}

/// The two files, below a root.
pub(super) struct Database {
    root: OwnedFd,
}

impl Database {
    /// The files of this root; none is read yet.
    pub fn open(root: &Root) -> Result<Database, Error> {
        let path = match root {
            Root::Directory(path) => path,
            Root::Host => Path::new("/"),
        };
        Ok(Database { root: own(open_root(path)?) })
    }

    /// The first account that is wanted.
    pub fn user(&self, wanted: impl Fn(&Account) -> bool) -> Result<Option<Account>, Error> {
        let text = self.read(c"etc/passwd")?;
        Ok(lines(&text).filter_map(account).find(wanted))
    }

    /// The number of a group.
    pub fn group(&self, name: &str) -> Result<Option<u32>, Error> {
        let text = self.read(c"etc/group")?;
        let found = lines(&text).filter_map(group).find(|(own, ..)| *own == name.as_bytes());
        Ok(found.map(|(_, gid, _)| gid))
    }

    /// The groups that list a user as a member; a container without /etc/group has none.
    pub fn groups_of(&self, account: &Account) -> Result<Vec<u32>, Error> {
        let text = match self.read(c"etc/group") {
            Err(error) if error.errno == Some(libc::ENOENT) => return Ok(Vec::new()),
            other => other?,
        };
        let has = |members: &[u8]| members.split(|byte| *byte == b',').any(|member| member == account.name);
        Ok(lines(&text).filter_map(group).filter(|(.., members)| has(members)).map(|(_, gid, _)| gid).collect())
    }

    fn read(&self, path: &CStr) -> Result<Vec<u8>, Error> {
        let shown = format!("/{} in the root", path.to_string_lossy());
        let error = |operation: &str| Error::new(Kind::Root, "process.user", operation, &shown);
        let failed = |operation: &'static str| {
            let error = error(operation).remedy("give the user and the group by their numbers");
            move |errno: Errno| error.errno(errno.0)
        };
        // O_PATH: nothing is opened, so that nothing waits (a fifo) or happens (a device).
        let place = file::open_in(raw(&self.root), path, flags::O_PATH, Resolve::IN_ROOT).map_err(failed("find"))?;
        let place = own(place);
        let status = file::status(raw(&place)).map_err(failed("look at"))?;
        if !status.is_regular() {
            return Err(error("read")
                .cause("it is not a regular file")
                .remedy("give the user and the group by number"));
        }
        // The very file that was looked at, whatever its name leads to by now.
        let again = CString::new(format!("/proc/self/fd/{}", raw(&place).0)).unwrap_or_default();
        let fd = file::open(Fd::CWD, &again, flags::O_RDONLY | flags::O_NONBLOCK | flags::O_NOCTTY)
            .map_err(failed("open"))?;
        let mut text = Vec::new();
        let read = std::fs::File::from(own(fd)).take(MAX_FILE + 1).read_to_end(&mut text);
        read.map_err(|problem| failed("read")(Errno(problem.raw_os_error().unwrap_or(libc::EIO))))?;
        if text.len() as u64 > MAX_FILE {
            return Err(error("read")
                .cause(format!("it has more than {MAX_FILE} bytes"))
                .remedy("give the user and the group by number"));
        }
        Ok(text)
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n')
}

/// `NAME:PASSWORD:UID:GID:GECOS:HOME:SHELL`, exactly.
fn account(line: &[u8]) -> Option<Account> {
    let fields: [&[u8]; 7] = line.split(|byte| *byte == b':').collect::<Vec<_>>().try_into().ok()?;
    let [name, _, uid, gid, _, home, _] = fields;
    (!name.is_empty()).then_some(())?;
    Some(Account { name: name.to_vec(), uid: number(uid)?, gid: number(gid)?, home: home.to_vec() })
}

/// `NAME:PASSWORD:GID:MEMBERS`, exactly.
fn group(line: &[u8]) -> Option<(&[u8], u32, &[u8])> {
    let fields: [&[u8]; 4] = line.split(|byte| *byte == b':').collect::<Vec<_>>().try_into().ok()?;
    let [name, _, gid, members] = fields;
    (!name.is_empty()).then_some(())?;
    Some((name, number(gid)?, members))
}
