// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a seccomp program does with a system call, found by running it: the part of classic BPF that seccomp takes,
//! with the kernel's meaning, and nothing else.

use super::assemble::{AND, IF_ANY_BIT, IF_EQUAL, IF_GREATER, IF_NOT_LESS, JUMP, LOAD, RETURN};
use super::rules::{Action, Architecture};
use seccompiler::sock_filter;
use std::fmt;

/// A system call as a filter sees it (struct seccomp_data; the instruction pointer is 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The number.
    pub number: u32,
    /// The architecture, as [`Architecture::audit`] gives it.
    pub audit: u32,
    /// The arguments.
    pub arguments: [u64; 6],
}

impl Call {
    /// A call of an architecture.
    pub fn new(architecture: Architecture, number: u32, arguments: [u64; 6]) -> Self {
        Call { number, audit: architecture.audit(), arguments }
    }

    fn word(&self, offset: u32) -> Option<u32> {
        let half = |value: u64, upper: bool| if upper { (value >> 32) as u32 } else { value as u32 };
        match offset {
            0 => Some(self.number),
            4 => Some(self.audit),
            8 | 12 => Some(0),
            16..64 if offset.is_multiple_of(4) => {
                let argument = self.arguments.get((offset as usize - 16) / 8)?;
                Some(half(*argument, !offset.is_multiple_of(8)))
            }
            _ => None,
        }
    }
}

/// What a program decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What happens to the call.
    pub action: Action,
    /// How many instructions it took.
    pub instructions: usize,
}

/// A program that the kernel would not have taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This instruction, by its index, is none that seccomp takes.
    Instruction(usize),
    /// It runs beyond its end.
    End,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Instruction(index) => write!(to, "run seccomp program: no instruction of seccomp at {index}"),
            Fault::End => write!(to, "run seccomp program: it has no end"),
        }
    }
}

impl std::error::Error for Fault {}

/// Runs a program on a call.
pub fn evaluate(program: &[sock_filter], call: &Call) -> Result<Verdict, Fault> {
    let mut loaded = 0;
    let mut at = 0usize;
    let mut instructions = 0;
    // Jumps only go forward: each turn comes nearer to the end.
    loop {
        let instruction = program.get(at).ok_or(Fault::End)?;
        let sock_filter { code, jt, jf, k } = *instruction;
        instructions += 1;
        at = at.saturating_add(1);
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        at = at.saturating_add(match code {
            LOAD => {
                loaded = call.word(k).ok_or(Fault::Instruction(at - 1))?;
                0
            }
            AND => {
                loaded &= k;
                0
            }
            JUMP => k as usize,
            IF_EQUAL => branch(loaded == k),
            IF_GREATER => branch(loaded > k),
            IF_NOT_LESS => branch(loaded >= k),
            IF_ANY_BIT => branch(loaded & k != 0),
            RETURN => return Ok(Verdict { action: Action::of_code(k), instructions }),
            _ => return Err(Fault::Instruction(at - 1)),
        });
    }
}
