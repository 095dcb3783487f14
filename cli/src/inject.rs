// SPDX-License-Identifier: MIT OR Apache-2.0
//! inject PID|NAME [CMD [ARG]...]

use crate::options::{Given, Option_, Program};
use crate::print::{self, Printer};
use crate::process::{self, RLIMIT};
use crate::result::{self, JSON_FD};
use crate::start::ExitCode;
use contain::Error;
use contain::command_line::{self, Manner};
use std::ffi::OsString;

/// Its table.
pub(crate) static PROGRAM: Program = Program {
    name: "inject",
    operands: "PID|NAME [CMD [ARG]...]",
    about: "Runs CMD (default $SHELL, else /bin/sh) in the container whose supervisor, or whose PID 1, is PID, or that was\n\
        started with contain --name NAME.",
    options: &[
        Option_ {
            short: Some('t'),
            long: None,
            value: None,
            help: "a terminal of the container's own, passed through",
        },
        Option_ {
            short: None,
            long: Some("env"),
            value: Some("K=V"),
            help: "an environment variable of CMD, which else has the caller's",
        },
        Option_ {
            short: None,
            long: Some("keep-env"),
            value: None,
            help: "CMD gets the caller's environment (default)",
        },
        Option_ { short: None, long: Some("clean-env"), value: None, help: "CMD gets container=contain in its place" },
        Option_ {
            short: None,
            long: Some("chdir"),
            value: Some("DIR"),
            help: "the directory inside in which CMD starts (default /)",
        },
        Option_ {
            short: None,
            long: Some("user"),
            value: Some("USER[:GROUP]"),
            help: "who CMD runs as: the container's names, or numbers",
        },
        Option_ {
            short: None,
            long: Some("groups"),
            value: Some("GROUP[,GROUP]..."),
            help: "CMD's supplementary groups; none for an empty word",
        },
        Option_ {
            short: None,
            long: Some("cap-add"),
            value: Some("CAP"),
            help: "a capability that CMD has although ALL are dropped",
        },
        Option_ {
            short: None,
            long: Some("cap-drop"),
            value: Some("CAP"),
            help: "a capability that CMD does not have; ALL for all",
        },
        Option_ {
            short: None,
            long: Some("no-new-privs"),
            value: None,
            help: "CMD and what it starts gain no privilege by setuid programs",
        },
        RLIMIT,
        Option_ {
            short: None,
            long: Some("timeout"),
            value: Some("SECONDS"),
            help: "how long CMD may run; then it and all that it started is killed",
        },
        Option_ { short: None, long: Some("json"), value: None, help: "a record of how CMD ended, on stderr" },
        JSON_FD,
    ],
    notes: "CMD is looked up on PATH, and keeps environment and descriptors.\n\
        Exit status: CMD's own; 128+N when signal N ended it; 127 not found; 126 not executable;\n\
        125 inject's own failure; 124 out of time; 64 usage.\n",
};

/// Runs the program.
pub fn main() -> ExitCode {
    print::main(&PROGRAM, |given, printer| run(given, printer).unwrap_or_else(|wrong| printer.usage(&wrong)))
}

fn run(given: &Given, printer: Printer) -> Result<ExitCode, String> {
    let (pid, command) = given.operands.split_first().ok_or("no PID given")?;
    let record = result::wanted(given, 0)?;
    let terminal = given.has("t");
    let injection = process::injection(given, command_or_shell(command))?;
    let start = |run: &dyn Fn(&Manner<'_>) -> Error| Ok(result::with_record(record, 0, printer, run));
    // A name is never all digits.
    if let Some(name) = pid.to_str().filter(|name| contain::state::check_name(name).is_ok()) {
        return start(&|manner| command_line::inject_by_name(name, &injection, terminal, manner));
    }
    match pid.to_str().and_then(|text| text.parse::<i32>().ok()).filter(|pid| *pid > 0) {
        Some(pid) => start(&|manner| command_line::inject(pid, &injection, terminal, manner)),
        None => Err(format!("{pid:?} is no process id, and no name")),
    }
}

/// The command, or the caller's shell.
pub(crate) fn command_or_shell(command: &[OsString]) -> Vec<OsString> {
    if !command.is_empty() {
        return command.to_vec();
    }
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
    vec![shell.unwrap_or("/bin/sh".into())]
}

/// This process's environment as assignments.
pub(crate) fn environment() -> Vec<OsString> {
    let join = |(mut name, value): (OsString, OsString)| {
        name.push("=");
        name.push(value);
        name
    };
    std::env::vars_os().map(join).collect()
}
