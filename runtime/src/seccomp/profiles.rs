// SPDX-License-Identifier: MIT OR Apache-2.0
//! The named profiles. Why each call is refused or allowed: docs/seccomp.md.

use super::rules::{Action, Architecture, Condition, Filter, Rule, Table, X32_BIT};
use seccompiler::SeccompCmpOp;

/// Whose terminal the container's processes have on their standard descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminal {
    /// The caller's may be among them: nothing may be typed into it from inside.
    Passed,
    /// Only one of the container's own.
    Own,
}

const EPERM: Action = Action::Errno(libc::EPERM as u16);
const ENOSYS: Action = Action::Errno(libc::ENOSYS as u16);

/// ioctl's number in x32.
const X32_IOCTL: u32 = X32_BIT | 514;
/// Types characters into a terminal as if its user had.
const TIOCSTI: u64 = 0x5412;
/// Among other things, pastes a selection into a virtual console.
const TIOCLINUX: u64 = 0x541c;
/// Unmount at once whoever is waiting on the file system's server (umount2's flags).
const MNT_FORCE: u64 = 1;
/// The kernel takes an int: whatever the upper half has is cut off.
const INT: SeccompCmpOp = SeccompCmpOp::MaskedEq(0xffff_ffff);

/// The last system call of Linux 6.18: `system` looked at every one up to there.
const SYSTEM_NEWEST: u32 = 469;
/// removexattrat: the last that the engines' profile knows.
const APP_NEWEST: u32 = 466;

/// What `system` refuses with EPERM.
const SYSTEM_REFUSES: &[&str] = &[
    "kexec_load kexec_file_load",
    "init_module finit_module delete_module",
    "bpf perf_event_open userfaultfd",
    "open_by_handle_at",
    "iopl ioperm",
    "swapon swapoff",
    "acct quotactl quotactl_fd",
    "settimeofday clock_settime clock_settime64 stime",
    "syslog",
    "add_key request_key keyctl",
    "io_uring_setup io_uring_enter io_uring_register",
];

/// What `system` answers with ENOSYS, as newer kernels do: these have been dropped.
const DROPPED: &str = "_sysctl bdflush create_module get_kernel_syms query_module nfsservctl uselib lookup_dcookie \
    vm86 vm86old";

/// What `app` allows, whatever the arguments. Names that one architecture lacks are meant for the other.
const APP_ALLOWS: &[&str] = &[
    // Open files.
    "open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2 fcntl fcntl64 flock ioctl lseek _llseek",
    "read readv pread64 preadv preadv2 readahead write writev pwrite64 pwritev pwritev2 sendfile sendfile64 splice",
    "tee vmsplice copy_file_range fallocate fadvise64 fadvise64_64 truncate truncate64 ftruncate ftruncate64",
    "sync syncfs fsync fdatasync sync_file_range cachestat io_setup io_submit io_cancel io_destroy io_getevents",
    "io_pgetevents io_pgetevents_time64",
    // Waiting for them.
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl",
    "epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 inotify_init inotify_init1",
    "inotify_add_watch inotify_rm_watch fanotify_mark",
    // Names.
    "stat stat64 lstat lstat64 fstat fstat64 newfstatat fstatat64 statx statfs statfs64 fstatfs fstatfs64 statmount",
    "listmount access faccessat faccessat2 chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown",
    "fchown32 fchownat umask utime utimes futimesat utimensat utimensat_time64 link linkat symlink symlinkat",
    "readlink readlinkat unlink unlinkat rename renameat renameat2 mkdir mkdirat rmdir mknod mknodat getdents",
    "getdents64 getcwd chdir fchdir chroot name_to_handle_at",
    "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr flistxattr",
    "listxattrat removexattr lremovexattr fremovexattr removexattrat",
    // Memory.
    "brk mmap mmap2 munmap mremap mprotect msync madvise mincore mlock mlock2 mlockall munlock munlockall mseal",
    "remap_file_pages pkey_alloc pkey_free pkey_mprotect map_shadow_stack memfd_create memfd_secret membarrier",
    // Processes and threads.
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid",
    "getsid setsid kill tkill tgkill pidfd_open pidfd_send_signal process_mrelease ptrace process_vm_readv",
    "process_vm_writev prctl arch_prctl modify_ldt set_thread_area get_thread_area set_tid_address set_robust_list",
    "get_robust_list rseq restart_syscall uretprobe uprobe",
    "futex futex_time64 futex_wait futex_wake futex_waitv futex_requeue",
    "sched_yield sched_setparam sched_getparam sched_setscheduler sched_getscheduler sched_setattr sched_getattr",
    "sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64",
    "sched_setaffinity sched_getaffinity getpriority setpriority ioprio_get ioprio_set getrlimit ugetrlimit",
    "setrlimit prlimit64 getrusage times sysinfo uname getcpu getrandom",
    // Signals and time.
    "rt_sigaction rt_sigprocmask rt_sigpending rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend",
    "rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack sigprocmask sigreturn signalfd signalfd4 pause",
    "alarm getitimer setitimer nanosleep clock_nanosleep clock_nanosleep_time64 time gettimeofday clock_gettime",
    "clock_gettime64 clock_getres clock_getres_time64 adjtimex clock_adjtime clock_adjtime64 timer_create",
    "timer_settime timer_settime64 timer_gettime timer_gettime64 timer_getoverrun timer_delete timerfd_create",
    "timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64",
    // Ids, capabilities, restrictions of one's own.
    "getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32 getresuid getresuid32",
    "getresgid getresgid32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid",
    "setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32",
    "capget capset seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    // Talking to others.
    "socketcall socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown",
    "sendto sendmsg sendmmsg recvfrom recvmsg recvmmsg recvmmsg_time64",
    "ipc shmget shmat shmctl shmdt semget semop semctl semtimedop semtimedop_time64 msgget msgsnd msgrcv msgctl",
    "mq_open mq_unlink mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64 mq_notify",
    "mq_getsetattr",
];

/// The namespace bits of clone's flags: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
const CLONE_NAMESPACES: u64 = 0x7e02_0000;

/// personality's values that `app` allows: Linux, 32-bit Linux, either with UNAME26, and the question.
const PERSONALITIES: &[u64] = &[0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Address families from 12 on that `app` allows. The others have gone from the kernel, but for two: AF_ALG (38), the
/// kernel's cryptography, and AF_VSOCK (40), the way between virtual machines and their host, which no network
/// namespace divides.
const FAMILIES: &[u64] =
    &[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];

/// The profile `system`: what boots a distribution as root of a user namespace of its own.
pub fn system(terminal: Terminal) -> Filter {
    filter(Action::Allow, SYSTEM_NEWEST, |rules| {
        for name in SYSTEM_REFUSES.iter().flat_map(|row| row.split_ascii_whitespace()) {
            rules.add(name, EPERM, &[]);
        }
        for name in DROPPED.split_ascii_whitespace() {
            rules.add(name, ENOSYS, &[]);
        }
        rules.add("umount2", EPERM, &[(1, SeccompCmpOp::MaskedEq(MNT_FORCE), MNT_FORCE)]);
        rules.guard(terminal);
    })
}

/// The profile `app`: the engines' default with the fourteen default capabilities, none of which is SYS_ADMIN.
pub fn app(terminal: Terminal) -> Filter {
    filter(EPERM, APP_NEWEST, |rules| {
        rules.guard(terminal);
        for name in APP_ALLOWS.iter().flat_map(|row| row.split_ascii_whitespace()) {
            rules.add(name, Action::Allow, &[]);
        }
        rules.add("clone", Action::Allow, &[(0, SeccompCmpOp::MaskedEq(CLONE_NAMESPACES), 0)]);
        // Its flags are in memory, where no filter sees them; told ENOSYS, libraries fall back to clone.
        rules.add("clone3", ENOSYS, &[]);
        for value in PERSONALITIES {
            rules.add("personality", Action::Allow, &[(0, SeccompCmpOp::Eq, *value)]);
        }
        rules.add("socket", Action::Allow, &[(0, SeccompCmpOp::Lt, 12)]);
        for family in FAMILIES {
            rules.add("socket", Action::Allow, &[(0, SeccompCmpOp::Eq, *family)]);
        }
    })
}

/// What is left of `none` where the caller's terminal is passed on.
pub fn terminal_only() -> Filter {
    let mut filter = filter(Action::Allow, u32::MAX, |rules| {
        rules.guard(Terminal::Passed);
        if rules.architecture == Architecture::X86_64 {
            for request in [TIOCSTI, TIOCLINUX] {
                rules.on(X32_IOCTL, EPERM, &[(1, INT, request)]);
            }
        }
    });
    for table in &mut filter.tables {
        table.newer = Action::Allow;
        table.x32 = Action::Allow;
    }
    filter.foreign = Action::Allow;
    filter
}

/// The rules of one architecture in the making.
struct Rules {
    architecture: Architecture,
    rules: Vec<Rule>,
}

impl Rules {
    /// A rule on the call of this name, where the architecture has it.
    fn add(&mut self, name: &str, action: Action, conditions: &[(u8, SeccompCmpOp, u64)]) {
        if let Some(number) = self.architecture.number(name) {
            self.on(number, action, conditions);
        }
    }

    fn on(&mut self, number: u32, action: Action, conditions: &[(u8, SeccompCmpOp, u64)]) {
        let conditions = conditions
            .iter()
            .map(|(argument, comparison, value)| Condition {
                argument: *argument,
                comparison: comparison.clone(),
                value: *value,
            })
            .collect();
        self.rules.push(Rule { number, action, conditions });
    }

    // CVE-2019-10063: the request is compared as the kernel reads it, in 32 bits; test
    // cve_2019_10063_ioctl_request_with_upper_bits_is_refused.
    fn guard(&mut self, terminal: Terminal) {
        if terminal == Terminal::Own {
            return;
        }
        for request in [TIOCSTI, TIOCLINUX] {
            self.add("ioctl", EPERM, &[(1, INT, request)]);
        }
    }
}

/// A filter for x86-64 and i386 with the same rules by name; newer calls and x32 meet ENOSYS.
fn filter(default: Action, newest: u32, fill: impl Fn(&mut Rules)) -> Filter {
    let table = |architecture| {
        let mut rules = Rules { architecture, rules: Vec::new() };
        fill(&mut rules);
        Table { architecture, default, newest, newer: ENOSYS, x32: ENOSYS, x32_newest: u32::MAX, rules: rules.rules }
    };
    Filter { tables: vec![table(Architecture::X86_64), table(Architecture::I386)], foreign: Action::KillProcess }
}

/// How many of x86-64's system calls a filter never lets through, and how many there are.
pub fn refused(filter: &Filter) -> (usize, usize) {
    let Some(table) = filter.tables.iter().find(|table| table.architecture == Architecture::X86_64) else {
        return (0, 0);
    };
    let mut rules: Vec<&Rule> = table.rules.iter().collect();
    rules.sort_by_key(|rule| rule.number);
    // Both rise: each rule is looked at once.
    let mut rest = rules.as_slice();
    let mut refused = |number: u32| {
        rest = &rest[rest.iter().take_while(|rule| rule.number < number).count()..];
        let mut rules = rest.iter().take_while(|rule| rule.number == number);
        let default = if number > table.newest { table.newer } else { table.default };
        let passes = |action: Action| matches!(action, Action::Allow | Action::Log);
        loop {
            match rules.next() {
                None => return !passes(default),
                Some(rule) if passes(rule.action) => return false,
                Some(rule) if rule.conditions.is_empty() => return true,
                Some(_) => {}
            }
        }
    };
    Architecture::X86_64
        .calls()
        .fold((0, 0), |(found, all), (_, number)| (found + usize::from(refused(number)), all + 1))
}
