// SPDX-License-Identifier: MIT OR Apache-2.0
//! The grammars of /etc/subuid, /etc/subgid and /etc/passwd, over bytes that somebody else has read.
//!
//! A line that is not exactly what the grammar says counts for nobody: it is skipped and counted, so that a
//! defect in one line gives ids to no one (CVE-2016-6252) and takes none from the others.

use crate::number::canonical_decimal;
use crate::{IdRange, MAX_FILE, MAX_LINE, RangeSet};

/// The file has more than [`MAX_FILE`] bytes and was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileTooLarge;

/// What a subuid or subgid file delegates to one user.
#[derive(Clone, Copy, Debug)]
pub struct Delegated {
    /// The ids, in the order of the file.
    pub ranges: RangeSet,
    /// Lines of the file, whoever's, that were skipped because they are not what the grammar says.
    pub bad_lines: usize,
    /// Good lines of this user for which the set had no room.
    pub dropped_lines: usize,
}

/// What `file` (the bytes of /etc/subuid or /etc/subgid) delegates to the user with the id `uid` and all its
/// `names`. A line is `OWNER:FIRST:COUNT`; OWNER is a whole name, or a user id in both files. An OWNER of
/// digits only is always an id: nobody gains another's ids by a name that looks like one.
pub fn delegated(file: &[u8], names: &[&[u8]], uid: u32) -> Result<Delegated, FileTooLarge> {
    let mut result = Delegated { ranges: RangeSet::new(), bad_lines: 0, dropped_lines: 0 };
    for line in lines(file)? {
        let Some((owner, range)) = line.and_then(subordinate_line) else {
            result.bad_lines = result.bad_lines.saturating_add(1);
            continue;
        };
        if is_owner(owner, names, uid) && result.ranges.insert(range).is_err() {
            result.dropped_lines = result.dropped_lines.saturating_add(1);
        }
    }
    Ok(result)
}

/// `OWNER:FIRST:COUNT`.
fn subordinate_line(line: &[u8]) -> Option<(&[u8], IdRange)> {
    let [owner, first, count] = fields(line)?;
    let range = IdRange::new(canonical_decimal(first)?, canonical_decimal(count)?)?;
    if owner.is_empty() { None } else { Some((owner, range)) }
}

fn is_owner(owner: &[u8], names: &[&[u8]], uid: u32) -> bool {
    if owner.iter().all(u8::is_ascii_digit) {
        canonical_decimal(owner) == Some(u64::from(uid))
    } else {
        names.contains(&owner)
    }
}

/// A line of /etc/passwd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account<'a> {
    /// The user's name; not empty.
    pub name: &'a [u8],
    /// The user's primary group.
    pub gid: u32,
}

/// The accounts of the user id `uid` in `file` (the bytes of /etc/passwd), in their order. A name counts only
/// where its first line has this id, since that line is what the name means to everybody else.
pub fn accounts(file: &[u8], uid: u32) -> Result<impl Iterator<Item = Account<'_>>, FileTooLarge> {
    let all = || lines(file).map(|lines| lines.flatten().filter_map(passwd_line));
    let meaning = move |name: &[u8]| all().ok()?.find(|(_, account)| account.name == name).map(|(id, _)| id);
    let own = all()?.filter(move |(id, account)| *id == uid && meaning(account.name) == Some(uid));
    Ok(own.map(|(_, account)| account))
}

/// `NAME:PASSWORD:UID:GID:GECOS:DIRECTORY:SHELL`. A name that starts with `+` or `-` is no name but a word to
/// the name service.
fn passwd_line(line: &[u8]) -> Option<(u32, Account<'_>)> {
    let [name, _, uid, gid, _, _, _] = fields(line)?;
    let number = |digits| u32::try_from(canonical_decimal(digits)?).ok();
    if matches!(name, [] | [b'+' | b'-', ..]) {
        None
    } else {
        Some((number(uid)?, Account { name, gid: number(gid)? }))
    }
}

/// The lines of a file that have anything in them; none for one that is too long.
fn lines(file: &[u8]) -> Result<impl Iterator<Item = Option<&[u8]>>, FileTooLarge> {
    if file.len() > MAX_FILE {
        return Err(FileTooLarge);
    }
    let lines = file.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(|line| if line.len() > MAX_LINE { None } else { Some(line) }))
}

/// The fields between colons, where there are exactly as many as asked for.
fn fields<const COUNT: usize>(line: &[u8]) -> Option<[&[u8]; COUNT]> {
    let mut parts = line.split(|&byte| byte == b':');
    let mut result = [&[][..]; COUNT];
    for place in &mut result {
        *place = parts.next()?;
    }
    if parts.next().is_none() { Some(result) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    /// The ranges, the bad lines and the dropped lines of alice, 1000.
    fn scan(file: &str) -> (Vec<(u32, u32)>, usize, usize) {
        let result = delegated(file.as_bytes(), &[b"alice"], 1000).unwrap();
        let ranges = result.ranges.ranges().iter().map(|range| (range.first(), range.count())).collect();
        (ranges, result.bad_lines, result.dropped_lines)
    }

    #[test]
    fn delegated_by_name_and_by_number() {
        assert_eq!(
            scan("bob:1:2\nalice:100000:65536\n1000:300000:10\n1001:5:5\n"),
            (std::vec![(100_000, 65_536), (300_000, 10)], 0, 0)
        );
        assert_eq!(scan("\nalice:100000:65536"), (std::vec![(100_000, 65_536)], 0, 0), "no newline at the end");
    }

    #[test]
    fn delegated_repeated_and_overlapping_lines_are_merged_in_file_order() {
        assert_eq!(
            scan("alice:200:10\nalice:100:10\nalice:100:10\n1000:205:10\n"),
            (std::vec![(200, 10), (100, 10), (210, 5)], 0, 0)
        );
    }

    #[test]
    fn delegated_compares_whole_names() {
        for owner in ["alic", "alice2", "Alice", "alice ", " alice", "1000 ", "100", "10000", "01000", "+1000"] {
            assert_eq!(scan(&std::format!("{owner}:100:10\n")).0, [], "{owner:?}");
        }
    }

    #[test]
    fn delegated_bad_lines_are_skipped_and_counted() {
        let bad = [
            "alice",
            "alice:",
            "alice:1",
            "alice:1:",
            "alice::1",
            ":1:1",
            "alice:1:1:",
            "alice:1:1:1",
            "alice:1:0",
            "alice:-1:1",
            "alice:1:-1",
            "alice:+1:1",
            "alice: 1:1",
            "alice:1 :1",
            "alice:1:1 ",
            "alice:0x1:1",
            "alice:010:1",
            "alice:1:010",
            "alice:1:1\r",
            "alice:1:1\0",
            "alice:4294967295:1",
            "alice:4294967294:2",
            "alice:100005:4294967292",
            "alice:1:4294967296",
            "alice:18446744073709551616:1",
            "alice:18446744073709551615:18446744073709551615",
            "# comment",
        ];
        for line in bad {
            assert_eq!(scan(&std::format!("{line}\nalice:7:7\n")), (std::vec![(7, 7)], 1, 0), "{line:?}");
        }
        assert_eq!(scan(&(bad.join("\n") + "\n")).1, bad.len());
        assert_eq!(scan("alice:4294967294:1\n"), (std::vec![(4_294_967_294, 1)], 0, 0));
    }

    #[test]
    fn delegated_line_and_file_limits_are_exact() {
        let name = |length| "a".repeat(length);
        let good = std::format!("{}:1:1\n", name(508));
        let long = std::format!("{}:1:1\n", name(509));
        assert_eq!((good.len(), long.len()), (513, 514));
        let ranges = |file: &str, name: &str| delegated(file.as_bytes(), &[name.as_bytes()], 7).unwrap();
        assert_eq!(ranges(&good, &name(508)).ranges.ranges().len(), 1);
        assert!(ranges(&long, &name(509)).ranges.is_empty());
        assert_eq!(ranges(&long, &name(509)).bad_lines, 1);
        let mut file = std::vec![b'\n'; MAX_FILE];
        assert!(delegated(&file, &[], 7).is_ok());
        file.push(b'\n');
        assert_eq!(delegated(&file, &[], 7).err(), Some(FileTooLarge));
        assert!(accounts(&file, 7).is_err());
    }

    #[test]
    fn delegated_more_ranges_than_a_map_has_lines_are_dropped_and_counted() {
        let file: String = (0..400).map(|line| std::format!("alice:{}:5\n", 1000 + line * 10)).collect();
        let (ranges, bad, dropped) = scan(&file);
        assert_eq!((ranges.len(), bad, dropped), (340, 0, 60));
    }

    #[test]
    fn delegated_digit_name_is_no_one_elses_number() {
        let result = delegated(b"1001:500:5\n", &[b"1001"], 1000).unwrap();
        assert!(result.ranges.is_empty());
    }

    #[test]
    fn accounts_all_names_of_one_id() {
        let file = b"root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:A,,,:/home/alice:/bin/sh\n\
            bad:x:1000:1000:no:shell\nworse:x:01000:1000::/:/bin/sh\n+nis:x:1000:1000::/:/bin/sh\n\
            :x:1000:1000::/:/bin/sh\nalias:*:1000:100::/:\nroot:x:1000:1000:second line of a name::\n";
        let found: Vec<_> = accounts(file, 1000).unwrap().collect();
        assert_eq!(found, [Account { name: b"alice", gid: 1000 }, Account { name: b"alias", gid: 100 }]);
        assert_eq!(accounts(file, 0).unwrap().count(), 1);
        assert_eq!(accounts(file, 5).unwrap().count(), 0);
    }
}
