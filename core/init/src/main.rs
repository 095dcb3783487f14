// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain-init executes one plan. It starts as the monitor outside, makes the container's first process, and both
//! walk the same list of steps; then the monitor watches until the end. It is never privileged beyond its caller,
//! formats no text, allocates nothing and reads no environment.
//!
//! `contain-init --plan=FD …`: FD is the plan, a sealed memfd; what follows is for people who look at ps(1).
#![no_std]
#![no_main]
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod attributes;
mod bind;
mod cgroup;
mod console;
mod context;
mod execute;
mod files;
mod filter;
mod guard;
mod helper;
mod id_map;
mod identity;
mod mounts;
mod namespaces;
mod network;
mod overlay;
mod reaper;
mod relay;
mod report;
mod root;
mod targets;
mod tree;
mod walk;
mod watch;

use contain_plan::Plan;
use contain_sys::memory::{self, Mapping, seal};
use contain_sys::program::Arguments;
use contain_sys::signal::{self, Poll, poll, poll_event};
use contain_sys::{Fd, file};
use walk::Walked;

contain_sys::program!(run);

/// Exit status of a failure that is contain's own.
pub const OWN_FAILURE: i32 = 125;

fn run(arguments: Arguments) -> i32 {
    let Some(plan_fd) = plan_descriptor(&arguments) else { return OWN_FAILURE };
    if fill_standard().is_err() {
        return report::last_words();
    }
    // ORDER: from here on signals wait until the monitor watches and can pass them on; while it waits for somebody
    // else's program before that, they end it as they would any other (walk.rs).
    let ready = signal::set_mask(signal::ALL).and_then(|_| map(plan_fd));
    let Ok(mapping) = ready else { return report::last_words() };
    // What ps(1) shows: the program that was started, not the memfd that this one was executed from.
    if let Some(name) = arguments.get(0)
        && contain_sys::identity::set_name(name).is_err()
    {
        return report::last_words();
    }
    let walked = match Plan::read(mapping.bytes()) {
        Ok(plan) => walk::start(arguments.program(), plan, plan_fd),
        // A plan that cannot be read names nobody to tell: only the status does.
        Err(_) => return OWN_FAILURE,
    };
    match walked {
        Walked::Over(status) => status,
        // The plan holds arguments and environment, which can be secret: with these the last copies in contain's own
        // processes are gone. Its descriptor was closed with all the others.
        Walked::Watching(watch) => mapping.unmap().map_or(OWN_FAILURE, |()| watch.until_end()),
        Walked::Reaping(reaper) => mapping.unmap().map_or(OWN_FAILURE, |()| reaper.reap()),
    }
}

/// Standard descriptors that the caller has closed are taken until the next exec, so that nothing else gets their
/// numbers.
fn fill_standard() -> contain_sys::Result<()> {
    let mut standard = [0, 1, 2].map(|fd| Poll { fd, events: 0, answered: 0 });
    poll(&mut standard, 0)?;
    for _ in standard.iter().filter(|one| one.answered & poll_event::CLOSED != 0) {
        // The lowest free number: this one.
        file::open(Fd::CWD, c"/dev/null", file::flags::O_RDWR)?;
    }
    Ok(())
}

/// The number behind `--plan=` in the first argument.
fn plan_descriptor(arguments: &Arguments) -> Option<Fd> {
    let digits = arguments.get(1)?.to_bytes().strip_prefix(b"--plan=")?;
    let mut number = 0i32;
    for digit in digits {
        let value = digit.checked_sub(b'0').filter(|value| *value <= 9)?;
        number = number.checked_mul(10)?.checked_add(i32::from(value))?;
    }
    (!digits.is_empty()).then_some(Fd(number))
}

/// Maps the plan. It must be sealed, so that it is the same from here on.
fn map(plan: Fd) -> contain_sys::Result<Mapping> {
    let wanted = seal::WRITE | seal::GROW | seal::SHRINK;
    if memory::seals(plan)? & wanted != wanted {
        return Err(contain_sys::Errno::EPERM);
    }
    let length = usize::try_from(file::status(plan)?.size).unwrap_or(0);
    if length > contain_plan::MAX_LENGTH {
        return Err(contain_sys::Errno::E2BIG);
    }
    Mapping::new(plan, length)
}
