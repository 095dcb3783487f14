// SPDX-License-Identifier: MIT OR Apache-2.0
//! The same decisions as libseccomp, call by call.

use crate::helper::{Built, Folder, libseccomp, stricter};
use crate::reference;
use contain::seccomp::rules::SKIPPED;
use contain::seccomp::{Architecture, Call, Filter, Terminal, compile, evaluate, profiles};
use seccompiler::sock_filter;
use std::path::PathBuf;

const BOTH: [Architecture; 2] = [Architecture::X86_64, Architecture::I386];

fn tool(folder: &Folder) -> Option<PathBuf> {
    folder.build("libseccomp", &["-lseccomp"])
}

/// Compares every call of `reference::calls` that libseccomp can be told about; how many there were.
fn compare(filter: &Filter, ours: &[sock_filter], theirs: &[(Architecture, Vec<Built>)]) -> usize {
    let mut compared = 0;
    for (architecture, built) in theirs {
        let table = filter.tables.iter().find(|table| table.architecture == *architecture).expect("it has a table");
        let names: Vec<(&str, u32)> = architecture.calls().collect();
        let unknown: Vec<u32> = built
            .iter()
            .flat_map(|built| &built.left_out)
            .filter_map(|line| line.split(' ').next())
            .filter_map(|left| names.iter().find(|(name, _)| *name == left).map(|(_, number)| *number))
            .collect();
        for call in reference::calls(filter, *architecture) {
            // libseccomp knows no bound: what is newer than the filter was listed for x86-64 up to 600. And it gives
            // the default to what a tracer skips.
            let upto = if *architecture == Architecture::X86_64 { 600 } else { table.newest };
            let x32 = *architecture == Architecture::X86_64 && call.number >= 0x4000_0000;
            if call.number == SKIPPED || call.number > upto && !x32 || unknown.contains(&call.number) {
                continue;
            }
            let run =
                |program: &[sock_filter]| evaluate(program, &call).expect("a program that the kernel takes").action;
            let theirs = built.iter().map(|built| run(&built.program)).reduce(stricter).expect("at least one");
            assert_eq!(run(ours), theirs, "ours and libseccomp's decision on {call:x?} of {architecture:?}");
            compared += 1;
        }
    }
    compared
}

fn compare_stacked(filter: &Filter, stack: &[Filter], most_unknown: usize) {
    let folder = Folder::new();
    let Some(tool) = tool(&folder) else { return };
    for optimization in [1, 2] {
        let theirs = BOTH.map(|architecture| {
            let build = |filter| libseccomp(&tool, filter, &[architecture], optimization);
            (architecture, stack.iter().map(build).collect::<Vec<_>>())
        });
        for (architecture, built) in &theirs {
            let left_out: Vec<&String> = built.iter().flat_map(|built| &built.left_out).collect();
            // Debian 12's libseccomp ends with set_mempolicy_home_node.
            assert!(left_out.len() <= most_unknown, "libseccomp left out, of {architecture:?}: {left_out:?}");
            assert!(*architecture == Architecture::I386 || left_out.is_empty(), "left out: {left_out:?}");
        }
        let ours = compile(filter).expect("the profile compiles");
        let compared = compare(filter, &ours, &theirs);
        assert!(compared > 3000, "only {compared} calls were compared");
    }
}

#[test]
fn system_decides_as_libseccomp() {
    let system = profiles::system(Terminal::Own);
    compare_stacked(&system, std::slice::from_ref(&system), 0);
    let system = profiles::system(Terminal::Passed);
    compare_stacked(&system, std::slice::from_ref(&system), 0);
}

#[test]
fn app_decides_as_libseccomp() {
    let app = profiles::app(Terminal::Own);
    compare_stacked(&app, std::slice::from_ref(&app), 14);
}

/// One rule set with "refused if, else allowed" and a default of EPERM has no libseccomp form; two filters have.
#[test]
fn app_with_the_callers_terminal_decides_as_two_filters_of_libseccomp() {
    let stack = [profiles::app(Terminal::Own), profiles::terminal_only()];
    compare_stacked(&profiles::app(Terminal::Passed), &stack, 14);
}

#[test]
fn terminal_only_decides_as_libseccomp() {
    let folder = Folder::new();
    let Some(tool) = tool(&folder) else { return };
    let filter = profiles::terminal_only();
    let ours = compile(&filter).expect("the profile compiles");
    let theirs = BOTH.map(|architecture| (architecture, vec![libseccomp(&tool, &filter, &[architecture], 2)]));
    for (architecture, built) in &theirs {
        let number = architecture.number("ioctl").expect("every architecture has ioctl");
        for request in [0x5412, 0x541c, 0x5413, 0x1_0000_5412, 0xdead_beef_0000_541c, 0x5412_0000_0000, 0] {
            let call = Call::new(*architecture, number, [0, request, 0, 0, 0, 0]);
            let ours = evaluate(&ours, &call).expect("ours runs").action;
            let theirs = evaluate(&built[0].program, &call).expect("libseccomp's runs").action;
            assert_eq!(ours, theirs, "request {request:x} of {architecture:?}");
        }
    }
}
