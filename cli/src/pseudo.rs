// SPDX-License-Identifier: MIT OR Apache-2.0
//! pseudo [-g MAP] [-u MAP] [CMD [ARG]...]

use crate::inject::{command_or_shell, environment};
use crate::options::{Given, Option_, Program, parse, utf8};
use crate::print;
use crate::start::ExitCode;

/// Its table.
pub(crate) static PROGRAM: Program = Program {
    name: "pseudo",
    operands: "[CMD [ARG]...]",
    about: "Runs CMD (default $SHELL, else /bin/sh) as root of a new user namespace and nothing else.",
    options: &[
        Option_ { short: Some('g'), long: None, value: Some("MAP"), help: "group id map of the user namespace" },
        Option_ { short: Some('u'), long: None, value: Some("MAP"), help: "user id map of the user namespace" },
        Option_ { short: None, long: Some("explain"), value: None, help: "print what would be done, and do nothing" },
    ],
    notes: "Maps are START:LOWER:COUNT[,START:LOWER:COUNT]..., START inside, LOWER on the host.\n\
        CMD is looked up on PATH, and keeps environment and descriptors.\n",
};

/// Runs the program.
pub fn main() -> ExitCode {
    if let Some(status) = print::report(PROGRAM.name) {
        return status;
    }
    match parse(&PROGRAM, std::env::args_os().skip(1)) {
        Ok(given) if given.has("help") => print::out(&PROGRAM.help()),
        Ok(given) if given.has("version") => print::version(&PROGRAM),
        Ok(given) => run(&given).unwrap_or_else(|wrong| print::usage(&PROGRAM, &wrong)),
        Err(wrong) => print::usage(&PROGRAM, &wrong),
    }
}

fn run(given: &Given) -> Result<ExitCode, String> {
    let (users, groups) = (utf8(given.value("u"))?, utf8(given.value("g"))?);
    let argv = command_or_shell(&given.operands);
    if !given.has("explain") {
        let error = contain::command_line::pseudo(users.as_deref(), groups.as_deref(), &argv, &environment(), |note| {
            print::note(PROGRAM.name, note)
        });
        return Ok(print::error(PROGRAM.name, &error));
    }
    Ok(match contain::explain::pseudo_text(users.as_deref(), groups.as_deref(), &argv) {
        Ok(text) => print::out(&text),
        Err(error) => print::error(PROGRAM.name, &error),
    })
}
