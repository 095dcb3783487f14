// SPDX-License-Identifier: MIT OR Apache-2.0
//! Starting contain-init from a foreign process: any size, any number of threads, any signal handlers.
//!
//! All signals are blocked in the calling thread. An intermediate process (CLONE_VM|CLONE_VFORK|CLONE_FILES, exit
//! signal 0, so that no SIGCHLD and no plain wait(2) ever sees it) clones the monitor and ends; the monitor is then
//! no child of the caller's. Both run on a stack of their own in the caller's memory until the monitor executes;
//! nothing of libc is called in them, and the caller's thread stands still meanwhile. Handlers of the caller cannot
//! run in them, since every signal stays blocked until contain-init has taken over, where handlers are gone.

use crate::fd::{OnExec, close_range};
use crate::process::{self, Hang};
use crate::{Errno, Fd, Result, signal};
use core::ffi::c_char;

/// What to start, and with which descriptors.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// contain-init: a sealed memfd, or its opened file.
    pub program: Fd,
    /// Argument strings, ended by a null pointer.
    pub argv: &'a [*const c_char],
    /// What becomes descriptors 0, 1 and 2; each 3 or higher. `Fd::NONE` leaves the caller's.
    pub stdio: [Fd; 3],
    /// The descriptors that it gets beside those, under their own numbers: above the preserved ones, rising.
    pub keep: &'a [Fd],
    /// How many of the caller's descriptors from 3 on it gets as they are.
    pub preserved: u32,
}

/// The monitor as the caller sees it: not its child.
#[derive(Clone, Copy, Debug)]
pub struct Spawned {
    /// Process id.
    pub pid: i32,
    /// pidfd, close-on-exec.
    pub pidfd: Fd,
}

/// Bytes of stack that each of the two short-lived processes needs at least.
pub const STACK: usize = 16 * 1024;

struct Shared<'a> {
    spawn: &'a Spawn<'a>,
    monitor_stack: *mut [u8],
    monitor: i32,
    pidfd: i32,
    errno: i32,
}

/// Starts the monitor. `stacks` is scratch memory of twice [`STACK`].
pub fn spawn(request: &Spawn<'_>, stacks: &mut [u8]) -> Result<Spawned> {
    if stacks.len() < STACK.saturating_mul(2) || request.argv.last().is_none_or(|last| !last.is_null()) {
        return Err(Errno::EINVAL);
    }
    let (first, second) = stacks.split_at_mut(STACK);
    let mut shared = Shared { spawn: request, monitor_stack: second, monitor: -1, pidfd: -1, errno: 0 };
    let old = signal::set_mask(signal::ALL)?;
    // SAFETY: both stacks are exclusively ours until the vfork ends; `shared` outlives both processes, since this
    // thread stands still until the intermediate has ended; their code calls nothing but the kernel.
    let intermediate = unsafe {
        process::clone_sharing(
            process::INTERMEDIATE,
            first,
            core::ptr::null_mut(),
            intermediate,
            (&raw mut shared).cast(),
        )
    };
    // ECHILD: another thread of the caller waits for clone children too (__WALL) and was faster.
    if let Ok(pid) = intermediate {
        let _ = process::wait(pid, Hang::Yes);
    }
    signal::set_mask(old)?;
    intermediate?;
    // SAFETY: both processes have ended or executed; a volatile read since they wrote behind the compiler's back.
    let (monitor, pidfd, errno) = unsafe {
        (
            (&raw const shared.monitor).read_volatile(),
            (&raw const shared.pidfd).read_volatile(),
            (&raw const shared.errno).read_volatile(),
        )
    };
    if errno != 0 || monitor < 0 {
        if pidfd >= 0 {
            let _ = Fd(pidfd).close();
        }
        return Err(Errno(if errno != 0 { errno } else { Errno::EAGAIN.0 }));
    }
    Ok(Spawned { pid: monitor, pidfd: Fd(pidfd) })
}

extern "C" fn intermediate(argument: *mut u8) -> ! {
    let shared = argument.cast::<Shared<'_>>();
    // SAFETY: `argument` is the Shared of `spawn`, whose thread stands still. The pidfd lands in the caller's table,
    // since this process shares it.
    unsafe {
        match process::clone_sharing(
            process::MONITOR,
            (*shared).monitor_stack,
            &raw mut (*shared).pidfd,
            monitor,
            argument,
        ) {
            Ok(pid) => {
                (*shared).monitor = pid;
                // It could not execute and has ended: left behind, it would be a zombie of a caller that is a subreaper.
                if (&raw const (*shared).errno).read_volatile() != 0 {
                    let _ = process::wait(pid, Hang::Yes);
                }
            }
            Err(errno) => (*shared).errno = errno.0,
        }
    }
    process::exit(0)
}

extern "C" fn monitor(argument: *mut u8) -> ! {
    let shared = argument.cast::<Shared<'_>>();
    // SAFETY: as above; the intermediate stands still until this has executed or ended.
    let errno = unsafe {
        let request = (*shared).spawn;
        match arrange(request) {
            Ok(()) => {
                let empty = [core::ptr::null::<c_char>()];
                process::execute_fd(request.program, request.argv.as_ptr(), empty.as_ptr())
            }
            Err(errno) => errno,
        }
    };
    // SAFETY: as above.
    unsafe { (*shared).errno = errno.0 };
    process::exit(127)
}

/// Gives the monitor, whose descriptor table is a copy of the caller's, the descriptors asked for and no others.
fn arrange(request: &Spawn<'_>) -> Result<()> {
    let mut next = request.preserved.saturating_add(3);
    let mut close_up_to = |fd: Fd| -> Result<()> {
        let number = u32::try_from(fd.0).map_err(|_| Errno::EBADF)?;
        if number > next {
            close_range(next, number.saturating_sub(1))?;
        }
        next = number.saturating_add(1).max(next);
        Ok(())
    };
    for (number, source) in (0i32..).zip(request.stdio) {
        if source.is_some() {
            source.duplicate_to(Fd(number), OnExec::Keep)?;
        }
    }
    let mut program_passed = false;
    for fd in request.keep {
        if !program_passed && request.program.0 < fd.0 {
            close_up_to(request.program)?;
            program_passed = true;
        }
        close_up_to(*fd)?;
        fd.set_on_exec(OnExec::Keep)?;
    }
    if !program_passed {
        close_up_to(request.program)?;
    }
    close_range(next, u32::MAX)
}
