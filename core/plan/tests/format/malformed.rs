// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is no plan is refused, each limit and each rule by itself; nothing panics.

use crate::make::{Bytes, every_kind, header, plain, plan, raw_plan, raw_step};
use contain_plan::step::KINDS;
use contain_plan::wire::{Malformed, Reader};
use contain_plan::{Doer, Header, MAX_LENGTH, MAX_STEPS, Plan, Sink, Step, VERSION};

fn refused(bytes: &[u8]) -> bool {
    matches!(Plan::read(bytes), Err(Malformed))
}

/// A plan of this one step.
fn alone(kind: u16, body: &[u8]) -> Vec<u8> {
    raw_plan(1, &raw_step(kind, 0, 0, body), &[])
}

/// The body of a text field whose parts may be wrong.
fn text(length: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Bytes::default();
    out.u32(length);
    out.bytes(bytes);
    out.0
}

/// The body of a list field whose parts may be wrong.
fn list(count: u32, length: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Bytes::default();
    out.u32(count);
    out.0.extend(text(length, bytes));
    out.0
}

const BIND_ROOT: u16 = 10;
const BIND_DEVICES: u16 = 16;
const BECOME_IDS: u16 = 9;
const REPORT: u16 = 34;

#[test]
fn plan_cut_at_any_byte_is_refused() {
    let values = plain();
    let steps = every_kind(&values);
    let whole = plan(&steps, &steps[31..]);
    assert!(!refused(&whole));
    for length in 0..whole.len() {
        assert!(refused(&whole[..length]), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn byte_behind_the_end_is_refused() {
    let mut bytes = alone(REPORT, &[]);
    bytes.push(0);
    assert!(refused(&bytes));
}

#[test]
fn other_magic_and_other_versions_are_refused() {
    let good = alone(REPORT, &[]);
    for at in 0..4 {
        let mut bytes = good.clone();
        bytes[at] ^= 0x20;
        assert!(refused(&bytes), "byte {at} of the magic");
    }
    for version in [0, VERSION + 1, VERSION << 8, u16::MAX] {
        let mut bytes = good.clone();
        bytes[4..6].copy_from_slice(&version.to_le_bytes());
        assert!(refused(&bytes), "version {version}");
    }
}

#[test]
fn number_of_steps_that_is_not_theirs_is_refused() {
    let step = raw_step(REPORT, 0, 0, &[]);
    for count in [0, 2, u16::MAX] {
        assert!(refused(&raw_plan(count, &step, &[])), "{count} for one step");
    }
    assert!(refused(&raw_plan(2, &step, &step)), "a finally step is none of them");
    assert!(!refused(&raw_plan(0, &[], &step)));
    assert!(refused(&raw_plan(0, &[], &[])), "a plan does something");
}

#[test]
fn too_many_steps_are_refused() {
    let report = (Doer::Monitor, false, Step::Report {});
    assert!(!refused(&plan(&vec![report; MAX_STEPS], &[])));
    assert!(refused(&plan(&vec![report; MAX_STEPS + 1], &[])));
    assert!(refused(&plan(&vec![report; MAX_STEPS], &[report])), "both lists count");
    assert!(refused(&plan(&[report], &vec![report; MAX_STEPS])), "both lists count");
}

#[test]
fn plan_that_is_too_long_is_refused() {
    let bytes = vec![7; MAX_LENGTH + 1];
    let with = |count: usize| {
        let step = Step::LoadSeccomp { program: &bytes[..count], flags: 0, summary: c"" };
        plan(&[(Doer::Init, false, step)], &[])
    };
    let most = MAX_LENGTH - with(0).len();
    assert!(!refused(&with(most)));
    assert!(refused(&with(most + 1)));
}

#[test]
fn lengths_in_the_header_that_are_not_there_are_refused() {
    let body = raw_step(REPORT, 0, 0, &[]);
    let lengths = [0, 1, 7, 9, 16, MAX_LENGTH, MAX_LENGTH + 1, 0x7fff_ffff, u32::MAX as usize];
    for (steps_length, finally_length) in lengths.iter().flat_map(|a| lengths.iter().map(move |b| (*a, *b))) {
        let mut bytes = Bytes::default();
        header(1, steps_length, finally_length).write(&mut bytes);
        bytes.0.extend_from_slice(&body);
        assert!(refused(&bytes.0), "{steps_length} and {finally_length} for 8 bytes");
    }
}

#[test]
fn unknown_kinds_doers_and_flags_are_refused() {
    let kinds = KINDS.iter().map(|(kind, _)| *kind);
    let last = kinds.clone().max().expect("there are kinds");
    for kind in (0..=last + 1).chain([0x100 | last, u16::MAX]).filter(|kind| !kinds.clone().any(|known| known == *kind))
    {
        assert!(refused(&alone(kind, &[])), "kind {kind}");
    }
    for doer in 2..=u8::MAX {
        assert!(refused(&raw_plan(1, &raw_step(REPORT, doer, 0, &[]), &[])), "doer {doer}");
    }
    for flags in 0..=u8::MAX {
        assert_eq!(refused(&raw_plan(1, &raw_step(REPORT, 0, flags, &[]), &[])), flags > 1, "flags {flags}");
    }
}

#[test]
fn truth_values_other_than_0_and_1_are_refused() {
    for value in 0..=u8::MAX {
        assert_eq!(refused(&alone(BECOME_IDS, &[0, 0, 0, 0, 0, 0, 0, 0, value])), value > 1, "{value}");
    }
}

#[test]
fn body_that_is_longer_or_shorter_than_its_fields_is_refused() {
    let values = plain();
    for (_, _, step) in every_kind(&values) {
        let mut body = Bytes::default();
        step.write(&mut body);
        assert!(!refused(&alone(step.kind(), &body.0)), "{}", step.name());
        if let Some((_, shorter)) = body.0.split_last() {
            assert!(refused(&alone(step.kind(), shorter)), "{}: a byte is missing", step.name());
        }
        body.u8(0);
        assert!(refused(&alone(step.kind(), &body.0)), "{}: a byte too many", step.name());
    }
}

#[test]
fn length_of_a_body_that_is_not_there_is_refused() {
    for length in [1, 8, MAX_LENGTH as u32, 0x7fff_ffff, 0xffff_fff8, u32::MAX] {
        let mut step = raw_step(REPORT, 0, 0, &[]);
        step[4..8].copy_from_slice(&length.to_le_bytes());
        assert!(refused(&raw_plan(1, &step, &[])), "{length}");
    }
}

#[test]
fn text_ends_with_the_only_nul() {
    let good = |length, bytes: &[u8]| !refused(&alone(BIND_ROOT, &text(length, bytes)));
    assert!(good(2, b"a\0"));
    assert!(good(1, b"\0"));
    assert!(!good(0, b""), "not even a NUL");
    assert!(!good(1, b"a"), "no NUL");
    assert!(!good(4, b"a\0b\0"), "a NUL inside");
    assert!(!good(2, b"\0\0"), "two");
    assert!(!good(3, b"a\0"), "longer than what is there");
    assert!(!good(1, b"a\0"), "shorter than what is there");
    assert!(!good(u32::MAX, b"a\0"));
}

#[test]
fn list_has_as_many_texts_as_it_says() {
    let two = [text(2, b"a\0"), text(1, b"\0")].concat();
    let good = |count, length, bytes: &[u8]| !refused(&alone(BIND_DEVICES, &list(count, length, bytes)));
    assert!(good(2, 11, &two));
    assert!(good(0, 0, b""));
    for count in [0, 1, 3, 0x8000_0000, u32::MAX] {
        assert!(!good(count, 11, &two), "{count} for two texts");
    }
    for length in [0, 10, 12, u32::MAX] {
        assert!(!good(2, length, &two), "{length} for 11 bytes");
    }
    assert!(!good(1, 0, b""));
    assert!(!good(u32::MAX, 0, b""));
    assert!(!good(2, 11, &[text(2, b"ab"), text(1, b"\0")].concat()), "a text without NUL");
    assert!(!good(2, 11, &[text(u32::MAX, b"a\0"), text(1, b"\0")].concat()), "a text that is longer than the list");
}

#[test]
fn reader_stops_at_the_end_and_stays_there() {
    let mut reader = Reader::new(&[1, 2, 3]);
    assert_eq!((reader.u16(), reader.u16(), reader.is_empty()), (Ok(0x0201), Err(Malformed), false));
    assert_eq!((reader.u8(), reader.u8(), reader.is_empty()), (Ok(3), Err(Malformed), true));
    assert_eq!(
        (reader.bytes(0), reader.bytes(1), reader.bytes(usize::MAX)),
        (Ok(&[][..]), Err(Malformed), Err(Malformed))
    );
    let numbers = [0xff; 20];
    let mut reader = Reader::new(&numbers);
    assert_eq!((reader.u32(), reader.i32(), reader.u64()), (Ok(u32::MAX), Ok(-1), Ok(u64::MAX)));
    assert_eq!(reader.sized(), Err(Malformed));
}

#[test]
fn zeros_and_ones_of_any_length_are_no_plan() {
    for byte in [0, 0xff] {
        for length in (0..128).chain([4096, MAX_LENGTH, MAX_LENGTH + 1]) {
            assert!(refused(&vec![byte; length]), "{length} bytes of {byte:#x}");
        }
    }
    let mut header_alone = Bytes::default();
    Header { ..header(0, 0, 0) }.write(&mut header_alone);
    assert!(refused(&header_alone.0));
}
