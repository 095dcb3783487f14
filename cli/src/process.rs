// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of contain that say what the command's process has: environment, user, capabilities, filter,
//! descriptors. What cannot be is a usage error that names the option, the value and what is allowed.

use crate::inject::environment;
use crate::options::{Given, number, seconds, utf8};
use contain::{Config, Profile, User, capability};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// Puts them into a configuration that has everything else.
pub(crate) fn configure(given: &Given, config: &mut Config) -> Result<(), String> {
    config.env = variables(given)?;
    config.chdir = given.value("chdir").map(Into::into);
    config.no_new_privs = given.has("no-new-privs");
    if let Some(user) = utf8(given.value("user"))? {
        config.user = Some(User::parse(&user).map_err(|error| of("--user", &error))?);
    }
    if let Some(name) = utf8(given.value("seccomp"))? {
        config.seccomp = profile(&name)?;
    }
    if let Some(count) = given.value("preserve-fds") {
        config.preserve_fds = number("--preserve-fds", count, 1024)?;
    }
    config.timeout = given.value("timeout").map(|time| seconds("--timeout", time)).transpose()?;
    let names = |option| given.values(option).map(|name| name.to_string_lossy()).collect::<Vec<_>>();
    let (add, drop) = (names("cap-add"), names("cap-drop"));
    if !add.is_empty() || !drop.is_empty() {
        let base = config.kept_capabilities().unwrap_or(capability::ALL);
        let set = capability::changed(base, &add, &drop).map_err(|error| of("--cap-add, --cap-drop", &error))?;
        config.capabilities = Some(set);
    }
    Ok(())
}

/// The caller's environment where it is kept, what marks a container, and what was given, in this order.
fn variables(given: &Given) -> Result<Vec<OsString>, String> {
    let mut all =
        if given.last_of(&["keep-env", "clean-env"]) == Some("keep-env") { environment() } else { Vec::new() };
    all.push("container=contain".into());
    for variable in given.values("env") {
        if !matches!(variable.as_bytes().iter().position(|byte| *byte == b'='), Some(1..)) {
            return Err(format!("--env {variable:?}: a variable has the form NAME=VALUE"));
        }
        all.push(variable.clone());
    }
    Ok(all)
}

fn profile(name: &str) -> Result<Profile, String> {
    match name {
        "system" => Ok(Profile::System),
        "app" => Ok(Profile::App),
        "none" => Ok(Profile::None),
        _ => Err(format!("--seccomp {name:?}: the profiles are system, app and none")),
    }
}

/// An error of the library's about an option's value.
fn of(option: &str, error: &contain::Error) -> String {
    let remedy = error.remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default();
    format!("{option}: {error}{remedy}")
}
