// SPDX-License-Identifier: MIT OR Apache-2.0
//! The boundary between C and Rust: no panic crosses it, no privileged process passes it, NULL and foreign handles
//! are errors. Owns how a call begins and ends; assumes that pointers are NULL or valid.

use crate::error::ErrorHandle;
use runtime::{Error, Kind};
use std::ffi::c_int;
use std::panic::{AssertUnwindSafe, catch_unwind};

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, before: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE of the C libraries for Linux.
const DISABLE: c_int = 1;

/// While it lives the calling thread is not cancelled: that would unwind through Rust, which ends the process.
struct NotCancelled(c_int);

impl NotCancelled {
    fn new() -> NotCancelled {
        let mut before = 0;
        // SAFETY: changes the calling thread's own state alone, and `before` can be written to.
        unsafe { pthread_setcancelstate(DISABLE, &raw mut before) };
        NotCancelled(before)
    }
}

impl Drop for NotCancelled {
    fn drop(&mut self) {
        let mut before = 0;
        // SAFETY: as above; what it was before is a state.
        unsafe { pthread_setcancelstate(self.0, &raw mut before) };
    }
}

/// Does one call: refuses privilege, catches panics, and hands an error over to the caller.
///
/// # Safety
/// `err` is NULL or can be written to.
pub(crate) unsafe fn call(err: *mut *mut ErrorHandle, body: impl FnOnce() -> Result<c_int, Error>) -> c_int {
    let _not_cancelled = NotCancelled::new();
    let guarded = || {
        runtime::check_privilege()?;
        body()
    };
    let error = match catch_unwind(AssertUnwindSafe(guarded)) {
        Ok(Ok(value)) => return value.max(0),
        Ok(Err(error)) => error,
        Err(payload) => internal(payload.as_ref()),
    };
    let code = crate::error::errno_of(&error).saturating_neg();
    if !err.is_null() {
        let made = catch_unwind(AssertUnwindSafe(|| Box::into_raw(Box::new(ErrorHandle::new(&error)))));
        // SAFETY: not NULL, and the caller says that it can be written to.
        unsafe { err.write(made.unwrap_or(std::ptr::null_mut())) };
    }
    code
}

/// Drops what a handle owns. NULL is fine, and so is a child forked from the process that made the handle.
///
/// # Safety
/// `pointer` is NULL or came from `Box::into_raw`, and is not used again.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        let _not_cancelled = NotCancelled::new();
        // SAFETY: it came from a box, and the caller gives it up.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(pointer) })));
    }
}

fn internal(payload: &(dyn std::any::Any + Send)) -> Error {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic");
    Error::new(Kind::Internal, "library", "finish the call", "").cause(format!("a defect in contain: {text}"))
}

/// What every handle remembers: the process that made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Maker(u32);

impl Maker {
    /// This process.
    pub(crate) fn this_process() -> Maker {
        Maker(std::process::id())
    }
}

/// An object that C holds a pointer to.
pub(crate) trait Handle {
    /// What the object is called in errors.
    const NAME: &'static str;
    /// The process that made it.
    fn maker(&self) -> Maker;
}

fn check_maker<T: Handle>(handle: &T) -> Result<(), Error> {
    let Maker(process) = handle.maker();
    if process == std::process::id() {
        return Ok(());
    }
    Err(Error::new(Kind::WrongProcess, "library", format!("use the {} of", T::NAME), format!("process {process}"))
        .cause("this process was forked from the one that made it")
        .remedy("make it in the process that uses it"))
}

/// A handle to read.
///
/// # Safety
/// `pointer` is NULL or a live handle of this type, used by nobody else in a way that its page forbids.
pub(crate) unsafe fn borrow<'a, T: Handle>(pointer: *const T) -> Result<&'a T, Error> {
    // SAFETY: as the caller says.
    let handle = unsafe { pointer.as_ref() }.ok_or_else(|| null(T::NAME))?;
    check_maker(handle)?;
    Ok(handle)
}

/// A handle to change.
///
/// # Safety
/// As [`borrow`], and nobody else uses it meanwhile.
pub(crate) unsafe fn borrow_mut<'a, T: Handle>(pointer: *mut T) -> Result<&'a mut T, Error> {
    // SAFETY: as the caller says.
    let handle = unsafe { pointer.as_mut() }.ok_or_else(|| null(T::NAME))?;
    check_maker(handle)?;
    Ok(handle)
}

/// The place of an output: looked at before anything is done, written to after everything has been.
pub(crate) struct Output<T>(*mut T);

impl<T> Output<T> {
    /// Refuses NULL.
    ///
    /// # Safety
    /// `pointer` is NULL or can be written to until the call returns.
    pub(crate) unsafe fn new(name: &str, pointer: *mut T) -> Result<Output<T>, Error> {
        if pointer.is_null() { Err(null(name)) } else { Ok(Output(pointer)) }
    }

    /// As [`Output::new`], but NULL means that the value is not wanted.
    ///
    /// # Safety
    /// As there.
    pub(crate) unsafe fn optional(pointer: *mut T) -> Output<T> {
        Output(pointer)
    }

    /// Writes the value.
    pub(crate) fn write(self, value: T) {
        if !self.0.is_null() {
            // SAFETY: not NULL, and whoever made this says that it can be written to.
            unsafe { self.0.write(value) };
        }
    }
}

/// The error of an argument that is NULL and must not be.
pub(crate) fn null(name: &str) -> Error {
    invalid(name, "NULL", "it must be given")
}

/// The error of an argument that is not allowed.
pub(crate) fn invalid(name: &str, object: impl Into<String>, allowed: impl Into<String>) -> Error {
    Error { stage: "library", ..Error::invalid(name, object, allowed) }
}

/// A switch: 0 or 1.
pub(crate) fn switch(name: &str, value: u32) -> Result<bool, Error> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(invalid(name, value.to_string(), "it is 0 or 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_with_a_panic_gives_an_internal_error() {
        let mut error = std::ptr::null_mut();
        // SAFETY: `error` can be written to, and is freed once.
        unsafe {
            assert_eq!(call(&raw mut error, || panic!("on purpose")), -libc::ENOTRECOVERABLE);
            assert_eq!((*error).code, crate::error::CONTAIN_E_INTERNAL);
            assert!((*error).message.to_str().unwrap().contains("on purpose"));
            free(error);
            assert_eq!(call(std::ptr::null_mut(), || panic!("{}", "with text")), -libc::ENOTRECOVERABLE);
        }
    }

    #[test]
    fn free_with_a_panicking_drop_returns() {
        struct Loud;
        impl Drop for Loud {
            fn drop(&mut self) {
                panic!("on purpose");
            }
        }
        // SAFETY: a fresh box, freed once; NULL.
        unsafe {
            free(Box::into_raw(Box::new(Loud)));
            free(std::ptr::null_mut::<Loud>());
        }
    }

    #[test]
    fn call_with_a_negative_success_gives_zero() {
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { call(std::ptr::null_mut(), || Ok(-5)) }, 0);
    }
}
