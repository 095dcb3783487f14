// SPDX-License-Identifier: MIT OR Apache-2.0
//! Commands in a user namespace alone: what pseudo(1) does, for programs.

use crate::boundary::{Output, call, invalid};
use crate::config::lifetime;
use crate::error::ErrorHandle;
use crate::options::{self, Options, RunOptions, Wired};
use crate::process::{self, ProcessHandle};
use crate::strings;
use runtime::{Config, Error, Root, Userns};
use std::ffi::{c_char, c_int};

/// How contain_userns_run() does it. All zeros is the usual.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UsernsOptions {
    /// The command's whole environment, NAME=VALUE, a NULL behind the last; NULL: a usual one.
    pub env: *const *const c_char,
    /// The map of user ids, START:LOWER:COUNT[,START:LOWER:COUNT]...; NULL: the usual one for this caller.
    pub uid_map: *const c_char,
    /// The map of group ids.
    pub gid_map: *const c_char,
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
    /// What the caller's death means for the command: a CONTAIN_LIFETIME_ value.
    pub lifetime: u32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: pointers and integers, without padding (layout.rs); NULL is a valid pointer to hold.
unsafe impl Options for UsernsOptions {}

impl UsernsOptions {
    /// # Safety
    /// `argv` and the options are as the page of contain_userns_run() asks.
    unsafe fn userns(&self, argv: *const *const c_char) -> Result<(Userns, Wired), Error> {
        if self.reserved != 0 {
            return Err(invalid("reserved", self.reserved.to_string(), "it is 0"));
        }
        let &UsernsOptions { stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd, .. } = self;
        // SAFETY: as the caller says.
        unsafe {
            let argv = strings::command(argv)?;
            let env = match self.env.is_null() {
                true => Config::run(Root::Host, Vec::new()).env,
                false => strings::list("env", self.env)?,
            };
            let uid_map = strings::optional("uid_map", self.uid_map)?;
            let gid_map = strings::optional("gid_map", self.gid_map)?;
            let lifetime = lifetime(self.lifetime)?;
            let wired = RunOptions { stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd }.wired()?;
            Ok((Userns { argv, env, uid_map, gid_map, stdio: wired.stdio, lifetime }, wired))
        }
    }
}

/// Runs a command in a user namespace of its own, where it is root over ids that are the caller's or delegated to it,
/// and in all other namespaces of the caller's; returns once it has been executed. It is looked up on the PATH of its
/// environment and begins in the caller's working directory. It is not confined: no file system, network or process is
/// hidden from it, and what it starts is not ended with it.
///
/// argv: the command and its arguments, a NULL behind the last.
/// options: environment, id maps, standard descriptors; NULL, with a size of 0: the usual.
/// size: sizeof *options.
/// process: where the process goes; the caller frees it with contain_process_free().
/// err: where an error goes, or NULL.
/// Returns: 0; negative on failure.
/// Errors: -EINVAL if argv or process is NULL or something in them is not allowed; -EBADF for a descriptor that is
/// none; -E2BIG for options that this library does not know; CONTAIN_E_ID_MAP; CONTAIN_E_NOT_FOUND and
/// CONTAIN_E_NOT_EXECUTABLE for the command.
/// Ownership: strings are copied; descriptors are duplicated and stay the caller's. Threads: any. Since: 0.1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn contain_userns_run(
    argv: *const *const c_char,
    options: *const UsernsOptions,
    size: usize,
    process: *mut *mut ProcessHandle,
    err: *mut *mut ErrorHandle,
) -> c_int {
    // SAFETY: the arguments are as this function's page asks.
    unsafe {
        call(err, || {
            let place = Output::new("process", process)?;
            let (userns, wired) = options::read("options", options, size)?.userns(argv)?;
            place.write(process::boxed(runtime::userns::run(&userns)?, wired.pipes));
            Ok(0)
        })
    }
}
