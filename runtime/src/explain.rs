// SPDX-License-Identifier: MIT OR Apache-2.0
//! The plan of a configuration, printed before anything is done. What is printed is read back from the very bytes
//! that contain-init would get.

use crate::caller;
use crate::compile::{self, Way};
use crate::describe::{Description, describe};
use crate::error::Kind;
use crate::plan::{Draft, Test};
use crate::{Config, Error};
use contain_plan::{Descriptors, Plan};
use std::ffi::OsString;

/// The plan as a person reads it, one line a step.
pub fn text(config: &Config) -> Result<String, Error> {
    as_text(&compiled(config, Way::InPlace)?)
}

/// The plan as a program reads it: `{"version":1,"steps":[{"number":1,"doer":"monitor","name":"clone",…},…]}`.
pub fn json(config: &Config) -> Result<String, Error> {
    as_json(&compiled(config, Way::InPlace)?)
}

/// The steps, for programs in the same process.
pub fn descriptions(config: &Config) -> Result<Vec<Description>, Error> {
    steps(&compiled(config, Way::InPlace)?)
}

/// As [`text`], of what [`crate::Container::run`] does.
pub fn run_text(config: &Config) -> Result<String, Error> {
    as_text(&compiled(config, Way::Run)?)
}

/// As [`json`], of what [`crate::Container::run`] does.
pub fn run_json(config: &Config) -> Result<String, Error> {
    as_json(&compiled(config, Way::Run)?)
}

/// As [`text`], for `pseudo`.
pub fn pseudo_text(
    uid_map: Option<&str>,
    gid_map: Option<&str>,
    argv: &[OsString],
    env: &[OsString],
) -> Result<String, Error> {
    caller::check_privilege()?;
    as_text(&compile::pseudo(uid_map, gid_map, argv, env)?)
}

/// Whether a container could be made of it, as far as that can be told without making one: everything that is refused
/// before anything is done.
pub fn validate(config: &Config) -> Result<(), Error> {
    caller::check()?;
    compile::container(config, Way::Run)?;
    caller::check_preserved(config.preserve_fds)
}

/// A plan as [`text`] prints it.
pub(crate) fn as_text(draft: &Draft) -> Result<String, Error> {
    let notes: String = all_notes(draft).map(|note| format!("note: {note}\n")).collect();
    Ok(render(&steps(draft)?) + &notes)
}

/// A plan as [`json`] prints it.
pub(crate) fn as_json(draft: &Draft) -> Result<String, Error> {
    let notes: Vec<&String> = all_notes(draft).collect();
    Ok(render_json(&steps(draft)?, &notes))
}

fn all_notes(draft: &Draft) -> impl Iterator<Item = &String> {
    draft.notes.iter().chain(&draft.remarks)
}

/// A plan is made for who may carry it out.
fn compiled(config: &Config, way: Way) -> Result<Draft, Error> {
    caller::check_privilege()?;
    compile::container(config, way)
}

fn steps(draft: &Draft) -> Result<Vec<Description>, Error> {
    let bytes = draft.finish(Descriptors::NONE, Test::default())?;
    let unreadable =
        |_| Error::new(Kind::Internal, "plan", "read back the plan", "").cause("a defect in contain: please report it");
    let plan = Plan::read(&bytes).map_err(unreadable)?;
    let mut all = Vec::new();
    for (finally, entries) in [(false, plan.steps()), (true, plan.finally())] {
        for entry in entries {
            all.push(describe(&entry.map_err(unreadable)?, finally));
        }
    }
    Ok(all)
}

fn render(steps: &[Description]) -> String {
    let mut out = String::new();
    for step in steps {
        let object = if step.optional { format!("{} (where possible)", step.object) } else { step.object.clone() };
        let line = format!("{:<8}{:>3}  {:<14}  {object:<52}  {}", step.doer, step.number, step.name, step.note);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn render_json(steps: &[Description], notes: &[&String]) -> String {
    let steps: Vec<_> = steps
        .iter()
        .map(|step| {
            serde_json::json!({
                "number": step.number, "doer": step.doer, "name": step.name, "object": step.object,
                "note": step.note, "optional": step.optional,
            })
        })
        .collect();
    serde_json::json!({ "version": contain_plan::VERSION, "steps": steps, "notes": notes }).to_string()
}
