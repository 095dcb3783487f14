// SPDX-License-Identifier: MIT OR Apache-2.0
//! One setter for each thing that can be configured. What is wrong with a value alone is an error at once; the rest is
//! found by the runtime when the configuration is used.

use super::{ConfigHandle, profile};
use crate::boundary::{borrow, borrow_mut, call, invalid, switch};
use crate::error::ErrorHandle;
use crate::seccomp::SeccompHandle;
use crate::strings;
use runtime::{Config, Error, Lifetime, Root};
use std::ffi::{c_char, c_int};

/// When the caller dies the container is killed.
pub const CONTAIN_LIFETIME_BOUND: u32 = 0;
/// When the caller dies the container lives on.
pub const CONTAIN_LIFETIME_DETACHED: u32 = 1;

pub(crate) fn lifetime(value: u32) -> Result<Lifetime, Error> {
    match value {
        CONTAIN_LIFETIME_BOUND => Ok(Lifetime::Bound),
        CONTAIN_LIFETIME_DETACHED => Ok(Lifetime::Detached),
        _ => Err(invalid("lifetime", value.to_string(), "it is a CONTAIN_LIFETIME_ value")),
    }
}

/// Changes one thing of a configuration: `value` reads and checks what is given, `store` puts it in. What is refused
/// leaves the configuration as it was.
///
/// # Safety
/// `config` is NULL or a live configuration that nobody else uses; `err` is NULL or can be written to.
pub(super) unsafe fn set<T>(
    config: *mut ConfigHandle,
    err: *mut *mut ErrorHandle,
    value: impl FnOnce() -> Result<T, Error>,
    store: impl FnOnce(&mut Config, T),
) -> c_int {
    // SAFETY: as the caller says.
    unsafe {
        call(err, || {
            let config = &mut borrow_mut(config)?.config;
            store(config, value()?);
            Ok(0)
        })
    }
}

/// Sets the root directory.
///
/// config: the configuration.
/// root: the directory that holds the root file system; looked at when the container is made.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_root(
    config: *mut ConfigHandle,
    root: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(config, err, || strings::bytes("root", root), |config, root| config.root = Root::Directory(root.into()))
    }
}

/// Makes the host's own system the root: read-only, with a tmpfs for what must be written.
///
/// config: the configuration.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_host_root(config: *mut ConfigHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || Ok(Root::Host), |config, root| config.root = root) }
}

/// Sets the command.
///
/// config: the configuration.
/// argv: the command and its arguments, a NULL behind the last.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or the command is empty.
/// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_argv(
    config: *mut ConfigHandle,
    argv: *const *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::command(argv), |config, argv| config.argv = argv) }
}

/// Sets the command's whole environment; at first it is container=contain, a usual PATH and HOME=/root.
///
/// config: the configuration.
/// env: NAME=VALUE, a NULL behind the last; of two of one name the last one counts.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL. An entry that is no NAME=VALUE is refused when the configuration is used.
/// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_env(
    config: *mut ConfigHandle,
    env: *const *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::list("env", env), |config, env| config.env = env) }
}

/// Sets whether a command without a slash is looked up on the PATH of its environment; at first it is.
///
/// config: the configuration.
/// search: 0 or 1.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or search is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_search_path(
    config: *mut ConfigHandle,
    search: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || switch("search", search), |config, search| config.search_path = search) }
}

/// Sets the working directory inside; at first it is /.
///
/// config: the configuration.
/// path: a path inside the container.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_chdir(
    config: *mut ConfigHandle,
    path: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::bytes("path", path), |config, path| config.chdir = Some(path.into())) }
}

/// Sets the host name inside; at first it is the host's.
///
/// config: the configuration.
/// name: 1 to 64 bytes; looked at when the configuration is used.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_hostname(
    config: *mut ConfigHandle,
    name: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::bytes("name", name), |config, name| config.hostname = Some(name)) }
}

/// Sets the map of user ids; without one the usual one for this caller is taken.
///
/// config: the configuration.
/// map: START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host; looked at when it is used.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or map is not UTF-8.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_uid_map(
    config: *mut ConfigHandle,
    map: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::utf8("map", map), |config, map| config.uid_map = Some(map)) }
}

/// Sets the map of group ids, as contain_config_set_uid_map() sets that of user ids.
///
/// config: the configuration.
/// map: START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host; looked at when it is used.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or map is not UTF-8.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_gid_map(
    config: *mut ConfigHandle,
    map: *const c_char,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || strings::utf8("map", map), |config, map| config.gid_map = Some(map)) }
}

/// Sets whether a reaping PID 1 stands in front of the command; at first it does. Without it the command is PID 1,
/// which the kernel treats differently: signals without a handler do not end it.
///
/// config: the configuration.
/// init: 0 or 1.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or init is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_init(
    config: *mut ConfigHandle,
    init: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || switch("init", init), |config, init| config.init = init) }
}

/// Sets the seccomp profile; at first it is CONTAIN_SECCOMP_APP.
///
/// config: the configuration.
/// seccomp: a CONTAIN_SECCOMP_ value.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or seccomp is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_seccomp(
    config: *mut ConfigHandle,
    seccomp: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || profile(seccomp), |config, profile| config.seccomp = profile) }
}

/// Sets the seccomp filter in place of a profile: one of the caller's own, or a named one. Unless others are named, the
/// capabilities that go with one of the caller's own are those of CONTAIN_SECCOMP_APP.
///
/// config: the configuration.
/// seccomp: the filter.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL; -E2BIG if the filter has more than 4096 instructions.
/// Ownership: the filter is copied as it is. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_seccomp_filter(
    config: *mut ConfigHandle,
    seccomp: *const SeccompHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || borrow(seccomp)?.profile().cloned(), |config, profile| config.seccomp = profile) }
}

/// Sets whether the command and all it starts are kept from gaining privilege by exec; at first they are.
///
/// config: the configuration.
/// no_new_privs: 0 or 1.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or no_new_privs is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_no_new_privs(
    config: *mut ConfigHandle,
    no_new_privs: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || switch("no_new_privs", no_new_privs), |config, kept| config.no_new_privs = kept) }
}

/// Sets what the death of the calling process means for the container; at first it is CONTAIN_LIFETIME_BOUND.
///
/// config: the configuration.
/// lifetime: a CONTAIN_LIFETIME_ value.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or lifetime is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_lifetime(
    config: *mut ConfigHandle,
    lifetime: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || self::lifetime(lifetime), |config, lifetime| config.lifetime = lifetime) }
}
