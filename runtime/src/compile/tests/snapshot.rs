// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every word of every plan, as text and as JSON, kept in tests/snapshots. UPDATE_SNAPSHOTS=1 writes them anew; what
//! has changed is then to be read in the diff. The plans' bytes are where the fuzzing of the reader begins:
//! UPDATE_CORPUS=1 writes those, to tests/fuzz/plan.

use super::{bytes, cases};
use crate::explain;
use crate::plan::Draft;
use contain_plan::Plan;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(name)
}

fn asked_for(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| value == "1")
}

/// Both forms in one file; a step of the JSON a line, which has no line ends of its own.
fn printed(draft: &Draft) -> String {
    let text = explain::as_text(draft).expect("a plan in words");
    let json = explain::as_json(draft).expect("a plan in JSON");
    assert!(!json.contains('\n'), "one line for programs");
    format!("{text}\n{}\n", json.replace("},{", "},\n{"))
}

/// The lines of two texts beside each other: `-` only expected, `+` only found.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (expected.lines().collect(), found.lines().collect());
    // common[i][j]: how many lines old[i..] and new[j..] have in common, in order.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] =
                if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            let _ = writeln!(out, "  {:>3} - {}", i + 1, old[i]);
            i += 1;
        } else {
            let _ = writeln!(out, "  {:>3} + {}", j + 1, new[j]);
            j += 1;
        }
    }
    out
}

#[test]
fn plans_are_what_the_snapshots_say() {
    let folder = folder("snapshots");
    let mut wrong = String::new();
    for (name, draft) in cases() {
        let path = folder.join(name).with_extension("txt");
        let found = printed(&draft);
        if asked_for("UPDATE_SNAPSHOTS") {
            std::fs::write(&path, found).expect("write a snapshot");
            continue;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if expected != found {
            let _ = writeln!(wrong, "tests/snapshots/{name}.txt:\n{}", difference(&expected, &found));
        }
    }
    assert!(wrong.is_empty(), "plans have changed (- snapshot, + now):\n{wrong}where meant so: UPDATE_SNAPSHOTS=1");
}

#[test]
fn every_snapshot_belongs_to_a_configuration() {
    let names: BTreeSet<String> = cases().iter().map(|(name, _)| format!("{name}.txt")).collect();
    assert_eq!(names.len(), cases().len(), "a name is used twice");
    if asked_for("UPDATE_SNAPSHOTS") {
        println!("skipped: the snapshots are being written");
        return;
    }
    let entries = std::fs::read_dir(folder("snapshots")).expect("the snapshots");
    let kept: BTreeSet<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(kept, names, "tests/snapshots and the configurations");
}

#[test]
fn json_says_the_same_as_the_text() {
    for (name, draft) in cases() {
        let json: serde_json::Value =
            serde_json::from_str(&explain::as_json(&draft).expect("JSON")).expect("JSON that can be read");
        assert_eq!(json["version"], contain_plan::VERSION, "{name}");
        let steps = json["steps"].as_array().expect("steps");
        let text = explain::as_text(&draft).expect("text");
        let notes = json["notes"].as_array().expect("notes");
        assert_eq!(steps.len() + notes.len(), text.lines().count(), "{name}");
        for (note, line) in notes.iter().zip(text.lines().skip(steps.len())) {
            assert_eq!(Some(line), note.as_str().map(|note| format!("note: {note}")).as_deref(), "{name}");
        }
        for (index, (step, line)) in steps.iter().zip(text.lines()).enumerate() {
            assert_eq!(step["number"], index + 1, "{name}");
            for field in ["doer", "name", "object", "note"] {
                let value = step[field].as_str().expect("text");
                assert!(line.contains(value), "{name}: {field} {value:?} is not in {line:?}");
            }
            assert_eq!(line.contains("(where possible)"), step["optional"], "{name}: {line}");
        }
    }
}

#[test]
fn corpus_has_the_plan_of_every_configuration() {
    let folder = folder("fuzz/plan");
    for (name, draft) in cases() {
        let path = folder.join(name).with_extension("plan");
        if asked_for("UPDATE_CORPUS") {
            std::fs::write(&path, &*bytes(&draft)).expect("write a plan");
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert!(Plan::read(&kept).is_ok(), "tests/fuzz/plan/{name}.plan is no plan of this version: UPDATE_CORPUS=1");
    }
}

#[test]
fn difference_shows_the_lines_that_differ() {
    assert_eq!(difference("a\nb\nc\n", "a\nB\nc\nd\n"), "    2 - b\n    2 + B\n    4 + d\n");
    assert_eq!(difference("", "x\n"), "    1 + x\n");
    assert_eq!(difference("x\n", "x\n"), "");
}
