// SPDX-License-Identifier: MIT OR Apache-2.0
//! Structs of options, passed as (pointer, size): a program that was built with an older or a newer header than the
//! library's works all the same. All zeros is always the usual thing.

use crate::boundary::{borrow, invalid, null, switch};
use crate::seccomp::SeccompHandle;
use crate::strings;
use runtime::{Error, Id, Injection, Kind, Profile, Rlimit, Stdio, User};
use std::ffi::{OsString, c_char, c_int};
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The command gets the caller's own descriptor; with a console, that.
pub const CONTAIN_STDIO_INHERIT: u32 = 0;
/// The command gets /dev/null.
pub const CONTAIN_STDIO_NULL: u32 = 1;
/// The command gets the descriptor in the field behind.
pub const CONTAIN_STDIO_DESCRIPTOR: u32 = 2;

/// The library makes a pipe; contain_container_take_stdio() or contain_process_take_stdio() gives the caller's end.
pub const CONTAIN_STDIO_PIPE: u32 = 3;

/// How contain_container_create(), contain_container_run() and those of a runtime do it. The descriptors are duplicated
/// within the call and stay the caller's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct RunOptions {
    /// Standard input: a CONTAIN_STDIO_ value.
    pub stdin_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stdin_fd: i32,
    /// Standard output: a CONTAIN_STDIO_ value.
    pub stdout_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stdout_fd: i32,
    /// Standard error: a CONTAIN_STDIO_ value.
    pub stderr_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stderr_fd: i32,
}

/// How contain_container_inject() and contain_process_inject() do it. The descriptors are duplicated within the call and
/// stay the caller's.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct InjectOptions {
    /// The command's whole environment, NAME=VALUE, a NULL behind the last; NULL: what the container's own command got.
    pub env: *const *const c_char,
    /// Standard input: a CONTAIN_STDIO_ value.
    pub stdin_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stdin_fd: i32,
    /// Standard output: a CONTAIN_STDIO_ value.
    pub stdout_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stdout_fd: i32,
    /// Standard error: a CONTAIN_STDIO_ value.
    pub stderr_kind: u32,
    /// The descriptor of CONTAIN_STDIO_DESCRIPTOR; else 0.
    pub stderr_fd: i32,
    /// A CONTAIN_SECCOMP_ value; 0: the container's own.
    pub seccomp: u32,
    /// 0.
    pub reserved: u32,
    /// How long it may run, in milliseconds from its exec on; then it is killed with everything that it started, and
    /// its result says CONTAIN_ENDED_WALL. 0: for ever.
    pub timeout_ms: u64,
    /// Descriptors of the caller's, each 3 to 1026, that it keeps under their own numbers; NULL: none.
    pub pass_fds: *const i32,
    /// How many pass_fds has.
    pub pass_fds_count: u64,
    /// Who it runs as: USER[:GROUP] as of contain_config_set_user(), by the container's files as they are now; NULL: root.
    /// HOME is that user's unless env names another.
    pub user: *const c_char,
    /// Its working directory inside; NULL: `/`.
    pub chdir: *const c_char,
    /// Its supplementary groups, each a decimal number or a name of the container's, a NULL behind the last; NULL: those
    /// that the container's files give the user, and none of root.
    pub groups: *const *const c_char,
    /// The capabilities over the container's user namespace that it keeps, by name, a NULL behind the last; NULL: all of
    /// them, whatever was taken from the container's command. A user other than root has none: they are then what it may
    /// gain by exec.
    pub capabilities: *const *const c_char,
    /// Its resource limits, three numbers each: an RLIMIT_ value, the soft limit, the hard limit or CONTAIN_UNLIMITED;
    /// the others are the caller's. NULL: none.
    pub rlimits: *const u64,
    /// How many limits there are.
    pub rlimits_count: u64,
    /// 1: it and all that it starts gain no privilege by exec. 0: they do, unless the caller may not either.
    pub no_new_privs: u32,
    /// 0.
    pub reserved2: u32,
    /// CONTAIN_CONSOLE_TAKEN for a terminal of the container's own, whose other end contain_process_take_console() gives;
    /// its standard descriptors that are CONTAIN_STDIO_INHERIT are it, one of them at least. CONTAIN_CONSOLE_NONE for none.
    pub console: u32,
    /// Its height in characters; 0, with 0 columns: a size that is not known.
    pub console_rows: u16,
    /// Its width in characters.
    pub console_columns: u16,
    /// Its seccomp filter, which stays the caller's; NULL: the field seccomp says it.
    pub seccomp_filter: *const SeccompHandle,
}

/// Descriptors that a command is to keep.
///
/// # Safety
/// `pointer` is NULL or `count` numbers can be read there.
pub(crate) unsafe fn descriptors(pointer: *const i32, count: usize) -> Result<Vec<i32>, Error> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if pointer.is_null() {
        return Err(null("fds"));
    }
    if count > KEPT {
        return Err(invalid("count", count.to_string(), format!("a command can keep {KEPT}")));
    }
    // SAFETY: not NULL, and that many, as the caller says.
    let given = unsafe { std::slice::from_raw_parts(pointer, count) };
    match given.iter().find(|number| !(3..=1026).contains(*number)) {
        Some(number) if *number < 0 => {
            Err(invalid("fds", number.to_string(), "it is no descriptor").errno(libc::EBADF))
        }
        Some(number) => Err(invalid("fds", number.to_string(), "it is a descriptor from 3 to 1026")),
        None => Ok(given.to_vec()),
    }
}

/// How many descriptors a command can keep.
const KEPT: usize = 1024;
/// How many resources have limits.
const LIMITS: usize = 16;

/// A struct of which all zeros is a valid value, and whose every byte belongs to a field.
///
/// # Safety
/// Exactly that.
pub(crate) unsafe trait Options: Copy {}
// SAFETY: integers alone, without padding (layout.rs).
unsafe impl Options for RunOptions {}
// SAFETY: pointers and integers, without padding (layout.rs); NULL is a valid pointer to hold.
unsafe impl Options for InjectOptions {}

/// The largest struct that is looked at: a size beyond it is a mistake.
pub(crate) const LARGEST: usize = 4096;

pub(crate) fn too_big(name: &str, size: usize, cause: &str) -> Error {
    Error::new(Kind::TooBig, "library", format!("read the {name} of"), format!("{size} bytes"))
        .errno(libc::E2BIG)
        .cause(cause)
        .remedy("set what this library does not know to zero, or use a newer library")
}

/// A copy of the caller's struct: a shorter one is extended with zeros, a longer one must have zeros behind.
///
/// # Safety
/// `pointer` is NULL or `size` bytes can be read there.
pub(crate) unsafe fn read<T: Options>(name: &str, pointer: *const T, size: usize) -> Result<T, Error> {
    let mut known = MaybeUninit::<T>::zeroed();
    if pointer.is_null() && size > 0 {
        return Err(null(name));
    }
    if size > LARGEST {
        return Err(too_big(name, size, "no version of it is as large"));
    }
    if size > 0 {
        // SAFETY: not NULL, and `size` bytes long, as the caller says.
        let given = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) };
        let (head, tail) = given.split_at_checked(size_of::<T>()).unwrap_or((given, &[]));
        if tail.iter().any(|byte| *byte != 0) {
            return Err(too_big(name, size, "it asks for something that this library does not know"));
        }
        // SAFETY: `head` is no longer than T, and `known` is ours.
        unsafe { std::ptr::copy_nonoverlapping(head.as_ptr(), known.as_mut_ptr().cast(), head.len()) };
    }
    // SAFETY: all zeros is valid, and so are the caller's bytes in place of them: every field takes any bits.
    Ok(unsafe { known.assume_init() })
}

/// What the command gets as one of its standard descriptors.
#[derive(Debug, PartialEq, Eq)]
enum Standard {
    Of(Stdio),
    Pipe,
}

fn standard(name: &str, kind: u32, fd: i32) -> Result<Standard, Error> {
    let without = |standard| match fd {
        0 => Ok(standard),
        _ => Err(invalid(format!("{name}_fd").as_str(), fd.to_string(), "it goes with CONTAIN_STDIO_DESCRIPTOR alone")),
    };
    match kind {
        CONTAIN_STDIO_INHERIT => without(Standard::Of(Stdio::Inherit)),
        CONTAIN_STDIO_NULL => without(Standard::Of(Stdio::Null)),
        CONTAIN_STDIO_PIPE => without(Standard::Pipe),
        CONTAIN_STDIO_DESCRIPTOR if fd < 0 => {
            Err(invalid(&format!("{name}_fd"), fd.to_string(), "it is no descriptor").errno(libc::EBADF))
        }
        CONTAIN_STDIO_DESCRIPTOR => Ok(Standard::Of(Stdio::Descriptor(fd))),
        _ => Err(invalid(&format!("{name}_kind"), kind.to_string(), "it is a CONTAIN_STDIO_ value")),
    }
}

/// The caller's ends of the pipes that it has not taken yet.
#[derive(Default)]
pub(crate) struct Pipes(Mutex<[Option<OwnedFd>; 3]>);

impl Pipes {
    /// Gives one to the caller.
    pub(crate) fn take(&self, which: u32) -> Result<c_int, Error> {
        let mut ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = usize::try_from(which).ok().and_then(|which| ends.get_mut(which));
        let end = end.ok_or_else(|| invalid("which", which.to_string(), "it is 0, 1 or 2"))?;
        end.take().map(IntoRawFd::into_raw_fd).ok_or_else(|| {
            invalid("which", which.to_string(), "it was not asked for as CONTAIN_STDIO_PIPE, or has been taken")
        })
    }
}

/// What a command gets, and the two ends of its pipes.
pub(crate) struct Wired {
    pub(crate) stdio: [Stdio; 3],
    /// The command's ends: open until it has them.
    theirs: Vec<OwnedFd>,
    pub(crate) pipes: Pipes,
}

impl Wired {
    /// As a configuration has it.
    pub(crate) fn plain(stdio: [Stdio; 3]) -> Wired {
        Wired { stdio, theirs: Vec::new(), pipes: Pipes::default() }
    }

    fn new(wanted: [Standard; 3]) -> Result<Wired, Error> {
        let mut wired = Wired::plain([Stdio::Inherit; 3]);
        let mut ends: [Option<OwnedFd>; 3] = Default::default();
        for (number, ((wanted, stdio), end)) in wanted.into_iter().zip(&mut wired.stdio).zip(&mut ends).enumerate() {
            *stdio = match wanted {
                Standard::Of(stdio) => stdio,
                Standard::Pipe => {
                    let (reader, writer) = std::io::pipe().map_err(|error| {
                        let errno = error.raw_os_error().unwrap_or(libc::EIO);
                        Error::system("caller", "make a pipe for", "the command", errno)
                    })?;
                    let (reader, writer) = (OwnedFd::from(reader), OwnedFd::from(writer));
                    let (theirs, ours) = if number == 0 { (reader, writer) } else { (writer, reader) };
                    let stdio = Stdio::Descriptor(theirs.as_raw_fd());
                    wired.theirs.push(theirs);
                    *end = Some(ours);
                    stdio
                }
            };
        }
        wired.pipes = Pipes(Mutex::new(ends));
        Ok(wired)
    }
}

impl RunOptions {
    pub(crate) fn wired(&self) -> Result<Wired, Error> {
        Wired::new([
            standard("stdin", self.stdin_kind, self.stdin_fd)?,
            standard("stdout", self.stdout_kind, self.stdout_fd)?,
            standard("stderr", self.stderr_kind, self.stderr_fd)?,
        ])
    }
}

impl InjectOptions {
    /// What is to be injected, and the caller's ends of its pipes. `env` is what it gets unless it is given its own.
    ///
    /// # Safety
    /// `argv` and the options are as the pages of the functions that inject ask.
    pub(crate) unsafe fn injection(
        &self,
        argv: *const *const c_char,
        env: &[OsString],
    ) -> Result<(Injection, Wired), Error> {
        // SAFETY: as the caller says.
        unsafe {
            let (argv, seccomp, pass_fds) = (strings::command(argv)?, self.seccomp()?, self.pass_fds()?);
            let user = strings::optional("user", self.user)?.map(|user| User::parse(&user)).transpose()?;
            let env = self.environment()?.unwrap_or_else(|| {
                // The user's own HOME, then, from the container's passwd.
                let kept = |variable: &&OsString| user.is_none() || !variable.as_bytes().starts_with(b"HOME=");
                env.iter().filter(kept).cloned().collect()
            });
            let chdir = if self.chdir.is_null() { None } else { Some(strings::bytes("chdir", self.chdir)?.into()) };
            let (groups, capabilities) = (self.groups()?, self.capabilities()?);
            let (rlimits, no_new_privs) = (self.rlimits()?, switch("no_new_privs", self.no_new_privs)?);
            let (timeout, wired) = (self.timeout(), self.wired()?);
            let injection = Injection {
                env,
                stdio: wired.stdio,
                pass_fds,
                seccomp,
                timeout,
                user,
                groups,
                chdir,
                capabilities,
                no_new_privs,
                rlimits,
                console: crate::config::of_injection(self.console, self.console_rows, self.console_columns)?,
                ..Injection::new(argv)
            };
            Ok((injection, wired))
        }
    }

    /// The supplementary groups, where they are given.
    ///
    /// # Safety
    /// `groups` is NULL or an array of strings that a NULL ends.
    unsafe fn groups(&self) -> Result<Option<Vec<Id>>, Error> {
        if self.groups.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        let names = unsafe { strings::list("groups", self.groups) }?;
        names.iter().map(|name| Id::parse(&name.to_string_lossy())).collect::<Result<_, _>>().map(Some)
    }

    /// The capabilities, where they are given.
    ///
    /// # Safety
    /// `capabilities` is NULL or an array of strings that a NULL ends.
    unsafe fn capabilities(&self) -> Result<Option<u64>, Error> {
        if self.capabilities.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        unsafe { crate::config::capabilities("capabilities", self.capabilities) }.map(Some)
    }

    /// The resource limits.
    ///
    /// # Safety
    /// `rlimits` is NULL or three times as many numbers can be read there as there are limits.
    unsafe fn rlimits(&self) -> Result<Vec<Rlimit>, Error> {
        if self.rlimits_count == 0 {
            return Ok(Vec::new());
        }
        if self.rlimits.is_null() {
            return Err(null("rlimits"));
        }
        let count = usize::try_from(self.rlimits_count).ok().filter(|count| *count <= LIMITS);
        let count = count.ok_or_else(|| {
            invalid("rlimits_count", self.rlimits_count.to_string(), format!("there are {LIMITS} resources"))
        })?;
        // SAFETY: not NULL, and that many, as the caller says.
        let given = unsafe { std::slice::from_raw_parts(self.rlimits, count.saturating_mul(3)) };
        let limit = |[resource, soft, hard]: &[u64; 3]| crate::config::rlimit(*resource, *soft, *hard);
        given.as_chunks::<3>().0.iter().map(limit).collect()
    }

    pub(crate) fn wired(&self) -> Result<Wired, Error> {
        let &InjectOptions { stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd, .. } = self;
        RunOptions { stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd }.wired()
    }

    /// The descriptors that it keeps.
    ///
    /// # Safety
    /// As [`descriptors`].
    unsafe fn pass_fds(&self) -> Result<Vec<i32>, Error> {
        let count = usize::try_from(self.pass_fds_count).unwrap_or(usize::MAX);
        // SAFETY: as the caller says.
        unsafe { descriptors(self.pass_fds, count) }
    }

    /// The deadline, where one is given.
    fn timeout(&self) -> Option<Duration> {
        (self.timeout_ms != 0).then(|| Duration::from_millis(self.timeout_ms))
    }

    /// The profile, where one is given; also sees to it that what is reserved is zero.
    ///
    /// # Safety
    /// `seccomp_filter` is NULL or a handle.
    unsafe fn seccomp(&self) -> Result<Option<Profile>, Error> {
        if let Some(reserved) = [self.reserved, self.reserved2].into_iter().find(|reserved| *reserved != 0) {
            return Err(invalid("reserved", reserved.to_string(), "it is 0"));
        }
        if self.seccomp_filter.is_null() {
            return if self.seccomp == 0 { Ok(None) } else { crate::config::profile(self.seccomp).map(Some) };
        }
        if self.seccomp != 0 {
            return Err(invalid("seccomp", self.seccomp.to_string(), "it is 0 where seccomp_filter is given"));
        }
        // SAFETY: as the caller says.
        unsafe { borrow(self.seccomp_filter) }?.profile().cloned().map(Some)
    }

    /// The environment, where one is given.
    ///
    /// # Safety
    /// `env` is NULL or an array of strings that a NULL ends.
    unsafe fn environment(&self) -> Result<Option<Vec<OsString>>, Error> {
        if self.env.is_null() {
            return Ok(None);
        }
        // SAFETY: as the caller says.
        unsafe { strings::list("env", self.env) }.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<RunOptions, Error> {
        // SAFETY: that many bytes are there; reading goes by bytes, so that alignment does not matter.
        unsafe { read("options", bytes.as_ptr().cast(), bytes.len()) }
    }

    #[test]
    fn read_shorter_is_zero_extended() {
        let options = read_bytes(&[1, 0, 0, 0, 7, 0]).unwrap();
        assert_eq!((options.stdin_kind, options.stdin_fd, options.stderr_fd), (1, 7, 0));
        assert_eq!(read_bytes(&[]).unwrap().stdin_kind, 0);
    }

    #[test]
    fn read_longer_needs_a_tail_of_zeros() {
        let mut bytes = vec![0u8; 40];
        bytes[20] = 9;
        assert_eq!(read_bytes(&bytes).unwrap().stderr_fd, 9);
        bytes[39] = 1;
        let error = read_bytes(&bytes).err().unwrap();
        assert_eq!((error.kind, error.errno), (Kind::TooBig, Some(libc::E2BIG)));
        assert_eq!(read_bytes(&vec![0; LARGEST + 1]).err().unwrap().kind, Kind::TooBig);
    }

    #[test]
    fn read_null_is_all_zeros_or_an_error() {
        // SAFETY: NULL is allowed.
        unsafe {
            assert_eq!(read::<RunOptions>("options", std::ptr::null(), 0).unwrap().stdout_kind, 0);
            assert_eq!(read::<RunOptions>("options", std::ptr::null(), 8).err().unwrap().kind, Kind::Invalid);
        }
    }

    #[test]
    fn standard_refuses_what_means_nothing() {
        assert_eq!(standard("stdin", CONTAIN_STDIO_DESCRIPTOR, 0), Ok(Standard::Of(Stdio::Descriptor(0))));
        assert_eq!(standard("stdin", CONTAIN_STDIO_DESCRIPTOR, -1).unwrap_err().errno, Some(libc::EBADF));
        assert_eq!(standard("stdin", CONTAIN_STDIO_INHERIT, 5).unwrap_err().kind, Kind::Invalid);
        assert_eq!(standard("stdin", CONTAIN_STDIO_PIPE, 1).unwrap_err().kind, Kind::Invalid);
        assert_eq!(standard("stdin", 4, 0).unwrap_err().kind, Kind::Invalid);
    }
}
