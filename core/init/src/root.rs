// SPDX-License-Identifier: MIT OR Apache-2.0
//! The new root: attached first, filled, and made the root in the end.

use crate::context::{At, Context, Fault};
use crate::mounts;
use contain_plan::message::{Message, Part, Passed};
use contain_plan::{Kind, Text};
use contain_sys::Fd;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::identity::{self, Dumpable};
use contain_sys::mount::attribute::RDONLY;
use contain_sys::mount::{self, Depth};

/// Binds the working directory with all that is mounted below it onto itself, as a slave of the host.
pub fn bind(context: &mut Context<'_>) -> Result<(), Fault> {
    let tree = mount::copy_tree(Fd::CWD, c".", Depth::Recursive).at(Part::Source)?;
    mount::make_slave(tree)?;
    mount::attach_here(tree).at(Part::Attach)?;
    settle(context, tree)
}

/// A tmpfs as root, mounted on a directory of the host until the pivot.
pub fn tmpfs(context: &mut Context<'_>, place: Text<'_>) -> Result<(), Fault> {
    let filesystem = mounts::make_filesystem(context, c"tmpfs", [c"mode=0755"].into_iter(), 0)?;
    let place = file::open(Fd::CWD, place, flags::O_PATH | flags::O_DIRECTORY).at(Part::Target)?;
    mount::attach(filesystem, place).at(Part::Attach)?;
    settle(context, filesystem)
}

/// The working directory is the new root from here on.
pub fn settle(context: &mut Context<'_>, root: Fd) -> Result<(), Fault> {
    context.root = root;
    file::change_directory_fd(root)?;
    if context.plan.has(Kind::RunInside) {
        context.tell(&Message::Pass { what: Passed::Root }, root)?;
    }
    Ok(())
}

/// Makes what is mounted below the root read-only, or the root itself once everything in it has been made.
pub fn protect(context: &mut Context<'_>, submounts: bool) -> Result<(), Fault> {
    if !submounts {
        return Ok(mount::set_attributes(context.root, RDONLY, Depth::Mount)?);
    }
    // One that the host has made read-only stays so: the kernel has locked that.
    let already = file::mount_flags(context.root)? & RDONLY != 0;
    mount::set_attributes_for_good(context.root, RDONLY, Depth::Recursive)?;
    // ORDER: the root itself comes last, as directories are made in it until then.
    if !already {
        mount::clear_attributes(context.root, RDONLY)?;
    }
    Ok(())
}

/// The new root becomes the root and the host's goes away.
pub fn pivot() -> Result<(), Fault> {
    // ORDER: the working directory is the new root since that was attached.
    mount::pivot_to_current_directory()?;
    file::change_directory(c"/")?;
    identity::set_dumpable(Dumpable::No)?;
    Ok(())
}

/// The working directory of the command, below the root that this process has by now.
pub fn change_directory(path: Text<'_>) -> Result<(), Fault> {
    let root = file::open(Fd::CWD, c"/", flags::O_PATH | flags::O_DIRECTORY)?;
    // CVE-2024-21626: no magic link, which could lead to a directory of the host's that is open.
    let directory = file::open_in(root, path, flags::O_PATH | flags::O_DIRECTORY, Resolve::IN_ROOT)?;
    file::change_directory_fd(directory)?;
    directory.close()?;
    Ok(root.close()?)
}
