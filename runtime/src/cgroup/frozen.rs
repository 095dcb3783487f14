// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a process is in a frozen cgroup, and what that means for who would have it do something: on cgroup2 a killed
//! process ends all the same, in the freezer of version 1 only once it is thawed.

use super::directories;
use crate::error::{Error, Kind};
use crate::procfs;
use std::path::{Path, PathBuf};

/// A frozen cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frozen {
    /// The file that thaws it.
    file: PathBuf,
    /// It is one of the freezer of version 1.
    version_1: bool,
}

/// The frozen cgroup that a process is in, where there is one. Nobody freezes the root of a hierarchy.
pub(crate) fn frozen(pid: i32) -> Option<Frozen> {
    let own = procfs::text(&format!("/proc/{pid}/cgroup")).ok()?;
    let may_be = |line: &&str| (line.starts_with("0::") || line.contains("freezer")) && !line.ends_with(":/");
    let lines: Vec<&str> = own.lines().filter(may_be).collect();
    if lines.is_empty() {
        return None;
    }
    let mounts = procfs::text("/proc/self/mountinfo").ok()?;
    directories(&lines.join("\n"), &mounts).iter().find_map(|place| at(place))
}

fn at(place: &Path) -> Option<Frozen> {
    let read = |file: PathBuf| procfs::text(file.to_str().unwrap_or_default()).unwrap_or_default();
    let version_1 = matches!(read(place.join("freezer.state")).trim(), "FROZEN" | "FREEZING");
    if !version_1 && !read(place.join("cgroup.events")).lines().any(|line| line == "frozen 1") {
        return None;
    }
    // What was frozen may be a cgroup above it.
    let (asked, thaws) =
        if version_1 { ("freezer.self_freezing", "freezer.state") } else { ("cgroup.freeze", "cgroup.freeze") };
    let frozen = place.ancestors().find(|above| read(above.join(asked)).trim() == "1").unwrap_or(place);
    Some(Frozen { file: frozen.join(thaws), version_1 })
}

/// An error where a process is in a frozen cgroup: what is to run with it would stand still like it.
pub(crate) fn check_thawed(operation: &str, pid: i32) -> Result<(), Error> {
    frozen(pid).map_or(Ok(()), |frozen| Err(frozen.refuses(operation, pid.to_string(), "it is paused")))
}

/// An error where a process that has been killed ends only when somebody thaws its cgroup.
pub(crate) fn check_ends(pid: i32, object: impl Into<String>) -> Result<(), Error> {
    let waits = "it is paused, and ends when it is thawed: so long SIGKILL waits in the freezer of version 1";
    frozen(pid).filter(|frozen| frozen.version_1).map_or(Ok(()), |frozen| Err(frozen.refuses("kill", object, waits)))
}

impl Frozen {
    fn refuses(&self, operation: &str, object: impl Into<String>, cause: &str) -> Error {
        let word = if self.version_1 { "THAWED" } else { "0" };
        Error::new(Kind::Busy, "state", format!("{operation} container"), object)
            .errno(libc::EBUSY)
            .cause(cause)
            .remedy(format!("thaw its cgroup: echo {word} > {}", self.file.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_frozen_the_tests() {
        assert_eq!(frozen(std::process::id() as i32), None);
    }

    #[test]
    fn frozen_cgroup_above_is_the_one_to_thaw() {
        let folder = std::env::temp_dir().join(format!("contain-frozen-{}", std::process::id()));
        let below = folder.join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).unwrap();
        write("a/cgroup.freeze", "1\n");
        write("a/b/cgroup.freeze", "0\n");
        write("a/b/cgroup.events", "populated 1\nfrozen 0\n");
        let thawed = at(&below);
        write("a/b/cgroup.events", "populated 1\nfrozen 1\n");
        let second = at(&below);
        write("a/freezer.self_freezing", "1\n");
        write("a/b/freezer.self_freezing", "0\n");
        write("a/b/freezer.state", "FREEZING\n");
        let first = at(&below);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(thawed, None);
        assert_eq!(second, Some(Frozen { file: folder.join("a/cgroup.freeze"), version_1: false }));
        assert_eq!(first, Some(Frozen { file: folder.join("a/freezer.state"), version_1: true }));
    }
}
