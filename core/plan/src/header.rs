// SPDX-License-Identifier: MIT OR Apache-2.0
//! The head of a plan: version, lengths, and the descriptors that contain-init was started with.

use crate::wire::{Malformed, Reader, Sink};
use crate::{MAX_LENGTH, VERSION};

const MAGIC: [u8; 4] = *b"CPLN";

/// Descriptors by their numbers in contain-init; -1 where there is none. contain-init sets close-on-exec on all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// The socket to a library caller (messages: `message`).
    pub control: i32,
    /// A pidfd of the caller, whose end ends the container.
    pub caller: i32,
    /// The program that started contain-init in place, executed again to print a failure. Where there is one, `control`
    /// leads to the process that writes the record of the end, if anybody wants one.
    pub starter: i32,
    /// The directory that becomes the root.
    pub root: i32,
    /// The caller's working directory.
    pub home: i32,
    /// The process whose namespaces are joined (a pidfd), for an injected command.
    pub target: i32,
    /// A datagram socket on which everyone speaks who may open it: words to a container whose state is on disk.
    pub listen: i32,
    /// The file in which a container's start, end or failure is recorded for those who come later.
    pub record: i32,
}

impl Descriptors {
    /// None of them.
    pub const NONE: Descriptors =
        Descriptors { control: -1, caller: -1, starter: -1, root: -1, home: -1, target: -1, listen: -1, record: -1 };

    /// Whether contain-init runs in place of the program that a person started, and no library waits for it.
    pub fn in_place(&self) -> bool {
        self.starter >= 0
    }

    /// All numbers, in the order of the format.
    pub fn all(&self) -> [i32; 8] {
        [self.control, self.caller, self.starter, self.root, self.home, self.target, self.listen, self.record]
    }
}

/// How the starter prints a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u16)]
pub enum Told {
    /// In words.
    #[default]
    Text = 0,
    /// As a record for programs.
    Record = 1,
}

/// The head of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How many of the steps come before the finally steps.
    pub steps: u16,
    /// Bytes of the steps.
    pub steps_length: u32,
    /// Bytes of the finally steps.
    pub finally_length: u32,
    /// What contain-init has open.
    pub descriptors: Descriptors,
    /// For builds for tests: the number of the step at which to stop (0: none).
    pub stop_at: u16,
    /// For builds for tests: the number of the step that is to fail (0: none).
    pub fail_at: u16,
    /// How a failure is printed.
    pub told: Told,
}

impl Header {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Header, Malformed> {
        if reader.bytes(4)? != MAGIC || reader.u16()? != VERSION {
            return Err(Malformed);
        }
        let steps = reader.u16()?;
        let steps_length = reader.u32()?;
        let finally_length = reader.u32()?;
        if steps_length as usize > MAX_LENGTH || finally_length as usize > MAX_LENGTH {
            return Err(Malformed);
        }
        let mut fd = || reader.i32();
        let descriptors = Descriptors {
            control: fd()?,
            caller: fd()?,
            starter: fd()?,
            root: fd()?,
            home: fd()?,
            target: fd()?,
            listen: fd()?,
            record: fd()?,
        };
        let stop_at = reader.u16()?;
        let fail_at = reader.u16()?;
        let told = match reader.u16()? {
            0 => Told::Text,
            1 => Told::Record,
            _ => return Err(Malformed),
        };
        Ok(Header { steps, steps_length, finally_length, descriptors, stop_at, fail_at, told })
    }

    /// Writes the head; the steps and the finally steps follow.
    pub fn write(&self, sink: &mut impl Sink) {
        sink.bytes(&MAGIC);
        sink.u16(VERSION);
        sink.u16(self.steps);
        sink.u32(self.steps_length);
        sink.u32(self.finally_length);
        for fd in self.descriptors.all() {
            sink.i32(fd);
        }
        sink.u16(self.stop_at);
        sink.u16(self.fail_at);
        sink.u16(self.told as u16);
    }
}
