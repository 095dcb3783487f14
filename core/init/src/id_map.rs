// SPDX-License-Identifier: MIT OR Apache-2.0
//! The id maps of PID 1's user namespace: written by the monitor itself, by contain-idmap, or by the system's two
//! helpers. PID 1 stays dumpable until they are, or a helper with the user's ids could not open its files.

use crate::context::{At, Context, Fault};
use crate::helper;
use contain_plan::message::Part;
use contain_plan::{List, Text};
use contain_sys::file::{self, PROC_SUPER_MAGIC, Resolve, flags};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, process};
use core::ffi::CStr;

/// A decimal number as text.
pub struct Decimal {
    bytes: [u8; 12],
}

impl Decimal {
    /// The text of a number that is not negative.
    pub fn new(number: i32) -> Self {
        let mut bytes = [0u8; 12];
        let mut rest = number.unsigned_abs();
        let mut length = 0usize;
        for slot in bytes.iter_mut().take(11) {
            *slot = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0));
            rest /= 10;
            length = length.saturating_add(1);
            if rest == 0 {
                break;
            }
        }
        if let Some(used) = bytes.get_mut(..length) {
            used.reverse();
        }
        Decimal { bytes }
    }

    /// The text.
    pub fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

/// Writes setgroups, uid_map and gid_map through the process's own directory.
pub fn write(context: &mut Context<'_>, deny_setgroups: bool, uid_map: &[u8], gid_map: &[u8]) -> Result<(), Fault> {
    let directory = process_directory(context)?;
    // ORDER: setgroups before gid_map, or an unprivileged writer's gid_map is refused (user_namespaces(7)).
    if deny_setgroups {
        put(directory, c"setgroups", b"deny").at(Part::Setgroups)?;
    }
    put(directory, c"uid_map", uid_map).at(Part::Users)?;
    put(directory, c"gid_map", gid_map).at(Part::Groups)?;
    context.process = directory;
    Ok(())
}

fn put(directory: Fd, name: &CStr, text: &[u8]) -> contain_sys::Result<()> {
    // What is opened here stays so until the monitor closes all that it does not keep, or executes.
    file::write_whole(file::open_in(directory, name, flags::O_WRONLY, Resolve::SAME_MOUNT_NO_LINKS)?, text)
}

/// /proc/PID of PID 1 on a procfs that shows this process's own PID namespace, checked to be alive after opening.
pub fn process_directory(context: &Context<'_>) -> Result<Fd, Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let proc =
        file::open(Fd::CWD, c"/proc", flags::O_PATH | flags::O_DIRECTORY | flags::O_NOFOLLOW).at(Part::Procfs)?;
    // CVE-2025-52881: a /proc that is not the kernel's, or another PID namespace's, names other processes.
    const ROOT_INODE: u64 = 1;
    let status = file::status(proc)?;
    let mut own = [0u8; 12];
    let length = file::read_link(proc, c"self", &mut own).at(Part::Procfs)?;
    let real = file::filesystem_magic(proc)? == PROC_SUPER_MAGIC && status.inode == ROOT_INODE;
    let ours = own.get(..length) == Some(Decimal::new(process::id()).text().to_bytes());
    if !real || !ours {
        return Err(Fault::Call(Errno::EINVAL, Part::Procfs));
    }
    let directory = file::open_in(
        proc,
        Decimal::new(init.pid).text(),
        flags::O_PATH | flags::O_DIRECTORY,
        Resolve::SAME_MOUNT_NO_LINKS,
    )
    .at(Part::Procfs)?;
    // Signal 0: the process is still the one that was made, so the directory is its own.
    process::send_signal(init.pidfd, 0).map_err(|_| Fault::Died)?;
    Ok(directory)
}

/// Has contain-idmap write the maps: one request, one answer, and a good end. After anything else PID 1, whose maps may
/// be half written, is killed, as after every failed step.
pub fn write_by_helper(context: &mut Context<'_>, program: Text<'_>, request: &[u8]) -> Result<(), Fault> {
    let directory = process_directory(context)?;
    let (ours, theirs) = socket::pair()?;
    // ORDER: before the helper is there, so that its early end shows as what it is, not as a failure to send.
    socket::send(ours, request, directory, Wait::No)?;
    directory.close()?;
    let status = helper::run_with_socket(context, program, theirs)?;
    // One byte more than an answer has, so that a longer one shows.
    let mut answer = [0u8; 5];
    let (length, passed) = socket::receive(ours, &mut answer, Wait::No)?;
    if passed.is_some() {
        passed.close()?;
    }
    ours.close()?;
    let [a, b, c, d, ..] = answer;
    match (length, u32::from_le_bytes([a, b, c, d]), status) {
        (4, 0, 0) => Ok(()),
        // Without a word, or after a good one: killed, or never started.
        (0, ..) | (4, 0, _) => Err(Fault::Helper(status)),
        (4, code, _) => Err(Fault::Answer(code)),
        _ => Err(Fault::Call(Errno::EPROTO, Part::Helper)),
    }
}

/// Runs newuidmap, then newgidmap.
pub fn write_through(
    context: &mut Context<'_>,
    users: (Text<'_>, List<'_>),
    groups: (Text<'_>, List<'_>),
) -> Result<(), Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    let pid = Decimal::new(init.pid);
    for ((program, arguments), part) in [(users, Part::Users), (groups, Part::Groups)] {
        let head = [program, pid.text()];
        let status = helper::run_program(context, program, head.into_iter().chain(arguments.iter()))?;
        if status != 0 {
            let mut failure = context.failure(Fault::Helper(status));
            failure.part = part as u32;
            context.reported = Some(failure);
            return Err(Fault::Reported);
        }
    }
    Ok(())
}
