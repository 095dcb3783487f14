// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several callers at once: one wins, the others are told so.

use crate::scenario::alone;
use crate::stage::{Stage, kind, sleeper};
use contain::{Kind, State};
use std::process::Child;

/// What eight processes say that do the same at once.
fn eight(stage: &Stage, words: &str) -> Vec<String> {
    let start = || {
        let mut command = stage.command(words);
        command.stdout(std::process::Stdio::piped()).spawn().expect("another process")
    };
    let children: Vec<Child> = (0..8).map(|_| start()).collect();
    let said = children.into_iter().map(|child| child.wait_with_output().expect("its end"));
    let text = |output: std::process::Output| String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |text: String| text.lines().find_map(|line| line.split_once("said: ").map(|(_, said)| said.to_string()));
    said.map(|output| line(text(output)).expect("it says something")).collect()
}

#[test]
fn eight_processes_start_one_does() {
    alone("several::eight_processes_start_one_does", || {
        Stage::run("several::eight_processes_start_one_does", |stage| {
            let container = stage.created("web");
            let said = eight(stage, "start web");
            assert_eq!(said.iter().filter(|said| *said == "ok").count(), 1, "{said:?}");
            let refused = said.iter().filter(|said| said.contains("it was started before")).count();
            assert_eq!(refused, 7, "{said:?}");
            assert_eq!(container.state().expect("its state"), State::Running);
            let said = eight(stage, "delete web");
            assert!(said.iter().all(|said| said == "ok"), "{said:?}");
        });
    });
}

#[test]
fn eight_processes_create_one_does() {
    alone("several::eight_processes_create_one_does", || {
        Stage::run("several::eight_processes_create_one_does", |stage| {
            let said = eight(stage, "create web");
            assert_eq!(said.iter().filter(|said| *said == "ok").count(), 1, "{said:?}");
            assert_eq!(said.iter().filter(|said| said.starts_with("Exists")).count(), 7, "{said:?}");
            assert_eq!(stage.state("web"), State::Created);
            stage.runtime().delete("web", true).expect("it is killed");
        });
    });
}

#[test]
fn eight_threads_with_one_handle() {
    alone("several::eight_threads_with_one_handle", || {
        Stage::run("several::eight_threads_with_one_handle", |stage| {
            let container = stage.runtime().create("web", &sleeper()).expect("it is created");
            let results = |work: &(dyn Fn() -> Option<Kind> + Sync)| -> Vec<Option<Kind>> {
                std::thread::scope(|scope| {
                    let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
                    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
                })
            };
            let started = results(&|| kind(container.start()));
            assert_eq!(started.iter().filter(|kind| kind.is_none()).count(), 1, "{started:?}");
            assert_eq!(started.iter().filter(|kind| **kind == Some(Kind::Invalid)).count(), 7, "{started:?}");
            let deleted = results(&|| kind(container.delete(true)));
            assert!(deleted.iter().all(Option::is_none), "{deleted:?}");
        });
    });
}
