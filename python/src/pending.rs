// SPDX-License-Identifier: MIT OR Apache-2.0
//! Containers and injected processes that are being made: Python waits for them, in a loop of its own or of asyncio's.

use crate::call::unlocked;
use crate::descriptor::Descriptor;
use crate::handle::{Container, Process, failed};
use contain::Error;
use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::pyclass_init::PyClassInitializer;
use pyo3::sync::PyOnceLock;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A container that is being made.
#[pyclass(frozen, module = "contain._native")]
pub struct PendingContainer {
    work: Work<contain::Container, Container>,
    owned: bool,
}

/// A process inside a container that is being made.
#[pyclass(frozen, module = "contain._native")]
pub struct PendingProcess {
    work: Work<contain::Process, Process>,
}

/// What is being made, and its handle once it is there: whoever lost that can ask again.
struct Work<T, Handle> {
    pending: Mutex<contain::Pending<T>>,
    made: PyOnceLock<Py<Handle>>,
}

impl<T: Send, Handle: PyClass<Frozen = True> + Send + Sync + Into<PyClassInitializer<Handle>>> Work<T, Handle> {
    fn new(pending: contain::Pending<T>) -> Work<T, Handle> {
        Work { pending: Mutex::new(pending), made: PyOnceLock::new() }
    }

    fn pending(&self) -> MutexGuard<'_, contain::Pending<T>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A duplicate, which is the caller's.
    fn news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        unlocked(py, || {
            let news = self.pending().news()?.try_clone_to_owned();
            news.map(Descriptor::from).map_err(|error| failed("duplicate", "a descriptor", &error))
        })
    }

    fn finish(
        &self,
        py: Python<'_>,
        handle: impl FnOnce(T) -> Result<Handle, Error> + Send,
    ) -> PyResult<Option<Py<Handle>>> {
        if self.made.get(py).is_none() {
            let Some(made) = unlocked(py, || self.pending().finish()?.map(handle).transpose())? else {
                return Ok(None);
            };
            let _ = self.made.set(py, Py::new(py, made)?);
        }
        Ok(self.made.get(py).map(|made| made.clone_ref(py)))
    }

    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        unlocked(py, || self.pending().kill())
    }
}

impl PendingContainer {
    /// `owned`: the container ends when its handle is dropped.
    pub fn new(pending: contain::Pending<contain::Container>, owned: bool) -> PendingContainer {
        PendingContainer { work: Work::new(pending), owned }
    }
}

impl PendingProcess {
    pub fn begin(
        py: Python<'_>,
        begin: impl FnOnce() -> Result<contain::Pending<contain::Process>, Error> + Send,
    ) -> PyResult<PendingProcess> {
        unlocked(py, begin).map(|pending| PendingProcess { work: Work::new(pending) })
    }
}

#[pymethods]
impl PendingContainer {
    /// A new descriptor that becomes readable when `finish` gets further.
    fn news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        self.work.news(py)
    }

    /// The container, or why it could not be made; None as long as neither is known.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<Py<Container>>> {
        self.work.finish(py, |inner| Container::new(inner, self.owned))
    }

    /// Kills what is not there yet; `finish` tells what became of it.
    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        self.work.kill(py)
    }
}

#[pymethods]
impl PendingProcess {
    /// As of a container.
    fn news(&self, py: Python<'_>) -> PyResult<Descriptor> {
        self.work.news(py)
    }

    /// As of a container.
    fn finish(&self, py: Python<'_>) -> PyResult<Option<Py<Process>>> {
        self.work.finish(py, Process::new)
    }

    /// As of a container.
    fn kill(&self, py: Python<'_>) -> PyResult<()> {
        self.work.kill(py)
    }
}
