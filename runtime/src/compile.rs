// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a configuration to a plan: everything that needs thought is thought here, before anything is done.
//! The order of the steps, and why it is so: docs/plan.md.

pub(crate) mod console;
mod facts;
mod files;
mod filter;
mod inject;
mod mounts;
mod network;
mod rights;
mod sources;
mod submounts;
#[cfg(test)]
mod tests;
mod transfer;

pub(crate) use inject::{Inject, inject, pseudo, userns};
pub(crate) use transfer::{Direction, Transfer, transfer};

use crate::config::{Config, Console, Network, Rlimit, Root};
use crate::error::{Error, Kind};
use crate::idmap::{IdMaps, Setgroups, Via};
use crate::plan::{Draft, Texts, text, texts};
use crate::user::Resolved;
use contain_plan::{List, MAX_STRINGS, Step};
use contain_sys::mount::attribute::{NODEV, NOEXEC, NOSUID};
use contain_sys::process::namespace;
use facts::Facts;
use rights::Rights;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

/// How the plan is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// In place of the program that a person started.
    InPlace,
    /// For a library caller, straight to the command's exec.
    Run,
    /// For a library caller, waiting before the command's exec.
    Create,
}

/// The devices of the host that every container has.
const DEVICES: [&str; 6] = ["full", "null", "random", "tty", "urandom", "zero"];
/// Links in /dev that programs expect.
const LINKS: [(&str, &str); 5] = [
    ("pts/ptmx", "dev/ptmx"),
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
];
/// Where a command is looked up when its environment names no PATH.
pub(crate) const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The plan of a container, on this machine and for this process.
pub(crate) fn container(config: &Config, way: Way) -> Result<Draft, Error> {
    check(config, way)?;
    container_with(config, &Facts::collect(config)?, way)
}

/// The plan of a container, from a checked configuration and the facts alone.
fn container_with(config: &Config, facts: &Facts, way: Way) -> Result<Draft, Error> {
    let maps = &facts.maps;
    if !maps.become_root {
        return Err(Error::new(Kind::IdMap, "idmap", "map ids", maps.summary())
            .cause("the container's processes start as user 0 and group 0, and the maps have none")
            .remedy("map container id 0 too, for example with -u 0:LOWER:1"));
    }
    let of_user = facts.user.iter().flat_map(|user| user.notes.iter());
    let mut draft = Draft::with_notes(maps.notes.iter().chain(of_user).cloned().collect(), maps.remarks.clone());
    let private = config.network != Network::Host;
    outside(config, facts, &mut draft)?;
    deadline(config.timeout, &mut draft)?;
    let clear_groups = !maps.setgroups_denied;
    mounts::hold_sources(facts, &mut draft)?;
    draft.init(Step::BecomeIds { uid: 0, gid: 0, clear_groups });
    root(config, facts, &mut draft)?;
    mounts::protect_submounts(config, &mut draft);
    devices(config, maps, &mut draft)?;
    if let Some(command) = &config.inside {
        let environment = texts("environment", &facts.environment)?;
        draft.monitor(Step::RunInside { command: &text("-i", command)?, environment: environment.list() });
    }
    kernel_filesystems(private, &mut draft);
    network::inside(&config.network, &mut draft)?;
    if let Some(name) = &config.hostname {
        draft.init(Step::SetHostname { name: &text("hostname", name)? });
    }
    mounts::mounts(config, facts, &mut draft)?;
    draft.init(Step::Pivot {});
    console::give(config.console, &mut draft);
    if way == Way::Create {
        draft.monitor(Step::AwaitStart {});
    }
    command(config, facts, way, &mut draft)?;
    let console = config.console == Console::Emulated;
    // A reaper cannot lose its parent-death signal, and ends with the monitor: what is left to guard is the terminal.
    draft.monitor(Step::Watch { console, guard: console || !config.init });
    if console {
        draft.finally(Step::RestoreTerminal {});
    }
    if way != Way::InPlace {
        draft.finally(Step::Report {});
    }
    Ok(draft)
}

/// What can be refused without asking the machine.
fn check(config: &Config, way: Way) -> Result<(), Error> {
    let strings = config.argv.len() + config.env.len();
    if config.argv.is_empty() {
        return Err(Error::invalid("argv", "", "there is no command; name a program"));
    }
    if strings > MAX_STRINGS {
        return Err(Error::new(Kind::TooBig, "config", "argv and env", strings.to_string())
            .errno(libc::E2BIG)
            .cause(format!("together they can have {MAX_STRINGS} entries")));
    }
    if let Some(variable) = config.env.iter().find(|variable| !is_assignment(variable)) {
        return Err(Error::invalid("env", format!("{variable:?}"), "a variable has the form NAME=VALUE"));
    }
    if let Some(name) = &config.hostname
        && !(1..=64).contains(&name.len())
    {
        return Err(Error::invalid("hostname", format!("{name:?}"), "a host name has 1 to 64 bytes"));
    }
    console::check(config.console, &config.stdio, way)?;
    check_rlimits(&config.rlimits)?;
    check_chdir(config.chdir.as_deref())?;
    if config.preserve_fds > 1024 {
        return Err(Error::invalid("preserve_fds", config.preserve_fds.to_string(), "at most 1024"));
    }
    network::check(&config.network)?;
    check_passed(&config.pass_fds)?;
    files::check(&config.files)?;
    mounts::check(config)
}

fn check_rlimits(limits: &[Rlimit]) -> Result<(), Error> {
    match limits.iter().find(|limit| limit.soft > limit.hard || limit.resource > 15) {
        Some(limit) => {
            let allowed = "the soft limit is at most the hard one, resource 0 to 15";
            Err(Error::invalid("rlimits", format!("{limit:?}"), allowed))
        }
        None => Ok(()),
    }
}

fn check_chdir(path: Option<&Path>) -> Result<(), Error> {
    match path {
        Some(path) if path.as_os_str().is_empty() => {
            Err(Error::invalid("chdir", "\"\"", "name a directory inside, or leave it out for /"))
        }
        _ => Ok(()),
    }
}

/// Descriptors that keep their numbers.
pub(crate) fn check_passed(descriptors: &[i32]) -> Result<(), Error> {
    match descriptors.iter().find(|number| !(3..=1026).contains(*number)) {
        Some(number) => Err(Error::invalid("pass_fds", number.to_string(), "a descriptor's number from 3 to 1026")),
        None => Ok(()),
    }
}

fn is_assignment(variable: &OsStr) -> bool {
    variable.as_bytes().iter().position(|byte| *byte == b'=').is_some_and(|at| at > 0)
}

/// Clone, maps, the outside helper, and the monitor's move into the namespaces.
fn outside(config: &Config, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    let network = if config.network == Network::Host { 0 } else { namespace::NETWORK };
    let optional = facts.optional_namespaces;
    let inherited = namespace::USER | namespace::IPC | namespace::UTS | (optional & namespace::CGROUP) | network;
    draft.monitor(Step::Clone { namespaces: inherited | namespace::MOUNT | namespace::PID | optional });
    map_ids(&facts.maps, draft)?;
    network::outside(&config.network, draft)?;
    match &config.outside {
        Some(command) => {
            let command = text("-o", command)?;
            let environment = texts("environment", &facts.environment)?;
            // ORDER: the helper is made before the monitor joins, so that it is on the host, and runs after, so that
            // its parent is in the container's network namespace.
            draft.monitor(Step::PrepareOutside { command: &command, environment: environment.list() });
            draft.monitor(Step::Join { namespaces: inherited });
            draft.monitor(Step::RunOutside { command: &command });
        }
        None => draft.monitor(Step::Join { namespaces: inherited }),
    }
    Ok(())
}

/// The id maps of the process that was cloned.
fn map_ids(maps: &IdMaps, draft: &mut Draft) -> Result<(), Error> {
    match &maps.via {
        Via::Direct => draft.monitor(Step::MapIds {
            deny_setgroups: maps.setgroups == Setgroups::Deny,
            uid_map: maps.uid_text.as_bytes(),
            gid_map: maps.gid_text.as_bytes(),
        }),
        Via::Idmap { program } => {
            draft.monitor(Step::MapIdsByHelper { helper: &text("contain-idmap", program)?, request: &maps.request()? });
        }
        Via::Newidmap { newuidmap, newgidmap } => {
            let words = |map: &str| -> Texts {
                let words: Vec<CString> = map.split_whitespace().filter_map(|word| CString::new(word).ok()).collect();
                Texts::new(&words)
            };
            let (users, groups) = (words(&maps.uid_text), words(&maps.gid_text));
            draft.monitor(Step::MapIdsThrough {
                uid_helper: &text("newuidmap", newuidmap)?,
                uid_arguments: users.list(),
                gid_helper: &text("newgidmap", newgidmap)?,
                gid_arguments: groups.list(),
            });
        }
    }
    Ok(())
}

/// The root: a directory, or the host's own system.
fn root(config: &Config, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    match &config.root {
        Root::Directory(path) => mounts::directory_root(config, path, facts, draft)?,
        Root::Host => host_root(config, facts, draft)?,
    }
    Ok(())
}

/// A tmpfs with the host's programs, libraries and settings, read-only.
fn host_root(config: &Config, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    draft.init(Step::TmpfsRoot { place: &text("root", &facts.root_place)? });
    for entry in &facts.host_root {
        let target = text("root", &entry.name)?;
        match &entry.link {
            Some(link) => draft.init(Step::MakeLink { target: &text("root", link)?, path: &target }),
            None => mounts::host_directory(config, &Path::new("/").join(&entry.name), &target, facts, draft)?,
        }
    }
    for (path, mode) in
        [(c"tmp", 0o1777), (c"root", 0o700), (c"home", 0o755), (c"run", 0o755), (c"mnt", 0o755), (c"var", 0o755)]
    {
        draft.init(Step::MakeDirectory { path, mode });
    }
    draft.init(Step::MakeDirectory { path: c"var/tmp", mode: 0o1777 });
    Ok(())
}

/// /dev with its devices, its terminals and its links.
fn devices(config: &Config, maps: &IdMaps, draft: &mut Draft) -> Result<(), Error> {
    let options = texts("dev", &["mode=0755"])?;
    draft.init(mount(c"tmpfs", c"dev", options.list(), NOSUID));
    let names = texts("devices", &DEVICES)?;
    draft.init(Step::BindDevices { names: names.list() });
    let mut options = vec!["mode=0620", "ptmxmode=0666"];
    if maps.maps_group(5) {
        options.push("gid=5");
    }
    let options = texts("devpts", &options)?;
    draft.init(mount(c"devpts", c"dev/pts", options.list(), NOSUID | NOEXEC));
    for (target, path) in LINKS {
        draft.init(Step::MakeLink { target: &text("dev", target)?, path: &text("dev", path)? });
    }
    draft.init(Step::MakeDirectory { path: c"dev/shm", mode: 0o1777 });
    console::open(config.console, draft);
    Ok(())
}

fn mount<'a>(
    filesystem: &'a std::ffi::CStr,
    target: &'a std::ffi::CStr,
    options: List<'a>,
    attributes: u64,
) -> Step<'a> {
    Step::Mount { filesystem, target, options, attributes, make: true }
}

/// /proc, and with a network of its own /sys and the container's own cgroup tree where the kernel allows it.
fn kernel_filesystems(private_network: bool, draft: &mut Draft) {
    let safe = NOSUID | NODEV | NOEXEC;
    draft.init(mount(c"proc", c"proc", List::EMPTY, safe));
    if private_network {
        draft.init(mount(c"sysfs", c"sys", List::EMPTY, safe));
        let options = List::EMPTY;
        draft.init_optional(Step::Mount {
            filesystem: c"cgroup2",
            target: c"sys/fs/cgroup",
            options,
            attributes: safe,
            make: false,
        });
    }
}

/// The longest deadline: more than 31 years.
const LONGEST: Duration = Duration::from_secs(1_000_000_000);

/// How long the command may run.
fn deadline(timeout: Option<Duration>, draft: &mut Draft) -> Result<(), Error> {
    let Some(timeout) = timeout else { return Ok(()) };
    if timeout.is_zero() || timeout > LONGEST {
        let allowed = format!("a deadline is more than 0 and at most {} seconds", LONGEST.as_secs());
        return Err(Error::invalid("timeout", format!("{} s", timeout.as_secs_f64()), allowed));
    }
    let microseconds = timeout.as_nanos().div_ceil(1000);
    draft.monitor(Step::SetDeadline { microseconds: u64::try_from(microseconds).unwrap_or(u64::MAX) });
    Ok(())
}

/// From the root to the command's exec.
fn command(config: &Config, facts: &Facts, way: Way, draft: &mut Draft) -> Result<(), Error> {
    if config.init {
        draft.init(Step::Reap {});
    }
    console::session(config.console, &config.stdio, draft);
    if way != Way::InPlace {
        draft.init(Step::ResetSignals {});
    }
    let rights = Rights {
        rlimits: &config.rlimits,
        capabilities: config.kept_capabilities(),
        user: facts.user.as_ref(),
        chdir: config.chdir.as_deref(),
        no_new_privs: config.no_new_privs,
        seccomp: &config.seccomp,
        console: config.console,
        stdio: &config.stdio,
        keep: config.kept_descriptors(),
    };
    rights.steps(draft)?;
    let search = if config.search_path { path_of(&config.env) } else { OsString::new() };
    let home = home(&config.env, facts.user.as_ref());
    let environment: Vec<&OsString> = config.env.iter().chain(&home).collect();
    let (arguments, environment) = (texts("argv", &config.argv)?, texts("env", &last_of_each(&environment))?);
    draft.init(Step::Execute {
        search: &text("PATH", search)?,
        arguments: arguments.list(),
        environment: environment.list(),
        keep: config.kept_descriptors(),
    });
    Ok(())
}

/// HOME of the user, where one is given and the environment names none.
fn home(env: &[OsString], user: Option<&Resolved>) -> Option<OsString> {
    let user = user?;
    let named = env.iter().any(|variable| variable.as_bytes().starts_with(b"HOME="));
    (!named).then(|| format!("HOME={}", user.home).into())
}

/// The value of PATH in an environment, else the usual one.
fn path_of(environment: &[OsString]) -> OsString {
    let value = environment.iter().rev().find_map(|variable| variable.as_bytes().strip_prefix(b"PATH="));
    value.filter(|path| !path.is_empty()).map_or(DEFAULT_PATH.into(), |path| OsString::from_vec(path.to_vec()))
}

/// Each name once, with its last value.
fn last_of_each<'a>(environment: &[&'a OsString]) -> Vec<&'a OsString> {
    let name = |variable: &OsString| variable.as_bytes().split(|byte| *byte == b'=').next().map(<[u8]>::to_vec);
    let mut seen = std::collections::BTreeSet::new();
    let mut kept: Vec<_> = environment.iter().rev().copied().filter(|variable| seen.insert(name(variable))).collect();
    kept.reverse();
    kept
}
