// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids, capabilities and the other attributes of a process that decide what it may do.

use crate::{Errno, Fd, Result, call};
use core::ffi::CStr;

/// Sets real, effective and saved user id (setresuid(2)).
pub fn set_user(id: u32) -> Result<()> {
    call!(SETRESUID, id, id, id).map(drop)
}

/// Sets real, effective and saved group id (setresgid(2)).
pub fn set_group(id: u32) -> Result<()> {
    call!(SETRESGID, id, id, id).map(drop)
}

/// Real, effective and saved user id.
pub fn users() -> Result<[u32; 3]> {
    let mut ids = [0u32; 3];
    let [real, effective, saved] = &mut ids;
    call!(GETRESUID, core::ptr::from_mut(real), core::ptr::from_mut(effective), core::ptr::from_mut(saved))?;
    Ok(ids)
}

/// Real, effective and saved group id.
pub fn groups_of_process() -> Result<[u32; 3]> {
    let mut ids = [0u32; 3];
    let [real, effective, saved] = &mut ids;
    call!(GETRESGID, core::ptr::from_mut(real), core::ptr::from_mut(effective), core::ptr::from_mut(saved))?;
    Ok(ids)
}

/// Sets the supplementary groups (setgroups(2)).
pub fn set_groups(groups: &[u32]) -> Result<()> {
    call!(SETGROUPS, groups.len(), groups.as_ptr()).map(drop)
}

/// The supplementary groups (getgroups(2)), as many as there are, which must have room.
pub fn supplementary_groups(groups: &mut [u32]) -> Result<usize> {
    call!(GETGROUPS, groups.len(), groups.as_mut_ptr())
}

/// Capability numbers (capabilities(7)).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod capability {
    pub const KILL: u32 = 5;
    pub const SETGID: u32 = 6;
    pub const SETUID: u32 = 7;
    pub const SYS_ADMIN: u32 = 21;
}

/// The three sets of capset(2), one bit a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What can be used.
    pub effective: u64,
    /// What can be raised.
    pub permitted: u64,
    /// What an exec of a file with inheritable capabilities keeps.
    pub inheritable: u64,
}

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilityData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// _LINUX_CAPABILITY_VERSION_3.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// capset(2) of this process.
pub fn set_capabilities(sets: Capabilities) -> Result<()> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let half = |shift: u32| CapabilityData {
        effective: (sets.effective >> shift) as u32,
        permitted: (sets.permitted >> shift) as u32,
        inheritable: (sets.inheritable >> shift) as u32,
    };
    let data = [half(0), half(32)];
    call!(CAPSET, &raw const header, data.as_ptr()).map(drop)
}

/// capget(2) of this process.
pub fn capabilities() -> Result<Capabilities> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let mut data = [CapabilityData { effective: 0, permitted: 0, inheritable: 0 }; 2];
    call!(CAPGET, &raw const header, data.as_mut_ptr())?;
    let [low, high] = data;
    let join = |low: u32, high: u32| u64::from(low) | (u64::from(high) << 32);
    Ok(Capabilities {
        effective: join(low.effective, high.effective),
        permitted: join(low.permitted, high.permitted),
        inheritable: join(low.inheritable, high.inheritable),
    })
}

const PR_SET_PDEATHSIG: usize = 1;
const PR_GET_DUMPABLE: usize = 3;
/// The option of prctl(2) by which a process is made dumpable or not.
pub const PR_SET_DUMPABLE: u32 = 4;
const PR_SET_KEEPCAPS: usize = 8;
const PR_SET_NAME: usize = 15;
const PR_CAPBSET_READ: usize = 23;
const PR_CAPBSET_DROP: usize = 24;
const PR_SET_CHILD_SUBREAPER: usize = 36;
const PR_SET_NO_NEW_PRIVS: usize = 38;
const PR_GET_NO_NEW_PRIVS: usize = 39;
const PR_CAP_AMBIENT: usize = 47;

/// The signal that this process gets when its parent thread ends; 0 for none.
pub fn set_parent_death_signal(signal: i32) -> Result<()> {
    call!(PRCTL, PR_SET_PDEATHSIG, signal, 0, 0, 0).map(drop)
}

/// What is orphaned below this process, in its PID namespace, becomes its child.
pub fn adopt_orphans() -> Result<()> {
    call!(PRCTL, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0).map(drop)
}

/// Whether other processes of the same user may look into this one.
pub fn set_dumpable(dumpable: Dumpable) -> Result<()> {
    call!(PRCTL, PR_SET_DUMPABLE, dumpable as usize, 0, 0, 0).map(drop)
}

/// The values of PR_SET_DUMPABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dumpable {
    /// Only privilege may look in.
    No = 0,
    /// The user's other processes may.
    Yes = 1,
}

/// Whether this process is dumpable.
pub fn is_dumpable() -> Result<bool> {
    call!(PRCTL, PR_GET_DUMPABLE, 0, 0, 0, 0).map(|value| value == 1)
}

/// The name that ps(1) shows; cut at 15 bytes by the kernel.
pub fn set_name(name: &CStr) -> Result<()> {
    call!(PRCTL, PR_SET_NAME, name.as_ptr(), 0, 0, 0).map(drop)
}

/// Takes one capability out of the bounding set; `Ok(false)` where the kernel does not know it.
pub fn drop_bounding(capability: u32) -> Result<bool> {
    match call!(PRCTL, PR_CAPBSET_DROP, capability, 0, 0, 0) {
        Ok(_) => Ok(true),
        Err(Errno::EINVAL) => Ok(false),
        // Without CAP_SETPCAP none can be dropped; one that is not in the set need not be.
        Err(Errno::EPERM) => match call!(PRCTL, PR_CAPBSET_READ, capability, 0, 0, 0) {
            Ok(0) => Ok(true),
            Ok(_) => Err(Errno::EPERM),
            Err(Errno::EINVAL) => Ok(false),
            Err(errno) => Err(errno),
        },
        Err(errno) => Err(errno),
    }
}

/// Whether permitted capabilities outlive a change of all user ids from 0 to others; an exec ends it.
pub fn set_keep_capabilities(keep: KeepCapabilities) -> Result<()> {
    call!(PRCTL, PR_SET_KEEPCAPS, keep as usize, 0, 0, 0).map(drop)
}

/// The values of PR_SET_KEEPCAPS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepCapabilities {
    /// They are lost.
    No = 0,
    /// They are kept.
    Yes = 1,
}

/// Whether a capability is in the bounding set.
pub fn is_bounding(capability: u32) -> Result<bool> {
    call!(PRCTL, PR_CAPBSET_READ, capability, 0, 0, 0).map(|value| value == 1)
}

/// Empties the ambient set.
pub fn clear_ambient() -> Result<()> {
    const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;
    call!(PRCTL, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0).map(drop)
}

/// No exec from here on gains privilege (PR_SET_NO_NEW_PRIVS).
pub fn set_no_new_privs() -> Result<()> {
    call!(PRCTL, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0).map(drop)
}

/// Whether no exec gains privilege.
pub fn has_no_new_privs() -> Result<bool> {
    call!(PRCTL, PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0).map(|value| value == 1)
}

/// Loads a seccomp program given as the bytes of an array of struct sock_filter. `flags`: SECCOMP_FILTER_FLAG_*, of those
/// that return nothing.
pub fn load_seccomp(program: &[u8], flags: u32) -> Result<()> {
    const SECCOMP_SET_MODE_FILTER: usize = 1;
    #[repr(C)]
    struct Program {
        length: u16,
        filter: *const u8,
    }
    // SECCOMP_FILTER_FLAG_NEW_LISTENER: a descriptor that nobody here would have.
    if flags & 1 << 3 != 0 {
        return Err(Errno::EINVAL);
    }
    let instructions = program.len() / 8;
    if !program.len().is_multiple_of(8) || instructions == 0 || instructions > 4096 {
        return Err(Errno::EINVAL);
    }
    let program = Program { length: instructions as u16, filter: program.as_ptr() };
    call!(SECCOMP, SECCOMP_SET_MODE_FILTER, flags, &raw const program).map(drop)
}

/// Joins the namespaces that `flags` (CLONE_NEW*) name of the process that `pidfd` is (setns(2), kernel 5.8).
pub fn join_namespaces(pidfd: Fd, flags: u64) -> Result<()> {
    call!(SETNS, pidfd.0, flags).map(drop)
}

/// unshare(2).
pub fn unshare(flags: u64) -> Result<()> {
    call!(UNSHARE, flags).map(drop)
}

/// sethostname(2).
pub fn set_hostname(name: &[u8]) -> Result<()> {
    call!(SETHOSTNAME, name.as_ptr(), name.len()).map(drop)
}

/// Sets one resource limit of this process (prlimit64(2)).
pub fn set_rlimit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let limit = [soft, hard];
    call!(PRLIMIT64, 0, resource, limit.as_ptr(), 0).map(drop)
}
