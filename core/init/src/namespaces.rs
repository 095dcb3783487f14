// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making and joining namespaces.

use crate::context::{At, Context, Fault};
use crate::report;
use contain_plan::Doer;
use contain_plan::message::Part;
use contain_sys::identity::{self, Dumpable};
use contain_sys::process::{self, Fork, namespace};
use contain_sys::signal::{self, Poll, number, poll, poll_event};
use contain_sys::socket;
use contain_sys::{Errno, Fd, file};

/// How long a PID 1 that is ending may take for it: until all of its namespace has ended.
const ENDING_MS: i64 = 1000;

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
            signal::set_mask(0)?;
            die_with_monitor(context)?;
            // Beside a library caller: nothing inside can signal or stop the caller's process group and the monitor in
            // it (kill(2) of 0), or has its terminal. Where a person is the caller, job control goes on.
            if !context.descriptors.in_place() {
                process::new_session()?;
            }
        }
    }
    Ok(())
}

/// PID 1 dies with the monitor. Where the monitor is dead already its end of the socket is closed. A change of ids
/// clears this: it is set again after each.
pub fn die_with_monitor(context: &Context<'_>) -> Result<(), Fault> {
    identity::set_parent_death_signal(number::SIGKILL)?;
    let mut asked = [Poll { fd: context.peer.0, events: 0, answered: 0 }];
    if poll(&mut asked, 0)? == 0 { Ok(()) } else { Err(Fault::Died) }
}

/// The monitor joins PID 1's namespaces.
pub fn join(context: &mut Context<'_>, namespaces: u64) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    identity::join_namespaces(init.pidfd, namespaces)?;
    // CVE-2016-9962: from here on the container's root could trace this process, if it could name it (through the
    // host's /proc bound in); and no command runs before the monitor gives the rest up.
    identity::set_dumpable(Dumpable::No)?;
    Ok(())
}

/// Joins a running container: the monitor its user and PID namespaces, so that it goes on seeing the host's files;
/// its child all the others.
pub fn join_target(context: &mut Context<'_>, leave_groups: bool, namespaces: u64) -> Result<(), Fault> {
    let target = Fd(context.descriptors.target);
    let first = namespaces & (namespace::USER | namespace::PID);
    report::prepare(context)?;
    // CVE-2016-9962: not dumpable before anything of the container's can see it; exec makes it so again.
    identity::set_dumpable(Dumpable::No)?;
    // ORDER: in a user namespace that denies setgroups the host's groups could not be given up any more, and whoever
    // owns the container could take them from the command by ptrace(2).
    if leave_groups {
        identity::set_groups(&[]).at(Part::Groups)?;
    }
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

/// What became of a monitor's injection: a PID namespace whose PID 1 is ending takes no process any more, which the kernel
/// calls ENOMEM, and kills those that are in it.
pub fn or_target_gone(context: &Context<'_>, fault: Fault) -> Fault {
    let target = context.descriptors.target;
    let mut asked = [Poll { fd: target, events: poll_event::IN, answered: 0 }];
    let telling = target >= 0 && matches!(fault, Fault::Died | Fault::Call(Errno::ENOMEM, _));
    if telling && matches!(poll(&mut asked, ENDING_MS), Ok(1)) { Fault::TargetGone } else { fault }
}
