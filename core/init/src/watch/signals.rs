// SPDX-License-Identifier: MIT OR Apache-2.0
//! Signals to the supervisor: each reaches PID 1 once, and one that would end any other command ends the container though
//! PID 1 does not obey it.

use super::Watch;
use crate::relay::Relay;
use contain_sys::file;
use contain_sys::signal::{self, Received, number};
use contain_sys::{Fd, process};

impl Watch {
    pub(super) fn received(&mut self, received: Received) {
        let Received { signal, from_kernel } = received;
        match signal {
            number::SIGWINCH if self.relay.is_some() => {
                if let Some(relay) = &self.relay {
                    relay.resize();
                }
            }
            number::SIGTSTP | number::SIGTTIN | number::SIGTTOU => self.stop(signal, from_kernel),
            number::SIGCONT => {
                let _ = process::send_signal(self.init.pidfd, number::SIGCONT);
                if let Some(relay) = &mut self.relay {
                    relay.resume();
                }
            }
            // A terminal sends to its whole foreground group: who is in it has it already.
            _ if from_kernel && self.in_our_group() => self.already_delivered(signal),
            _ => self.deliver(signal),
        }
    }

    /// A key that sends a signal was typed. The console sends it to its foreground group; where that is PID 1 alone,
    /// without a handler, the kernel throws it away, and it ends the container as it would any other command.
    pub(super) fn typed(&mut self, signal: i32) {
        let foreground = self.relay.as_ref().and_then(Relay::foreground);
        let is_pid_1 = self.settled.status.is_some() && foreground == Some(self.init.pid);
        if is_pid_1 && self.disposition(signal) == Disposition::Discarded {
            self.kill_with(signal);
        }
    }

    fn in_our_group(&self) -> bool {
        self.relay.is_none() && process::group_of(self.init.pid) == process::group_of(0)
    }

    /// Stops with the command, as a shell's job does. PID 1 obeys SIGSTOP from outside alone.
    fn stop(&mut self, signal: i32, from_kernel: bool) {
        if self.settled.status.is_some() {
            let disposition = self.disposition(signal);
            if disposition != Disposition::Discarded {
                return self.deliver_once(signal, from_kernel);
            }
            let _ = process::send_signal(self.init.pidfd, number::SIGSTOP);
        } else {
            self.deliver_once(signal, from_kernel);
        }
        if let Some(relay) = &mut self.relay {
            relay.restore();
        }
        let _ = process::send_signal(self.settled.myself, number::SIGSTOP);
    }

    fn deliver_once(&mut self, signal: i32, from_kernel: bool) {
        if !(from_kernel && self.in_our_group()) {
            let _ = process::send_signal(self.init.pidfd, signal);
        }
    }

    /// A terminal's signal that PID 1 got and, without a handler, did not obey.
    fn already_delivered(&mut self, signal: i32) {
        if ends_a_process(signal) && self.settled.status.is_some() && self.disposition(signal) == Disposition::Discarded
        {
            self.kill_with(signal);
        }
    }

    /// Passes a signal on. What would end any other command ends this one, though PID 1 would not obey it.
    pub(super) fn deliver(&mut self, signal: i32) {
        if signal == number::SIGKILL {
            return self.kill();
        }
        if ends_a_process(signal) && self.settled.status.is_some() {
            match self.disposition(signal) {
                Disposition::Discarded => return self.kill_with(signal),
                Disposition::Ignored => return,
                Disposition::Taken => {}
            }
        }
        self.sent = Some(signal);
        // ESRCH: it has just ended.
        let _ = process::send_signal(self.init.pidfd, signal);
    }

    fn disposition(&self, signal: i32) -> Disposition {
        // One that cannot be asked is taken for one without handlers.
        let masks = masks_in(self.settled.status).unwrap_or_default();
        let bit = signal::bit(signal);
        if (masks.caught | masks.blocked) & bit != 0 {
            Disposition::Taken
        } else if masks.ignored & bit != 0 {
            Disposition::Ignored
        } else {
            Disposition::Discarded
        }
    }
}

/// What becomes of a signal at PID 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disposition {
    /// It has a handler, or waits for it.
    Taken,
    /// It is ignored on purpose.
    Ignored,
    /// The kernel throws it away, since PID 1 is protected from default actions.
    Discarded,
}

/// The signals that people end a process with.
pub fn ends_a_process(signal: i32) -> bool {
    matches!(signal, number::SIGHUP | number::SIGINT | number::SIGQUIT | number::SIGTERM)
}

/// The signals that a process blocks, ignores, and has handlers for.
#[derive(Clone, Copy, Default)]
struct Masks {
    blocked: signal::Mask,
    ignored: signal::Mask,
    caught: signal::Mask,
}

/// What /proc/PID/status says of signals. All of it is read, a piece at a time: the list of the groups stands before
/// them, and there may be 65536 of those.
fn masks_in(status: Fd) -> contain_sys::Result<Masks> {
    let mut masks = Masks::default();
    let mut piece = [0u8; 1024];
    // A name and sixteen digits fit; what is longer is a line of something else.
    let (mut line, mut used, mut offset) = ([0u8; 32], 0usize, 0usize);
    loop {
        let length = file::read_at(status, &mut piece, offset)?;
        for byte in piece.get(..length).unwrap_or(&[]) {
            if *byte == b'\n' {
                masks.take(line.get(..used).unwrap_or(&[]));
                used = 0;
            } else {
                if let Some(place) = line.get_mut(used) {
                    *place = *byte;
                }
                used = used.saturating_add(1);
            }
        }
        offset = offset.saturating_add(length);
        if length == 0 {
            return Ok(masks);
        }
    }
}

impl Masks {
    /// Takes a line that is one of the three.
    fn take(&mut self, line: &[u8]) {
        let fields: [(&[u8], &mut signal::Mask); 3] =
            [(b"SigBlk:", &mut self.blocked), (b"SigIgn:", &mut self.ignored), (b"SigCgt:", &mut self.caught)];
        for (name, mask) in fields {
            if let Some(digits) = line.strip_prefix(name) {
                *mask = hexadecimal(digits);
            }
        }
    }
}

fn hexadecimal(digits: &[u8]) -> u64 {
    let mut number = 0u64;
    for byte in digits {
        let digit = match byte {
            b'0'..=b'9' => byte.wrapping_sub(b'0'),
            b'a'..=b'f' => byte.wrapping_sub(b'a').wrapping_add(10),
            _ => continue,
        };
        number = number.wrapping_shl(4) | u64::from(digit);
    }
    number
}
