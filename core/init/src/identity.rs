// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ids and capabilities of the process that becomes the command.

use crate::context::{Context, Fault};
use crate::namespaces;
use contain_plan::Doer;
use contain_sys::Errno;
use contain_sys::identity::{self, Capabilities, Dumpable};

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
