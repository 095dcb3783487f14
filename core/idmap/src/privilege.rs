// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who the caller is, and what this process holds: from its first lines on the caller's real ids and no more than two
//! capabilities, in both ways of being installed.

use crate::procfs::Procfs;
use contain_policy::{Answer, IdMap};
use contain_sys::identity::{self, Capabilities, Dumpable, KeepCapabilities, capability};
use contain_sys::{Errno, Result, file};

/// Who is served: the real ids of this process, which no program's mode changes.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The real user id.
    pub uid: u32,
    /// The real group id.
    pub gid: u32,
}

/// What the program was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Both capabilities, and no other.
    Held,
    /// Not both, because the caller has no_new_privs.
    NoNewPrivileges,
    /// Not both.
    Missing,
}

const fn bit(capability: u32) -> u64 {
    1u64.wrapping_shl(capability)
}

/// What writing a user map takes.
const SETUID: u64 = bit(capability::SETUID);
/// What writing a group map takes.
pub const SETGID: u64 = bit(capability::SETGID);

/// Makes all ids the real ones. Capabilities stay permitted; none is effective where the user id changed.
pub fn become_caller() -> Result<Caller> {
    let [uid, ..] = identity::users()?;
    let [gid, ..] = identity::groups_of_process()?;
    identity::set_keep_capabilities(KeepCapabilities::Yes)?;
    identity::set_group(gid)?;
    identity::set_user(uid)?;
    if identity::users()? != [uid; 3] || identity::groups_of_process()? != [gid; 3] {
        return Err(Errno::EPERM);
    }
    // The kernel sets this anew when ids change.
    identity::set_dumpable(Dumpable::No)?;
    if identity::is_dumpable()? { Err(Errno::EPERM) } else { Ok(Caller { uid, gid }) }
}

/// Reduces what is held to the two capabilities, or to nothing where they are not both there.
pub fn reduce() -> Result<Privilege> {
    let had = identity::capabilities()?.permitted;
    let wanted = SETUID | SETGID;
    if had & wanted == wanted {
        return keep(wanted).map(|()| Privilege::Held);
    }
    keep(0)?;
    Ok(if identity::has_no_new_privs()? { Privilege::NoNewPrivileges } else { Privilege::Missing })
}

/// Leaves exactly these capabilities, permitted and effective, and checks it by reading back.
pub fn keep(capabilities: u64) -> Result<()> {
    let sets = Capabilities { effective: capabilities, permitted: capabilities, inheritable: 0 };
    identity::set_capabilities(sets)?;
    if identity::capabilities()? == sets { Ok(()) } else { Err(Errno::EPERM) }
}

/// The number that stands for every id which the current user namespace does not map.
const OVERFLOW: u32 = 65_534;

/// Refuses a caller whose id may be the one that stands for all that have none here.
pub fn check_caller(procfs: &Procfs, caller: Caller) -> core::result::Result<(), Answer> {
    let every_id = |name| {
        let mut text = [0; 512];
        let file = procfs.open_own(name)?;
        let length = file::read_at_start(file, &mut text)?;
        file.close()?;
        let map = text.get(..length).and_then(|text| IdMap::parse_kernel(text).ok());
        Ok(map.is_some_and(|map| matches!(map.entries(), [all] if all.count() == u32::MAX)))
    };
    for (id, name) in [(caller.uid, c"uid_map"), (caller.gid, c"gid_map")] {
        if id == OVERFLOW && !every_id(name).map_err(|_: Errno| Answer::System)? {
            return Err(Answer::Ids);
        }
    }
    Ok(())
}
