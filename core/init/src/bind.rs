// SPDX-License-Identifier: MIT OR Apache-2.0
//! The mounts that the caller asked for: binds of files and directories of the host, and new file systems at places
//! that the caller named.

use crate::context::{At, Context, Fault};
use crate::mounts::{Nearby, make_filesystem};
use crate::targets::{Wanted, find_or_make};
use contain_plan::message::Part;
use contain_plan::{List, Text};
use contain_sys::fd::OnExec;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::mount::attribute::RDONLY;
use contain_sys::mount::{self, Depth};
use contain_sys::{Errno, Fd};

/// Finds what `held` is in this process's own mount namespace, and puts it in its place: a descriptor of the host's mount
/// namespace cannot be bound. Done with the caller's ids: what the caller may not reach is not reached.
pub fn hold_source(held: Fd, path: Text<'_>) -> Result<(), Fault> {
    let wanted = file::status(held).at(Part::Source)?;
    let found = file::open_in(Fd::CWD, path, flags::O_PATH, Resolve::NO_LINKS).at(Part::Source)?;
    let status = file::status(found).at(Part::Source)?;
    // What the caller has opened and nothing else, whatever stands at the path by now.
    if (status.device, status.inode, status.kind()) != (wanted.device, wanted.inode, wanted.kind()) {
        return Err(Fault::Call(Errno::ESTALE, Part::Source));
    }
    found.duplicate_to(held, OnExec::Close).at(Part::Source)?;
    Ok(found.close()?)
}

/// Binds a held source with all that is mounted below it. A read-only one gets no mounts of the host's later on, as those
/// would be writable.
pub fn bind_source(context: &mut Context<'_>, source: Fd, target: Text<'_>, attributes: u64) -> Result<(), Fault> {
    let wanted = if file::status(source).at(Part::Source)?.is_directory() { Wanted::Directory } else { Wanted::File };
    let place = find_or_make(context, target, wanted).at(Part::Target)?;
    let tree = mount::copy_tree(source, c"", Depth::Recursive).at(Part::Source)?;
    // Kernel 5.12: mount_setattr; without it this step fails and says so.
    if attributes & RDONLY != 0 {
        mount::set_attributes_for_good(tree, attributes, Depth::Recursive).at(Part::Configure)?;
    } else if attributes != 0 {
        mount::set_attributes(tree, attributes, Depth::Recursive).at(Part::Configure)?;
    }
    put(context, tree, place)
}

/// Mounts a new file system on a directory below the root.
pub fn mount_inside(
    context: &mut Context<'_>,
    filesystem: Text<'_>,
    target: Text<'_>,
    options: List<'_>,
    attributes: u64,
) -> Result<(), Fault> {
    let place = find_or_make(context, target, Wanted::Directory).at(Part::Target)?;
    let made = make_filesystem(context, filesystem, options.iter(), attributes)?;
    put(context, made, place)
}

/// Attaches a mount. There may be many of these, and few descriptors.
fn put(context: &mut Context<'_>, mount: Fd, place: Fd) -> Result<(), Fault> {
    // What was resolved below here may be covered now.
    context.nearby = Nearby::NOWHERE;
    mount::attach(mount, place).at(Part::Attach)?;
    place.close()?;
    Ok(mount.close()?)
}
