// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines do: become the container's supervisor, the injected command's, or the command itself.
//! Each returns only on failure.

use crate::caller::{self, system};
use crate::compile::{self, Inject, Way};
use crate::config::{Config, Console, Profile, Root};
use crate::container::Injection;
use crate::error::{Error, Kind};
use crate::launch::{self, Along};
use crate::outcome::Causes;
use crate::plan::Draft;
use crate::recorder;
pub use crate::recorder::Place;
use crate::state::{Detached, Entry, Runtime, check_name, named};
use crate::{diagnose, join};
use contain_plan::message::{LENGTH, Message};
use contain_plan::{MAX_LENGTH, Plan, Step, Told};
use contain_sys::Fd;
use contain_sys::fd::OnExec;
use contain_sys::file::{self, flags};
use contain_sys::signal::{self, Poll, poll, poll_event};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// How a command line speaks.
pub struct Manner<'a> {
    /// Where what a person should know is told, before anything is done: ids left out, a cgroup not entered.
    pub tell: &'a dyn Fn(&str),
    /// Whether a failure behind the first checks is printed as a record.
    pub records: bool,
    /// Where the record of the end goes, if anywhere.
    pub result: Option<Place>,
}

impl Manner<'_> {
    /// What goes into a plan that is carried out in place of this program: last, so that what fails before is this
    /// program's own to tell.
    fn enter(&self, draft: &mut Draft, along: &mut Along) -> Result<(), Error> {
        draft.notes.iter().for_each(|note| (self.tell)(note));
        draft.told = if self.records { Told::Record } else { Told::Text };
        if let Some(place) = &self.result {
            draft.finally(Step::Report {});
            recorder::start(place, draft.causes, along)?;
        }
        Ok(())
    }
}

/// What every command line starts with: standard descriptors that the caller has closed are /dev/null, so that nothing
/// else gets their numbers, and a pipe that nobody reads any more is an error, not a signal.
pub fn settle() -> Result<(), Error> {
    let mut standard = [0, 1, 2].map(|fd| Poll { fd, events: 0, answered: 0 });
    poll(&mut standard, 0).map_err(system("caller", "poll", "the standard descriptors"))?;
    for one in standard.iter().filter(|one| one.answered & poll_event::CLOSED != 0) {
        // The lowest free number: this one.
        file::open(Fd::CWD, c"/dev/null", flags::O_RDWR)
            .and_then(|_| Fd(one.fd).set_on_exec(OnExec::Keep))
            .map_err(system("caller", "open", "/dev/null"))?;
    }
    signal::ignore(signal::number::SIGPIPE).map_err(system("caller", "ignore", "SIGPIPE"))
}

/// Becomes the supervisor of a new container; with a name others find it by that until it ends.
pub fn contain(config: &Config, name: Option<&str>, manner: &Manner<'_>) -> Error {
    let ready = || -> Result<_, Error> {
        caller::check()?;
        let mut draft = compile::container(config, Way::InPlace)?;
        caller::check_preserved(config.preserve_fds)?;
        let mut along = Along::new(config.preserve_fds, &[]);
        along.directories(config)?;
        along.starter()?;
        let entry = name.map(|name| register(name, config, draft.causes, &mut along)).transpose()?;
        manner.enter(&mut draft, &mut along)?;
        Ok((draft, along, entry))
    };
    let shown = match &config.root {
        Root::Directory(path) => CString::new(path.as_os_str().as_bytes()).unwrap_or_default(),
        Root::Host => c"--host".into(),
    };
    match ready() {
        // The entry is removed again where this returns.
        Ok((draft, along, _entry)) => launch::in_place(&draft, &along, c"contain", &[shown]),
        Err(error) => error,
    }
}

/// Puts the container that this process becomes under a name on disk.
fn register(name: &str, config: &Config, causes: Causes, along: &mut Along) -> Result<Entry, Error> {
    check_name(name)?;
    let entry = Runtime::open(None)?.register(name, config, causes)?;
    entry.along(along)?;
    named::keep(&entry)?;
    Ok(entry)
}

/// Starts a container that lives on without this process, in a session of its own, and returns once its command has
/// been executed. A command that would have had a console has /dev/null for its standard descriptors. With a name
/// others find it by that until it ends. A failure behind the first checks is told by `fail`, which says the exit status.
pub fn detach(
    config: &Config,
    name: Option<&str>,
    manner: &Manner<'_>,
    fail: &dyn Fn(&Error) -> u8,
) -> Result<Detached, Error> {
    caller::check()?;
    name.map_or(Ok(()), check_name)?;
    compile::container(config, Way::Run)?.notes.iter().for_each(|note| (manner.tell)(note));
    caller::check_preserved(config.preserve_fds)?;
    named::detach(config, name, fail)
}

/// Becomes the watcher of a command that is injected into the container of `pid`; it keeps every descriptor, and the
/// standard ones. `terminal`: whether it gets one of the container's own.
pub fn inject(pid: i32, injection: &Injection, terminal: bool, manner: &Manner<'_>) -> Error {
    let profile = || injection.seccomp.clone().unwrap_or(Profile::System);
    inject_into(|| Ok((join::find(pid)?, profile())), injection, terminal, manner)
}

/// The same, into the container of this name, under the seccomp profile that it was started with.
pub fn inject_by_name(name: &str, injection: &Injection, terminal: bool, manner: &Manner<'_>) -> Error {
    let find = || {
        let stored = named::find(name)?;
        let (pid, pidfd) = stored.running_init()?;
        let own = || stored.profile();
        Ok((join::Target { pid, pidfd }, injection.seccomp.clone().map_or_else(own, Ok)?))
    };
    inject_into(find, injection, terminal, manner)
}

fn inject_into(
    find: impl FnOnce() -> Result<(join::Target, Profile), Error>,
    injection: &Injection,
    terminal: bool,
    manner: &Manner<'_>,
) -> Error {
    let ready = || -> Result<_, Error> {
        caller::check()?;
        let (target, profile) = find()?;
        let mut request = Inject::new(injection, target.pid, &profile)?;
        request.keep = u32::MAX;
        request.console = if terminal { Console::Emulated } else { Console::None };
        let mut draft = compile::inject(&request, Way::InPlace)?;
        let mut along = Along::new(0, &[]);
        along.target(target.fd())?;
        along.starter()?;
        manner.enter(&mut draft, &mut along)?;
        Ok((draft, along))
    };
    match ready() {
        Ok((draft, along)) => launch::in_place(&draft, &along, c"inject", &[]),
        Err(error) => error,
    }
}

/// Becomes a command as root of a new user namespace and nothing else. The manner names no place for a record of the end:
/// nobody is there to write it.
pub fn pseudo(
    uid_map: Option<&str>,
    gid_map: Option<&str>,
    argv: &[OsString],
    env: &[OsString],
    manner: &Manner<'_>,
) -> Error {
    let ready = || -> Result<_, Error> {
        caller::check()?;
        let mut draft = compile::pseudo(uid_map, gid_map, argv, env)?;
        let mut along = Along::new(0, &[]);
        along.starter()?;
        manner.enter(&mut draft, &mut along)?;
        Ok((draft, along))
    };
    match ready() {
        Ok((draft, along)) => launch::in_place(&draft, &along, c"pseudo", &[]),
        Err(error) => error,
    }
}

/// The error that contain-init left on two descriptors before it executed this program again, and whether it is to be
/// printed as a record.
pub fn reported(report: i32, plan: i32) -> (Error, bool) {
    let defect = || (Error::new(Kind::Internal, "report", "read the report of", "contain-init"), false);
    let read = |fd: i32, most: usize| -> Option<Vec<u8>> {
        if fd < 3 {
            return None;
        }
        // SAFETY: contain-init passed the number on to this program for it to own; a number that is no descriptor
        // fails at the first use.
        let mut file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
        let mut bytes = Vec::new();
        std::io::Seek::rewind(&mut file).ok()?;
        file.by_ref().take(most as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let (Some(report), Some(plan)) = (read(report, LENGTH), read(plan, MAX_LENGTH)) else { return defect() };
    let plan = Plan::read(&plan).ok();
    let records = plan.is_some_and(|plan| plan.header().told == Told::Record);
    match Message::from_bytes(&report) {
        Ok(Message::Failed(failure)) => (diagnose::error(plan.as_ref(), &failure), records),
        _ => defect(),
    }
}
