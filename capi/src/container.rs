// SPDX-License-Identifier: MIT OR Apache-2.0
//! Containers: made from a configuration, started, injected into, signalled, waited for.

use crate::boundary::{Handle, Maker, Output, borrow, call, free};
use crate::config::ConfigHandle;
use crate::error::ErrorHandle;
use crate::options::{self, InjectOptions, Pipes, RunOptions, Wired};
use crate::process::{self, ProcessHandle, Waiting};
use crate::result::{ResultPlace, ResultStruct};
use runtime::{Config, Container, Error};
use std::ffi::{OsString, c_char, c_int};
use std::os::fd::IntoRawFd;
use std::time::Duration;

/// A container that this process made or opened. Several threads may use one at once, but for freeing it.
pub struct ContainerHandle {
    maker: Maker,
    made: Made,
}

/// A container, and what goes with it.
pub(crate) struct Made {
    pub(crate) container: Container,
    /// What the command got: what an injected command gets unless it is given its own.
    pub(crate) env: Vec<OsString>,
    pub(crate) pipes: Pipes,
}

impl ContainerHandle {
    /// The container itself.
    pub(crate) fn runtime(&self) -> &Container {
        &self.made.container
    }
}

pub(crate) fn boxed(made: Made) -> *mut ContainerHandle {
    Box::into_raw(Box::new(ContainerHandle { maker: Maker::this_process(), made }))
}

impl Handle for ContainerHandle {
    const NAME: &'static str = "container";

    fn maker(&self) -> Maker {
        self.maker
    }
}

/// Makes a container in one of several ways.
///
/// # Safety
/// As the pages of the functions that make one ask.
pub(crate) unsafe fn make(
    config: *const ConfigHandle,
    options: *const RunOptions,
    size: usize,
    container: *mut *mut ContainerHandle,
    make: impl FnOnce(&Config) -> Result<Container, Error>,
) -> Result<c_int, Error> {
    // SAFETY: as the caller says.
    let (config, place, given) =
        unsafe { (borrow(config)?, Output::new("container", container)?, options::read("options", options, size)?) };
    let mut config = config.config.clone();
    let wired = if options.is_null() { Wired::plain(config.stdio) } else { given.wired()? };
    config.stdio = wired.stdio;
    let container = make(&config)?;
    place.write(boxed(Made { container, env: config.env, pipes: wired.pipes }));
    Ok(0)
}

/// Makes a container up to the moment before its command begins, and leaves it waiting for
/// contain_container_start().
///
/// config: what the container is to be; may be freed afterwards.
/// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration, which are the
/// caller's own unless it came from JSON.
/// size: sizeof *options.
/// container: where the container goes; the caller frees it with contain_container_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config or container is NULL or something in them is not allowed; -EBADF for a descriptor that
/// is none; -E2BIG for options that this library does not know; every CONTAIN_E_ code.
/// Ownership: descriptors are duplicated and stay the caller's.
/// Threads: any; one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_create(
    config: *const ConfigHandle,
    options: *const RunOptions,
    size: usize,
    container: *mut *mut ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || make(config, options, size, container, Container::create)) }
}

/// Lets the command of a created container begin; returns once it has been executed.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container is NULL or was started before; CONTAIN_E_NOT_FOUND and CONTAIN_E_NOT_EXECUTABLE for
/// the command; CONTAIN_E_GONE if the container has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_start(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.runtime().start().map(|()| 0)) }
}

/// Makes a container and lets its command begin; returns once it has been executed.
///
/// config: what the container is to be; may be freed afterwards.
/// options: the command's standard descriptors; NULL, with a size of 0: those of the configuration, which are the
/// caller's own unless it came from JSON.
/// size: sizeof *options.
/// container: where the container goes; the caller frees it with contain_container_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: those of contain_container_create() and contain_container_start().
/// Ownership: descriptors are duplicated and stay the caller's.
/// Threads: any; one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_run(
    config: *const ConfigHandle,
    options: *const RunOptions,
    size: usize,
    container: *mut *mut ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || make(config, options, size, container, Container::run)) }
}

/// Runs another command in a running container; returns once it has been executed. It is looked up on the PATH of its
/// environment.
///
/// container: the container.
/// argv: the command and its arguments, a NULL behind the last.
/// options: environment, descriptors, seccomp profile, deadline, user, directory, capabilities, limits; NULL, with a size
/// of 0: the environment and the profile of the container's command, the caller's own descriptors and limits, the
/// container's root in `/` with all capabilities of the container's, whatever was taken from the container's command.
/// size: sizeof *options.
/// process: where the process goes; the caller frees it with contain_process_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container, argv or process is NULL or something in them is not allowed; -EBADF for a descriptor
/// that is none; -E2BIG for options that this library does not know; CONTAIN_E_BUSY if the container was not
/// started or is paused, CONTAIN_E_GONE if it has ended; CONTAIN_E_ID_MAP if the container does not have the user or a
/// group; CONTAIN_E_NOT_FOUND and CONTAIN_E_NOT_EXECUTABLE for the command.
/// Ownership: strings are copied; descriptors are duplicated and stay the caller's.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_inject(
    container: *const ContainerHandle,
    argv: *const *const c_char,
    options: *const InjectOptions,
    size: usize,
    process: *mut *mut ProcessHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let container = borrow(container)?;
            let place = Output::new("process", process)?;
            let (injection, wired) = options::read("options", options, size)?.injection(argv, &container.made.env)?;
            place.write(process::boxed(container.runtime().inject(&injection)?, wired.pipes));
            Ok(0)
        })
    }
}

/// Sends a signal to a container's command. SIGKILL ends the whole container.
///
/// container: the container.
/// signal: the signal's number; 0 only asks whether the container is there.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container is NULL or signal is no signal; -ESRCH with CONTAIN_E_GONE if it has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_signal(
    container: *const ContainerHandle,
    signal: c_int,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.runtime().kill(signal).map(|()| 0)) }
}

/// Kills a container: its command and everything in it. Does not wait until they are gone.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if container is NULL; -ESRCH with CONTAIN_E_GONE if it has ended.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_kill(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.runtime().kill(libc::SIGKILL).map(|()| 0)) }
}

/// Waits until a container has ended. The result stays: a later call gives it again.
///
/// container: the container.
/// timeout_ms: how many milliseconds to wait at most; 0: not at all; -1: as long as it takes.
/// result: where the result goes; NULL, with a size of 0, if it is not wanted.
/// size: sizeof *result.
/// err: where an error goes, or NULL.
/// Returns: 1 if it has ended and the result is there; 0 if the time passed first; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of a result; -EINTR if a signal came while waiting without a timeout;
/// -ESRCH with CONTAIN_E_GONE if another handle has deleted it before this one was told its result.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_wait(
    container: *const ContainerHandle,
    timeout_ms: i64,
    result: *mut ResultStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let container = borrow(container)?.runtime();
            Waiting::new(timeout_ms, result, size)?.done(|timeout| container.wait(timeout))
        })
    }
}

/// Sends a signal, waits for the end, and kills what is left when the time has passed; returns when the container has
/// ended.
///
/// container: the container.
/// signal: the signal for the command, such as SIGTERM.
/// grace_ms: how many milliseconds the command has; 0: none, it is killed without the signal.
/// result: where the result goes; NULL, with a size of 0, if it is not wanted.
/// size: sizeof *result.
/// err: where an error goes, or NULL.
/// Returns: 0, also for one that had ended already and keeps its own result; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of a result.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_stop(
    container: *const ContainerHandle,
    signal: c_int,
    grace_ms: u64,
    result: *mut ResultStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, place) = (borrow(container)?.runtime(), ResultPlace::new("result", result, size)?);
            place.write(container.stop(signal, Duration::from_millis(grace_ms))?.into());
            Ok(0)
        })
    }
}

/// Kills a container and waits for its end; the result says why.
///
/// container: the container.
/// reason: CONTAIN_ENDED_SIGNALLED, CONTAIN_ENDED_WALL or CONTAIN_ENDED_OUTPUT; one that had ended already keeps its own.
/// result: where the result goes; NULL, with a size of 0, if it is not wanted.
/// size: sizeof *result.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL; -E2BIG if size is no size of a result.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_end(
    container: *const ContainerHandle,
    reason: u32,
    result: *mut ResultStruct,
    size: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let container = borrow(container)?.runtime();
            let (reason, place) = (process::reason(reason)?, ResultPlace::new("result", result, size)?);
            place.write(container.end(reason)?.into());
            Ok(0)
        })
    }
}

/// Gives the caller's end of a pipe that was asked for with CONTAIN_STDIO_PIPE.
///
/// container: the container.
/// which: 0, 1 or 2.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if container is NULL, which is another number, or there is no pipe, or none any more.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_take_stdio(
    container: *const ContainerHandle,
    which: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.made.pipes.take(which)) }
}

/// Gives the other end of a container's console of CONTAIN_CONSOLE_TAKEN, once: the master of a pseudo-terminal, for
/// reading, writing, poll(2), tcsetattr(3) and TIOCSWINSZ. It is there once the container is made, also before its start.
/// Reading ends with EIO when nobody inside has the terminal open; the command may still be about to end then. Closing it
/// hangs the command up (SIGHUP), as the death of all who have it does, and freeing a container whose console was not
/// taken.
///
/// container: the container, by the handle with which it was made.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if container is NULL, was made without such a console, or by another process, or if it was taken before.
/// Ownership: the descriptor becomes the caller's. Threads: any, several at once: one gets it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_take_console(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(container)?.runtime().take_console()?.into_raw_fd())) }
}

/// The process id of a container's supervisor, which is what inject(1) takes.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: the id, above 0; negative on failure.
/// Errors: -EINVAL if container is NULL.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_pid(container: *const ContainerHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(container)?.runtime().pid())) }
}

/// The process id of a container's PID 1, as the caller sees it.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: the id; 0 if it has ended; negative on failure.
/// Errors: -EINVAL if container is NULL; what the kernel says where its state is on disk and cannot be looked up.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_init_pid(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || borrow(container)?.runtime().init_pid()) }
}

/// A pidfd of a container's PID 1: it can be read from when the container has ended.
///
/// container: the container.
/// err: where an error goes, or NULL.
/// Returns: a descriptor with close-on-exec, the caller's to close; negative on failure.
/// Errors: -EINVAL if container is NULL; -EMFILE.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_pidfd(
    container: *const ContainerHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || Ok(borrow(container)?.runtime().pidfd()?.into_raw_fd())) }
}

/// Frees a container. One that was started goes on, bound to the caller's life or detached as its configuration said;
/// one that never was is taken down. A console that was not taken is closed, which hangs the command up. Returns at once.
///
/// container: the container; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_free(container: *mut ContainerHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(container) }
}
