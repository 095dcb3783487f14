// SPDX-License-Identifier: MIT OR Apache-2.0
//! Messages: every one is read back, and what is none is refused.

use contain_plan::message::{Failure, LENGTH, Part, Passed, Reached, TEXT};
use contain_plan::wire::Malformed;
use contain_plan::{Ending, Message};
use proptest::prelude::*;

/// The number that a message begins with; a new message needs one here, and a generator below.
fn number(message: &Message) -> u32 {
    match message {
        Message::Go => 1,
        Message::Created { .. } => 2,
        Message::Started { .. } => 3,
        Message::Failed(_) => 4,
        Message::Ended(_) => 5,
        Message::Start => 6,
        Message::Signal { .. } => 7,
        Message::Kill => 8,
        Message::Release => 9,
        Message::Pass { .. } => 10,
        Message::Detach => 11,
        Message::Console => 12,
    }
}

const LAST: u32 = 12;

fn failure() -> impl Strategy<Value = Failure> {
    let text = prop::collection::vec(any::<u8>(), TEXT).prop_map(|bytes| bytes.try_into().expect("as many"));
    let numbers = (any::<u32>(), any::<i32>(), 0..Part::ALL.len(), any::<i32>(), any::<bool>(), 0..=TEXT);
    (numbers, text).prop_map(|((step, errno, part, status, inside, length), text)| Failure {
        step,
        errno,
        part: Part::ALL[part] as u32,
        status,
        inside,
        text,
        text_length: u32::try_from(length).expect("short"),
    })
}

fn message() -> impl Strategy<Value = Message> {
    let reached =
        prop_oneof![Just(Reached::Nothing), Just(Reached::Deadline), Just(Reached::Failure), Just(Reached::Asked)];
    let ending = (any::<i32>(), any::<[u64; 4]>(), reached).prop_map(|(status, numbers, reached)| {
        let [wall_ns, user_us, system_us, peak_kib] = numbers;
        Message::Ended(Ending { status, wall_ns, user_us, system_us, peak_kib, reached })
    });
    prop_oneof![
        Just(Message::Go),
        any::<i32>().prop_map(|init| Message::Created { init }),
        any::<i32>().prop_map(|init| Message::Started { init }),
        failure().prop_map(Message::Failed),
        ending,
        Just(Message::Start),
        any::<i32>().prop_map(|signal| Message::Signal { signal }),
        Just(Message::Kill),
        Just(Message::Release),
        prop_oneof![Just(Passed::Console), Just(Passed::Root), Just(Passed::Terminal)]
            .prop_map(|what| Message::Pass { what }),
        Just(Message::Detach),
        Just(Message::Console),
    ]
}

/// One of each.
pub fn all() -> Vec<Message> {
    let mut failure = Failure::new(7, 13, Part::Target);
    failure.text[..5].copy_from_slice(b"tmpfs");
    failure.text_length = 5;
    vec![
        Message::Go,
        Message::Created { init: 4711 },
        Message::Started { init: i32::MAX },
        Message::Failed(failure),
        Message::Ended(Ending {
            status: 0x0100,
            wall_ns: 1 << 40,
            user_us: 2,
            system_us: 3,
            peak_kib: u64::MAX,
            reached: Reached::Deadline,
        }),
        Message::Start,
        Message::Signal { signal: -1 },
        Message::Kill,
        Message::Release,
        Message::Pass { what: Passed::Console },
        Message::Pass { what: Passed::Root },
        Message::Pass { what: Passed::Terminal },
        Message::Detach,
        Message::Console,
    ]
}

/// The first bytes of a message of this number.
fn raw(number: u32, words: &[u32]) -> [u8; LENGTH] {
    let mut out = [0; LENGTH];
    let bytes: Vec<u8> = [number].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect();
    out[..bytes.len()].copy_from_slice(&bytes);
    out
}

#[test]
fn each_message_is_read_back_and_has_its_number() {
    let mut seen = Vec::new();
    for message in all() {
        let bytes = message.to_bytes();
        assert_eq!(Message::from_bytes(&bytes), Ok(message));
        assert_eq!(bytes[..4], number(&message).to_le_bytes(), "{message:?}");
        seen.push(number(&message));
    }
    seen.dedup();
    assert_eq!(seen, (1..=LAST).collect::<Vec<_>>(), "one of each");
}

#[test]
fn unknown_numbers_are_refused() {
    for number in [0, LAST + 1, 0x0100_0001, u32::MAX] {
        assert_eq!(Message::from_bytes(&raw(number, &[])), Err(Malformed), "{number}");
    }
}

#[test]
fn other_lengths_are_refused() {
    for message in all() {
        let mut bytes = message.to_bytes().to_vec();
        bytes.push(0);
        assert_eq!(Message::from_bytes(&bytes), Err(Malformed), "a byte too many");
        for length in 0..LENGTH {
            assert_eq!(Message::from_bytes(&bytes[..length]), Err(Malformed), "{length} bytes of {message:?}");
        }
    }
}

#[test]
fn failure_has_a_known_part_and_a_text_that_fits() {
    let failed = |part: u32, length: u32| Message::from_bytes(&raw(4, &[1, 2, part, 0, 0, length]));
    let parts = Part::ALL.len() as u32;
    for (number, part) in Part::ALL.iter().enumerate() {
        assert_eq!(*part as usize, number, "{part:?} stands where its number says");
        let Ok(Message::Failed(failure)) = failed(number as u32, 0) else { panic!("part {number}") };
        assert_eq!(failure.part(), *part);
    }
    for part in [parts, parts + 1, u32::MAX] {
        assert_eq!(failed(part, 0), Err(Malformed), "part {part}");
    }
    for length in [0, 1, TEXT as u32] {
        let Ok(Message::Failed(failure)) = failed(0, length) else { panic!("{length} bytes") };
        assert_eq!(failure.text().len(), length as usize);
    }
    for length in [TEXT as u32 + 1, 0x8000_0000, u32::MAX] {
        assert_eq!(failed(0, length), Err(Malformed), "{length} bytes of text");
    }
}

#[test]
fn failure_made_by_hand_never_reads_past_its_text() {
    let failure = Failure { text_length: u32::MAX, part: u32::MAX, ..Failure::new(0, 0, Part::Whole) };
    assert_eq!((failure.text(), failure.part()), (&[][..], Part::Whole));
}

#[test]
fn passed_descriptor_that_is_nothing_known_is_refused() {
    for what in [0, 4, u32::MAX] {
        assert_eq!(Message::from_bytes(&raw(10, &[what])), Err(Malformed), "{what}");
    }
}

fn configuration() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn any_message_is_read_back(message in message()) {
        let bytes = message.to_bytes();
        prop_assert_eq!(Message::from_bytes(&bytes), Ok(message));
        prop_assert_eq!(&bytes[..4], number(&message).to_le_bytes());
    }

    #[test]
    fn any_bytes_are_a_message_that_is_read_back_or_none(
        number in 0..=LAST + 1,
        rest in prop::collection::vec(any::<u8>(), LENGTH - 4),
    ) {
        let bytes = [&number.to_le_bytes()[..], &rest].concat();
        if let Ok(message) = Message::from_bytes(&bytes) {
            prop_assert_eq!(Message::from_bytes(&message.to_bytes()), Ok(message));
        }
    }
}
