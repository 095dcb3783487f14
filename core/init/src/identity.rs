// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids and capabilities of the process that becomes the command.

use crate::context::{Context, Fault};
use crate::namespaces;
use contain_plan::{Doer, MAX_GROUPS};
use contain_sys::identity::{self, Capabilities, Dumpable, KeepCapabilities};
use contain_sys::{Errno, file};

/// Becomes `uid` and `gid` of the user namespace and checks it by reading back.
pub fn become_ids(context: &Context<'_>, uid: u32, gid: u32, clear_groups: bool) -> Result<(), Fault> {
    if clear_groups {
        identity::set_groups(&[])?;
    }
    identity::set_group(gid)?;
    identity::set_user(uid)?;
    if identity::users()? != [uid; 3] || identity::groups_of_process()? != [gid; 3] {
        return Err(Errno::EPERM.into());
    }
    // A change of ids clears both this and the next. A process that becomes the command in place has no monitor.
    if context.me == Doer::Init {
        namespaces::die_with_monitor(context)?;
    }
    // The monitor still has to look into a new container's first process: to join its namespaces and for the inside
    // helper to; the pivot takes it back. CVE-2016-9962: never in a container that is there already.
    if context.me == Doer::Init && context.descriptors.target < 0 {
        identity::set_dumpable(Dumpable::Yes)?;
    }
    Ok(())
}

/// The user that the command runs as.
pub struct User<'a> {
    pub uid: u32,
    pub gid: u32,
    pub set_groups: bool,
    /// Four bytes each.
    pub groups: &'a [u8],
    /// Capabilities that are kept across the change where it is one from user 0 to another.
    pub keep: u64,
    /// The console becomes the user's.
    pub console: bool,
}

/// Becomes the user, checks it by reading back, and checks that the way back is closed.
pub fn become_user(context: &Context<'_>, user: &User<'_>) -> Result<(), Fault> {
    if user.console {
        // ORDER: the host's devpts may give it group 5, and only a file whose group is mapped can change hands. Its owner
        // may give it to the own group first.
        file::change_group(context.terminal, 0)?;
        file::change_owner(context.terminal, user.uid)?;
    }
    // ORDER: groups, group, user: each takes a capability that the last one ends.
    if user.set_groups {
        set_groups(user.groups)?;
    }
    identity::set_group(user.gid)?;
    let leaves_root = user.uid != 0;
    if leaves_root && user.keep != 0 {
        identity::set_keep_capabilities(KeepCapabilities::Yes)?;
    }
    identity::set_user(user.uid)?;
    if identity::users()? != [user.uid; 3] || identity::groups_of_process()? != [user.gid; 3] {
        return Err(Errno::EPERM.into());
    }
    if leaves_root {
        give_up_root(user)?;
    }
    // The change of ids has cleared it. Under a reaper that is PID 1 the parent's end is everybody's.
    if context.me == Doer::Init && (!context.reaper || context.descriptors.target >= 0) {
        namespaces::die_with_monitor(context)?;
    }
    Ok(())
}

/// The capabilities of a user other than 0, and the proof that user 0 cannot be had again.
fn give_up_root(user: &User<'_>) -> Result<(), Fault> {
    let now = identity::capabilities()?;
    let kept = user.keep & now.permitted;
    let sets = Capabilities { effective: kept, permitted: kept, inheritable: 0 };
    identity::set_capabilities(sets)?;
    identity::set_keep_capabilities(KeepCapabilities::No)?;
    identity::clear_ambient()?;
    if identity::capabilities()? != sets
        || identity::set_user(0).is_ok()
        || (user.gid != 0 && identity::set_group(0).is_ok())
    {
        return Err(Errno::EPERM.into());
    }
    Ok(())
}

fn set_groups(bytes: &[u8]) -> Result<(), Fault> {
    let mut wanted = [0u32; MAX_GROUPS];
    let (numbers, _) = bytes.as_chunks::<4>();
    let Some(wanted) = wanted.get_mut(..numbers.len()) else { return Err(Errno::E2BIG.into()) };
    for (slot, number) in wanted.iter_mut().zip(numbers) {
        *slot = u32::from_le_bytes(*number);
    }
    identity::set_groups(wanted)?;
    let mut got = [0u32; MAX_GROUPS];
    let count = identity::supplementary_groups(&mut got)?;
    // The kernel keeps them in the order of what they are outside.
    let Some(got) = got.get_mut(..count) else { return Err(Errno::EPERM.into()) };
    got.sort_unstable();
    wanted.sort_unstable();
    if got != wanted {
        return Err(Errno::EPERM.into());
    }
    Ok(())
}

/// Leaves `bounding` in the bounding set and `permitted` as permitted and effective set; nothing inheritable.
pub fn set_capabilities(bounding: u64, permitted: u64) -> Result<(), Fault> {
    identity::clear_ambient()?;
    for capability in 0..64u32 {
        let kept = 1u64.checked_shl(capability).is_some_and(|bit| bounding & bit != 0);
        if !kept && !identity::drop_bounding(capability)? {
            // The kernel knows no capability of this number, and none above it.
            break;
        }
    }
    // CVE-2022-29162: nothing inheritable.
    let now = identity::capabilities()?;
    let sets =
        Capabilities { effective: permitted & now.permitted, permitted: permitted & now.permitted, inheritable: 0 };
    identity::set_capabilities(sets)?;
    if identity::capabilities()? != sets {
        return Err(Errno::EPERM.into());
    }
    Ok(())
}
