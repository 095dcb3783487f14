// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who a command runs as, within which limits, with which descriptors; and the helpers beside it.

use super::ConfigHandle;
use super::set::set;
use crate::boundary::invalid;
use crate::error::ErrorHandle;
use crate::strings;
use crate::{options, process};
use runtime::{Config, Error, Rlimit, Root, User, capability};
use std::ffi::{c_char, c_int};
use std::os::unix::ffi::OsStrExt;

/// No limit, for contain_config_set_rlimit().
pub const CONTAIN_UNLIMITED: u64 = 0xffff_ffff_ffff_ffff;

const _: () = assert!(CONTAIN_UNLIMITED == u64::MAX);

/// Sets the user that the command runs as; at first it is user 0, group 0.
///
/// config: the configuration.
/// user: USER[:GROUP], each a decimal number, or a name in the container's own /etc/passwd and /etc/group. With a group
/// the command has no other group; without one it has the user's. HOME becomes that user's where the environment is
/// still the one of the beginning.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL, or user is not of that form. The name is looked up when the configuration is
/// used.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_user(
    config: *mut ConfigHandle,
    user: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || User::parse(&strings::utf8("user", user)?),
            |config, user| {
                config.user = Some(user);
                if config.env == Config::run(Root::Host, Vec::new()).env {
                    config.env.retain(|variable| !variable.as_bytes().starts_with(b"HOME="));
                }
            },
        )
    }
}

/// A set of capabilities by their names.
///
/// # Safety
/// As [`strings::list`].
pub(crate) unsafe fn capabilities(name: &str, names: *const *const c_char) -> Result<u64, Error> {
    // SAFETY: as the caller says.
    let names = unsafe { strings::list(name, names) }?;
    names.iter().try_fold(0, |kept, name| Ok(kept | capability::parse(&name.to_string_lossy())?))
}

/// A limit that can be one.
pub(crate) fn rlimit(resource: u64, soft: u64, hard: u64) -> Result<Rlimit, Error> {
    match u32::try_from(resource) {
        Ok(resource @ 0..=15) if soft <= hard => Ok(Rlimit { resource, soft, hard }),
        Ok(0..=15) => Err(invalid("soft", soft.to_string(), format!("it is at most the hard limit, {hard}"))),
        _ => Err(invalid("resource", resource.to_string(), "it is an RLIMIT_ value, 0 to 15")),
    }
}

/// Sets the capabilities that the command keeps of those over its user namespace; at first those that go with its
/// seccomp profile: fourteen with CONTAIN_SECCOMP_APP, all with the others.
///
/// config: the configuration.
/// names: names with or without CAP_, in any case, or ALL; a NULL behind the last.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or a name is that of no capability.
/// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_capabilities(
    config: *mut ConfigHandle,
    names: *const *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || capabilities("names", names), |config, kept| config.capabilities = Some(kept)) }
}

/// Sets one resource limit of the command (getrlimit(2)); at first all are the caller's.
///
/// config: the configuration.
/// resource: an RLIMIT_ value.
/// soft: the soft limit, or CONTAIN_UNLIMITED.
/// hard: the hard limit, at least the soft one, at most the caller's own.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL, resource is no resource, or soft is above hard.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_rlimit(
    config: *mut ConfigHandle,
    resource: u32,
    soft: u64,
    hard: u64,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || rlimit(resource.into(), soft, hard),
            |config, limit| {
                config.rlimits.retain(|other| other.resource != limit.resource);
                config.rlimits.push(limit);
            },
        )
    }
}

/// Sets how many of the caller's descriptors from 3 on the command keeps, under their own numbers; at first none.
///
/// config: the configuration.
/// count: 0 to 1024; descriptors 3 to 2 + count must be open when the configuration is used.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or count is above 1024.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_preserve_fds(
    config: *mut ConfigHandle,
    count: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || match count {
                0..=1024 => Ok(count),
                _ => Err(invalid("count", count.to_string(), "it is at most 1024")),
            },
            |config, count| config.preserve_fds = count,
        )
    }
}

/// Sets which of the caller's descriptors the command keeps, under their own numbers and beside those of
/// contain_config_set_preserve_fds(); at first none.
///
/// config: the configuration.
/// fds: descriptors, each 3 to 1026, open when the configuration is used; NULL, with a count of 0: none.
/// count: how many there are.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or a number is not among those, -EBADF if one is negative.
/// Ownership: the numbers are copied; the descriptors stay the caller's. Threads: one at a time on one configuration.
/// Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_pass_fds(
    config: *mut ConfigHandle,
    fds: *const i32,
    count: usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || options::descriptors(fds, count), |config, fds| config.pass_fds = fds) }
}

/// Sets how long the command may run, from its exec on; then the whole container is killed and its result says
/// CONTAIN_ENDED_WALL. At first there is no such deadline.
///
/// config: the configuration.
/// timeout_ms: milliseconds; -1: for ever.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or timeout_ms is below -1.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_timeout(
    config: *mut ConfigHandle,
    timeout_ms: i64,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || process::timeout(timeout_ms), |config, timeout| config.timeout = timeout) }
}

/// Sets a helper that /bin/sh runs in the container's new namespaces (not its PID namespace) before its root becomes /:
/// the container is in its working directory. At first there is none.
///
/// config: the configuration.
/// command: a shell command; NULL: none.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL. A helper that fails is CONTAIN_E_HELPER when the container is made.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_inside_helper(
    config: *mut ConfigHandle,
    command: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || Ok(strings::optional_bytes(command)), |config, command| config.inside = command) }
}

/// Sets a helper that /bin/sh runs on the host, as a child of the supervisor, when the container's namespaces are
/// there. At first there is none.
///
/// config: the configuration.
/// command: a shell command; NULL: none.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL. A helper that fails is CONTAIN_E_HELPER when the container is made.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_outside_helper(
    config: *mut ConfigHandle,
    command: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || Ok(strings::optional_bytes(command)), |config, command| config.outside = command) }
}
