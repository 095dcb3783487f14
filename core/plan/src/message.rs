// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages between PID 1, the monitor and a library caller: fixed size, one a packet.

use crate::wire::{Malformed, Reader};

/// Bytes of every message.
pub const LENGTH: usize = 320;
/// Bytes of the kernel's own text that a failure carries at most.
pub const TEXT: usize = 256;

/// How a process ended and what it used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ending {
    /// The status word of wait(2).
    pub status: i32,
    /// Nanoseconds from start to end.
    pub wall_ns: u64,
    /// CPU time in user mode, in microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, in microseconds.
    pub system_us: u64,
    /// Highest resident set of one process, in KiB.
    pub peak_kib: u64,
    /// The limit that ended it.
    pub reached: Reached,
}

/// The limit for whose sake the monitor ended a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[repr(u32)]
pub enum Reached {
    /// None.
    #[default]
    Nothing = 0,
    /// Its deadline.
    Deadline = 1,
    /// None: contain's own part of the work failed.
    Failure = 2,
    /// None: the signal that ended it is one that somebody asked the monitor for.
    Asked = 3,
}

/// A failed step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Number of the step; 0 where it failed outside all of them.
    pub step: u32,
    /// The kernel's error number; 0 where a helper failed.
    pub errno: i32,
    /// Which part of the step (`Part`).
    pub part: u32,
    /// The helper's wait status, the code of contain-idmap's answer, or the status with which PID 1 died unexpectedly.
    pub status: i32,
    /// Whether it arose in PID 1.
    pub inside: bool,
    /// What the kernel said about it.
    pub text: [u8; TEXT],
    /// How much of `text` is used.
    pub text_length: u32,
}

/// Which part of a step failed, where the step's own name does not say enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Part {
    /// The step's one call.
    Whole = 0,
    /// Finding or making the place to mount on.
    Target = 1,
    /// Finding the source.
    Source = 2,
    /// Setting up the file system.
    Configure = 3,
    /// Putting the mount in its place.
    Attach = 4,
    /// The file /proc/PID/setgroups.
    Setgroups = 5,
    /// The file /proc/PID/uid_map, or newuidmap.
    Users = 6,
    /// The file /proc/PID/gid_map, or newgidmap.
    Groups = 7,
    /// /proc is not the kernel's own.
    Procfs = 8,
    /// A helper of the user's ended unsuccessfully.
    Helper = 9,
    /// The process died where it should not have.
    Died = 10,
    /// The plan itself could not be read.
    Plan = 11,
    /// Loading the program (execve).
    Program = 12,
    /// The interpreter or loader that the program names is missing.
    Interpreter = 13,
    /// contain-idmap refused: the status is its answer's code.
    Answer = 14,
}

impl Part {
    /// All parts, by number.
    pub const ALL: [Part; 15] = [
        Part::Whole,
        Part::Target,
        Part::Source,
        Part::Configure,
        Part::Attach,
        Part::Setgroups,
        Part::Users,
        Part::Groups,
        Part::Procfs,
        Part::Helper,
        Part::Died,
        Part::Plan,
        Part::Program,
        Part::Interpreter,
        Part::Answer,
    ];
}

/// What a descriptor that PID 1 hands to the monitor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Passed {
    /// The console's master.
    Console = 1,
    /// The new root.
    Root = 2,
    /// The console's own end, which keeps it open when nobody inside has it.
    Terminal = 3,
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "messages are made one at a time, on the stack")]
pub enum Message {
    /// The other side may go on (rendezvous).
    Go,
    /// Everything but the exec is done; to the caller. The pidfd of PID 1 comes with it.
    Created {
        /// PID 1 as seen from outside.
        init: i32,
    },
    /// The command has been executed; to the caller. The pidfd of PID 1, or of the injected command, comes with it.
    Started {
        /// That process as seen from outside.
        init: i32,
    },
    /// A step failed.
    Failed(Failure),
    /// The end; from the reaper to the monitor, and from the monitor to the caller.
    Ended(Ending),
    /// Start the command; from the caller.
    Start,
    /// Send this signal to the command; from the caller.
    Signal {
        /// Its number.
        signal: i32,
    },
    /// The deadline or another limit has been reached: kill all; from the caller.
    Kill,
    /// The caller's handle is gone.
    Release,
    /// A descriptor for the monitor comes along; from PID 1.
    Pass {
        /// What it is.
        what: Passed,
    },
    /// The container's state is on disk and it outlives its caller from here on; from the caller.
    Detach,
    /// The console's other end comes along; to the caller, before `Created` or `Started`.
    Console,
}

impl Message {
    /// The bytes of a message.
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        let mut out = [0u8; LENGTH];
        let mut writer = Writer { rest: &mut out };
        match self {
            Message::Go => writer.word(1),
            Message::Created { init } => {
                writer.word(2);
                writer.signed(*init);
            }
            Message::Started { init } => {
                writer.word(3);
                writer.signed(*init);
            }
            Message::Failed(failure) => {
                writer.word(4);
                writer.word(failure.step);
                writer.signed(failure.errno);
                writer.word(failure.part);
                writer.signed(failure.status);
                writer.word(u32::from(failure.inside));
                writer.word(failure.text_length);
                writer.put(&failure.text);
            }
            Message::Ended(ending) => {
                writer.word(5);
                writer.signed(ending.status);
                for number in [ending.wall_ns, ending.user_us, ending.system_us, ending.peak_kib] {
                    writer.put(&number.to_le_bytes());
                }
                writer.word(ending.reached as u32);
            }
            Message::Start => writer.word(6),
            Message::Signal { signal } => {
                writer.word(7);
                writer.signed(*signal);
            }
            Message::Kill => writer.word(8),
            Message::Release => writer.word(9),
            Message::Pass { what } => {
                writer.word(10);
                writer.word(*what as u32);
            }
            Message::Detach => writer.word(11),
            Message::Console => writer.word(12),
        }
        out
    }

    /// A message from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Message, Malformed> {
        if bytes.len() != LENGTH {
            return Err(Malformed);
        }
        let mut reader = Reader::new(bytes);
        Ok(match reader.u32()? {
            1 => Message::Go,
            2 => Message::Created { init: reader.i32()? },
            3 => Message::Started { init: reader.i32()? },
            4 => Message::Failed(read_failure(&mut reader)?),
            5 => Message::Ended(Ending {
                status: reader.i32()?,
                wall_ns: reader.u64()?,
                user_us: reader.u64()?,
                system_us: reader.u64()?,
                peak_kib: reader.u64()?,
                reached: match reader.u32()? {
                    0 => Reached::Nothing,
                    1 => Reached::Deadline,
                    2 => Reached::Failure,
                    3 => Reached::Asked,
                    _ => return Err(Malformed),
                },
            }),
            6 => Message::Start,
            7 => Message::Signal { signal: reader.i32()? },
            8 => Message::Kill,
            9 => Message::Release,
            10 => Message::Pass {
                what: match reader.u32()? {
                    1 => Passed::Console,
                    2 => Passed::Root,
                    3 => Passed::Terminal,
                    _ => return Err(Malformed),
                },
            },
            11 => Message::Detach,
            12 => Message::Console,
            _ => return Err(Malformed),
        })
    }
}

fn read_failure(reader: &mut Reader<'_>) -> Result<Failure, Malformed> {
    let failure = Failure {
        step: reader.u32()?,
        errno: reader.i32()?,
        part: reader.u32()?,
        status: reader.i32()?,
        inside: reader.u32()? != 0,
        text_length: reader.u32()?,
        text: [0; TEXT],
    };
    if failure.text_length as usize > TEXT || failure.part as usize >= Part::ALL.len() {
        return Err(Malformed);
    }
    let text = reader.bytes(TEXT)?.try_into().map_err(|_| Malformed)?;
    Ok(Failure { text, ..failure })
}

impl Failure {
    /// A failure without text.
    pub fn new(step: u32, errno: i32, part: Part) -> Failure {
        Failure { step, errno, part: part as u32, status: 0, inside: false, text: [0; TEXT], text_length: 0 }
    }

    /// What the kernel said, if anything.
    pub fn text(&self) -> &[u8] {
        self.text.get(..self.text_length as usize).unwrap_or(&[])
    }

    /// The part as a value.
    pub fn part(&self) -> Part {
        Part::ALL.get(self.part as usize).copied().unwrap_or(Part::Whole)
    }
}

struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((head, tail)) = rest.split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.rest = tail;
        }
    }

    fn word(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn signed(&mut self, value: i32) {
        self.put(&value.to_le_bytes());
    }
}
