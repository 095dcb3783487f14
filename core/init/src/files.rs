// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files: made in a container before it starts, and copied out of and into a running one. Nothing of the container's is
//! executed for it, and no path of the host's is named inside.

use crate::context::{At, Context, Fault};
use crate::execute::drop_descriptors;
use crate::mounts::{PATH, copy};
use contain_plan::Text;
use contain_plan::message::Part;
use contain_sys::fd::OnExec;
use contain_sys::file::{self, Resolve, flags};
use contain_sys::{Errno, Fd, Result, process};

/// How much is copied at once.
const CHUNK: usize = 16 * 1024;

/// Makes a file in a file system that this container made for itself, directories on the way included. A directory of
/// the host's that is bound in is not written to.
#[inline(never)]
pub fn make(
    context: &Context<'_>,
    path: Text<'_>,
    mode: u32,
    (contents, offset, length): (Fd, u64, u64),
) -> core::result::Result<(), Fault> {
    contents.set_on_exec(OnExec::Close).at(Part::Source)?;
    let (directory, name) = make_way(context, path).at(Part::Target)?;
    let mut buffer = [0u8; PATH];
    let flags = flags::O_WRONLY | flags::O_EXCL;
    let made = copy(name, &mut buffer)
        .and_then(|name| file::create_in(directory, name, flags, mode, Resolve::BENEATH_NO_LINKS))
        .at(Part::Target)?;
    copy_part(contents, made, offset, length)?;
    made.close()?;
    Ok(())
}

/// The directory that is to hold `path`, made where it is missing, and the last name.
fn make_way<'p>(context: &Context<'_>, path: Text<'p>) -> Result<(Fd, &'p [u8])> {
    let bytes = path.to_bytes();
    let mut buffer = [0u8; PATH];
    let mut holder = context.root;
    let mut start = 0usize;
    loop {
        let rest = bytes.get(start..).unwrap_or(&[]);
        let name = rest.split(|byte| *byte == b'/').next().unwrap_or(&[]);
        if name.len() == rest.len() {
            check_own(context, holder)?;
            return Ok((holder, name));
        }
        let end = start.saturating_add(name.len());
        let so_far = bytes.get(..end).unwrap_or(&[]);
        let directory = flags::O_PATH | flags::O_DIRECTORY;
        let found = match file::open_in(context.root, copy(so_far, &mut buffer)?, directory, Resolve::IN_ROOT) {
            Err(Errno::ENOENT) => {
                check_own(context, holder)?;
                file::make_directory(holder, copy(name, &mut buffer)?, 0o755)?;
                file::open_in(context.root, copy(so_far, &mut buffer)?, directory, Resolve::IN_ROOT)?
            }
            other => other?,
        };
        if holder != context.root {
            holder.close()?;
        }
        holder = found;
        start = end.saturating_add(1);
    }
}

/// EXDEV where the file system is none of those that this container made.
fn check_own(context: &Context<'_>, place: Fd) -> Result<()> {
    let device = file::status(place)?.device;
    if context.own.is_some_and(|own| own.contains(&Some(device))) { Ok(()) } else { Err(Errno::EXDEV) }
}

fn copy_part(from: Fd, to: Fd, offset: u64, length: u64) -> Result<()> {
    let mut buffer = [0u8; CHUNK];
    let end = offset.checked_add(length).and_then(|end| usize::try_from(end).ok()).ok_or(Errno::EINVAL)?;
    let mut at = usize::try_from(offset).map_err(|_| Errno::EINVAL)?;
    while at < end {
        let left = end.saturating_sub(at).min(CHUNK);
        let wanted = buffer.get_mut(..left).ok_or(Errno::EINVAL)?;
        let read = match file::read_at(from, wanted, at)? {
            0 => return Err(Errno::EIO),
            read => read,
        };
        write_all(to, wanted.get(..read).ok_or(Errno::EIO)?)?;
        at = at.saturating_add(read);
    }
    Ok(())
}

fn write_all(to: Fd, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let written = file::write(to, bytes)?;
        bytes = bytes.get(written..).unwrap_or(&[]);
    }
    Ok(())
}

/// Copies a file of the container that this process has joined to descriptor 1, and exits: with 0, or with an errno.
#[inline(never)]
pub fn copy_out(context: &mut Context<'_>, path: Text<'_>, limit: u64) -> core::result::Result<(), Fault> {
    let root = let_go(context)?;
    let flags = flags::O_RDONLY | flags::O_NONBLOCK | flags::O_NOCTTY;
    exit_with(file::open_in(root, path, flags, Resolve::IN_ROOT).and_then(regular).and_then(|from| {
        let mut left = limit;
        let mut buffer = [0u8; CHUNK];
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK);
            let read = file::read(from, buffer.get_mut(..wanted).ok_or(Errno::EINVAL)?)?;
            if read == 0 {
                break;
            }
            write_all(Fd(1), buffer.get(..read).ok_or(Errno::EIO)?)?;
            left = left.saturating_sub(read as u64);
        }
        Ok(())
    }))
}

/// Copies descriptor 0 to a file of the container that this process has joined, emptied or made first, and exits.
#[inline(never)]
pub fn copy_in(context: &mut Context<'_>, path: Text<'_>, mode: u32) -> core::result::Result<(), Fault> {
    let root = let_go(context)?;
    // Permissions are those that were asked for.
    file::set_umask(0);
    // A fifo that nobody reads is ENXIO rather than a wait; O_TRUNC does nothing to what is no file.
    let flags = flags::O_WRONLY | flags::O_TRUNC | flags::O_NONBLOCK | flags::O_NOCTTY;
    exit_with(file::create_in(root, path, flags, mode, Resolve::IN_ROOT).and_then(regular).and_then(|to| {
        let mut buffer = [0u8; CHUNK];
        loop {
            match file::read(Fd(0), &mut buffer)? {
                0 => return Ok(()),
                read => write_all(to, buffer.get(..read).ok_or(Errno::EIO)?)?,
            }
        }
    }))
}

/// As an exec would: the monitor hears that the work begins, and all else that was open is closed. The container's root.
fn let_go(context: &mut Context<'_>) -> core::result::Result<Fd, Fault> {
    context.peer = drop_descriptors(context.peer, 0)?;
    let root = file::open(Fd::CWD, c"/", flags::O_PATH | flags::O_DIRECTORY)?;
    context.peer.close()?;
    Ok(root)
}

fn regular(fd: Fd) -> Result<Fd> {
    let status = file::status(fd)?;
    match () {
        () if status.is_regular() => Ok(fd),
        () if status.is_directory() => Err(Errno::EISDIR),
        () => Err(Errno::EOPNOTSUPP),
    }
}

fn exit_with(result: Result<()>) -> ! {
    process::exit(result.map_or_else(|errno| errno.0, |()| 0))
}
