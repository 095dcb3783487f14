// SPDX-License-Identifier: MIT OR Apache-2.0
//! Classic BPF, written from its end to its beginning: jumps only go forward, so whatever an instruction leads to
//! is there already, its distance is known, and equal ends are shared.

use seccompiler::{BpfProgram, sock_filter};
use std::collections::HashMap;

/// Load a word of struct seccomp_data, at the offset k.
pub const LOAD: u16 = 0x20;
/// Keep the bits of k.
pub const AND: u16 = 0x54;
/// Go on k instructions further.
pub const JUMP: u16 = 0x05;
/// Is it equal to k?
pub const IF_EQUAL: u16 = 0x15;
/// Is it greater than k?
pub const IF_GREATER: u16 = 0x25;
/// Is it k or greater?
pub const IF_NOT_LESS: u16 = 0x35;
/// Has it any bit of k?
pub const IF_ANY_BIT: u16 = 0x45;
/// End with k.
pub const RETURN: u16 = 0x06;

/// How far a conditional jump reaches.
const REACH: usize = u8::MAX as usize;

/// An instruction that is written: the number of those written before it, which come after it in the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(usize);

/// A program in the making.
#[derive(Default)]
pub struct Assembler {
    reversed: BpfProgram,
    /// The return of each value that was written last.
    returns: HashMap<u32, Label>,
}

impl Assembler {
    /// A return of this value: one that the next instruction can jump to, or a new one.
    pub fn ret(&mut self, value: u32) -> Label {
        match self.returns.get(&value) {
            Some(label) if self.reaches(*label, 0) => *label,
            _ => {
                let label = self.push(RETURN, 0, 0, value);
                self.returns.insert(value, label);
                label
            }
        }
    }

    /// A load of the word at `offset`, then `next`.
    pub fn load(&mut self, offset: u32, next: Label) -> Label {
        self.straight(LOAD, offset, next)
    }

    /// The bits of `mask` of what is loaded, then `next`.
    pub fn and(&mut self, mask: u32, next: Label) -> Label {
        self.straight(AND, mask, next)
    }

    /// A test of what is loaded.
    pub fn test(&mut self, test: u16, k: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        // Bringing the second near may push the first away, by one instruction.
        let yes = self.near(yes, 1);
        let no = self.near(no, 0);
        let (jt, jf) = (self.distance(yes), self.distance(no));
        self.push(test, jt as u8, jf as u8, k)
    }

    /// The program, which begins with what was written last; without what nothing leads to.
    pub fn finish(self) -> BpfProgram {
        let mut program = self.reversed;
        program.reverse();
        let mut reached = vec![false; program.len()];
        if let Some(first) = reached.first_mut() {
            *first = true;
        }
        for at in 0..program.len() {
            if reached[at] {
                successors(at, &program[at]).into_iter().flatten().for_each(|next| reached[next] = true);
            }
        }
        let mut position = Vec::with_capacity(program.len());
        let mut kept = 0usize;
        for reached in &reached {
            position.push(kept);
            kept += usize::from(*reached);
        }
        let moved = |at: usize, distance: usize| position[at + 1 + distance] - position[at] - 1;
        (0..program.len())
            .filter(|at| reached[*at])
            .map(|at| {
                let sock_filter { code, jt, jf, k } = program[at];
                match code {
                    JUMP => sock_filter { code, jt, jf, k: moved(at, k as usize) as u32 },
                    IF_EQUAL | IF_GREATER | IF_NOT_LESS | IF_ANY_BIT => {
                        sock_filter { code, jt: moved(at, jt.into()) as u8, jf: moved(at, jf.into()) as u8, k }
                    }
                    _ => sock_filter { code, jt, jf, k },
                }
            })
            .collect()
    }

    fn straight(&mut self, code: u16, k: u32, next: Label) -> Label {
        if self.distance(next) != 0 {
            self.copy_or_jump(next);
        }
        self.push(code, 0, 0, k)
    }

    /// The label itself where a conditional jump that is written after `margin` more instructions reaches it; else
    /// something near that does the same.
    fn near(&mut self, label: Label, margin: usize) -> Label {
        if self.reaches(label, margin) { label } else { self.copy_or_jump(label) }
    }

    fn copy_or_jump(&mut self, label: Label) -> Label {
        let sock_filter { code, k, .. } = self.reversed[label.0];
        if code == RETURN {
            let copy = self.push(RETURN, 0, 0, k);
            self.returns.insert(k, copy);
            return copy;
        }
        let distance = self.distance(label);
        self.push(JUMP, 0, 0, distance as u32)
    }

    fn reaches(&self, label: Label, margin: usize) -> bool {
        self.distance(label) + margin <= REACH
    }

    /// How many instructions the next one would jump over to get there.
    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - label.0 - 1
    }

    fn push(&mut self, code: u16, jt: u8, jf: u8, k: u32) -> Label {
        self.reversed.push(sock_filter { code, jt, jf, k });
        Label(self.reversed.len() - 1)
    }
}

/// Where the instruction at `at` leads.
fn successors(at: usize, instruction: &sock_filter) -> [Option<usize>; 2] {
    match instruction.code {
        RETURN => [None, None],
        JUMP => [Some(at + 1 + instruction.k as usize), None],
        LOAD | AND => [Some(at + 1), None],
        _ => [Some(at + 1 + usize::from(instruction.jt)), Some(at + 1 + usize::from(instruction.jf))],
    }
}

/// The instructions of a program given as the bytes of an array of struct sock_filter. Bytes beyond a multiple of
/// eight are left out.
pub fn decode(bytes: &[u8]) -> Vec<sock_filter> {
    let decode = |b: &[u8; 8]| sock_filter {
        code: u16::from_ne_bytes([b[0], b[1]]),
        jt: b[2],
        jf: b[3],
        k: u32::from_ne_bytes([b[4], b[5], b[6], b[7]]),
    };
    bytes.as_chunks().0.iter().map(decode).collect()
}

/// The bytes of a program, as the kernel takes them.
pub fn encode(program: &[sock_filter]) -> Vec<u8> {
    let encode = |i: &sock_filter| {
        let ([a, b], [c, d, e, f]) = (i.code.to_ne_bytes(), i.k.to_ne_bytes());
        [a, b, i.jt, i.jf, c, d, e, f]
    };
    program.iter().flat_map(encode).collect()
}
