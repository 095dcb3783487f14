// SPDX-License-Identifier: MIT OR Apache-2.0
//! libcontain: the C library over contain. One file per object; each function reads its arguments, calls the runtime
//! and hands back what came of it. The rules that all of them follow: docs/abi.md. Never runs with more privilege
//! than the user's: every call refuses then.

#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::unreachable
    )
)]
#![allow(clippy::result_large_err, reason = "errors are rare and say much")]

mod boundary;
#[cfg(test)]
mod layout;
mod strings;

// The header has the objects in this order.
mod library;

mod error;

mod config;

mod explain;

mod options;

mod container;

mod result;

mod process;

mod state;

mod status;

mod events;

mod transfer;

mod userns;

mod seccomp;
