// SPDX-License-Identifier: MIT OR Apache-2.0
//! Consoles whose other end the caller takes: what the command has, and what the caller does with its end.

use crate::scenario::{PATIENCE, alone, assert_exited, config, ended, pipe, shell};
use contain::{Config, Console, Container, EndedBy, Injection, Kind, Outcome, Profile, Stdio, Window};
use contain_sys::Fd;
use contain_sys::signal::{Poll, poll, poll_event};
use contain_sys::terminal::set_window_size;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};

const WINDOW: Window = Window { rows: 50, columns: 132 };

fn on_console(config: Config) -> Config {
    Config { console: Console::Taken(WINDOW), ..config }
}

fn injection(script: &str) -> Injection {
    Injection {
        env: vec!["PATH=/usr/bin:/bin".into()],
        console: Some(WINDOW),
        ..Injection::new(["sh", "-c", script].map(Into::into).to_vec())
    }
}

/// The caller's end, and what has been read from it.
struct Dialog {
    master: File,
    read: String,
}

impl Dialog {
    fn with(master: OwnedFd) -> Dialog {
        Dialog { master: File::from(master), read: String::new() }
    }

    /// Reads once more; false at the end, which is EIO.
    fn more(&mut self) -> bool {
        let mut asked = [Poll { fd: self.master.as_raw_fd(), events: poll_event::IN, answered: 0 }];
        let answered = poll(&mut asked, PATIENCE.as_millis() as i64).expect("poll the master");
        assert_eq!(answered, 1, "nothing more came in time: {:?}", self.read);
        let mut buffer = [0; 4096];
        match self.master.read(&mut buffer) {
            Ok(count) => self.read += &String::from_utf8_lossy(&buffer[..count]),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(libc::EIO), "{:?}", self.read);
                return false;
            }
        }
        true
    }

    /// Reads up to these words and forgets them.
    fn expect(&mut self, words: &str) {
        while !self.read.contains(words) {
            assert!(self.more(), "{words:?} did not come: {:?}", self.read);
        }
        let end = self.read.find(words).unwrap_or_default() + words.len();
        self.read.drain(..end);
    }

    /// Reads to the end: what has come since the last words that were expected. The master stays open, since the end says
    /// that nobody inside has the terminal open, and not that the command has ended.
    fn rest(&mut self) -> String {
        while self.more() {}
        self.read.clone()
    }

    fn say(&mut self, bytes: &[u8]) {
        self.master.write_all(bytes).expect("write to the master");
    }
}

fn dialog(container: &Container) -> Dialog {
    Dialog::with(container.take_console().expect("its console"))
}

fn signalled(outcome: &Outcome, signal: i32) {
    assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Signalled, signal));
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc/self/fd").count()
}

const LOOK: &str = "tty; stty size; for fd in 0 1 2; do test -t $fd && echo is $fd; done; ls -1 /proc/self/fd; \
                    test /dev/console -ef /dev/pts/0 && echo bound; stat -c owned=%u:%a /dev/console; echo to >/dev/tty";
const SEEN: &str = "/dev/pts/0\r\n50 132\r\nis 0\r\nis 1\r\nis 2\r\n0\r\n1\r\n2\r\n3\r\n";

#[test]
fn console_is_the_commands_terminal() {
    alone("console::console_is_the_commands_terminal", || {
        let before = descriptors();
        for init in [true, false] {
            let wanted = on_console(Config { init, ..shell(LOOK) });
            let run = Container::run(&wanted).expect("start");
            let created = Container::create(&wanted).expect("create");
            // Before the start it is the caller's already.
            let mut early = dialog(&created);
            early.say(b"typed ahead\n");
            created.start().expect("start");
            let mut late = dialog(&run);
            let said = [late.rest(), early.rest().replace("typed ahead\r\n", "")];
            for said in said {
                assert!(said.starts_with(SEEN), "{said:?}");
                assert!(said.ends_with("bound\r\nowned=0:620\r\nto\r\n"), "{said:?}");
            }
            for container in [run, created] {
                assert_exited(&ended(&container), 0);
            }
        }
        assert_eq!(descriptors(), before, "a descriptor is left");
    });
}

#[test]
fn masters_are_the_callers_once_and_closed_at_an_exec() {
    alone("console::masters_are_the_callers_once_and_closed_at_an_exec", || {
        let container = Container::run(&on_console(config(&["cat"]))).expect("start");
        let master = container.take_console().expect("its console");
        let flags = |command| {
            // SAFETY: fcntl with these reads flags.
            unsafe { libc::fcntl(master.as_raw_fd(), command) }
        };
        assert_eq!(flags(libc::F_GETFD) & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        assert_eq!(flags(libc::F_GETFL) & libc::O_NONBLOCK, 0);
        let again = container.take_console().expect_err("it is taken");
        assert_eq!(again.kind, Kind::Invalid);
        assert!(again.to_string().contains("taken before"), "{again}");
        let mut dialog = Dialog::with(master);
        dialog.say(b"hello\n\x04");
        assert_eq!(dialog.rest(), "hello\r\nhello\r\n");
        assert_exited(&ended(&container), 0);
        let without = Container::run(&config(&["true"])).expect("start");
        let none = without.take_console().expect_err("there is none");
        assert!(none.to_string().contains("made without one"), "{none}");
        assert_exited(&ended(&without), 0);
    });
}

#[test]
fn keys_signal_the_foreground() {
    alone("console::keys_signal_the_foreground", || {
        let container = Container::run(&on_console(shell("echo ready; exec sleep 1000"))).expect("start");
        let mut typed = dialog(&container);
        typed.expect("ready");
        typed.say(b"\x03");
        signalled(&ended(&container), libc::SIGINT);
        // A shell with job control goes on behind the command that was interrupted, and has one stopped.
        let shell = on_console(config(&["sh", "-i"]));
        let container = Container::run(&Config { env: vec!["PS1=ask ".into(), "PATH=/bin:/usr/bin".into()], ..shell });
        let container = container.expect("start");
        let mut typed = dialog(&container);
        typed.expect("ask ");
        typed.say(b"sh -c 'echo be\"\"gin; exec sleep 1000'\n");
        typed.expect("begin\r\n");
        typed.say(b"\x03");
        typed.expect("ask ");
        typed.say(b"echo end\"\"ed=$?\n");
        typed.expect("ended=130");
        typed.say(b"sh -c 'echo ag\"\"ain; exec sleep 1000'\n");
        typed.expect("again\r\n");
        typed.say(b"\x1a");
        typed.expect("Stopped");
        // A shell with stopped jobs asks once.
        typed.say(b"exit 7\nexit 7\n");
        typed.rest();
        assert_exited(&ended(&container), 7);
    });
}

#[test]
fn size_follows_the_master() {
    alone("console::size_follows_the_master", || {
        let script = "trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 1000 & wait; done";
        let container = Container::run(&on_console(shell(script))).expect("start");
        let mut seen = dialog(&container);
        seen.expect("ready");
        set_window_size(Fd(seen.master.as_raw_fd()), &[10, 20, 0, 0]).expect("TIOCSWINSZ");
        seen.expect("10 20");
        assert_exited(&ended(&container), 5);
    });
}

#[test]
fn closing_the_master_hangs_the_command_up() {
    alone("console::closing_the_master_hangs_the_command_up", || {
        let start = || Container::run(&on_console(shell("echo ready; exec sleep 1000"))).expect("start");
        let container = start();
        let mut open = dialog(&container);
        open.expect("ready");
        drop(open);
        signalled(&ended(&container), libc::SIGHUP);
        // Never taken, it goes with the handle.
        let container = start();
        let pidfd = container.pidfd().expect("a pidfd");
        drop(container);
        let mut asked = [Poll { fd: pidfd.as_raw_fd(), events: poll_event::IN, answered: 0 }];
        assert_eq!(poll(&mut asked, PATIENCE.as_millis() as i64), Ok(1), "it goes on");
        // Closed before the command has begun, there is nothing for it to begin on.
        let container = Container::create(&on_console(config(&["true"]))).expect("create");
        drop(container.take_console().expect("its console"));
        let error = container.start().expect_err("no terminal");
        assert!(error.to_string().contains("closed before the command could begin"), "{error}");
    });
}

#[test]
fn some_of_the_three_can_lead_elsewhere() {
    alone("console::some_of_the_three_can_lead_elsewhere", || {
        let (mut reader, writer) = pipe();
        let script = "tty; test -t 1 || echo not stdout; test -t 2 && echo on stderr >&2; echo by name >/dev/tty";
        let stdio = [Stdio::Inherit, Stdio::Descriptor(writer.as_raw_fd()), Stdio::Inherit];
        let container = Container::run(&on_console(Config { stdio, ..shell(script) })).expect("start");
        drop(writer);
        let mut seen = dialog(&container);
        assert_eq!(seen.rest(), "on stderr\r\nby name\r\n");
        let mut text = String::new();
        reader.read_to_string(&mut text).expect("read the pipe");
        assert_eq!(text, "/dev/pts/0\nnot stdout\n");
        assert_exited(&ended(&container), 0);
    });
}

#[test]
fn console_is_the_users() {
    alone("console::console_is_the_users", || {
        if !nix::unistd::getuid().is_root() {
            return println!("skipped: an ordinary user without delegated ids has no other user to be");
        }
        let user = Some(contain::User::parse("1234:1234").expect("a user"));
        let script = "stat -c %u $(tty) /dev/console; echo mine >/dev/tty; echo too >/dev/console";
        for stdio in [[Stdio::Inherit; 3], [Stdio::Null, Stdio::Inherit, Stdio::Null]] {
            let script = if stdio[0] == Stdio::Null { "stat -c %u /dev/pts/0; exec <&1; tty" } else { script };
            let ids = || Some("0:100000:65536".to_string());
            let given = Config { user: user.clone(), uid_map: ids(), gid_map: ids(), stdio, ..shell(script) };
            let wanted = on_console(given);
            let container = Container::run(&wanted).expect("start");
            let mut seen = dialog(&container);
            let said = seen.rest();
            let expected = ["1234\r\n1234\r\nmine\r\ntoo\r\n", "1234\r\n/dev/pts/0\r\n"];
            assert_eq!(said, expected[usize::from(stdio[0] == Stdio::Null)]);
            assert_exited(&ended(&container), 0);
        }
    });
}

#[test]
fn injected_commands_have_consoles_of_their_own() {
    alone("console::injected_commands_have_consoles_of_their_own", || {
        let container = Container::run(&on_console(config(&["sleep", "1000"]))).expect("start");
        let own = container.take_console().expect("its console");
        let before = descriptors();
        for timeout in [None, Some(PATIENCE)] {
            let process = container
                .inject(&Injection { timeout, ..injection("tty; stty size; echo to >/dev/tty") })
                .expect("inject");
            let mut seen = Dialog::with(process.take_console().expect("its console"));
            assert_eq!(seen.rest(), "/dev/pts/1\r\n50 132\r\nto\r\n");
            assert_eq!(process.take_console().expect_err("it is taken").kind, Kind::Invalid);
            assert_exited(&process.wait(Some(PATIENCE)).expect("wait").expect("it ends"), 0);
            let process = container.inject(&Injection { timeout, ..injection("echo ready; exec sleep 1000") });
            let process = process.expect("inject");
            let mut typed = Dialog::with(process.take_console().expect("its console"));
            typed.expect("ready");
            typed.say(b"\x1c");
            signalled(&process.wait(Some(PATIENCE)).expect("wait").expect("it ends"), libc::SIGQUIT);
        }
        let lone = Injection { console: None, ..injection("exit 3") };
        let process = container.inject(&lone).expect("inject");
        assert_eq!(process.take_console().expect_err("there is none").kind, Kind::Invalid);
        assert_exited(&process.wait(Some(PATIENCE)).expect("wait").expect("it ends"), 3);
        drop(process);
        let all = Injection { stdio: [Stdio::Null; 3], ..injection("true") };
        assert_eq!(container.inject(&all).expect_err("nothing is the console").kind, Kind::Invalid);
        assert_eq!(descriptors(), before, "a descriptor is left");
        drop(own);
        signalled(&ended(&container), libc::SIGHUP);
    });
}

#[test]
fn place_that_is_no_devpts_is_refused() {
    alone("console::place_that_is_no_devpts_is_refused", || {
        // What is opened there must not wait either.
        for made in ["true", "mkfifo /dev/pts/ptmx", "ln -s /dev/null /dev/pts/ptmx"] {
            let script = format!("mount -t tmpfs none /dev/pts && {made} && echo ready; exec sleep 1000");
            let wanted = Config { seccomp: Profile::System, capabilities: None, ..shell(&script) };
            let container = Container::run(&on_console(wanted)).expect("start");
            let mut seen = dialog(&container);
            seen.expect("ready");
            let error = container.inject(&injection("true")).expect_err("there is no terminal");
            assert!(error.to_string().contains("no devpts file system"), "{made}: {error}");
            container.end(EndedBy::Signalled).expect("its end");
        }
    });
}
