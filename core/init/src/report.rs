// SPDX-License-Identifier: MIT OR Apache-2.0
//! Telling the caller: a library by a message, a person by executing the program that started contain-init again,
//! which prints. Who wants a record of the end gets it from a process that the starter left behind for that; it is told
//! what a library would be. contain-init itself formats nothing.

use crate::OWN_FAILURE;
use crate::context::{Context, Fault};
use crate::execute::EMPTY_ENVIRONMENT;
use crate::id_map::Decimal;
use crate::watch::exit_status;
use contain_plan::message::{Failure, Message};
use contain_plan::{Descriptors, Told};
use contain_sys::fd::OnExec;
use contain_sys::memory::{self, Executable};
use contain_sys::process::{self, Fork, Hang};
use contain_sys::signal::{self, Poll, number, poll};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, Result, fd, file, identity};
use core::ffi::CStr;

/// Reports the failure of a container that has been taken down. The exit status, where there is nobody who prints.
pub fn failure(context: &mut Context<'_>, fault: Fault) -> i32 {
    let failure = context.failure(fault);
    let Descriptors { control, listen, record: file, .. } = context.descriptors;
    let in_place = context.descriptors.in_place();
    record(Fd(file), &Message::Failed(failure));
    let control = Fd(control);
    if control.is_some() {
        // Who only started the container, or writes the record, has not made the plan, which names the step. A caller
        // that is gone needs no report.
        let plan = if listen >= 0 || in_place { context.plan_fd } else { Fd::NONE };
        let _ = socket::send(control, &Message::Failed(failure).to_bytes(), plan, Wait::No);
        if !in_place {
            return OWN_FAILURE;
        }
        until_written(control);
    }
    if context.printer.is_some() {
        return print_outside(context, &failure).unwrap_or_else(|_| last_words());
    }
    // A library's, of which its caller has let go: its record says it, and its standard error is the command's.
    if !Fd(context.descriptors.starter).is_some() {
        return OWN_FAILURE;
    }
    // Returns only where even that cannot be done.
    let _ = print(context, &failure);
    last_words()
}

/// Makes the process that prints should this one fail when it has joined a container. CVE-2016-9962: a program that is
/// executed there can be looked into by the container's root, and this one has the host's files, and the caller's ids.
pub fn prepare(context: &mut Context<'_>) -> core::result::Result<(), Fault> {
    if !context.descriptors.in_place() {
        return Ok(());
    }
    let (ours, theirs) = socket::pair()?;
    match context.program.fork(0)? {
        Fork::Parent(child) => {
            theirs.close()?;
            context.printer = Some((child, ours));
            Ok(())
        }
        Fork::Child => {
            if ours.close().is_err() || identity::set_parent_death_signal(number::SIGKILL).is_err() {
                process::exit(OWN_FAILURE)
            }
            match context.hear(theirs, Wait::Yes) {
                Ok(Some(Message::Failed(failure))) => {
                    // ^C ends it, whatever keeps it from printing.
                    let _ = signal::set_mask(0);
                    let _ = print(context, &failure);
                    process::exit(last_words())
                }
                // The monitor is gone.
                _ => process::exit(OWN_FAILURE),
            }
        }
    }
}

/// Has a failure printed by the process that was made for it; the exit status.
fn print_outside(context: &mut Context<'_>, failure: &Failure) -> core::result::Result<i32, Fault> {
    let Some((printer, tell)) = context.printer.take() else { return Err(Fault::Died) };
    socket::send(tell, &Message::Failed(*failure).to_bytes(), Fd::NONE, Wait::No)?;
    let ended = process::wait(printer.pid, Hang::Yes)?.ok_or(Fault::Died)?;
    Ok(exit_status(ended.status))
}

/// Ends the process that would have printed a failure: there is none any more that it could print.
pub fn dismiss(context: &mut Context<'_>) -> Result<()> {
    let Some((printer, tell)) = context.printer.take() else { return Ok(()) };
    // What cannot be killed, by a filter around this process, is not waited for: it dies with the monitor.
    if process::send_signal(printer.pidfd, number::SIGKILL).is_ok() {
        process::wait(printer.pid, Hang::Yes)?;
    }
    tell.close()?;
    printer.pidfd.close()
}

/// Waits until who writes the record has done so and let go of the socket, and no longer than that can take.
pub fn until_written(control: Fd) {
    // It gives up by itself after half of that.
    const PATIENCE_MS: i64 = 10_000;
    // Where this fails, the record comes after the exit status.
    let _ = poll(&mut [Poll { fd: control.0, events: 0, answered: 0 }], PATIENCE_MS);
}

/// What is said where there is nobody who could say more.
pub fn last_words() -> i32 {
    const TEXT: &[u8] = b"contain: set up the container: a system call that is always needed was refused\n\
        hint: look for a seccomp filter or a limit around this process: contain --doctor\n";
    // Where this fails too, the status still tells.
    let _ = file::write_whole(Fd(2), TEXT);
    OWN_FAILURE
}

/// What is said of output that cannot be written, in the words or as the record that the starter would print.
pub fn cannot_write(told: Told, errno: Errno) -> &'static [u8] {
    match (told, errno) {
        (Told::Text, Errno::ENOSPC) => {
            b"contain: write stdout: ENOSPC (No space left on device)\nhint: make room on it, or write elsewhere\n"
        }
        (Told::Text, _) => b"contain: write stdout: it cannot be written any more\nhint: write elsewhere\n",
        (Told::Record, Errno::ENOSPC) => {
            b"{\"level\":\"error\",\"msg\":\"write stdout: ENOSPC (No space left on device)\",\"program\":\"contain\",\
            \"stage\":\"console\",\"operation\":\"write\",\"object\":\"stdout\",\"errno\":28,\
            \"remedy\":\"make room on it, or write elsewhere\"}\n"
        }
        (Told::Record, _) => {
            b"{\"level\":\"error\",\"msg\":\"write stdout: it cannot be written any more\",\"program\":\"contain\",\
            \"stage\":\"console\",\"operation\":\"write\",\"object\":\"stdout\",\"remedy\":\"write elsewhere\"}\n"
        }
    }
}

/// Writes a message behind those that are in the container's record.
pub fn record(file: Fd, message: &Message) {
    if file.is_some() {
        // Where it cannot be written, what is on disk says less: that the process is gone is seen all the same.
        let _ = file::write_whole(file, &message.to_bytes());
    }
}

/// Executes the starter with the report and the plan on descriptors that it is told.
fn print(context: &mut Context<'_>, failure: &Failure) -> Result<()> {
    let starter = Fd(context.descriptors.starter);
    // Where descriptors ran out, the starter and its loader need some; where this fails, they may have them.
    let _ = fd::close_all_but(&mut [Fd(0), Fd(1), Fd(2), starter, context.plan_fd]);
    let report = memory::make_memfd(c"contain-report", Executable::No)?;
    file::write_whole(report, &Message::Failed(*failure).to_bytes())?;
    report.set_on_exec(OnExec::Keep)?;
    context.plan_fd.set_on_exec(OnExec::Keep)?;
    let mut report_text = [0u8; 32];
    let mut plan_text = [0u8; 32];
    let report_argument = argument(&mut report_text, b"--report-fd=", report)?;
    let plan_argument = argument(&mut plan_text, b"--plan-fd=", context.plan_fd)?;
    let arguments = [c"contain", report_argument, plan_argument];
    Err(context.strings.execute_fd(starter, arguments.into_iter(), EMPTY_ENVIRONMENT))
}

fn argument<'b>(buffer: &'b mut [u8; 32], option: &[u8], fd: Fd) -> Result<&'b CStr> {
    let number = Decimal::new(fd.0);
    let digits = number.text().to_bytes_with_nul();
    for (slot, byte) in buffer.iter_mut().zip(option.iter().chain(digits)) {
        *slot = *byte;
    }
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::E2BIG)
}
