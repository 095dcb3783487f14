// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes of a container: those in PID 1's PID namespace (injected ones too), by /proc.

use std::collections::{HashMap, HashSet};

/// The process ids, as this process sees them, of all in the PID namespace of `init`, rising.
///
/// A process whose namespace may not be looked at counts where it descends from `init`.
pub(crate) fn of(init: i32) -> Vec<i32> {
    let namespace = |pid: i32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let wanted = namespace(init);
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parents: HashMap<i32, i32> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found: Vec<i32> = parents
        .keys()
        .copied()
        .filter(|pid| match (namespace(*pid), &wanted) {
            (Some(theirs), Some(wanted)) => theirs == *wanted,
            _ => descends(*pid, init, &parents),
        })
        .collect();
    found.sort_unstable();
    found
}

/// The parent of a process that has not ended.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
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
