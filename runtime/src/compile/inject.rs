// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plans of commands without a container of their own: injected into one, or in a user namespace alone.

use super::rights::Rights;
use super::{Way, check_chdir, check_rlimits, console, deadline, home, is_assignment, last_of_each, map_ids, path_of};
use crate::cgroup::{self, Place};
use crate::config::{Console, Profile, Rlimit, Stdio, reach_of};
use crate::container::Injection;
use crate::error::Error;
use crate::idmap::{self, IdMaps};
use crate::join;
use crate::plan::{Draft, Notes, text, texts};
use crate::user::{Resolved, resolve_joined};
use contain_plan::Step;
use contain_sys::process::namespace;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// What an injected command's plan is made of.
pub(crate) struct Inject<'a> {
    pub argv: &'a [OsString],
    pub env: &'a [OsString],
    pub profile: &'a Profile,
    /// CLONE_NEW* bits of the namespaces that are the container's own.
    pub namespaces: u64,
    /// PID 1's process id, for people.
    pub pid: i32,
    /// Descriptors from 3 on that the command keeps; u32::MAX for all.
    pub keep: u32,
    /// Whether the caller can give up its supplementary groups.
    pub leave_groups: bool,
    /// Whether supplementary groups can be cleared inside.
    pub clear_groups: bool,
    /// Its terminal, one of the container's own.
    pub console: Console,
    /// Its standard descriptors, some of which may be that terminal.
    pub stdio: [Stdio; 3],
    /// The cgroups that it enters.
    pub cgroups: Vec<Place>,
    /// Why it does not enter others.
    pub note: Option<String>,
    /// How long it may run; then it is killed with everything that it started.
    pub timeout: Option<Duration>,
    /// Who it runs as; user 0 when none.
    pub user: Option<Resolved>,
    /// Its working directory; `/` when none.
    pub chdir: Option<&'a Path>,
    /// The capabilities that it keeps; all when none.
    pub capabilities: Option<u64>,
    pub no_new_privs: bool,
    pub rlimits: &'a [Rlimit],
}

impl<'a> Inject<'a> {
    /// One into the container whose PID 1 is `pid`, as that is now.
    pub fn new(injection: &'a Injection, pid: i32, profile: &'a Profile) -> Result<Inject<'a>, Error> {
        let (cgroups, note) = cgroup::to_enter(pid)?;
        Ok(Inject {
            argv: &injection.argv,
            env: &injection.env,
            profile,
            namespaces: join::differing(pid)?,
            pid,
            keep: reach_of(&injection.pass_fds),
            leave_groups: join::can_leave_groups()?,
            clear_groups: !join::denies_setgroups(pid),
            console: injection.console.map_or(Console::None, Console::Taken),
            stdio: injection.stdio,
            cgroups,
            note,
            timeout: injection.timeout,
            user: resolve_joined(injection.user.as_ref(), injection.groups.as_deref(), pid)?,
            chdir: injection.chdir.as_deref(),
            capabilities: injection.capabilities,
            no_new_privs: injection.no_new_privs,
            rlimits: &injection.rlimits,
        })
    }
}

/// The plan of an injected command.
pub(crate) fn inject(request: &Inject<'_>, way: Way) -> Result<Draft, Error> {
    if request.argv.is_empty() {
        return Err(Error::invalid("argv", "", "there is no command; name a program"));
    }
    check_rlimits(request.rlimits)?;
    check_chdir(request.chdir)?;
    console::check(request.console, &request.stdio, way)?;
    let of_user = request.user.iter().flat_map(|user| user.notes.iter());
    let mut draft = Draft::with_notes(request.note.iter().chain(of_user).cloned().collect(), Notes::new());
    draft.monitor(Step::JoinTarget {
        leave_groups: request.leave_groups,
        namespaces: request.namespaces,
        pid: request.pid,
    });
    for place in &request.cgroups {
        draft.monitor(Step::EnterCgroup { mount: &text("cgroup", &place.mount)?, file: &text("cgroup", &place.file)? });
    }
    deadline(request.timeout, &mut draft)?;
    draft.init(Step::BecomeIds { uid: 0, gid: 0, clear_groups: request.clear_groups });
    // ORDER: before the reaper, whose child the command is: the other end goes to the monitor from here.
    console::open_inside(request.console, &mut draft);
    if request.timeout.is_some() {
        // What is orphaned below the command stays below this process, and is found there at the deadline.
        draft.init(Step::Reap {});
    }
    console::session(request.console, &request.stdio, &mut draft);
    draft.init(Step::ChangeDirectory { path: c"/" });
    if way != Way::InPlace {
        draft.init(Step::ResetSignals {});
    }
    let rights = Rights {
        rlimits: request.rlimits,
        capabilities: request.capabilities,
        user: request.user.as_ref(),
        chdir: request.chdir,
        no_new_privs: request.no_new_privs,
        seccomp: request.profile,
        console: request.console,
        stdio: &request.stdio,
        keep: request.keep,
    };
    rights.steps(&mut draft)?;
    let home = home(request.env, request.user.as_ref());
    let environment: Vec<&OsString> = request.env.iter().chain(&home).collect();
    let (arguments, environment) = (texts("argv", request.argv)?, texts("env", &last_of_each(&environment))?);
    draft.init(Step::Execute {
        search: &text("PATH", path_of(request.env))?,
        arguments: arguments.list(),
        environment: environment.list(),
        keep: request.keep,
    });
    draft.monitor(Step::Watch { console: request.console == Console::Emulated, guard: false });
    if request.console == Console::Emulated {
        draft.finally(Step::RestoreTerminal {});
    }
    if way != Way::InPlace {
        draft.finally(Step::Report {});
    }
    Ok(draft)
}

/// The plan of a command in a user namespace alone.
pub(crate) fn pseudo(
    uid_map: Option<&str>,
    gid_map: Option<&str>,
    argv: &[OsString],
    env: &[OsString],
) -> Result<Draft, Error> {
    pseudo_with(&idmap::resolve(uid_map, gid_map)?, argv, env)
}

/// The same from maps that are decided.
pub(super) fn pseudo_with(maps: &IdMaps, argv: &[OsString], env: &[OsString]) -> Result<Draft, Error> {
    let mut draft = Draft::with_notes(maps.notes.clone(), maps.remarks.clone());
    draft.monitor(Step::Clone { namespaces: namespace::USER });
    map_ids(maps, &mut draft)?;
    draft.monitor(Step::Join { namespaces: namespace::USER });
    draft.monitor(Step::Dismiss {});
    if maps.become_root {
        draft.monitor(Step::BecomeIds { uid: 0, gid: 0, clear_groups: !maps.setgroups_denied });
    }
    let (arguments, environment) = (texts("argv", argv)?, texts("env", env)?);
    draft.monitor(Step::Execute {
        search: &text("PATH", path_of(env))?,
        arguments: arguments.list(),
        environment: environment.list(),
        keep: u32::MAX,
    });
    Ok(draft)
}

/// The plan of a command in a user namespace alone, beside a library caller.
pub(crate) fn userns(
    uid_map: Option<&str>,
    gid_map: Option<&str>,
    argv: &[OsString],
    env: &[OsString],
) -> Result<Draft, Error> {
    if argv.is_empty() {
        return Err(Error::invalid("argv", "", "there is no command; name a program"));
    }
    if let Some(variable) = env.iter().find(|variable| !is_assignment(variable)) {
        return Err(Error::invalid("env", format!("{variable:?}"), "a variable has the form NAME=VALUE"));
    }
    userns_with(&idmap::resolve(uid_map, gid_map)?, argv, env)
}

/// The same from maps that are decided.
pub(super) fn userns_with(maps: &IdMaps, argv: &[OsString], env: &[OsString]) -> Result<Draft, Error> {
    let mut draft = Draft::with_notes(maps.notes.clone(), maps.remarks.clone());
    draft.monitor(Step::Clone { namespaces: namespace::USER });
    map_ids(maps, &mut draft)?;
    draft.monitor(Step::Join { namespaces: namespace::USER });
    if maps.become_root {
        draft.init(Step::BecomeIds { uid: 0, gid: 0, clear_groups: !maps.setgroups_denied });
    }
    draft.init(Step::ResetSignals {});
    let (arguments, environment) = (texts("argv", argv)?, texts("env", env)?);
    draft.init(Step::Execute {
        search: &text("PATH", path_of(env))?,
        arguments: arguments.list(),
        environment: environment.list(),
        keep: 0,
    });
    draft.monitor(Step::Watch { console: false, guard: false });
    draft.finally(Step::Report {});
    Ok(draft)
}
