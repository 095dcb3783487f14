// SPDX-License-Identifier: MIT OR Apache-2.0
//! What becomes of a container when its caller dies, executes another program, or lets go of its handle.

use crate::scenario::{Held, PATIENCE, Said, alone, config, ended, helper, part};
use contain::{Config, Container, Lifetime};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long a container is watched that is to live on.
const MOMENT: Duration = Duration::from_millis(500);

/// A caller in a process of its own, and the monitor and PID 1 of the container that it started.
struct Family {
    caller: Child,
    said: Said,
    monitor: Held,
    init: Held,
}

impl Family {
    fn start(test: &str, part: &str) -> Family {
        let mut caller = helper(test, part).stdout(Stdio::piped()).spawn().expect("start the caller");
        let mut said = Said::by(&mut caller);
        let [monitor, init] = said.numbers("container:")[..] else { panic!("two numbers") };
        Family { caller, said, monitor: Held::open(monitor), init: Held::open(init) }
    }

    fn kill_caller(&mut self) {
        self.caller.kill().expect("kill the caller");
        self.caller.wait().expect("wait for the caller");
    }

    fn is_gone(&self) -> bool {
        self.init.ends_within(PATIENCE) && self.monitor.ends_within(PATIENCE)
    }

    fn assert_gone(&self) {
        assert!(self.init.ends_within(PATIENCE), "PID 1 outlives its caller");
        assert!(self.monitor.ends_within(PATIENCE), "the monitor outlives its caller");
    }
}

/// How many pidfds and sockets a process has beside its standard descriptors.
fn handles_of(pid: u32) -> usize {
    let links = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten();
    let above =
        links.filter(|link| link.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok_and(|n| n > 2)));
    let what = above.filter_map(|link| std::fs::read_link(link.path()).ok());
    what.filter(|what| what.to_str().is_some_and(|what| what.contains("[pidfd]") || what.starts_with("socket:")))
        .count()
}

/// The caller's part: starts a container and says which.
fn start_and_say(config: &Config) -> Container {
    let container = Container::run(config).expect("start");
    println!("container: {} {}", container.pid(), container.init_pid().expect("a look"));
    container
}

fn sleeper(lifetime: Lifetime) -> Config {
    let mut config = config(&["sleep", "1000"]);
    config.stdio = [contain::Stdio::Null; 3];
    Config { lifetime, ..config }
}

fn wait_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

#[test]
fn bound_container_ends_when_its_caller_is_killed() {
    const TEST: &str = "lifetime::bound_container_ends_when_its_caller_is_killed";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            let _container = start_and_say(&sleeper(Lifetime::Bound));
            wait_for_ever();
        }
        let mut family = Family::start(TEST, "caller");
        family.kill_caller();
        family.assert_gone();
    });
}

#[test]
fn bound_container_ends_with_a_caller_that_let_go_of_it() {
    const TEST: &str = "lifetime::bound_container_ends_with_a_caller_that_let_go_of_it";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            drop(start_and_say(&sleeper(Lifetime::Bound)));
            wait_for_ever();
        }
        let mut family = Family::start(TEST, "caller");
        assert!(!family.init.ends_within(MOMENT), "letting go of a handle kills nothing");
        family.kill_caller();
        family.assert_gone();
    });
}

#[test]
fn bound_container_lives_on_when_its_caller_executes_another_program() {
    const TEST: &str = "lifetime::bound_container_lives_on_when_its_caller_executes_another_program";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            let _container = start_and_say(&sleeper(Lifetime::Bound));
            panic!("execute sleep: {}", Command::new("sleep").arg("1000").exec());
        }
        let mut family = Family::start(TEST, "caller");
        let comm = format!("/proc/{}/comm", family.caller.id());
        while std::fs::read_to_string(&comm).is_ok_and(|name| name != "sleep\n") {
            std::thread::yield_now();
        }
        // The process is the same, and with it what the container is bound to.
        assert!(!family.init.ends_within(MOMENT), "the container ended with the exec");
        family.kill_caller();
        family.assert_gone();
    });
}

#[test]
#[allow(clippy::zombie_processes, reason = "the caller is killed before its child")]
fn bound_container_ends_although_another_child_has_every_descriptor() {
    const TEST: &str = "lifetime::bound_container_ends_although_another_child_has_every_descriptor";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            let container = start_and_say(&sleeper(Lifetime::Bound));
            // SAFETY: F_SETFD takes one number.
            (3..1024).for_each(|fd| unsafe {
                libc::fcntl(fd, libc::F_SETFD, 0);
            });
            let other = Command::new("sleep").arg("1000").stdout(Stdio::null()).spawn().expect("start another child");
            println!("other: {} {}", other.id(), handles_of(other.id()));
            std::mem::forget(container);
            wait_for_ever();
        }
        let mut family = Family::start(TEST, "caller");
        let [other, leaked] = family.said.numbers("other:")[..] else { panic!("two numbers") };
        let other = Held::open(other);
        family.kill_caller();
        let (gone, stayed) = (family.is_gone(), !other.ends_within(Duration::ZERO));
        // Before any assertion: it holds the pipes that the test is waited for by.
        other.kill();
        assert!(leaked >= 3, "of the control socket and the two pidfds, {leaked} are with the other child");
        assert!(gone, "the container outlives its caller");
        assert!(stayed, "the other child was there all the time");
    });
}

#[test]
fn bound_container_that_waits_for_start_ends_with_its_caller() {
    const TEST: &str = "lifetime::bound_container_that_waits_for_start_ends_with_its_caller";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            let container = Container::create(&sleeper(Lifetime::Bound)).expect("create");
            println!("container: {} {}", container.pid(), container.init_pid().expect("a look"));
            wait_for_ever();
        }
        let mut family = Family::start(TEST, "caller");
        family.kill_caller();
        family.assert_gone();
    });
}

#[test]
fn detached_container_outlives_its_caller() {
    const TEST: &str = "lifetime::detached_container_outlives_its_caller";
    alone(TEST, || {
        if part().as_deref() == Some("caller") {
            let _container = start_and_say(&sleeper(Lifetime::Detached));
            wait_for_ever();
        }
        let mut family = Family::start(TEST, "caller");
        family.kill_caller();
        assert!(!family.init.ends_within(MOMENT), "the container ended with its caller");
        // And it still ends with its monitor.
        family.monitor.kill();
        assert!(family.init.ends_within(PATIENCE), "PID 1 outlives its monitor");
    });
}

#[test]
fn handle_that_is_dropped_kills_nothing() {
    alone("lifetime::handle_that_is_dropped_kills_nothing", || {
        let container = Container::run(&sleeper(Lifetime::Bound)).expect("start");
        let (monitor, init) = (Held::open(container.pid()), Held::open(container.init_pid().expect("a look")));
        drop(container);
        assert!(!init.ends_within(MOMENT), "the container ended with its handle");
        init.kill();
        assert!(monitor.ends_within(PATIENCE), "the monitor outlives its container");
        let container = Container::run(&config(&["true"])).expect("start another one");
        assert_eq!(ended(&container).status, 0);
    });
}
