// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which ends of a program a system call of this machine can come to, whatever it is.

use super::assemble::{AND, IF_ANY_BIT, IF_EQUAL, IF_GREATER, IF_NOT_LESS, JUMP, LOAD, RETURN, decode};
use super::rules::{Action, Architecture};
use seccompiler::sock_filter;

/// Offset of the architecture in struct seccomp_data.
const ARCHITECTURE: u32 = 4;

/// Whether a program can end a process by SIGSYS: kill it or one of its threads, or trap. What only calls of
/// architectures come to that this machine does not run is no end; what is not known here may be one.
pub(crate) fn can_end(program: &[u8]) -> bool {
    let program = decode(program);
    [Architecture::X86_64, Architecture::I386].into_iter().any(|one| reaches_an_end(&program, one.audit()))
}

/// Follows all ways that calls of one architecture can go.
fn reaches_an_end(program: &[sock_filter], audit: u32) -> bool {
    // Where to go on, and what is loaded there, where that is known.
    let mut ways = vec![(0usize, None)];
    let mut seen = std::collections::HashSet::new();
    while let Some((at, loaded)) = ways.pop() {
        if !seen.insert((at, loaded)) {
            continue;
        }
        let Some(&sock_filter { code, jt, jf, k }) = program.get(at) else { return true };
        let next = at.saturating_add(1);
        let mut branch = |holds: fn(u32, u32) -> bool| {
            let known = loaded.map(|loaded| holds(loaded, k));
            if known != Some(false) {
                ways.push((next.saturating_add(jt.into()), loaded));
            }
            if known != Some(true) {
                ways.push((next.saturating_add(jf.into()), loaded));
            }
        };
        match code {
            LOAD => ways.push((next, (k == ARCHITECTURE).then_some(audit))),
            AND => ways.push((next, loaded.map(|loaded| loaded & k))),
            JUMP => ways.push((next.saturating_add(k as usize), loaded)),
            IF_EQUAL => branch(|loaded, k| loaded == k),
            IF_GREATER => branch(|loaded, k| loaded > k),
            IF_NOT_LESS => branch(|loaded, k| loaded >= k),
            IF_ANY_BIT => branch(|loaded, k| loaded & k != 0),
            RETURN => match Action::of_code(k) {
                Action::KillProcess | Action::KillThread | Action::Trap => return true,
                _ => {}
            },
            _ => return true,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::{Condition, Filter, Rule, Table, Terminal, assemble, compile, program};
    use super::*;
    use crate::config::Profile;

    /// A filter that allows all but call 105, of which it does this.
    fn filter(action: Action, conditions: Vec<Condition>) -> Vec<u8> {
        let rule = Rule { number: 105, conditions, action };
        let table = |architecture, rules| Table {
            architecture,
            default: Action::Allow,
            newest: u32::MAX,
            newer: Action::Allow,
            x32: Action::Allow,
            x32_newest: u32::MAX,
            rules,
        };
        let tables = vec![table(Architecture::X86_64, vec![rule]), table(Architecture::I386, Vec::new())];
        assemble::encode(&compile(&Filter { tables, foreign: Action::KillProcess }).expect("a program"))
    }

    #[test]
    fn named_profiles_refuse_and_end_nothing() {
        for profile in [Profile::System, Profile::App, Profile::None] {
            for terminal in [Terminal::Own, Terminal::Passed] {
                assert!(!program(&profile, terminal).is_some_and(can_end), "{profile:?} {terminal:?}");
            }
        }
    }

    #[test]
    fn program_that_kills_or_traps_at_some_call_can_end() {
        for action in [Action::KillProcess, Action::KillThread, Action::Trap] {
            assert!(can_end(&filter(action, Vec::new())), "{action:?}");
        }
        for action in [Action::Allow, Action::Errno(1), Action::Log] {
            assert!(!can_end(&filter(action, Vec::new())), "{action:?}");
        }
    }

    #[test]
    fn what_is_not_known_may_end() {
        assert!(can_end(&[]), "it has no end");
        // BPF_RET | BPF_A: with what is loaded.
        assert!(can_end(&assemble::encode(&[sock_filter { code: 0x16, jt: 0, jf: 0, k: 0 }])));
    }
}
