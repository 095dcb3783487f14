// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ranges of ids, and bounded sets of them. A range that exists is a good one: at least one id, none above
//! [`LAST_ID`], nothing that wraps.

use crate::list::List;
use crate::{LAST_ID, MAX_LINES};

/// One or more successive ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    first: u32,
    count: u32,
}

impl IdRange {
    /// Id 0 alone.
    pub(crate) const ZERO: IdRange = IdRange { first: 0, count: 1 };

    /// `count` ids from `first` on; none where `count` is 0 or the last id would be above [`LAST_ID`].
    pub fn new(first: u64, count: u64) -> Option<Self> {
        let last = first.checked_add(count.checked_sub(1)?)?;
        if last > u64::from(LAST_ID) {
            return None;
        }
        Some(IdRange { first: u32::try_from(first).ok()?, count: u32::try_from(count).ok()? })
    }

    /// The ids from `first` to `last`, both included; none where there are none.
    pub fn from_bounds(first: u32, last: u32) -> Option<Self> {
        IdRange::new(u64::from(first), u64::from(last.checked_sub(first)?).checked_add(1)?)
    }

    /// One id.
    pub fn single(id: u32) -> Option<Self> {
        IdRange::new(u64::from(id), 1)
    }

    /// The lowest id.
    pub fn first(self) -> u32 {
        self.first
    }

    /// The highest id.
    pub fn last(self) -> u32 {
        // Exact: the constructor has seen to it that nothing saturates.
        self.first.saturating_add(self.count.saturating_sub(1))
    }

    /// How many ids; never 0.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether `id` is one of them.
    pub fn contains(self, id: u32) -> bool {
        self.first <= id && id <= self.last()
    }

    /// The ids that are in both.
    pub fn intersection(self, other: IdRange) -> Option<IdRange> {
        IdRange::from_bounds(self.first.max(other.first), self.last().min(other.last()))
    }

    /// The ids below `id`.
    pub fn below(self, id: u32) -> Option<IdRange> {
        IdRange::from_bounds(self.first, self.last().min(id.checked_sub(1)?))
    }

    /// The ids above `id`.
    pub fn above(self, id: u32) -> Option<IdRange> {
        IdRange::from_bounds(self.first.max(id.checked_add(1)?), self.last())
    }
}

/// No room: a set has at most [`MAX_LINES`] ranges, since a map has no more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Ids, as ranges that have nothing in common, in the order in which they came: the order in which container
/// ids are handed out on them. What comes again is there already.
#[derive(Clone, Copy)]
pub struct RangeSet {
    ranges: List<IdRange, MAX_LINES>,
}

impl RangeSet {
    /// The empty set.
    pub const fn new() -> Self {
        RangeSet { ranges: List::new(IdRange::ZERO) }
    }

    /// Adds what is not yet in the set. On [`Full`] the set holds a part of the range, or nothing of it.
    pub fn insert(&mut self, range: IdRange) -> Result<(), Full> {
        while let Some(gap) = self.gap(range) {
            self.append(gap)?;
        }
        Ok(())
    }

    /// Adds a range that has nothing in common with the set, as a part of the range before it where it goes on
    /// from there.
    fn append(&mut self, range: IdRange) -> Result<(), Full> {
        if let Some(before) = self.ranges.as_mut_slice().last_mut()
            && before.last().checked_add(1) == Some(range.first)
            && let Some(joined) = IdRange::from_bounds(before.first, range.last())
        {
            *before = joined;
            return Ok(());
        }
        if self.ranges.push(range) { Ok(()) } else { Err(Full) }
    }

    /// The ranges; no two have an id in common.
    pub fn ranges(&self) -> &[IdRange] {
        self.ranges.as_slice()
    }

    /// Whether there is no id at all.
    pub fn is_empty(&self) -> bool {
        self.ranges().is_empty()
    }

    /// Whether `id` is in the set.
    pub fn contains(&self, id: u32) -> bool {
        self.ranges().iter().any(|range| range.contains(id))
    }

    /// The lowest ids of `range` that are not in the set, up to the next that is; none where all are.
    pub fn gap(&self, range: IdRange) -> Option<IdRange> {
        let mut rest = range;
        // Each turn leaves one range of the set behind, for good: they have nothing in common.
        while let Some(holder) = self.ranges().iter().find(|held| held.contains(rest.first)) {
            rest = rest.above(holder.last())?;
        }
        let next = self.ranges().iter().map(|held| held.first).filter(|&first| first > rest.first).min();
        match next {
            Some(next) => rest.below(next),
            None => Some(rest),
        }
    }
}

impl Default for RangeSet {
    fn default() -> Self {
        RangeSet::new()
    }
}

impl core::fmt::Debug for RangeSet {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_list().entries(self.ranges()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn range(first: u64, count: u64) -> IdRange {
        IdRange::new(first, count).unwrap()
    }

    fn pairs(set: &RangeSet) -> Vec<(u32, u32)> {
        set.ranges().iter().map(|range| (range.first(), range.last())).collect()
    }

    #[test]
    fn range_limits_are_exact() {
        assert_eq!(IdRange::new(0, 0), None);
        assert_eq!(IdRange::new(4_294_967_294, 1).map(IdRange::last), Some(LAST_ID));
        assert_eq!(IdRange::new(4_294_967_294, 2), None);
        assert_eq!(IdRange::new(4_294_967_295, 1), None);
        assert_eq!(IdRange::new(0, 4_294_967_295).map(IdRange::last), Some(LAST_ID));
        assert_eq!(IdRange::new(0, 4_294_967_296), None);
        assert_eq!(IdRange::new(100_005, 4_294_967_292), None);
        assert_eq!(IdRange::new(u64::MAX, 1), None);
        assert_eq!(IdRange::new(1, u64::MAX), None);
        assert_eq!(IdRange::single(u32::MAX), None);
    }

    #[test]
    fn range_below_and_above_leave_the_id_out() {
        let ids = range(10, 10);
        assert_eq!(ids.below(10), None);
        assert_eq!(ids.below(0), None);
        assert_eq!(ids.below(12), Some(range(10, 2)));
        assert_eq!(ids.below(500), Some(ids));
        assert_eq!(ids.above(19), None);
        assert_eq!(ids.above(u32::MAX), None);
        assert_eq!(ids.above(17), Some(range(18, 2)));
        assert_eq!(ids.above(3), Some(ids));
    }

    #[test]
    fn set_overlapping_and_repeated_ranges_are_merged() {
        let mut set = RangeSet::new();
        for part in [range(100, 10), range(105, 10), range(100, 10), range(102, 3)] {
            set.insert(part).unwrap();
        }
        assert_eq!(pairs(&set), [(100, 114)]);
    }

    #[test]
    fn set_ranges_keep_the_order_in_which_they_came() {
        let mut set = RangeSet::new();
        for part in [range(200, 10), range(100, 10), range(90, 200)] {
            set.insert(part).unwrap();
        }
        assert_eq!(pairs(&set), [(200, 209), (100, 109), (90, 99), (110, 199), (210, 289)]);
        assert_eq!(set.gap(range(90, 200)), None);
        assert_eq!(set.gap(range(80, 300)), Some(range(80, 10)));
        assert_eq!(set.gap(range(95, 300)), Some(range(290, 105)));
    }

    #[test]
    fn set_is_full_at_its_capacity_and_still_takes_what_it_holds() {
        let mut set = RangeSet::new();
        for index in 0..MAX_LINES as u64 {
            set.insert(range(index * 10, 5)).unwrap();
        }
        assert_eq!(set.insert(range(1_000_000, 1)), Err(Full));
        assert_eq!(set.insert(range(10, 5)), Ok(()));
        assert!(!set.contains(1_000_000));
        assert_eq!(set.ranges().len(), MAX_LINES);
    }
}
