// SPDX-License-Identifier: MIT OR Apache-2.0
//! The part of the build script that makes one table of the system calls' names from those of the architectures, sorted
//! by name: their numbers in each ABI of x86, the ones that x32 numbers for itself, and those that 32-bit programs also
//! reach through socketcall and ipc. The library includes and searches it (src/seccomp/names.rs).

use super::rules::Architecture;
use std::collections::BTreeMap;
use std::fmt::Write;

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
const IPC: [(&str, u8); 12] = [
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

/// What the table has of one name; x32's number is without its bit.
#[derive(Default)]
struct Numbers {
    x86_64: Option<u32>,
    i386: Option<u32>,
    x32: Option<u32>,
    /// The first argument of socketcall, or of ipc with bit 7; 0 where the call goes through neither.
    through: u8,
}

fn collect() -> BTreeMap<&'static str, Numbers> {
    let mut names: BTreeMap<&'static str, Numbers> = BTreeMap::new();
    for (name, number) in Architecture::X86_64.calls() {
        let numbers = names.entry(name).or_default();
        numbers.x86_64 = Some(number);
        numbers.x32 = Some(number);
    }
    for (name, number) in Architecture::I386.calls() {
        names.entry(name).or_default().i386 = Some(number);
    }
    for (name, number) in X32_OWN.split_ascii_whitespace().zip(512..) {
        names.entry(name).or_default().x32 = Some(number);
    }
    for name in NOT_X32.split_ascii_whitespace() {
        names.entry(name).or_default().x32 = None;
    }
    for (name, first) in SOCKETCALL.split_ascii_whitespace().zip(1..) {
        names.entry(name).or_default().through = first;
    }
    for (name, first) in IPC {
        names.entry(name).or_default().through = 0x80 | first;
    }
    names
}

/// The library's source: the names one after the other, and a row for each, which says where it is.
///
/// # Panics
///
/// Where a name or a number has no room in its row: the build is over then.
pub fn source() -> String {
    let names = collect();
    let number = |number: Option<u32>| match number.map(u16::try_from) {
        None => "NONE".to_owned(),
        Some(Ok(number)) if number != u16::MAX => number.to_string(),
        Some(_) => panic!("seccomp: {number:?} has no room in a row"),
    };
    let text: String = names.keys().copied().collect();
    let mut source = format!("const TEXT: &[u8] = b\"{text}\";\nstatic ROWS: [Row; {}] = [\n", names.len());
    let mut start = 0;
    for (name, Numbers { x86_64, i386, x32, through }) in &names {
        let (place, length) = (u16::try_from(start), u8::try_from(name.len()));
        let (Ok(place), Ok(length)) = (place, length) else { panic!("seccomp: {name} has no room in a row") };
        let [x86_64, i386, x32] = [x86_64, i386, x32].map(|which| number(*which));
        writeln!(
            source,
            "    Row {{ start: {place}, length: {length}, through: {through}, x86_64: {x86_64}, i386: {i386}, x32: {x32} }},"
        )
        .unwrap_or_else(|error| panic!("seccomp: {name}: {error}"));
        start += name.len();
    }
    source + "];\n"
}
