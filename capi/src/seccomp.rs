// SPDX-License-Identifier: MIT OR Apache-2.0
//! seccomp filters, named ones and the caller's own: as the program that is loaded, and what they would do with a system
//! call.

mod rules;

use crate::boundary::{Handle, Maker, Output, borrow, call, free, invalid, switch};
use crate::config::profile;
use crate::error::ErrorHandle;
use crate::strings;
#[cfg(test)]
pub(crate) use rules::RuleOptions;
use runtime::seccomp::{Abi, Action, Call, Own, RuleSet, Terminal, decide, program};
use runtime::{Error, Kind, Profile};
use std::ffi::{c_char, c_int};
use std::sync::OnceLock;

/// 64-bit system calls of x86-64 (the kernel's AUDIT_ARCH_ value).
pub const CONTAIN_ARCHITECTURE_X86_64: u32 = 0xc000_003e;
/// 32-bit system calls of x86.
pub const CONTAIN_ARCHITECTURE_I386: u32 = 0x4000_0003;
/// 64-bit system calls of programs with 32-bit pointers (libseccomp's SCMP_ARCH_ value).
pub const CONTAIN_ARCHITECTURE_X32: u32 = 0x4000_003e;

/// The process is ended by SIGSYS.
pub const CONTAIN_ACTION_KILL_PROCESS: u32 = 1;
/// The calling thread is ended by SIGSYS.
pub const CONTAIN_ACTION_KILL_THREAD: u32 = 2;
/// SIGSYS is sent to the calling thread.
pub const CONTAIN_ACTION_TRAP: u32 = 3;
/// The call fails; the data is the errno.
pub const CONTAIN_ACTION_ERRNO: u32 = 4;
/// A listener is asked.
pub const CONTAIN_ACTION_NOTIFY: u32 = 5;
/// The tracer is told; the data is its message.
pub const CONTAIN_ACTION_TRACE: u32 = 6;
/// It is carried out and logged.
pub const CONTAIN_ACTION_LOG: u32 = 7;
/// It is carried out.
pub const CONTAIN_ACTION_ALLOW: u32 = 8;

/// A seccomp filter. Several threads may use one at once, but for freeing it and for changing one of the caller's own.
pub struct SeccompHandle {
    maker: Maker,
    filter: Filter,
}

enum Filter {
    /// A named profile, and whose terminal its commands have.
    Named(Profile, Terminal),
    /// The caller's own, and what it is compiled to once that is asked for.
    Own(RuleSet, Box<OnceLock<Result<Profile, Error>>>),
}

impl SeccompHandle {
    fn own(rules: RuleSet) -> *mut SeccompHandle {
        let filter = Filter::Own(rules, Box::default());
        Box::into_raw(Box::new(SeccompHandle { maker: Maker::this_process(), filter }))
    }

    /// What a configuration takes; one of the caller's own is compiled.
    pub(crate) fn profile(&self) -> Result<&Profile, Error> {
        match &self.filter {
            Filter::Named(profile, _) => Ok(profile),
            Filter::Own(rules, compiled) => {
                compiled.get_or_init(|| Own::new(rules.clone()).map(Profile::Own)).as_ref().map_err(Clone::clone)
            }
        }
    }

    /// One of the caller's own is itself, whoever has the terminal.
    fn terminal(&self) -> Terminal {
        match &self.filter {
            Filter::Named(_, terminal) => *terminal,
            Filter::Own(..) => Terminal::Own,
        }
    }
}

impl Handle for SeccompHandle {
    const NAME: &'static str = "seccomp";

    fn maker(&self) -> Maker {
        self.maker
    }
}

/// Gives a named profile as an object.
///
/// profile: a CONTAIN_SECCOMP_ value.
/// own_terminal: 0: as for a command that may have the caller's terminal, into which nothing may be typed from inside;
/// 1: as for one whose standard descriptors are a terminal of its own (a console).
/// seccomp: where the object goes; the caller frees it with contain_seccomp_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp is NULL or a number is another.
/// Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_new(
    profile: u32,
    own_terminal: u32,
    seccomp: *mut *mut SeccompHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("seccomp", seccomp)?;
            let terminal = if switch("own_terminal", own_terminal)? { Terminal::Own } else { Terminal::Passed };
            let filter = Filter::Named(self::profile(profile)?, terminal);
            let handle = SeccompHandle { maker: Maker::this_process(), filter };
            place.write(Box::into_raw(Box::new(handle)));
            Ok(0)
        })
    }
}

/// Gives the program that is loaded for a filter: an array of the kernel's struct sock_filter.
///
/// seccomp: the filter.
/// program: where its address goes; it lasts as long as the filter, and one of the caller's own until that is changed.
/// length: where its length in bytes goes, 8 for each instruction; 0 where nothing is loaded.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if an argument is NULL; -E2BIG if the caller's own has more than 4096 instructions.
/// Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_get_bpf(
    seccomp: *const SeccompHandle,
    program: *mut *const u8,
    length: *mut usize,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let seccomp = borrow(seccomp)?;
            let (place, length) = (Output::new("program", program)?, Output::new("length", length)?);
            let bytes = self::program(seccomp.profile()?, seccomp.terminal()).unwrap_or(&[]);
            place.write(bytes.as_ptr());
            length.write(bytes.len());
            Ok(0)
        })
    }
}

/// Says what would happen to a system call, and does nothing. One of the caller's own speaks for itself: what is refused
/// beside it where the caller's terminal is passed on is not part of it.
///
/// seccomp: the filter.
/// architecture: a CONTAIN_ARCHITECTURE_ value.
/// name: the system call's name, such as "mount".
/// arguments: its six arguments; NULL: six zeros.
/// action: where a CONTAIN_ACTION_ value goes.
/// data: where what goes with it goes: the errno of CONTAIN_ACTION_ERRNO, the message of CONTAIN_ACTION_TRACE, else 0;
/// NULL if it is not wanted.
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if seccomp, name or action is NULL, or the architecture or a call of that name is not known; -E2BIG if
/// the caller's own has more than 4096 instructions.
/// Ownership: the string and the array stay the caller's. Threads: any, several at once. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_test(
    seccomp: *const SeccompHandle,
    architecture: u32,
    name: *const c_char,
    arguments: *const u64,
    action: *mut u32,
    data: *mut u32,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let seccomp = borrow(seccomp)?;
            let (place, data) = (Output::new("action", action)?, Output::optional(data));
            let name = strings::utf8("name", name)?;
            let abi = abi(architecture)?;
            let unknown = || invalid("name", format!("{name:?}"), "this architecture has no system call of that name");
            let number = abi.number(&name).ok_or_else(unknown)?;
            // SAFETY: not NULL, and six numbers, as the page asks.
            let arguments = if arguments.is_null() { [0; 6] } else { arguments.cast::<[u64; 6]>().read_unaligned() };
            let decided =
                decide(seccomp.profile()?, seccomp.terminal(), &Call::new(abi.architecture(), number, arguments));
            let (decision, with) = coded(decided.map_err(|fault| {
                Error::new(Kind::Internal, "seccomp", "evaluate", "the filter").cause(fault.to_string())
            })?);
            place.write(decision);
            data.write(with.into());
            Ok(0)
        })
    }
}

fn abi(architecture: u32) -> Result<Abi, Error> {
    match architecture {
        CONTAIN_ARCHITECTURE_X86_64 => Ok(Abi::X86_64),
        CONTAIN_ARCHITECTURE_I386 => Ok(Abi::X86),
        CONTAIN_ARCHITECTURE_X32 => Ok(Abi::X32),
        _ => Err(invalid("architecture", format!("{architecture:#x}"), "it is a CONTAIN_ARCHITECTURE_ value")),
    }
}

fn coded(action: Action) -> (u32, u16) {
    match action {
        Action::KillProcess => (CONTAIN_ACTION_KILL_PROCESS, 0),
        Action::KillThread => (CONTAIN_ACTION_KILL_THREAD, 0),
        Action::Trap => (CONTAIN_ACTION_TRAP, 0),
        Action::Errno(errno) => (CONTAIN_ACTION_ERRNO, errno),
        Action::Notify => (CONTAIN_ACTION_NOTIFY, 0),
        Action::Trace(message) => (CONTAIN_ACTION_TRACE, message),
        Action::Log => (CONTAIN_ACTION_LOG, 0),
        Action::Allow => (CONTAIN_ACTION_ALLOW, 0),
    }
}

/// Frees a filter. Containers stay as they are.
///
/// seccomp: the filter; NULL is fine, and so is one that a fork copied.
/// Threads: nobody else may use it. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_seccomp_free(seccomp: *mut SeccompHandle) {
    // SAFETY: as this function's page asks.
    unsafe { free(seccomp) }
}
