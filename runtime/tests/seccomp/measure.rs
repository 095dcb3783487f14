// SPDX-License-Identifier: MIT OR Apache-2.0
//! The figures of docs/seccomp.md: `cargo test -p contain --release --test seccomp measure -- --ignored --nocapture`.

use crate::helper::{Folder, libseccomp};
use contain::seccomp::{Architecture, Call, Filter, Own, Terminal, compile, evaluate, profiles};
use seccompiler::sock_filter;
use std::time::{Duration, Instant};

const BOTH: [Architecture; 2] = [Architecture::X86_64, Architecture::I386];

/// Mean and most instructions over all calls of an architecture, arguments 0.
fn depth(program: &[sock_filter], architecture: Architecture) -> (f64, usize) {
    let run = |number| {
        evaluate(program, &Call::new(architecture, number, [0; 6]))
            .expect("a program that the kernel takes")
            .instructions
    };
    let runs: Vec<usize> = architecture.calls().map(|(_, number)| run(number)).collect();
    (runs.iter().sum::<usize>() as f64 / runs.len() as f64, runs.iter().copied().max().unwrap_or(0))
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// Microseconds of loading a program, in threads that end with it.
fn loading(programs: &[(String, Vec<sock_filter>)]) -> Vec<f64> {
    let mut times = vec![Vec::new(); programs.len()];
    for _ in 0..100 {
        for ((_, program), times) in programs.iter().zip(&mut times) {
            let program = program.clone();
            let load = move || {
                let start = Instant::now();
                seccompiler::apply_filter(&program).map(|()| start.elapsed())
            };
            let time = std::thread::spawn(load).join().expect("the thread ends");
            times.push(time.expect("the kernel takes the program"));
        }
    }
    times.into_iter().map(median).collect()
}

fn compiling(filter: &Filter) -> f64 {
    let time = |_| {
        let start = Instant::now();
        let program = compile(filter).expect("it compiles");
        let time = start.elapsed();
        assert!(!program.is_empty());
        time
    };
    median((0..200).map(time).collect())
}

#[test]
#[ignore = "prints figures; nothing to pass or fail"]
fn measure() {
    let folder = Folder::new();
    let tool = folder.build("libseccomp", &["-lseccomp"]);
    let document = crate::oci::engines_size();
    let time = |_| {
        let start = Instant::now();
        let own = Own::from_oci(document.as_bytes()).expect("a filter");
        let time = start.elapsed();
        assert!(!own.program().is_empty());
        time
    };
    let (first, median) = (time(0), median((0..200).map(time).collect()));
    let own = Own::from_oci(document.as_bytes()).expect("a filter").summary();
    println!("a document of {} bytes: first {first:?}, median {median:.0} µs: {own}", document.len());
    for (name, filter) in [("system", profiles::system(Terminal::Own)), ("app", profiles::app(Terminal::Own))] {
        println!("{name}: compiled in {:.0} µs", compiling(&filter));
        let mut programs = vec![("ours".to_owned(), compile(&filter).expect("it compiles"))];
        for (what, optimization) in [("libseccomp, list", 1), ("libseccomp, tree", 2)] {
            let built = tool.iter().map(|tool| libseccomp(tool, &filter, &BOTH, optimization).program);
            programs.extend(built.map(|program| (what.to_owned(), program)));
        }
        let times = loading(&programs);
        for ((what, program), time) in programs.iter().zip(times) {
            let [native, compat] = BOTH.map(|architecture| depth(program, architecture));
            println!(
                "{name}: {what}: {} instructions; per call mean {:.1} most {} (i386 {:.1}, {}); loaded in {time:.0} µs",
                program.len(),
                native.0,
                native.1,
                compat.0,
                compat.1
            );
        }
    }
}
