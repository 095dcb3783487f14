// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain: hardened Linux containers as a library. A [`Config`] is compiled into a plan, the plan is handed
//! to contain-init, and a [`Container`] is what one holds on to.

pub mod config;
pub mod container;
pub mod error;
pub mod explain;
pub mod outcome;

pub use config::{Config, Console, Lifetime, Network, Profile, Root, Stdio};
pub use container::{Container, Injection, Process};
pub use error::{Error, Kind};
pub use outcome::{EndedBy, Outcome};

/// The version of contain, as `MAJOR.MINOR.PATCH`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
