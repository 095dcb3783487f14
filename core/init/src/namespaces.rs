// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making and joining namespaces.

use crate::context::{Context, Fault};
use contain_plan::Doer;
use contain_sys::identity::{self, Dumpable};
use contain_sys::process::{Fork, namespace};
use contain_sys::signal::number;
use contain_sys::socket;
use contain_sys::{Fd, file};

/// Makes the other process in new namespaces, its working directory the root-to-be.
pub fn clone(context: &mut Context<'_>, namespaces: u64) -> Result<(), Fault> {
    let root = Fd(context.descriptors.root);
    let home = Fd(context.descriptors.home);
    // ORDER: PID 1 finds its own mount namespace's copy of the directory by inheriting it as working directory:
    // no path is looked up twice, and no descriptor of the host's mount namespace is of use inside.
    if root.is_some() {
        file::change_directory_fd(root)?;
    }
    fork(context, namespaces)?;
    if context.me == Doer::Init {
        // What is made below the root has exactly the permissions that the plan says.
        context.umask = Some(file::set_umask(0));
    }
    if context.me == Doer::Monitor && root.is_some() && home.is_some() {
        file::change_directory_fd(home)?;
    }
    Ok(())
}

/// Forks the other process with a socket between the two. On return `context.me` says which one this is.
fn fork(context: &mut Context<'_>, namespaces: u64) -> Result<(), Fault> {
    let (outer, inner) = socket::pair()?;
    match context.program.fork(namespaces)? {
        Fork::Parent(child) => {
            context.init = Some(child);
            context.peer = outer;
            inner.close()?;
        }
        Fork::Child => {
            context.me = Doer::Init;
            context.peer = inner;
            outer.close()?;
            die_with_monitor(context)?;
        }
    }
    Ok(())
}

/// PID 1 dies with the monitor. Where the monitor is dead already its end of the socket is closed, which the next
/// meeting finds out. A change of ids clears this: it is set again after each.
pub fn die_with_monitor(_context: &Context<'_>) -> Result<(), Fault> {
    Ok(identity::set_parent_death_signal(number::SIGKILL)?)
}

/// The monitor joins PID 1's namespaces.
pub fn join(context: &mut Context<'_>, namespaces: u64) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    Ok(identity::join_namespaces(init.pidfd, namespaces)?)
}

/// Joins a running container: the monitor its user and PID namespaces, so that it goes on seeing the host's files;
/// its child all the others.
pub fn join_target(context: &mut Context<'_>, namespaces: u64) -> Result<(), Fault> {
    let target = Fd(context.descriptors.target);
    let first = namespaces & (namespace::USER | namespace::PID);
    // CVE-2016-9962: not dumpable before anything of the container's can see it; exec makes it so again.
    identity::set_dumpable(Dumpable::No)?;
    identity::join_namespaces(target, first)?;
    fork(context, 0)?;
    if context.me == Doer::Init {
        let others = namespaces & !first;
        if others != 0 {
            identity::join_namespaces(target, others)?;
        }
    }
    Ok(())
}
