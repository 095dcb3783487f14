// SPDX-License-Identifier: MIT OR Apache-2.0
//! How the programs start and end. The standard library's own start costs sixteen system calls, among them reading
//! /proc/self/maps, for what these programs do without: one thread, no handler for a stack that overflows. What of it
//! matters is done here: closed standard descriptors are taken, and a reader that is gone is an error, not a signal.

use std::io::Write;

/// The status that a program ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExitCode(u8);

impl ExitCode {
    /// All is well.
    pub const SUCCESS: ExitCode = ExitCode(0);
}

impl From<ExitCode> for u8 {
    fn from(ExitCode(status): ExitCode) -> u8 {
        status
    }
}

impl From<u8> for ExitCode {
    fn from(status: u8) -> ExitCode {
        ExitCode(status)
    }
}

/// Runs a program from its C main; the status for the C library's exit.
pub fn run(program: fn() -> ExitCode) -> i32 {
    // Where not even that can be done, there is nobody to tell.
    let ExitCode(status) = contain::command_line::settle().map_or(ExitCode(125), |()| program());
    match std::io::stdout().flush() {
        Ok(()) => i32::from(status),
        Err(_) => 125,
    }
}

/// musl's own maps and unmaps a page for each size.
#[cfg(target_env = "musl")]
pub use dlmalloc::GlobalDlmalloc as Allocator;

/// The C main of a program. musl does not tell the standard library the arguments as glibc does: there its own start is
/// needed.
#[macro_export]
macro_rules! program {
    ($main:path) => {
        #[cfg(target_env = "musl")]
        #[global_allocator]
        static ALLOCATOR: $crate::start::Allocator = $crate::start::Allocator;

        #[cfg(target_env = "musl")]
        fn main() {
            std::process::exit($crate::start::run($main))
        }

        // SAFETY: the one main of the program; the C library calls it once, with what it ignores here.
        #[cfg(not(target_env = "musl"))]
        #[unsafe(no_mangle)]
        extern "C" fn main(_: std::ffi::c_int, _: *const *const std::ffi::c_char) -> std::ffi::c_int {
            $crate::start::run($main)
        }
    };
}
