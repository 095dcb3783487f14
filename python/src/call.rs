// SPDX-License-Identifier: MIT OR Apache-2.0
//! Calls into the runtime: without the interpreter's lock, no panic let through, errors as `contain.ContainError`.

use contain::{Error, Kind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls the runtime; other threads of Python run meanwhile.
pub fn unlocked<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send) -> PyResult<T> {
    attempt(py, work).map_err(|error| raise(py, &error))
}

/// As [`unlocked`], for a wait: a signal runs Python's handlers, one of which may raise, and the wait goes on.
pub fn interruptible<T: Send>(py: Python<'_>, mut work: impl FnMut() -> Result<T, Error> + Send) -> PyResult<T> {
    loop {
        match attempt(py, &mut work) {
            Err(error) if is_interrupted(&error) => py.check_signals()?,
            other => return other.map_err(|error| raise(py, &error)),
        }
    }
}

fn attempt<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    // A runtime that panicked half-way is consistent: its handles hold descriptors, and its lock forgives poison.
    py.detach(|| catch_unwind(AssertUnwindSafe(work))).unwrap_or_else(|_| {
        Err(Error::new(Kind::Internal, "python", "call the runtime", "").cause("a defect in contain: please report it"))
    })
}

fn is_interrupted(error: &Error) -> bool {
    let kind = error.errno.map(|errno| std::io::Error::from_raw_os_error(errno).kind());
    kind == Some(std::io::ErrorKind::Interrupted)
}

/// The exception of an error: `contain._errors.from_native` knows the classes.
pub fn raise(py: Python<'_>, error: &Error) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let arguments = (
        error.kind as i32,
        error.to_string(),
        error.errno,
        error.stage,
        error.step,
        &error.object,
        &error.kernel_message,
        &error.cause,
        &error.remedy,
        error.in_child,
        error.status,
    );
    let made = MAKE.import(py, "contain._errors", "from_native").and_then(|make| make.call1(arguments));
    made.map_or_else(|failed| failed, PyErr::from_value)
}
