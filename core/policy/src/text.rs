// SPDX-License-Identifier: MIT OR Apache-2.0
//! Maps as text: as people write them (`START:LOWER:COUNT,…`), as the kernel reads them, and as it shows them.

use crate::number::{decimal, write_decimal};
use crate::{IdMap, MapEntry, MapError, PAGE};

/// Which part of a text is wrong, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The item or line, counted from 0, empty ones left out.
    pub item: usize,
    /// What is wrong with it.
    pub reason: MapError,
}

impl IdMap {
    /// The map that a person wrote: `START:LOWER:COUNT` items between `,` and `;`. Empty items are passed over,
    /// as they always were; a text of nothing else is refused. What is given can be written: it has at most
    /// [`MAX_LINES`](crate::MAX_LINES) lines and its text is shorter than [`PAGE`].
    pub fn parse(text: &[u8]) -> Result<IdMap, ParseError> {
        let items = text.split(|byte| matches!(byte, b',' | b';')).filter(|item| !item.is_empty());
        let map = collect(items.map(|item| entry(item.split(|&byte| byte == b':'))))?;
        if map.text_length() < PAGE {
            Ok(map)
        } else {
            Err(ParseError { item: map.entries().len().saturating_sub(1), reason: MapError::TooLong })
        }
    }

    /// The map that the kernel shows in /proc/PID/uid_map or gid_map, in the order of its container ids.
    /// Nothing mapped at all (before a map is written) is refused as empty.
    pub fn parse_kernel(text: &[u8]) -> Result<IdMap, ParseError> {
        let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let words = |line: &'_ [u8]| entry(line.split(|&byte| byte == b' ').filter(|word| !word.is_empty()));
        let mut map = collect(lines.map(words))?;
        map.sort();
        Ok(map)
    }

    /// Writes the map as the kernel reads it, `CONTAINER HOST COUNT` and a newline for each line, to the start
    /// of `buffer` and gives what was written.
    pub fn render<'a>(&self, buffer: &'a mut [u8]) -> Result<&'a [u8], MapError> {
        let length = self.text_length();
        if self.is_empty() {
            return Err(MapError::Empty);
        }
        let text = buffer.get_mut(..length).filter(|_| length < PAGE).ok_or(MapError::TooLong)?;
        let mut rest = &mut *text;
        for entry in self.entries() {
            for (number, end) in [(entry.container(), b' '), (entry.host(), b' '), (entry.count(), b'\n')] {
                rest = write_decimal(rest, number, end).ok_or(MapError::TooLong)?;
            }
        }
        Ok(text)
    }
}

/// One line from its three fields.
fn entry<'a>(mut fields: impl Iterator<Item = &'a [u8]>) -> Result<MapEntry, MapError> {
    let (Some(container), Some(host), Some(count), None) = (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(MapError::Syntax);
    };
    match (decimal(container), decimal(host), decimal(count)) {
        (Some(container), Some(host), Some(count)) => MapEntry::new(container, host, count),
        _ => Err(MapError::Syntax),
    }
}

/// A map from its lines.
fn collect(entries: impl Iterator<Item = Result<MapEntry, MapError>>) -> Result<IdMap, ParseError> {
    let mut map = IdMap::new();
    for (item, entry) in entries.enumerate() {
        entry.and_then(|entry| map.push(entry)).map_err(|reason| ParseError { item, reason })?;
    }
    if map.is_empty() { Err(ParseError { item: 0, reason: MapError::Empty }) } else { Ok(map) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn rendered(map: &IdMap) -> String {
        let mut buffer = [0; PAGE];
        String::from_utf8(map.render(&mut buffer).unwrap().to_vec()).unwrap()
    }

    fn refusal(text: &str) -> (usize, MapError) {
        let error = IdMap::parse(text.as_bytes()).unwrap_err();
        (error.item, error.reason)
    }

    #[test]
    fn parse_both_separators_and_empty_items() {
        let map = IdMap::parse(b"0:1000:1,1:4000:2000").unwrap();
        assert_eq!(rendered(&map), "0 1000 1\n1 4000 2000\n");
        assert_eq!(IdMap::parse(b"0:1000:1;1:4000:2000").unwrap(), map);
        assert_eq!(IdMap::parse(b",0:1000:1;,01:04000:2000,").unwrap(), map);
    }

    #[test]
    fn parse_what_is_no_map_is_refused_with_its_item() {
        for text in ["", ",", ",;,"] {
            assert_eq!(refusal(text), (0, MapError::Empty), "{text:?}");
        }
        for text in ["0", "0:1", "0:1:1:1", "0:1:", ":1:1", "0:-1:1", "0:+1:1", "0: 1:1", "0:1:1 ", "a:b:c", "0 1 1"] {
            assert_eq!(refusal(text), (0, MapError::Syntax), "{text:?}");
        }
        assert_eq!(refusal("0:1000:1,,1:2000:0"), (1, MapError::NoIds));
        assert_eq!(refusal("0:1000:1,1:100005:4294967292"), (1, MapError::OutOfRange));
        assert_eq!(refusal("0:4294967295:1"), (0, MapError::OutOfRange));
        assert_eq!(refusal("4294967295:0:1"), (0, MapError::OutOfRange));
        assert_eq!(refusal("0:18446744073709551615:2"), (0, MapError::OutOfRange));
        assert_eq!(refusal("0:18446744073709551616:1"), (0, MapError::Syntax));
        assert_eq!(refusal("0:1:10,9:100:1"), (1, MapError::ContainerOverlap));
        assert_eq!(refusal("0:1:10,10:10:1"), (1, MapError::HostOverlap));
    }

    fn many(lines: usize, first_host: usize) -> String {
        (0..lines).map(|line| std::format!("{line}:{}:1", first_host + 2 * line)).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn parse_line_and_page_limits() {
        assert_eq!(IdMap::parse(many(340, 1).as_bytes()).map(|map| map.entries().len()), Ok(340));
        assert_eq!(refusal(&many(341, 1)), (340, MapError::TooManyLines));
        assert_eq!(refusal(&many(10_000, 1)), (340, MapError::TooManyLines));
        // 17 bytes and one more from line 10 and from line 100 on: 222 lines are 4098 bytes.
        let text = many(300, 1_000_000_000);
        assert_eq!(refusal(&text).1, MapError::TooLong);
    }

    #[test]
    fn page_limit_is_exact() {
        // Lines of 14 bytes, then one that fills the page but for one byte, or to the end.
        let mut map = IdMap::new();
        for line in 0..290_u64 {
            map.push(MapEntry::new(1000 + line, 100_000 + line, 1).unwrap()).unwrap();
        }
        assert_eq!(map.text_length(), 4060);
        let last = |count| MapEntry::new(2_000_000_000, 2_000_000_000, count).unwrap();
        map.push(MapEntry::new(0, 0, 1).unwrap()).unwrap();
        assert_eq!(map.text_length(), 4066);
        let (mut fits, mut too_long) = (map, map);
        fits.push(last(123_456)).unwrap();
        too_long.push(last(1_234_567)).unwrap();
        assert_eq!((fits.text_length(), too_long.text_length()), (4095, 4096));
        assert!(map.has_room_for(last(123_456)) && !map.has_room_for(last(1_234_567)));
        let mut buffer = [0; 2 * PAGE];
        assert_eq!(fits.render(&mut buffer).map(<[u8]>::len), Ok(4095));
        assert_eq!(too_long.render(&mut buffer), Err(MapError::TooLong));
    }

    #[test]
    fn render_refuses_a_short_buffer_and_an_empty_map() {
        let map = IdMap::parse(b"0:1000:1").unwrap();
        assert_eq!(map.render(&mut [0; 8]), Err(MapError::TooLong));
        assert_eq!(map.render(&mut [0; 9]), Ok(&b"0 1000 1\n"[..]));
        assert_eq!(IdMap::new().render(&mut [0; 9]), Err(MapError::Empty));
    }

    #[test]
    fn parse_kernel_reads_padded_columns() {
        let map = IdMap::parse_kernel(b"         0          0 4294967295\n").unwrap();
        assert_eq!(rendered(&map), "0 0 4294967295\n");
        let map = IdMap::parse_kernel(b"         1     100000      65536\n         0       1000          1\n").unwrap();
        assert_eq!(rendered(&map), "0 1000 1\n1 100000 65536\n");
        assert_eq!(IdMap::parse_kernel(b"").unwrap_err().reason, MapError::Empty);
        assert_eq!(IdMap::parse_kernel(b"0 0\n").unwrap_err().reason, MapError::Syntax);
    }

    #[test]
    fn parse_kernel_takes_340_lines_longer_than_a_page() {
        let text: String =
            (0..340_u32).map(|line| std::format!("{:>10} {:>10} {:>10}\n", line * 10, line * 20, 3)).collect();
        assert_eq!(IdMap::parse_kernel(text.as_bytes()).unwrap().entries().len(), 340);
    }
}
