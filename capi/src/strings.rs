// SPDX-License-Identifier: MIT OR Apache-2.0
//! Strings from C and to C: bytes up to a NUL that need not be UTF-8, and lists of them up to a NULL.

use crate::boundary::{Output, invalid, null};
use runtime::Error;
use std::ffi::{CStr, CString, OsStr, OsString, c_char};
use std::os::unix::ffi::OsStrExt;

/// The longest document that is read; more is a mistake.
const LONGEST: usize = 1 << 30;

/// A string's bytes, copied.
///
/// # Safety
/// `pointer` is NULL or a NUL-terminated string.
pub(crate) unsafe fn bytes(name: &str, pointer: *const c_char) -> Result<OsString, Error> {
    if pointer.is_null() {
        return Err(null(name));
    }
    // SAFETY: not NULL; NUL-terminated, as the caller says.
    let text = unsafe { CStr::from_ptr(pointer) };
    Ok(OsStr::from_bytes(text.to_bytes()).to_owned())
}

/// A string that has to be UTF-8.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn utf8(name: &str, pointer: *const c_char) -> Result<String, Error> {
    // SAFETY: as the caller says.
    let text = unsafe { bytes(name, pointer) }?;
    text.into_string().map_err(|text| invalid(name, format!("{text:?}"), "it is not UTF-8"))
}

/// A string that may be NULL and has to be UTF-8.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn optional(name: &str, pointer: *const c_char) -> Result<Option<String>, Error> {
    // SAFETY: as the caller says.
    if pointer.is_null() { Ok(None) } else { unsafe { utf8(name, pointer) }.map(Some) }
}

/// A string's bytes, copied, or none of NULL.
///
/// # Safety
/// As [`bytes`].
pub(crate) unsafe fn optional_bytes(pointer: *const c_char) -> Option<OsString> {
    // SAFETY: as the caller says.
    unsafe { bytes("", pointer) }.ok()
}

/// A document: bytes that no NUL ends.
///
/// # Safety
/// `pointer` is NULL or `length` bytes can be read there until the call returns.
pub(crate) unsafe fn document<'a>(name: &str, pointer: *const c_char, length: usize) -> Result<&'a [u8], Error> {
    if pointer.is_null() {
        return Err(null(name));
    }
    if length > LONGEST {
        return Err(invalid("length", length.to_string(), format!("a document has at most {LONGEST} bytes")));
    }
    // SAFETY: not NULL, and that many bytes long, as the caller says.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast(), length) })
}

/// Where a text and its length go.
pub(crate) struct Text {
    text: Output<*mut c_char>,
    length: Output<usize>,
}

impl Text {
    /// The text is wanted, its length may be NULL.
    ///
    /// # Safety
    /// Both are NULL or can be written to until the call returns.
    pub(crate) unsafe fn new(text: *mut *mut c_char, length: *mut usize) -> Result<Text, Error> {
        // SAFETY: as the caller says.
        unsafe { Ok(Text { text: Output::new("text", text)?, length: Output::optional(length) }) }
    }

    /// Writes a copy that the caller frees.
    pub(crate) fn write(self, text: &str) {
        let text = owned(text);
        self.length.write(text.as_bytes().len());
        self.text.write(text.into_raw());
    }
}

/// A list of strings that a NULL ends, copied.
///
/// # Safety
/// `pointer` is NULL or an array of strings that a NULL ends.
pub(crate) unsafe fn list(name: &str, pointer: *const *const c_char) -> Result<Vec<OsString>, Error> {
    if pointer.is_null() {
        return Err(null(name));
    }
    let mut all = Vec::new();
    let mut next = pointer;
    loop {
        // SAFETY: the entry that ends the list has not been passed.
        let entry = unsafe { next.read() };
        if entry.is_null() {
            return Ok(all);
        }
        // SAFETY: an entry of the list is a string.
        all.push(unsafe { bytes(name, entry) }?);
        // SAFETY: there is at least the entry that ends the list.
        next = unsafe { next.add(1) };
    }
}

/// A command: a list that is not empty.
///
/// # Safety
/// As [`list`].
pub(crate) unsafe fn command(pointer: *const *const c_char) -> Result<Vec<OsString>, Error> {
    // SAFETY: as the caller says.
    let argv = unsafe { list("argv", pointer) }?;
    // As the runtime says it, and the command line; a name that is empty is one that is not found.
    if argv.is_empty() { Err(Error::invalid("argv", "", "there is no command; name a program")) } else { Ok(argv) }
}

/// Text for C; bytes from a NUL on are left out.
pub(crate) fn owned(text: &str) -> CString {
    let end = text.bytes().position(|byte| byte == 0).unwrap_or(text.len());
    CString::new(text.get(..end).unwrap_or_default()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_with_a_nul_ends_there() {
        assert_eq!(owned("a\0b").as_c_str(), c"a");
        assert_eq!(owned("grün").to_str().unwrap(), "grün");
        assert_eq!(owned("").as_c_str(), c"");
    }

    #[test]
    fn list_keeps_bytes_that_are_no_utf8() {
        let entries = [c"a".as_ptr(), c"\xff\xfe".as_ptr(), std::ptr::null()];
        // SAFETY: NULL ends it.
        let all = unsafe { list("argv", entries.as_ptr()) }.unwrap();
        assert_eq!(all, [OsStr::from_bytes(b"a"), OsStr::from_bytes(b"\xff\xfe")]);
    }

    #[test]
    fn command_without_a_program_is_refused() {
        let empty = [std::ptr::null()];
        // SAFETY: NULL ends it.
        unsafe {
            assert!(command(empty.as_ptr()).is_err());
            assert!(command(std::ptr::null()).is_err());
        }
    }
}
