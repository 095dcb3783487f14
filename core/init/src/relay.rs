// SPDX-License-Identifier: MIT OR Apache-2.0
//! The console, the monitor's side: stdin to the master, the master to stdout, window size, end of file.

use crate::attributes;
use contain_sys::file::{read, write};
use contain_sys::process;
use contain_sys::program::Once;
use contain_sys::signal::{Poll, number, poll, poll_event};
use contain_sys::terminal::{self, Attributes, mode};
use contain_sys::{Errno, Fd};
use zeroize::Zeroize;

const STDIN: Fd = Fd(0);
const STDOUT: Fd = Fd(1);
/// Bytes copied at once; a pipe that can be written to takes that many without waiting (PIPE_BUF).
const CHUNK: usize = 4096;
/// After so many bytes without a line end the line is handed on as it is: the kernel's line buffer holds 4095.
const LINE: usize = 1024;
/// Positions in the special characters (c_cc) of those that end input, quote, and erase.
const VEOF: usize = 4;
const VLNEXT: usize = 15;

/// Bytes on their way.
struct Buffer {
    bytes: [u8; CHUNK],
    start: usize,
    end: usize,
}

impl Buffer {
    const EMPTY: Buffer = Buffer { bytes: [0; CHUNK], start: 0, end: 0 };

    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    fn pending(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or(&[])
    }

    /// Takes away what has been written. Passwords pass here: nothing stays.
    fn consume(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
        if self.is_empty() {
            if let Some(used) = self.bytes.get_mut(..self.end) {
                used.zeroize();
            }
            (self.start, self.end) = (0, 0);
        }
    }

    fn fill(&mut self, from: Fd, most: usize) -> contain_sys::Result<usize> {
        let room = self.bytes.get_mut(..most).unwrap_or(&mut []);
        let count = read(from, room)?;
        (self.start, self.end) = (0, count);
        Ok(count)
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.end) {
            *slot = byte;
            self.end = self.end.saturating_add(1);
        }
    }
}

static BUFFERS: Once<[Buffer; 2]> = Once::new([Buffer::EMPTY; 2]);

/// Where the input stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// More may come.
    Open,
    /// The end has been read and is still to be passed on.
    Ending,
    /// Nothing comes any more.
    Closed,
}

/// The two directions, and the caller's terminal as it was.
pub struct Relay {
    master: Fd,
    saved: Option<Attributes>,
    input: Input,
    to_master: &'static mut Buffer,
    to_stdout: &'static mut Buffer,
    /// Bytes handed over since the last line end.
    column: usize,
}

/// What copying has come to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Going,
    /// Nobody reads stdout any more.
    NobodyReads,
    /// Stdout cannot be written.
    CannotWrite(Errno),
    /// A key was typed for which the console sends this signal.
    Typed(i32),
}

impl Relay {
    /// Makes the caller's terminal raw, where stdin is one, and gives its size to the console.
    pub fn start(master: Fd) -> contain_sys::Result<Relay> {
        let [to_master, to_stdout] = BUFFERS.take().ok_or(Errno::EBUSY)?;
        let mut relay = Relay { master, saved: None, input: Input::Open, to_master, to_stdout, column: 0 };
        relay.resize();
        if let Ok(before) = terminal::attributes(STDIN) {
            // In the background it is the shell's: neither read nor changed until it is ours again.
            // One that cannot be made raw is gone.
            if in_foreground() && make_raw(&before).is_ok() {
                relay.saved = Some(before);
            } else {
                relay.input = Input::Closed;
            }
        }
        Ok(relay)
    }

    /// Continued after a stop, or brought to the foreground: the terminal is made raw again.
    pub fn resume(&mut self) {
        if let Ok(before) = terminal::attributes(STDIN)
            && in_foreground()
        {
            let saved = *self.saved.get_or_insert(before);
            // A terminal that went away is found out by the next read.
            let _ = make_raw(&saved);
            if self.input == Input::Closed {
                self.input = Input::Open;
            }
            self.resize();
        }
    }

    /// The console takes the size of the caller's window.
    pub fn resize(&self) {
        if let Ok(size) = terminal::window_size(STDIN).or_else(|_| terminal::window_size(STDOUT)) {
            // Fails only where the console has been closed by its last user.
            let _ = terminal::set_window_size(self.master, &size);
        }
    }

    /// The caller's terminal gets its attributes back.
    pub fn restore(&mut self) {
        if let Some(saved) = self.saved.take() {
            // A terminal that went away keeps nothing.
            let _ = terminal::set_attributes_after_output(STDIN, &saved);
            attributes::forget();
        }
    }

    /// What to ask poll(2): stdin, the master, stdout.
    pub fn questions(&self) -> [Poll; 3] {
        let ask = |wanted: bool, fd: Fd, events: u16| Poll { fd: if wanted { fd.0 } else { -1 }, events, answered: 0 };
        let write_master = !self.to_master.is_empty() || self.input == Input::Ending;
        let read_master = self.to_stdout.is_empty() && self.master.is_some();
        let master = if read_master { poll_event::IN } else { 0 } | if write_master { poll_event::OUT } else { 0 };
        [
            ask(self.input == Input::Open && self.to_master.is_empty(), STDIN, poll_event::IN),
            ask(master != 0, self.master, master),
            ask(!self.to_stdout.is_empty(), STDOUT, poll_event::OUT),
        ]
    }

    /// Copies what poll(2) said can be copied.
    pub fn copy(&mut self, answers: [Poll; 3]) -> Progress {
        let [stdin, master, stdout] = answers;
        let typed = if stdin.answered != 0 { self.read_stdin() } else { Progress::Going };
        if master.answered & poll_event::OUT != 0 {
            self.write_master();
        }
        if master.answered & (poll_event::IN | poll_event::HUP) != 0 && self.to_stdout.is_empty() {
            self.read_master();
        }
        if stdout.answered != 0 {
            let written = self.write_stdout();
            if written != Progress::Going {
                return written;
            }
        }
        typed
    }

    /// The process group in the foreground of the console.
    pub fn foreground(&self) -> Option<i32> {
        terminal::foreground_group(self.master).ok()
    }

    /// Copies what the console still holds after the end. Who reads slowly is waited for as long as `may_wait` says.
    pub fn drain(&mut self, may_wait: impl Fn() -> bool) -> Progress {
        while self.master.is_some() || !self.to_stdout.is_empty() {
            if self.to_stdout.is_empty() {
                self.read_master();
                if self.to_stdout.is_empty() {
                    break;
                }
            }
            let mut asked = [Poll { fd: STDOUT.0, events: poll_event::OUT, answered: 0 }];
            if poll(&mut asked, 0) == Ok(0) && !may_wait() {
                break;
            }
            let written = self.write_stdout();
            if written != Progress::Going {
                return written;
            }
        }
        Progress::Going
    }

    fn read_stdin(&mut self) -> Progress {
        // Room is left for a quote before every byte.
        match self.to_master.fill(STDIN, CHUNK / 4) {
            Err(Errno::EAGAIN) => {}
            Ok(0) | Err(_) => self.input = Input::Ending,
            Ok(_) if self.saved.is_none() => self.quote(),
            Ok(_) => {}
        }
        if self.input == Input::Ending && self.saved.is_some() {
            // A terminal that hung up; the kernel tells by SIGHUP.
            self.input = Input::Closed;
        }
        if self.saved.is_some() { self.typed_signal() } else { Progress::Going }
    }

    /// Whether a key for an interrupt or quit is among what was typed, and the console takes it for one.
    fn typed_signal(&self) -> Progress {
        // Positions of VINTR and VQUIT in the special characters.
        const KEYS: [(usize, i32); 2] = [(0, number::SIGINT), (1, number::SIGQUIT)];
        let Ok(now) = terminal::attributes(self.master) else { return Progress::Going };
        if now.local & mode::ISIG == 0 {
            return Progress::Going;
        }
        let typed = self.to_master.pending();
        let pressed = |index: usize| now.characters.get(index).is_some_and(|key| *key != 0 && typed.contains(key));
        KEYS.iter().find(|(index, _)| pressed(*index)).map_or(Progress::Going, |(_, signal)| Progress::Typed(*signal))
    }

    /// Input that is no terminal's is data: what the console would take as a command is quoted, and lines that are
    /// too long for it are handed on in parts. A program that made its console raw gets the bytes as they are.
    fn quote(&mut self) {
        let Ok(attributes) = terminal::attributes(self.master) else { return };
        if attributes.local & mode::ICANON == 0 {
            return;
        }
        let special = |byte: u8| {
            attributes.characters.iter().enumerate().any(|(index, character)| {
                // VTIME and VMIN (5 and 6) are numbers, and 0 stands for none.
                *character == byte && *character != 0 && index != 5 && index != 6
            })
        };
        let quote = attributes.characters.get(VLNEXT).copied().unwrap_or(0);
        let end = attributes.characters.get(VEOF).copied().unwrap_or(0);
        let mut quoted = Buffer::EMPTY;
        for byte in self.to_master.pending() {
            if special(*byte) {
                quoted.push(quote);
            }
            quoted.push(*byte);
            self.column = if *byte == b'\n' { 0 } else { self.column.saturating_add(1) };
            if self.column >= LINE {
                quoted.push(end);
                self.column = 0;
            }
        }
        self.to_master.consume(CHUNK);
        *self.to_master = quoted;
    }

    fn write_master(&mut self) {
        if self.to_master.is_empty() {
            return self.end_input();
        }
        match write(self.master, self.to_master.pending()) {
            Ok(count) => self.to_master.consume(count),
            Err(Errno::EAGAIN) => {}
            // The console was closed by its last user: nobody will read this.
            Err(_) => self.to_master.consume(CHUNK),
        }
    }

    /// End of file for who reads the console: the character for it, twice where a line has been begun.
    fn end_input(&mut self) {
        let end = terminal::attributes(self.master).ok().and_then(|now| now.characters.get(VEOF).copied());
        let twice = [end.unwrap_or(4); 2];
        let count = if self.column == 0 { 1 } else { 2 };
        if !matches!(write(self.master, twice.get(..count).unwrap_or(&twice)), Err(Errno::EAGAIN)) {
            self.input = Input::Closed;
        }
    }

    fn read_master(&mut self) {
        match self.to_stdout.fill(self.master, CHUNK) {
            Ok(1..) | Err(Errno::EAGAIN) => {}
            // EIO cannot be while the monitor has the console's own end open.
            Ok(0) | Err(_) => {
                self.master = Fd::NONE;
            }
        }
    }

    fn write_stdout(&mut self) -> Progress {
        match write(STDOUT, self.to_stdout.pending()) {
            Ok(count) => self.to_stdout.consume(count),
            Err(Errno::EAGAIN) => {}
            Err(errno) => {
                self.to_stdout.consume(CHUNK);
                return match errno {
                    Errno::EPIPE | Errno::EIO => Progress::NobodyReads,
                    _ => Progress::CannotWrite(errno),
                };
            }
        }
        Progress::Going
    }
}

/// Makes the caller's terminal raw; what it was before is where the guard finds it too.
fn make_raw(before: &Attributes) -> contain_sys::Result<()> {
    attributes::keep(before);
    terminal::set_attributes(STDIN, &before.raw()).inspect_err(|_| attributes::forget())
}

/// Whether stdin is a terminal whose foreground this process group is.
fn in_foreground() -> bool {
    terminal::foreground_group(STDIN).is_ok_and(|group| process::group_of(0) == Ok(group))
}
