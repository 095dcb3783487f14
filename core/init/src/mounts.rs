// SPDX-License-Identifier: MIT OR Apache-2.0
//! Mounts, directories and links below the new root. Every path is resolved by openat2 from the root's descriptor;
//! mounts go onto descriptors.

use crate::context::{At, Context, Fault, Said};
use contain_plan::message::{Part, TEXT};
use contain_plan::{List, Text};
use contain_sys::file::{self, Resolve, flags};
use contain_sys::mount::{self, Depth};
use contain_sys::{Errno, Fd};
use core::ffi::CStr;

/// The longest path that a step may name, NUL included (PATH_MAX).
pub const PATH: usize = 4096;

/// A new file system as a detached mount. Where the kernel refuses and says why, its words are kept.
pub fn make_filesystem<'a>(
    context: &mut Context<'_>,
    kind: &CStr,
    options: impl Iterator<Item = &'a CStr>,
    attributes: u64,
) -> Result<Fd, Fault> {
    let setup = mount::open_filesystem(kind).at(Part::Configure)?;
    let made = options
        .map(|option| configure(setup, option))
        .find(Result::is_err)
        .unwrap_or(Ok(()))
        .and_then(|()| mount::create(setup, attributes));
    if made.is_err() {
        context.said = listen(setup);
    }
    // Contexts and places stay open until the descriptors are dropped at the exec: nothing is gained by closing each.
    let made = made.at(Part::Configure)?;
    if kind == c"tmpfs" || kind == c"overlay" {
        context.remember_own(made).at(Part::Configure)?;
    }
    Ok(made)
}

/// Sets `key=value`, or the flag `key`.
fn configure(setup: Fd, option: &CStr) -> contain_sys::Result<()> {
    let bytes = option.to_bytes();
    let Some(equals) = bytes.iter().position(|byte| *byte == b'=') else {
        return mount::configure(setup, option, None);
    };
    let mut key = [0u8; 64];
    let (name, value) = bytes.split_at_checked(equals).ok_or(Errno::EINVAL)?;
    key.get_mut(..name.len()).filter(|slot| slot.len() < 64).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(name);
    let key = CStr::from_bytes_until_nul(&key).map_err(|_| Errno::EINVAL)?;
    let value = option.to_bytes_with_nul().get(equals.saturating_add(1)..).unwrap_or(value);
    mount::configure(setup, key, CStr::from_bytes_with_nul(value).ok())
}

/// The first line that the kernel wrote about a context, without its level.
fn listen(setup: Fd) -> Said {
    let mut said = Said { text: [0; TEXT], length: 0 };
    let length = mount::read_message(setup, &mut said.text);
    // "e text\n": the level, a space, the text.
    let text = said.text.get(2..length).unwrap_or(&[]);
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    said.length = text.len();
    said.text.copy_within(2..said.length.saturating_add(2).min(TEXT), 0);
    said
}

/// Mounts a new file system on a real directory below the root.
pub fn mount(
    context: &mut Context<'_>,
    filesystem: Text<'_>,
    target: Text<'_>,
    options: List<'_>,
    attributes: u64,
    make: bool,
) -> Result<(), Fault> {
    if make && let Some((directory, name)) = context.nearby.below_own(target) {
        match file::make_directory(directory, name, 0o755) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(Fault::Call(errno, Part::Target)),
        }
        let made = make_filesystem(context, filesystem, options.iter(), attributes)?;
        return mount::attach_at(made, directory, name).at(Part::Attach);
    }
    // CVE-2019-16884, CVE-2019-19921, CVE-2023-27561: no link on the way, so that the root's own content cannot lead
    // a mount of /proc, /sys or /dev elsewhere.
    let place = |context: &Context<'_>| {
        file::open_in(context.root, target, flags::O_PATH | flags::O_DIRECTORY, Resolve::BENEATH_NO_LINKS)
    };
    let directory = match place(context) {
        Err(Errno::ENOENT) if make => {
            make_directory(context, target, 0o755)?;
            place(context)
        }
        other => other,
    }
    .at(Part::Target)?;
    let made = make_filesystem(context, filesystem, options.iter(), attributes)?;
    // What was resolved below here may be covered now.
    context.nearby = Nearby::NOWHERE;
    mount::attach(made, directory).at(Part::Attach)?;
    if filesystem == c"tmpfs" {
        context.nearby.remember(target.to_bytes(), made);
        context.nearby.own = context.nearby.directory.is_some();
    }
    Ok(())
}

/// A directory below the root that was resolved last: many steps in a row make things in the same one.
#[derive(Clone, Copy)]
pub struct Nearby {
    path: [u8; 16],
    length: usize,
    directory: Fd,
    /// It is the root of a tmpfs of our own, in which nobody else has made anything.
    own: bool,
}

impl Nearby {
    /// None yet.
    pub const NOWHERE: Nearby = Nearby { path: [0; 16], length: 0, directory: Fd::NONE, own: false };

    fn is(&self, path: &[u8]) -> bool {
        self.directory.is_some() && self.path.get(..self.length) == Some(path)
    }

    fn remember(&mut self, path: &[u8], directory: Fd) {
        if let Some(slot) = self.path.get_mut(..path.len()) {
            slot.copy_from_slice(path);
            (self.length, self.directory, self.own) = (path.len(), directory, false);
        }
    }

    /// Where `path` names something directly in a tmpfs of our own: that, and the name.
    fn below_own<'p>(&self, path: &'p CStr) -> Option<(Fd, &'p CStr)> {
        let bytes = path.to_bytes_with_nul();
        let cut = bytes.iter().rposition(|byte| *byte == b'/')?;
        let name = CStr::from_bytes_with_nul(bytes.get(cut.checked_add(1)?..)?).ok()?;
        let below = self.own && self.is(bytes.get(..cut)?) && !matches!(name.to_bytes(), b"" | b"." | b"..");
        below.then_some((self.directory, name))
    }
}

/// The directory that holds `path`, resolved inside the root, and the last name of `path` in `buffer`.
fn parent<'b>(
    context: &mut Context<'_>,
    path: &CStr,
    buffer: &'b mut [u8; PATH],
) -> contain_sys::Result<(Fd, &'b CStr)> {
    let bytes = path.to_bytes();
    let cut = bytes.iter().rposition(|byte| *byte == b'/');
    let head = bytes.get(..cut.unwrap_or(0)).unwrap_or(&[]);
    let name = bytes.get(cut.map_or(0, |cut| cut.saturating_add(1))..).unwrap_or(&[]);
    if name.is_empty() || name == b"." || name == b".." {
        return Err(Errno::EINVAL);
    }
    let directory = if head.is_empty() {
        context.root
    } else if context.nearby.is(head) {
        context.nearby.directory
    } else {
        let copy = copy(head, buffer)?;
        let opened = file::open_in(context.root, copy, flags::O_PATH | flags::O_DIRECTORY, Resolve::IN_ROOT)?;
        context.nearby.remember(head, opened);
        opened
    };
    Ok((directory, copy(name, buffer)?))
}

pub fn copy<'b>(bytes: &[u8], buffer: &'b mut [u8; PATH]) -> contain_sys::Result<&'b CStr> {
    let end = bytes.len();
    *buffer.get_mut(end).ok_or(Errno::ENAMETOOLONG)? = 0;
    buffer.get_mut(..end).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(bytes);
    CStr::from_bytes_until_nul(buffer).map_err(|_| Errno::EINVAL)
}

/// Makes a directory where there is none. Not inlined, as are the others with room for a path: pages of the stack that
/// are touched before the clone are copied after it.
#[inline(never)]
pub fn make_directory(context: &mut Context<'_>, path: Text<'_>, mode: u32) -> Result<(), Fault> {
    let mut buffer = [0u8; PATH];
    let (directory, name) = parent(context, path, &mut buffer).at(Part::Target)?;
    match file::make_directory(directory, name, mode) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(Fault::Call(errno, Part::Target)),
    }
}

/// Makes a symbolic link; what is there already stays.
#[inline(never)]
pub fn make_link(context: &mut Context<'_>, target: Text<'_>, path: Text<'_>) -> Result<(), Fault> {
    let mut buffer = [0u8; PATH];
    let (directory, name) = parent(context, path, &mut buffer).at(Part::Target)?;
    match file::make_symlink(target, directory, name) {
        Ok(()) | Err(Errno::EEXIST) => Ok(()),
        Err(errno) => Err(Fault::Call(errno, Part::Target)),
    }
}

/// Binds a file or directory of the host, which is looked up with the rights of container root.
#[inline(never)]
pub fn bind(
    context: &mut Context<'_>,
    source: Text<'_>,
    target: Text<'_>,
    attributes: u64,
    recursive: bool,
) -> Result<(), Fault> {
    let depth = if recursive { Depth::Recursive } else { Depth::Mount };
    let tree = mount::copy_tree(Fd::CWD, source, depth).at(Part::Source)?;
    if attributes != 0 {
        // Kernel 5.12: mount_setattr; without it this step fails and says so.
        mount::set_attributes(tree, attributes, depth).at(Part::Configure)?;
    }
    let directory = file::status(tree).at(Part::Source)?.is_directory();
    let place = |context: &Context<'_>| file::open_in(context.root, target, flags::O_PATH, Resolve::IN_ROOT);
    let place = match place(context) {
        Err(Errno::ENOENT) => {
            let mut buffer = [0u8; PATH];
            let (holder, name) = parent(context, target, &mut buffer).at(Part::Target)?;
            let made = if directory {
                file::make_directory(holder, name, 0o755)
            } else {
                file::make_file(holder, name, 0o644)
            };
            made.at(Part::Target)?;
            place(context)
        }
        other => other,
    }
    .at(Part::Target)?;
    context.nearby = Nearby::NOWHERE;
    mount::attach(tree, place).at(Part::Attach)
}

/// Binds devices of the host's /dev onto files made for them in the new /dev, which is a tmpfs of our own.
pub fn bind_devices(context: &mut Context<'_>, names: List<'_>) -> Result<(), Fault> {
    let inside = if context.nearby.own && context.nearby.is(b"dev") {
        context.nearby.directory
    } else {
        file::open_in(context.root, c"dev", flags::O_PATH | flags::O_DIRECTORY, Resolve::BENEATH_NO_LINKS)
            .at(Part::Target)?
    };
    let outside = file::open(Fd::CWD, c"/dev", flags::O_PATH | flags::O_DIRECTORY).at(Part::Source)?;
    for name in names.iter() {
        let device = mount::copy_tree(outside, name, Depth::Mount).at(Part::Source)?;
        file::make_file(inside, name, 0o644).at(Part::Target)?;
        mount::attach_at(device, inside, name).at(Part::Attach)?;
    }
    Ok(())
}
