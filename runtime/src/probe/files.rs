// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading small files of the kernel's, and what their lines say.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// No file that is read here is larger on a machine that can run at all.
const LIMIT: u64 = 1 << 20;

/// The text of a file; none where it is not there or cannot be read.
pub(super) fn text(path: impl AsRef<Path>) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LIMIT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value of a line `NAME: VALUE`.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// A line of /proc/self/mountinfo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount<'a> {
    /// Which part of the file system it shows.
    pub root: &'a str,
    /// Where; spaces in it are written as `\040`.
    pub point: &'a str,
    /// Options of the mount, comma-separated.
    pub options: &'a str,
    pub kind: &'a str,
    /// Options of the file system.
    pub super_options: &'a str,
}

/// The mounts, in the order in which they were made.
pub(super) fn mounts(mountinfo: &str) -> Vec<Mount<'_>> {
    mountinfo.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount<'_>> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(3);
    let mut after = after.split(' ');
    Some(Mount {
        root: before.next()?,
        point: before.next()?,
        options: before.next()?,
        kind: after.next()?,
        super_options: after.nth(1)?,
    })
}

/// Major and minor number of a kernel release.
pub(super) fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse().ok());
    numbers.next().flatten().zip(numbers.next().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_mountinfo_are_taken_apart() {
        let text = "22 27 0:21 / /proc rw,nosuid shared:1 master:2 - proc proc rw,hidepid=invisible\nnonsense\n";
        let expected = Mount {
            root: "/",
            point: "/proc",
            options: "rw,nosuid",
            kind: "proc",
            super_options: "rw,hidepid=invisible",
        };
        assert_eq!(mounts(text), [expected]);
    }

    #[test]
    fn fields_and_versions_are_read() {
        assert_eq!(field("Name:\tx\nNoNewPrivs:\t1\n", "NoNewPrivs"), Some("1"));
        assert_eq!(field("Name:\tx\n", "NoNewPrivs"), None);
        assert_eq!((version("6.18.44-x\n"), version("5.10"), version("x")), (Some((6, 18)), Some((5, 10)), None));
    }
}
