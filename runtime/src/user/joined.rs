// SPDX-License-Identifier: MIT OR Apache-2.0
//! The ids of a container that runs, as /proc tells of its PID 1.

use super::Mapped;
use crate::error::{Error, Kind};
use crate::join::denies_setgroups;

/// The ids inside, as ranges of the first and how many.
pub(super) struct Joined {
    users: Vec<(u32, u32)>,
    groups: Vec<(u32, u32)>,
    denied: bool,
}

impl Joined {
    /// Those of the process `pid`.
    pub fn new(pid: i32) -> Result<Joined, Error> {
        let read = |name: &str| {
            let path = format!("/proc/{pid}/{name}");
            let text = std::fs::read_to_string(&path).map_err(|error| {
                let failed = Error::new(Kind::Gone, "process.user", "read", path).cause("the container has ended");
                error.raw_os_error().into_iter().fold(failed, Error::errno)
            })?;
            Ok::<_, Error>(ranges(&text))
        };
        Ok(Joined { users: read("uid_map")?, groups: read("gid_map")?, denied: denies_setgroups(pid) })
    }
}

/// `INSIDE OUTSIDE COUNT` in each line.
fn ranges(text: &str) -> Vec<(u32, u32)> {
    let numbers = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse().ok()?, words.nth(1)?.parse().ok()?))
    };
    text.lines().filter_map(numbers).collect()
}

fn has(ranges: &[(u32, u32)], id: u32) -> bool {
    ranges.iter().any(|(first, count)| id.checked_sub(*first).is_some_and(|offset| offset < *count))
}

impl Mapped for Joined {
    fn maps_user(&self, id: u32) -> bool {
        has(&self.users, id)
    }

    fn maps_group(&self, id: u32) -> bool {
        has(&self.groups, id)
    }

    fn setgroups_denied(&self) -> bool {
        self.denied
    }

    fn summary(&self) -> String {
        let shown = |ranges: &[(u32, u32)]| {
            let each = ranges.iter().map(|(first, count)| format!("{count} from {first}"));
            each.collect::<Vec<_>>().join(", ")
        };
        format!("users {}; groups {}", shown(&self.users), shown(&self.groups))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_inside() {
        let read = ranges("         0       1000          1\n         1     100000      65536\n\nx\n");
        assert_eq!(read, [(0, 1), (1, 65536)]);
        assert!(has(&read, 0) && has(&read, 1) && has(&read, 65536) && !has(&read, 65537) && !has(&[(5, 1)], 4));
        assert!(has(&ranges("0 0 4294967295"), 4_294_967_294));
    }
}
