// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written is read back the same, for steps of every kind and values of every type.

use crate::make::{Bytes, Values, Written, every_kind, header, plain, plan, raw_step, step, values};
use contain_plan::step::KINDS;
use contain_plan::{Descriptors, Doer, Entry, Header, MAX_LENGTH, MAX_STEPS, Plan, Step, Told, write_step};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

/// Reads a plan and compares it, step by step and byte by byte, with what was written.
fn assert_same(bytes: &[u8], steps: &[Written<'_>], finally: &[Written<'_>]) {
    let plan = Plan::read(bytes).expect("what was written is a plan");
    assert_eq!(usize::from(plan.header().steps), steps.len());
    let numbered = |first: usize, list: &[Written<'_>]| -> Vec<String> {
        let entry = |(index, (doer, optional, step)): (usize, &Written<'_>)| {
            let number = u32::try_from(first + index + 1).expect("a number");
            format!("{:?}", Entry { number, doer: *doer, optional: *optional, step: *step })
        };
        list.iter().enumerate().map(entry).collect()
    };
    let read = |entries: contain_plan::Entries<'_>| -> Vec<String> {
        entries.map(|entry| format!("{:?}", entry.expect("a checked step"))).collect()
    };
    assert_eq!(read(plan.steps()), numbered(0, steps));
    assert_eq!(read(plan.finally()), numbered(steps.len(), finally));
    assert_eq!(rewritten(&plan), bytes, "there is one way to write a plan");
}

/// A plan written again from what was read.
pub fn rewritten(plan: &Plan<'_>) -> Vec<u8> {
    let mut out = Bytes::default();
    plan.header().write(&mut out);
    for entry in plan.steps().chain(plan.finally()) {
        let entry = entry.expect("a checked step");
        write_step(&mut out, entry.doer, entry.optional, &entry.step);
    }
    out.0
}

#[test]
fn kinds_have_numbers_of_their_own_and_a_generator_each() {
    let values = plain();
    for ((kind, name), (_, _, step)) in KINDS.iter().zip(every_kind(&values)) {
        assert_eq!((step.kind(), step.name()), (*kind, *name), "the table and the step say the same");
        assert!(!name.is_empty() && name.len() <= 17, "{name:?} fits the column of --explain");
    }
    let numbers: BTreeSet<u16> = KINDS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(numbers.len(), KINDS.len(), "no number twice");
    assert!(!numbers.contains(&0), "0 is no kind: zeros are no plan");
    let last = numbers.last().copied().unwrap_or(0);
    for unknown in [0, last + 1, u16::MAX] {
        assert!(step(unknown, &values).is_none(), "{unknown} has a generator and is no kind");
    }
}

#[test]
fn one_step_of_every_kind_is_read_back() {
    let values = plain();
    let steps = every_kind(&values);
    assert_same(&plan(&steps, &steps[30..]), &steps, &steps[30..]);
    for one in &steps {
        assert_same(&plan(&[*one], &[]), &[*one], &[]);
        assert_same(&plan(&[], &[*one]), &[], &[*one]);
    }
}

/// The layout, byte for byte: a change of it is a new VERSION, and contain-init refuses plans of any other.
#[test]
fn layout_is_that_of_version_1() {
    let mut out = Bytes::default();
    let descriptors =
        Descriptors { control: 3, caller: 4, starter: 5, root: 6, home: 7, target: -1, listen: 8, record: 9 };
    Header { descriptors, stop_at: 258, fail_at: 2, told: Told::Record, ..header(2, 72, 8) }.write(&mut out);
    write_step(&mut out, Doer::Monitor, false, &Step::Clone { namespaces: 0x1000_0000 });
    let texts = crate::make::Texts::new(vec![c"mode=0755".into(), c"".into()]);
    let (filesystem, target) = (c"t", c"d");
    let mount = Step::Mount { filesystem, target, options: texts.list(), attributes: 2, make: true };
    write_step(&mut out, Doer::Init, true, &mount);
    write_step(&mut out, Doer::Monitor, false, &Step::Report {});
    #[rustfmt::skip]
    let expected = [
        &b"CPLN\x01\0\x02\0"[..], b"\x48\0\0\0", b"\x08\0\0\0",
        b"\x03\0\0\0\x04\0\0\0\x05\0\0\0\x06\0\0\0\x07\0\0\0\xff\xff\xff\xff\x08\0\0\0\x09\0\0\0", b"\x02\x01\x02\0", b"\x01\0",
        b"\x01\0\0\0", b"\x08\0\0\0", b"\0\0\0\x10\0\0\0\0",
        b"\x0e\0\x01\x01", b"\x30\0\0\0", b"\x02\0\0\0t\0", b"\x02\0\0\0d\0",
        b"\x02\0\0\0", b"\x13\0\0\0", b"\x0a\0\0\0mode=0755\0", b"\x01\0\0\0\0",
        b"\x02\0\0\0\0\0\0\0", b"\x01",
        b"\x22\0\0\0", b"\0\0\0\0",
    ]
    .concat();
    assert_eq!(out.0, expected);
    assert!(Plan::read(&out.0).is_ok());
}

#[test]
fn steps_are_found_by_number_in_both_lists() {
    let values = plain();
    let steps = every_kind(&values);
    let bytes = plan(&steps[..3], &steps[32..34]);
    let plan = Plan::read(&bytes).expect("a plan");
    let kinds: Vec<_> = (0..=6).map(|number| plan.entry(number).map(|entry| entry.step.kind())).collect();
    assert_eq!(kinds, [None, Some(1), Some(2), Some(3), Some(33), Some(34), None]);
    assert!(plan.entry(u32::MAX).is_none());
}

#[test]
fn longest_plan_and_most_steps_are_read() {
    let report = (Doer::Monitor, false, Step::Report {});
    let most = plan(&vec![report; MAX_STEPS - 1], &[report]);
    assert_eq!(Plan::read(&most).map(|plan| plan.steps().count()), Ok(MAX_STEPS - 1));
    let with = |bytes: usize| {
        let program = vec![7; bytes];
        plan(&[(Doer::Init, false, Step::LoadSeccomp { program: &program, flags: 0, summary: c"" })], &[])
    };
    let longest = with(MAX_LENGTH - with(0).len());
    assert_eq!(longest.len(), MAX_LENGTH);
    assert!(Plan::read(&longest).is_ok());
}

#[test]
fn lists_give_their_texts_and_the_empty_list_none() {
    let values = plain();
    let Some(Step::BindDevices { names }) = step(16, &values) else { panic!("a list") };
    let texts: Vec<_> = names.iter().map(|text| text.to_bytes().to_vec()).collect();
    assert_eq!(texts, [&b"A=1"[..], b"", b"PATH=/bin"]);
    assert_eq!((names.len(), names.is_empty()), (3, false));
    let empty = contain_plan::List::EMPTY;
    assert_eq!((empty.len(), empty.is_empty(), empty.iter().count()), (0, true, 0));
}

/// docs/plan.md has a row for every kind, with its name, and the limits.
#[test]
fn reference_names_every_kind_and_every_limit() {
    let page = include_str!("../../../../docs/plan.md");
    for (kind, name) in KINDS {
        let row = format!("| {kind} | {name} |");
        assert_eq!(page.lines().filter(|line| line.starts_with(&row)).count(), 1, "{row} in docs/plan.md");
    }
    let bytes = format!("at most {MAX_LENGTH} bytes and {MAX_STEPS} steps");
    let strings = format!("{} strings", contain_plan::MAX_STRINGS);
    let text = format!("at most {} bytes of the kernel's", contain_plan::message::TEXT);
    let message = format!("packets of {} bytes", contain_plan::message::LENGTH);
    let version = format!("u16, {}; every other is refused", contain_plan::VERSION);
    let flowing = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [bytes, strings, text, message, version] {
        assert!(flowing.contains(&words), "{words:?} in docs/plan.md");
    }
}

fn configuration() -> ProptestConfig {
    ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() }
}

fn chosen<'a>(values: &'a [(Index, bool, bool, Values)]) -> Vec<Written<'a>> {
    let made = values.iter().map(|(which, inside, optional, values)| {
        let (kind, _) = which.get(KINDS);
        (if *inside { Doer::Init } else { Doer::Monitor }, *optional, step(*kind, values).expect("a generator"))
    });
    made.collect()
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn any_values_of_every_kind_are_read_back(values in values()) {
        let steps = every_kind(&values);
        assert_same(&plan(&steps, &[]), &steps, &[]);
    }

    #[test]
    fn any_steps_in_any_order_are_read_back(
        steps in prop::collection::vec((any::<Index>(), any::<bool>(), any::<bool>(), values()), 1..12),
        finally in prop::collection::vec((any::<Index>(), any::<bool>(), any::<bool>(), values()), 0..4),
    ) {
        let (steps, finally) = (chosen(&steps), chosen(&finally));
        assert_same(&plan(&steps, &finally), &steps, &finally);
    }

    #[test]
    fn any_header_is_read_back(fds in any::<[i32; 8]>(), [stop_at, fail_at] in any::<[u16; 2]>(), as_record in any::<bool>()) {
        let [control, caller, starter, root, home, target, listen, record] = fds;
        let descriptors = Descriptors { control, caller, starter, root, home, target, listen, record };
        let mut bytes = Bytes::default();
        let body = raw_step(34, 0, 0, &[]);
        let told = if as_record { Told::Record } else { Told::Text };
        let header = Header { descriptors, stop_at, fail_at, told, ..header(1, body.len(), 0) };
        header.write(&mut bytes);
        bytes.0.extend_from_slice(&body);
        prop_assert_eq!(Plan::read(&bytes.0).map(|plan| *plan.header()), Ok(header));
        prop_assert_eq!(descriptors.all(), fds);
    }

    #[test]
    fn every_byte_of_a_prefix_is_missed(values in values(), cut in any::<Index>()) {
        let bytes = plan(&every_kind(&values), &[]);
        prop_assert!(Plan::read(&bytes[..cut.index(bytes.len())]).is_err());
    }
}
