// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this crate reads, mutated: id maps as people write them, subuid files, and requests to contain-idmap. No
//! panic, no more than the limits, and nothing is given that the input does not say.

#[path = "../../../tests/fuzz/mutate.rs"]
mod mutate;

use contain_policy::{IdMap, LAST_ID, MAX_FILE, MAX_LINE, MAX_LINES, MAX_REQUEST, PAGE, Request, delegated};
use mutate::Target;
use std::collections::BTreeSet;

const MAP_WORDS: &[&[u8]] =
    &[b":", b",", b";", b"0", b"1", b"65536", b"4294967294", b"4294967295", b"4294967296", b"18446744073709551616"];
const REQUEST_WORDS: &[&[u8]] = &[
    b"CIDM",
    b"\x01\0",
    b"\0\0\0\0\xe8\x03\0\0\x01\0\0\0",
    b"\xa0\x86\x01\0\0\0\x01\0",
    b"\xa5\x86\x01\0\xfc\xff\xff\xff",
];
const FILE_WORDS: &[&[u8]] = &[
    b":",
    b"\n",
    b"alice:",
    b"1000:",
    b"01000:",
    b"bob:",
    b"100000",
    b"65536",
    b"4294967295",
    b" ",
    b"#",
    b"\0",
    b"-1",
];

/// What holds for every map.
fn check_entries(map: &IdMap) {
    let entries = map.entries();
    assert!(!entries.is_empty() && entries.len() <= MAX_LINES);
    for (index, one) in entries.iter().enumerate() {
        assert!(one.count() > 0 && one.container_range().last() <= LAST_ID && one.host_range().last() <= LAST_ID);
        for other in &entries[..index] {
            assert!(one.container_range().intersection(other.container_range()).is_none(), "an id inside twice");
            assert!(one.host_range().intersection(other.host_range()).is_none(), "an id outside twice");
        }
    }
}

fn check_map(text: &[u8]) {
    let Ok(map) = IdMap::parse(text) else { return };
    let entries = map.entries();
    check_entries(&map);
    // Every number in the map stands in the text.
    let said: BTreeSet<u64> = text.split(|byte| matches!(byte, b':' | b',' | b';')).filter_map(decimal).collect();
    for number in entries.iter().flat_map(|entry| [entry.container(), entry.host(), entry.count()]) {
        assert!(said.contains(&u64::from(number)), "{number} comes from nowhere");
    }
    let mut buffer = [0; PAGE];
    let kernel_text = map.render(&mut buffer).expect("what was parsed can be written");
    assert!(kernel_text.len() < PAGE && kernel_text.len() == map.text_length());
    let read = IdMap::parse_kernel(kernel_text).expect("the kernel's own form");
    assert_eq!(read.entries(), map.sorted().entries(), "written and read back");
}

fn decimal(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The same from the words of the manual page, with a table of all that is said.
fn check_file(file: &[u8]) {
    let names: [&[u8]; 2] = [b"alice", b"bob"];
    let Ok(found) = delegated(file, &names, 1000) else {
        assert!(file.len() > MAX_FILE, "a file of {} bytes is small enough", file.len());
        return;
    };
    assert!(file.len() <= MAX_FILE);
    let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
    assert!(found.bad_lines + found.dropped_lines <= lines.len());
    let own: Vec<(u64, u64)> = lines.iter().filter_map(|line| own_line(line)).collect();
    for range in found.ranges.ranges() {
        assert!(range.last() <= LAST_ID);
        // Ranges that meet are one: both ends, and what is between, must be said by some line.
        let covered = |id: u64| own.iter().find(|(first, count)| (*first..first + count).contains(&id));
        let mut id = u64::from(range.first());
        while id <= u64::from(range.last()) {
            let (first, count) = covered(id).unwrap_or_else(|| panic!("{id} is nobody's line"));
            id = first + count;
        }
    }
    if found.dropped_lines == 0 {
        for (first, count) in own {
            for id in [first, first + count - 1] {
                assert!(found.ranges.contains(u32::try_from(id).expect("an id")), "{id} is delegated and missing");
            }
        }
    }
}

/// The range that a line gives to alice or bob, user 1000.
fn own_line(line: &[u8]) -> Option<(u64, u64)> {
    if line.len() > MAX_LINE || line.contains(&0) {
        return None;
    }
    let mut fields = line.split(|byte| *byte == b':');
    let (owner, first, count) = (fields.next()?, fields.next()?, fields.next()?);
    let canonical = |digits: &[u8]| {
        let number = decimal(digits)?;
        (number.to_string().as_bytes() == digits).then_some(number)
    };
    let (first, count) = (canonical(first)?, canonical(count)?);
    let fits = fields.next().is_none() && count > 0 && first.checked_add(count)? <= u64::from(u32::MAX);
    (fits && matches!(owner, b"alice" | b"bob" | b"1000")).then_some((first, count))
}

/// A request that is taken is, byte for byte, the only one that says what was read, and says nothing unwritable.
fn check_request(message: &[u8]) {
    let Ok(request) = Request::decode(message) else { return };
    for map in [&request.users, &request.groups] {
        check_entries(map);
        map.render(&mut [0; PAGE]).expect("what was decoded can be written");
    }
    assert!(request.users.entries().len() + request.groups.entries().len() <= MAX_LINES);
    let mut buffer = [0xff; MAX_REQUEST];
    assert_eq!(request.encode(&mut buffer), Ok(message), "read and written back");
}

#[test]
fn fuzz_id_map() {
    Target::open("id_map", MAP_WORDS).run(check_map);
}

#[test]
fn fuzz_subordinate() {
    Target::open("subordinate", FILE_WORDS).run(check_file);
}

#[test]
fn fuzz_request() {
    Target::open("request", REQUEST_WORDS).run(check_request);
}
