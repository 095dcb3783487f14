// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls by name, as the rules of a filter of the caller's own name them: their numbers in each ABI of x86, the
//! ones that x32 numbers for itself, and those that 32-bit programs also reach through socketcall and ipc.

use super::rules::{Architecture, X32_BIT};
use std::collections::HashMap;
use std::sync::OnceLock;

/// A way to call the kernel that a filter can have rules for (linux.seccomp.architectures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// 64-bit calls.
    X86_64,
    /// 32-bit calls.
    X86,
    /// 64-bit calls of programs with 32-bit pointers: bit 30 of the number.
    X32,
}

impl Abi {
    /// All of them.
    pub const ALL: [Abi; 3] = [Abi::X86_64, Abi::X86, Abi::X32];

    /// The architecture that the kernel tells a filter.
    pub fn architecture(self) -> Architecture {
        match self {
            Abi::X86_64 | Abi::X32 => Architecture::X86_64,
            Abi::X86 => Architecture::I386,
        }
    }

    /// The number of the system call of this name.
    pub fn number(self, name: &str) -> Option<u32> {
        numbers(name)?.of(self)
    }
}

/// The numbers of one name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers {
    pub x86_64: Option<u32>,
    pub i386: Option<u32>,
    pub x32: Option<u32>,
    /// How 32-bit programs reach it through another one: that one's number, and what its first argument is.
    pub through: Option<(u32, u64)>,
}

impl Numbers {
    /// That of one ABI.
    pub fn of(&self, abi: Abi) -> Option<u32> {
        match abi {
            Abi::X86_64 => self.x86_64,
            Abi::X86 => self.i386,
            Abi::X32 => self.x32,
        }
    }
}

/// What x32 numbers for itself, from 512 on.
const X32_OWN: &str = "rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace \
    rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load waitid \
    set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo recvmmsg sendmmsg \
    process_vm_readv process_vm_writev setsockopt getsockopt io_setup io_submit execveat preadv2 pwritev2";

/// What x32 does not have.
const NOT_X32: &str = "uselib _sysctl create_module get_kernel_syms query_module nfsservctl set_thread_area \
    get_thread_area epoll_ctl_old epoll_wait_old vserver uretprobe uprobe map_shadow_stack";

/// The first argument of i386's socketcall for each call, from 1 on.
const SOCKETCALL: &str = "socket bind connect listen accept getsockname getpeername socketpair send recv sendto \
    recvfrom shutdown setsockopt getsockopt sendmsg recvmsg accept4 recvmmsg sendmmsg";

/// The first argument of i386's ipc for each call.
const IPC: [(&str, u64); 12] = [
    ("semop", 1),
    ("semget", 2),
    ("semctl", 3),
    ("semtimedop", 4),
    ("msgsnd", 11),
    ("msgrcv", 12),
    ("msgget", 13),
    ("msgctl", 14),
    ("shmat", 21),
    ("shmdt", 22),
    ("shmget", 23),
    ("shmctl", 24),
];

fn index() -> &'static HashMap<&'static str, Numbers> {
    static INDEX: OnceLock<HashMap<&'static str, Numbers>> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index: HashMap<&'static str, Numbers> = HashMap::with_capacity(512);
        for (name, number) in Architecture::X86_64.calls() {
            let numbers = index.entry(name).or_default();
            numbers.x86_64 = Some(number);
            numbers.x32 = Some(number | X32_BIT);
        }
        for (name, number) in Architecture::I386.calls() {
            index.entry(name).or_default().i386 = Some(number);
        }
        for (name, number) in X32_OWN.split_ascii_whitespace().zip(512..) {
            index.entry(name).or_default().x32 = Some(number | X32_BIT);
        }
        for name in NOT_X32.split_ascii_whitespace() {
            index.entry(name).or_default().x32 = None;
        }
        let sockets = SOCKETCALL.split_ascii_whitespace().zip(1..).map(|(name, first)| (name, ("socketcall", first)));
        for (name, (shared, first)) in sockets.chain(IPC.map(|(name, first)| (name, ("ipc", first)))) {
            let number = index.get(shared).and_then(|numbers| numbers.i386);
            index.entry(name).or_default().through = number.map(|number| (number, first));
        }
        index
    })
}

/// Whether any of the ABIs has a system call of this name, if only through socketcall.
pub fn is_known(name: &str) -> bool {
    index().contains_key(name)
}

/// The numbers of a name that any ABI knows.
pub fn numbers(name: &str) -> Option<&'static Numbers> {
    index().get(name)
}

/// The name of x86-64's system call of this number.
pub fn name(number: u32) -> Option<&'static str> {
    Architecture::X86_64.calls().find(|(_, known)| *known == number).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernels_headers() {
        assert_eq!(Abi::X86_64.number("mkdir"), Some(83));
        assert_eq!(Abi::X86.number("mkdir"), Some(39));
        assert_eq!(Abi::X32.number("mkdir"), Some(83 | X32_BIT));
        assert_eq!(Abi::X32.number("rt_sigaction"), Some(512 | X32_BIT));
        assert_eq!(Abi::X32.number("pwritev2"), Some(547 | X32_BIT));
        assert_eq!((Abi::X32.number("uselib"), Abi::X86.number("uselib")), (None, Some(86)));
        assert_eq!((Abi::X86_64.number("chown32"), Abi::X86.number("chown32")), (None, Some(212)));
        assert_eq!(name(83), Some("mkdir"));
        assert_eq!(name(100_000), None);
    }

    #[test]
    fn calls_through_others_are_those_of_net_h_and_ipc_h() {
        let through = |name| numbers(name).and_then(|numbers| numbers.through);
        assert_eq!(through("socket"), Some((102, 1)));
        assert_eq!(through("sendmmsg"), Some((102, 20)));
        assert_eq!(through("shmctl"), Some((117, 24)));
        assert_eq!(through("mkdir"), None);
        assert!(is_known("recv") && !is_known("no_such_call") && !is_known(""));
    }
}
