// SPDX-License-Identifier: MIT OR Apache-2.0
//! Processes that a command line leaves behind beside the container. For command lines alone: they fork this process,
//! which has one thread.

use crate::caller::system;
use crate::error::{Error, Kind};
use contain_sys::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, setsid};

const TOO_MANY: &str = "the limit on processes may be reached: RLIMIT_NPROC, or pids.max of this cgroup";

/// Forks. Only in a process of one thread, which command lines are.
pub(crate) fn split() -> nix::Result<ForkResult> {
    // SAFETY: no other thread is there that could hold a lock of the allocator or of anything else.
    unsafe { fork() }
}

/// Ends this process, and runs nothing of it.
pub(crate) fn leave(status: i32) -> ! {
    // SAFETY: _exit ends the process and runs nothing of it.
    unsafe { libc::_exit(status) }
}

/// Why [`split`] failed.
pub(crate) fn cannot_fork(stage: &'static str, errno: nix::Error) -> Error {
    let error = system(stage, "fork", "a process in the background")(Errno(errno as i32));
    if errno == nix::Error::EAGAIN { error.cause(TOO_MANY) } else { error }
}

/// Has `work` done by a process in a session of its own. It is no child of this process, so that what ends the
/// supervisor's children leaves it alone. What `settle` makes of it holds when this returns. `what` names it where it
/// cannot be started.
pub(crate) fn apart(
    stage: &'static str,
    what: &str,
    settle: impl FnOnce() -> Result<(), Errno>,
    work: impl FnOnce() -> i32,
) -> Result<(), Error> {
    match split().map_err(|errno| cannot_fork(stage, errno))? {
        ForkResult::Parent { child } => match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, 0)) => Ok(()),
            _ => Err(Error::new(Kind::System, stage, "start", what).cause(TOO_MANY)),
        },
        ForkResult::Child => match settle().map(|()| setsid().and_then(|_| split())) {
            Ok(Ok(ForkResult::Child)) => leave(work()),
            Ok(Ok(ForkResult::Parent { .. })) => leave(0),
            Ok(Err(_)) | Err(_) => leave(1),
        },
    }
}

/// Arguments and environment can be secret, and ps(1) shows what is in their place.
pub(crate) fn wipe_arguments() {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let Some((_, fields)) = stat.rsplit_once(')') else { return };
    // Fields 48 to 51 of proc_pid_stat(5): where arguments and environment begin and end.
    let mut places = fields.split_whitespace().skip(45).map_while(|field| field.parse::<usize>().ok());
    while let (Some(start), Some(end)) = (places.next(), places.next()) {
        if (1..end).contains(&start) && end - start <= 16 << 20 {
            // SAFETY: the kernel put these bytes on this process's own stack; from here on this process makes calls and
            // reads neither arguments nor environment.
            unsafe { std::ptr::write_bytes(std::ptr::with_exposed_provenance_mut::<u8>(start), 0, end - start) };
        }
        if end == 0 {
            return;
        }
    }
}
