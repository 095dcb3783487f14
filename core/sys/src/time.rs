// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clocks.

use crate::call;

/// CLOCK_MONOTONIC in nanoseconds; 0 if the kernel has no such clock, which it always has.
pub fn monotonic_ns() -> u64 {
    const CLOCK_MONOTONIC: usize = 1;
    let mut time = [0u64; 2];
    match call!(CLOCK_GETTIME, CLOCK_MONOTONIC, time.as_mut_ptr()) {
        Ok(_) => {
            let [seconds, rest] = time;
            seconds.saturating_mul(1_000_000_000).saturating_add(rest)
        }
        Err(_) => 0,
    }
}
