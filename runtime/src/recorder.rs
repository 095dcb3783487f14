// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recorder: the process that writes the record of a container's end. The program that a person started becomes the
//! supervisor, which formats no text, and where it could execute another program, it has given that up. So it leaves
//! this process behind: on the host, in a session of its own, with the record's descriptor, stderr and a socket to the
//! supervisor, which waits for it. The end of the socket without a word means that there is nothing to write.

use crate::background::{apart, wipe_arguments};
use crate::caller::{own, raw, system};
use crate::error::{Error, Kind};
use crate::launch::Along;
use crate::outcome::{Causes, Outcome};
use crate::{diagnose, record};
use contain_plan::message::{Ending, Failure, LENGTH, Message, Reached};
use contain_plan::{MAX_LENGTH, Plan};
use contain_sys::identity::{self, Capabilities, Dumpable};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, fd, file, signal};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;

const STAGE: &str = "record";
/// How long a descriptor may take nothing before the record is given up. The supervisor waits longer than that.
const PATIENCE_S: u32 = 5;

/// A descriptor of the caller's on which the record goes.
#[derive(Debug)]
pub struct Place {
    fd: OwnedFd,
    number: i32,
    stderr: Option<OwnedFd>,
}

impl Place {
    /// Descriptor `number`, which the command does not get unless it is one of the three standard ones. `preserved`: how
    /// many from 3 on the command gets.
    pub fn new(number: i32, preserved: u32) -> Result<Place, Error> {
        let minimum = 3i32.saturating_add_unsigned(preserved);
        let cannot_use = |errno| unusable(number, errno);
        let given = Fd(number);
        let fd = own(given.duplicate_from(minimum).map_err(cannot_use)?);
        let flags = nix::fcntl::fcntl(fd.as_fd(), nix::fcntl::FcntlArg::F_GETFL)
            .map_err(|errno| unusable(number, Errno(errno as i32)))?;
        if flags & libc::O_ACCMODE == libc::O_RDONLY || flags & libc::O_PATH != 0 {
            return Err(unusable(number, Errno::EBADF).cause("it is not open for writing"));
        }
        if number > 2 {
            given.set_on_exec(contain_sys::fd::OnExec::Close).map_err(cannot_use)?;
        }
        let stderr = Fd(2).duplicate_from(minimum).ok().map(own);
        Ok(Place { fd, number, stderr })
    }

    /// Writes one.
    pub fn write(&self, record: &str) -> Result<(), Error> {
        file::write_whole(raw(&self.fd), record.as_bytes()).map_err(|errno| unusable(self.number, errno))
    }

    /// Writes one by a process that nobody else hears.
    fn write_or_say_so(&self, record: &str) {
        if let (Err(error), Some(stderr)) = (self.write(record), &self.stderr) {
            // Where that fails too, the missing record tells.
            let _ = file::write_whole(raw(stderr), format!("contain: {error}\n").as_bytes());
        }
    }
}

fn unusable(number: i32, errno: Errno) -> Error {
    let error = system(STAGE, "write the record on descriptor", number.to_string())(errno);
    match errno {
        Errno::EBADF => error.remedy(format!("open it for writing: {number}>FILE")),
        _ => error,
    }
}

/// Starts the recorder of the container whose supervisor this process becomes.
pub(crate) fn start(place: &Place, causes: Causes, along: &mut Along) -> Result<(), Error> {
    let ours = along.recorder()?;
    let (what, socket) = ("the process that writes the record", raw(&ours));
    apart(STAGE, what, || settle(place, socket), || stand_by(place, causes, socket))
}

/// Nobody looks in, no signal ends it but that of its own clock, and nothing is kept from being unmounted.
fn settle(place: &Place, socket: Fd) -> Result<(), Errno> {
    signal::reset(libc::SIGALRM)?;
    signal::set_mask(signal::ALL & !signal::bit(libc::SIGALRM))?;
    fd::close_all_but(&mut [raw(&place.fd), place.stderr.as_ref().map_or(Fd::NONE, raw), socket])?;
    file::change_directory(c"/")?;
    identity::set_name(c"contain-record")?;
    wipe_arguments();
    identity::set_no_new_privs()?;
    identity::set_capabilities(Capabilities { effective: 0, permitted: 0, inheritable: 0 })?;
    identity::set_dumpable(Dumpable::No)
}

fn stand_by(place: &Place, causes: Causes, socket: Fd) -> i32 {
    loop {
        let mut buffer = [0u8; LENGTH];
        let Ok((length, passed)) = socket::receive(socket, &mut buffer, Wait::Yes) else { return 1 };
        let passed = passed.is_some().then(|| own(passed));
        let record = match Message::from_bytes(&buffer[..length]) {
            Ok(Message::Ended(ending)) => ended(&ending, causes),
            Ok(Message::Failed(failure)) => record::of_failure(&failed(passed, &failure)),
            Ok(_) => continue,
            Err(_) => return 0,
        };
        // It ends a process that cannot write.
        if signal::alarm(PATIENCE_S).is_ok() {
            place.write_or_say_so(&record);
        }
        // ORDER: before the supervisor sees the end of the socket and ends. Who reads the record sees its end by then.
        return i32::from(fd::close_all_but(&mut [socket]).is_err());
    }
}

fn ended(ending: &Ending, causes: Causes) -> String {
    let outcome = Outcome::of(ending, None, causes);
    match ending.reached {
        Reached::Failure => {
            let error = Error::new(Kind::System, "watch", "watch", "the command")
                .cause("its output could not be written, or its supervisor could not go on");
            record::of_broken(&outcome, &error)
        }
        _ => record::of_outcome(&outcome),
    }
}

/// The error of a step, by the plan that comes along.
fn failed(plan: Option<OwnedFd>, failure: &Failure) -> Error {
    let bytes = plan.and_then(|plan| {
        let file = File::from(plan);
        let length = file.metadata().ok()?.len().min(MAX_LENGTH as u64);
        let mut bytes = vec![0; usize::try_from(length).ok()?];
        // At its beginning, wherever who else has it open has got to.
        file.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    });
    diagnose::error(bytes.as_deref().and_then(|bytes| Plan::read(bytes).ok()).as_ref(), failure)
}
