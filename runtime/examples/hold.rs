// SPDX-License-Identifier: MIT OR Apache-2.0
//! A library caller that holds one container and says what becomes of it; tests/fault kills it and what it holds.
//!
//! `hold create|run|pid1|console bound|detached orphan|subreaper DIR CMD [ARG]...`: `create` starts when a line comes on
//! stdin; `pid1` is `run` without the reaping PID 1; with `console` stdin is one whose other end is taken. It says one line each: `created PID` or `running PID`,
//! `ended HOW STATUS` or `error TEXT`, `descriptors N` (more than before), and stays until stdin ends.

use contain::{Config, Console, Container, EndedBy, Error, Lifetime, Root, Stdio, Window};
use std::ffi::OsString;
use std::io::{Read, stdin};

fn main() {
    let mut words = std::env::args_os().skip(1);
    let mut word = || words.next().and_then(|word| word.into_string().ok()).expect("more arguments");
    let (way, lifetime, parent, directory) = (word(), word(), word(), word());
    let mut config = Config::run(Root::Directory(directory.into()), words.collect::<Vec<OsString>>());
    config.init = way != "pid1";
    config.lifetime = if lifetime == "bound" { Lifetime::Bound } else { Lifetime::Detached };
    if way == "console" {
        config.console = Console::Taken(Window::default());
        config.stdio = [Stdio::Inherit, Stdio::Descriptor(1), Stdio::Descriptor(2)];
    }
    nix::sys::prctl::set_child_subreaper(parent == "subreaper").expect("any process can be a subreaper");
    let before = descriptors();
    match hold(&config, &way) {
        Ok((how, status)) => println!("ended {how:?} {status}"),
        Err(error) => println!("error {error}"),
    }
    println!("descriptors {}", descriptors() as isize - before as isize);
    stdin().read_to_end(&mut Vec::new()).expect("stdin can be read");
}

fn hold(config: &Config, way: &str) -> Result<(EndedBy, i32), Error> {
    let container = if way == "create" {
        let container = Container::create(config)?;
        println!("created {}", container.init_pid().expect("a look"));
        stdin().read_line(&mut String::new()).expect("stdin can be read");
        container.start()?;
        container
    } else {
        Container::run(config)?
    };
    println!("running {}", container.init_pid().expect("a look"));
    // Until the end: closed before, it would hang the command up.
    let _console = if way == "console" { Some(container.take_console()?) } else { None };
    loop {
        if let Some(outcome) = container.wait(Some(std::time::Duration::from_secs(600)))? {
            return Ok((outcome.ended_by, outcome.status));
        }
    }
}

/// How many descriptors this process has open.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map(Iterator::count).expect("/proc is mounted")
}
