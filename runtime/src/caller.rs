// SPDX-License-Identifier: MIT OR Apache-2.0
//! The calling process: whether it may use contain at all, and the descriptors that it hands on.

use crate::error::{Error, Kind};
use contain_sys::{Errno, Fd, identity};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Refuses a process that gained ids or capabilities when it was executed, and a kernel that is too old.
pub(crate) fn check() -> Result<(), Error> {
    check_privilege()?;
    check_kernel()
}

/// Refuses a process that gained ids or capabilities when it was executed. Everything that starts something asks
/// this itself; a library whose every call refuses asks it first.
pub fn check_privilege() -> Result<(), Error> {
    let same = |ids: [u32; 3]| ids[0] == ids[1];
    let users = identity::users().map_err(system("caller", "read", "the user ids"))?;
    let groups = identity::groups_of_process().map_err(system("caller", "read", "the group ids"))?;
    if !same(users) || !same(groups) || has_file_capabilities() {
        return Err(Error::new(Kind::SecureExec, "caller", "run with more privilege than the user's", "")
            .cause("this program is installed setuid, setgid or with file capabilities, and must not be")
            .remedy(
                "install contain without privilege, and contain-idmap beside it for delegated ids (make install HELPER_MODE=fcaps); \
                 newuidmap and newgidmap (package uidmap) do as well",
            ));
    }
    Ok(())
}

/// A user's process with permitted capabilities that are not ambient, started with the kernel's mark for gained
/// privilege. Root's, and those of a user namespace's root, are its own. Where /proc does not tell, they count as
/// gained.
fn has_file_capabilities() -> bool {
    // SAFETY: getauxval reads the process's own auxiliary vector.
    let secure = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    secure && {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let set = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(value.trim(), 16).ok()
        };
        let gained = set("CapPrm:").zip(set("CapAmb:")).is_none_or(|(permitted, ambient)| permitted & !ambient != 0);
        !nix::unistd::getuid().is_root() && gained
    }
}

/// Refuses to hand descriptors on that are not there: the command would look for them in vain.
pub(crate) fn check_preserved(count: u32) -> Result<(), Error> {
    let last = 2i32.saturating_add_unsigned(count);
    match (3..=last).find(|number| !Fd(*number).is_open()) {
        None => Ok(()),
        Some(missing) => {
            Err(Error::invalid("preserve_fds", count.to_string(), format!("descriptor {missing} is not open"))
                .errno(libc::EBADF)
                .remedy(format!("open descriptors 3 to {last}, or preserve fewer")))
        }
    }
}

fn check_kernel() -> Result<(), Error> {
    let mut name = std::mem::MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: uname fills the structure; all zeros is a valid one too.
    let name = unsafe {
        libc::uname(name.as_mut_ptr());
        name.assume_init()
    };
    // SAFETY: the field is ended by NUL, as uname(2) promises.
    let release = unsafe { CStr::from_ptr(name.release.as_ptr()) }.to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < (5, 10) {
        return Err(Error::new(Kind::Unsupported, "caller", "run on kernel", release)
            .cause("contain needs Linux 5.10 or newer")
            .remedy("use a newer kernel"));
    }
    Ok(())
}

/// The error of a call that this process itself made.
pub(crate) fn system(stage: &'static str, operation: &str, object: impl Into<String>) -> impl FnOnce(Errno) -> Error {
    let (operation, object) = (operation.to_string(), object.into());
    move |errno| Error::system(stage, operation, object, errno.0)
}

/// Takes ownership of a descriptor that was just made.
pub(crate) fn own(fd: Fd) -> OwnedFd {
    // SAFETY: contain-sys returned it from a call that makes descriptors, and nobody else has its number.
    unsafe { OwnedFd::from_raw_fd(fd.0) }
}

/// A descriptor's number as contain-sys takes it.
pub(crate) fn raw(fd: &impl AsRawFd) -> Fd {
    Fd(fd.as_raw_fd())
}
