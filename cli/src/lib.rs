// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command lines contain, inject and pseudo: parsing and printing, nothing else. On success none of them returns:
//! each becomes contain-init, and that the supervisor or the command.
#![forbid(unsafe_code)]

pub mod contain;
mod doctor;
#[doc(hidden)]
pub mod documents;
pub mod inject;
mod mounts;
mod network;
mod options;
mod print;
mod process;
pub mod pseudo;
mod result;
pub mod start;
