// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties that hold for every input, compared with plain models over sets of ids.

use crate::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;

/// A range within the first few dozen ids, so that ranges meet, or anywhere.
fn small_range() -> impl Strategy<Value = IdRange> {
    (0_u64..60, 1_u64..20).prop_map(|(first, count)| IdRange::new(first, count).unwrap())
}

fn small_set() -> impl Strategy<Value = RangeSet> {
    prop::collection::vec(small_range(), 0..8).prop_map(|ranges| {
        let mut set = RangeSet::new();
        for range in ranges {
            set.insert(range).unwrap();
        }
        set
    })
}

fn small_map() -> impl Strategy<Value = IdMap> {
    prop::collection::vec((0_u64..60, 0_u64..60, 1_u64..12), 1..8).prop_map(|lines| {
        let mut map = IdMap::new();
        for (container, host, count) in lines {
            // Lines that overlap an earlier one are left out.
            let _ = map.push(MapEntry::new(container, host, count).unwrap());
        }
        map
    })
}

/// Numbers around everything that could go wrong.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        0_u64..5,
        99_990_u64..100_010,
        4_294_967_280_u64..4_294_967_300,
        Just(u64::MAX),
        Just(u64::MAX - 1),
        any::<u64>(),
        any::<u32>().prop_map(u64::from)
    ]
}

fn ids(range: IdRange) -> impl Iterator<Item = u32> {
    range.first()..=range.last()
}

/// Every container id with its host id.
fn pairs(map: &IdMap) -> BTreeMap<u32, u32> {
    map.entries().iter().flat_map(|entry| ids(entry.container_range()).zip(ids(entry.host_range()))).collect()
}

fn members(set: &RangeSet) -> BTreeSet<u32> {
    set.ranges().iter().copied().flat_map(ids).collect()
}

fn rendered(map: &IdMap) -> String {
    let mut buffer = [0; PAGE];
    String::from_utf8(map.render(&mut buffer).unwrap().to_vec()).unwrap()
}

proptest! {
    #[test]
    fn range_exists_exactly_where_nothing_wraps(first in number(), count in number()) {
        let good = count >= 1 && u128::from(first) + u128::from(count) <= u128::from(u32::MAX);
        let range = IdRange::new(first, count);
        prop_assert_eq!(range.is_some(), good);
        if let Some(range) = range {
            prop_assert!(range.first() <= range.last() && range.last() <= LAST_ID);
            prop_assert_eq!(u64::from(range.last()) - u64::from(range.first()) + 1, u64::from(range.count()));
        }
    }

    #[test]
    fn set_is_the_union_and_its_ranges_are_disjoint(ranges in prop::collection::vec(small_range(), 0..10)) {
        let mut set = RangeSet::new();
        let mut model = BTreeSet::new();
        for range in ranges {
            set.insert(range).unwrap();
            model.extend(ids(range));
        }
        prop_assert_eq!(&members(&set), &model);
        let total: u64 = set.ranges().iter().map(|range| u64::from(range.count())).sum();
        prop_assert_eq!(total, model.len() as u64);
    }

    #[test]
    fn gap_is_the_lowest_run_outside_the_set(set in small_set(), range in small_range()) {
        let model = members(&set);
        let expected: Vec<u32> = ids(range).skip_while(|id| model.contains(id)).take_while(|id| !model.contains(id)).collect();
        let gap: Vec<u32> = set.gap(range).into_iter().flat_map(ids).collect();
        prop_assert_eq!(gap, expected);
    }

    #[test]
    fn written_map_is_read_back(map in small_map()) {
        let mut text = rendered(&map);
        prop_assert_eq!(IdMap::parse_kernel(text.as_bytes()).unwrap(), map.sorted());
        text = text.trim_end().replace(' ', ":").replace('\n', ",");
        prop_assert_eq!(IdMap::parse(text.as_bytes()).unwrap(), map);
    }

    #[test]
    fn parsed_map_has_no_id_twice_and_none_that_does_not_exist(lines in prop::collection::vec((number(), number(), number()), 1..5)) {
        let text: Vec<String> = lines.iter().map(|(a, b, c)| std::format!("{a}:{b}:{c}")).collect();
        if let Ok(map) = IdMap::parse(text.join(",").as_bytes()) {
            prop_assert_eq!(map.entries().len(), lines.len());
            for (index, &(container, host, count)) in lines.iter().enumerate() {
                prop_assert!(count >= 1);
                for first in [container, host] {
                    prop_assert!(u128::from(first) + u128::from(count) - 1 <= u128::from(LAST_ID));
                }
                for &(other_container, other_host, other_count) in &lines[..index] {
                    prop_assert!(container >= other_container + other_count || other_container >= container + count);
                    prop_assert!(host >= other_host + other_count || other_host >= host + count);
                }
            }
        }
    }

    #[test]
    fn parsers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), id in any::<u32>()) {
        let _ = IdMap::parse(&bytes);
        let _ = IdMap::parse_kernel(&bytes);
        prop_assert!(delegated(&bytes, &[b"a"], id).is_ok());
        prop_assert!(accounts(&bytes, id).is_ok());
    }

    #[test]
    fn parsers_take_any_text_of_their_alphabet(text in "[0-9:,; \n]{0,60}", file in "([a-c]{0,2}:[0-9]{0,11}:[0-9]{0,11}\n){0,6}") {
        if let Ok(map) = IdMap::parse(text.as_bytes()) {
            prop_assert_eq!(IdMap::parse_kernel(rendered(&map).as_bytes()).unwrap(), map.sorted());
        }
        let _ = IdMap::parse_kernel(text.as_bytes());
        let found = delegated(file.as_bytes(), &[b"a"], 1000).unwrap();
        let mine = file.lines().filter(|line| line.starts_with("a:")).count();
        prop_assert!(found.ranges.ranges().len() <= mine.pow(2));
    }

    #[test]
    fn check_agrees_with_the_model(map in small_map(), own in 0_u32..60, set in small_set()) {
        let mut allowed = members(&set);
        allowed.insert(own);
        allowed.remove(&0);
        let good = pairs(&map).values().all(|host| allowed.contains(host));
        let answer = check_within(&map, own, &set);
        prop_assert_eq!(answer.is_ok(), good);
        if let Err(violation) = answer {
            prop_assert!(ids(violation.ids).all(|id| !allowed.contains(&id)));
            let line = map.entries()[violation.line].host_range();
            prop_assert_eq!(line.intersection(violation.ids), Some(violation.ids));
        }
    }

    #[test]
    fn check_never_allows_what_is_not_delegated(host in number(), count in number()) {
        let mut set = RangeSet::new();
        set.insert(IdRange::new(100_000, 65_536).unwrap()).unwrap();
        let text = std::format!("0:{host}:{count}");
        let allowed = IdMap::parse(text.as_bytes()).is_ok_and(|map| check_within(&map, 1000, &set).is_ok());
        let end = u128::from(host) + u128::from(count);
        let good = count >= 1 && ((host, count) == (1000, 1) || (host >= 100_000 && end <= 165_536));
        prop_assert_eq!(allowed, good);
    }

    #[test]
    fn cut_maps_map_the_same(map in small_map(), current in small_map(), own in 0_u32..60) {
        let cut = map.with_own_line(own).unwrap();
        prop_assert_eq!(pairs(&cut), pairs(&map));
        prop_assert!(cut.entries().iter().all(|entry| entry.count() == 1 || !entry.host_range().contains(own)));
        match map.within_namespace(&current) {
            Ok(cut) => {
                prop_assert_eq!(pairs(&cut), pairs(&map));
                // Each line lies in one line of the current map, as the kernel wants it.
                prop_assert!(cut.entries().iter().all(|entry| current.entries().iter()
                    .any(|held| held.container_range().intersection(entry.host_range()) == Some(entry.host_range()))));
            }
            Err(MapError::NotInNamespace(missing)) => {
                prop_assert!(ids(missing).all(|id| map.maps_host(id) && !current.maps_container(id)));
            }
            Err(other) => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn default_of_a_user_has_no_hole_and_only_its_own_ids(own in 0_u32..60, set in small_set(), current in small_map()) {
        match default_for_user(own, &set, &current) {
            Err(error) => {
                prop_assert_eq!(error, DefaultError::OwnIdNotMapped);
                prop_assert!(!current.maps_container(own));
            }
            Ok(result) => {
                prop_assert!(result.complete);
                let pairs = pairs(&result.map);
                prop_assert_eq!(pairs.keys().copied().collect::<Vec<_>>(), (0..pairs.len() as u32).collect::<Vec<_>>());
                prop_assert_eq!(pairs[&0], own);
                let mut expected: BTreeSet<u32> = members(&set).into_iter().filter(|&id| id != 0).collect();
                expected.insert(own);
                expected.retain(|&id| current.maps_container(id));
                prop_assert_eq!(pairs.values().copied().collect::<BTreeSet<_>>(), expected);
                prop_assert_eq!(result.map.within_namespace(&current).unwrap(), result.map);
                if own != 0 {
                    prop_assert_eq!(check_within(&result.map, own, &set), Ok(()));
                }
            }
        }
    }

    #[test]
    fn default_of_root_maps_every_id_but_host_root(current in small_map()) {
        let inside: BTreeSet<u32> = pairs(&current).into_keys().collect();
        match default_for_root(&current) {
            Err(_) => prop_assert!(inside.len() == 1),
            Ok(result) => {
                let highest = *inside.last().unwrap();
                let mut expected: BTreeMap<u32, u32> = inside.iter().map(|&id| (id, id)).collect();
                expected.remove(&highest);
                expected.insert(0, highest);
                prop_assert_eq!(pairs(&result.map), expected);
                prop_assert_eq!(result.map.within_namespace(&current).unwrap(), result.map);
                prop_assert!(!result.map.maps_host(0));
            }
        }
    }
}
