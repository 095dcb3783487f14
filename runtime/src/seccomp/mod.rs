// SPDX-License-Identifier: MIT OR Apache-2.0
//! seccomp: the named profiles as programs that were compiled with this library, the compiler for others, and what a
//! program would do with a system call. Nothing is loaded here: contain-init does that, just before the exec.

pub mod assemble;
pub mod evaluate;
pub mod profiles;
pub mod rules;
mod table_i386;
mod table_x86_64;
pub mod tree;

use crate::config::Profile;
use std::fmt;

pub use evaluate::{Call, Fault, Verdict, evaluate};
pub use profiles::Terminal;
pub use rules::{Action, Architecture, Condition, Error, Filter, Rule, Table};
pub use tree::compile;

/// A profile compiled by the build script (build/seccomp.rs).
struct Compiled {
    program: &'static [u8],
    /// How many of x86-64's system calls it never lets through, and how many there are.
    refused: (usize, usize),
}

/// With the numbers that go with a program, under the name that the build script gave both.
macro_rules! compiled {
    ($name:literal) => {
        Compiled {
            program: include_bytes!(concat!(env!("OUT_DIR"), "/seccomp-", $name, ".bpf")),
            refused: include!(concat!(env!("OUT_DIR"), "/seccomp-", $name, ".rs")),
        }
    };
}

static SYSTEM: Compiled = compiled!("system");
static SYSTEM_TERMINAL: Compiled = compiled!("system-terminal");
static APP: Compiled = compiled!("app");
static APP_TERMINAL: Compiled = compiled!("app-terminal");
static TERMINAL: Compiled = compiled!("terminal");

fn compiled(profile: Profile, caller_terminal: Terminal) -> Option<&'static Compiled> {
    match (profile, caller_terminal) {
        (Profile::System, Terminal::Own) => Some(&SYSTEM),
        (Profile::System, Terminal::Passed) => Some(&SYSTEM_TERMINAL),
        (Profile::App, Terminal::Own) => Some(&APP),
        (Profile::App, Terminal::Passed) => Some(&APP_TERMINAL),
        (Profile::None, Terminal::Own) => None,
        (Profile::None, Terminal::Passed) => Some(&TERMINAL),
    }
}

/// The program to load for a profile: the bytes of an array of struct sock_filter. None where nothing is to be
/// loaded. Where the caller's terminal is passed on, TIOCSTI and TIOCLINUX are refused with any profile.
pub fn program(profile: Profile, caller_terminal: Terminal) -> Option<&'static [u8]> {
    compiled(profile, caller_terminal).map(|compiled| compiled.program)
}

/// A profile in numbers. Its text: `30 of 383 system calls refused (85 instructions)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many of x86-64's system calls are never let through, whatever the arguments.
    pub refused: usize,
    /// How many system calls x86-64 has.
    pub total: usize,
    /// The program's length, for all architectures together.
    pub instructions: usize,
}

impl fmt::Display for Summary {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { refused, total, instructions } = self;
        write!(to, "{refused} of {total} system calls refused ({instructions} instructions)")
    }
}

/// What [`program`] is, in numbers; all of them 0 where there is none.
pub fn summary(profile: Profile, caller_terminal: Terminal) -> Summary {
    compiled(profile, caller_terminal).map_or_else(Summary::default, |compiled| Summary {
        refused: compiled.refused.0,
        total: compiled.refused.1,
        instructions: compiled.program.len() / 8,
    })
}

/// What would happen to a system call under a profile.
pub fn decide(profile: Profile, caller_terminal: Terminal, call: &Call) -> Result<Action, Fault> {
    match program(profile, caller_terminal) {
        Some(program) => evaluate(&assemble::decode(program), call).map(|verdict| verdict.action),
        None => Ok(Action::Allow),
    }
}
