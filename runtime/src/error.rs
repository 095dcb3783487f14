// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one error type of the runtime: what was done to which object, what the kernel answered, why that
//! is likely and what to do about it. Texts are lower case and end without a dot.

use std::fmt;

/// What went wrong, as a program would branch on it. The numbers are part of the C ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[non_exhaustive]
pub enum Kind {
    /// A value in the configuration is not allowed; nothing was done.
    Invalid = 1,
    /// The kernel refused an operation; `errno` says how.
    System = 2,
    /// The root file system cannot be used as given.
    Root = 3,
    /// User or group ids cannot be mapped as asked.
    IdMap = 4,
    /// The command does not exist in the container (exit status 127).
    NotFound = 5,
    /// The command exists but cannot be executed (exit status 126).
    NotExecutable = 6,
    /// A helper of `-i` or `-o` failed; `status` in the error is its wait status.
    Helper = 7,
    /// The container, or the process named, is not there any more.
    Gone = 8,
    /// Privilege: this process gained ids or capabilities at exec and must not use the library.
    SecureExec = 9,
    /// The machine cannot do it: kernel too old, feature or limit missing.
    Unsupported = 10,
    /// A limit of contain itself: too many arguments, too long a plan.
    TooBig = 11,
    /// A handle was used in a process that did not make it.
    WrongProcess = 12,
    /// A defect in contain itself.
    Internal = 13,
    /// A container of this id exists already.
    Exists = 14,
    /// Not in this state: not started, running, paused, or held by another caller.
    Busy = 15,
}

/// An error of the runtime. Its `Display` is the first line that a person sees: `OPERATION OBJECT: ERRNO TEXT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What a program branches on.
    pub kind: Kind,
    /// What was being done, as a verb phrase: "mount tmpfs on", "write the id map of".
    pub operation: String,
    /// What it was done to: a path, an option, an id. May be empty.
    pub object: String,
    /// The kernel's number, where the kernel was asked.
    pub errno: Option<i32>,
    /// The stage as dotted words ("rootfs.mount"), stable for programs.
    pub stage: &'static str,
    /// The number of the plan's step (counted from 1) that failed, where one did.
    pub step: Option<u32>,
    /// What the kernel itself said about it, where it said anything.
    pub kernel_message: Option<String>,
    /// The likely cause, where one is known.
    pub cause: Option<String>,
    /// What to do about it, where something can be done.
    pub remedy: Option<String>,
    /// Whether it arose in the container's own processes rather than in the caller.
    pub in_child: bool,
    /// The wait status of a helper that failed (`Kind::Helper`).
    pub status: Option<i32>,
}

impl Error {
    /// An error with everything optional left out.
    pub fn new(kind: Kind, stage: &'static str, operation: impl Into<String>, object: impl Into<String>) -> Self {
        Error {
            kind,
            operation: operation.into(),
            object: object.into(),
            errno: None,
            stage,
            step: None,
            kernel_message: None,
            cause: None,
            remedy: None,
            in_child: false,
            status: None,
        }
    }

    /// A value of the configuration that is not allowed.
    pub fn invalid(field: impl Into<String>, object: impl Into<String>, allowed: impl Into<String>) -> Self {
        let mut error = Error::new(Kind::Invalid, "config", field, object);
        error.cause = Some(allowed.into());
        error
    }

    /// An operation that the kernel refused, with the cause where the errno alone tells it.
    pub fn system(stage: &'static str, operation: impl Into<String>, object: impl Into<String>, errno: i32) -> Self {
        let error = Error::new(Kind::System, stage, operation, object).errno(errno);
        match errno {
            libc::EFBIG => {
                error.cause("the limit on file sizes is below it (RLIMIT_FSIZE)").remedy("raise it: ulimit -f")
            }
            libc::EMFILE => error.cause("the limit on open files is reached").remedy("raise it: ulimit -n 64 or more"),
            libc::ENFILE => error
                .cause("the system's limit on open files is reached")
                .remedy("raise it: sysctl fs.file-max, or end what holds so many"),
            _ => error,
        }
    }

    /// Adds the errno.
    #[must_use]
    pub fn errno(mut self, errno: i32) -> Self {
        self.errno = Some(errno);
        self
    }

    /// Adds the likely cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The exit status of a command line that fails with this error (tools.md: 125, 126, 127, or the helper's own).
    pub fn exit_status(&self) -> i32 {
        match self.kind {
            Kind::NotFound => 127,
            Kind::NotExecutable => 126,
            Kind::Helper => self.status.map_or(125, crate::outcome::status_of_wait),
            _ => 125,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(step) = self.step {
            write!(f, "step {step}, ")?;
        }
        f.write_str(&self.operation)?;
        if !self.object.is_empty() {
            write!(f, " {}", self.object)?;
        }
        if let Some(errno) = self.errno {
            write!(f, ": {}", errno_text(errno))?;
        }
        if let Some(message) = &self.kernel_message {
            write!(f, ": the kernel says: {message}")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// `ENOENT (No such file or directory)`: the name that manuals use, then the C library's text.
pub fn errno_text(errno: i32) -> String {
    let known = nix::errno::Errno::from_raw(errno);
    format!("{known:?} ({})", known.desc())
}
