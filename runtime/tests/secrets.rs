// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a command is told in its arguments and environment is, once it has been started, in no process of contain's:
//! not in the memory of the monitor, of a guard or of a reaping PID 1, and neither is the plan's descriptor. Every
//! page of those processes is looked at, which takes root.

use contain::{Config, Console, Container, EndedBy, Injection, Profile, Root, Stdio};
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Set for a process that is to become a container's supervisor: the secret that its command is told.
const SECRET: &str = "CONTAIN_TEST_SECRET";
const PATIENCE: Duration = Duration::from_secs(30);

/// What of a process matters here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// How often the secret is in its memory.
    secrets: usize,
    /// The plan is mapped.
    mapping: bool,
    /// The plan is open.
    descriptor: bool,
}

const NOTHING: Found = Found { secrets: 0, mapping: false, descriptor: false };

/// Looks at every page and every descriptor of a process.
fn look(pid: i32, secret: &str) -> Found {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("its maps");
    let memory = std::fs::File::open(format!("/proc/{pid}/mem")).expect("its memory");
    let (mut found, mut pages) = (Found::default(), 0);
    for line in maps.lines() {
        found.mapping |= line.contains("contain-plan");
        let (start, end) = line.split_whitespace().next().and_then(|range| range.split_once('-')).expect("a range");
        let [start, end] = [start, end].map(|digits| u64::from_str_radix(digits, 16).expect("an address"));
        // Regions of the kernel's own cannot be read.
        if line.contains("[v") {
            continue;
        }
        let mut bytes = vec![0; usize::try_from(end - start).expect("a region")];
        // A region of a file may end behind the file.
        let mut at = 0;
        while let Ok(count @ 1..) = memory.read_at(&mut bytes[at..], start + at as u64) {
            at += count;
        }
        pages += at / 4096;
        found.secrets += bytes[..at].windows(secret.len()).filter(|window| *window == secret.as_bytes()).count();
    }
    assert!(pages > 0, "process {pid} has no memory that could be read");
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten() {
        let link = std::fs::read_link(entry.path()).unwrap_or_default();
        found.descriptor |= link.to_string_lossy().contains("contain-plan");
    }
    found
}

/// As [`look`], once the process has nothing any more; else what it still has when time is up.
fn look_in_the_end(pid: i32, secret: &str) -> Found {
    let end = Instant::now() + PATIENCE;
    loop {
        let found = look(pid, secret);
        if found == NOTHING || Instant::now() > end {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn children(pid: i32) -> Vec<i32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("its children");
    text.split_whitespace().map(|id| id.parse().expect("an id")).collect()
}

fn parent(pid: i32) -> i32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("its parent");
    line.trim().parse().expect("an id")
}

/// A text that is nowhere else.
fn new_secret() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_nanos();
    format!("secret {} {now}", std::process::id())
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// A command that is told the secret in both ways and stays.
fn told(secret: &str) -> (Vec<OsString>, Vec<OsString>) {
    (words(&["/bin/sh", "-c", "echo ready; read word", secret]), words(&["PATH=/bin:/usr/bin", &format!("S={secret}")]))
}

/// Whether this process may look into all others.
fn may_look() -> bool {
    let root = nix::unistd::getuid().is_root();
    if !root {
        println!("skipped: only root can look into processes that are not dumpable");
    }
    root
}

fn library_config(secret: &str) -> Config {
    let (argv, env) = told(secret);
    Config { argv, env, ..Config::run(Root::Host, Vec::new()) }
}

/// A pipe whose writing end the command's `read` waits on.
fn held_stdin() -> (std::io::PipeReader, std::io::PipeWriter) {
    std::io::pipe().expect("a pipe")
}

#[test]
fn library_container_keeps_its_plan_until_the_start_and_no_longer() {
    use std::os::fd::AsRawFd;
    if !may_look() {
        return;
    }
    let secret = new_secret();
    let (stdin, _held) = held_stdin();
    let stdio = [Stdio::Descriptor(stdin.as_raw_fd()), Stdio::Null, Stdio::Inherit];
    let container = match Container::create(&Config { stdio, ..library_config(&secret) }) {
        Err(error) if error.stage == "namespaces.clone" => return println!("skipped: {error}"),
        created => created.expect("create"),
    };
    let (monitor, init) = (container.pid(), container.init_pid().expect("a look"));
    // Before the start both have it: what looks finds what is there.
    for pid in [monitor, init] {
        let found = look(pid, &secret);
        assert!(found.secrets >= 2 && found.mapping && found.descriptor, "a created container has its plan: {found:?}");
    }
    container.start().expect("start");
    assert_eq!(look(monitor, &secret), NOTHING, "the monitor");
    assert_eq!(look(init, &secret), NOTHING, "PID 1, which reaps");
    assert_eq!(children(monitor), [init], "a monitor of a PID 1 that reaps has no guard");
    let [command] = children(init)[..] else { panic!("PID 1 has one child") };
    let found = look(command, &secret);
    assert!(found.secrets >= 2 && !found.mapping && !found.descriptor, "the command has its own: {found:?}");
    container.end(EndedBy::Wall).expect("end");
}

#[test]
fn injected_command_leaves_no_secret_in_its_monitor() {
    use std::os::fd::AsRawFd;
    if !may_look() {
        return;
    }
    let (stdin, _held) = held_stdin();
    let stdio = [Stdio::Descriptor(stdin.as_raw_fd()), Stdio::Null, Stdio::Inherit];
    let container = match Container::run(&Config { stdio, init: false, ..library_config("nothing secret") }) {
        Err(error) if error.stage == "namespaces.clone" => return println!("skipped: {error}"),
        started => started.expect("run"),
    };
    let secret = new_secret();
    let (argv, env) = told(&secret);
    let process = container
        .inject(&Injection { env, stdio, seccomp: Some(Profile::None), ..Injection::new(argv) })
        .expect("inject");
    let monitor = parent(process.pid());
    assert_ne!(monitor, container.pid(), "it has a monitor of its own");
    assert_eq!(look_in_the_end(monitor, &secret), NOTHING, "the monitor of the injected command");
    assert_eq!(look(container.init_pid().expect("a look"), &secret), NOTHING, "the container's own command");
    assert!(look(process.pid(), &secret).secrets >= 2, "the command has its own");
    container.end(EndedBy::Wall).expect("end");
}

/// A container in place of a process of the test's, ended when this is dropped.
struct InPlace(Child);

impl Drop for InPlace {
    fn drop(&mut self) {
        // Gone already where the test failed on that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Becomes the supervisor where the variable says so; otherwise starts a process that does and waits for "ready".
fn in_place(test: &str, secret: &str, change: fn(Config) -> Config) -> Option<InPlace> {
    if let Ok(secret) = std::env::var(SECRET) {
        let (argv, env) = told(&secret);
        let config = change(Config { argv, env, ..Config::new(Root::Host, Vec::new()) });
        let manner = contain::command_line::Manner { tell: &|_| (), records: false, result: None };
        panic!("failed: {}: {}", test, contain::command_line::contain(&config, None, &manner));
    }
    let own = std::env::current_exe().expect("the test binary has a path");
    let mut command = Command::new(own);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(SECRET, secret);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut started = InPlace(command.spawn().expect("the test binary can be executed again"));
    let stdout = BufReader::new(started.0.stdout.take().expect("a pipe"));
    let mut lines = stdout.lines().map_while(Result::ok);
    let ready = lines.any(|line| line.trim_end().ends_with("ready"));
    // The rest of the output goes nowhere, and does not end the supervisor by SIGPIPE.
    std::thread::spawn(move || lines.count());
    if ready {
        return Some(started);
    }
    assert!(!user_namespaces_work(), "the container in place did not start");
    println!("skipped: no user namespaces here");
    None
}

fn user_namespaces_work() -> bool {
    Command::new("unshare").args(["--user", "true"]).status().is_ok_and(|status| status.success())
}

#[test]
fn supervisor_in_place_keeps_nothing_of_its_plan() {
    const TEST: &str = "supervisor_in_place_keeps_nothing_of_its_plan";
    if !may_look() {
        return;
    }
    let secret = new_secret();
    let without_console = |config| Config { console: Console::None, ..config };
    let Some(started) = in_place(TEST, &secret, without_console) else { return };
    let monitor = i32::try_from(started.0.id()).expect("an id");
    assert_eq!(look_in_the_end(monitor, &secret), NOTHING, "the supervisor");
    let found: Vec<usize> = children(monitor).into_iter().map(|pid| look(pid, &secret).secrets).collect();
    assert_eq!(found.iter().filter(|count| **count > 0).count(), 1, "of its children the command alone: {found:?}");
}

#[test]
fn supervisor_with_console_and_reaper_keeps_nothing_of_its_plan() {
    const TEST: &str = "supervisor_with_console_and_reaper_keeps_nothing_of_its_plan";
    if !may_look() {
        return;
    }
    let secret = new_secret();
    let Some(started) = in_place(TEST, &secret, |config| Config { init: true, ..config }) else { return };
    let monitor = i32::try_from(started.0.id()).expect("an id");
    assert_eq!(look_in_the_end(monitor, &secret), NOTHING, "the supervisor");
    for child in children(monitor) {
        assert_eq!(look_in_the_end(child, &secret), NOTHING, "its guard or PID 1, process {child}");
    }
    let commands: Vec<i32> = children(monitor).into_iter().flat_map(children).collect();
    assert_eq!(commands.len(), 1, "the command is PID 1's child");
    assert!(look(commands[0], &secret).secrets >= 2, "the command has its own");
}
