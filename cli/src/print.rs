// SPDX-License-Identifier: MIT OR Apache-2.0
//! Printing errors, help and versions; exit statuses.

use crate::options::Program;
use crate::start::ExitCode;
use contain::Error;
use std::ffi::OsString;
use std::io::Write;

/// Exit status of a command line that cannot be understood (EX_USAGE).
const USAGE: u8 = 64;

/// Prints `NAME: OPERATION OBJECT: ERRNO TEXT` and a hint; the exit status.
pub fn error(name: &str, error: &Error) -> ExitCode {
    let mut text = format!("{name}: {error}\n");
    if let Some(remedy) = &error.remedy {
        text.push_str(&format!("hint: {remedy}\n"));
    }
    // Where stderr is closed, the status alone tells.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(u8::try_from(error.exit_status()).unwrap_or(125))
}

/// Prints what a person should know though nothing failed.
pub fn note(name: &str, note: &str) {
    // Where stderr is closed, there is nobody to tell.
    let _ = std::io::stderr().write_all(format!("{name}: note: {note}\n").as_bytes());
}

/// Prints what is wrong with the command line, and how it is used.
pub fn usage(program: &Program, wrong: &str) -> ExitCode {
    let mut text = String::new();
    if !wrong.is_empty() {
        text.push_str(&format!("{}: {wrong}\n", program.name));
    }
    text.push_str(&format!("{}\nhint: {} --help shows the options\n", program.usage(), program.name));
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(USAGE)
}

/// Prints to stdout; a reader that is gone is an error.
pub fn out(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(125),
    }
}

/// `NAME VERSION`.
pub fn version(program: &Program) -> ExitCode {
    out(&format!("{} {}\n", program.name, contain::VERSION))
}

/// Where contain-init executed this program again to print a failure: what it says, else nothing.
pub fn report(name: &str) -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    let (report, plan, rest) = (arguments.next()?, arguments.next()?, arguments.next());
    let number = |argument: &OsString, option: &str| argument.to_str()?.strip_prefix(option)?.parse::<i32>().ok();
    let report = number(&report, "--report-fd=")?;
    let plan = number(&plan, "--plan-fd=")?;
    if rest.is_some() {
        return None;
    }
    Some(error(name, &contain::command_line::reported(report, plan)))
}
