// SPDX-License-Identifier: MIT OR Apache-2.0
//! The maps that a container has when none is given. Both keep to what the current user namespace maps.

use crate::{IdMap, IdRange, MapEntry, RangeSet};

/// A default map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefaultMap {
    /// The map; it can be written as it is.
    pub map: IdMap,
    /// False where ids were left out because a map with them would be too long to be written.
    pub complete: bool,
}

/// Why there is no default map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultError {
    /// The current user namespace maps one id only, so that none is left for container root.
    OnlyOneId,
    /// The caller's own id is not mapped in the current user namespace.
    OwnIdNotMapped,
}

/// The default of root: container 0 is the highest id of the current user namespace, every other id is itself,
/// and that highest id is none of the container's. So host root is not in the container: it owns too much of
/// /proc and /sys even without capabilities.
pub fn default_for_root(current: &IdMap) -> Result<DefaultMap, DefaultError> {
    let current = current.sorted();
    let Some(highest) = current.entries().iter().map(|entry| entry.container_range().last()).max() else {
        return Err(DefaultError::OnlyOneId);
    };
    if matches!(current.entries(), [only] if only.count() == 1) {
        return Err(DefaultError::OnlyOneId);
    }
    let mut builder = Builder::new();
    builder.add(0, IdRange::single(highest));
    for entry in current.entries() {
        let others = entry.container_range().above(0).and_then(|ids| ids.below(highest));
        builder.add(others.map_or(0, IdRange::first), others);
    }
    Ok(builder.result)
}

/// The default of a user: container 0 is the own id; 1, 2, … are the delegated ids in the order of the set,
/// without a hole, leaving out the own id, host id 0 and what the current user namespace does not map.
pub fn default_for_user(own: u32, delegated: &RangeSet, current: &IdMap) -> Result<DefaultMap, DefaultError> {
    let current = current.sorted();
    if !current.maps_container(own) {
        return Err(DefaultError::OwnIdNotMapped);
    }
    let mut builder = Builder::new();
    builder.add(0, IdRange::single(own));
    let mut next = 1_u32;
    for range in delegated.ranges() {
        for part in [range.below(own), range.above(own)].into_iter().flatten().filter_map(|part| part.above(0)) {
            for ids in current.entries().iter().filter_map(|held| part.intersection(held.container_range())) {
                builder.add(next, Some(ids));
                next = next.saturating_add(ids.count());
            }
        }
    }
    Ok(builder.result)
}

/// A default map as it grows, until a line has no room.
struct Builder {
    result: DefaultMap,
}

impl Builder {
    fn new() -> Self {
        Builder { result: DefaultMap { map: IdMap::new(), complete: true } }
    }

    /// Adds a line for `host`, where there is any; after the first that has no room, adds nothing more.
    fn add(&mut self, container: u32, host: Option<IdRange>) {
        let Some(host) = host else { return };
        let entry = MapEntry::new(u64::from(container), u64::from(host.first()), u64::from(host.count()));
        let DefaultMap { map, complete } = &mut self.result;
        *complete = *complete && entry.is_ok_and(|entry| map.has_room_for(entry) && map.push(entry).is_ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE;
    use std::string::String;

    const INITIAL: &str = "         0          0 4294967295\n";

    fn current(text: &str) -> IdMap {
        IdMap::parse_kernel(text.as_bytes()).unwrap()
    }

    fn set(ranges: &[(u64, u64)]) -> RangeSet {
        let mut set = RangeSet::new();
        for &(first, count) in ranges {
            set.insert(IdRange::new(first, count).unwrap()).unwrap();
        }
        set
    }

    fn text(result: Result<DefaultMap, DefaultError>) -> String {
        let result = result.unwrap();
        assert!(result.complete);
        let mut buffer = [0; PAGE];
        String::from_utf8(result.map.render(&mut buffer).unwrap().to_vec()).unwrap()
    }

    fn user(own: u32, ranges: &[(u64, u64)], map: &str) -> String {
        text(default_for_user(own, &set(ranges), &current(map)))
    }

    #[test]
    fn root_in_the_initial_namespace() {
        assert_eq!(text(default_for_root(&current(INITIAL))), "0 4294967294 1\n1 1 4294967293\n");
    }

    #[test]
    fn root_nested_is_clipped_and_cut_where_the_current_map_is() {
        assert_eq!(text(default_for_root(&current("0 1000 1\n1 100000 65536\n"))), "0 65536 1\n1 1 65535\n");
        assert_eq!(
            text(default_for_root(&current("100 500 10\n0 100000 50\n"))),
            "0 109 1\n1 1 49\n100 100 9\n",
            "lines in any order, a hole between them"
        );
        assert_eq!(text(default_for_root(&current("0 7 2\n"))), "0 1 1\n");
        assert_eq!(text(default_for_root(&current("0 1000 1\n1 5 1\n"))), "0 1 1\n");
        assert_eq!(text(default_for_root(&current("0 1000 1\n9 5 1\n"))), "0 9 1\n");
    }

    #[test]
    fn root_with_one_id_has_no_default() {
        assert_eq!(default_for_root(&current("0 1000 1\n")), Err(DefaultError::OnlyOneId));
        assert_eq!(default_for_root(&current("1000 1000 1\n")), Err(DefaultError::OnlyOneId));
        assert_eq!(default_for_root(&IdMap::new()), Err(DefaultError::OnlyOneId));
    }

    #[test]
    fn user_without_ranges_is_container_root_only() {
        assert_eq!(user(1000, &[], INITIAL), "0 1000 1\n");
    }

    #[test]
    fn user_ranges_follow_in_their_order_without_holes() {
        assert_eq!(user(1000, &[(100_000, 65_536)], INITIAL), "0 1000 1\n1 100000 65536\n");
        assert_eq!(user(1000, &[(200_000, 10), (100_000, 10)], INITIAL), "0 1000 1\n1 200000 10\n11 100000 10\n");
    }

    #[test]
    fn user_own_id_and_host_root_are_left_out_of_the_ranges() {
        assert_eq!(user(1000, &[(995, 10)], INITIAL), "0 1000 1\n1 995 5\n6 1001 4\n");
        assert_eq!(user(1000, &[(1000, 1)], INITIAL), "0 1000 1\n");
        assert_eq!(user(1000, &[(0, 3)], INITIAL), "0 1000 1\n1 1 2\n");
        assert_eq!(user(1000, &[(0, 1)], INITIAL), "0 1000 1\n");
    }

    #[test]
    fn user_ranges_are_clipped_to_the_current_namespace() {
        let map = "0 0 1\n1000 1000 1\n100000 300000 10\n100020 400000 10\n";
        assert_eq!(user(1000, &[(99_990, 35)], map), "0 1000 1\n1 100000 10\n11 100020 5\n");
        assert_eq!(user(1000, &[(500_000, 35)], map), "0 1000 1\n");
        assert_eq!(user(1000, &[(1, 4_294_967_294)], INITIAL), "0 1000 1\n1 1 999\n1000 1001 4294966294\n");
    }

    #[test]
    fn user_whose_own_id_is_not_mapped_has_no_default() {
        assert_eq!(default_for_user(65_534, &set(&[]), &current("0 1000 1\n")), Err(DefaultError::OwnIdNotMapped));
    }

    #[test]
    fn user_map_that_would_be_too_long_ends_early() {
        let mut ranges = RangeSet::new();
        for index in 0..340 {
            ranges.insert(IdRange::new(1_000_000_000 + index * 10, 5).unwrap()).unwrap();
        }
        let result = default_for_user(1000, &ranges, &current(INITIAL)).unwrap();
        assert!(!result.complete);
        assert!(result.map.render(&mut [0; PAGE]).is_ok());
        assert!(result.map.entries().len() > 200, "{}", result.map.entries().len());
    }
}
