// SPDX-License-Identifier: MIT OR Apache-2.0
//! A state directory of a test's own, and the other processes that work on it: the test binary executed again with a
//! verb as its part.

use crate::scenario::{self, helper, part};
use contain::{Config, Console, Container, Error, Injection, Kind, Lifetime, Runtime, State, Stdio, Window};
use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// Names the state directory for the other processes.
const DIRECTORY: &str = "CONTAIN_TEST_STATE";

/// The directory, removed at the end; everything in it is killed first.
pub struct Stage {
    test: &'static str,
    path: PathBuf,
}

impl Stage {
    /// Runs `body` in processes of its own, with a state directory each.
    pub fn run(test: &'static str, body: fn(&Stage)) {
        // A test's body is no closure: it finds the test again by its name.
        let Some(role) = part() else { panic!("{test} runs by scenario::alone") };
        if role != "body" {
            return perform(&role);
        }
        let path = std::env::temp_dir().join(format!("contain-state-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path).expect("a state directory");
        let stage = Stage { test, path };
        body(&stage);
        let left: Vec<_> = std::fs::read_dir(&stage.path).expect("it is there").flatten().collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory of a container.
    pub fn place(&self, id: &str) -> PathBuf {
        self.path.join(id)
    }

    /// This process's runtime.
    pub fn runtime(&self) -> Runtime {
        Runtime::open(Some(&self.path)).expect("the state directory can be opened")
    }

    /// A container that is there.
    pub fn container(&self, id: &str) -> Container {
        self.runtime().open_container(id).unwrap_or_else(|error| panic!("open {id}: {error}"))
    }

    /// What a container is doing.
    pub fn state(&self, id: &str) -> State {
        self.container(id).state().expect("its state")
    }

    /// Another process that does this.
    pub fn start(&self, words: &str) -> Child {
        self.command(words).spawn().expect("another process")
    }

    /// Another process that does this, in a session of its own.
    pub fn command(&self, words: &str) -> Command {
        let mut command = helper(self.test, words);
        command.env(DIRECTORY, &self.path).stdin(std::process::Stdio::null());
        // SAFETY: setsid is safe between fork and exec.
        unsafe {
            command.pre_exec(|| if libc::setsid() < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) });
        }
        command
    }

    /// Has another process do this, and waits for that: what it said.
    pub fn other(&self, words: &str) -> String {
        let output = self.command(words).output().expect("another process");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}: {text}");
        text.lines().filter_map(|line| line.split_once("said: ")).map(|(_, said)| format!("{said}\n")).collect()
    }

    /// A container that another process, which has ended, created.
    pub fn created(&self, id: &str) -> Container {
        assert_eq!(self.other(&format!("create {id}")), "ok\n");
        self.container(id)
    }

    /// A container that another process created and started.
    pub fn running(&self, id: &str) -> Container {
        assert_eq!(self.other(&format!("run {id}")), "ok\n");
        self.container(id)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Ok(runtime) = Runtime::open(Some(&self.path)) {
            for listed in runtime.list().unwrap_or_default() {
                let _ = runtime.delete(&listed.id, true);
            }
        }
        let _ = std::fs::set_permissions(&self.path, Permissions::from_mode(0o700));
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// The configuration of every container here: it sleeps, and lives on without its caller.
pub fn sleeper() -> Config {
    detached(scenario::config(&["sleep", "1000"]))
}

/// The same on a console of its own.
pub fn consoled() -> Config {
    Config { console: Console::Taken(Window::default()), stdio: [Stdio::Inherit; 3], ..sleeper() }
}

/// The same that lives on.
pub fn detached(config: Config) -> Config {
    Config { lifetime: Lifetime::Detached, stdio: [Stdio::Null; 3], ..config }
}

/// Another process's part: a verb, an id, and more.
fn perform(role: &str) {
    let path = PathBuf::from(std::env::var_os(DIRECTORY).expect("a state directory"));
    let mut words = role.split(' ');
    let mut word = || words.next().unwrap_or_default();
    let (verb, id) = (word(), word());
    let runtime = Runtime::open(Some(&path)).expect("the state directory can be opened");
    let done = match verb {
        "create" => runtime.create(id, &sleeper()).map(drop),
        "create-bound" => runtime.create(id, &Config { lifetime: Lifetime::Bound, ..sleeper() }).map(|_| linger()),
        "create-wait" => runtime.create(id, &sleeper()).map(|_| linger()),
        "create-missing" => runtime.create(id, &detached(scenario::config(&["no-such-program"]))).map(drop),
        "create-console" => runtime.create(id, &consoled()).map(drop),
        "run" => runtime.run(id, &sleeper()).map(drop),
        "run-script" => runtime.run(id, &detached(scenario::shell(&words.collect::<Vec<_>>().join(" ")))).map(drop),
        "delete" => runtime.delete(id, true),
        _ => open(&runtime, verb, id, word()),
    };
    println!("said: {}", done.map_or_else(told, |()| "ok".into()));
}

/// Says that it is there, and stays until it is killed.
fn linger() {
    println!("container: 0");
    std::thread::sleep(Duration::from_secs(60));
}

fn told(error: Error) -> String {
    format!("{:?}: {error}", error.kind)
}

fn open(runtime: &Runtime, verb: &str, id: &str, argument: &str) -> Result<(), Error> {
    let container = runtime.open_container(id)?;
    match verb {
        "start" => container.start(),
        "kill" => container.kill(argument.parse().expect("a signal")),
        "state" => container.state().map(|state| println!("said: {state:?}")),
        "inject" => {
            let argv = ["sh", "-c", argument].map(Into::into).to_vec();
            let env = vec!["PATH=/bin:/usr/bin".into()];
            let injection = Injection { env, stdio: [Stdio::Null; 3], ..Injection::new(argv) };
            let outcome = container.inject(&injection)?.wait(None)?.expect("an end");
            println!("said: {:?} {}", outcome.ended_by, outcome.status);
            Ok(())
        }
        _ => Err(Error::invalid("verb", verb, "none of these")),
    }
}

/// The kind of an error.
pub fn kind<T>(result: Result<T, Error>) -> Option<Kind> {
    result.err().map(|error| error.kind)
}
