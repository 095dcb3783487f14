// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files that a container has from its start: where they go, and one buffer with what they hold.

use super::facts::Facts;
use crate::caller::system;
use crate::config::{Config, MAX_CONTENTS, NewFile};
use crate::error::{Error, Kind};
use crate::launch::sealed_memfd;
use crate::plan::{Draft, text};
use crate::wiped::Wiped;
use contain_plan::Step;
use contain_sys::memory::Executable;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// What can be refused without asking the machine.
pub(super) fn check(files: &[NewFile]) -> Result<(), Error> {
    for file in files {
        below_root(&file.path)?;
        if file.mode > 0o7777 {
            return Err(Error::invalid("files", format!("mode {:o} of {:?}", file.mode, file.path), "at most 0o7777"));
        }
    }
    let length = files.iter().map(|file| file.contents.len()).fold(0, usize::saturating_add);
    if length > MAX_CONTENTS {
        return Err(Error::new(Kind::TooBig, "config", "files", format!("{length} bytes"))
            .errno(libc::E2BIG)
            .cause(format!("together they can hold {MAX_CONTENTS} bytes"))
            .remedy("bind a directory, or pass a descriptor"));
    }
    Ok(())
}

/// The path as steps have it: relative to the root, without `.` and repeated slashes.
fn below_root(path: &Path) -> Result<PathBuf, Error> {
    let refuse = || Error::invalid("files", format!("{path:?}"), "an absolute path to a file, without ..");
    let mut below = PathBuf::new();
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => below.push(name),
            Component::ParentDir | Component::Prefix(_) => return Err(refuse()),
        }
    }
    let is_file =
        path.is_absolute() && path.file_name().is_some() && !path.as_os_str().as_encoded_bytes().ends_with(b"/");
    if is_file { Ok(below) } else { Err(refuse()) }
}

/// One step each.
pub(super) fn make(config: &Config, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    draft.held.extend(facts.contents.clone());
    let contents = facts.contents.as_ref().map_or(-1, |held| held.as_raw_fd());
    let mut offset = 0;
    for file in &config.files {
        let length = file.contents.len() as u64;
        let path = text("files", below_root(&file.path)?)?;
        draft.init(Step::MakeFile { path: &path, mode: file.mode, contents, offset, length });
        offset += length;
    }
    Ok(())
}

/// What all files hold, in their order, in a memfd above the descriptors that the command keeps.
pub(super) fn contents(config: &Config) -> Result<Option<Arc<OwnedFd>>, Error> {
    if config.files.is_empty() {
        return Ok(None);
    }
    let length = config.files.iter().map(|file| file.contents.len()).sum();
    // Files can be secret.
    let mut whole = Wiped::with_capacity(length);
    config.files.iter().for_each(|file| whole.extend(&file.contents));
    let minimum = 3i32.saturating_add_unsigned(config.kept_descriptors());
    let memfd = sealed_memfd(c"contain-files", Executable::No, &whole, minimum).map_err(system(
        "files",
        "keep",
        "what files are to hold",
    ))?;
    Ok(Some(Arc::new(memfd)))
}
