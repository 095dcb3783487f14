// SPDX-License-Identifier: MIT OR Apache-2.0
//! x86-64: system call entry (syscall(2): number in rax, arguments in rdi rsi rdx r10 r8 r9) and numbers.

use core::arch::asm;

/// The audit architecture that seccomp sees for native calls (AUDIT_ARCH_X86_64).
pub const AUDIT_ARCH: u32 = 0xc000_003e;
/// Relocation type that a static-pie carries (R_X86_64_RELATIVE).
pub const R_RELATIVE: u32 = 8;

/// System call numbers (arch/x86/entry/syscalls/syscall_64.tbl).
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod nr {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const MMAP: usize = 9;
    pub const MPROTECT: usize = 10;
    pub const MUNMAP: usize = 11;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const IOCTL: usize = 16;
    pub const PREAD64: usize = 17;
    pub const ALARM: usize = 37;
    pub const GETPID: usize = 39;
    pub const SOCKET: usize = 41;
    pub const SENDTO: usize = 44;
    pub const SENDMSG: usize = 46;
    pub const RECVMSG: usize = 47;
    pub const SOCKETPAIR: usize = 53;
    pub const GETSOCKOPT: usize = 55;
    pub const CLONE: usize = 56;
    pub const EXECVE: usize = 59;
    pub const EXIT: usize = 60;
    pub const WAIT4: usize = 61;
    pub const FCNTL: usize = 72;
    pub const CHDIR: usize = 80;
    pub const FCHDIR: usize = 81;
    pub const FCHOWN: usize = 93;
    pub const UMASK: usize = 95;
    pub const GETRUSAGE: usize = 98;
    pub const SETPGID: usize = 109;
    pub const GETPPID: usize = 110;
    pub const SETSID: usize = 112;
    pub const GETGROUPS: usize = 115;
    pub const SETGROUPS: usize = 116;
    pub const SETRESUID: usize = 117;
    pub const GETRESUID: usize = 118;
    pub const SETRESGID: usize = 119;
    pub const GETRESGID: usize = 120;
    pub const GETPGID: usize = 121;
    pub const CAPGET: usize = 125;
    pub const CAPSET: usize = 126;
    pub const FSTATFS: usize = 138;
    pub const PIVOT_ROOT: usize = 155;
    pub const PRCTL: usize = 157;
    pub const MOUNT: usize = 165;
    pub const UMOUNT2: usize = 166;
    pub const SETHOSTNAME: usize = 170;
    pub const GETXATTR: usize = 191;
    pub const CLOCK_GETTIME: usize = 228;
    pub const EXIT_GROUP: usize = 231;
    pub const WAITID: usize = 247;
    pub const OPENAT: usize = 257;
    pub const MKDIRAT: usize = 258;
    pub const MKNODAT: usize = 259;
    pub const SYMLINKAT: usize = 266;
    pub const READLINKAT: usize = 267;
    pub const PPOLL: usize = 271;
    pub const UNSHARE: usize = 272;
    pub const SIGNALFD4: usize = 289;
    pub const DUP3: usize = 292;
    pub const PRLIMIT64: usize = 302;
    pub const SETNS: usize = 308;
    pub const SECCOMP: usize = 317;
    pub const MEMFD_CREATE: usize = 319;
    pub const EXECVEAT: usize = 322;
    pub const PIDFD_SEND_SIGNAL: usize = 424;
    pub const OPEN_TREE: usize = 428;
    pub const MOVE_MOUNT: usize = 429;
    pub const FSOPEN: usize = 430;
    pub const FSCONFIG: usize = 431;
    pub const FSMOUNT: usize = 432;
    pub const PIDFD_OPEN: usize = 434;
    pub const CLONE3: usize = 435;
    pub const CLOSE_RANGE: usize = 436;
    pub const OPENAT2: usize = 437;
    pub const MOUNT_SETATTR: usize = 442;
}

/// One system call with up to six arguments; further ones are not looked at.
pub(crate) fn syscall(number: usize, args: &[usize]) -> isize {
    let mut a = [0usize; 6];
    for (slot, arg) in a.iter_mut().zip(args) {
        *slot = *arg;
    }
    let [a0, a1, a2, a3, a4, a5] = a;
    let result: isize;
    // SAFETY: the typed functions of this crate pass numbers, or pointers and lengths of objects that they
    // borrow for the call. The kernel clobbers rcx, r11 and memory only.
    unsafe {
        asm!("syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a0, in("rsi") a1, in("rdx") a2, in("r10") a3, in("r8") a4, in("r9") a5,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// Ends the process by SIGILL, which the kernel forces on PID 1 too.
pub fn trap() -> ! {
    // SAFETY: an instruction that is none, which nothing follows.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

/// A clone or clone3 call whose child starts in `entry(argument)` on the stack named in the call's own
/// arguments; `entry` never returns. In the parent: what the kernel returned.
///
/// # Safety
/// `registers` must be valid arguments of the call `number`, naming a stack that is mapped, writable, 16-byte
/// aligned at its top, and used by nothing else until the child has executed or exited.
pub(crate) unsafe fn clone_to(
    number: usize,
    registers: [usize; 5],
    entry: extern "C" fn(*mut u8) -> !,
    argument: *mut u8,
) -> isize {
    let [a0, a1, a2, a3, a4] = registers;
    let result: isize;
    // SAFETY: the caller vouches for the arguments. In the child nothing of this frame is used: entry and its
    // argument are in registers, and the call aligns the new stack as the ABI asks.
    unsafe {
        asm!("syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") number as isize => result,
            in("rdi") a0, in("rsi") a1, in("rdx") a2, in("r10") a3, in("r8") a4,
            in("r12") entry, in("r13") argument,
            lateout("rcx") _, lateout("r11") _);
    }
    result
}
