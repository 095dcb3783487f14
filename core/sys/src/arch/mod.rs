// SPDX-License-Identifier: MIT OR Apache-2.0
//! What depends on the processor: the system call entry, its numbers, and processes that share memory.

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

#[cfg(not(target_arch = "x86_64"))]
compile_error!("contain knows only x86-64 so far: add core/sys/src/arch/PROCESSOR.rs");
