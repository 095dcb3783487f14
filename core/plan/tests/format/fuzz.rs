// SPDX-License-Identifier: MIT OR Apache-2.0
//! The readers of plans and of messages on mutated inputs: no panic, nothing read that is not in the bytes, and what
//! is taken is exactly what a writer would have written.

use crate::make::every_kind;
use crate::mutate::{Target, folder};
use crate::round_trip::rewritten;
use crate::{make, messages};
use contain_plan::{Message, Plan};
use std::collections::BTreeSet;

/// Kinds and lengths as the format writes them.
const WORDS: &[&[u8]] = &[b"CPLN", b"\x01\0\0\0", b"\x1d\0\x01\0", b"\x22\0\0\0\0\0\0\0", b"\x02\0\0\0a\0", b"\0"];

fn check_plan(bytes: &[u8]) {
    let Ok(plan) = Plan::read(bytes) else { return };
    assert_eq!(rewritten(&plan), bytes, "there is one way to write a plan");
    assert_eq!(plan.steps().count(), usize::from(plan.header().steps));
    let last = plan.steps().chain(plan.finally()).filter_map(Result::ok).last().expect("a plan has steps");
    assert!(plan.entry(last.number).is_some_and(|entry| entry.number == last.number));
    assert!(plan.entry(last.number + 1).is_none());
}

fn check_message(bytes: &[u8]) {
    let Ok(message) = Message::from_bytes(bytes) else { return };
    let again = message.to_bytes();
    assert_eq!(Message::from_bytes(&again), Ok(message));
    assert_eq!(again[..4], bytes[..4]);
    if let Message::Failed(failure) = message {
        assert!(failure.text().len() <= failure.text.len());
        let _ = failure.part();
    }
}

#[test]
fn fuzz_plan() {
    Target::open("plan", WORDS).run(check_plan);
}

/// From a plan that has every kind of step, also those that no configuration leads to.
#[test]
fn one_flipped_bit_in_a_plan_of_every_kind_is_found_or_harmless() {
    let values = make::plain();
    let steps = every_kind(&values);
    let mut bytes = make::plan(&steps, &steps[32..]);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            check_plan(&bytes);
            bytes[at] ^= 1 << bit;
        }
    }
    check_plan(&bytes);
}

#[test]
fn corpus_of_plans_has_plans_with_all_but_a_few_kinds() {
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(folder("plan")).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "plan") {
            let bytes = std::fs::read(&path).expect("a plan");
            let plan = Plan::read(&bytes).unwrap_or_else(|_| {
                panic!("{} is no plan of this version: UPDATE_CORPUS=1 cargo test -p contain corpus", path.display())
            });
            kinds.extend(plan.steps().chain(plan.finally()).flatten().map(|entry| entry.step.kind()));
        }
    }
    // Resource limits and capability sets: steps that no configuration has yet.
    let missing: Vec<_> =
        contain_plan::step::KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(missing, [0_u16; 0], "UPDATE_CORPUS=1 cargo test -p contain corpus; then this list");
}

#[test]
fn fuzz_message() {
    let update = std::env::var_os("UPDATE_CORPUS").is_some_and(|value| value == "1");
    for (index, message) in messages::all().iter().enumerate() {
        let path = folder("message").join(format!("{index:02}.message"));
        if update {
            std::fs::write(&path, message.to_bytes()).expect("write a message");
        }
        let kept = std::fs::read(&path).unwrap_or_default();
        assert_eq!(Message::from_bytes(&kept), Ok(*message), "{}: UPDATE_CORPUS=1", path.display());
    }
    Target::open("message", WORDS).run(check_message);
}
