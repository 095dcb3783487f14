// SPDX-License-Identifier: MIT OR Apache-2.0
//! One line to the system's log for each decision, grant or refusal: facility AUTHPRIV, to /dev/log. Whether it could
//! be sent changes nothing. Numbers and this program's own words apart, it holds the user's name, escaped
//! (CVE-2023-28486).

use crate::privilege::Caller;
use contain_policy::{Answer, IdMap, Request, Setgroups};
use contain_sys::{process, socket};
use core::ffi::CStr;

/// What is known of a request, as far as it came.
#[derive(Debug, Default)]
pub struct Entry {
    /// Whose it is.
    pub caller: Option<Caller>,
    /// The first name of the caller; may be empty.
    pub name: &'static [u8],
    /// What was asked for.
    pub request: Option<Request>,
    /// What becomes of setgroups.
    pub setgroups: Option<Setgroups>,
    /// Lines of subuid and subgid that are not what the grammar says.
    pub bad_lines: usize,
}

/// AUTHPRIV (10) with INFO (6) and WARNING (4), as syslog(3) sends them.
const GRANTED: &[u8] = b"<86>";
const REFUSED: &[u8] = b"<84>";

/// How many lines of a map are shown.
const SHOWN: usize = 8;

/// Sends the line, without waiting.
pub fn send(entry: &Entry, refusal: Option<Answer>) {
    let mut line = Line::default();
    line.add(if refusal.is_none() { GRANTED } else { REFUSED });
    line.add(b"contain-idmap[").number(process::id().unsigned_abs()).add(b"]: ");
    match refusal {
        None => line.add(b"granted"),
        Some(answer) => line.add(b"refused: ").add(answer.text().as_bytes()),
    };
    if let Some(caller) = entry.caller {
        line.add(b"; uid=").number(caller.uid).add(b" gid=").number(caller.gid);
    }
    if !entry.name.is_empty() {
        line.add(b" name=").escaped(entry.name);
    }
    if let Some(request) = &entry.request {
        line.add(b" users=").map(&request.users).add(b" groups=").map(&request.groups);
    }
    if let Some(setgroups) = entry.setgroups {
        line.add(if setgroups == Setgroups::Allowed { b" setgroups=allow" } else { b" setgroups=deny" });
    }
    if entry.bad_lines > 0 {
        line.add(b" bad-lines=").number(u32::try_from(entry.bad_lines).unwrap_or(u32::MAX));
    }
    // A log that is not there, or full, is the administrator's matter: the decision is made.
    let _ = socket::send_datagram(c"/dev/log", line.text());
}

/// A line as it grows; what does not fit is cut off.
struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Line { bytes: [0; 1024], length: 0 }
    }
}

impl Line {
    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    fn add(&mut self, bytes: &[u8]) -> &mut Self {
        let place = self.bytes.get_mut(self.length..).unwrap_or(&mut []);
        for (slot, byte) in place.iter_mut().zip(bytes) {
            *slot = *byte;
            self.length = self.length.saturating_add(1);
        }
        self
    }

    fn number(&mut self, number: u32) -> &mut Self {
        self.add(Decimal::new(number).digits())
    }

    /// Letters, digits and what names are made of as they are, every other byte as `\xNN`.
    fn escaped(&mut self, bytes: &[u8]) -> &mut Self {
        for &byte in bytes.iter().take(64) {
            if byte.is_ascii_alphanumeric() || b"-_.@$".contains(&byte) {
                self.add(&[byte]);
            } else {
                let digit =
                    |value: u8| if value < 10 { value.wrapping_add(b'0') } else { value.wrapping_add(b'a' - 10) };
                self.add(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        self
    }

    fn map(&mut self, map: &IdMap) -> &mut Self {
        for (place, entry) in map.entries().iter().take(SHOWN).enumerate() {
            self.add(if place == 0 { b"" } else { b"," });
            self.number(entry.container()).add(b":").number(entry.host()).add(b":").number(entry.count());
        }
        match map.entries().len().saturating_sub(SHOWN) {
            0 => self,
            more => self.add(b",+").number(u32::try_from(more).unwrap_or(u32::MAX)),
        }
    }
}

/// A decimal number as text.
#[derive(Debug)]
pub struct Decimal {
    bytes: [u8; 11],
    start: usize,
}

impl Decimal {
    /// The text of `number`.
    pub fn new(number: u32) -> Self {
        let mut result = Decimal { bytes: [0; 11], start: 10 };
        let mut rest = number;
        // The last byte stays zero.
        for slot in result.bytes.iter_mut().rev().skip(1) {
            *slot = b'0'.wrapping_add((rest % 10) as u8);
            result.start = result.start.saturating_sub(1);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        result
    }

    /// The digits.
    pub fn digits(&self) -> &[u8] {
        self.text().to_bytes()
    }

    /// The digits as a C string.
    pub fn text(&self) -> &CStr {
        self.bytes.get(self.start..).and_then(|bytes| CStr::from_bytes_until_nul(bytes).ok()).unwrap_or(c"")
    }
}
