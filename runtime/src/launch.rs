// SPDX-License-Identifier: MIT OR Apache-2.0
//! Handing a plan to contain-init: in place of this program, or beside it by the spawn.

use crate::LIBEXECDIR;
use crate::caller::{own, raw, system};
use crate::config::{Config, Lifetime, Root, Stdio, reach_of};
use crate::error::{Error, Kind, errno_text};
use crate::outcome::Causes;
use crate::plan::{Bytes, Draft, Test};
use contain_plan::Descriptors;
use contain_sys::fd::OnExec;
use contain_sys::file::{self, flags};
use contain_sys::memory::{self, Executable};
use contain_sys::spawn::{STACK, Spawn, Spawned};
use contain_sys::{Errno, Fd, process, socket, spawn};
use std::ffi::{CStr, CString, OsStr, c_char};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// contain-init, built with this library.
static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contain-init"));

/// Descriptors that go along with a plan, all above those that the command keeps.
pub(crate) struct Along {
    minimum: i32,
    preserved: u32,
    passed: Vec<Fd>,
    held: Vec<OwnedFd>,
    /// Their numbers, as the plan names them.
    pub numbers: Descriptors,
}

impl Along {
    /// None yet; every one will be above those that the command keeps: so many from 3 on, and those passed.
    pub fn new(preserved: u32, passed: &[i32]) -> Along {
        let kept = reach_of(passed).max(preserved);
        let mut passed: Vec<Fd> = passed.iter().map(|number| Fd(*number)).collect();
        passed.retain(|fd| i64::from(fd.0) >= 3 + i64::from(preserved));
        Along {
            minimum: 3i32.saturating_add_unsigned(kept),
            preserved,
            passed,
            held: Vec::new(),
            numbers: Descriptors::NONE,
        }
    }

    /// Moves a new descriptor up where it stands among those that the command keeps.
    fn hold(&mut self, fd: Fd) -> Result<i32, Errno> {
        let fd = if fd.0 < self.minimum {
            let higher = fd.duplicate_from(self.minimum);
            fd.close()?;
            higher?
        } else {
            fd
        };
        self.held.push(own(fd));
        Ok(fd.0)
    }

    fn duplicate(&mut self, fd: Fd) -> Result<i32, Errno> {
        let higher = fd.duplicate_from(self.minimum)?;
        self.held.push(own(higher));
        Ok(higher.0)
    }

    /// The root of a configuration, and this process's working directory.
    pub fn directories(&mut self, config: &Config) -> Result<(), Error> {
        if let Root::Directory(path) = &config.root {
            self.numbers.root = open_root(path).and_then(|fd| self.hold(fd).map_err(system("rootfs", "open", "")))?;
        }
        let here = file::open(Fd::CWD, c".", flags::O_PATH | flags::O_DIRECTORY).map_err(system(
            "caller",
            "open",
            "the working directory",
        ))?;
        self.numbers.home = self.hold(here).map_err(system("caller", "keep", "the working directory"))?;
        Ok(())
    }

    /// This very program, to be executed again when something fails.
    pub fn starter(&mut self) -> Result<(), Error> {
        let own = file::open(Fd::CWD, c"/proc/self/exe", flags::O_PATH).map_err(system(
            "caller",
            "open",
            "/proc/self/exe",
        ))?;
        self.numbers.starter = self.hold(own).map_err(system("caller", "keep", "/proc/self/exe"))?;
        Ok(())
    }

    /// A control socket and this process's pidfd; the caller's end of the socket.
    pub fn caller(&mut self, lifetime: Lifetime) -> Result<OwnedFd, Error> {
        let (ours, theirs) = socket::pair().map_err(system("caller", "make", "a socket pair"))?;
        let ours = own(ours);
        self.numbers.control = self.hold(theirs).map_err(system("caller", "keep", "a socket"))?;
        if lifetime == Lifetime::Bound {
            let own = process::open_pidfd(process::id()).map_err(system("caller", "open", "a pidfd of the caller"))?;
            self.numbers.caller = self.hold(own).map_err(system("caller", "keep", "a pidfd of the caller"))?;
        }
        Ok(ours)
    }

    /// A control socket to the process that writes the record; that one's end.
    pub fn recorder(&mut self) -> Result<OwnedFd, Error> {
        let (ours, theirs) = socket::pair().map_err(system("record", "make", "a socket pair"))?;
        let ours = own(ours);
        self.numbers.control = self.hold(theirs).map_err(system("record", "keep", "a socket"))?;
        Ok(ours)
    }

    /// Where others speak to the container and read what became of it.
    pub fn state(&mut self, listen: Fd, record: Fd) -> Result<(), Error> {
        self.numbers.listen = self.duplicate(listen).map_err(system("state", "keep", "the container's socket"))?;
        self.numbers.record = self.duplicate(record).map_err(system("state", "keep", "the container's record"))?;
        Ok(())
    }

    /// The process whose namespaces are joined.
    pub fn target(&mut self, pidfd: Fd) -> Result<(), Error> {
        self.numbers.target = self.duplicate(pidfd).map_err(system("caller", "keep", "the container's pidfd"))?;
        Ok(())
    }
}

/// The root directory as a descriptor; refusals say what is wrong with it.
pub(crate) fn open_root(path: &Path) -> Result<Fd, Error> {
    let shown = path.display().to_string();
    // Ending in "/." it is found only by who may enter it.
    let inside: &[u8] = if shown.is_empty() { b"" } else { b"/." };
    let name = CString::new([path.as_os_str().as_bytes(), inside].concat())
        .map_err(|_| Error::invalid("root", format!("{path:?}"), "a NUL byte cannot be part of it"))?;
    file::open(Fd::CWD, &name, flags::O_PATH | flags::O_DIRECTORY).map_err(|errno| {
        let error = Error::new(Kind::Root, "rootfs.open", "open the root", shown).errno(errno.0);
        match errno.0 {
            libc::ENOENT => {
                error.cause("it does not exist").remedy("name a directory with a root file system, or use --host")
            }
            libc::ENOTDIR => error.cause("it is not a directory").remedy("unpack it into a directory first"),
            libc::EACCES => error
                .cause("this user may not enter it, or a directory on the way to it")
                .remedy("make every directory up to it searchable for this user (chmod +x)"),
            libc::EMFILE => error.cause("the limit on open files is reached").remedy("raise it: ulimit -n 64 or more"),
            _ => error,
        }
    })
}

/// A sealed memfd with these bytes, numbered `minimum` or higher.
pub(crate) fn sealed_memfd(name: &CStr, executable: Executable, bytes: &[u8], minimum: i32) -> Result<OwnedFd, Errno> {
    let fd = own(memory::make_memfd(name, executable)?);
    let fd = if fd.as_raw_fd() < minimum { own(raw(&fd).duplicate_from(minimum)?) } else { fd };
    write_all(raw(&fd), bytes)?;
    memory::seal_memfd(raw(&fd))?;
    Ok(fd)
}

fn plan_memfd(bytes: &[u8], minimum: i32) -> Result<OwnedFd, Error> {
    sealed_memfd(c"contain-plan", Executable::No, bytes, minimum).map_err(system("plan", "write", "the plan"))
}

fn write_all(fd: Fd, mut bytes: &[u8]) -> Result<(), Errno> {
    // Above the limit the kernel would end this process by SIGXFSZ.
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_FSIZE);
    if limit.is_ok_and(|(soft, _)| soft < bytes.len() as u64) {
        return Err(Errno(libc::EFBIG));
    }
    while !bytes.is_empty() {
        let written = file::write(fd, bytes)?;
        bytes = &bytes[written.min(bytes.len())..];
    }
    Ok(())
}

/// contain-init as a descriptor, in the order in which they are tried: the one in CONTAIN_LIBEXECDIR alone where
/// that is set; else a sealed memfd of our own, then the installed one (for vm.memfd_noexec). Where AppArmor leaves user
/// namespaces to programs with a profile, the installed one comes first: the profile holds for its path alone.
fn programs(minimum: i32) -> impl Iterator<Item = Result<OwnedFd, Error>> {
    let elsewhere = std::env::var_os("CONTAIN_LIBEXECDIR");
    let only_elsewhere = elsewhere.is_some();
    let folder = elsewhere.unwrap_or(LIBEXECDIR.into());
    let profiled = !only_elsewhere && apparmor_restricts();
    let first = profiled.then(|| init_file(&folder, false, minimum).ok().map(Ok)).flatten();
    let from_memory = (!only_elsewhere && first.is_none()).then(|| init_memfd(minimum));
    let from_file = move || init_file(&folder, only_elsewhere, minimum);
    first.into_iter().chain(from_memory).chain(std::iter::once_with(from_file))
}

/// Whether AppArmor lets no program without a profile of its own use user namespaces (Ubuntu's switch).
fn apparmor_restricts() -> bool {
    let Ok(fd) = file::open(Fd::CWD, c"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", flags::O_RDONLY) else {
        return false;
    };
    let fd = own(fd);
    let mut value = [0u8];
    file::read(raw(&fd), &mut value).is_ok_and(|length| length == 1 && value != *b"0")
}

/// The path of contain-init's file, and why it would not be executed, where it would not.
pub(crate) fn installed() -> (String, Option<String>) {
    let elsewhere = std::env::var_os("CONTAIN_LIBEXECDIR");
    let chosen = elsewhere.is_some();
    let folder = elsewhere.unwrap_or(LIBEXECDIR.into());
    let wrong = match init_file(&folder, chosen, 3) {
        Ok(_) => None,
        Err(Error { errno: Some(libc::ENOENT), .. }) => Some("it is not installed".to_string()),
        Err(error) => Some(error.errno.map(errno_text).or(error.cause).unwrap_or_default()),
    };
    (Path::new(&folder).join("contain-init").display().to_string(), wrong)
}

fn init_memfd(minimum: i32) -> Result<OwnedFd, Error> {
    // CVE-2019-5736: sealed, and one for each container: nothing inside can change the program outside.
    sealed_memfd(c"contain-init", Executable::Yes, INIT, minimum).map_err(system(
        "init",
        "make a memfd for",
        "contain-init",
    ))
}

fn init_file(folder: &OsStr, chosen: bool, minimum: i32) -> Result<OwnedFd, Error> {
    let path = Path::new(folder).join("contain-init");
    let name = CString::new(path.as_os_str().as_bytes())
        .map_err(|_| Error::invalid("CONTAIN_LIBEXECDIR", format!("{folder:?}"), "a path without NUL"))?;
    let fd = file::open(Fd::CWD, &name, flags::O_PATH).map_err(|errno| {
        Error::new(Kind::Unsupported, "init", "open", path.display().to_string())
            .errno(errno.0)
            .cause("contain-init could not be run from memory (vm.memfd_noexec=2?) and is not installed there")
            .remedy("install contain (make install), or set CONTAIN_LIBEXECDIR to the folder of contain-init")
    })?;
    let fd = own(fd);
    let status = file::status(raw(&fd)).map_err(system("init", "look at", path.display().to_string()))?;
    // A folder that the caller named is the caller's own choice.
    if !chosen && (status.uid != 0 || status.mode & 0o022 != 0) {
        return Err(Error::new(Kind::Unsupported, "init", "execute", path.display().to_string())
            .cause("it does not belong to root, or others may write it")
            .remedy("install contain again (make install)"));
    }
    raw(&fd).duplicate_from(minimum).map(own).map_err(system("init", "keep", "contain-init"))
}

fn plan_argument(plan: &OwnedFd) -> CString {
    CString::new(format!("--plan={}", plan.as_raw_fd())).unwrap_or_default()
}

/// Becomes contain-init with this plan; returns only on failure. `shown` is what ps(1) shows behind the name.
pub(crate) fn in_place(draft: &Draft, along: &Along, name: &CStr, shown: &[CString]) -> Error {
    match try_in_place(draft, along, name, shown) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn try_in_place(
    draft: &Draft,
    along: &Along,
    name: &CStr,
    shown: &[CString],
) -> Result<std::convert::Infallible, Error> {
    let bytes = draft.finish(along.numbers, Test::from_environment())?;
    let plan = plan_memfd(&bytes, along.minimum)?;
    drop(bytes);
    let argument = plan_argument(&plan);
    let mut pointers: Vec<*const c_char> = vec![name.as_ptr(), argument.as_ptr()];
    pointers.extend(shown.iter().map(|text| text.as_ptr()));
    pointers.push(std::ptr::null());
    let empty = [std::ptr::null::<c_char>()];
    for fd in along.held.iter().chain(draft.held.iter().map(Arc::as_ref)).chain(std::iter::once(&plan)) {
        raw(fd).set_on_exec(OnExec::Keep).map_err(system("init", "pass on", "a descriptor"))?;
    }
    // The standard library's start ignores it; a command expects it to be as a shell leaves it.
    contain_sys::signal::reset(contain_sys::signal::number::SIGPIPE).map_err(system("init", "reset", "SIGPIPE"))?;
    first_that_runs(along.minimum, "execute", |program| {
        // SAFETY: both arrays end with null; their strings live until the call returns.
        let errno = unsafe { process::execute_fd(program, pointers.as_ptr(), empty.as_ptr()) };
        Err(system("init", "execute", "contain-init")(errno))
    })
}

/// What a spawned contain-init is held by.
pub(crate) struct Launched {
    pub monitor: Spawned,
    pub plan: Bytes,
    pub causes: Causes,
}

/// Starts contain-init with this plan beside this process.
pub(crate) fn beside(draft: &Draft, along: &Along, stdio: [Stdio; 3]) -> Result<Launched, Error> {
    let bytes = draft.finish(along.numbers, Test::from_environment())?;
    let plan = plan_memfd(&bytes, along.minimum)?;
    let stdio = stdio.map(|wanted| standard(wanted, along.minimum));
    let [stdin, stdout, stderr] = stdio;
    let held_stdio = [stdin?, stdout?, stderr?];
    let argument = plan_argument(&plan);
    let argv = [c"contain".as_ptr(), argument.as_ptr(), std::ptr::null()];
    if let Some(closed) = along.passed.iter().find(|fd| !fd.is_open()) {
        return Err(Error::invalid("pass_fds", closed.0.to_string(), "it is not open").errno(libc::EBADF));
    }
    let held = along.held.iter().chain(draft.held.iter().map(Arc::as_ref));
    let passed = along.passed.iter().copied();
    let mut keep: Vec<Fd> = held.chain(std::iter::once(&plan)).map(raw).chain(passed).collect();
    keep.sort_unstable_by_key(|fd| fd.0);
    let mut stacks = vec![0u8; 2 * STACK];
    let monitor = first_that_runs(along.minimum, "start", |program| {
        let request = Spawn {
            program,
            argv: &argv,
            stdio: [&held_stdio[0], &held_stdio[1], &held_stdio[2]].map(|fd| fd.as_ref().map_or(Fd::NONE, raw)),
            keep: &keep,
            preserved: along.preserved,
        };
        spawn::spawn(&request, &mut stacks).map_err(|errno| {
            let error = system("init", "start", "contain-init")(errno);
            match errno {
                Errno::EAGAIN => error
                    .cause("the limit on processes is reached: RLIMIT_NPROC of this user, or pids.max of this cgroup")
                    .remedy("end some processes, or raise the limit (ulimit -u)"),
                _ => error,
            }
        })
    })?;
    Ok(Launched { monitor, plan: bytes, causes: draft.causes })
}

/// Runs contain-init from memory, or else from its file where it may not run from memory (vm.memfd_noexec, a security
/// module). The error is that of the last try.
fn first_that_runs<T>(minimum: i32, operation: &str, mut run: impl FnMut(Fd) -> Result<T, Error>) -> Result<T, Error> {
    let mut refused = system("init", operation, "contain-init")(Errno::ENOENT);
    for program in programs(minimum) {
        match program.and_then(|program| run(raw(&program))) {
            Ok(done) => return Ok(done),
            Err(error) => refused = error,
        }
        if !matches!(refused.errno, Some(libc::EACCES | libc::EPERM)) {
            break;
        }
    }
    Err(refused)
}

/// A standard descriptor of the command, as a number of 3 or higher; none where the caller's own is inherited.
fn standard(wanted: Stdio, minimum: i32) -> Result<Option<OwnedFd>, Error> {
    let fd = match wanted {
        Stdio::Inherit => return Ok(None),
        Stdio::Null => {
            let null =
                own(file::open(Fd::CWD, c"/dev/null", flags::O_RDWR).map_err(system("caller", "open", "/dev/null"))?);
            raw(&null).duplicate_from(minimum)
        }
        Stdio::Descriptor(number) => Fd(number).duplicate_from(minimum),
    };
    fd.map(own).map(Some).map_err(|errno| {
        let what = if let Stdio::Descriptor(number) = wanted { number.to_string() } else { "of /dev/null".into() };
        let error = system("caller", "duplicate descriptor", what)(errno);
        if errno == Errno::EBADF { Error { kind: Kind::Invalid, ..error }.cause("it is not open") } else { error }
    })
}
