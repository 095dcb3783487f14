// SPDX-License-Identifier: MIT OR Apache-2.0
//! The directory with the state of containers: where one is, and what is told of it. It is opened at each call, so that
//! nothing of it is held on to.

use crate::call::{interruptible, raise, unlocked};
use crate::handle::{Ending, ending};
use crate::settings::text;
use contain::{Container, Error, Kind, Runtime, Status};
use pyo3::prelude::*;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

/// A container's name, and the directory that it is in, where that is not the usual one.
#[derive(FromPyObject)]
pub struct Place(String, Option<Vec<u8>>);

/// Name, state, process ids of the supervisor and of PID 1, seconds since the epoch, root, how it ended.
pub type StatusParts = (String, &'static str, Option<i32>, Option<i32>, f64, Vec<u8>, Option<Ending>);

impl Place {
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The directory, made where it does not exist.
    pub fn make(&self) -> Result<Runtime, Error> {
        Runtime::open(directory(self.1.clone()).as_deref())
    }

    /// The container.
    pub fn find(&self) -> Result<Container, Error> {
        self.existing()?.open_container(&self.0)
    }

    /// The directory; where it does not exist, neither does the container.
    fn existing(&self) -> Result<Runtime, Error> {
        Runtime::open_existing(directory(self.1.clone()).as_deref()).map_err(|error| {
            let absent = error.errno == Some(ENOENT);
            let gone = || Error::new(Kind::Gone, "state", "find container", &self.0).errno(ENOENT);
            if absent { gone().cause("it does not exist") } else { error }
        })
    }
}

/// No such file or directory.
const ENOENT: i32 = 2;

fn directory(given: Option<Vec<u8>>) -> Option<PathBuf> {
    given.map(|path| text(path).into())
}

/// What is known of a container, as Python takes it.
pub fn status(status: Status) -> StatusParts {
    let created = status.created.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let root = status.root.into_os_string().into_vec();
    let ended = status.outcome.as_ref().map(ending);
    (status.id, status.state.word(), status.pid, status.init_pid, created, root, ended)
}

/// One entry of the directory: its name, its status, or why that cannot be told.
type Entry = (String, Option<StatusParts>, Option<Py<PyAny>>);

/// Every container of a directory; none where the directory does not exist.
#[pyfunction]
pub fn list_containers(py: Python<'_>, runtime: Option<Vec<u8>>) -> PyResult<Vec<Entry>> {
    let runtime = directory(runtime);
    let listed = unlocked(py, || match Runtime::open_existing(runtime.as_deref()) {
        Ok(runtime) => runtime.list(),
        Err(error) if error.errno == Some(ENOENT) => Ok(Vec::new()),
        Err(error) => Err(error),
    })?;
    Ok(listed
        .into_iter()
        .map(|one| match one.status {
            Ok(known) => (one.id, Some(status(known)), None),
            Err(error) => (one.id, None, Some(raise(py, &error).into_value(py).into_any())),
        })
        .collect())
}

/// Removes a container that has ended, with `force` any.
#[pyfunction]
pub fn delete_container(py: Python<'_>, place: Place, force: bool) -> PyResult<()> {
    interruptible(py, || match place.existing() {
        Ok(runtime) => runtime.delete(place.name(), force),
        Err(error) if force && error.kind == Kind::Gone => Ok(()),
        Err(error) => Err(error),
    })
}
