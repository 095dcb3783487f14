// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options that say what a command's process has, the container's own or an injected one: environment, user,
//! capabilities, filter, limits, descriptors. What cannot be is a usage error that names the option, the value and what is
//! allowed.

use crate::inject::environment;
use crate::options::{Given, Option_, number, seconds, utf8};
use contain::seccomp::Own;
use contain::{Config, Id, Injection, Profile, Rlimit, User, capability};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// Of contain and inject.
pub(crate) const RLIMIT: Option_ = Option_ {
    short: None,
    long: Some("rlimit"),
    value: Some("NAME=SOFT[:HARD]"),
    help: "a resource limit of CMD, as nofile=64 or cpu=1:2; unlimited for none",
};

/// Puts them into a configuration that has everything else.
pub(crate) fn configure(given: &Given, config: &mut Config) -> Result<(), String> {
    config.env = variables(given, "clean-env")?;
    config.chdir = given.value("chdir").map(Into::into);
    config.no_new_privs = given.has("no-new-privs");
    config.user = user(given)?;
    if let Some(name) = given.value("seccomp") {
        config.seccomp = profile(name)?;
    }
    if let Some(count) = given.value("preserve-fds") {
        config.preserve_fds = number("--preserve-fds", count, 1024)?;
    }
    config.timeout = given.value("timeout").map(|time| seconds("--timeout", time)).transpose()?;
    if let Some(set) = capabilities(given, config.kept_capabilities().unwrap_or(capability::ALL))? {
        config.capabilities = Some(set);
    }
    config.rlimits = rlimits(given)?;
    Ok(())
}

/// A command to be injected.
pub(crate) fn injection(given: &Given, argv: Vec<OsString>) -> Result<Injection, String> {
    Ok(Injection {
        env: variables(given, "keep-env")?,
        chdir: given.value("chdir").map(Into::into),
        no_new_privs: given.has("no-new-privs"),
        user: user(given)?,
        groups: groups(given)?,
        timeout: given.value("timeout").map(|time| seconds("--timeout", time)).transpose()?,
        capabilities: capabilities(given, capability::ALL)?,
        rlimits: rlimits(given)?,
        ..Injection::new(argv)
    })
}

fn user(given: &Given) -> Result<Option<User>, String> {
    let user = utf8(given.value("user"))?;
    user.map(|user| User::parse(&user).map_err(|error| of("--user", &error))).transpose()
}

fn groups(given: &Given) -> Result<Option<Vec<Id>>, String> {
    let parse = |name: &str| Id::parse(name).map_err(|error| of("--groups", &error));
    let Some(names) = utf8(given.value("groups"))? else { return Ok(None) };
    let names = names.split(',').filter(|_| !names.is_empty());
    names.map(parse).collect::<Result<_, _>>().map(Some)
}

/// `base` as it was asked to be changed; nothing where it was not.
fn capabilities(given: &Given, base: u64) -> Result<Option<u64>, String> {
    let names = |option| given.values(option).map(|name| name.to_string_lossy()).collect::<Vec<_>>();
    let (add, drop) = (names("cap-add"), names("cap-drop"));
    if add.is_empty() && drop.is_empty() {
        return Ok(None);
    }
    capability::changed(base, &add, &drop).map(Some).map_err(|error| of("--cap-add, --cap-drop", &error))
}

/// The last of each name counts.
fn rlimits(given: &Given) -> Result<Vec<Rlimit>, String> {
    let mut limits: Vec<Rlimit> = Vec::new();
    for text in given.values("rlimit") {
        let limit = Rlimit::parse(&text.to_string_lossy()).map_err(|error| of("--rlimit", &error))?;
        limits.retain(|earlier| earlier.resource != limit.resource);
        limits.push(limit);
    }
    Ok(limits)
}

/// The caller's environment where it is kept; what marks a container, but where the environment is another command's that
/// keeps its own; and what was given, in this order.
fn variables(given: &Given, usual: &str) -> Result<Vec<OsString>, String> {
    let keeps = given.last_of(&["keep-env", "clean-env"]).unwrap_or(usual) == "keep-env";
    let mut all = if keeps { environment() } else { Vec::new() };
    if !(keeps && usual == "keep-env") {
        all.push("container=contain".into());
    }
    for variable in given.values("env") {
        if !matches!(variable.as_bytes().iter().position(|byte| *byte == b'='), Some(1..)) {
            return Err(format!("--env {variable:?}: a variable has the form NAME=VALUE"));
        }
        all.push(variable.clone());
    }
    Ok(all)
}

/// The longest document of a filter that is read.
const LONGEST: u64 = 1 << 20;

/// A named profile, or a filter from a file.
fn profile(name: &OsStr) -> Result<Profile, String> {
    match name.to_str() {
        Some("system") => return Ok(Profile::System),
        Some("app") => return Ok(Profile::App),
        Some("none") => return Ok(Profile::None),
        _ => {}
    }
    let mut document = Vec::new();
    File::open(name).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut document)).map_err(|error| {
        format!("--seccomp {name:?}: {error}; the profiles are system, app and none, all else is a file's name")
    })?;
    if document.len() as u64 > LONGEST {
        return Err(format!("--seccomp {name:?}: the file has more than {LONGEST} bytes"));
    }
    Own::from_oci(&document).map(Profile::Own).map_err(|error| of(&format!("--seccomp {name:?}"), &error))
}

/// An error of the library's about an option's value.
fn of(option: &str, error: &contain::Error) -> String {
    let remedy = error.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("{option}: {error}{remedy}")
}
