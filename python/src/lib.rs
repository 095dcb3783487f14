// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain._native: the runtime's handles for the Python package `contain`, which is what people import. Here are
//! no defaults and no convenience, only types, errors, the interpreter's lock, and the process that owns a handle.

#![forbid(unsafe_code)]
#![allow(clippy::result_large_err, reason = "errors are rare and say much")]

mod call;
mod descriptor;
mod events;
mod handle;
mod pending;
mod runtime;
mod seccomp;
mod settings;

use pyo3::prelude::*;

/// The runtime of contain, for the package `contain` alone.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::descriptor::{Descriptor, pipe};
    #[pymodule_export]
    use super::events::Events;
    #[pymodule_export]
    use super::handle::{Container, Process};
    #[pymodule_export]
    use super::pending::{PendingContainer, PendingProcess};
    #[pymodule_export]
    use super::runtime::{delete_container, list_containers};
    #[pymodule_export]
    use super::seccomp::{seccomp_bpf, seccomp_check_call, seccomp_decide};
    #[pymodule_export]
    use super::{explain, probe};

    #[pymodule_export]
    const VERSION: &str = contain::VERSION;
}

/// The plan of a configuration, as text or as JSON.
#[pyfunction]
fn explain(py: Python<'_>, settings: settings::Settings, format: &str) -> PyResult<String> {
    let config = settings.config(py)?;
    match format {
        "text" => call::unlocked(py, || contain::explain::run_text(&config)),
        "json" => call::unlocked(py, || contain::explain::run_json(&config)),
        other => Err(call::raise(py, &settings::not_one_of("format", other, &["text", "json"]))),
    }
}

/// What one check found: name, status, what is there, why that matters, what to do.
type Finding = (&'static str, &'static str, String, Option<String>, Option<String>);

/// Whether containers work here, and what was found.
#[pyfunction]
fn probe(py: Python<'_>) -> PyResult<(bool, Vec<Finding>)> {
    let report = call::unlocked(py, || Ok(contain::probe()))?;
    let works = report.works();
    let row = |one: contain::probe::Finding| (one.name, one.status.word(), one.found, one.cause, one.remedy);
    Ok((works, report.findings.into_iter().map(row).collect()))
}
