// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the program inherits from its caller and does not want: descriptors, directory, mask, signals, limits.

use contain_sys::file::{self, Resolve, flags};
use contain_sys::identity::{self, Dumpable};
use contain_sys::{Errno, Fd, Result, fd, signal, socket};

/// The socket to the caller.
const SOCKET: Fd = Fd(contain_policy::REQUEST_DESCRIPTOR);
const RLIMIT_CORE: u32 = 4;
/// How long the whole program takes at most.
const SECONDS: u32 = 5;

/// Nobody can look into this process; nothing of the caller's is left but the socket and whatever stands at
/// descriptors 0 to 2, which are never used; a caller that waits for ever does not keep the program alive.
pub fn process() -> Result<Fd> {
    // CVE-2016-8659, CVE-2026-41163.
    identity::set_dumpable(Dumpable::No)?;
    if !SOCKET.is_open() || !socket::is_message_socket(SOCKET)? {
        return Err(Errno::EBADF);
    }
    // CVE-2024-21626, CVE-2016-9962.
    for number in 0..SOCKET.0 {
        if !Fd(number).is_open() && file::open_in(Fd::CWD, c"/dev/null", flags::O_RDWR, Resolve::NO_LINKS)?.0 != number
        {
            return Err(Errno::EBADF);
        }
    }
    fd::close_range(SOCKET.0.unsigned_abs().saturating_add(1), u32::MAX)?;
    file::change_directory(c"/")?;
    file::set_umask(0o077);
    signal::reset_all()?;
    signal::set_mask(0)?;
    identity::set_rlimit(RLIMIT_CORE, 0, 0)?;
    signal::alarm(SECONDS)?;
    Ok(SOCKET)
}
