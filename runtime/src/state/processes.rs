// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a container: those in PID 1's PID namespace (injected ones too), by /proc.

use super::directory::STAGE;
use crate::caller::system;
use crate::error::Error;
use crate::procfs;
use contain_sys::Errno;
use std::collections::{HashMap, HashSet};

/// The process ids, as this process sees them, of all in the PID namespace of `init`, rising.
///
/// A process whose namespace may not be looked at counts where it descends from `init`.
pub(crate) fn of(init: i32) -> Result<Vec<i32>, Error> {
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let wanted = namespace(init);
    let failed = |error: std::io::Error| match error.raw_os_error().unwrap_or(libc::EIO) {
        libc::ENOENT => procfs::missing(STAGE, "/proc"),
        errno => system(STAGE, "look at the processes in", "/proc")(Errno(errno)),
    };
    let mut parents = HashMap::new();
    for entry in std::fs::read_dir("/proc").map_err(failed)? {
        let Some(pid) = entry.map_err(failed)?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        parents.extend(parent(pid).map_err(failed)?.map(|parent| (pid, parent)));
    }
    let mut found: Vec<i32> = parents
        .keys()
        .copied()
        .filter(|pid| match (namespace(*pid), &wanted) {
            (Some(theirs), Some(wanted)) => theirs == *wanted,
            _ => descends(*pid, init, &parents),
        })
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// The parent of a process that has not ended.
fn parent(pid: i32) -> std::io::Result<Option<i32>> {
    match procfs::text(&format!("/proc/{pid}/stat")) {
        Ok(stat) => Ok(parent_in(&stat)),
        // Ended since, or not this user's to look at.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH | libc::EACCES | libc::EPERM)) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn parent_in(stat: &str) -> Option<i32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.next()?.parse().ok() }
}

fn descends(pid: i32, from: i32, parents: &HashMap<i32, i32>) -> bool {
    // Read at different moments, the table could have a circle in it.
    let mut seen = HashSet::new();
    let mut at = pid;
    while at != from {
        match parents.get(&at) {
            Some(up) if seen.insert(at) => at = *up,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_and_circles_end() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 3), (8, 9), (9, 8)]);
        let below = |from: i32| [1, 2, 3, 4, 8, 9].map(|pid| descends(pid, from, &parents));
        assert_eq!(below(2), [false, true, true, true, false, false]);
    }
}
