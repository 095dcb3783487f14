// SPDX-License-Identifier: MIT OR Apache-2.0
//! Errors: an object that the caller owns, with a stable code to branch on and texts for people. Reading one never
//! fails, also where every other call refuses.

use crate::boundary::free;
use crate::strings::owned;
use runtime::{Error, Kind};
use std::ffi::{CString, c_char, c_int};

/// A value that is not allowed; nothing was done.
pub const CONTAIN_E_INVALID: i32 = 1;
/// The kernel refused an operation.
pub const CONTAIN_E_SYSTEM: i32 = 2;
/// The root file system cannot be used as given.
pub const CONTAIN_E_ROOT: i32 = 3;
/// User or group ids cannot be mapped as asked.
pub const CONTAIN_E_ID_MAP: i32 = 4;
/// The command does not exist in the container.
pub const CONTAIN_E_NOT_FOUND: i32 = 5;
/// The command exists but cannot be executed.
pub const CONTAIN_E_NOT_EXECUTABLE: i32 = 6;
/// A helper program failed.
pub const CONTAIN_E_HELPER: i32 = 7;
/// The container, or the process, is not there any more.
pub const CONTAIN_E_GONE: i32 = 8;
/// This process gained ids or capabilities when it was executed; every call refuses.
pub const CONTAIN_E_SECURE_EXEC: i32 = 9;
/// The machine cannot do it: kernel too old, feature or limit missing.
pub const CONTAIN_E_UNSUPPORTED: i32 = 10;
/// A limit of the library itself.
pub const CONTAIN_E_TOO_BIG: i32 = 11;
/// A handle was used in a process that did not make it.
pub const CONTAIN_E_WRONG_PROCESS: i32 = 12;
/// A defect in the library.
pub const CONTAIN_E_INTERNAL: i32 = 13;
/// A container of this id exists already.
pub const CONTAIN_E_EXISTS: i32 = 14;
/// The container is not started, running, paused, or held by another caller.
pub const CONTAIN_E_BUSY: i32 = 15;

const fn same(code: i32, kind: Kind) -> bool {
    code == kind as i32
}

const _: () = {
    assert!(same(CONTAIN_E_INVALID, Kind::Invalid) && same(CONTAIN_E_SYSTEM, Kind::System));
    assert!(same(CONTAIN_E_ROOT, Kind::Root) && same(CONTAIN_E_ID_MAP, Kind::IdMap));
    assert!(same(CONTAIN_E_NOT_FOUND, Kind::NotFound) && same(CONTAIN_E_NOT_EXECUTABLE, Kind::NotExecutable));
    assert!(same(CONTAIN_E_HELPER, Kind::Helper) && same(CONTAIN_E_GONE, Kind::Gone));
    assert!(same(CONTAIN_E_SECURE_EXEC, Kind::SecureExec) && same(CONTAIN_E_UNSUPPORTED, Kind::Unsupported));
    assert!(same(CONTAIN_E_TOO_BIG, Kind::TooBig) && same(CONTAIN_E_WRONG_PROCESS, Kind::WrongProcess));
    assert!(same(CONTAIN_E_INTERNAL, Kind::Internal));
    assert!(same(CONTAIN_E_EXISTS, Kind::Exists) && same(CONTAIN_E_BUSY, Kind::Busy));
};

/// What went wrong. Belongs to the caller, who frees it with contain_error_free(); may be read by several threads at
/// once.
pub struct ErrorHandle {
    pub(crate) code: i32,
    errno: i32,
    step: u32,
    in_child: bool,
    stage: CString,
    object: CString,
    pub(crate) message: CString,
    kernel_message: Option<CString>,
    cause: Option<CString>,
    remedy: Option<CString>,
}

impl ErrorHandle {
    pub(crate) fn new(error: &Error) -> ErrorHandle {
        let optional = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(owned);
        ErrorHandle {
            code: error.kind as i32,
            errno: errno_of(error),
            step: error.step.unwrap_or(0),
            in_child: error.in_child,
            stage: owned(error.stage),
            object: owned(&error.object),
            message: owned(&error.to_string()),
            kernel_message: optional(&error.kernel_message),
            cause: optional(&error.cause),
            remedy: optional(&error.remedy),
        }
    }
}

/// The errno that stands for an error: the kernel's where it gave one. Always above 0.
pub(crate) fn errno_of(error: &Error) -> c_int {
    let usual = match error.kind {
        Kind::Invalid | Kind::Root | Kind::IdMap => libc::EINVAL,
        Kind::NotFound => libc::ENOENT,
        Kind::NotExecutable => libc::EACCES,
        Kind::Gone => libc::ESRCH,
        Kind::SecureExec => libc::EPERM,
        Kind::Unsupported => libc::EOPNOTSUPP,
        Kind::TooBig => libc::E2BIG,
        Kind::WrongProcess => libc::ECHILD,
        Kind::Internal => libc::ENOTRECOVERABLE,
        Kind::Exists => libc::EEXIST,
        Kind::Busy => libc::EBUSY,
        _ => libc::EIO,
    };
    error.errno.filter(|errno| (1..4096).contains(errno)).unwrap_or(usual)
}

/// What a text code of the library means, in a few words.
fn code_text(code: i32) -> &'static std::ffi::CStr {
    match code {
        0 => c"no error",
        CONTAIN_E_INVALID => c"a value that is not allowed",
        CONTAIN_E_SYSTEM => c"the kernel refused an operation",
        CONTAIN_E_ROOT => c"the root file system cannot be used",
        CONTAIN_E_ID_MAP => c"ids cannot be mapped as asked",
        CONTAIN_E_NOT_FOUND => c"the command does not exist in the container",
        CONTAIN_E_NOT_EXECUTABLE => c"the command cannot be executed",
        CONTAIN_E_HELPER => c"a helper program failed",
        CONTAIN_E_GONE => c"the container or process is not there",
        CONTAIN_E_SECURE_EXEC => c"this process has more privilege than its user",
        CONTAIN_E_UNSUPPORTED => c"this machine cannot do it",
        CONTAIN_E_TOO_BIG => c"a limit of the library is passed",
        CONTAIN_E_WRONG_PROCESS => c"a handle of another process",
        CONTAIN_E_INTERNAL => c"a defect in the library",
        CONTAIN_E_EXISTS => c"a container of this id exists",
        CONTAIN_E_BUSY => c"the container is in use",
        _ => c"an unknown error",
    }
}

/// What a CONTAIN_E_ code means, in a few words.
///
/// code: the code; unknown ones are said to be unknown.
/// Returns: a string that lasts as long as the program; never NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn contain_error_code_text(code: i32) -> *const c_char {
    code_text(code).as_ptr()
}

/// Reads one field of an error.
///
/// # Safety
/// `error` is NULL or a live error.
unsafe fn read<'a, T>(error: *const ErrorHandle, none: T, field: impl FnOnce(&'a ErrorHandle) -> T) -> T {
    // SAFETY: as the caller says.
    unsafe { error.as_ref() }.map_or(none, field)
}

fn pointer(text: Option<&CString>) -> *const c_char {
    text.map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The stable code of an error, to branch on.
///
/// error: the error, or NULL.
/// Returns: a CONTAIN_E_ code; 0 if error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_code(error: *const ErrorHandle) -> i32 {
    // SAFETY: as this function's page asks.
    unsafe { read(error, 0, |error| error.code) }
}

/// The errno of an error: the kernel's own where it gave one, else the nearest. The call returned its negative.
///
/// error: the error, or NULL.
/// Returns: the errno, above 0; 0 if error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_errno(error: *const ErrorHandle) -> i32 {
    // SAFETY: as this function's page asks.
    unsafe { read(error, 0, |error| error.errno) }
}

/// The number of the plan's step that failed, as contain_config_explain() numbers them.
///
/// error: the error, or NULL.
/// Returns: the number, from 1; 0 if no step failed or error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_step(error: *const ErrorHandle) -> u32 {
    // SAFETY: as this function's page asks.
    unsafe { read(error, 0, |error| error.step) }
}

/// Whether an error arose in the container's own processes.
///
/// error: the error, or NULL.
/// Returns: 1 if it did; 0 if it arose in the caller or error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_in_child(error: *const ErrorHandle) -> i32 {
    // SAFETY: as this function's page asks.
    unsafe { read(error, 0, |error| error.in_child.into()) }
}

/// Where an error arose, as dotted words that stay the same: "rootfs.mount", "config".
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error; NULL if error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_stage(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| Some(&error.stage)) })
}

/// What was being worked on: a path, an argument, an id.
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error, perhaps empty; NULL if error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_object(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| Some(&error.object)) })
}

/// The whole error in one line for a person: step, operation, object, errno, what the kernel said, cause.
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error; NULL if error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_message(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| Some(&error.message)) })
}

/// What the kernel itself said about it.
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error; NULL if it said nothing or error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_kernel_message(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| error.kernel_message.as_ref()) })
}

/// The likely cause.
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error; NULL if none is known or error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_cause(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| error.cause.as_ref()) })
}

/// What to do about it.
///
/// error: the error, or NULL.
/// Returns: a string that lasts as long as the error; NULL if nothing is known or error is NULL.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_get_remedy(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: as this function's page asks.
    pointer(unsafe { read(error, None, |error| error.remedy.as_ref()) })
}

/// Frees an error and every string that was read from it.
///
/// error: the error; NULL is fine.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_error_free(error: *mut ErrorHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_of_every_kind_is_positive() {
        for kind in [Kind::Invalid, Kind::System, Kind::Helper, Kind::Internal, Kind::WrongProcess] {
            assert!(errno_of(&Error::new(kind, "", "", "")) > 0);
            assert_eq!(errno_of(&Error::new(kind, "", "", "").errno(libc::EMFILE)), libc::EMFILE);
            assert!(errno_of(&Error::new(kind, "", "", "").errno(0)) > 0);
            assert!(errno_of(&Error::new(kind, "", "", "").errno(i32::MIN)) > 0);
        }
    }

    #[test]
    fn code_text_is_known_for_every_code_and_differs() {
        let texts: Vec<_> = (0..=CONTAIN_E_BUSY).map(code_text).collect();
        for (at, text) in texts.iter().enumerate() {
            assert_ne!(*text, code_text(-1));
            assert!(!texts[..at].contains(text));
        }
    }
}
