// SPDX-License-Identifier: MIT OR Apache-2.0
//! pseudo [-g MAP] [-u MAP] [CMD [ARG]...]

use crate::inject::{command_or_shell, environment};
use crate::options::{Given, Option_, Program, utf8};
use crate::print::{self, Printer};
use crate::start::ExitCode;
use contain::command_line::Manner;

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
    print::main(&PROGRAM, |given, printer| run(given, printer).unwrap_or_else(|wrong| printer.usage(&wrong)))
}

fn run(given: &Given, printer: Printer) -> Result<ExitCode, String> {
    let (users, groups) = (utf8(given.value("u"))?, utf8(given.value("g"))?);
    let argv = command_or_shell(&given.operands);
    if !given.has("explain") {
        let tell = |note: &str| printer.note(note);
        let manner = Manner { tell: &tell, records: printer.records(), result: None };
        let (users, groups) = (users.as_deref(), groups.as_deref());
        let error = contain::command_line::pseudo(users, groups, &argv, &environment(), &manner);
        return Ok(printer.error(&error));
    }
    Ok(match contain::explain::pseudo_text(users.as_deref(), groups.as_deref(), &argv, &environment()) {
        Ok(text) => print::out(&text),
        Err(error) => printer.error(&error),
    })
}
