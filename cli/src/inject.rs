// SPDX-License-Identifier: MIT OR Apache-2.0
//! inject PID|NAME [CMD [ARG]...]

use crate::options::{Given, Option_, Program, parse, seconds};
use crate::print;
use crate::start::ExitCode;
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
            long: Some("timeout"),
            value: Some("SECONDS"),
            help: "how long CMD may run; then it and all that it started is killed",
        },
    ],
    notes: "CMD is looked up on PATH, and keeps environment and descriptors.\n\
        Exit status: CMD's own; 128+N when signal N ended it; 127 not found; 126 not executable;\n\
        125 inject's own failure; 124 out of time; 64 usage.\n",
};

/// Runs the program.
pub fn main() -> ExitCode {
    if let Some(status) = print::report(PROGRAM.name) {
        return status;
    }
    match parse(&PROGRAM, std::env::args_os().skip(1)) {
        Ok(given) if given.has("help") => print::out(&PROGRAM.help()),
        Ok(given) if given.has("version") => print::version(&PROGRAM),
        Ok(given) => run(&given),
        Err(wrong) => print::usage(&PROGRAM, &wrong),
    }
}

fn run(given: &Given) -> ExitCode {
    let Some((pid, command)) = given.operands.split_first() else {
        return print::usage(&PROGRAM, "no PID given");
    };
    let timeout = match given.value("timeout").map(|time| seconds("--timeout", time)).transpose() {
        Ok(timeout) => timeout,
        Err(wrong) => return print::usage(&PROGRAM, &wrong),
    };
    let terminal = given.has("t");
    let (argv, environment) = (command_or_shell(command), environment());
    let tell = |note: &str| print::note(PROGRAM.name, note);
    // A name is never all digits.
    let error = if let Some(name) = pid.to_str().filter(|name| contain::state::check_name(name).is_ok()) {
        contain::command_line::inject_by_name(name, &argv, &environment, timeout, terminal, tell)
    } else if let Some(pid) = pid.to_str().and_then(|text| text.parse::<i32>().ok()).filter(|pid| *pid > 0) {
        contain::command_line::inject(pid, &argv, &environment, timeout, terminal, tell)
    } else {
        return print::usage(&PROGRAM, &format!("{pid:?} is no process id, and no name"));
    };
    print::error(PROGRAM.name, &error)
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
