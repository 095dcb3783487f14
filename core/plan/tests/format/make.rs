// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans to test with: values for the fields of every kind of step, and a writer that can also write what is wrong.

use contain_plan::{Descriptors, Doer, Header, List, Sink, Step, Told, write_step};
use proptest::prelude::*;
use std::ffi::{CStr, CString};

/// A sink that keeps what is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Sink for Bytes {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

/// A list of texts that owns them.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    pub texts: Vec<CString>,
    body: Vec<u8>,
}

impl Texts {
    pub fn new(texts: Vec<CString>) -> Texts {
        let mut body = Bytes::default();
        for text in &texts {
            body.text(text);
        }
        Texts { texts, body: body.0 }
    }

    pub fn list(&self) -> List<'_> {
        List::new(u32::try_from(self.texts.len()).expect("few texts"), &self.body)
    }
}

/// Values for the fields of one step; a kind takes as many of each type as it has.
#[derive(Clone, Debug)]
pub struct Values {
    pub bools: [bool; 2],
    pub words: [u32; 2],
    pub signed: i32,
    pub longs: [u64; 2],
    pub texts: [CString; 2],
    pub lists: [Texts; 2],
    pub bytes: [Vec<u8>; 2],
}

/// A step of this kind; none for a number that has no generator here.
pub fn step(kind: u16, values: &Values) -> Option<Step<'_>> {
    let Values { bools: [yes, no], words: [word, other], signed, longs: [long, longer], .. } = *values;
    let [text, name] = [&values.texts[0], &values.texts[1]].map(CString::as_c_str);
    let [list, rest] = [&values.lists[0], &values.lists[1]].map(Texts::list);
    let [bytes, more] = [&values.bytes[0], &values.bytes[1]].map(Vec::as_slice);
    Some(match kind {
        1 => Step::Clone { namespaces: long },
        2 => Step::MapIds { deny_setgroups: yes, uid_map: bytes, gid_map: more },
        3 => Step::MapIdsThrough { uid_helper: text, uid_arguments: list, gid_helper: name, gid_arguments: rest },
        4 => Step::PrepareOutside { command: text, environment: list },
        5 => Step::RunOutside { command: text },
        6 => Step::Join { namespaces: long },
        7 => Step::RunInside { command: text, environment: list },
        8 => Step::AwaitStart {},
        9 => Step::BecomeIds { uid: word, gid: other, clear_groups: yes },
        10 => Step::BindRoot { path: text },
        11 => Step::TmpfsRoot { place: text },
        12 => Step::MakeDirectory { path: text, mode: word },
        13 => Step::MakeLink { target: text, path: name },
        14 => Step::Mount { filesystem: text, target: name, options: list, attributes: long, make: yes },
        15 => Step::Bind { source: text, target: name, attributes: long, recursive: yes },
        16 => Step::BindDevices { names: list },
        17 => Step::OpenConsole {},
        18 => Step::RaiseLoopback {},
        19 => Step::Pivot {},
        20 => Step::SetHostname { name: text },
        21 => Step::LimitResource { resource: word, soft: long, hard: longer },
        22 => Step::TakeConsole {},
        23 => Step::ChangeDirectory { path: text },
        24 => Step::ResetSignals {},
        25 => Step::Reap {},
        26 => Step::SetCapabilities { bounding: long, permitted: longer },
        27 => Step::SetNoNewPrivs {},
        28 => Step::LoadSeccomp { program: bytes, flags: word, summary: text },
        29 => Step::Execute { search: text, arguments: list, environment: rest, keep: word },
        30 => Step::JoinTarget { leave_groups: yes, namespaces: long, pid: signed },
        31 => Step::Dismiss {},
        32 => Step::Watch { console: yes, guard: no },
        33 => Step::RestoreTerminal {},
        34 => Step::Report {},
        35 => Step::EnterCgroup { mount: text, file: name },
        36 => Step::BecomeUser { uid: word, gid: other, set_groups: yes, groups: bytes, keep: long, console: no },
        37 => Step::HoldSource { descriptor: signed, path: text },
        38 => Step::BindSource { descriptor: signed, source: text, target: name, attributes: long },
        39 => Step::MountInside { filesystem: text, target: name, options: list, attributes: long },
        40 => Step::ProtectRoot { submounts: yes },
        41 => Step::MapIdsByHelper { helper: text, request: bytes },
        42 => Step::OverlayRoot { path: text, options: list },
        43 => Step::Overlay { source: text, target: name, options: list },
        44 => Step::MakeVeth { name: text, peer: name, bridge: text, mtu: word },
        45 => Step::SetUpInterface { name: text, address: bytes, prefix: word, gateway: more, shown: name },
        46 => Step::SetDeadline { microseconds: long },
        47 => Step::OpenTerminal {},
        48 => Step::MakeFile { path: text, mode: word, contents: signed, offset: long, length: longer },
        49 => Step::CopyOut { path: text, limit: long },
        50 => Step::CopyIn { path: text, mode: word },
        51 => Step::MakeConsole { rows: word, columns: other },
        52 => Step::GiveConsole {},
        53 => Step::UseConsole { descriptors: word },
        54 => Step::Close { keep: word },
        _ => return None,
    })
}

/// The same values for every test that needs one plan of all kinds.
pub fn plain() -> Values {
    let texts = |texts: &[&CStr]| Texts::new(texts.iter().map(|text| CString::from(*text)).collect());
    Values {
        bools: [true, false],
        words: [0o755, 7],
        signed: -5,
        longs: [0x7e02_0080, u64::MAX],
        texts: [c"usr/bin/env".into(), c"".into()],
        lists: [texts(&[c"A=1", c"", c"PATH=/bin"]), texts(&[])],
        bytes: [b"0 1000 1\n".to_vec(), vec![0, 255, 0]],
    }
}

fn text() -> impl Strategy<Value = CString> {
    let bytes = prop_oneof![4 => 0..24_usize, 1 => Just(4096_usize)]
        .prop_flat_map(|length| prop::collection::vec(1..=255_u8, length));
    bytes.prop_map(|bytes| CString::new(bytes).expect("no NUL"))
}

fn texts() -> impl Strategy<Value = Texts> {
    prop::collection::vec(text(), 0..6).prop_map(Texts::new)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..48)
}

fn long() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), Just(0), Just(u64::MAX), any::<u32>().prop_map(u64::from)]
}

/// Values of every type, the smallest and the largest among them.
pub fn values() -> impl Strategy<Value = Values> {
    let numbers = (any::<[bool; 2]>(), any::<[u32; 2]>(), any::<i32>(), [long(), long()]);
    let strings = ([text(), text()], [texts(), texts()], [bytes(), bytes()]);
    (numbers, strings).prop_map(|((bools, words, signed, longs), (texts, lists, bytes))| Values {
        bools,
        words,
        signed,
        longs,
        texts,
        lists,
        bytes,
    })
}

/// One step of a plan to be written.
pub type Written<'a> = (Doer, bool, Step<'a>);

/// A plan as the writer makes it.
pub fn plan(steps: &[Written<'_>], finally: &[Written<'_>]) -> Vec<u8> {
    let body = |list: &[Written<'_>]| {
        let mut out = Bytes::default();
        for (doer, optional, step) in list {
            write_step(&mut out, *doer, *optional, step);
        }
        out.0
    };
    raw_plan(u16::try_from(steps.len()).expect("few steps"), &body(steps), &body(finally))
}

/// A plan whose parts may be wrong.
pub fn raw_plan(count: u16, steps: &[u8], finally: &[u8]) -> Vec<u8> {
    let mut out = Bytes::default();
    header(count, steps.len(), finally.len()).write(&mut out);
    out.0.extend_from_slice(steps);
    out.0.extend_from_slice(finally);
    out.0
}

pub fn header(steps: u16, steps_length: usize, finally_length: usize) -> Header {
    let length = |length| u32::try_from(length).expect("a length");
    Header {
        steps,
        steps_length: length(steps_length),
        finally_length: length(finally_length),
        descriptors: Descriptors::NONE,
        stop_at: 0,
        fail_at: 0,
        told: Told::Text,
    }
}

/// A step whose parts may be wrong.
pub fn raw_step(kind: u16, doer: u8, flags: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Bytes::default();
    out.u16(kind);
    out.u8(doer);
    out.u8(flags);
    out.sized(body);
    out.0
}

/// A step of every kind, in the order of their numbers.
pub fn every_kind(values: &Values) -> Vec<Written<'_>> {
    let kinds = contain_plan::step::KINDS.iter();
    let steps = kinds.map(|(kind, name)| match step(*kind, values) {
        Some(step) => (if kind % 2 == 0 { Doer::Init } else { Doer::Monitor }, kind % 3 == 0, step),
        None => panic!("step kind {kind} ({name}) has no generator: add it to `step` in make.rs"),
    });
    steps.collect()
}
