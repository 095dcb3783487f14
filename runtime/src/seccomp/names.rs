// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls by name, as the rules of a filter of the caller's own name them: their numbers in each ABI of x86, the
//! ones that x32 numbers for itself, and those that 32-bit programs also reach through socketcall and ipc.

use super::rules::{Architecture, X32_BIT};

/// A way to call the kernel that a filter can have rules for (linux.seccomp.architectures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abi {
    /// 64-bit calls.
    X86_64,
    /// 32-bit calls.
    X86,
    /// 64-bit calls of programs with 32-bit pointers: bit 30 of the number.
    X32,
}

impl Abi {
    /// All of them.
    pub const ALL: [Abi; 3] = [Abi::X86_64, Abi::X86, Abi::X32];

    /// The architecture that the kernel tells a filter.
    pub fn architecture(self) -> Architecture {
        match self {
            Abi::X86_64 | Abi::X32 => Architecture::X86_64,
            Abi::X86 => Architecture::I386,
        }
    }

    /// The number of the system call of this name.
    pub fn number(self, name: &str) -> Option<u32> {
        numbers(name)?.of(self)
    }
}

/// The numbers of one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub x86_64: Option<u32>,
    pub i386: Option<u32>,
    pub x32: Option<u32>,
    /// How 32-bit programs reach it through another one: that one's number, and what its first argument is.
    pub through: Option<(u32, u64)>,
}

impl Numbers {
    /// That of one ABI.
    pub fn of(&self, abi: Abi) -> Option<u32> {
        match abi {
            Abi::X86_64 => self.x86_64,
            Abi::X86 => self.i386,
            Abi::X32 => self.x32,
        }
    }
}

/// One name of the table that the build script makes (build/names.rs): sorted by name, and without an address in it,
/// so that nothing of it is made or relocated when a program starts.
struct Row {
    /// Where the name starts in [`TEXT`].
    start: u16,
    length: u8,
    /// The first argument of socketcall, or of ipc with bit 7; 0 where the call goes through neither.
    through: u8,
    x86_64: u16,
    i386: u16,
    /// Without [`X32_BIT`].
    x32: u16,
}

/// The number of what an ABI does not have.
const NONE: u16 = u16::MAX;

/// i386's calls that others go through (linux/net.h, linux/ipc.h).
const SOCKETCALL: u32 = 102;
const IPC: u32 = 117;

include!(concat!(env!("OUT_DIR"), "/seccomp-names.rs"));

impl Row {
    fn name(&self) -> &'static [u8] {
        let start = usize::from(self.start);
        TEXT.get(start..start + usize::from(self.length)).unwrap_or_default()
    }

    fn numbers(&self) -> Numbers {
        let number = |number| (number != NONE).then_some(u32::from(number));
        let first = u64::from(self.through & 0x7f);
        Numbers {
            x86_64: number(self.x86_64),
            i386: number(self.i386),
            x32: number(self.x32).map(|number| number | X32_BIT),
            through: (first != 0).then_some((if self.through & 0x80 == 0 { SOCKETCALL } else { IPC }, first)),
        }
    }
}

fn find(name: &str) -> Option<&'static Row> {
    let place = ROWS.binary_search_by(|row| row.name().cmp(name.as_bytes())).ok()?;
    ROWS.get(place)
}

/// Whether any of the ABIs has a system call of this name, if only through socketcall.
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// The numbers of a name that any ABI knows.
pub fn numbers(name: &str) -> Option<Numbers> {
    find(name).map(Row::numbers)
}

/// The name of x86-64's system call of this number.
pub fn name(number: u32) -> Option<&'static str> {
    let number = u16::try_from(number).ok().filter(|number| *number != NONE)?;
    let row = ROWS.iter().find(|row| row.x86_64 == number)?;
    std::str::from_utf8(row.name()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_kernels_headers() {
        assert_eq!(Abi::X86_64.number("mkdir"), Some(83));
        assert_eq!(Abi::X86.number("mkdir"), Some(39));
        assert_eq!(Abi::X32.number("mkdir"), Some(83 | X32_BIT));
        assert_eq!(Abi::X32.number("rt_sigaction"), Some(512 | X32_BIT));
        assert_eq!(Abi::X32.number("pwritev2"), Some(547 | X32_BIT));
        assert_eq!((Abi::X32.number("uselib"), Abi::X86.number("uselib")), (None, Some(86)));
        assert_eq!((Abi::X86_64.number("chown32"), Abi::X86.number("chown32")), (None, Some(212)));
        assert_eq!(name(83), Some("mkdir"));
        assert_eq!(name(100_000), None);
    }

    #[test]
    fn the_table_is_that_of_both_architectures() {
        assert!(ROWS.is_sorted_by(|row, next| row.name() < next.name()));
        for abi in [Abi::X86_64, Abi::X86] {
            for (name, number) in abi.architecture().calls() {
                assert_eq!(abi.number(name), Some(number), "{name} of {abi:?}");
            }
            let named = ROWS.iter().filter(|row| row.numbers().of(abi).is_some()).count();
            assert_eq!(named, abi.architecture().calls().count(), "{abi:?}");
        }
        for (call, number) in Architecture::X86_64.calls() {
            assert_eq!(name(number), Some(call));
        }
        assert_eq!((Abi::X86.number("socketcall"), Abi::X86.number("ipc")), (Some(SOCKETCALL), Some(IPC)));
        assert_eq!(name(u32::from(NONE)), None);
    }

    #[test]
    fn calls_through_others_are_those_of_net_h_and_ipc_h() {
        let through = |name| numbers(name).and_then(|numbers| numbers.through);
        assert_eq!(through("socket"), Some((102, 1)));
        assert_eq!(through("sendmmsg"), Some((102, 20)));
        assert_eq!(through("shmctl"), Some((117, 24)));
        assert_eq!(through("mkdir"), None);
        assert!(is_known("recv") && !is_known("no_such_call") && !is_known(""));
    }
}
