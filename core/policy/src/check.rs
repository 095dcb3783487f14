// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether an unprivileged caller may have a map: every host id is the caller's own or delegated to it.

use crate::{IdMap, IdRange, RangeSet};

/// Why ids may not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Host id 0 is never given away, not even where a file delegates it.
    HostRoot,
    /// Neither the caller's own nor delegated.
    NotDelegated,
}

/// A line of a map that the caller may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The line, counted from 0.
    pub line: usize,
    /// The lowest host ids of the line that are refused.
    pub ids: IdRange,
    /// Why.
    pub reason: Reason,
}

/// Whether every host id of `map` is `own` or in `delegated`, and none is 0. One line may lead across both, and
/// across several delegated ranges.
pub fn check_within(map: &IdMap, own: u32, delegated: &RangeSet) -> Result<(), Violation> {
    for (line, entry) in map.entries().iter().enumerate() {
        let ids = entry.host_range();
        if let Some(root) = ids.intersection(IdRange::ZERO) {
            return Err(Violation { line, ids: root, reason: Reason::HostRoot });
        }
        if let Some(ids) = refused(ids, own, delegated) {
            return Err(Violation { line, ids, reason: Reason::NotDelegated });
        }
    }
    Ok(())
}

/// The lowest ids of `range` that are neither `own` nor delegated.
fn refused(range: IdRange, own: u32, delegated: &RangeSet) -> Option<IdRange> {
    let gap = delegated.gap(range)?;
    if !gap.contains(own) {
        return Some(gap);
    }
    // Past the own id there is no second gap that holds it.
    gap.below(own).or_else(|| delegated.gap(range.above(own)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delegated(ranges: &[(u64, u64)]) -> RangeSet {
        let mut set = RangeSet::new();
        for &(first, count) in ranges {
            set.insert(IdRange::new(first, count).unwrap()).unwrap();
        }
        set
    }

    fn check(map: &str, own: u32, ranges: &[(u64, u64)]) -> Result<(), (usize, u32, u32, Reason)> {
        let map = IdMap::parse(map.as_bytes()).unwrap();
        check_within(&map, own, &delegated(ranges))
            .map_err(|refused| (refused.line, refused.ids.first(), refused.ids.last(), refused.reason))
    }

    #[test]
    fn own_id_and_delegated_ranges_are_allowed() {
        let ranges = [(100_000, 65_536), (300_000, 10)];
        assert_eq!(check("0:1000:1", 1000, &[]), Ok(()));
        assert_eq!(check("0:1000:1,1:100000:65536,70000:300000:10", 1000, &ranges), Ok(()));
        assert_eq!(check("0:100005:1", 1000, &ranges), Ok(()));
    }

    #[test]
    fn other_ids_are_refused_by_name() {
        let ranges = [(100_000, 65_536)];
        assert_eq!(check("0:1001:1", 1000, &ranges), Err((0, 1001, 1001, Reason::NotDelegated)));
        assert_eq!(check("0:1000:2", 1000, &ranges), Err((0, 1001, 1001, Reason::NotDelegated)));
        assert_eq!(check("0:999:2", 1000, &ranges), Err((0, 999, 999, Reason::NotDelegated)));
        assert_eq!(check("0:1000:1,1:99999:10", 1000, &ranges), Err((1, 99_999, 99_999, Reason::NotDelegated)));
        assert_eq!(check("1:100000:65537", 1000, &ranges), Err((0, 165_536, 165_536, Reason::NotDelegated)));
        assert_eq!(check("0:900:200000", 1000, &ranges), Err((0, 900, 999, Reason::NotDelegated)));
        assert_eq!(check("0:1000:200000", 1000, &ranges), Err((0, 1001, 99_999, Reason::NotDelegated)));
    }

    #[test]
    fn one_line_may_span_own_id_and_delegated_ranges() {
        assert_eq!(check("0:1000:11", 1000, &[(1001, 10)]), Ok(()));
        assert_eq!(check("0:990:21", 1000, &[(1001, 10), (990, 10)]), Ok(()));
        assert_eq!(check("0:990:31", 1000, &[(1011, 10), (1001, 10), (990, 10)]), Ok(()));
        assert_eq!(check("0:990:12", 1000, &[(990, 10)]), Err((0, 1001, 1001, Reason::NotDelegated)));
        assert_eq!(
            check("0:990:41", 1000, &[(990, 10), (1001, 5), (1010, 5)]),
            Err((0, 1006, 1009, Reason::NotDelegated))
        );
    }

    #[test]
    fn host_root_is_refused_even_where_delegated() {
        assert_eq!(check("0:0:1", 1000, &[(0, 10)]), Err((0, 0, 0, Reason::HostRoot)));
        assert_eq!(check("0:0:1", 0, &[]), Err((0, 0, 0, Reason::HostRoot)));
        assert_eq!(check("0:1000:1,1:0:1", 1000, &[(0, 10)]), Err((1, 0, 0, Reason::HostRoot)));
    }

    #[test]
    fn count_that_once_wrapped_is_no_map_at_all() {
        assert!(IdMap::parse(b"0:100005:4294967292").is_err());
        assert_eq!(
            check("0:100005:4294867290", 1000, &[(100_000, 65_536)]),
            Err((0, 165_536, crate::LAST_ID, Reason::NotDelegated))
        );
    }
}
