// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configurations: plain data that the setters (set.rs) change and the runtime checks when it is used.

mod set;

mod mounts;

mod process;

mod console;

mod network;

mod json;

pub(crate) use console::of_injection;
#[cfg(test)]
pub(crate) use network::VethOptions;
pub(crate) use process::{capabilities, rlimit};
pub(crate) use set::lifetime;

use crate::boundary::{Handle, Maker, Output, borrow, call, free, invalid};
use crate::error::ErrorHandle;
use crate::strings;
use runtime::{Config, Error, Profile, Root};
use std::ffi::{c_char, c_int};

/// The seccomp profile that boots a distribution (docs/seccomp.md).
pub const CONTAIN_SECCOMP_SYSTEM: u32 = 1;
/// The seccomp profile for one command.
pub const CONTAIN_SECCOMP_APP: u32 = 2;
/// No seccomp profile. Typing into the caller's own terminal is refused all the same.
pub const CONTAIN_SECCOMP_NONE: u32 = 3;

/// What a container is to be. One thread at a time may use one.
pub struct ConfigHandle {
    maker: Maker,
    pub(crate) config: Config,
}

impl Handle for ConfigHandle {
    const NAME: &'static str = "config";

    fn maker(&self) -> Maker {
        self.maker
    }
}

fn boxed(config: Config) -> *mut ConfigHandle {
    Box::into_raw(Box::new(ConfigHandle { maker: Maker::this_process(), config }))
}

pub(crate) fn profile(value: u32) -> Result<Profile, Error> {
    match value {
        CONTAIN_SECCOMP_SYSTEM => Ok(Profile::System),
        CONTAIN_SECCOMP_APP => Ok(Profile::App),
        CONTAIN_SECCOMP_NONE => Ok(Profile::None),
        _ => Err(invalid("seccomp", value.to_string(), "it is a CONTAIN_SECCOMP_ value")),
    }
}

/// Makes a configuration of a root directory and a command: the command is looked up on the container's PATH and runs
/// as PID 2 under a reaping PID 1, with a private network, the seccomp profile for one command, no way to gain privilege
/// by exec, HOME=/root, and bound to the caller's life.
///
/// root: the directory that holds the root file system; looked at when the container is made.
/// argv: the command and its arguments, a NULL behind the last.
/// config: where the new configuration goes; the caller frees it with contain_config_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or the command is empty.
/// Ownership: the strings are copied. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_new(
    root: *const c_char,
    argv: *const *const c_char,
    config: *mut *mut ConfigHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("config", config)?;
            let root = Root::Directory(strings::bytes("root", root)?.into());
            place.write(boxed(Config::run(root, strings::command(argv)?)));
            Ok(0)
        })
    }
}

/// As contain_config_new(), with the host's own system as root: read-only, with a tmpfs for what must be written.
///
/// argv: the command and its arguments, a NULL behind the last.
/// config: where the new configuration goes; the caller frees it with contain_config_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or the command is empty.
/// Ownership: the strings are copied. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_new_host(
    argv: *const *const c_char,
    config: *mut *mut ConfigHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("config", config)?;
            place.write(boxed(Config::run(Root::Host, strings::command(argv)?)));
            Ok(0)
        })
    }
}

/// Makes a copy of a configuration.
///
/// config: the configuration.
/// copy: where the copy goes; the caller frees it with contain_config_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config or copy is NULL.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_clone(
    config: *const ConfigHandle,
    copy: *mut *mut ConfigHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("copy", copy)?;
            place.write(boxed(borrow(config)?.config.clone()));
            Ok(0)
        })
    }
}

/// Frees a configuration. Containers made from it stay as they are.
///
/// config: the configuration; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_free(config: *mut ConfigHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(config) }
}
