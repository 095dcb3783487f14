// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a command ended, as a struct that may grow: written as far as the caller's size reaches.

use crate::boundary::{invalid, null};
use crate::options::{LARGEST, too_big};
use runtime::{EndedBy, Error, Outcome};
use std::mem::size_of;
use std::time::Duration;

/// The command exited; status is its exit status.
pub const CONTAIN_ENDED_EXITED: u32 = 1;
/// A signal ended the command; status is the signal's number.
pub const CONTAIN_ENDED_SIGNALLED: u32 = 2;

/// The deadline passed and everything was killed; status is SIGKILL's number.
pub const CONTAIN_ENDED_WALL: u32 = 3;
/// The command has used up the CPU time of its RLIMIT_CPU; status is SIGXCPU's number, or SIGKILL's at the hard limit.
pub const CONTAIN_ENDED_CPU: u32 = 4;
/// The command itself was killed for lack of memory. This version, which makes no cgroup, gives no such result.
pub const CONTAIN_ENDED_MEMORY: u32 = 5;
/// The caller ended it because of its output (contain_container_end()).
pub const CONTAIN_ENDED_OUTPUT: u32 = 6;
/// The seccomp filter ended the command; status is SIGSYS's number. Sent by somebody inside, under a filter that can do
/// that, the signal looks the same.
pub const CONTAIN_ENDED_SECCOMP: u32 = 7;
/// The command never began; status is 125.
pub const CONTAIN_ENDED_SETUP: u32 = 8;

const _: () = {
    assert!(CONTAIN_ENDED_EXITED == EndedBy::Exited as u32 && CONTAIN_ENDED_SIGNALLED == EndedBy::Signalled as u32);
    assert!(CONTAIN_ENDED_WALL == EndedBy::Wall as u32 && CONTAIN_ENDED_OUTPUT == EndedBy::Output as u32);
    assert!(CONTAIN_ENDED_SETUP == EndedBy::Setup as u32);
    assert!(CONTAIN_ENDED_CPU == EndedBy::Cpu as u32 && CONTAIN_ENDED_SECCOMP == EndedBy::Seccomp as u32);
    // What the runtime does not give: the number is taken all the same.
    assert!(CONTAIN_ENDED_MEMORY == 5);
};

/// How a command ended. Times are those of the command and of everything it waited for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ResultStruct {
    /// How many bytes of the struct the library knew and filled in; what is behind them is zero.
    pub size: u64,
    /// Why it ended: a CONTAIN_ENDED_ value. More values may come.
    pub ended_by: u32,
    /// The exit status or the signal's number, as ended_by says.
    pub status: i32,
    /// The exit status a shell would show: the command's own, 128 and the signal's number,
    /// 124 after CONTAIN_ENDED_WALL.
    pub exit_status: i32,
    /// 0.
    pub reserved: u32,
    /// Nanoseconds from the command's exec to its end.
    pub wall_ns: u64,
    /// CPU time in user mode, in nanoseconds.
    pub user_ns: u64,
    /// CPU time in the kernel, in nanoseconds.
    pub system_ns: u64,
    /// The highest resident set of one process, in bytes.
    pub peak_memory: u64,
}

impl From<Outcome> for ResultStruct {
    fn from(outcome: Outcome) -> ResultStruct {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        ResultStruct {
            size: 0,
            ended_by: (outcome.ended_by as i32).unsigned_abs(),
            status: outcome.status,
            exit_status: outcome.exit_status(),
            reserved: 0,
            wall_ns: nanoseconds(outcome.wall),
            user_ns: nanoseconds(outcome.user),
            system_ns: nanoseconds(outcome.system),
            peak_memory: outcome.peak_memory,
        }
    }
}

impl Growing for ResultStruct {
    fn sized(self, size: u64) -> ResultStruct {
        ResultStruct { size, ..self }
    }
}

/// A struct that the library fills in: its first field says how many bytes it knew, every byte belongs to a field, and
/// fields are added at the end alone.
pub(crate) trait Growing: Copy {
    /// With that size in the first field.
    fn sized(self, size: u64) -> Self;
}

/// Where the caller wants such a struct, if it wants one.
pub(crate) struct Place<T> {
    pointer: *mut T,
    size: usize,
}

/// Where the caller wants a result.
pub(crate) type ResultPlace = Place<ResultStruct>;

impl<T: Growing> Place<T> {
    /// Looks at the place before anything is done. NULL and 0: nothing is wanted.
    ///
    /// # Safety
    /// `pointer` is NULL or `size` bytes can be written to until the call returns.
    pub(crate) unsafe fn new(name: &str, pointer: *mut T, size: usize) -> Result<Place<T>, Error> {
        if pointer.is_null() && size > 0 {
            return Err(null(name));
        }
        if !pointer.is_null() && size < size_of::<u64>() {
            return Err(invalid("size", size.to_string(), format!("a {name} begins with 8 bytes for its size")));
        }
        if size > LARGEST {
            return Err(too_big(name, size, "no version of it is as large"));
        }
        Ok(Place { pointer, size })
    }

    /// As `new`, but it must be wanted.
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn wanted(name: &str, pointer: *mut T, size: usize) -> Result<Place<T>, Error> {
        // SAFETY: as the caller says.
        if pointer.is_null() { Err(null(name)) } else { unsafe { Place::new(name, pointer, size) } }
    }

    /// Writes the struct as far as there is room, and zeros where there is more.
    pub(crate) fn write(self, value: T) {
        if self.pointer.is_null() {
            return;
        }
        let known = size_of::<T>().min(self.size);
        let value = value.sized(known as u64);
        let place: *mut u8 = self.pointer.cast();
        // SAFETY: `size` bytes can be written to, as the maker of this says, and `known` is at most that and at most
        // the length of `value`.
        unsafe {
            std::ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), place, known);
            place.add(known).write_bytes(0, self.size.saturating_sub(known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTCOME: Outcome = Outcome {
        ended_by: EndedBy::Signalled,
        status: 9,
        wall: Duration::from_nanos(5),
        user: Duration::from_micros(2),
        system: Duration::MAX,
        peak_memory: 4096,
    };

    fn written(size: usize) -> Vec<u8> {
        let mut bytes = vec![0xaau8; 128];
        // SAFETY: there are more bytes than `size`.
        unsafe { ResultPlace::new("result", bytes.as_mut_ptr().cast(), size) }.unwrap().write(OUTCOME.into());
        bytes
    }

    #[test]
    fn result_is_written_up_to_the_size() {
        let bytes = written(16);
        assert_eq!(bytes[..16], [16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0]);
        assert!(bytes[16..].iter().all(|byte| *byte == 0xaa));
    }

    #[test]
    fn result_longer_than_known_ends_in_zeros() {
        let bytes = written(80);
        assert_eq!(usize::from(bytes[0]), size_of::<ResultStruct>());
        assert_eq!(bytes[16..20], 137i32.to_le_bytes());
        assert_eq!(bytes[40..48], u64::MAX.to_le_bytes());
        assert!(bytes[size_of::<ResultStruct>()..80].iter().all(|byte| *byte == 0));
        assert_eq!(bytes[80], 0xaa);
    }

    #[test]
    fn result_place_refuses_what_holds_no_size() {
        let mut bytes = [0u8; 8];
        // SAFETY: nothing is written.
        unsafe {
            assert!(ResultPlace::new("result", bytes.as_mut_ptr().cast(), 7).is_err());
            assert!(ResultPlace::new("result", bytes.as_mut_ptr().cast(), 0).is_err());
            assert!(ResultPlace::new("result", bytes.as_mut_ptr().cast(), LARGEST + 1).is_err());
            assert!(ResultPlace::new("result", std::ptr::null_mut(), 56).is_err());
            assert!(ResultPlace::new("result", std::ptr::null_mut(), 0).is_ok());
        }
    }
}
