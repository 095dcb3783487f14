// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs that the monitor runs beside the container: the user's helpers of `-o` and `-i`, contain-idmap, and the
//! system's id map helpers. They are the monitor's children. The user's die with it; the others end by themselves.

use crate::context::{Context, Fault};
use crate::execute::EMPTY_ENVIRONMENT;
use contain_plan::message::Part;
use contain_plan::{Kind, List, Step, Text};
use contain_sys::fd::{OnExec, close_range};
use contain_sys::identity;
use contain_sys::process::{self, Child, Fork, Hang, namespace};
use contain_sys::signal::{self, Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::time::monotonic_ns;
use contain_sys::{Errno, Fd, file};
use core::ffi::CStr;

const SHELL: &CStr = c"/bin/sh";
/// How long contain-idmap may take. It ends itself after 5 seconds.
const PATIENCE_MS: u64 = 7_000;
/// Exit status of a helper that could not be started, as a shell's.
const NOT_STARTED: i32 = 127;

/// Starts the outside helper and leaves it waiting: it must exist before the monitor joins namespaces, and run after.
pub fn prepare_outside(context: &mut Context<'_>, command: Text<'_>, environment: List<'_>) -> Result<(), Fault> {
    let (ours, theirs) = socket::pair()?;
    match context.program.fork(0)? {
        Fork::Parent(child) => {
            theirs.close()?;
            context.outside = Some((child, ours));
            Ok(())
        }
        Fork::Child => {
            let ready = ours.close().and_then(|()| leave(context)).and_then(|()| {
                let mut word = [0u8; 1];
                match socket::receive(theirs, &mut word, Wait::Yes)? {
                    (1, _) => Ok(()),
                    _ => Err(Errno::EPIPE),
                }
            });
            if ready.is_ok() {
                shell(context, command, environment);
            }
            process::exit(NOT_STARTED)
        }
    }
}

/// Lets the outside helper run and waits for its end.
pub fn run_outside(context: &mut Context<'_>) -> Result<(), Fault> {
    let Some((child, gate)) = context.outside else { return Err(Errno::ESRCH.into()) };
    socket::send(gate, &[1], Fd::NONE, Wait::Yes)?;
    let status = wait_for(context, child)?;
    context.outside = None;
    gate.close()?;
    expect_success(status)
}

/// Runs the inside helper: in all namespaces of PID 1 but PID, as container root, at the new root.
pub fn run_inside(context: &mut Context<'_>, command: Text<'_>, environment: List<'_>) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let monitor = process::id();
    match context.program.fork(0)? {
        Fork::Parent(child) => {
            let status = wait_for(context, child)?;
            context.root.close()?;
            context.root = Fd::NONE;
            expect_success(status)
        }
        Fork::Child => {
            let made = context.plan.heads().flatten().find(|head| head.is(Kind::Clone));
            let made = made.and_then(|head| head.read().ok()).and_then(|entry| match entry.step {
                Step::Clone { namespaces } => Some(namespaces),
                _ => None,
            });
            let others = made.unwrap_or(0) & (namespace::MOUNT | namespace::TIME);
            // Where there is no clone3(2) the time namespace is the monitor's own, which it may not join.
            let ready = identity::join_namespaces(init.pidfd, others)
                .or_else(|_| identity::join_namespaces(init.pidfd, others & namespace::MOUNT))
                .and_then(|()| identity::set_group(0))
                .and_then(|()| identity::set_user(0))
                .and_then(|()| identity::set_parent_death_signal(number::SIGKILL))
                .and_then(|()| file::change_directory_fd(context.root));
            // ORDER: after the signal is set, or a monitor that died before that is never missed.
            if ready.is_ok() && process::parent_id() == monitor {
                shell(context, command, environment);
            }
            process::exit(NOT_STARTED)
        }
    }
}

/// Runs a program of the host with these arguments and no environment; its wait status.
pub fn run_program<'a>(
    context: &mut Context<'_>,
    program: &CStr,
    arguments: impl Iterator<Item = &'a CStr>,
) -> Result<i32, Fault> {
    match context.program.fork(0)? {
        Fork::Parent(child) => wait_for(context, child),
        Fork::Child => {
            if signal::set_mask(0).is_ok() {
                context.strings.execute(program, arguments, EMPTY_ENVIRONMENT);
            }
            process::exit(NOT_STARTED)
        }
    }
}

/// Runs contain-idmap with this socket as descriptor 3, its path as only argument, no environment and nothing else but
/// stdio; its wait status. ETIMEDOUT where it does not end in time.
pub fn run_with_socket(context: &mut Context<'_>, program: &CStr, socket: Fd) -> Result<i32, Fault> {
    const PLACE: Fd = Fd(3);
    match context.program.fork(0)? {
        Fork::Parent(child) => {
            socket.close()?;
            wait_until(context, child, Some(PATIENCE_MS))
        }
        Fork::Child => {
            let placed = if socket == PLACE {
                socket.set_on_exec(OnExec::Keep)
            } else {
                socket.duplicate_to(PLACE, OnExec::Keep)
            };
            let ready = placed.and_then(|()| close_range(4, u32::MAX)).and_then(|()| signal::set_mask(0));
            if ready.is_ok() {
                context.strings.execute(program, core::iter::once(program), EMPTY_ENVIRONMENT);
            }
            process::exit(NOT_STARTED)
        }
    }
}

/// Waits for a helper's end, however long it takes; its wait status.
fn wait_for(context: &Context<'_>, child: Child) -> Result<i32, Fault> {
    wait_until(context, child, None)
}

/// Waits for a helper's end; its wait status. A signal ends the monitor meanwhile, as it would end the helper's own
/// caller; the container and the helper die with it.
fn wait_until(context: &Context<'_>, child: Child, patience_ms: Option<u64>) -> Result<i32, Fault> {
    signal::set_mask(0)?;
    let ended = until_ended(context, child, patience_ms);
    if ended.is_err() {
        // What cannot be killed, by a filter around this process, dies with the monitor.
        process::send_signal(child.pidfd, number::SIGKILL)?;
    }
    let waited = process::wait(child.pid, Hang::Yes);
    signal::set_mask(signal::ALL)?;
    ended?;
    child.pidfd.close()?;
    waited?.map(|ended| ended.status).ok_or(Fault::Died)
}

/// The end of the caller or of PID 1 ends everything, however long a helper takes.
fn until_ended(context: &Context<'_>, child: Child, patience_ms: Option<u64>) -> Result<(), Fault> {
    const NS_PER_MS: u64 = 1_000_000;
    let now_ms = || monotonic_ns() / NS_PER_MS;
    let until = patience_ms.map(|patience| now_ms().saturating_add(patience));
    let ask = |fd: i32| Poll { fd, events: poll_event::IN, answered: 0 };
    let init = context.init.map_or(-1, |init| init.pidfd.0);
    loop {
        let mut asked = [ask(child.pidfd.0), ask(context.descriptors.caller), ask(init)];
        let left = until.map(|until| until.saturating_sub(now_ms()));
        poll(&mut asked, left.map_or(-1, |left| i64::try_from(left).unwrap_or(i64::MAX)))?;
        match asked.map(|one| one.answered != 0) {
            // ORDER: a helper that failed since PID 1 is dead is not the cause.
            [_, true, _] => return Err(Fault::CallerGone),
            [_, _, true] => return Err(Fault::Died),
            [true, ..] => return Ok(()),
            _ if left == Some(0) => return Err(Fault::Call(Errno::ETIMEDOUT, Part::Helper)),
            _ => {}
        }
    }
}

fn expect_success(status: i32) -> Result<(), Fault> {
    if status == 0 { Ok(()) } else { Err(Fault::Helper(status)) }
}

/// In a helper's process: the caller's working directory, and death with the monitor.
fn leave(context: &Context<'_>) -> contain_sys::Result<()> {
    identity::set_parent_death_signal(number::SIGKILL)?;
    match Fd(context.descriptors.home) {
        Fd::NONE => Ok(()),
        home => file::change_directory_fd(home),
    }
}

/// Becomes `/bin/sh -c COMMAND`; returns only on failure. Every descriptor of contain's is close-on-exec.
fn shell(context: &mut Context<'_>, command: Text<'_>, environment: List<'_>) {
    if signal::set_mask(0).is_err() {
        return;
    }
    context.strings.execute(SHELL, [c"sh", c"-c", command].into_iter(), environment.iter());
}
