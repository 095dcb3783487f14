// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is mounted below the directories that an overlay is to cover, from this process's mount table.

use crate::config::Root;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// The mounts below the root, or below the parts of a root made of the host's system.
pub(crate) fn of(root: &Root) -> Vec<PathBuf> {
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    match root {
        Root::Directory(path) => {
            let whole = path.canonicalize().unwrap_or_default();
            mount_points(&table).filter(|mount| is_below(mount, &whole)).collect()
        }
        Root::Host => mount_points(&table).filter(|mount| mount != Path::new("/")).collect(),
    }
}

fn is_below(mount: &Path, directory: &Path) -> bool {
    !directory.as_os_str().is_empty() && mount != directory && mount.starts_with(directory)
}

/// The fifth field of every line (proc_pid_mountinfo(5)).
fn mount_points(table: &[u8]) -> impl Iterator<Item = PathBuf> {
    let lines = table.split(|byte| *byte == b'\n');
    let fields = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    fields.map(|field| OsString::from_vec(unescaped(field)).into())
}

/// Space, tab, line feed and backslash stand as three octal digits behind a backslash.
fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..3).filter(|_| *first == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = behind;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_the_fifth_field_with_octal_escapes() {
        let table = b"36 35 98:0 /a /mnt\\040x rw,noatime - ext3 /dev/root rw\n\n37 35 0:1 / /\\134\\011 rw - tmpfs none rw\nshort\n";
        let found: Vec<PathBuf> = mount_points(table).collect();
        assert_eq!(found, [PathBuf::from("/mnt x"), PathBuf::from("/\\\t")]);
        assert_eq!(unescaped(b"a\\0"), b"a\\0");
        assert_eq!(unescaped(b"\\999"), b"\\999");
    }

    #[test]
    fn below_is_neither_the_directory_itself_nor_one_with_a_longer_name() {
        let below = |mount: &str, directory: &str| is_below(Path::new(mount), Path::new(directory));
        assert!(below("/srv/root/mnt", "/srv/root"));
        assert!(below("/proc", "/"));
        assert!(!below("/srv/root", "/srv/root"));
        assert!(!below("/srv/root2", "/srv/root"));
        assert!(!below("/proc", ""));
    }
}
