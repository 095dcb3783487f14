// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command in a user namespace alone, beside the caller: what `pseudo` does in place of itself.

use crate::caller;
use crate::compile;
use crate::config::{Lifetime, Stdio};
use crate::container::Process;
use crate::error::Error;
use crate::launch::Along;
use std::ffi::OsString;

/// A command that is to run in a user namespace of its own and in all other namespaces of the caller's.
#[derive(Clone, Debug)]
pub struct Userns {
    /// The command and its arguments; looked up on the PATH of its environment.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<OsString>,
    /// User ids, `START:LOWER:COUNT[,…]`; the defaults when none.
    pub uid_map: Option<String>,
    /// Group ids.
    pub gid_map: Option<String>,
    /// Its standard descriptors.
    pub stdio: [Stdio; 3],
    /// What the caller's death means for the command. What the command has started is not ended with it.
    pub lifetime: Lifetime,
}

/// Runs it; returns once it has been executed.
pub fn run(userns: &Userns) -> Result<Process, Error> {
    caller::check()?;
    let Userns { argv, env, uid_map, gid_map, stdio, lifetime } = userns;
    let draft = compile::userns(uid_map.as_deref(), gid_map.as_deref(), argv, env)?;
    Process::launch(&draft, Along::new(0, &[]), *lifetime, *stdio)
}
