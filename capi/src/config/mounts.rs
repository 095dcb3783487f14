// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is mounted in a container, and what of it can be written.

use super::ConfigHandle;
use super::set::set;
use crate::boundary::{invalid, switch};
use crate::error::ErrorHandle;
use crate::strings;
use runtime::{Mount, NewFile, Overlay};
use std::ffi::{c_char, c_int};

/// Adds a file or directory of the host, with all that is mounted below it. Mounts are made in the order in which they
/// were added, after all others.
///
/// config: the configuration.
/// source: a path on the host, looked up in the caller's working directory and with the caller's rights.
/// target: an absolute path inside; links are resolved inside, and what is missing is made.
/// read_only: 0 or 1: whether nothing can be written through it.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or read_only is another number. Paths are looked at when the configuration is
/// used.
/// Ownership: the strings are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_add_bind(
    config: *mut ConfigHandle,
    source: *const c_char,
    target: *const c_char,
    read_only: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || {
                let (source, target) = (strings::bytes("source", source)?, strings::bytes("target", target)?);
                let read_only = switch("read_only", read_only)?;
                Ok(Mount::Bind { source: source.into(), target: target.into(), read_only })
            },
            |config, mount| config.mounts.push(mount),
        )
    }
}

/// Adds an empty file system in memory, without devices and set-user-id programs.
///
/// config: the configuration.
/// target: an absolute path inside, as of contain_config_add_bind().
/// size: how many bytes it can hold; 0: half of the machine's memory.
/// mode: permissions of its root directory, such as 0755.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL. Path and mode are looked at when the configuration is used.
/// Ownership: the string is copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_add_tmpfs(
    config: *mut ConfigHandle,
    target: *const c_char,
    size: u64,
    mode: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || {
                let target = strings::bytes("target", target)?.into();
                Ok(Mount::Tmpfs { target, size: (size != 0).then_some(size), mode })
            },
            |config, mount| config.mounts.push(mount),
        )
    }
}

/// Adds a file that is made before the command starts, in a file system that the container has for itself: a tmpfs. It
/// belongs to the container's root; directories on the way are made.
///
/// config: the configuration.
/// path: an absolute path inside.
/// contents: what it holds; NULL, with a length of 0: nothing.
/// length: how many bytes that is.
/// mode: its permissions, at most 07777.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config or path is NULL. Path, mode and the length of all files together are looked at when the
/// configuration is used.
/// Ownership: path and contents are copied. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_add_file(
    config: *mut ConfigHandle,
    path: *const c_char,
    contents: *const c_char,
    length: usize,
    mode: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || {
                let path = strings::bytes("path", path)?.into();
                let contents = match length {
                    0 => Vec::new(),
                    _ => strings::document("contents", contents, length)?.to_vec(),
                };
                Ok(NewFile { path, contents, mode })
            },
            |config, file| config.files.push(file),
        )
    }
}

/// Takes out all mounts that contain_config_add_bind() and contain_config_add_tmpfs() have added.
///
/// config: the configuration.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_clear_mounts(config: *mut ConfigHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || Ok(()), |config, ()| config.mounts.clear()) }
}

/// Sets whether what is written to the root goes to memory and away with the container; at first it does not. Nothing
/// may then be mounted below the root directory on the host; the host's own system is writable in that way.
///
/// config: the configuration.
/// overlay: 0 or 1.
/// size: how many bytes can be written; 0: half of the machine's memory, and without an overlay.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL, overlay is another number, or there is a size without an overlay.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_overlay(
    config: *mut ConfigHandle,
    overlay: u32,
    size: u64,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || match (switch("overlay", overlay)?, size) {
                (true, 0) => Ok(Some(Overlay { size: None })),
                (true, size) => Ok(Some(Overlay { size: Some(size) })),
                (false, 0) => Ok(None),
                (false, size) => Err(invalid("size", size.to_string(), "without an overlay it is 0")),
            },
            |config, overlay| config.overlay = overlay,
        )
    }
}

/// Sets whether nothing can be written to the root and what is mounted below it; at first it can. /dev, /proc and the
/// added mounts stay as they are.
///
/// config: the configuration.
/// read_only: 0 or 1.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or read_only is another number.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_read_only(
    config: *mut ConfigHandle,
    read_only: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { set(config, err, || switch("read_only", read_only), |config, read_only| config.read_only = read_only) }
}
