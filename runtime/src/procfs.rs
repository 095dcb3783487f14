// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reading files of /proc, which say of no size: with room for most of them in one read.

use crate::error::{Error, Kind};
use std::fs::File;
use std::io::{Read, Result};

/// Room for the texts of one process.
const ROOM: usize = 4096;

/// Whether there is a /proc, of this process's PID namespace.
pub(crate) fn is_mounted() -> bool {
    std::fs::symlink_metadata("/proc/self/ns").is_ok()
}

/// The error where there is none.
pub(crate) fn missing(stage: &'static str, path: &str) -> Error {
    Error::new(Kind::System, stage, "read", path)
        .errno(libc::ENOENT)
        .cause("there is no /proc here, or it is that of another PID namespace")
        .remedy("mount it: mount -t proc proc /proc")
}

/// The whole of a file as text.
pub(crate) fn text(path: &str) -> Result<String> {
    let mut text = String::with_capacity(ROOM);
    // A limited reader is not asked for a size, as a file would be.
    File::open(path)?.take(u64::MAX).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_read_to_their_end_or_are_an_error() {
        let own = super::text("/proc/self/status").unwrap();
        assert!(own.starts_with("Name:") && own.ends_with('\n'));
        let long = "x".repeat(3 * super::ROOM + 1);
        let path = std::env::temp_dir().join(format!("contain-procfs-{}", std::process::id()));
        std::fs::write(&path, &long).unwrap();
        let read = super::text(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), long);
        assert_eq!(super::text("/proc/there is no such file").unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }
}
