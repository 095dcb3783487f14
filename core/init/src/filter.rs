// SPDX-License-Identifier: MIT OR Apache-2.0
//! The seccomp program that the monitor and its guard run under once the command has started: the calls that they
//! still make, and EPERM for every other.

use contain_sys::arch::{AUDIT_ARCH, nr};
use contain_sys::{Result, identity};

/// What is still called, most frequent first.
const ALLOWED: [usize; 18] = [
    nr::PPOLL,
    nr::READ,
    nr::WRITE,
    nr::PIDFD_SEND_SIGNAL,
    nr::RECVMSG,
    nr::SENDMSG,
    nr::PREAD64,
    nr::WAIT4,
    nr::CLOCK_GETTIME,
    nr::GETPGID,
    nr::GETPID,
    nr::CLONE,
    nr::SETPGID,
    nr::CLOSE,
    nr::CLOSE_RANGE,
    nr::MUNMAP,
    nr::EXIT_GROUP,
    RESTART_SYSCALL,
];

/// What is asked of the caller's terminal and of the console: attributes, window size, foreground group.
const REQUESTS: [u32; 6] = [0x5401, 0x5402, 0x5403, 0x5413, 0x5414, 0x540f];

/// What the kernel calls in a process's name after a stop.
const RESTART_SYSCALL: usize = 219;

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const RETURN_ALLOW: u32 = 0x7fff_0000;
const RETURN_EPERM: u32 = 0x0005_0001;
const RETURN_KILL: u32 = 0x8000_0000;

const COUNT: usize = ALLOWED.len() + REQUESTS.len() + 8;

const fn instruction(code: u16, if_true: u8, if_false: u8, value: u32) -> [u8; 8] {
    let [c0, c1] = code.to_ne_bytes();
    let [v0, v1, v2, v3] = value.to_ne_bytes();
    [c0, c1, if_true, if_false, v0, v1, v2, v3]
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "done by the compiler")]
const PROGRAM: [[u8; 8]; COUNT] = {
    let mut program = [[0; 8]; COUNT];
    // struct seccomp_data: the number at 0, the architecture at 4.
    program[0] = instruction(LOAD, 0, 0, 4);
    program[1] = instruction(JUMP_EQUAL, 1, 0, AUDIT_ARCH);
    program[2] = instruction(RETURN, 0, 0, RETURN_KILL);
    program[3] = instruction(LOAD, 0, 0, 0);
    let mut index = 0;
    let mut at = 4;
    while index < ALLOWED.len() {
        program[at] = instruction(JUMP_EQUAL, (COUNT - 2 - at) as u8, 0, ALLOWED[index] as u32);
        index += 1;
        at += 1;
    }
    // ioctl: the low half of its second argument, at 24, decides; the kernel looks at no more of it.
    program[at] = instruction(JUMP_EQUAL, 0, (COUNT - 3 - at) as u8, nr::IOCTL as u32);
    program[at + 1] = instruction(LOAD, 0, 0, 24);
    at += 2;
    index = 0;
    while index < REQUESTS.len() {
        program[at] = instruction(JUMP_EQUAL, (COUNT - 2 - at) as u8, 0, REQUESTS[index]);
        index += 1;
        at += 1;
    }
    program[COUNT - 2] = instruction(RETURN, 0, 0, RETURN_EPERM);
    program[COUNT - 1] = instruction(RETURN, 0, 0, RETURN_ALLOW);
    program
};

/// Loads the program; no exec gains privilege from here on.
pub fn load() -> Result<()> {
    identity::set_no_new_privs()?;
    identity::load_seccomp(PROGRAM.as_flattened())
}
