// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values of `--bind`, `--bind-ro`, `--tmpfs` and `--overlay-size`. Colons stand between their parts; in a name a colon is written
//! `\:` and a backslash `\\`.

use crate::options::Given;
use contain::{Mount, Overlay};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The permissions of a tmpfs, as mount(8) has them.
const TMPFS_MODE: u32 = 0o1777;

/// The mounts that were asked for, in their order.
pub fn parse(given: &Given) -> Result<Vec<Mount>, String> {
    let parsed = given.all(&["bind", "bind-ro", "tmpfs"]).map(|(option, value)| {
        let mount = if option == "tmpfs" { tmpfs(value) } else { bind(value, option == "bind-ro") };
        mount.map_err(|wrong| format!("--{option} {}: {wrong}", value.to_string_lossy()))
    });
    parsed.collect()
}

/// The layer over the root.
pub fn overlay(given: &Given) -> Result<Option<Overlay>, String> {
    let Some(value) = given.value("overlay-size") else {
        return Ok(given.has("overlay").then(Overlay::default));
    };
    let size = value.to_str().and_then(bytes);
    let wrong =
        || format!("--overlay-size {}: a size is a number of bytes, or one with K, M or G", value.to_string_lossy());
    Ok(Some(Overlay { size: Some(size.ok_or_else(wrong)?) }))
}

fn bind(value: &OsStr, read_only: bool) -> Result<Mount, String> {
    let mut parts = split(value).into_iter();
    let (source, target) = (PathBuf::from(parts.next().unwrap_or_default()), parts.next());
    if parts.next().is_some() {
        return Err("a colon too many; one in a name is written \\:".into());
    }
    let target = match target {
        Some(target) => place(target)?,
        None => std::path::absolute(&source).map_err(|_| "there is no source")?,
    };
    Ok(Mount::Bind { source, target, read_only })
}

fn tmpfs(value: &OsStr) -> Result<Mount, String> {
    let mut parts = split(value).into_iter();
    let target = place(parts.next().unwrap_or_default())?;
    let (mut size, mut mode) = (None, TMPFS_MODE);
    let options = parts.next().unwrap_or_default();
    if parts.next().is_some() {
        return Err("a colon too many; one in a name is written \\:".into());
    }
    let options = options.to_str().ok_or("options are size=SIZE and mode=MODE")?;
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("size", text)) => {
                size = Some(bytes(text).ok_or("a size is a number of bytes, or one with K, M or G")?)
            }
            Some(("mode", text)) => {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let number = u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o7777);
                mode = number.ok_or("a mode is an octal number up to 7777")?;
            }
            _ => return Err(format!("{option:?} is not known; options are size=SIZE and mode=MODE")),
        }
    }
    Ok(Mount::Tmpfs { target, size, mode })
}

/// A place inside.
fn place(path: OsString) -> Result<PathBuf, String> {
    if path.as_bytes().first() != Some(&b'/') {
        return Err("DST begins with a slash; a colon in a name is written \\:".into());
    }
    Ok(path.into())
}

/// The parts between the colons that no backslash stands in front of.
fn split(value: &OsStr) -> Vec<OsString> {
    let mut parts = vec![Vec::new()];
    let mut bytes = value.as_bytes().iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escaped = (byte == b'\\').then(|| bytes.next_if(|next| matches!(next, b':' | b'\\'))).flatten();
        match (byte, parts.last_mut()) {
            (b':', _) | (_, None) => parts.push(Vec::new()),
            (_, Some(part)) => part.push(escaped.unwrap_or(byte)),
        }
    }
    parts.into_iter().map(OsString::from_vec).collect()
}

/// `4096`, `64K`, `64M`, `1G`: at least one byte.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (at, 'K' | 'k') => (&text[..at], 1 << 10),
        (at, 'M' | 'm') => (&text[..at], 1 << 20),
        (at, 'G' | 'g') => (&text[..at], 1 << 30),
        _ => (text, 1),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    number.checked_mul(unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(value: &str) -> Vec<OsString> {
        split(OsStr::new(value))
    }

    #[test]
    fn colons_divide_and_escaped_ones_do_not() {
        assert_eq!(parts("/a:/b"), ["/a", "/b"]);
        assert_eq!(parts("/a"), ["/a"]);
        assert_eq!(parts(r"/a\:b:/c\:d"), ["/a:b", "/c:d"]);
        assert_eq!(parts(r"/a\\:/b\n\"), [r"/a\", r"/b\n\"], "other backslashes are themselves");
        assert_eq!(parts("/a:"), ["/a", ""]);
    }

    #[test]
    fn bind_is_a_source_and_a_place_inside() {
        let both = |source: &str, target: &str| {
            Ok(Mount::Bind { source: source.into(), target: target.into(), read_only: true })
        };
        assert_eq!(bind(OsStr::new("data:/srv"), true), both("data", "/srv"));
        assert_eq!(bind(OsStr::new("/srv/data"), true), both("/srv/data", "/srv/data"));
        let here = std::env::current_dir().expect("a directory").join("data");
        assert_eq!(bind(OsStr::new("data"), true), both("data", here.to_str().expect("text")));
        for wrong in ["", "/a:b", "/a:/b:ro", "/a:"] {
            assert!(bind(OsStr::new(wrong), false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn tmpfs_has_a_size_and_a_mode() {
        let wanted = |size, mode| Ok(Mount::Tmpfs { target: "/tmp".into(), size, mode });
        assert_eq!(tmpfs(OsStr::new("/tmp")), wanted(None, 0o1777));
        assert_eq!(tmpfs(OsStr::new("/tmp:size=64M")), wanted(Some(64 << 20), 0o1777));
        assert_eq!(tmpfs(OsStr::new("/tmp:mode=0755,size=1")), wanted(Some(1), 0o755));
        let wrong =
            ["tmp", "/tmp:rw", "/tmp:size=0", "/tmp:size=", "/tmp:size=+1", "/tmp:mode=8", "/tmp:mode=10000", "/t:a:b"];
        for wrong in wrong {
            assert!(tmpfs(OsStr::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert_eq!(bytes("18446744073709551615"), Some(u64::MAX));
        assert_eq!(bytes("17179869184G"), None);
        assert_eq!(bytes("2k"), Some(2048));
        assert_eq!(bytes("K"), None);
    }
}
