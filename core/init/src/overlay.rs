// SPDX-License-Identifier: MIT OR Apache-2.0
//! Overlays whose upper layer is a tmpfs: what is written goes away with the container. The three layers are directories
//! of that tmpfs, a file system of our own, so that they can be told by plain names, relative to it; none of them is found
//! by a name that the container or the host could change.

use crate::context::{At, Context, Fault};
use crate::mounts::{Nearby, make_filesystem};
use crate::root;
use crate::targets::{Wanted, find_or_make};
use contain_plan::message::Part;
use contain_plan::{List, Text};
use contain_sys::Fd;
use contain_sys::file::{self, flags};
use contain_sys::mount::attribute::{NODEV, NOEXEC, NOSUID, RDONLY};
use contain_sys::mount::{self, Depth};
use core::ffi::CStr;

/// What an overlay is made of. `userxattr` keeps its marks where a user namespace may write them; kernel 5.11.
const LAYERS: [&CStr; 4] = [c"lowerdir=lower", c"upperdir=upper", c"workdir=work", c"userxattr"];

/// An overlay over the working directory becomes the root.
pub fn root(context: &mut Context<'_>, options: List<'_>) -> Result<(), Fault> {
    // EINVAL where something is mounted below it: the kernel does not let a user namespace see what that covers.
    let lower = mount::copy_tree(Fd::CWD, c".", Depth::Mount).at(Part::Source)?;
    let place = file::open(Fd::CWD, c".", flags::O_PATH | flags::O_DIRECTORY).at(Part::Target)?;
    let overlay = over(context, lower, place, options)?;
    root::settle(context, overlay)
}

/// An overlay over a directory of the host's, looked up with the rights of container root.
pub fn directory(
    context: &mut Context<'_>,
    source: Text<'_>,
    target: Text<'_>,
    options: List<'_>,
) -> Result<(), Fault> {
    let lower = mount::copy_tree(Fd::CWD, source, Depth::Mount).at(Part::Source)?;
    let place = find_or_make(context, target, Wanted::Directory).at(Part::Target)?;
    over(context, lower, place, options)?;
    context.nearby = Nearby::NOWHERE;
    Ok(file::change_directory_fd(context.root)?)
}

/// Attaches the tmpfs and, on top of it, the overlay. The working directory is the tmpfs afterwards.
fn over(context: &mut Context<'_>, lower: Fd, place: Fd, options: List<'_>) -> Result<Fd, Fault> {
    let mode = file::status(lower).at(Part::Source)?.mode & 0o7777;
    // Programs and set-user-id bits that the lower layer's mount keeps from working do not work through the overlay.
    let kept = file::mount_flags(lower).at(Part::Source)? & (NOSUID | NODEV | NOEXEC);
    mount::set_attributes(lower, RDONLY, Depth::Mount).at(Part::Configure)?;
    let layers = make_filesystem(context, c"tmpfs", options.iter(), 0)?;
    mount::attach(layers, place).at(Part::Attach)?;
    // The upper layer's directory is the one that is seen.
    for (name, mode) in [(c"upper", mode), (c"work", 0o700), (c"lower", 0o700)] {
        file::make_directory(layers, name, mode).at(Part::Configure)?;
    }
    mount::attach_at(lower, layers, c"lower").at(Part::Attach)?;
    file::change_directory_fd(layers)?;
    let overlay = make_filesystem(context, c"overlay", LAYERS.into_iter(), kept)?;
    mount::attach(overlay, place).at(Part::Attach)?;
    Ok(overlay)
}
