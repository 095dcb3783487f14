// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making, naming, executing, waiting for and ending processes.

use crate::fd::from_raw;
use crate::{Errno, Fd, Result, arch, call};
use core::ffi::{CStr, c_char};

/// Namespace flags of clone(2), unshare(2) and setns(2).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod namespace {
    pub const TIME: u64 = 0x80;
    pub const MOUNT: u64 = 0x20000;
    pub const CGROUP: u64 = 0x0200_0000;
    pub const UTS: u64 = 0x0400_0000;
    pub const IPC: u64 = 0x0800_0000;
    pub const USER: u64 = 0x1000_0000;
    pub const PID: u64 = 0x2000_0000;
    pub const NETWORK: u64 = 0x4000_0000;
}

const CLONE_VM: usize = 0x100;
const CLONE_FILES: usize = 0x400;
const CLONE_PIDFD: usize = 0x1000;
const CLONE_VFORK: usize = 0x4000;
const SIGCHLD: usize = 17;

/// A child as its parent sees it.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// Process id in the parent's PID namespace.
    pub pid: i32,
    /// Its pidfd.
    pub pidfd: Fd,
}

/// Which side of a fork this is.
#[derive(Clone, Copy, Debug)]
pub enum Fork {
    /// The new process.
    Child,
    /// The one that made it.
    Parent(Child),
}

/// A copy of this process in new namespaces (clone3(2); without it clone(2), and no time namespace); the child has one thread, this one.
///
/// # Safety
/// Only for programs without a C library and with one thread: nothing is done about locks, caches or handlers.
pub unsafe fn fork(namespaces: u64) -> Result<Fork> {
    #[repr(C)]
    #[derive(Default)]
    struct CloneArguments {
        flags: u64,
        pidfd: u64,
        child_tid: u64,
        parent_tid: u64,
        exit_signal: u64,
        stack: u64,
        stack_size: u64,
        tls: u64,
    }
    let mut pidfd = -1i32;
    let arguments = CloneArguments {
        flags: namespaces | CLONE_PIDFD as u64,
        pidfd: (&raw mut pidfd).addr() as u64,
        exit_signal: SIGCHLD as u64,
        ..CloneArguments::default()
    };
    let pid = match call!(CLONE3, &raw const arguments, size_of::<CloneArguments>()) {
        // An old filter around us answers ENOSYS or EPERM. clone(2) has no bit for the time namespace, which without
        // offsets shows the same clocks as the one outside.
        Err(Errno::ENOSYS | Errno::EPERM) => {
            let others = (namespaces & !namespace::TIME) as usize;
            call!(CLONE, others | CLONE_PIDFD | SIGCHLD, 0, &raw mut pidfd, 0, 0)?
        }
        other => other?,
    };
    Ok(if pid == 0 { Fork::Child } else { Fork::Parent(Child { pid: from_raw(pid).0, pidfd: Fd(pidfd) }) })
}

/// What a process that shares memory shares besides, and whether its maker waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Memory and the descriptor table; the maker goes on at once.
    MemoryAndDescriptors,
    /// Memory only; the maker waits until it has executed or exited (vfork(2)).
    MemoryUntilExec,
}

/// Starts a child in `entry(argument)` on `stack`, in this process's memory (clone(2)).
///
/// # Safety
/// `stack` is used by nothing else while the child runs on it; `argument` is what `entry` expects and outlives it;
/// `entry` makes no call of libc and never returns.
pub unsafe fn spawn_sharing(
    sharing: Sharing,
    stack: *mut [u8],
    entry: extern "C" fn(*mut u8) -> !,
    argument: *mut u8,
) -> Result<Child> {
    let flags = match sharing {
        Sharing::MemoryAndDescriptors => CLONE_VM | CLONE_FILES,
        Sharing::MemoryUntilExec => CLONE_VM | CLONE_VFORK,
    };
    let mut pidfd = -1i32;
    // SAFETY: as the caller vouches; the pidfd is written before either side goes on.
    let pid = unsafe { clone_sharing(flags | CLONE_PIDFD | SIGCHLD, stack, &raw mut pidfd, entry, argument) }?;
    Ok(Child { pid, pidfd: Fd(pidfd) })
}

/// As [`spawn_sharing`], with the flags of clone(2) given.
///
/// # Safety
/// As for [`spawn_sharing`]; `pidfd` is valid for the child's life where CLONE_PIDFD is set.
pub(crate) unsafe fn clone_sharing(
    flags: usize,
    stack: *mut [u8],
    pidfd: *mut i32,
    entry: extern "C" fn(*mut u8) -> !,
    argument: *mut u8,
) -> Result<i32> {
    let top = stack.cast::<u8>().wrapping_add(stack.len()).addr() & !15;
    // SAFETY: the stack is the caller's promise, its top is aligned here.
    let raw = unsafe { arch::clone_to(arch::nr::CLONE, [flags, top, pidfd.addr(), 0, 0], entry, argument) };
    crate::check(raw).map(|pid| from_raw(pid).0)
}

/// The flags of the spawn's two clones (spawn.rs).
pub(crate) const INTERMEDIATE: usize = CLONE_VM | CLONE_VFORK | CLONE_FILES;
pub(crate) const MONITOR: usize = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;

/// execve(2); returns only on failure.
///
/// # Safety
/// Both arrays end with a null pointer and their strings with a NUL.
pub unsafe fn execute(path: &CStr, argv: *const *const c_char, env: *const *const c_char) -> Errno {
    call!(EXECVE, path.as_ptr(), argv, env).err().unwrap_or(Errno::EIO)
}

/// execveat(2) of a descriptor itself; returns only on failure.
///
/// # Safety
/// As for [`execute`].
pub unsafe fn execute_fd(program: Fd, argv: *const *const c_char, env: *const *const c_char) -> Errno {
    const AT_EMPTY_PATH: usize = 0x1000;
    call!(EXECVEAT, program.0, c"".as_ptr(), argv, env, AT_EMPTY_PATH).err().unwrap_or(Errno::EIO)
}

/// exit_group(2).
pub fn exit(status: i32) -> ! {
    let _ = call!(EXIT_GROUP, status);
    // A filter of the caller's own may refuse it. No process of contain's has a second thread.
    let _ = call!(EXIT, status);
    // A tracer may have had it fail, and keeps the trap below from PID 1.
    let _ = call!(EXIT_GROUP, status);
    crate::arch::trap()
}

/// How a process ended: the status word of wait(2) and what it and those it waited for used.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// The process.
    pub pid: i32,
    /// The status word.
    pub status: i32,
    /// CPU time in user mode, in microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, in microseconds.
    pub system_us: u64,
    /// Highest resident set of one process, in KiB.
    pub peak_kib: u64,
}

/// Which children to wait for, and whether to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hang {
    /// Until one has ended.
    Yes,
    /// `Ok(None)` where none has.
    No,
}

/// wait4(2) of `pid`, or of any child for -1; of clone children too (__WALL).
pub fn wait(pid: i32, hang: Hang) -> Result<Option<Ended>> {
    const WNOHANG: usize = 1;
    const WALL: usize = 0x4000_0000;
    let mut status = 0i32;
    // struct rusage: two struct timeval, then maxrss and thirteen more words.
    let mut usage = [0u64; 18];
    let flags = WALL | if hang == Hang::No { WNOHANG } else { 0 };
    let got = loop {
        match call!(WAIT4, pid, &raw mut status, flags, usage.as_mut_ptr()) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let [user_s, user_us, system_s, system_us, peak_kib, ..] = usage;
    let micros = |seconds: u64, rest: u64| seconds.saturating_mul(1_000_000).saturating_add(rest);
    Ok(Some(Ended {
        pid: from_raw(got).0,
        status,
        user_us: micros(user_s, user_us),
        system_us: micros(system_s, system_us),
        peak_kib,
    }))
}

const WSTOPPED: usize = 2;
const WEXITED: usize = 4;
const WCONTINUED: usize = 8;
const WNOWAIT: usize = 0x0100_0000;

/// Whether a child has stopped since this was asked last.
pub fn has_stopped(pid: i32) -> Result<bool> {
    has_news(pid, WSTOPPED)
}

/// Whether a child that had stopped, by [`has_stopped`], has gone on or ended since, if only for a moment.
pub fn has_gone_on(pid: i32) -> Result<bool> {
    has_news(pid, WSTOPPED | WCONTINUED | WEXITED | WNOWAIT)
}

/// waitid(2), which does not wait.
fn has_news(pid: i32, kinds: usize) -> Result<bool> {
    const P_PID: usize = 1;
    const WNOHANG: usize = 1;
    // siginfo_t: 128 bytes; its first number is 0 where there is nothing to tell.
    let mut info = [0u32; 32];
    call!(WAITID, P_PID, pid, info.as_mut_ptr(), kinds | WNOHANG, 0)?;
    let [signal, ..] = info;
    Ok(signal != 0)
}

/// pidfd_open(2).
pub fn open_pidfd(pid: i32) -> Result<Fd> {
    call!(PIDFD_OPEN, pid, 0).map(from_raw)
}

/// pidfd_send_signal(2).
pub fn send_signal(pidfd: Fd, signal: i32) -> Result<()> {
    call!(PIDFD_SEND_SIGNAL, pidfd.0, signal, 0, 0).map(drop)
}

/// This process's id in its PID namespace.
pub fn id() -> i32 {
    call!(GETPID).map_or(0, |pid| from_raw(pid).0)
}

/// The parent's id; 0 where it is in another PID namespace.
pub fn parent_id() -> i32 {
    call!(GETPPID).map_or(0, |pid| from_raw(pid).0)
}

/// A session of its own (setsid(2)).
pub fn new_session() -> Result<()> {
    call!(SETSID).map(drop)
}

/// Makes a child the leader of a process group of its own (setpgid(2)).
pub fn lead_group(child: i32) -> Result<()> {
    call!(SETPGID, child, child).map(drop)
}

/// The process group of `pid`, 0 for this process.
pub fn group_of(pid: i32) -> Result<i32> {
    call!(GETPGID, pid).map(|group| from_raw(group).0)
}
