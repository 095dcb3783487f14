// SPDX-License-Identifier: MIT OR Apache-2.0
//! Terminals (ioctl_tty(2)): attributes, window size, pseudo-terminals, controlling terminal.

use crate::fd::{O_CLOEXEC, from_raw};
use crate::file::{Resolve, flags};
use crate::{Errno, Fd, Result, call};

const TCGETS: usize = 0x5401;
const TCSETS: usize = 0x5402;
const TCSETSW: usize = 0x5403;
const TIOCSCTTY: usize = 0x540e;
const TIOCGWINSZ: usize = 0x5413;
const TIOCSWINSZ: usize = 0x5414;
const TIOCSPTLCK: usize = 0x4004_5431;
const TIOCGPTPEER: usize = 0x5441;

/// The kernel's struct termios (19 control characters).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Input modes (c_iflag).
    pub input: u32,
    /// Output modes (c_oflag).
    pub output: u32,
    /// Control modes (c_cflag).
    pub control: u32,
    /// Local modes (c_lflag).
    pub local: u32,
    line: u8,
    /// Special characters (c_cc).
    pub characters: [u8; 19],
}

/// Bits of the modes (termios(3)).
#[allow(missing_docs, reason = "the names are the C library's")]
pub mod mode {
    pub const IGNBRK: u32 = 0o1;
    pub const BRKINT: u32 = 0o2;
    pub const PARMRK: u32 = 0o10;
    pub const ISTRIP: u32 = 0o40;
    pub const INLCR: u32 = 0o100;
    pub const IGNCR: u32 = 0o200;
    pub const ICRNL: u32 = 0o400;
    pub const IXON: u32 = 0o2000;
    pub const IUTF8: u32 = 0o40000;
    pub const OPOST: u32 = 0o1;
    pub const CSIZE: u32 = 0o60;
    pub const PARENB: u32 = 0o400;
    pub const CS8: u32 = 0o60;
    pub const ISIG: u32 = 0o1;
    pub const ICANON: u32 = 0o2;
    pub const ECHO: u32 = 0o10;
    pub const ECHONL: u32 = 0o100;
    pub const IEXTEN: u32 = 0o100_000;
}

impl Attributes {
    /// As cfmakeraw(3): every byte passes unchanged, both ways.
    #[must_use]
    pub fn raw(mut self) -> Self {
        use mode::*;
        self.input &= !(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
        self.output &= !OPOST;
        self.local &= !(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
        self.control = (self.control & !(CSIZE | PARENB)) | CS8;
        self
    }

    /// As numbers, for what is shared between processes.
    #[must_use]
    pub fn to_words(&self) -> [u32; WORDS] {
        let mut words = [self.input, self.output, self.control, self.local, 0, 0, 0, 0, 0];
        let mut rest = [self.line; 20];
        let (_, characters) = rest.split_at_mut(1);
        characters.copy_from_slice(&self.characters);
        let (parts, _) = rest.as_chunks::<4>();
        for (word, part) in words.iter_mut().skip(4).zip(parts) {
            *word = u32::from_ne_bytes(*part);
        }
        words
    }

    /// From [`Attributes::to_words`].
    #[must_use]
    pub fn from_words(words: [u32; WORDS]) -> Self {
        let [input, output, control, local, rest @ ..] = words;
        let mut bytes = rest.iter().flat_map(|word| word.to_ne_bytes());
        let line = bytes.next().unwrap_or(0);
        let mut characters = [0; 19];
        for (character, byte) in characters.iter_mut().zip(bytes) {
            *character = byte;
        }
        Attributes { input, output, control, local, line, characters }
    }
}

/// How many numbers attributes are.
pub const WORDS: usize = 9;

/// The attributes; ENOTTY where `fd` is no terminal.
pub fn attributes(fd: Fd) -> Result<Attributes> {
    let mut attributes = Attributes { input: 0, output: 0, control: 0, local: 0, line: 0, characters: [0; 19] };
    call!(IOCTL, fd.0, TCGETS, &raw mut attributes)?;
    Ok(attributes)
}

/// Sets the attributes at once.
pub fn set_attributes(fd: Fd, attributes: &Attributes) -> Result<()> {
    call!(IOCTL, fd.0, TCSETS, core::ptr::from_ref(attributes)).map(drop)
}

/// Sets the attributes when all output has been sent.
pub fn set_attributes_after_output(fd: Fd, attributes: &Attributes) -> Result<()> {
    call!(IOCTL, fd.0, TCSETSW, core::ptr::from_ref(attributes)).map(drop)
}

/// Rows, columns, and two unused numbers of pixels.
pub type WindowSize = [u16; 4];

/// The window's size.
pub fn window_size(fd: Fd) -> Result<WindowSize> {
    let mut size: WindowSize = [0; 4];
    call!(IOCTL, fd.0, TIOCGWINSZ, size.as_mut_ptr())?;
    Ok(size)
}

/// Sets the window's size; who is in the foreground gets SIGWINCH.
pub fn set_window_size(fd: Fd, size: &WindowSize) -> Result<()> {
    call!(IOCTL, fd.0, TIOCSWINSZ, size.as_ptr()).map(drop)
}

/// A new pseudo-terminal of the devpts beside /dev/ptmx: master and slave. The slave belongs to the file system
/// user id of the caller; the master never blocks. Kernel 4.13 (TIOCGPTPEER).
pub fn open_pair() -> Result<(Fd, Fd)> {
    pair(crate::file::open(Fd::CWD, c"/dev/ptmx", MASTER)?)
}

/// The same of the devpts at /dev/pts of a root that somebody else made: what is there must be a devpts and its ptmx,
/// with no link on the way.
pub fn open_pair_in(root: Fd) -> Result<(Fd, Fd)> {
    const DEVPTS_SUPER_MAGIC: u64 = 0x1cd1;
    // Opening what is something else must have no effect and not wait: a descriptor of the place alone comes first.
    let place = crate::file::open_in(root, c"dev/pts/ptmx", flags::O_PATH, Resolve::BENEATH_NO_LINKS)?;
    if crate::file::filesystem_magic(place)? != DEVPTS_SUPER_MAGIC {
        return Err(Errno::ENODEV);
    }
    let master = crate::file::open_in(root, c"dev/pts/ptmx", MASTER, Resolve::BENEATH_NO_LINKS)?;
    // The same inode of the same file system: what is opened is what was looked at.
    let (looked, opened) = (crate::file::status(place)?, crate::file::status(master)?);
    place.close()?;
    if (looked.inode, looked.device) != (opened.inode, opened.device) {
        return Err(Errno::ENODEV);
    }
    pair(master)
}

const MASTER: u32 = flags::O_RDWR | flags::O_NOCTTY | flags::O_NONBLOCK;

fn pair(master: Fd) -> Result<(Fd, Fd)> {
    let unlocked = 0i32;
    call!(IOCTL, master.0, TIOCSPTLCK, &raw const unlocked)?;
    let slave = call!(IOCTL, master.0, TIOCGPTPEER, (flags::O_RDWR | flags::O_NOCTTY) as usize | O_CLOEXEC)?;
    Ok((master, from_raw(slave)))
}

/// Makes a terminal the controlling terminal of this session.
pub fn make_controlling(fd: Fd) -> Result<()> {
    call!(IOCTL, fd.0, TIOCSCTTY, 0).map(drop)
}

/// The process group in the foreground of the controlling terminal.
pub fn foreground_group(fd: Fd) -> Result<i32> {
    const TIOCGPGRP: usize = 0x540f;
    let mut group = 0i32;
    call!(IOCTL, fd.0, TIOCGPGRP, &raw mut group)?;
    Ok(group)
}
