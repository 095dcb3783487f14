// SPDX-License-Identifier: MIT OR Apache-2.0
//! Injected processes: what contain_container_inject() gives.

use crate::boundary::{Handle, Maker, Output, borrow, call, free, invalid};
use crate::error::ErrorHandle;
use crate::options::{self, InjectOptions, Pipes};
use crate::result::{CONTAIN_ENDED_OUTPUT, CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL, ResultPlace, ResultStruct};
use runtime::{Config, EndedBy, Error, Outcome, Process, Root};
use std::ffi::{c_char, c_int};
use std::os::fd::IntoRawFd;
use std::time::Duration;

/// A process that was injected into a container. Several threads may use one at once, but for freeing it.
pub struct ProcessHandle {
    maker: Maker,
    process: Process,
    pipes: Pipes,
}

impl Handle for ProcessHandle {
    const NAME: &'static str = "process";

    fn maker(&self) -> Maker {
        self.maker
    }
}

pub(crate) fn boxed(process: Process, pipes: Pipes) -> *mut ProcessHandle {
    Box::into_raw(Box::new(ProcessHandle { maker: Maker::this_process(), process, pipes }))
}

/// A number of milliseconds, or -1.
pub(crate) fn timeout(timeout_ms: i64) -> Result<Option<Duration>, Error> {
    if timeout_ms == -1 {
        return Ok(None);
    }
    u64::try_from(timeout_ms).map(Duration::from_millis).map(Some).map_err(|_| {
        invalid("timeout_ms", timeout_ms.to_string(), "it is a number of milliseconds, or -1 for no timeout")
    })
}

/// What waiting takes: how long, and where the result goes.
pub(crate) struct Waiting {
    timeout: Option<Duration>,
    place: ResultPlace,
}

impl Waiting {
    /// # Safety
    /// `result` is NULL or `size` bytes can be written to until the call returns.
    pub(crate) unsafe fn new(timeout_ms: i64, result: *mut ResultStruct, size: usize) -> Result<Waiting, Error> {
        let timeout = timeout(timeout_ms)?;
        // SAFETY: as the caller says.
        Ok(Waiting { timeout, place: unsafe { ResultPlace::new("result", result, size) }? })
    }

    /// 1 and a result if it has ended, 0 if the time passed first.
    pub(crate) fn done(
        self,
        wait: impl FnOnce(Option<Duration>) -> Result<Option<Outcome>, Error>,
    ) -> Result<c_int, Error> {
        let Some(outcome) = wait(self.timeout)? else { return Ok(0) };
        self.place.write(outcome.into());
        Ok(1)
    }
}

/// What the caller may say of why it ends something.
pub(crate) fn reason(reason: u32) -> Result<EndedBy, Error> {
    match reason {
        CONTAIN_ENDED_SIGNALLED => Ok(EndedBy::Signalled),
        CONTAIN_ENDED_WALL => Ok(EndedBy::Wall),
        CONTAIN_ENDED_OUTPUT => Ok(EndedBy::Output),
        _ => Err(invalid(
            "reason",
            reason.to_string(),
            "it is CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL or CONTAIN_ENDED_OUTPUT",
        )),
    }
}

/// Runs a command in the container of a process that need not be this process's own; returns once it has been executed.
///
/// pid: the process id of a supervisor, as inject(1) takes it, or of a container's PID 1.
/// argv: the command and its arguments, a NULL behind the last; looked up on the PATH of its environment.
/// options: as of contain_container_inject(); NULL, with a size of 0: a usual environment, CONTAIN_SECCOMP_SYSTEM, and the
/// rest as there.
/// size: sizeof *options.
/// process: where the process goes; the caller frees it with contain_process_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: those of contain_container_inject(); CONTAIN_E_GONE if there is no container of this process.
/// Ownership: strings are copied; descriptors are duplicated and stay the caller's. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_inject(
    pid: i32,
    argv: *const *const c_char,
    options: *const InjectOptions,
    size: usize,
    process: *mut *mut ProcessHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("process", process)?;
            let env = Config::run(Root::Host, Vec::new()).env;
            let (injection, wired) = options::read("options", options, size)?.injection(argv, &env)?;
            place.write(boxed(runtime::container::inject_by_pid(pid, &injection)?, wired.pipes));
            Ok(0)
        })
    }
}

/// Gives the caller's end of a pipe that was asked for with CONTAIN_STDIO_PIPE.
///
/// process: the process.
/// which: 0, 1 or 2.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if process is NULL, which is another number, or there is no pipe, or none any more.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_take_stdio(
    process: *const ProcessHandle,
    which: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(process)?.pipes.take(which)) }
}

/// Kills an injected process, as contain_process_kill() does, and waits for its end; the result says why.
///
/// process: the process.
/// reason: CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL or CONTAIN_ENDED_OUTPUT; one that had ended already keeps its own.
/// result: where the result goes; NULL, with a size of 0, if it is not wanted.
/// size: sizeof *result.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of a result.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_end(
    process: *const ProcessHandle,
    reason: u32,
    result: *mut ResultStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let process = &borrow(process)?.process;
            let (reason, place) = (self::reason(reason)?, ResultPlace::new("result", result, size)?);
            place.write(process.end(reason)?.into());
            Ok(0)
        })
    }
}

/// Gives the other end of an injected process's console, once, as contain_container_take_console() does.
///
/// process: the process.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if process is NULL or was injected without one, or if it was taken before.
/// Ownership: the descriptor becomes the caller's. Threads: any, several at once: one gets it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_take_console(
    process: *const ProcessHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(process)?.process.take_console()?.into_raw_fd())) }
}

/// The id of an injected process, as the caller sees it.
///
/// process: the process.
/// err: where an error goes, or NULL.
/// Returns: the id, above 0; negative on failure.
/// Errors: -EINVAL if process is NULL.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_pid(process: *const ProcessHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(process)?.process.pid())) }
}

/// A pidfd of an injected process: it can be read from when the process has ended.
///
/// process: the process.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if process is NULL; -EMFILE.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_pidfd(process: *const ProcessHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(process)?.process.pidfd()?.into_raw_fd())) }
}

/// Sends a signal to an injected process.
///
/// process: the process.
/// signal: the signal's number; 0 only asks whether the process is there.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if process is NULL or signal is no signal; -ESRCH with CONTAIN_E_GONE if it has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_signal(
    process: *const ProcessHandle,
    signal: c_int,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(process)?.process.kill(signal).map(|()| 0)) }
}

/// Kills an injected process.
///
/// process: the process.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if process is NULL; -ESRCH with CONTAIN_E_GONE if it has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_kill(process: *const ProcessHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(process)?.process.kill(libc::SIGKILL).map(|()| 0)) }
}

/// Waits until an injected process has ended. The result stays: a later call gives it again.
///
/// process: the process.
/// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
/// result: where the result goes; NULL, with a size of 0, if it is not wanted.
/// size: sizeof *result.
/// err: where an error goes, or NULL.
/// Returns: 1 if it has ended and the result is there; 0 if the time passed first; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of a result; -EINTR if a signal came while waiting without a timeout.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_wait(
    process: *const ProcessHandle,
    timeout_ms: i64,
    result: *mut ResultStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let process = &borrow(process)?.process;
            Waiting::new(timeout_ms, result, size)?.done(|timeout| process.wait(timeout))
        })
    }
}

/// Frees a process. The process itself goes on; it ends with its container at the latest. A console that was not taken is
/// closed, which hangs it up.
///
/// process: the process; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_process_free(process: *mut ProcessHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(process) }
}
