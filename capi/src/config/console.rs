// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command's terminal: of a configuration, and of an injected command.

use super::ConfigHandle;
use super::set::set;
use crate::boundary::{borrow_mut, call, invalid};
use crate::error::ErrorHandle;
use runtime::{Console, Error, Window};
use std::ffi::c_int;

/// No terminal: the command gets the descriptors of its options.
pub const CONTAIN_CONSOLE_NONE: u32 = 0;
/// A terminal of its own on /dev/console, between which and the caller's standard input and output the supervisor
/// copies. The command takes no descriptors.
pub const CONTAIN_CONSOLE_EMULATED: u32 = 1;
/// A terminal of the container's own, also on /dev/console, whose other end contain_container_take_console() gives. Those
/// of the command's standard descriptors that are CONTAIN_STDIO_INHERIT are it, one of them at least.
pub const CONTAIN_CONSOLE_TAKEN: u32 = 2;

/// Sets the command's terminal; at first it is CONTAIN_CONSOLE_NONE.
///
/// config: the configuration.
/// console: a CONTAIN_CONSOLE_ value. One that is taken has 24 rows and 80 columns at first.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL or console is another number. Where all three standard descriptors lead elsewhere, or
/// one does with CONTAIN_CONSOLE_EMULATED, that is refused when the configuration is used.
/// Ownership: nothing is handed over. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_console(
    config: *mut ConfigHandle,
    console: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        set(
            config,
            err,
            || match console {
                CONTAIN_CONSOLE_NONE => Ok(Console::None),
                CONTAIN_CONSOLE_EMULATED => Ok(Console::Emulated),
                CONTAIN_CONSOLE_TAKEN => Ok(Console::Taken(Window::default())),
                _ => Err(invalid("console", console.to_string(), "it is a CONTAIN_CONSOLE_ value")),
            },
            |config, console| config.console = console,
        )
    }
}

/// Sets the size that a console to take has from before the command begins. Later the caller changes it by TIOCSWINSZ on
/// what it has taken (ioctl_tty(2)).
///
/// config: the configuration, with CONTAIN_CONSOLE_TAKEN.
/// rows: its height in characters, 0 to 65535.
/// columns: its width, likewise; 0 and 0 stand for a size that is not known.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if config is NULL, its console is not CONTAIN_CONSOLE_TAKEN, or a number is too large.
/// Ownership: nothing is handed over. Threads: one at a time on one configuration. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_config_set_console_size(
    config: *mut ConfigHandle,
    rows: u32,
    columns: u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let config = &mut borrow_mut(config)?.config;
            let window = Window { rows: length("rows", rows)?, columns: length("columns", columns)? };
            let Console::Taken(now) = &mut config.console else {
                let shown = format!("{rows} rows, {columns} columns");
                return Err(invalid(
                    "size",
                    shown,
                    "only a console of CONTAIN_CONSOLE_TAKEN has one: ask for that first",
                ));
            };
            *now = window;
            Ok(0)
        })
    }
}

fn length(name: &str, value: u32) -> Result<u16, Error> {
    u16::try_from(value).map_err(|_| invalid(name, value.to_string(), "it is a number of characters from 0 to 65535"))
}

/// What an injected command has as terminal.
pub(crate) fn of_injection(console: u32, rows: u16, columns: u16) -> Result<Option<Window>, Error> {
    match console {
        CONTAIN_CONSOLE_NONE if (rows, columns) == (0, 0) => Ok(None),
        CONTAIN_CONSOLE_NONE => {
            let shown = format!("{rows} rows, {columns} columns");
            Err(invalid("console_rows", shown, "both are 0 without a console"))
        }
        CONTAIN_CONSOLE_TAKEN => Ok(Some(Window { rows, columns })),
        _ => {
            let allowed = "an injected command's is CONTAIN_CONSOLE_NONE or CONTAIN_CONSOLE_TAKEN";
            Err(invalid("console", console.to_string(), allowed))
        }
    }
}
