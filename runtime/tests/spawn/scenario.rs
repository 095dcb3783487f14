// SPDX-License-Identifier: MIT OR Apache-2.0
//! A test in a process of its own: the test binary is executed again for that one test, so that signal handlers,
//! limits and children are nobody else's. What the tests share beside that: configurations, pipes, waiting.

use contain::{Config, Container, EndedBy, Outcome, Root, Stdio};
use contain_sys::signal::{Poll, poll, poll_event};
use contain_sys::{Fd, process};
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command};
use std::time::Duration;

/// Names the scenario that a process of the test binary is to be; its value is the part to play.
const PART: &str = "CONTAIN_SPAWN_PART";
/// A user whom no test machine has, with no delegated ids.
const USER: u32 = 61_234;
/// What is waited for at most before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a scenario's process is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// As it is.
    Here,
    /// As PID 1 of a PID namespace.
    FirstProcess,
}

/// Runs `body` in a process of its own, as this user and as an ordinary one.
pub fn alone(test: &str, body: fn()) {
    alone_in(Place::Here, test, body);
}

/// As [`alone`], in the place given.
pub fn alone_in(place: Place, test: &str, body: fn()) {
    if part().is_some() {
        return body();
    }
    for user in users() {
        let mut command = again(place, test, "body", user);
        let output = command.output().expect("the test binary can be executed again");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        // The harness may have begun the line.
        for (at, line) in
            text.lines().filter_map(|line| Some((line.find("skipped: ").or(line.find("measured: "))?, line)))
        {
            println!("{}", &line[at..]);
        }
        assert!(output.status.success(), "{test} as {user:?}: {}\n{text}", output.status);
    }
}

/// The part that this process has in a scenario, where it is in one.
pub fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// Another process of this test, with this part to play.
pub fn helper(test: &str, part: &str) -> Command {
    again(Place::Here, test, part, None)
}

/// The test binary, for one test, as one user.
fn again(place: Place, test: &str, part: &str, user: Option<u32>) -> Command {
    let own = std::env::current_exe().expect("the test binary has a path");
    let mut command = match place {
        Place::Here => Command::new(own),
        Place::FirstProcess => {
            let mut command = Command::new("unshare");
            if user.is_some() || !nix::unistd::getuid().is_root() {
                command.args(["--user", "--map-current-user"]);
            }
            command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]).arg(own);
            command
        }
    };
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PART, part).current_dir("/");
    if let Some(id) = user {
        command.uid(id).gid(id);
    }
    command
}

/// Whom to run as: `None` is this user.
fn users() -> Vec<Option<u32>> {
    if !nix::unistd::getuid().is_root() {
        return vec![None];
    }
    let own = std::env::current_exe().expect("the test binary has a path");
    let tried = Command::new("unshare").args(["--user", "true"]).uid(USER).gid(USER).current_dir("/").output();
    let listed = Command::new(own).arg("--list").uid(USER).gid(USER).current_dir("/").output();
    if !tried.is_ok_and(|done| done.status.success()) {
        println!("skipped: as an ordinary user, since user namespaces are not for those here");
    } else if !listed.is_ok_and(|done| done.status.success()) {
        println!("skipped: as an ordinary user, since the test binary is in a folder that is not for those");
    } else {
        return vec![None, Some(USER)];
    }
    vec![None]
}

/// The library's run of a shell script in the host's own system.
pub fn shell(script: &str) -> Config {
    config(&["sh", "-c", script])
}

/// The library's run of a command in the host's own system.
pub fn config(argv: &[&str]) -> Config {
    Config::run(Root::Host, argv.iter().map(OsString::from).collect())
}

/// Runs a configuration to its end.
pub fn finish(config: &Config) -> Outcome {
    let container = Container::run(config).unwrap_or_else(|error| panic!("start {:?}: {error}", config.argv));
    ended(&container)
}

/// The outcome of a container that ends by itself.
pub fn ended(container: &Container) -> Outcome {
    container.wait(Some(PATIENCE)).expect("wait").expect("it ends in time")
}

/// Asserts a plain exit.
pub fn assert_exited(outcome: &Outcome, status: i32) {
    assert_eq!((outcome.ended_by, outcome.status), (EndedBy::Exited, status));
}

/// Runs a configuration with its stdout in a pipe: what it wrote.
pub fn output_of(mut config: Config) -> String {
    let (mut reader, writer) = pipe();
    config.stdio = [Stdio::Null, Stdio::Descriptor(writer.as_raw_fd()), Stdio::Inherit];
    let container = Container::run(&config).unwrap_or_else(|error| panic!("start {:?}: {error}", config.argv));
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("read what the command wrote");
    assert_exited(&ended(&container), 0);
    text
}

/// A pipe, both ends close-on-exec.
pub fn pipe() -> (File, OwnedFd) {
    let mut ends = [-1; 2];
    // SAFETY: pipe2 fills two numbers.
    assert_eq!(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) }, 0, "pipe2");
    // SAFETY: the two are new and nobody else's.
    unsafe { (File::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) }
}

/// A process that may be anybody's child, held so that its end can be seen.
pub struct Held(OwnedFd);

impl Held {
    /// The process of this id, which is alive.
    pub fn open(pid: i32) -> Held {
        let pidfd = process::open_pidfd(pid).unwrap_or_else(|errno| panic!("process {pid}: {errno:?}"));
        // SAFETY: pidfd_open made it, and nobody else has it.
        Held(unsafe { OwnedFd::from_raw_fd(pidfd.0) })
    }

    /// Whether it ends within this time.
    pub fn ends_within(&self, time: Duration) -> bool {
        let mut asked = [Poll { fd: self.0.as_raw_fd(), events: poll_event::IN, answered: 0 }];
        poll(&mut asked, time.as_millis() as i64).expect("poll a pidfd") == 1
    }

    /// Kills it.
    pub fn kill(&self) {
        process::send_signal(Fd(self.0.as_raw_fd()), libc::SIGKILL).expect("kill the process");
    }
}

/// What another process of the scenario prints.
pub struct Said(BufReader<ChildStdout>);

impl Said {
    /// Of a child whose stdout is a pipe.
    pub fn by(child: &mut Child) -> Said {
        Said(BufReader::new(child.stdout.take().expect("its stdout is a pipe")))
    }

    /// The numbers behind `word` on the next line that has it.
    pub fn numbers(&mut self, word: &str) -> Vec<i32> {
        let mut line = String::new();
        loop {
            line.clear();
            let length = self.0.read_line(&mut line).expect("read what it says");
            assert_ne!(length, 0, "the other process ended without saying {word}");
            // The harness may have begun the line.
            if let Some(at) = line.find(word) {
                let rest = line[at + word.len()..].split_whitespace();
                return rest.map(|number| number.parse().expect("a number")).collect();
            }
        }
    }
}

/// Every child of this process, of whatever thread.
pub fn children() -> Vec<i32> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("/proc/self/task");
    let lists = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<i32>>()).collect()
}

/// What wait4(2) of any child says at once: the errno, or 0 where there is a child.
pub fn wait_for_any(flags: i32) -> i32 {
    let mut status = 0;
    // SAFETY: wait4 writes one number.
    let got = unsafe { libc::wait4(-1, &raw mut status, flags | libc::WNOHANG, std::ptr::null_mut()) };
    if got < 0 { std::io::Error::last_os_error().raw_os_error().unwrap_or(-1) } else { 0 }
}
