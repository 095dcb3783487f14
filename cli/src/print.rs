// SPDX-License-Identifier: MIT OR Apache-2.0
//! Printing errors, notes, help and versions, in words or as records; exit statuses.

use crate::options::{Given, Program, parse};
use crate::start::ExitCode;
use contain::{Error, Kind, record};
use std::ffi::OsString;
use std::io::Write;

/// Exit status of a command line that cannot be understood (EX_USAGE).
const USAGE: u8 = 64;

/// How errors and notes are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// In words.
    Text,
    /// As records, a line each.
    Records,
}

/// Who prints errors and notes, and how.
#[derive(Clone, Copy)]
pub struct Printer {
    program: &'static Program,
    format: Format,
}

impl Printer {
    /// In the format of `--log-format`; in words where that is wrong, which is the error.
    pub fn new(program: &'static Program, given: &Given) -> Result<Printer, String> {
        let format = match given.value("log-format") {
            None => Format::Text,
            Some(text) if text == "text" => Format::Text,
            Some(json) if json == "json" => Format::Records,
            Some(other) => return Err(format!("--log-format {other:?}: the formats are text and json")),
        };
        Ok(Printer { program, format })
    }

    /// Whether it prints records.
    pub fn records(self) -> bool {
        self.format == Format::Records
    }

    /// Prints `NAME: OPERATION OBJECT: ERRNO TEXT` and a hint, or a record of them; the exit status.
    pub fn error(self, error: &Error) -> ExitCode {
        let name = self.program.name;
        let text = match self.format {
            Format::Records => record::of_error(name, error),
            Format::Text => {
                let hint = error.remedy.as_ref().map(|remedy| format!("hint: {remedy}\n")).unwrap_or_default();
                format!("{name}: {error}\n{hint}")
            }
        };
        // Where stderr is closed, the status alone tells.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(u8::try_from(error.exit_status()).unwrap_or(125))
    }

    /// Prints what a person should know though nothing failed.
    pub fn note(self, note: &str) {
        let name = self.program.name;
        let text = match self.format {
            Format::Records => record::of_note(name, note),
            Format::Text => format!("{name}: note: {note}\n"),
        };
        // Where stderr is closed, there is nobody to tell.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    /// Prints what is wrong with the command line, and how it is used.
    pub fn usage(self, wrong: &str) -> ExitCode {
        let name = self.program.name;
        let hint = format!("{name} --help shows the options");
        let text = match self.format {
            Format::Records => {
                let error = Error::new(Kind::Invalid, "usage", "understand the command line", "");
                record::of_error(name, &error.cause(wrong).remedy(hint))
            }
            Format::Text => format!("{name}: {wrong}\n{}\nhint: {hint}\n", self.program.usage()),
        };
        // Where stderr is closed, the status alone tells.
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::from(USAGE)
    }
}

/// Runs a program: reads its command line, answers `--help` and `--version`, and has `run` do the rest.
pub fn main(program: &'static Program, run: fn(&Given, Printer) -> ExitCode) -> ExitCode {
    if let Some(status) = report(program) {
        return status;
    }
    let (given, read) = parse(program, std::env::args_os().skip(1));
    if read.is_ok() && given.has("help") {
        return out(&program.help());
    }
    if read.is_ok() && given.has("version") {
        return version(program);
    }
    let printer = match Printer::new(program, &given) {
        Ok(printer) => printer,
        Err(wrong) => return Printer { program, format: Format::Text }.usage(&wrong),
    };
    match read {
        Ok(()) => run(&given, printer),
        Err(wrong) => printer.usage(&wrong),
    }
}

/// Prints to stdout; a reader that is gone is an error.
pub fn out(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(125),
    }
}

/// `NAME VERSION`.
fn version(program: &Program) -> ExitCode {
    out(&format!("{} {}\n", program.name, contain::VERSION))
}

/// Where contain-init executed this program again to print a failure: what it says, else nothing.
fn report(program: &'static Program) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let (report, plan, rest) = (arguments.next()?, arguments.next()?, arguments.next());
    let number = |argument: &OsString, option: &str| argument.to_str()?.strip_prefix(option)?.parse::<i32>().ok();
    let report = number(&report, "--report-fd=")?;
    let plan = number(&plan, "--plan-fd=")?;
    if rest.is_some() {
        return None;
    }
    let (error, records) = contain::command_line::reported(report, plan);
    let format = if records { Format::Records } else { Format::Text };
    Some(Printer { program, format }.error(&error))
}
