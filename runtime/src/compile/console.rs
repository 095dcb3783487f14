// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command's terminal in its plan: which of the three standard descriptors it is, and what is asked for wrongly.

use super::Way;
use crate::config::{Config, Console, Stdio};
use crate::error::Error;
use crate::plan::Draft;
use crate::seccomp::Terminal;
use contain_plan::Step;

/// What can be refused without asking the machine.
pub(super) fn check(console: Console, stdio: &[Stdio; 3], way: Way) -> Result<(), Error> {
    match console {
        Console::Emulated if stdio != &[Stdio::Inherit; 3] => {
            Err(Error::invalid("stdio", format!("{stdio:?}"), "with a console the command's stdio is it"))
        }
        Console::Taken(_) if way == Way::InPlace => {
            let cause = "it is for a library's caller to take; in place of a program there is an emulated one, or none";
            Err(Error::invalid("console", "taken", cause))
        }
        Console::Taken(_) if used(stdio) == 0 => {
            let cause = "stdin, stdout and stderr all lead elsewhere, and a terminal that nobody has open is none";
            Err(Error::invalid("console", "taken", cause)
                .remedy("leave one of the three to the console, or ask for none"))
        }
        _ => Ok(()),
    }
}

/// Opens the terminal of a container that is being made: in its /dev, when that is there.
pub(super) fn open(console: Console, draft: &mut Draft) {
    match console {
        Console::Emulated => draft.init(Step::OpenConsole {}),
        Console::Taken(_) => make(console, draft),
        Console::None => {}
    }
}

/// Opens the terminal of a command in a container that is there already.
pub(super) fn open_inside(console: Console, draft: &mut Draft) {
    match console {
        Console::Emulated => draft.init(Step::OpenTerminal {}),
        Console::Taken(_) => {
            make(console, draft);
            give(console, draft);
        }
        Console::None => {}
    }
}

fn make(console: Console, draft: &mut Draft) {
    if let Console::Taken(window) = console {
        draft.init(Step::MakeConsole { rows: window.rows.into(), columns: window.columns.into() });
    }
}

/// Hands the other end to the caller, before it is told that its command is there.
pub(super) fn give(console: Console, draft: &mut Draft) {
    if let Console::Taken(_) = console {
        draft.monitor(Step::GiveConsole {});
    }
}

/// The command's session on its terminal.
pub(super) fn session(console: Console, stdio: &[Stdio; 3], draft: &mut Draft) {
    match console {
        Console::Emulated => draft.init(Step::TakeConsole {}),
        Console::Taken(_) => draft.init(Step::UseConsole { descriptors: used(stdio) }),
        Console::None => {}
    }
}

/// Whether the command may have a terminal of the caller's.
pub(super) fn terminal(console: Console, stdio: &[Stdio; 3]) -> Terminal {
    let passed = stdio.iter().any(|one| matches!(one, Stdio::Descriptor(_)));
    if console == Console::None || passed { Terminal::Passed } else { Terminal::Own }
}

/// Bits 0 to 2: those of the three that lead nowhere else.
fn used(stdio: &[Stdio; 3]) -> u32 {
    stdio.iter().enumerate().filter(|(_, one)| **one == Stdio::Inherit).map(|(number, _)| 1 << number).sum()
}

/// What contain-init gets of a container's: what becomes the console is nothing of the caller's until then, but where a
/// helper may have something to say.
pub(crate) fn outer_stdio(config: &Config) -> [Stdio; 3] {
    let has_helper = config.inside.is_some() || config.outside.is_some();
    if has_helper { config.stdio } else { outer(config.console, config.stdio) }
}

/// The same of an injected command's.
pub(crate) fn outer(console: Console, stdio: [Stdio; 3]) -> [Stdio; 3] {
    match console {
        Console::Taken(_) => stdio.map(|one| if one == Stdio::Inherit { Stdio::Null } else { one }),
        _ => stdio,
    }
}
