// SPDX-License-Identifier: MIT OR Apache-2.0
//! The monitor before it watches: it opens what it watches with, gives up what it does not need, and has a guard where
//! the command needs one.

use crate::context::{Context, Fault};
use crate::filter::Duty;
use crate::guard;
use crate::id_map::Decimal;
use contain_plan::{Doer, Entry, Kind, Step};
use contain_sys::Fd;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::process;
use contain_sys::signal::{self, number};

/// Where the monitor's next step is the watch, what PID 1 is to do now ends with the command's exec. A guard that is wanted
/// is there before PID 1 begins.
pub fn before_the_command(context: &mut Context<'_>) -> Result<(), Fault> {
    match next_watch(context) {
        Some((number, true)) => at(context, number, |context| {
            settle_in_time(context, true)?;
            guard::start_in_time(context)
        }),
        _ => Ok(()),
    }
}

/// While PID 1 does that, a monitor without a guard has nothing else to do than to settle.
pub fn beside_the_command(context: &mut Context<'_>) -> Result<(), Fault> {
    match next_watch(context) {
        Some((number, false)) => at(context, number, |context| settle_in_time(context, false)),
        _ => Ok(()),
    }
}

/// The number of the monitor's next step and whether it wants a guard, where that is the watch.
fn next_watch(context: &Context<'_>) -> Option<(u32, bool)> {
    let mut ours = context.plan.heads().flatten().filter(|head| head.doer == Doer::Monitor);
    let next = ours.find(|head| head.number > context.step).filter(|head| head.is(Kind::Watch))?;
    match next.read() {
        Ok(Entry { step: Step::Watch { guard, .. }, .. }) => Some((next.number, guard)),
        _ => None,
    }
}

/// Does a part of a later step, whose number a failure has.
fn at(
    context: &mut Context<'_>,
    number: u32,
    part: impl FnOnce(&mut Context<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let done = core::mem::replace(&mut context.step, number);
    part(context)?;
    context.step = done;
    Ok(())
}

/// A monitor that has a library's caller to tell gives up at once what it does not need. One that would print a failure has
/// to be able to execute what prints, and gives that up in the end.
fn settle_in_time(context: &mut Context<'_>, guarded: bool) -> Result<(), Fault> {
    if !context.descriptors.in_place() {
        context.settled = Some(settle(context, guarded)?);
    }
    Ok(())
}

/// What a monitor watches with that it cannot get any more once it has given up what it does not need.
pub struct Settled {
    /// A pidfd of its own.
    pub myself: Fd,
    pub(super) signals: Fd,
    /// /proc/PID/status of a command that is PID 1 itself.
    pub(super) status: Fd,
}

/// Opens what is watched with, and gives up what is not needed for that: from here on the monitor holds no privilege. A
/// command that is PID 1 has a guard; one without has a reaper in front of it, or is an injected one.
pub fn settle(context: &Context<'_>, guarded: bool) -> Result<Settled, Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let settled = Settled {
        myself: context.guard.map_or_else(|| process::open_pidfd(process::id()), |guard| Ok(guard.monitor))?,
        // That a child has ended is told by its pidfd.
        signals: signal::open_reader(signal::ALL & !signal::bit(number::SIGCHLD) & !ignored()?)?,
        status: if guarded && !context.reaper { open_status(context.process, init.pid)? } else { Fd::NONE },
    };
    guard::give_up(if context.tree.is_some() { Duty::EndTree } else { Duty::Watch })?;
    Ok(settled)
}

/// The signals among those that end a process which were ignored from the start (nohup(1), a shell's background).
fn ignored() -> contain_sys::Result<signal::Mask> {
    let mut mask = 0;
    for signal in [number::SIGHUP, number::SIGINT, number::SIGQUIT] {
        if signal::is_ignored(signal)? {
            mask |= signal::bit(signal);
        }
    }
    Ok(mask)
}

/// In its own directory, where that has been opened; it was looked at then.
fn open_status(directory: Fd, pid: i32) -> contain_sys::Result<Fd> {
    if directory.is_some() {
        return file::open_in(directory, c"status", flags::O_RDONLY, Resolve::SAME_MOUNT_NO_LINKS);
    }
    let proc = file::open(Fd::CWD, c"/proc", flags::O_PATH | flags::O_DIRECTORY)?;
    let directory = file::open(proc, Decimal::new(pid).text(), flags::O_PATH | flags::O_DIRECTORY)?;
    file::open(directory, c"status", flags::O_RDONLY)
}
