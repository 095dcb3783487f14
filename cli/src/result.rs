// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--json` and `--json-fd`: the record of how the command ended, and where it goes.

use crate::options::{Given, Option_, number};
use crate::print::Printer;
use crate::start::ExitCode;
use contain::command_line::{Manner, Place};
use contain::{Error, record};

/// The option that says where, beside a `--json` of the program's own.
pub(crate) const JSON_FD: Option_ = Option_ {
    short: None,
    long: Some("json-fd"),
    value: Some("N"),
    help: "the record of --json on descriptor N, which CMD does not get",
};

/// Where the record is wanted, if anywhere; stderr unless told otherwise.
pub(crate) fn wanted(given: &Given, preserved: u32) -> Result<Option<i32>, String> {
    let Some(value) = given.value("json-fd") else { return Ok(given.has("json").then_some(2)) };
    let number = number("--json-fd", value, i32::MAX.unsigned_abs() - 4096)?;
    if (3..3 + u64::from(preserved)).contains(&u64::from(number)) {
        return Err(format!("--json-fd {number}: CMD would get it by --preserve-fds {preserved}; name another"));
    }
    Ok(i32::try_from(number).ok())
}

/// Has `run` start what becomes the supervisor. Where it fails, that is printed, and recorded where that is wanted.
pub(crate) fn with_record(
    wanted: Option<i32>,
    preserved: u32,
    printer: Printer,
    run: impl FnOnce(&Manner<'_>) -> Error,
) -> ExitCode {
    let result = match wanted.map(|number| Place::new(number, preserved)).transpose() {
        Ok(result) => result,
        Err(error) => return printer.error(&error),
    };
    let tell = |note: &str| printer.note(note);
    let manner = Manner { tell: &tell, records: printer.records(), result };
    let error = run(&manner);
    let status = printer.error(&error);
    if let Some(Err(error)) = manner.result.map(|place| place.write(&record::of_failure(&error))) {
        printer.error(&error);
    }
    status
}
