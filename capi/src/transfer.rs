// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files out of running containers and into them, by descriptors: no program of the container's is needed or trusted.

use crate::boundary::{borrow, call, invalid};
use crate::container::ContainerHandle;
use crate::error::ErrorHandle;
use crate::{process, strings};
use runtime::container::copied;
use runtime::{Container, EndedBy, Error, Kind, Process, Stdio};
use std::ffi::{OsStr, OsString, c_char, c_int};

/// Copies a regular file of a running container's to a descriptor.
///
/// container: the container.
/// path: an absolute path inside; links are resolved inside.
/// fd: where its bytes are written to.
/// limit: how many bytes are copied at most; of a longer file the first ones are.
/// timeout_ms: how many milliseconds it may take; -1: as long as it takes.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL or not allowed; -EBADF if fd is no descriptor; -ETIMEDOUT; -EINTR if a signal
/// came while waiting without a timeout; -EOPNOTSUPP if it is no regular file; what the kernel says of it;
/// CONTAIN_E_BUSY if the container was not started or is paused, CONTAIN_E_GONE if it has ended.
/// Ownership: the descriptor stays the caller's. Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_copy_out(
    container: *const ContainerHandle,
    path: *const c_char,
    fd: c_int,
    limit: u64,
    timeout_ms: i64,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, path) = (borrow(container)?.runtime(), strings::bytes("path", path)?);
            let copy = |container: &Container, path: &OsStr, to| container.copy_out(path, limit, to);
            transfer(container, "read", &path, fd, timeout_ms, copy)
        })
    }
}

/// Copies what a descriptor gives, to its end, to a regular file of a running container's, which is emptied first, or
/// made where it is missing; it is the container root's then.
///
/// container: the container.
/// path: an absolute path inside; links are resolved inside, and its directory is there.
/// mode: permissions of a file that is made, at most 07777.
/// fd: where its bytes are read from.
/// timeout_ms: how many milliseconds it may take; -1: as long as it takes.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: as contain_container_copy_out() gives them.
/// Ownership: the descriptor stays the caller's. Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_container_copy_in(
    container: *const ContainerHandle,
    path: *const c_char,
    mode: u32,
    fd: c_int,
    timeout_ms: i64,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let (container, path) = (borrow(container)?.runtime(), strings::bytes("path", path)?);
            let copy = |container: &Container, path: &OsStr, from| container.copy_in(path, mode, from);
            transfer(container, "write", &path, fd, timeout_ms, copy)
        })
    }
}

fn transfer(
    container: &Container,
    verb: &str,
    path: &OsString,
    fd: c_int,
    timeout_ms: i64,
    copy: impl FnOnce(&Container, &OsStr, Stdio) -> Result<Process, Error>,
) -> Result<c_int, Error> {
    if fd < 0 {
        return Err(invalid("fd", fd.to_string(), "it is no descriptor").errno(libc::EBADF));
    }
    let timeout = process::timeout(timeout_ms)?;
    let process = copy(container, path, Stdio::Descriptor(fd))?;
    match process.wait(timeout) {
        Ok(Some(outcome)) => copied(verb, path, &outcome).map(|()| 0),
        // Without a timeout a signal of the caller's ends the wait: what is half done is not left to go on.
        waited => {
            process.end(EndedBy::Wall)?;
            waited?;
            Err(Error::new(Kind::System, "container", format!("{verb} file"), path.to_string_lossy())
                .errno(libc::ETIMEDOUT)
                .cause(format!("it took longer than {timeout_ms} ms and was ended")))
        }
    }
}
