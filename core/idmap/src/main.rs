// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain-idmap writes the id maps of one new user namespace, for a user to whom ids are delegated in /etc/subuid and
//! /etc/subgid. It is the only program of contain's that may be installed with privilege: with the file capabilities
//! cap_setuid,cap_setgid+ep, or setuid root.
//!
//! It takes no option and reads no environment. Descriptor 3 is a SOCK_SEQPACKET socket: one request
//! (`contain_policy::Request`), with the target's /proc/PID directory; one answer (`contain_policy::Answer`), and it
//! ends. It has no lock, no state, no memory but its own, opens no path that the caller names, and writes three files,
//! all of them below that directory.
//!
//! The rules, each with the case behind it, are the first table of docs/idmap.md; the order below is theirs.
#![no_std]
#![no_main]
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod delegation;
mod filter;
mod install;
mod log;
mod prepare;
mod privilege;
mod procfs;
mod target;

use contain_policy::{Answer, MAX_REQUEST, Mapper, Request, RequestError, Setgroups, check_within, setgroups};
use contain_sys::program::Arguments;
use contain_sys::{Fd, socket};
use delegation::Delegations;
use log::Entry;
use procfs::Procfs;
use target::Target;

contain_sys::program!(run);

/// The maps are written and the caller has been told.
const DONE: i32 = 0;
/// It was refused, or failed.
const REFUSED: i32 = 1;
/// It was not started as it has to be: there is nobody to answer.
const MISUSED: i32 = 125;

fn run(arguments: Arguments) -> i32 {
    // CVE-2021-4034, CVE-2023-6246. A kernel from 5.18 on puts an empty argument where there is none.
    if arguments.count() != 1 || arguments.get(0).is_none_or(|name| name.is_empty()) {
        return MISUSED;
    }
    // CVE-2015-3202, CVE-2014-9680.
    arguments.clear_environment();
    let Ok(socket) = prepare::process() else { return MISUSED };
    let answer = serve(socket).err().unwrap_or(Answer::Done);
    let told = socket::send(socket, &answer.encode(), Fd::NONE, socket::Wait::No);
    if answer == Answer::Done && told.is_ok() { DONE } else { REFUSED }
}

/// From privilege to the last write. Whatever goes wrong ends it, and is the answer.
fn serve(socket: Fd) -> core::result::Result<(), Answer> {
    let mut entry = Entry::default();
    let decided = decide(socket, &mut entry);
    // Before anything is written: the caller may kill this process at any time, and must not hide what it was given.
    log::send(&entry, decided.as_ref().err().copied());
    let Grant { request, setgroups, target } = decided?;
    target.write(&request, setgroups).map_err(|_| Answer::Kernel)
}

/// What was allowed, and to whom.
struct Grant {
    request: Request,
    setgroups: Setgroups,
    target: Target,
}

/// Every check, with nothing written yet.
fn decide(socket: Fd, entry: &mut Entry) -> core::result::Result<Grant, Answer> {
    let caller = privilege::become_caller().map_err(failed)?;
    entry.caller = Some(caller);
    let privilege = privilege::reduce().map_err(failed)?;
    filter::load().map_err(failed)?;
    let procfs = Procfs::open().map_err(failed)?;

    // The request is taken off the socket in any case, so that the caller can read the answer.
    let mut buffer = [0; MAX_REQUEST];
    let received = receive(socket, &mut buffer);
    install::check(&procfs, privilege)?;
    privilege::check_caller(&procfs, caller)?;
    let (message, directory) = received?;
    let request = Request::decode(message).map_err(|error| match error {
        RequestError::Users(_) | RequestError::Groups(_) => Answer::BadMap,
        _ => Answer::Malformed,
    })?;
    entry.request = Some(request);

    let Delegations { users, groups, name } = delegation::of(caller, entry)?;
    entry.name = name;
    check_within(&request.users, caller.uid, &users).map_err(|_| Answer::Ids)?;
    check_within(&request.groups, caller.gid, &groups).map_err(|_| Answer::Ids)?;
    let target = Target::open(directory, &procfs, caller).map_err(|_| Answer::Target)?;

    // CVE-2014-8989, CVE-2018-7169: ids from /etc/subgid, and not only the caller's own.
    let mapper = match (request.groups.is_only(caller.gid), request.setgroups) {
        (true, _) => Mapper::OwnOnly,
        (false, true) => Mapper::DelegatedAndAsked,
        (false, false) => Mapper::Delegated,
    };
    // What the parent namespace denies is denied in the target, whatever is written.
    let setgroups = setgroups(mapper, false);
    entry.setgroups = Some(setgroups);
    Ok(Grant { request, setgroups, target })
}

/// The request's bytes and the target's directory, exactly one descriptor.
fn receive(socket: Fd, buffer: &mut [u8; MAX_REQUEST]) -> core::result::Result<(&[u8], Fd), Answer> {
    let (length, directory) = socket::receive_whole(socket, buffer).map_err(|_| Answer::Malformed)?;
    match buffer.get(..length) {
        Some(message) if directory.is_some() => Ok((message, directory)),
        _ => Err(Answer::Malformed),
    }
}

fn failed(_: contain_sys::Errno) -> Answer {
    Answer::System
}
