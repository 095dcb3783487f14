// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps that load a command's seccomp programs, and what contain still has to be able to call behind them.

use crate::config::Profile;
use crate::error::{Error, Kind};
use crate::plan::{Draft, text};
use crate::seccomp::{Action, Own, Terminal, loads};
use contain_plan::Step;

/// What comes between the last program and the exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    /// Nothing.
    Exec,
    /// Capabilities are given up, which without no_new_privs the loading still takes.
    Capabilities,
}

/// An address such as any.
const PLACE: u64 = 0x7ffd_0000_1000;
const EXEC: [(&str, [u64; 6]); 1] = [("execve", [PLACE, PLACE, PLACE, 0, 0, 0])];
/// Of the bounding set each is looked at and dropped by its number: a filter may refuse one and not another.
const LAST_CAPABILITY: u64 = 63;

/// prctl(2) with PR_CAP_AMBIENT and PR_CAP_AMBIENT_CLEAR_ALL, PR_CAPBSET_READ, PR_CAPBSET_DROP; capget(2), capset(2).
fn capability_calls() -> Vec<(&'static str, [u64; 6])> {
    let of_bounding = |number| [("prctl", [23, number, 0, 0, 0, 0]), ("prctl", [24, number, 0, 0, 0, 0])];
    let others = [
        ("prctl", [47, 4, 0, 0, 0, 0]),
        ("capget", [PLACE, PLACE, 0, 0, 0, 0]),
        ("capset", [PLACE, PLACE, 0, 0, 0, 0]),
    ];
    others.into_iter().chain((0..=LAST_CAPABILITY).flat_map(of_bounding)).collect()
}

/// Closes what the command does not keep, `keep` descriptors from 3 on, and loads the programs of its profile.
pub(super) fn load(
    profile: &Profile,
    terminal: Terminal,
    keep: u32,
    behind: Behind,
    draft: &mut Draft,
) -> Result<(), Error> {
    if let Profile::Own(own) = profile {
        check(own, behind)?;
    }
    let mut closed = false;
    for one in loads(profile, terminal) {
        if !closed {
            // ORDER: before the first program, which may be the caller's own and refuse it.
            draft.init(Step::Close { keep });
            closed = true;
        }
        if let Profile::Own(_) = profile {
            draft.causes.note_program(one.program);
        }
        let summary = text("seccomp", format!("{}: {}", one.name, one.summary))?;
        draft.init(Step::LoadSeccomp { program: one.program, flags: one.flags, summary: &summary });
    }
    Ok(())
}

/// Refuses a filter under which no command can be executed.
fn check(own: &Own, behind: Behind) -> Result<(), Error> {
    let error = |call: &str, action: Action| {
        Error::new(Kind::Invalid, "config", "seccomp", format!("{call}: {}", done(action)))
    };
    if let Some((call, action)) = own.stops(&EXEC) {
        return Err(error(call, action)
            .cause("the filter does not let execve through, which comes after its loading and starts the command")
            .remedy("allow execve"));
    }
    if behind == Behind::Capabilities
        && let Some((call, action)) = own.stops(&capability_calls())
    {
        return Err(error(call, action)
            .cause("without no_new_privs capabilities are given up only behind the filter, which does not let that through")
            .remedy("set no_new_privs, or allow prctl, capget and capset"));
    }
    Ok(())
}

fn done(action: Action) -> String {
    match action {
        Action::Errno(errno) => format!("errno {errno}"),
        Action::Trace(_) => "handed to a tracer".into(),
        Action::Trap => "SIGSYS".into(),
        Action::Notify => "handed to a listener".into(),
        Action::KillProcess | Action::KillThread => "killed".into(),
        Action::Log | Action::Allow => "allowed".into(),
    }
}
