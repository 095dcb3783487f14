// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removing containers from disk, whatever state they are in: running, ended, half made or half removed by a caller
//! that was killed, or damaged.

use super::directory::{Directory, STAGE, refused};
use super::document::{Document, STATE};
use super::held::ends_within;
use super::stored;
use super::{Runtime, absent, check_scope, directory_name};
use crate::cgroup;
use crate::container::reap;
use crate::error::{Error, Kind};
use contain_plan::Message;
use contain_sys::signal::number;
use contain_sys::{Fd, process};
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// How long a killed container may take to be gone.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a monitor may take to end by itself behind its PID 1.
const GRACE: Duration = Duration::from_secs(2);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(2);

/// Removes the container in `parent` under `name`.
pub(super) fn delete(parent: &Directory, name: &CStr, id: &str, force: bool) -> Result<(), Error> {
    let missing = || if force { Ok(()) } else { Err(absent(id)) };
    let Some(directory) = parent.below(name)? else { return missing() };
    let _lock = directory.lock()?;
    if !directory.is_still(parent, name)? {
        return missing();
    }
    let document = match Document::read(&directory) {
        Ok(Some(document)) => Some(document),
        Ok(None) | Err(_) if force => None,
        Ok(None) => return Err(unfinished(id)),
        Err(error) => return Err(error),
    };
    if let Some(document) = &document {
        check_scope(document)?;
        if document.id != id {
            return missing();
        }
    }
    if !force && document.as_ref().map_or(Ok(false), stored::is_alive)? {
        return Err(Error::new(Kind::Busy, STAGE, "delete container", id)
            .errno(libc::EBUSY)
            .cause("it has not ended")
            .remedy("kill it first, or delete it with force"));
    }
    end(&directory, document.as_ref(), force)?;
    directory.remove(parent, name, STATE)
}

/// A directory without state.json: its maker was killed, or is at work at this moment.
pub(super) fn unfinished(id: &str) -> Error {
    Error::new(Kind::Invalid, STAGE, "use container", id)
        .cause("its creation was never finished: the process that made it was killed")
        .remedy("remove what is left of the container: delete with force")
}

/// Kills what is left of a container and waits until it is gone. Whoever held the socket last was its monitor or that
/// one's guard: this needs no process id.
fn end(directory: &Directory, document: Option<&Document>, force: bool) -> Result<(), Error> {
    let init = document.map_or(Ok(None), Document::live_init)?;
    let monitor = document.map_or(Ok(None), Document::live_monitor)?;
    if force {
        // A monitor that has ended hears nothing.
        let _ = stored::send(directory, &Message::Kill, Fd::NONE);
        if let Some(init) = &init {
            // Where this user may not, the monitor may.
            let _ = process::send_signal(crate::caller::raw(init), number::SIGKILL);
        }
        if let Some(held) = document.and_then(|document| document.init) {
            cgroup::check_ends(held.pid, document.map_or("", |document| &document.id))?;
        }
    }
    if let Some(monitor) = &monitor {
        if !ends_within(monitor, GRACE) {
            // Stopped, or waiting for somebody who reads its console. Its guard ends PID 1.
            process::send_signal(crate::caller::raw(monitor), number::SIGKILL)
                .map_err(refused("end the monitor of", directory.path()))?;
        }
        ends_within(monitor, PATIENCE);
        reap(monitor);
    }
    let stays = || {
        Error::new(Kind::Busy, STAGE, "end the container in", directory.path().display().to_string())
            .errno(libc::EBUSY)
            .cause("its processes have not ended though they were killed")
    };
    if init.is_some_and(|init| !ends_within(&init, PATIENCE)) {
        return Err(stays());
    }
    let until = Instant::now() + PATIENCE;
    while stored::is_heard(directory)? {
        if Instant::now() >= until {
            return Err(stays());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// Removes what a crash has left of a container under a name that was to go with it. A living one is an error.
pub(super) fn stale(runtime: &Runtime, id: &str) -> Result<(), Error> {
    let (parent, name) = (&runtime.directory, directory_name(id));
    let Some(directory) = parent.below(&name)? else { return Ok(()) };
    let _lock = directory.lock()?;
    if !directory.is_still(parent, &name)? {
        return Ok(());
    }
    let document = Document::read(&directory)?;
    if let Some(document) = &document {
        check_scope(document)?;
        if !document.transient || stored::is_alive(document)? {
            return Err(super::make::exists(id));
        }
    }
    end(&directory, document.as_ref(), false)?;
    directory.remove(parent, &name, STATE)
}

/// Removes the container in `directory`, and no other that has its name by now.
pub(super) fn forget(parent: &Directory, directory: &Directory, name: &CStr) -> Result<(), Error> {
    let _lock = directory.lock()?;
    if directory.is_still(parent, name)? {
        end(directory, Document::read(directory)?.as_ref(), false)?;
        directory.remove(parent, name, STATE)?;
    }
    Ok(())
}
