// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan: one ordered list of steps in a flat, bounded, versioned buffer, and the messages that report on it.
//! Written by the runtime, read by contain-init. No I/O, no allocation; unprivileged code only reads and writes it.
//!
//! Layout (docs/plan.md): a [`Header`], then the steps, then the finally steps. A step is its kind, its doer, its
//! flags and the length of its body; a body is its fields in order. Numbers are little-endian; texts end with NUL.
#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod header;
pub mod message;
pub mod step;
pub mod wire;

pub use header::{Descriptors, Header, Told};
pub use message::{Ending, Message};
pub use step::{Doer, Kind, Step};
pub use wire::{List, Reader, Sink, Text};

use wire::Malformed;

/// Format version; a reader refuses every other.
pub const VERSION: u16 = 1;
/// The longest plan, in bytes.
pub const MAX_LENGTH: usize = 4 * 1024 * 1024;
/// The most steps, of both lists together.
pub const MAX_STEPS: usize = 512;
/// The most strings that the arguments and the environment of one execution hold together.
pub const MAX_STRINGS: usize = 65_000;
/// Supplementary groups of one step at most.
pub const MAX_GROUPS: usize = 256;

/// Files of /proc, below the root, that tell about the machine and steer nothing: the only ones in /proc and /sys that
/// something may be mounted on.
pub const HARMLESS: [&str; 10] = [
    "proc/cpuinfo",
    "proc/diskstats",
    "proc/loadavg",
    "proc/meminfo",
    "proc/slabinfo",
    "proc/stat",
    "proc/swaps",
    "proc/sys/crypto/fips_enabled",
    "proc/sys/kernel/ns_last_pid",
    "proc/uptime",
];

/// A plan that has been checked: every step in it can be read.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    header: Header,
    steps: &'a [u8],
    finally: &'a [u8],
}

/// One step with who does it and what its failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number, from 1, in the order of printing; the finally steps count on.
    pub number: u32,
    /// Who does it.
    pub doer: Doer,
    /// Whether a failure is passed over.
    pub optional: bool,
    /// What is done.
    pub step: Step<'a>,
}

const OPTIONAL: u8 = 1;

impl<'a> Plan<'a> {
    /// Reads and checks a whole plan.
    pub fn read(bytes: &'a [u8]) -> Result<Plan<'a>, Malformed> {
        if bytes.len() > MAX_LENGTH {
            return Err(Malformed);
        }
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader)?;
        let steps = reader.bytes(header.steps_length as usize)?;
        let finally = reader.bytes(header.finally_length as usize)?;
        if !reader.is_empty() {
            return Err(Malformed);
        }
        let plan = Plan { header, steps, finally };
        for entry in plan.steps().chain(plan.finally()) {
            entry?;
        }
        let steps = plan.heads().count();
        let count = steps.checked_add(plan.finally_heads().count()).ok_or(Malformed)?;
        if count == 0 || count > MAX_STEPS || steps != header.steps as usize {
            return Err(Malformed);
        }
        Ok(plan)
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The steps in order.
    pub fn steps(&self) -> Entries<'a> {
        Entries { heads: self.heads() }
    }

    /// What the monitor does when PID 1 has ended, however it ended.
    pub fn finally(&self) -> Entries<'a> {
        Entries { heads: self.finally_heads() }
    }

    /// The steps in order, their fields unread.
    pub fn heads(&self) -> Heads<'a> {
        Heads { reader: Reader::new(self.steps), number: 0 }
    }

    fn finally_heads(&self) -> Heads<'a> {
        Heads { reader: Reader::new(self.finally), number: u32::from(self.header.steps) }
    }

    /// Whether one of the steps, or of the finally steps, is of this kind.
    pub fn has(&self, kind: Kind) -> bool {
        self.heads().chain(self.finally_heads()).flatten().any(|head| head.is(kind))
    }

    /// The step with this number, of either list.
    pub fn entry(&self, number: u32) -> Option<Entry<'a>> {
        self.heads().chain(self.finally_heads()).flatten().find(|head| head.number == number)?.read().ok()
    }
}

/// A step whose fields have not been read.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Its number, as in [`Entry`].
    pub number: u32,
    /// Who does it.
    pub doer: Doer,
    kind: u16,
    optional: bool,
    body: &'a [u8],
}

impl<'a> Head<'a> {
    /// Whether it is of this kind.
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind as u16
    }

    /// The whole step.
    pub fn read(&self) -> Result<Entry<'a>, Malformed> {
        let mut body = Reader::new(self.body);
        let step = Step::read(self.kind, &mut body)?;
        if !body.is_empty() {
            return Err(Malformed);
        }
        Ok(Entry { number: self.number, doer: self.doer, optional: self.optional, step })
    }
}

/// An iterator over steps.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    heads: Heads<'a>,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.heads.next().map(|head| head?.read())
    }
}

/// An iterator over steps, their fields unread; stops after the first that is none.
#[derive(Clone, Debug)]
pub struct Heads<'a> {
    reader: Reader<'a>,
    number: u32,
}

impl<'a> Iterator for Heads<'a> {
    type Item = Result<Head<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let head = self.read();
        if head.is_err() {
            self.reader = Reader::new(&[]);
        }
        Some(head)
    }
}

impl<'a> Heads<'a> {
    fn read(&mut self) -> Result<Head<'a>, Malformed> {
        let kind = self.reader.u16()?;
        let doer = Doer::from_byte(self.reader.u8()?)?;
        let flags = self.reader.u8()?;
        let length = self.reader.u32()?;
        if flags & !OPTIONAL != 0 {
            return Err(Malformed);
        }
        let body = self.reader.bytes(length as usize)?;
        self.number = self.number.checked_add(1).ok_or(Malformed)?;
        Ok(Head { number: self.number, doer, kind, optional: flags & OPTIONAL != 0, body })
    }
}

/// Appends one step to a list of steps.
pub fn write_step(sink: &mut impl Sink, doer: Doer, optional: bool, step: &Step<'_>) {
    sink.u16(step.kind());
    sink.u8(doer as u8);
    sink.u8(if optional { OPTIONAL } else { 0 });
    let mut length = wire::Count::default();
    step.write(&mut length);
    sink.u32(length.bytes());
    step.write(sink);
}
