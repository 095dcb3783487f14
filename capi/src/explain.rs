// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of a configuration, before anything is done.

use crate::boundary::{borrow, call, invalid};
use crate::config::ConfigHandle;
use crate::error::ErrorHandle;
use crate::strings::Text;
use std::ffi::{c_char, c_int};

/// The plan for a person, one line a step.
pub const CONTAIN_EXPLAIN_TEXT: u32 = 0;
/// The plan for a program, as JSON.
pub const CONTAIN_EXPLAIN_JSON: u32 = 1;

/// Says what making a container of a configuration would do, step by step, and does nothing.
///
/// config: the configuration.
/// format: a CONTAIN_EXPLAIN_ value.
/// text: where the plan goes, ended by NUL; the caller frees it with contain_string_free().
/// length: where its length without the NUL goes; NULL if it is not wanted.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config or text is NULL, format is another number, or the configuration is not allowed.
/// Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_explain(
    config: *const ConfigHandle,
    format: u32,
    text: *mut *mut c_char,
    length: *mut usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let config = &borrow(config)?.config;
            let place = Text::new(text, length)?;
            let plan = match format {
                CONTAIN_EXPLAIN_TEXT => runtime::explain::run_text(config)?,
                CONTAIN_EXPLAIN_JSON => runtime::explain::run_json(config)?,
                _ => return Err(invalid("format", format.to_string(), "it is a CONTAIN_EXPLAIN_ value")),
            };
            place.write(&plan);
            Ok(0)
        })
    }
}
