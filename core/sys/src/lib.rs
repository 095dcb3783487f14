// SPDX-License-Identifier: MIT OR Apache-2.0
//! Typed system calls for contain's core: no libc, no allocation, no environment, no panic. Descriptors are
//! plain numbers ([`Fd`]), paths are `CStr`s, every call returns a `Result` with the kernel's errno.
//!
//! This crate and the C boundary hold all of contain's unsafe code. It is used by the programs of core, which
//! have no C library, and by the runtime, which has one: nothing here reads or writes errno or any other state
//! of libc. What depends on the processor stands in `arch`.
#![no_std]
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod arch;
pub mod errno;
pub mod fd;
pub mod file;
pub mod filter;
pub mod identity;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod net;
pub mod process;
pub mod program;
pub mod signal;
pub mod socket;
pub mod spawn;
pub mod terminal;
pub mod time;

pub use errno::{Errno, Result};
pub use fd::Fd;

/// The result of a system call as the kernel gives it: a value, or a negative errno.
pub(crate) fn check(raw: isize) -> Result<usize> {
    // The kernel's errnos are 1 to 4095; everything else is a value.
    if (-4095..0).contains(&raw) { Err(Errno(raw.unsigned_abs() as i32)) } else { Ok(raw.cast_unsigned()) }
}

/// System call with its arguments cast to registers.
macro_rules! call {
    ($nr:ident $(, $arg:expr)*) => {
        $crate::check($crate::arch::syscall($crate::arch::nr::$nr, &[$(($arg) as usize),*]))
    };
}
pub(crate) use call;
