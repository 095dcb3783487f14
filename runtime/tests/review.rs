// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hostile command tries against those outside.

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "spawn/scenario.rs"]
mod scenario;

use contain::{Config, Console, Container, EndedBy};
use scenario::{alone, ended, finish, shell};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: i32) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn command_that_signals_its_process_group_reaches_nobody_outside() {
    alone("command_that_signals_its_process_group_reaches_nobody_outside", || {
        // SAFETY: a process group of this process's own, so that nobody else is hit; the handler only counts.
        unsafe {
            assert_eq!(libc::setpgid(0, 0), 0);
            libc::signal(libc::SIGUSR1, count as *const () as libc::sighandler_t);
        }
        for init in [true, false] {
            let config = Config { init, ..shell("trap '' USR1; kill -s USR1 0; exit 0") };
            let container = Container::run(&config).expect("start");
            assert_eq!(ended(&container).status, 0);
            assert_eq!(HANDLED.load(Ordering::Relaxed), 0, "the caller was signalled from inside");
        }
    });
}

#[test]
fn command_that_stops_its_process_group_is_still_ended() {
    alone("command_that_stops_its_process_group_is_still_ended", || {
        // SAFETY: as above.
        unsafe { assert_eq!(libc::setpgid(0, 0), 0) };
        for init in [true, false] {
            let config = Config { init, ..shell("kill -s STOP 0; sleep 1000") };
            let container = Container::run(&config).expect("start");
            assert_eq!(container.wait(Some(Duration::from_millis(300))).expect("wait"), None);
            assert_eq!(container.end(EndedBy::Wall).expect("end").ended_by, EndedBy::Wall);
        }
    });
}

#[test]
fn console_is_the_commands_controlling_terminal() {
    alone("console_is_the_commands_controlling_terminal", || {
        for init in [true, false] {
            let config = Config { init, console: Console::Emulated, ..shell("test -t 0 && : </dev/tty && exit 3") };
            assert_eq!(finish(&config).status, 3, "with init {init}");
        }
    });
}

#[test]
fn caller_without_standard_descriptors_gets_a_console_all_the_same() {
    alone("caller_without_standard_descriptors_gets_a_console_all_the_same", || {
        // SAFETY: this process uses them no more; its status alone tells how it went.
        (0..3).for_each(|fd| unsafe {
            libc::close(fd);
        });
        std::panic::set_hook(Box::new(|_| std::process::exit(77)));
        for init in [true, false] {
            let script = "echo some output; test -t 0 && test -t 1 && test -t 2 && exit 3";
            let config = Config { init, console: Console::Emulated, ..shell(script) };
            assert_eq!(finish(&config).status, 3);
        }
        // The harness prints; without a place to print to it would fail.
        std::process::exit(0);
    });
}

/// A monitor that somebody kills takes its container along, and that is over before it is told.
#[test]
fn end_by_the_monitors_death_is_told_when_pid_1_is_gone() {
    for _ in 0..20 {
        let argv = ["sleep", "100"].map(Into::into).to_vec();
        let container = contain::Container::run(&contain::Config::run(contain::Root::Host, argv)).expect("a container");
        let init = container.pidfd().expect("a pidfd");
        let monitor = nix::unistd::Pid::from_raw(container.pid());
        nix::sys::signal::kill(monitor, nix::sys::signal::Signal::SIGKILL).expect("the monitor");
        let outcome = container.wait(None).expect("its end").expect("an outcome");
        assert_eq!((outcome.ended_by, outcome.status), (contain::EndedBy::Signalled, 9));
        let mut asked = [nix::libc::pollfd { fd: std::os::fd::AsRawFd::as_raw_fd(&init), events: 1, revents: 0 }];
        // SAFETY: one pollfd, as the count says.
        assert_eq!(unsafe { nix::libc::poll(asked.as_mut_ptr(), 1, 0) }, 1, "PID 1 lives on");
    }
}
