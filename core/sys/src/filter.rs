// SPDX-License-Identifier: MIT OR Apache-2.0
//! seccomp programs that allow a list of system calls, made by the compiler: for contain's own processes, each of
//! which knows what it will call.

use crate::arch::{AUDIT_ARCH, nr};

/// What the kernel calls in a process's name after a stop.
pub const RESTART_SYSCALL: usize = 219;

/// What becomes of a call that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Otherwise {
    /// It fails with EPERM.
    Refuse = 0x0005_0001,
    /// The process is killed.
    Kill = 0x8000_0000,
}

const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_NOT_LESS: u16 = 0x35;
const RETURN: u16 = 0x06;
const RETURN_ALLOW: u32 = 0x7fff_0000;

/// So many calls are compared one by one. The kernel runs the program once for every number when it is loaded, so a
/// search takes a third of the time that a list would.
const GROUP: usize = 5;

/// One instruction (struct sock_filter).
pub type Instruction = [u8; 8];

const fn instruction(code: u16, if_true: u8, if_false: u8, value: u32) -> Instruction {
    let [c0, c1] = code.to_ne_bytes();
    let [v0, v1, v2, v3] = value.to_ne_bytes();
    [c0, c1, if_true, if_false, v0, v1, v2, v3]
}

/// A call that is allowed where one of its arguments is one of these numbers. The low half of the argument decides: the
/// kernel looks at no more of it.
#[derive(Clone, Copy, Debug)]
pub struct Limited<'a> {
    /// The call's number.
    pub call: usize,
    /// Which argument, from 0.
    pub argument: u8,
    /// What it may be.
    pub values: &'a [u32],
}

impl<'a> Limited<'a> {
    /// ioctl(2) with these requests.
    pub const fn requests(values: &'a [u32]) -> Self {
        Limited { call: nr::IOCTL, argument: 1, values }
    }

    /// prctl(2) with these options.
    pub const fn options(values: &'a [u32]) -> Self {
        Limited { call: nr::PRCTL, argument: 0, values }
    }
}

/// A list of calls with more behind it.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "done by the compiler")]
pub const fn with<const COUNT: usize>(calls: &[usize], more: &[usize]) -> [usize; COUNT] {
    assert!(COUNT == calls.len() + more.len());
    let mut all = [0; COUNT];
    let mut index = 0;
    while index < COUNT {
        all[index] = if index < calls.len() { calls[index] } else { more[index - calls.len()] };
        index += 1;
    }
    all
}

/// How many instructions [`allow`] makes.
pub const fn length(calls: &[usize], limited: &Limited<'_>) -> usize {
    let jumps = calls.len().div_ceil(GROUP).saturating_sub(1);
    calls.len().saturating_add(limited.values.len()).saturating_add(jumps).saturating_add(8)
}

/// The numbers in order, and zeros behind them.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "done by the compiler")]
const fn in_order(calls: &[usize]) -> [usize; 64] {
    let mut sorted = [0; 64];
    let mut count = 0;
    while count < calls.len() {
        let mut at = count;
        while at > 0 && sorted[at - 1] > calls[count] {
            sorted[at] = sorted[at - 1];
            at -= 1;
        }
        sorted[at] = calls[count];
        count += 1;
    }
    sorted
}

/// The program that allows `calls`, and of one more only what it is limited to. Another architecture is killed. `COUNT` is
/// [`length`], and small enough that no jump is too far.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "done by the compiler")]
pub const fn allow<const COUNT: usize>(
    calls: &[usize],
    limited: &Limited<'_>,
    otherwise: Otherwise,
) -> [Instruction; COUNT] {
    let values = limited.values;
    assert!(COUNT == length(calls, limited) && COUNT < 248);
    let sorted = in_order(calls);
    let mut program = [[0; 8]; COUNT];
    // struct seccomp_data: the number at 0, the architecture at 4.
    program[0] = instruction(LOAD, 0, 0, 4);
    program[1] = instruction(JUMP_EQUAL, 1, 0, AUDIT_ARCH);
    program[2] = instruction(RETURN, 0, 0, Otherwise::Kill as u32);
    program[3] = instruction(LOAD, 0, 0, 0);
    let last = COUNT - 3 - values.len();
    program[4] = instruction(JUMP_EQUAL, (last - 5) as u8, 0, limited.call as u32);
    let mut index = 0;
    let mut at = 5;
    while index < calls.len() {
        if index % GROUP == 0 && index + GROUP < calls.len() {
            program[at] = instruction(JUMP_NOT_LESS, GROUP as u8, 0, sorted[index + GROUP] as u32);
            at += 1;
        }
        let is_last = (index + 1) % GROUP == 0 || index + 1 == calls.len();
        let no = if is_last { COUNT - 3 - at } else { 0 };
        program[at] = instruction(JUMP_EQUAL, (COUNT - 2 - at) as u8, no as u8, sorted[index] as u32);
        index += 1;
        at += 1;
    }
    assert!(at == last);
    // The arguments, of eight bytes each, are at 16.
    program[at] = instruction(LOAD, 0, 0, 16 + 8 * limited.argument as u32);
    at += 1;
    index = 0;
    while index < values.len() {
        program[at] = instruction(JUMP_EQUAL, (COUNT - 2 - at) as u8, 0, values[index]);
        index += 1;
        at += 1;
    }
    program[COUNT - 2] = instruction(RETURN, 0, 0, otherwise as u32);
    program[COUNT - 1] = instruction(RETURN, 0, 0, RETURN_ALLOW);
    program
}
