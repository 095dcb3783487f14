// SPDX-License-Identifier: MIT OR Apache-2.0
//! Descriptors for Python, as objects: a signal's handler may raise before a call's result has a name, and a number would
//! then stay open for good.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

/// A descriptor that is closed with its object.
#[pyclass(frozen, module = "contain._native")]
pub struct Descriptor(Mutex<Option<OwnedFd>>);

impl From<OwnedFd> for Descriptor {
    fn from(fd: OwnedFd) -> Descriptor {
        Descriptor(Mutex::new(Some(fd)))
    }
}

#[pymethods]
impl Descriptor {
    /// Its number.
    fn fileno(&self) -> PyResult<RawFd> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(AsRawFd::as_raw_fd).ok_or_else(|| PyValueError::new_err("the descriptor has been closed"))
    }

    /// Closes it.
    fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A pipe as two files: the end to read from, the end to write to.
#[pyfunction]
pub fn pipe(py: Python<'_>) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>)> {
    let (reader, writer) = std::io::pipe()?;
    Ok((file(py, reader.into(), "rb")?, file(py, writer.into(), "wb")?))
}

/// io.FileIO, which closes it.
fn file<'py>(py: Python<'py>, fd: OwnedFd, mode: &str) -> PyResult<Bound<'py, PyAny>> {
    static FILE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let made = FILE.import(py, "io", "FileIO")?.call1((fd.as_raw_fd(), mode))?;
    // From here on it is the file's.
    let _ = fd.into_raw_fd();
    Ok(made)
}
