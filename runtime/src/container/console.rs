// SPDX-License-Identifier: MIT OR Apache-2.0
//! The other end of a command's console, from its coming until the caller takes it. Dropped before that it is closed,
//! which hangs the command up.

use crate::error::{Error, Kind};
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

/// A pseudo-terminal's master that is the caller's to take, once.
#[derive(Debug, Default)]
pub(crate) struct Master(Mutex<Kept>);

#[derive(Debug, Default)]
enum Kept {
    /// There is none here.
    #[default]
    Absent,
    Here(OwnedFd),
    Taken,
}

impl Master {
    /// What has come, where something has.
    pub fn of(master: Option<OwnedFd>) -> Master {
        Master(Mutex::new(master.map_or(Kept::Absent, Kept::Here)))
    }

    /// Gives it to the caller. `whose` is for people; `absent` says why there may be none, and what to do.
    pub fn take(&self, whose: &str, absent: (&str, &str)) -> Result<OwnedFd, Error> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = || Error::new(Kind::Invalid, "console", "take the console of", whose);
        match std::mem::replace(&mut *kept, Kept::Taken) {
            Kept::Here(master) => Ok(master),
            Kept::Taken => Err(refused()
                .cause("it was taken before and is the caller's since")
                .remedy("keep the descriptor, or duplicate it")),
            Kept::Absent => {
                *kept = Kept::Absent;
                Err(refused().cause(absent.0).remedy(absent.1))
            }
        }
    }
}
