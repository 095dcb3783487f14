// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library as such: its version, what it can do, and the strings that it gave out.

use crate::boundary::call;
use crate::error::ErrorHandle;
use crate::strings::{self, Text};
use std::ffi::{CString, c_char, c_int};

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");

/// What `contain_has_feature` knows. A name is never taken back.
const FEATURES: &[&str] = &[
    "capabilities",
    "config-json",
    "console-emulated",
    "console-taken",
    "copy-files",
    "events",
    "explain-json",
    "files",
    "helpers",
    "host-root",
    "init",
    "inject",
    "inject-rights",
    "lifetime-detached",
    "mounts",
    "network-host",
    "network-private",
    "network-veth",
    "overlay",
    "pass-fds",
    "preserve-fds",
    "probe",
    "rlimits",
    "seccomp-app",
    "seccomp-oci",
    "seccomp-rules",
    "seccomp-system",
    "seccomp-test",
    "state",
    "stdio-pipe",
    "timeout",
    "user",
    "userns",
];

/// The version of the library, as MAJOR.MINOR.PATCH. For people: programs ask contain_has_feature().
///
/// Returns: a string that lasts as long as the program; never NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn contain_version() -> *const c_char {
    VERSION.as_ptr().cast()
}

/// Whether this library has a feature. The names: docs/abi.md.
///
/// name: the feature's name.
/// err: where an error goes, or NULL.
/// Returns: 1 if it has, 0 if it has not or does not know the name; negative on failure.
/// Errors: -EINVAL if name is NULL.
/// Ownership: the string stays the caller's. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_has_feature(name: *const c_char, err: *mut *mut ErrorHandle) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let name = strings::bytes("name", name)?;
            Ok(FEATURES.iter().any(|feature| name == *feature).into())
        })
    }
}

/// Finds out what this host allows, what is missing and how to mend it, as contain --doctor --json does. It starts a
/// container of the host's own system, which ends at once.
///
/// text: where the JSON goes, ended by NUL; the caller frees it with contain_string_free().
/// length: where its length without the NUL goes; NULL if it is not wanted.
/// err: where an error goes, or NULL.
/// Returns: 1 if containers of the host's own system work here; 0 if not; negative on failure.
/// Errors: -EINVAL if text is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_probe(
    text: *mut *mut c_char,
    length: *mut usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Text::new(text, length)?;
            let report = runtime::probe();
            place.write(&report.json());
            Ok(report.works().into())
        })
    }
}

/// Frees a string that the library made.
///
/// text: the string; NULL is fine.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it came from `CString::into_raw`.
        drop(unsafe { CString::from_raw(text) });
    }
}
