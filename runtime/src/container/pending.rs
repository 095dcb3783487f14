// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is being made: contain-init has been started and is at work, and this process may wait for its word or do
//! something else meanwhile.

use super::monitored::{Monitored, check_owner, died, failed, no_descriptor, readable, reap, unexpected};
use crate::caller::{own, raw, system};
use crate::error::{Error, Kind};
use crate::launch::Launched;
use crate::outcome::Causes;
use crate::plan::Bytes;
use contain_plan::message::{LENGTH, Message};
use contain_sys::signal::number;
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, process};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// A container, or a process in one, that is being made. Dropped before it is there, it is killed.
pub struct Pending<T> {
    work: Box<dyn Work<T>>,
    owner: u32,
    is_over: bool,
}

/// How it is made.
pub(crate) trait Work<T>: Send + Sync {
    /// What becomes readable when there is more to do; nothing where all is done.
    fn news(&self) -> Option<&OwnedFd>;
    /// The supervisor, likewise.
    fn monitor(&self) -> Option<&OwnedFd>;
    /// Does what can be done without waiting; it, once it is there.
    fn advance(&mut self) -> Result<Option<T>, Error>;
}

impl<T> Pending<T> {
    pub(crate) fn new(work: impl Work<T> + 'static) -> Pending<T> {
        Pending { work: Box::new(work), owner: std::process::id(), is_over: false }
    }

    /// A descriptor that becomes readable when [`Pending::finish`] gets further; asked for again after each of those.
    pub fn news(&self) -> Result<BorrowedFd<'_>, Error> {
        check_owner(self.owner)?;
        self.work.news().map(AsFd::as_fd).ok_or_else(told)
    }

    /// It, or why it could not be made, where that is known by now. Once it has told, it tells nothing more.
    pub fn finish(&mut self) -> Result<Option<T>, Error> {
        check_owner(self.owner)?;
        if self.is_over {
            return Err(told());
        }
        let made = self.work.advance();
        if made.is_err() {
            // A container of which nobody can have a handle.
            self.kill()?;
        }
        self.is_over = !matches!(made, Ok(None));
        made
    }

    /// Waits for it. A signal of the caller's ends the wait (EINTR); another call goes on.
    pub fn wait(&mut self) -> Result<T, Error> {
        loop {
            if let Some(made) = self.finish()? {
                return Ok(made);
            }
            let news = self.work.news().ok_or_else(told)?;
            if readable([news, news], -1)? == 0 {
                return Err(Error::new(Kind::System, "container", "wait for", "contain-init").errno(libc::EINTR));
            }
        }
    }

    /// As [`Pending::wait`], whatever signals come.
    pub(crate) fn wait_on(mut self) -> Result<T, Error> {
        loop {
            match self.wait() {
                Err(error) if error.errno == Some(libc::EINTR) && !self.is_over => {}
                other => return other,
            }
        }
    }

    /// Kills it, and does not wait for that: `finish` gives the error of a death, or it all the same, where it was
    /// there by then.
    pub fn kill(&self) -> Result<(), Error> {
        check_owner(self.owner)?;
        if let Some(monitor) = self.work.monitor() {
            // With the monitor die its helpers, PID 1, and all that is in there. It may have ended.
            let _ = process::send_signal(raw(monitor), number::SIGKILL);
        }
        Ok(())
    }
}

impl<T> std::fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        if !self.is_over {
            // What a forked child holds is left alone.
            if let (Ok(()), Some(monitor)) = (self.kill(), self.work.monitor()) {
                let _ = readable([monitor, monitor], 1000);
                reap(monitor);
            }
        }
    }
}

fn told() -> Error {
    Error::new(Kind::Gone, "container", "wait for", "what is being made").cause("what became of it has been told")
}

/// What a new contain-init says first.
pub(crate) struct First {
    pub message: Message,
    /// What came with it.
    pub passed: Option<OwnedFd>,
    /// The console's other end, which came before it.
    pub console: Option<OwnedFd>,
}

/// Where a new contain-init says it.
pub(crate) struct Word {
    pub control: OwnedFd,
    /// An error names its step.
    pub plan: Bytes,
    console: Option<OwnedFd>,
}

impl Word {
    pub fn new(control: OwnedFd, plan: Bytes) -> Word {
        Word { control, plan, console: None }
    }

    /// What it has said, where it has by now; a failure is an error.
    pub fn hear(&mut self) -> Result<Option<First>, Error> {
        loop {
            let mut buffer = [0u8; LENGTH];
            let (length, passed) = match socket::receive(raw(&self.control), &mut buffer, Wait::No) {
                Err(Errno::EAGAIN) => return Ok(None),
                other => other.map_err(system("container", "hear from", "the monitor"))?,
            };
            let passed = passed.is_some().then(|| own(passed));
            if length == 0 {
                return Err(died());
            }
            match Message::from_bytes(&buffer[..length]) {
                Ok(Message::Failed(failure)) => return Err(failed(Some(&self.plan), &failure)),
                Ok(Message::Console) => self.console = Some(passed.ok_or_else(no_descriptor)?),
                Ok(message) => return Ok(Some(First { message, passed, console: self.console.take() })),
                Err(_) => return Err(unexpected()),
            }
        }
    }
}

/// contain-init at work, and what becomes of it when its process is there.
struct Beginning<F> {
    parts: Option<(Word, OwnedFd, F)>,
    monitor_pid: i32,
    causes: Causes,
    created: bool,
}

/// The handle of a monitor that was just started, when that has its process. `created`: of a container that will wait
/// for its start.
pub(super) fn begin<T, F>(control: OwnedFd, launched: Launched, created: bool, become_handle: F) -> Pending<T>
where
    T: 'static,
    F: FnOnce(Monitored) -> T + Send + Sync + 'static,
{
    Pending::new(Beginning {
        parts: Some((Word::new(control, launched.plan), own(launched.monitor.pidfd), become_handle)),
        monitor_pid: launched.monitor.pid,
        causes: launched.causes,
        created,
    })
}

impl<T, F: FnOnce(Monitored) -> T + Send + Sync> Work<T> for Beginning<F> {
    fn news(&self) -> Option<&OwnedFd> {
        self.parts.as_ref().map(|(word, _, _)| &word.control)
    }

    fn monitor(&self) -> Option<&OwnedFd> {
        self.parts.as_ref().map(|(_, monitor, _)| monitor)
    }

    fn advance(&mut self) -> Result<Option<T>, Error> {
        let (word, monitor, _) = self.parts.as_mut().ok_or_else(unexpected)?;
        let Some(First { message, passed, console }) = word.hear().inspect_err(|_| reap(monitor))? else {
            return Ok(None);
        };
        let init_pid = match message {
            Message::Created { init } if self.created => init,
            Message::Started { init } if !self.created => init,
            _ => return Err(unexpected()),
        };
        let init = passed.ok_or_else(no_descriptor)?;
        let (Word { control, plan, .. }, monitor, become_handle) = self.parts.take().ok_or_else(unexpected)?;
        let (plan, monitor) = (self.created.then_some(plan), (monitor, self.monitor_pid));
        let monitored = Monitored::new(control, monitor, (init, init_pid), (plan, self.causes), console);
        Ok(Some(become_handle(monitored)))
    }
}
