// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configurations as JSON (docs/abi.md), and whether one can be used.

use super::{ConfigHandle, boxed};
use crate::boundary::{Output, borrow, call};
use crate::error::ErrorHandle;
use crate::strings::{self, Text};
use runtime::Config;
use std::ffi::{c_char, c_int};

/// Makes a configuration of a JSON object (docs/abi.md). What it leaves out is as contain_config_new() has it.
///
/// document: the JSON, which no NUL need end.
/// length: its length in bytes.
/// config: where the new configuration goes; the caller frees it with contain_config_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL, it is no JSON, a field is unknown or missing, or a value is not allowed: the
/// error names the field, the value and what is allowed.
/// Ownership: the document stays the caller's. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_from_json(
    document: *const c_char,
    length: usize,
    config: *mut *mut ConfigHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("config", config)?;
            place.write(boxed(Config::from_json(strings::document("document", document, length)?)?));
            Ok(0)
        })
    }
}

/// Gives all of a configuration as one JSON object.
///
/// config: the configuration.
/// text: where the JSON goes, ended by NUL; the caller frees it with contain_string_free().
/// length: where its length without the NUL goes; NULL if it is not wanted.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config or text is NULL.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_to_json(
    config: *const ConfigHandle,
    text: *mut *mut c_char,
    length: *mut usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Text::new(text, length)?;
            place.write(&borrow(config)?.config.to_json());
            Ok(0)
        })
    }
}

/// Finds out whether a container could be made of a configuration, as far as that can be told without making one.
///
/// config: the configuration.
/// err: where an error goes, or NULL.
/// Returns: 0 if it could; negative on failure.
/// Errors: those of contain_container_create() that arise before anything is done.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_validate(config: *const ConfigHandle, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe { call(err, || runtime::explain::validate(&borrow(config)?.config).map(|()| 0)) }
}
