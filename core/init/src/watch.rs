// SPDX-License-Identifier: MIT OR Apache-2.0
//! The monitor while the command runs: it gives up what it does not need, then waits for the end, passes signals on,
//! obeys its caller, copies the console, and replaces its guard.

mod settle;
mod signals;

pub use settle::{Settled, before_the_command, beside_the_command, settle};
pub use signals::ends_a_process;

use crate::context::{Context, Fault};
use crate::relay::{Progress, Relay};
use crate::tree::Tree;
use crate::{OWN_FAILURE, guard, report};
use contain_plan::message::{Ending, LENGTH, Message, Reached};
use contain_plan::{Kind, Told};
use contain_sys::file;
use contain_sys::process::{self, Child, Hang};
use contain_sys::program::Program;
use contain_sys::signal::{self, Poll, number, poll, poll_event};
use contain_sys::socket::{self, Wait};
use contain_sys::{Errno, Fd, fd, time};

/// Exit status of a command that was ended at its deadline.
const OUT_OF_TIME: i32 = 124;

/// All that is left of a monitor once the plan has been done.
pub struct Watch {
    program: Program,
    init: Child,
    settled: Settled,
    control: Fd,
    caller: Fd,
    /// Where those speak who have found the container's state on disk, and where they read how it ended.
    listen: Fd,
    record: Fd,
    peer: Fd,
    guard: Option<Child>,
    relay: Option<Relay>,
    reaper: bool,
    report: bool,
    /// What `control` leads to writes a record, and is waited for.
    in_place: bool,
    /// How the one failure is told that is told here.
    told: Told,
    /// Contain's own part of the work failed.
    failed: bool,
    /// The signal that ended the container where PID 1 would not have obeyed it.
    killed_by: Option<i32>,
    /// The last signal that this has sent.
    sent: Option<i32>,
    started_ns: u64,
    /// When it is ended, on the same clock.
    deadline_ns: Option<u64>,
    /// The deadline has passed, and for its sake it was killed.
    out_of_time: bool,
    /// What is killed in place of PID 1.
    tree: Option<Tree>,
    /// The plan names a step to stop at that comes after the end.
    #[cfg(feature = "test-hooks")]
    stop: bool,
}

/// Everything that can fail: after this the monitor holds no privilege and watches.
pub fn prepare(context: &mut Context<'_>, console: bool, guarded: bool) -> Result<Watch, Fault> {
    let Some(init) = context.init else { return Err(Fault::Died) };
    // ORDER: before anything is closed or ended that a failure would be told with.
    let settled = match context.settled.take() {
        Some(settled) => settled,
        None => settle(context, guarded)?,
    };
    let report = context.plan.has(Kind::Report);
    // The clock is read where somebody asks how long it took, or there is a deadline.
    let started_ns = if report || context.deadline_us.is_some() { time::monotonic_ns() } else { 0 };
    let mut watch = Watch {
        program: context.program,
        init,
        settled,
        control: Fd(context.descriptors.control),
        caller: Fd(context.descriptors.caller),
        listen: Fd(context.descriptors.listen),
        record: Fd(context.descriptors.record),
        peer: context.peer,
        guard: context.guard.take().map(|guard| guard.child),
        relay: None,
        reaper: context.reaper,
        report,
        in_place: context.descriptors.in_place(),
        told: context.plan.header().told,
        failed: false,
        killed_by: None,
        sent: None,
        started_ns,
        deadline_ns: context.deadline_us.map(|us| started_ns.saturating_add(us.saturating_mul(1000))),
        out_of_time: false,
        tree: context.tree.take(),
        #[cfg(feature = "test-hooks")]
        stop: context.plan.header().stop_at > context.plan.header().steps,
    };
    report::dismiss(context)?;
    watch.close_others(console.then_some([context.console, context.terminal]))?;
    Ok(watch)
}

impl Watch {
    /// Closes all that is not needed any more.
    fn close_others(&mut self, console: Option<[Fd; 2]>) -> contain_sys::Result<()> {
        // The console's own end stays open, so that the master does not end while nobody inside has it.
        let [master, terminal] = console.unwrap_or([Fd::NONE; 2]);
        let [stdin, stdout, stderr] = if console.is_some() { [Fd(0), Fd(1), Fd(2)] } else { [Fd::NONE; 3] };
        let Settled { myself, signals, status } = self.settled;
        let mut keep = [
            stdin,
            stdout,
            stderr,
            master,
            terminal,
            self.init.pidfd,
            myself,
            signals,
            self.control,
            self.caller,
            self.listen,
            self.record,
            self.peer,
            status,
            self.tree.as_ref().map_or(Fd::NONE, |tree| tree.children),
            self.guard.map_or(Fd::NONE, |guard| guard.pidfd),
        ];
        fd::close_all_but(&mut keep)?;
        if console.is_some() {
            self.relay = Some(Relay::start(master)?);
        }
        Ok(())
    }

    /// Watches until the end; the exit status.
    pub fn until_end(mut self) -> i32 {
        let started = Message::Started { init: self.init.pid };
        report::record(self.record, &started);
        self.tell(&started, self.init.pidfd);
        let mut answers = Answers::default();
        // An error here means that this cannot watch any more: it ends the container.
        while !answers.ended {
            match self.ask() {
                Ok(got) => answers = got,
                Err(_) => {
                    self.kill();
                    break;
                }
            }
            self.serve(&answers);
            if !answers.ended && self.left_ms() == 0 {
                self.deadline_ns = None;
                self.out_of_time = true;
                self.kill();
            }
        }
        self.finish()
    }

    fn ask(&mut self) -> contain_sys::Result<Answers> {
        let ask = |fd: Fd| Poll { fd: fd.0, events: poll_event::IN, answered: 0 };
        let guard = self.guard.map_or(Fd::NONE, |child| child.pidfd);
        let none = Poll { fd: -1, events: 0, answered: 0 };
        let [stdin, master, stdout] = self.relay.as_ref().map_or([none; 3], Relay::questions);
        let mut asked = [
            ask(self.init.pidfd),
            ask(self.settled.signals),
            ask(self.control),
            ask(self.caller),
            ask(self.listen),
            ask(guard),
            stdin,
            master,
            stdout,
        ];
        poll(&mut asked, self.left_ms())?;
        let [ended, signals, control, caller, listen, guard, stdin, master, stdout] = asked;
        Ok(Answers {
            ended: ended.answered != 0,
            signals: signals.answered != 0,
            control: control.answered != 0,
            caller: caller.answered != 0,
            listen: listen.answered != 0,
            // With PID 1 its guard ends too.
            guard: guard.answered != 0 && ended.answered == 0,
            relay: [stdin, master, stdout],
        })
    }

    /// Milliseconds until the deadline, rounded up; −1 where there is none.
    fn left_ms(&self) -> i64 {
        let Some(deadline) = self.deadline_ns else { return -1 };
        let left = deadline.saturating_sub(time::monotonic_ns()).div_ceil(1_000_000);
        i64::try_from(left).unwrap_or(i64::MAX)
    }

    fn serve(&mut self, answers: &Answers) {
        if answers.signals {
            while let Ok(Some(received)) = signal::read_one(self.settled.signals) {
                self.received(received);
            }
        }
        if answers.control {
            self.obey();
        }
        if answers.caller {
            self.caller = Fd::NONE;
            self.kill();
        }
        if answers.listen {
            self.listen();
        }
        if answers.guard {
            self.replace_guard();
        }
        match self.relay.as_mut().map(|relay| relay.copy(answers.relay)) {
            None | Some(Progress::Going) => {}
            Some(Progress::Typed(signal)) => self.typed(signal),
            Some(Progress::NobodyReads) => self.kill_with(number::SIGPIPE),
            Some(Progress::CannotWrite(errno)) => {
                self.cannot_write(errno);
                self.kill();
            }
        }
    }

    fn cannot_write(&mut self, errno: Errno) {
        // Nobody else is left who could print it.
        let _ = file::write(Fd(2), report::cannot_write(self.told, errno));
        self.failed = true;
    }

    /// A word from the library caller.
    fn obey(&mut self) {
        let mut buffer = [0u8; LENGTH];
        let word = match socket::receive(self.control, &mut buffer, Wait::No) {
            Ok((0, _)) => {
                // The last copy of the caller's end is closed; its pidfd alone says whether it lives.
                self.control = Fd::NONE;
                return;
            }
            Ok((length, _)) => Message::from_bytes(buffer.get(..length).unwrap_or(&[])),
            Err(_) => return,
        };
        if let Ok(word) = word {
            self.do_as_told(word);
        }
    }

    /// A word from anyone who may open the socket on disk. Whoever wanted it started hears nothing: it has been.
    fn listen(&mut self) {
        match heard(self.listen) {
            Ok((word, answer)) => {
                if let Some(word) = word {
                    self.do_as_told(word);
                }
                if answer.is_some() {
                    let _ = answer.close();
                }
            }
            // A socket that cannot be read would be asked without end.
            Err(_) => self.listen = Fd::NONE,
        }
    }

    fn do_as_told(&mut self, word: Message) {
        match word {
            Message::Signal { signal } => self.deliver(signal),
            Message::Kill => self.kill(),
            _ => {}
        }
    }

    fn kill_with(&mut self, signal: i32) {
        self.killed_by.get_or_insert(signal);
        self.kill();
    }

    fn kill(&mut self) {
        self.sent = Some(number::SIGKILL);
        // Where the tree cannot be ended, its reaper is, and the command dies with that.
        if self.tree.as_ref().is_some_and(|tree| tree.kill().is_ok()) {
            return;
        }
        // ESRCH: it has just ended.
        let _ = process::send_signal(self.init.pidfd, number::SIGKILL);
    }

    fn replace_guard(&mut self) {
        if let Some(dead) = self.guard.take() {
            let _ = process::wait(dead.pid, Hang::Yes);
            let _ = dead.pidfd.close();
        }
        match guard::start(self.program, self.settled.myself, self.init.pidfd) {
            Ok(child) => self.guard = Some(child),
            // Somebody kills guards faster than there are any: the container does not run unguarded.
            Err(_) => self.kill(),
        }
    }

    fn tell(&self, message: &Message, passed: Fd) {
        if self.control.is_some() {
            // A caller that is gone or does not read is not waited for.
            let _ = socket::send(self.control, &message.to_bytes(), passed, Wait::No);
        }
    }

    /// After the end: what is left on the console, the terminal, the report, the guard.
    fn finish(mut self) -> i32 {
        let ended = process::wait(self.init.pid, Hang::Yes).ok().flatten();
        #[cfg(feature = "test-hooks")]
        if self.stop {
            loop {
                let _ = poll(&mut [], -1);
            }
        }
        let wall_ns = if self.report { time::monotonic_ns().saturating_sub(self.started_ns) } else { 0 };
        let mut ending = ended.map_or(Ending::default(), |ended| Ending {
            status: ended.status,
            wall_ns,
            user_us: ended.user_us,
            system_us: ended.system_us,
            peak_kib: ended.peak_kib,
            reached: Reached::Nothing,
        });
        // A reaper that was killed was not asked: what it may have said before is not how the container ended.
        if self.reaper && ending.status == 0 {
            match self.reaper_report() {
                Some(reported) => ending.status = reported.status,
                None => self.failed = true,
            }
        }
        self.failed |= ended.is_none();
        if let Some(signal) = self.killed_by {
            ending.status = signal;
        }
        let signal = Some(ending.status & 0x7f);
        if self.sent == signal {
            ending.reached = Reached::Asked;
        }
        // One that ended by itself at the last moment was not ended by it.
        if self.out_of_time && signal == Some(number::SIGKILL) {
            ending.reached = Reached::Deadline;
        }
        let (signals, asked_to_end) = (self.settled.signals, self.killed_by.is_some() || self.out_of_time);
        if let Some(relay) = &mut self.relay {
            let left = relay.drain(|| !asked_to_end && wait_for_stdout(signals));
            relay.restore();
            if let Progress::CannotWrite(errno) = left {
                self.cannot_write(errno);
            }
        }
        if self.failed {
            ending.status = OWN_FAILURE.wrapping_shl(8);
            ending.reached = Reached::Failure;
        }
        report::record(self.record, &Message::Ended(ending));
        if self.report {
            self.tell(&Message::Ended(ending), Fd::NONE);
            if self.in_place && self.control.is_some() {
                report::until_written(self.control);
            }
        }
        // Where it cannot be killed, by a filter around this process, it ends after the monitor.
        if let Some(guard) = self.guard
            && process::send_signal(guard.pidfd, number::SIGKILL).is_ok()
        {
            let _ = process::wait(guard.pid, Hang::Yes);
        }
        if ending.reached == Reached::Deadline { OUT_OF_TIME } else { exit_status(ending.status) }
    }

    /// What a reaping PID 1 said of the command's end, where it lived to say it.
    fn reaper_report(&self) -> Option<Ending> {
        let mut buffer = [0u8; LENGTH];
        let (length, _) = socket::receive(self.peer, &mut buffer, Wait::No).ok()?;
        match Message::from_bytes(buffer.get(..length)?) {
            Ok(Message::Ended(ending)) => Some(ending),
            _ => None,
        }
    }
}

/// What a wake-up was for.
struct Answers {
    ended: bool,
    signals: bool,
    control: bool,
    caller: bool,
    listen: bool,
    guard: bool,
    relay: [Poll; 3],
}

impl Default for Answers {
    fn default() -> Self {
        let none = Poll { fd: -1, events: 0, answered: 0 };
        Answers {
            ended: false,
            signals: false,
            control: false,
            caller: false,
            listen: false,
            guard: false,
            relay: [none; 3],
        }
    }
}

/// One message from the socket on disk, where there is one, and the descriptor that came with it; what is not as it
/// should be is closed and passed over.
pub fn heard(listen: Fd) -> contain_sys::Result<(Option<Message>, Fd)> {
    let mut buffer = [0u8; LENGTH];
    let (length, passed) = match socket::receive(listen, &mut buffer, Wait::No) {
        Err(Errno::EAGAIN) => return Ok((None, Fd::NONE)),
        other => other?,
    };
    match Message::from_bytes(buffer.get(..length).unwrap_or(&[])) {
        Ok(message) => Ok((Some(message), passed)),
        Err(_) if passed.is_some() => passed.close().map(|()| (None, Fd::NONE)),
        Err(_) => Ok((None, Fd::NONE)),
    }
}

/// Waits until stdout can be written, or says that a signal has come that ends a process which waits for that.
fn wait_for_stdout(signals: Fd) -> bool {
    loop {
        let ask = |fd: i32, events: u16| Poll { fd, events, answered: 0 };
        let mut asked = [ask(1, poll_event::OUT), ask(signals.0, poll_event::IN)];
        let polled = poll(&mut asked, -1);
        while let Ok(Some(received)) = signal::read_one(signals) {
            if ends_a_process(received.signal) {
                return false;
            }
        }
        let [stdout, _] = asked;
        if polled.is_err() || stdout.answered != 0 {
            return true;
        }
    }
}

/// The status that a shell shows for a status word of wait(2).
pub fn exit_status(word: i32) -> i32 {
    match word & 0x7f {
        0 => word.wrapping_shr(8) & 0xff,
        signal if signal < 0x7f => signal.saturating_add(128),
        _ => OWN_FAILURE,
    }
}
