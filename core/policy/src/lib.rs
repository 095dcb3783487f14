// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules about user and group ids: which ids exist, which are delegated to whom, what a map may contain,
//! what a map is when none is given, whether setgroups stays allowed, and how contain-idmap is asked for one.
//!
//! This crate decides and does nothing else: no input or output, no allocation, no unsafe code, no panic on
//! any input. It may be linked into a privileged program. Everything is bounded: a map has at most
//! [`MAX_LINES`] lines and its text is shorter than [`PAGE`], a file has at most [`MAX_FILE`] bytes, a line of
//! it at most [`MAX_LINE`].
//!
//! Words: a map leads from **container** ids (seen inside the new user namespace) to **host** ids (seen in the
//! user namespace of whoever makes it, the **current** one, which need not be the initial one).

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects))]

#[cfg(test)]
extern crate std;

mod check;
mod default;
mod list;
mod map;
mod number;
#[cfg(test)]
mod properties;
mod range;
mod request;
mod setgroups;
mod subordinate;
mod text;

pub use check::{Reason, Violation, check_within};
pub use default::{DefaultError, DefaultMap, default_for_root, default_for_user};
pub use map::{IdMap, MapEntry, MapError};
pub use range::{Full, IdRange, RangeSet};
pub use request::{
    ANSWER_LENGTH, Answer, MAX_REQUEST, REQUEST_DESCRIPTOR, REQUEST_MAGIC, REQUEST_VERSION, Request, RequestError,
};
pub use setgroups::{Mapper, Setgroups, setgroups};
pub use subordinate::{Account, Delegated, FileTooLarge, accounts, delegated};
pub use text::ParseError;

/// The highest id there is: 4294967295 means "no id" to the kernel and is never mapped.
pub const LAST_ID: u32 = u32::MAX - 1;

/// The most lines that the kernel takes as one map (user_namespaces(7), since 4.15).
pub const MAX_LINES: usize = 340;

/// The text of a map, written at once, is shorter than this: the smallest page there is.
pub const PAGE: usize = 4096;

/// The most bytes of a file that is looked at: /etc/passwd, /etc/subuid, /etc/subgid.
pub const MAX_FILE: usize = 1024 * 1024;

/// The most bytes of one line of such a file, without its newline.
pub const MAX_LINE: usize = 512;
