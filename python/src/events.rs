// SPDX-License-Identifier: MIT OR Apache-2.0
//! The events of a container. They wait for nothing here: Python polls their descriptor.

use crate::call::{raise, unlocked};
use crate::handle::{Ending, ending};
use contain::{Error, Event, State};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What the container is doing, and how it ended, which makes the event its exit.
pub type EventParts = (&'static str, Option<Ending>);

/// The events of a container, until they are closed.
#[pyclass(frozen, module = "contain._native")]
pub struct Events(Mutex<Option<Arc<contain::Events>>>);

impl Events {
    pub fn of(container: &contain::Container) -> Result<Events, Error> {
        container.events().map(|events| Events(Mutex::new(Some(Arc::new(events)))))
    }

    fn opened(&self) -> PyResult<Arc<contain::Events>> {
        let opened = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        opened.ok_or_else(|| PyValueError::new_err("the events have been closed"))
    }
}

#[pymethods]
impl Events {
    /// The number of the descriptor to poll.
    fn fileno(&self, py: Python<'_>) -> PyResult<RawFd> {
        let events = self.opened()?;
        events.fd().map(|fd| fd.as_raw_fd()).map_err(|error| raise(py, &error))
    }

    /// The next event, where there is one.
    fn next(&self, py: Python<'_>) -> PyResult<Option<EventParts>> {
        let events = self.opened()?;
        let event = unlocked(py, || events.next(Some(Duration::ZERO)))?;
        Ok(match event {
            Some(Event::State(state)) => Some((state.word(), None)),
            Some(Event::Exit(outcome)) => Some((State::Stopped.word(), Some(ending(&outcome)))),
            // What this module does not know of.
            _ => None,
        })
    }

    /// Closes them.
    fn close(&self, py: Python<'_>) {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        py.detach(|| drop(closed));
    }
}
