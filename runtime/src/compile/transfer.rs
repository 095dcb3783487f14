// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of copying a file out of a running container, or into it.

use crate::cgroup::Place;
use crate::error::Error;
use crate::plan::{Draft, text};
use contain_plan::Step;
use std::ffi::OsStr;

/// Which way a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the container, at most so many bytes.
    Out { limit: u64 },
    /// To the container, with these permissions where the file is new.
    In { mode: u32 },
}

/// What is copied, and in which container.
pub(crate) struct Transfer<'a> {
    pub path: &'a OsStr,
    pub direction: Direction,
    /// CLONE_NEW* bits of the namespaces that are the container's own.
    pub namespaces: u64,
    /// PID 1's process id, for people.
    pub pid: i32,
    /// Whether the caller can give up its supplementary groups.
    pub leave_groups: bool,
    /// Whether supplementary groups can be cleared inside.
    pub clear_groups: bool,
    /// The cgroups that it enters.
    pub cgroups: Vec<Place>,
}

/// The plan.
pub(crate) fn transfer(request: &Transfer<'_>) -> Result<Draft, Error> {
    let path = text("path", request.path)?;
    if !path.as_bytes().starts_with(b"/") {
        return Err(Error::invalid("path", format!("{:?}", request.path), "an absolute path inside the container"));
    }
    let mut draft = Draft::default();
    draft.monitor(Step::JoinTarget {
        leave_groups: request.leave_groups,
        namespaces: request.namespaces,
        pid: request.pid,
    });
    for place in &request.cgroups {
        draft.monitor(Step::EnterCgroup { mount: &text("cgroup", &place.mount)?, file: &text("cgroup", &place.file)? });
    }
    draft.init(Step::BecomeIds { uid: 0, gid: 0, clear_groups: request.clear_groups });
    draft.init(Step::ResetSignals {});
    draft.init(match request.direction {
        Direction::Out { limit } => Step::CopyOut { path: &path, limit },
        Direction::In { mode } => Step::CopyIn { path: &path, mode },
    });
    draft.monitor(Step::Watch { console: false, guard: false });
    draft.finally(Step::Report {});
    Ok(draft)
}
