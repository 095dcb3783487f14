// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records for programs: how a container ended, and errors and notes, each one line of JSON (README, contain(1)).

use crate::error::{Error, Kind};
use crate::outcome::{EndedBy, Outcome};
use serde_json::{Value, json};

/// The record of an end.
pub fn of_outcome(outcome: &Outcome) -> String {
    let (status, signal) = match outcome.ended_by {
        EndedBy::Exited => (Some(outcome.status), None),
        EndedBy::Setup => (None, None),
        _ => (None, Some(outcome.status)),
    };
    line(&json!({
        "ended_by": outcome.ended_by.word(), "exit_status": outcome.exit_status(), "status": status, "signal": signal,
        "wall": outcome.wall.as_secs_f64(), "user": outcome.user.as_secs_f64(), "system": outcome.system.as_secs_f64(),
        "peak_memory": outcome.peak_memory, "error": null,
    }))
}

/// The record of a container whose command never began.
pub fn of_failure(error: &Error) -> String {
    unfinished("setup", error, &Value::Null)
}

/// The record of a command that was ended since contain itself failed meanwhile.
pub(crate) fn of_broken(outcome: &Outcome, error: &Error) -> String {
    unfinished("failure", error, &json!(outcome.wall.as_secs_f64()))
}

fn unfinished(ended_by: &str, error: &Error, wall: &Value) -> String {
    line(&json!({
        "ended_by": ended_by, "exit_status": error.exit_status(), "status": null, "signal": null,
        "wall": wall, "user": null, "system": null, "peak_memory": null, "error": fields(error),
    }))
}

/// An error as `--log-format json` prints it.
pub fn of_error(program: &str, error: &Error) -> String {
    let mut record = fields(error);
    record["level"] = "error".into();
    record["program"] = program.into();
    record["msg"] = error.to_string().into();
    line(&record)
}

/// A note as `--log-format json` prints it.
pub fn of_note(program: &str, note: &str) -> String {
    line(&json!({ "level": "info", "program": program, "msg": note }))
}

fn fields(error: &Error) -> Value {
    json!({
        "kind": kind(error.kind), "stage": error.stage, "step": error.step, "operation": error.operation,
        "object": error.object, "errno": error.errno,
        "errno_name": error.errno.map(|errno| format!("{:?}", nix::errno::Errno::from_raw(errno))),
        "kernel_message": error.kernel_message, "cause": error.cause, "remedy": error.remedy,
        "in_child": error.in_child, "status": error.status,
    })
}

fn line(record: &Value) -> String {
    format!("{record}\n")
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Invalid => "invalid",
        Kind::System => "system",
        Kind::Root => "root",
        Kind::IdMap => "id map",
        Kind::NotFound => "not found",
        Kind::NotExecutable => "not executable",
        Kind::Helper => "helper",
        Kind::Gone => "gone",
        Kind::SecureExec => "secure exec",
        Kind::Unsupported => "unsupported",
        Kind::TooBig => "too big",
        Kind::WrongProcess => "wrong process",
        Kind::Internal => "internal",
        Kind::Exists => "exists",
        Kind::Busy => "busy",
    }
}
