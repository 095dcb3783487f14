// SPDX-License-Identifier: MIT OR Apache-2.0
//! One id map: its lines, what makes it a good one, and how it is cut where the kernel or a helper wants it cut.

use crate::list::List;
use crate::number::decimal_length;
use crate::range::IdRange;
use crate::{MAX_LINES, PAGE};

/// What is wrong with a map or one line of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// There is no line.
    Empty,
    /// A line is not three decimal numbers.
    Syntax,
    /// A count is 0.
    NoIds,
    /// A range of ids goes past [`LAST_ID`](crate::LAST_ID).
    OutOfRange,
    /// A container id is mapped twice.
    ContainerOverlap,
    /// A host id is mapped twice.
    HostOverlap,
    /// More than [`MAX_LINES`] lines.
    TooManyLines,
    /// The text does not fit into a page.
    TooLong,
    /// These host ids, the lowest of their kind, are not mapped in the current user namespace.
    NotInNamespace(IdRange),
}

/// One line of a map: `count` ids from `container` on inside are `count` ids from `host` on outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapEntry {
    inside: IdRange,
    outside: IdRange,
}

impl MapEntry {
    /// A line of a map; refused where either side is not a good range.
    pub fn new(container: u64, host: u64, count: u64) -> Result<Self, MapError> {
        if count == 0 {
            return Err(MapError::NoIds);
        }
        match (IdRange::new(container, count), IdRange::new(host, count)) {
            (Some(inside), Some(outside)) => Ok(MapEntry { inside, outside }),
            _ => Err(MapError::OutOfRange),
        }
    }

    /// The lowest container id.
    pub fn container(self) -> u32 {
        self.inside.first()
    }

    /// The lowest host id.
    pub fn host(self) -> u32 {
        self.outside.first()
    }

    /// How many ids; never 0.
    pub fn count(self) -> u32 {
        self.outside.count()
    }

    /// The ids inside.
    pub fn container_range(self) -> IdRange {
        self.inside
    }

    /// The ids outside.
    pub fn host_range(self) -> IdRange {
        self.outside
    }

    /// What of the line leads to host ids in `range`.
    pub fn onto(self, range: IdRange) -> Option<MapEntry> {
        let part = self.outside.intersection(range)?;
        let skipped = part.first().checked_sub(self.host())?;
        let container = self.container().checked_add(skipped)?;
        MapEntry::new(u64::from(container), u64::from(part.first()), u64::from(part.count())).ok()
    }

    /// How many bytes the line has as the kernel reads it, with its newline.
    pub fn text_length(self) -> usize {
        [self.container(), self.host(), self.count()]
            .iter()
            .fold(0_usize, |length, &number| length.saturating_add(decimal_length(number)).saturating_add(1))
    }
}

/// One id map: at most [`MAX_LINES`] lines, no container id and no host id twice.
#[derive(Clone, Copy)]
pub struct IdMap {
    entries: List<MapEntry, MAX_LINES>,
}

impl IdMap {
    /// A map with no line, which is not yet one that the kernel takes.
    pub const fn new() -> Self {
        IdMap { entries: List::new(MapEntry { inside: IdRange::ZERO, outside: IdRange::ZERO }) }
    }

    /// Adds a line.
    pub fn push(&mut self, entry: MapEntry) -> Result<(), MapError> {
        for held in self.entries() {
            if held.inside.intersection(entry.inside).is_some() {
                return Err(MapError::ContainerOverlap);
            }
            if held.outside.intersection(entry.outside).is_some() {
                return Err(MapError::HostOverlap);
            }
        }
        if self.entries.push(entry) { Ok(()) } else { Err(MapError::TooManyLines) }
    }

    /// The lines.
    pub fn entries(&self) -> &[MapEntry] {
        self.entries.as_slice()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    /// Whether the container has an id `id`.
    pub fn maps_container(&self, id: u32) -> bool {
        self.entries().iter().any(|entry| entry.inside.contains(id))
    }

    /// Whether a container id leads to the host id `id`.
    pub fn maps_host(&self, id: u32) -> bool {
        self.entries().iter().any(|entry| entry.outside.contains(id))
    }

    /// Whether the map leads to `own` and to no other id.
    pub fn is_only(&self, own: u32) -> bool {
        matches!(self.entries(), [entry] if entry.host() == own && entry.count() == 1)
    }

    /// How many bytes the map has as the kernel reads it.
    pub fn text_length(&self) -> usize {
        self.entries().iter().fold(0, |length, entry| length.saturating_add(entry.text_length()))
    }

    /// Whether a further line leaves the map one that can be written.
    pub fn has_room_for(&self, entry: MapEntry) -> bool {
        self.entries().len() < MAX_LINES && self.text_length().saturating_add(entry.text_length()) < PAGE
    }

    /// The lines in the order of their container ids.
    #[must_use]
    pub fn sorted(mut self) -> IdMap {
        self.sort();
        self
    }

    pub(crate) fn sort(&mut self) {
        self.entries.as_mut_slice().sort_unstable_by_key(|entry| entry.container());
    }

    /// The same map for a child of the current user namespace: refused where that does not map a host id, and
    /// cut where a line crosses from one line of the current map into another (the kernel takes a line only
    /// where one line of the parent's map holds all of it).
    pub fn within_namespace(&self, current: &IdMap) -> Result<IdMap, MapError> {
        let mut result = IdMap::new();
        for entry in self.entries() {
            let mut rest = Some(entry.outside);
            while let Some(left) = rest {
                let Some(holder) = current.entries().iter().find(|held| held.inside.contains(left.first())) else {
                    return Err(MapError::NotInNamespace(current.unmapped_start(left)));
                };
                if let Some(part) = entry.onto(holder.inside).and_then(|part| part.onto(left)) {
                    result.push(part)?;
                }
                rest = left.above(holder.inside.last());
            }
        }
        Ok(result)
    }

    /// The ids at the start of `range`, whose first the map has not, up to the next that it has.
    fn unmapped_start(&self, range: IdRange) -> IdRange {
        let starts = self.entries().iter().map(|entry| entry.container()).filter(|&start| start > range.first());
        starts.min().and_then(|next| range.below(next)).unwrap_or(range)
    }

    /// The same map with a line of its own for the host id `id`: what newuidmap and newgidmap want for the
    /// caller's own id.
    pub fn with_own_line(&self, id: u32) -> Result<IdMap, MapError> {
        let mut result = IdMap::new();
        for entry in self.entries() {
            let ids = entry.outside;
            if !ids.contains(id) {
                result.push(*entry)?;
                continue;
            }
            for part in [ids.below(id), IdRange::single(id), ids.above(id)].into_iter().flatten() {
                if let Some(line) = entry.onto(part) {
                    result.push(line)?;
                }
            }
        }
        Ok(result)
    }
}

impl Default for IdMap {
    fn default() -> Self {
        IdMap::new()
    }
}

impl PartialEq for IdMap {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl Eq for IdMap {}

impl core::fmt::Debug for IdMap {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_list().entries(self.entries()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn map(lines: &[(u64, u64, u64)]) -> IdMap {
        let mut map = IdMap::new();
        for &(container, host, count) in lines {
            map.push(MapEntry::new(container, host, count).unwrap()).unwrap();
        }
        map
    }

    fn lines(map: &IdMap) -> Vec<(u32, u32, u32)> {
        map.entries().iter().map(|entry| (entry.container(), entry.host(), entry.count())).collect()
    }

    #[test]
    fn entry_that_wraps_is_refused() {
        assert_eq!(MapEntry::new(0, 100_005, 4_294_967_292), Err(MapError::OutOfRange));
        assert_eq!(MapEntry::new(100_005, 0, 4_294_967_292), Err(MapError::OutOfRange));
        assert_eq!(MapEntry::new(0, 4_294_967_295, 1), Err(MapError::OutOfRange));
        assert_eq!(MapEntry::new(4_294_967_295, 0, 1), Err(MapError::OutOfRange));
        assert_eq!(MapEntry::new(0, u64::MAX, u64::MAX), Err(MapError::OutOfRange));
        assert_eq!(MapEntry::new(0, 1000, 0), Err(MapError::NoIds));
        assert!(MapEntry::new(4_294_967_294, 4_294_967_294, 1).is_ok());
        assert!(MapEntry::new(0, 0, 4_294_967_295).is_ok());
    }

    #[test]
    fn push_overlap_on_either_side_is_refused() {
        let mut map = map(&[(0, 1000, 1), (1, 100_000, 10)]);
        let mut push = |container, host, count| map.push(MapEntry::new(container, host, count).unwrap());
        assert_eq!(push(10, 5000, 1), Err(MapError::ContainerOverlap));
        assert_eq!(push(11, 100_009, 2), Err(MapError::HostOverlap));
        assert_eq!(push(11, 900, 200), Err(MapError::HostOverlap));
        assert_eq!(push(11, 100_010, 2), Ok(()));
    }

    #[test]
    fn push_line_341_is_refused() {
        let mut map = IdMap::new();
        for id in 0..MAX_LINES as u64 {
            map.push(MapEntry::new(id, 1000 + id, 1).unwrap()).unwrap();
        }
        assert_eq!(map.push(MapEntry::new(9000, 9000, 1).unwrap()), Err(MapError::TooManyLines));
        assert_eq!(map.entries().len(), MAX_LINES);
    }

    #[test]
    fn text_length_is_what_is_rendered() {
        let map = map(&[(0, 4_294_967_294, 1), (1, 1, 4_294_967_293), (4_294_967_294, 0, 1)]);
        let mut buffer = [0; PAGE];
        let text = String::from_utf8(map.render(&mut buffer).unwrap().to_vec()).unwrap();
        assert_eq!(map.text_length(), text.len());
    }

    #[test]
    fn within_namespace_lines_are_cut_where_the_current_map_is() {
        let current = map(&[(0, 1000, 1), (1, 100_000, 65_536)]);
        let asked = map(&[(10, 0, 100)]);
        assert_eq!(lines(&asked.within_namespace(&current).unwrap()), [(10, 0, 1), (11, 1, 99)]);
        let initial = map(&[(0, 0, 4_294_967_295)]);
        assert_eq!(asked.within_namespace(&initial).unwrap(), asked);
    }

    #[test]
    fn within_namespace_unmapped_host_id_is_refused_by_name() {
        let current = map(&[(0, 1000, 1), (10, 100_000, 10), (30, 200_000, 10)]);
        let refused = |lines| map(lines).within_namespace(&current).unwrap_err();
        let ids = |first, last| MapError::NotInNamespace(IdRange::from_bounds(first, last).unwrap());
        assert_eq!(refused(&[(0, 0, 3)]), ids(1, 2));
        assert_eq!(refused(&[(0, 12, 20)]), ids(20, 29));
        assert_eq!(refused(&[(0, 35, 20)]), ids(40, 54));
    }

    #[test]
    fn with_own_line_own_id_stands_alone() {
        let cut = |lines: &[(u64, u64, u64)]| map(lines).with_own_line(1000).unwrap();
        assert_eq!(lines(&cut(&[(0, 990, 20)])), [(0, 990, 10), (10, 1000, 1), (11, 1001, 9)]);
        assert_eq!(lines(&cut(&[(0, 1000, 20)])), [(0, 1000, 1), (1, 1001, 19)]);
        assert_eq!(lines(&cut(&[(0, 999, 2)])), [(0, 999, 1), (1, 1000, 1)]);
        assert_eq!(lines(&cut(&[(0, 2000, 20)])), [(0, 2000, 20)]);
    }

    #[test]
    fn is_only_wants_one_line_of_one_id() {
        assert!(map(&[(5, 1000, 1)]).is_only(1000));
        assert!(!map(&[(5, 1000, 2)]).is_only(1000));
        assert!(!map(&[(5, 1001, 1)]).is_only(1000));
        assert!(!map(&[(5, 1000, 1), (6, 2000, 1)]).is_only(1000));
        assert!(!IdMap::new().is_only(1000));
    }
}
