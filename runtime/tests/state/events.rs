// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events of a container: in order, none lost, whoever holds it, whoever makes them come.

use crate::scenario::{PATIENCE, alone, shell};
use crate::stage::{Stage, detached, kind, sleeper};
use contain::{Config, Container, EndedBy, Event, Events, Kind, Runtime, State};
use contain_sys::signal::{Poll, poll, poll_event};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whether the descriptor says that there is something.
fn readable(events: &Events, patience: Duration) -> bool {
    let fd = events.fd().expect("its descriptor").as_raw_fd();
    let mut asked = [Poll { fd, events: poll_event::IN, answered: 0 }];
    poll(&mut asked, patience.as_millis() as i64).expect("poll") == 1
}

/// The next event in words, once the descriptor says that there is one.
fn heard(events: &Events) -> String {
    assert!(readable(events, PATIENCE), "an event in time");
    match events.next(Some(PATIENCE)).expect("an event") {
        Some(Event::State(state)) => state.word().to_string(),
        Some(Event::Exit(outcome)) => format!("{} {}", outcome.ended_by.word(), outcome.status),
        other => panic!("{other:?}"),
    }
}

fn heard_all(events: &Events) -> Vec<String> {
    let mut all = Vec::new();
    while !all.last().is_some_and(|last: &String| last.contains(' ')) {
        all.push(heard(events));
    }
    all
}

/// That there is nothing more to hear now.
fn silent(events: &Events) {
    assert_eq!(events.next(Some(Duration::ZERO)).expect("no event"), None);
    assert!(!readable(events, Duration::ZERO), "readable without an event");
}

/// That there is nothing more to hear ever.
fn over(events: &Events) {
    assert_eq!(events.next(None).map_err(|error| (error.kind, error.errno)), Err((Kind::Gone, Some(libc::ESRCH))));
    assert!(readable(events, Duration::ZERO), "readable after the exit");
}

#[test]
fn other_processes_make_events_come() {
    alone("events::other_processes_make_events_come", || {
        Stage::run("events::other_processes_make_events_come", |stage| {
            let container = stage.created("web");
            let (events, second) = (container.events().expect("events"), container.events().expect("events"));
            drop(container);
            assert_eq!(heard(&events), "created");
            silent(&events);
            assert_eq!(events.next(Some(Duration::from_millis(20))).expect("no event"), None);
            assert_eq!(stage.other("start web"), "ok\n");
            assert_eq!(heard(&events), "running");
            silent(&events);
            let late = stage.container("web").events().expect("events");
            assert_eq!(heard(&late), "running");
            silent(&late);
            assert_eq!(stage.other("kill web 15"), "ok\n");
            assert_eq!(heard_all(&events), ["stopped", "signalled 15"]);
            assert_eq!(heard_all(&late), ["stopped", "signalled 15"]);
            let last = stage.container("web").events().expect("events");
            assert_eq!(heard_all(&last), ["stopped", "signalled 15"]);
            stage.runtime().delete("web", false).expect("it has ended");
            assert_eq!(heard_all(&second), ["created", "running", "stopped", "signalled 15"]);
            [&events, &second, &late, &last].into_iter().for_each(over);
        });
    });
}

#[test]
fn nothing_is_lost_with_the_container_and_its_directory() {
    alone("events::nothing_is_lost_with_the_container_and_its_directory", || {
        let path = std::env::temp_dir().join(format!("contain-events-{}", std::process::id()));
        let runtime = Runtime::open(Some(&path)).expect("a directory");
        let container = runtime.create("web", &detached(shell("exit 7"))).expect("a container");
        let events = container.events().expect("events");
        container.start().expect("start");
        container.wait(Some(PATIENCE)).expect("wait").expect("its end");
        container.delete(false).expect("delete");
        drop((container, runtime));
        std::fs::remove_dir(&path).expect("an empty directory");
        assert_eq!(heard_all(&events), ["created", "running", "stopped", "exited 7"]);
        over(&events);
    });
}

#[test]
fn deleted_by_force_is_killed() {
    alone("events::deleted_by_force_is_killed", || {
        Stage::run("events::deleted_by_force_is_killed", |stage| {
            for (container, first) in [(stage.created("a"), "created"), (stage.running("b"), "running")] {
                let events = container.events().expect("events");
                assert_eq!(heard(&events), first);
                assert_eq!(stage.other(&format!("delete {}", container.id().expect("an id"))), "ok\n");
                assert_eq!(heard_all(&events), ["stopped", "signalled 9"]);
            }
        });
    });
}

#[test]
fn killed_monitor_is_a_killed_container() {
    alone("events::killed_monitor_is_a_killed_container", || {
        Stage::run("events::killed_monitor_is_a_killed_container", |stage| {
            let (stored, own) = (stage.running("web"), Container::run(&sleeper()).expect("a container"));
            for container in [&stored, &own] {
                let events = container.events().expect("events");
                assert_eq!(heard(&events), "running");
                // SAFETY: kill takes two numbers.
                assert_eq!(unsafe { libc::kill(container.pid(), libc::SIGKILL) }, 0);
                assert_eq!(heard_all(&events), ["stopped", "signalled 9"]);
            }
            stored.delete(false).expect("delete");
        });
    });
}

#[test]
fn own_container_tells_of_its_start_and_of_why_it_ended() {
    alone("events::own_container_tells_of_its_start_and_of_why_it_ended", || {
        let container = Container::create(&sleeper()).expect("a container");
        let (events, late) = (container.events().expect("events"), container.events().expect("events"));
        assert_eq!(heard(&events), "created");
        silent(&events);
        container.start().expect("start");
        assert_eq!(heard(&events), "running");
        silent(&events);
        assert_eq!(container.end(EndedBy::Wall).expect("its end").ended_by, EndedBy::Wall);
        assert_eq!(heard_all(&events), ["stopped", "wall 9"]);
        assert_eq!(heard_all(&late), ["created", "running", "stopped", "wall 9"]);
        let last = container.events().expect("events");
        drop(container);
        assert_eq!(heard_all(&last), ["stopped", "wall 9"]);
        [&events, &late, &last].into_iter().for_each(over);
    });
}

#[test]
fn start_by_another_thread_is_waited_for() {
    alone("events::start_by_another_thread_is_waited_for", || {
        let container = Container::create(&shell("exit 3")).expect("a container");
        let events = container.events().expect("events");
        std::thread::scope(|scope| {
            let listener = scope.spawn(|| heard_all(&events));
            std::thread::sleep(Duration::from_millis(50));
            container.start().expect("start");
            assert_eq!(listener.join().expect("a listener"), ["created", "running", "stopped", "exited 3"]);
        });
    });
}

#[test]
fn failed_start_is_no_start() {
    alone("events::failed_start_is_no_start", || {
        Stage::run("events::failed_start_is_no_start", |stage| {
            let missing = Config { argv: vec!["no-such-program".into()], ..sleeper() };
            let stored = stage.runtime().create("web", &missing).expect("a container");
            let own = Container::create(&missing).expect("a container");
            for container in [&stored, &own] {
                let events = container.events().expect("events");
                assert_eq!(kind(container.start()), Some(Kind::NotFound));
                assert_eq!(heard_all(&events), ["created", "stopped", "setup 125"]);
            }
            stored.delete(false).expect("delete");
        });
    });
}

#[test]
fn handle_freed_before_the_start_ends_its_container() {
    alone("events::handle_freed_before_the_start_ends_its_container", || {
        let container = Container::create(&sleeper()).expect("a container");
        let events = container.events().expect("events");
        drop(container);
        assert_eq!(heard_all(&events), ["created", "stopped", "signalled 9"]);
        // One that was started lives on, and its end is told all the same.
        let container = Container::run(&sleeper()).expect("a container");
        let (events, init) = (container.events().expect("events"), container.init_pid().expect("a look"));
        drop(container);
        assert_eq!(heard(&events), "running");
        assert_eq!(events.next(Some(Duration::from_millis(100))).expect("no event"), None);
        // SAFETY: kill takes two numbers.
        assert_eq!(unsafe { libc::kill(init, libc::SIGKILL) }, 0);
        assert_eq!(heard_all(&events), ["stopped", "signalled 9"]);
    });
}

#[test]
fn thousand_of_them_leave_nothing() {
    alone("events::thousand_of_them_leave_nothing", || {
        Stage::run("events::thousand_of_them_leave_nothing", |stage| {
            let (created, running) = (stage.created("a"), stage.running("b"));
            let own = Container::create(&sleeper()).expect("a container");
            let open = || std::fs::read_dir("/proc/self/fd").expect("/proc/self/fd").count();
            let rounds = || {
                // The kernel takes its time to close what waits for a start by somebody else.
                for (container, times) in [(&created, 50), (&running, 500), (&own, 500)] {
                    for _ in 0..times {
                        let events = container.events().expect("events");
                        assert!(matches!(events.next(None), Ok(Some(Event::State(_)))));
                    }
                }
            };
            rounds();
            let before = (open(), std::fs::read_dir("/proc/self/task").expect("/proc/self/task").count());
            rounds();
            let after = (open(), std::fs::read_dir("/proc/self/task").expect("/proc/self/task").count());
            assert_eq!(before, after);
            // Many at once: of those that run there is no limit beside that of descriptors.
            let many: Vec<_> = (0..300).map(|_| running.events().expect("events")).collect();
            assert!(many.iter().all(|events| heard(events) == "running"));
            drop(many);
            assert_eq!(open(), before.0);
            created.delete(true).expect("delete");
            running.delete(true).expect("delete");
        });
    });
}

/// A cgroup of this test's own, where it may make one.
struct Cgroup(PathBuf);

impl Cgroup {
    fn make(kind: &str, option: &str) -> Option<Cgroup> {
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("the mounts");
        let mount = mounts.lines().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let has = after.split(' ').next()? == kind && after.split([' ', ',']).any(|word| word == option);
            has.then(|| before.split(' ').nth(4))?
        })?;
        let path = Path::new(mount).join(format!("contain-events-{}", std::process::id()));
        std::fs::create_dir(&path).ok().map(|()| Cgroup(path))
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn take(&self, container: &Container) {
        for pid in container.processes().expect("its processes") {
            self.write("cgroup.procs", &pid.to_string());
        }
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let end = std::time::Instant::now() + PATIENCE;
        while std::fs::remove_dir(&self.0).is_err() && std::time::Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Ends a container at the end of the test, also of one that fails: a frozen one would stay.
struct Ended<'c>(&'c Container, &'c dyn Fn());

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        (self.1)();
        let _ = self.0.delete(true);
    }
}

#[test]
fn pause_on_cgroup2_wakes_who_polls() {
    alone("events::pause_on_cgroup2_wakes_who_polls", || {
        let Some(cgroup) = Cgroup::make("cgroup2", "cgroup2") else {
            return println!("skipped: no cgroup2 that this user may write to");
        };
        let container = Container::create(&sleeper()).expect("a container");
        let ended = Ended(&container, &|| cgroup.write("cgroup.freeze", "0"));
        let events = container.events().expect("events");
        assert_eq!(heard(&events), "created");
        // Its cgroup is that which it has at the start.
        cgroup.take(&container);
        container.start().expect("start");
        assert_eq!(heard(&events), "running");
        for _ in 0..3 {
            cgroup.write("cgroup.freeze", "1");
            assert_eq!(heard(&events), "paused");
            assert_eq!(events.next(Some(Duration::ZERO)).expect("no event"), None);
            let late = container.events().expect("events");
            assert_eq!(heard(&late), "paused");
            cgroup.write("cgroup.freeze", "0");
            assert_eq!(heard(&events), "running");
            assert_eq!(heard(&late), "running");
        }
        // A frozen one that is killed ends.
        cgroup.write("cgroup.freeze", "1");
        assert_eq!(heard(&events), "paused");
        container.kill(libc::SIGKILL).expect("kill");
        assert_eq!(heard_all(&events), ["stopped", "signalled 9"]);
        drop(ended);
    });
}

#[test]
fn pause_by_the_freezer_of_version_1_is_seen_by_who_asks() {
    alone("events::pause_by_the_freezer_of_version_1_is_seen_by_who_asks", || {
        let Some(cgroup) = Cgroup::make("cgroup", "freezer") else {
            return println!("skipped: no freezer of version 1 that this user may write to");
        };
        let container = Container::run(&sleeper()).expect("a container");
        let ended = Ended(&container, &|| cgroup.write("freezer.state", "THAWED"));
        let events = container.events().expect("events");
        assert_eq!(heard(&events), "running");
        cgroup.take(&container);
        let ask = || match events.next(Some(Duration::ZERO)) {
            Ok(Some(Event::State(state))) => state,
            other => panic!("{other:?}"),
        };
        cgroup.write("freezer.state", "FROZEN");
        assert_eq!(ask(), State::Paused);
        cgroup.write("freezer.state", "THAWED");
        assert_eq!(ask(), State::Running);
        drop(ended);
    });
}
