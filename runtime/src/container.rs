// SPDX-License-Identifier: MIT OR Apache-2.0
//! A started container, and what can be done to it. Nothing here runs in the background: the monitor watches, and
//! these functions talk to it over one socket and hold pidfds.

mod console;
mod monitored;
mod pending;
mod transfer;

pub(crate) use console::Master;
use monitored::Handle;
pub(crate) use monitored::{Monitored, check_owner, no_descriptor, not_started, readable, reap};
pub use pending::Pending;
use pending::begin;
pub(crate) use pending::{First, Word, Work};
pub use transfer::copied;

use crate::caller::{self, raw};
use crate::compile::{self, Inject, Way};
use crate::config::{Config, Lifetime, Profile, Rlimit, Root, Stdio, Window};
use crate::error::{Error, Kind};
use crate::events::{Events, Subject};
use crate::join;
use crate::launch::{self, Along};
use crate::outcome::{EndedBy, Outcome};
use crate::plan::Draft;
use crate::state::stored::Stored;
use crate::state::{State, Status, processes};
use crate::user::{Id, User};
use contain_sys::Fd;
use contain_sys::signal::number;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A command to be run in a container that is there already.
#[derive(Clone, Debug)]
pub struct Injection {
    /// The command and its arguments; looked up on PATH.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<OsString>,
    /// Its standard descriptors.
    pub stdio: [Stdio; 3],
    /// Descriptors of the caller's, 3 to 1026, that it keeps under their own numbers; open at least until the call
    /// returns.
    pub pass_fds: Vec<i32>,
    /// Its seccomp profile; the container's own where none is given.
    pub seccomp: Option<Profile>,
    /// How long it may run, from its exec on; then it is killed with everything that it started. For ever when none.
    pub timeout: Option<Duration>,
    /// Who it runs as, by number or by the names that the container has for users now; user 0 when none. HOME is that
    /// user's, where `env` names none.
    pub user: Option<User>,
    /// Its supplementary groups, at most 256; when none, those of `user` by the container's files, which user 0 has not.
    pub groups: Option<Vec<Id>>,
    /// Its working directory inside; `/` when none.
    pub chdir: Option<PathBuf>,
    /// The size of a terminal of the container's own, whose other end is the caller's to take
    /// ([`Process::take_console`]); those of `stdio` that are `Inherit` are it, one of them at least. No terminal when none.
    pub console: Option<Window>,
    /// The capabilities over the container's user namespace that it keeps, one bit each; all of them when none, whatever
    /// was taken from the container's command. A user other than 0 has none, and these bound what it gains by exec.
    pub capabilities: Option<u64>,
    /// Whether the command and all it starts may gain no privilege by exec. Where the caller may gain none, it never may.
    pub no_new_privs: bool,
    /// Resource limits; the caller's where none is given.
    pub rlimits: Vec<Rlimit>,
}

impl Injection {
    /// A command with the environment of [`Config::run`] and the caller's standard descriptors, and nothing else given.
    pub fn new(argv: Vec<OsString>) -> Injection {
        Injection {
            argv,
            env: Config::run(Root::Host, Vec::new()).env,
            stdio: [Stdio::Inherit; 3],
            pass_fds: Vec::new(),
            seccomp: None,
            timeout: None,
            user: None,
            groups: None,
            chdir: None,
            capabilities: None,
            no_new_privs: false,
            rlimits: Vec::new(),
            console: None,
        }
    }
}

/// A container that this process started, or one whose state is on disk. Dropping it never kills: `Config::lifetime`
/// says what follows.
#[derive(Debug)]
pub struct Container {
    hold: Hold,
    /// What its command runs under; of one whose state is on disk that is there.
    profile: Option<Profile>,
    lifetime: Lifetime,
}

/// How a container is held on to.
#[derive(Debug)]
enum Hold {
    /// By its monitor's socket: nobody else knows of it.
    Monitored(Handle),
    /// By its directory; and the process that opened it.
    Stored(Arc<Stored>, u32),
}

/// A process injected into a container.
#[derive(Debug)]
pub struct Process {
    monitored: Handle,
}

impl Container {
    /// Makes the container up to the last step before the command's exec, and leaves it waiting there.
    pub fn create(config: &Config) -> Result<Container, Error> {
        Container::begin_create(config)?.wait_on()
    }

    /// As `create`, without waiting until the container is there.
    pub fn begin_create(config: &Config) -> Result<Pending<Container>, Error> {
        Container::launch(config, Way::Create)
    }

    /// Create and start in one.
    pub fn run(config: &Config) -> Result<Container, Error> {
        Container::begin_run(config)?.wait_on()
    }

    /// As `run`, without waiting until the command has been executed.
    pub fn begin_run(config: &Config) -> Result<Pending<Container>, Error> {
        Container::launch(config, Way::Run)
    }

    fn launch(config: &Config, way: Way) -> Result<Pending<Container>, Error> {
        caller::check()?;
        let draft = compile::container(config, way)?;
        caller::check_preserved(config.preserve_fds)?;
        let mut along = Along::new(config.preserve_fds, &config.pass_fds);
        along.directories(config)?;
        let control = along.caller(config.lifetime)?;
        let launched = launch::beside(&draft, &along, compile::console::outer_stdio(config))?;
        drop(along);
        let (profile, lifetime) = (Some(config.seccomp.clone()), config.lifetime);
        Ok(begin(control, launched, way == Way::Create, move |monitored| Container {
            hold: Hold::Monitored(monitored.into()),
            profile,
            lifetime,
        }))
    }

    /// Lets the command of a created container begin; returns once it has been executed.
    pub fn start(&self) -> Result<(), Error> {
        self.begin_start()?;
        loop {
            match self.await_start() {
                Err(error) if error.errno == Some(libc::EINTR) => {}
                other => return other,
            }
        }
    }

    /// As `start`, without waiting until the command has been executed: `started` tells that.
    pub fn begin_start(&self) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.begin_start(),
            Hold::Stored(stored, _) => stored.begin_start(),
        }
    }

    /// Whether the command has been executed after `begin_start`, or why not, where that is known by now.
    pub fn started(&self) -> Result<bool, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.started(),
            Hold::Stored(stored, _) => stored.started(),
        }
    }

    /// Waits until the command has been executed after `begin_start`. A signal of the caller's ends the wait (EINTR).
    pub fn await_start(&self) -> Result<(), Error> {
        while !self.started()? {
            let news = self.start_news()?;
            if readable([&news, &news], -1)? == 0 {
                return Err(Error::new(Kind::System, "container", "start", "the container").errno(libc::EINTR));
            }
        }
        Ok(())
    }

    /// A descriptor, the caller's to close, that becomes readable when `started` may have more to tell.
    pub fn start_news(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.start_news(),
            Hold::Stored(stored, _) => stored.start_news(),
        }
    }

    /// A descriptor, the caller's to close, that becomes readable when `wait` may have more to tell, without waiting:
    /// the supervisor has heard of the end of PID 1.
    pub fn end_news(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.end_news(),
            Hold::Stored(stored, _) => stored.end_news(),
        }
    }

    /// One whose state is on disk.
    pub(crate) fn from_stored(stored: Stored) -> Container {
        let lifetime = stored.lifetime();
        Container { hold: Hold::Stored(Arc::new(stored), std::process::id()), profile: None, lifetime }
    }

    fn check_process(&self) -> Result<(), Error> {
        match &self.hold {
            Hold::Monitored(monitored) => monitored.check_process(),
            Hold::Stored(_, owner) => check_owner(*owner),
        }
    }

    /// Its id, where its state is on disk.
    pub fn id(&self) -> Option<&str> {
        match &self.hold {
            Hold::Monitored(_) => None,
            Hold::Stored(stored, _) => Some(stored.id()),
        }
    }

    /// Process id of the monitor (the supervisor that `inject` takes).
    pub fn pid(&self) -> i32 {
        match &self.hold {
            Hold::Monitored(monitored) => monitored.monitor_pid,
            Hold::Stored(stored, _) => stored.monitor_pid(),
        }
    }

    /// Process id of PID 1, as seen from outside; 0 where one whose state is on disk has ended.
    pub fn init_pid(&self) -> Result<i32, Error> {
        match &self.hold {
            Hold::Monitored(monitored) if monitored.is_over()? => Ok(0),
            Hold::Monitored(monitored) => Ok(monitored.init_pid),
            Hold::Stored(stored, _) => Ok(stored.init()?.map_or(0, |(pid, _)| pid)),
        }
    }

    /// A pidfd of PID 1, the caller's to close: readable when the container has ended.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.pidfd(),
            Hold::Stored(stored, _) => stored.init()?.map(|(_, pidfd)| pidfd).ok_or_else(|| stored.stopped("open")),
        }
    }

    /// The other end of the console of a configuration with [`Console::Taken`]: a pseudo-terminal's master, there once
    /// the container has been made, also before its start. It is close-on-exec and the caller's to close, which hangs the
    /// command up; so does dropping the container with it. Only who has made the container has it, and once.
    pub fn take_console(&self) -> Result<OwnedFd, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.take_console(),
            Hold::Stored(stored, _) => stored.take_console(),
        }
    }

    /// Sends a signal to the command; SIGKILL ends the whole container.
    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.kill(signal),
            Hold::Stored(stored, _) => stored.kill(signal),
        }
    }

    /// As `kill`.
    pub fn signal(&self, signal: i32) -> Result<(), Error> {
        self.kill(signal)
    }

    /// Ends the whole container at once and waits for that; the result says `reason`.
    pub fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.end(reason),
            Hold::Stored(stored, _) => stored.end(reason),
        }
    }

    /// Kills the whole container and does not wait for that; the result will say `reason`.
    pub fn condemn(&self, reason: EndedBy) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.condemn(reason),
            Hold::Stored(stored, _) => stored.condemn(reason),
        }
    }

    /// Sends `signal`, waits `grace` for the end, and then kills the whole container; without a grace period it kills at
    /// once. One that has ended already keeps its own result.
    pub fn stop(&self, signal: i32, grace: Duration) -> Result<Outcome, Error> {
        let at_once = grace.is_zero() && (0..=number::LAST).contains(&signal);
        match self.kill(if at_once { number::SIGKILL } else { signal }) {
            Err(error) if error.kind != Kind::Gone => return Err(error),
            _ => {}
        }
        match self.wait(Some(grace))? {
            Some(outcome) => Ok(outcome),
            None => self.end(EndedBy::Signalled),
        }
    }

    /// Runs another command inside; returns once it has been executed.
    pub fn inject(&self, injection: &Injection) -> Result<Process, Error> {
        self.begin_inject(injection)?.wait_on()
    }

    /// As `inject`, without waiting until the command has been executed.
    pub fn begin_inject(&self, injection: &Injection) -> Result<Pending<Process>, Error> {
        let (pid, target) = self.running()?;
        let own = match &injection.seccomp {
            Some(_) => None,
            None => self.profile()?,
        };
        let profile = injection.seccomp.as_ref().or(own.as_ref()).unwrap_or(&Profile::System);
        inject_into(raw(&target), pid, injection, profile, self.lifetime)
    }

    /// What its command runs under.
    fn profile(&self) -> Result<Option<Profile>, Error> {
        match &self.hold {
            Hold::Monitored(_) => Ok(self.profile.clone()),
            Hold::Stored(stored, _) => stored.profile().map(Some),
        }
    }

    /// Its PID 1, where it can be joined.
    fn running(&self) -> Result<(i32, OwnedFd), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => Ok((monitored.init_pid, monitored.running_init()?)),
            Hold::Stored(stored, _) => stored.running_init(),
        }
    }

    /// Waits for the end; `None` when `timeout` passed first. The result stays readable afterwards.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.wait(timeout),
            Hold::Stored(stored, _) => stored.wait(timeout),
        }
    }

    /// What it is doing, derived anew at each call.
    pub fn state(&self) -> Result<State, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.state(),
            Hold::Stored(stored, _) => stored.state(),
        }
    }

    /// What becomes of it from here on: its present state first, then each change, its end last.
    pub fn events(&self) -> Result<Events, Error> {
        self.check_process()?;
        Events::open(match &self.hold {
            Hold::Monitored(monitored) => Subject::monitored(monitored.share())?,
            Hold::Stored(stored, _) => Subject::Stored(stored.found()?),
        })
    }

    /// All that is known of one whose state is on disk.
    pub fn status(&self) -> Result<Status, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => Err(Error::new(Kind::Invalid, "state", "find container", "")
                .cause(format!("the container of process {} has no state on disk", monitored.monitor_pid))
                .remedy("create it through a runtime")),
            Hold::Stored(stored, _) => stored.status(),
        }
    }

    /// The process ids, as this process sees them, of all in the container's PID namespace: those that were injected
    /// too. Read from /proc, so that what starts or ends meanwhile may be missing or named.
    pub fn processes(&self) -> Result<Vec<i32>, Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) if monitored.is_over()? => Err(monitored.stopped("list the processes of")),
            Hold::Monitored(monitored) => processes::of(monitored.init_pid),
            Hold::Stored(stored, _) => stored.processes(),
        }
    }

    /// Removes one that has ended from disk; with `force` it is killed first, and one that has been deleted already is
    /// no error.
    pub fn delete(&self, force: bool) -> Result<(), Error> {
        self.check_process()?;
        match &self.hold {
            Hold::Monitored(monitored) => monitored.delete(force),
            Hold::Stored(stored, _) => stored.delete(force),
        }
    }
}

/// Runs a command in the container of a supervisor, or of a PID 1, that need not be this process's own.
pub fn inject_by_pid(pid: i32, injection: &Injection) -> Result<Process, Error> {
    caller::check()?;
    let target = join::find(pid)?;
    let profile = injection.seccomp.as_ref().unwrap_or(&Profile::System);
    inject_into(raw(&target.pidfd), target.pid, injection, profile, Lifetime::Bound)?.wait_on()
}

fn inject_into(
    target: Fd,
    pid: i32,
    injection: &Injection,
    profile: &Profile,
    lifetime: Lifetime,
) -> Result<Pending<Process>, Error> {
    compile::check_passed(&injection.pass_fds)?;
    let request = Inject::new(injection, pid, profile)?;
    let draft = compile::inject(&request, Way::Run)?;
    let mut along = Along::new(0, &injection.pass_fds);
    along.target(target)?;
    let control = along.caller(lifetime)?;
    let launched = launch::beside(&draft, &along, compile::console::outer(request.console, injection.stdio))?;
    drop(along);
    let tree = injection.timeout.is_some();
    Ok(begin(control, launched, false, move |mut monitored| {
        monitored.tree = tree;
        Process { monitored: monitored.into() }
    }))
}

impl Process {
    /// Starts a plan's command beside this process.
    pub(crate) fn launch(
        draft: &Draft,
        mut along: Along,
        lifetime: Lifetime,
        stdio: [Stdio; 3],
    ) -> Result<Process, Error> {
        let control = along.caller(lifetime)?;
        let launched = launch::beside(draft, &along, stdio)?;
        drop(along);
        begin(control, launched, false, |monitored| Process { monitored: monitored.into() }).wait_on()
    }

    /// Process id as seen from outside.
    pub fn pid(&self) -> i32 {
        self.monitored.init_pid
    }

    /// A pidfd, the caller's to close.
    pub fn pidfd(&self) -> Result<OwnedFd, Error> {
        self.monitored.pidfd()
    }

    /// The other end of its console, where it was given one, as [`Container::take_console`].
    pub fn take_console(&self) -> Result<OwnedFd, Error> {
        self.monitored.take_console()
    }

    /// Sends a signal to the injected process. With a deadline SIGKILL ends everything that it started too.
    pub fn kill(&self, signal: i32) -> Result<(), Error> {
        self.monitored.kill(signal)
    }

    /// As of a container.
    pub fn end_news(&self) -> Result<OwnedFd, Error> {
        self.monitored.end_news()
    }

    /// Kills it, as SIGKILL does, and waits for that; the result says `reason`.
    pub fn end(&self, reason: EndedBy) -> Result<Outcome, Error> {
        self.monitored.end(reason)
    }

    /// Waits for its end.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Option<Outcome>, Error> {
        self.monitored.wait(timeout)
    }
}
