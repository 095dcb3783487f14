// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain: hardened Linux containers as a library. A [`Config`] is compiled into a plan, the plan is handed
//! to contain-init, and a [`Container`] is what one holds on to.
mod background;
mod caller;
pub mod capability;
mod cgroup;
pub mod command_line;
mod compile;
pub mod config;
pub mod container;
mod describe;
mod diagnose;
pub mod error;
pub mod events;
pub mod explain;
pub mod idmap;
mod join;
mod launch;
pub mod outcome;
mod plan;
pub mod probe;
mod procfs;
pub mod record;
mod recorder;
mod rlimit;
pub mod seccomp;
pub mod state;
pub mod user;
pub mod userns;
mod wiped;

pub use caller::check_privilege;
pub use config::{
    Config, Console, Lifetime, Mount, Network, NewFile, Overlay, Profile, Rlimit, Root, Stdio, Veth, Window,
};
pub use container::{Container, Injection, Pending, Process, inject_by_pid};
pub use describe::Description;
pub use error::{Error, Kind};
pub use events::{Event, Events};
pub use outcome::{EndedBy, Outcome};
pub use probe::probe;
pub use state::{Listed, Runtime, State, Status};
pub use user::{Id, User};
pub use userns::Userns;

/// Where programs that are not for people are installed.
const LIBEXECDIR: &str = env!("CONTAIN_LIBEXECDIR_DEFAULT");

/// The version of contain, as `MAJOR.MINOR.PATCH`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
