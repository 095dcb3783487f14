// SPDX-License-Identifier: MIT OR Apache-2.0
//! seccomp: the named profiles as programs that were compiled with this library, filters of the caller's own by OCI JSON
//! or by rules, the compiler for both, and what a program would do with a system call. Nothing is loaded here: contain-init does that, just before the exec.

pub mod assemble;
pub mod evaluate;
mod names;
mod oci;
mod own;
pub mod profiles;
mod reach;
pub mod rules;
mod ruleset;
mod table_i386;
mod table_x86_64;
#[cfg(test)]
mod tests;
pub mod tree;

use crate::config::Profile;
use std::fmt;

pub use evaluate::{Call, Fault, Verdict, evaluate};
pub use names::Abi;
pub use own::Own;
pub use profiles::Terminal;
pub(crate) use reach::can_end;
pub use rules::{Action, Architecture, Condition, Error, Filter, Rule, Table};
pub use ruleset::{Flags, NamedRule, RuleSet, SystemCall};
pub use seccompiler::SeccompCmpOp as Comparison;
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

fn compiled(profile: &Profile, caller_terminal: Terminal) -> Option<&'static Compiled> {
    match (profile, caller_terminal) {
        (Profile::System, Terminal::Own) => Some(&SYSTEM),
        (Profile::System, Terminal::Passed) => Some(&SYSTEM_TERMINAL),
        (Profile::App, Terminal::Own) => Some(&APP),
        (Profile::App, Terminal::Passed) => Some(&APP_TERMINAL),
        (Profile::None | Profile::Own(_), Terminal::Own) => None,
        (Profile::None | Profile::Own(_), Terminal::Passed) => Some(&TERMINAL),
    }
}

/// A program to load: the bytes of an array of struct sock_filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load<'p> {
    /// What it is called for people.
    pub name: &'static str,
    /// The program.
    pub program: &'p [u8],
    /// The flags of seccomp(2).
    pub flags: u32,
    /// In numbers.
    pub summary: Summary,
}

/// What is to be loaded for a profile, in this order. Where the caller's terminal is passed on, TIOCSTI and TIOCLINUX
/// are refused with any profile, by a program of their own before the caller's.
pub fn loads(profile: &Profile, caller_terminal: Terminal) -> impl Iterator<Item = Load<'_>> {
    let name = match profile {
        Profile::System => "system",
        Profile::App => "app",
        Profile::None | Profile::Own(_) => "terminal",
    };
    let ours = compiled(profile, caller_terminal).map(|compiled| Load {
        name,
        program: compiled.program,
        flags: 0,
        summary: compiled.summary(),
    });
    let own = match profile {
        Profile::Own(own) => {
            Some(Load { name: "own", program: own.program(), flags: own.flags(), summary: own.summary() })
        }
        _ => None,
    };
    ours.into_iter().chain(own)
}

/// The program of a profile: the bytes of an array of struct sock_filter. None where nothing is to be loaded. A filter of
/// the caller's own is itself, whoever has the terminal: what else [`loads`] has there is not part of it.
pub fn program(profile: &Profile, caller_terminal: Terminal) -> Option<&[u8]> {
    match profile {
        Profile::Own(own) => Some(own.program()),
        _ => compiled(profile, caller_terminal).map(|compiled| compiled.program),
    }
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

impl Compiled {
    fn summary(&self) -> Summary {
        Summary { refused: self.refused.0, total: self.refused.1, instructions: self.program.len() / 8 }
    }
}

/// What [`program`] is, in numbers; all of them 0 where there is none.
pub fn summary(profile: &Profile, caller_terminal: Terminal) -> Summary {
    match profile {
        Profile::Own(own) => own.summary(),
        _ => compiled(profile, caller_terminal).map_or_else(Summary::default, Compiled::summary),
    }
}

/// What would happen to a system call under a profile, all that [`loads`] has together.
pub fn decide(profile: &Profile, caller_terminal: Terminal, call: &Call) -> Result<Action, Fault> {
    let mut decided = Action::Allow;
    for load in loads(profile, caller_terminal) {
        decided = decided.stricter(evaluate(&assemble::decode(load.program), call)?.action);
    }
    Ok(decided)
}
