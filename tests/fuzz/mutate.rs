// SPDX-License-Identifier: MIT OR Apache-2.0
//! Fuzzing with stable Rust: a corpus of inputs, replayed and then mutated for a while. A failure is shrunk to the
//! fewest mutations and told with its bytes. Part of the tests that name it by `#[path]`.
//!
//! FUZZ_SECONDS says how long one target runs (default 5); an input that failed belongs into its corpus.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestError, TestRunner};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many inputs are made before the clock is looked at.
const BATCH: u32 = 128;

/// One change of an input.
#[derive(Clone, Debug)]
enum Mutation {
    FlipBit(Index, u8),
    SetByte(Index, u8),
    /// A number of 1, 2 or 4 bytes, little-endian.
    SetNumber(Index, u8, u32),
    Cut(Index),
    Remove(Index, Index),
    /// A part once more, somewhere else.
    Repeat(Index, Index, Index),
    Insert(Index, Vec<u8>),
    /// A word that means something to the format.
    InsertWord(Index, Index),
    /// From here on as another input.
    Splice(Index, Index, Index),
}

fn number() -> impl Strategy<Value = u32> {
    let edges = [0, 1, 2, 127, 128, 255, 256, 339, 340, 341, 511, 512, 513, 65_535, 65_536];
    let large = [0x003f_ffff, 0x0040_0000, 0x0040_0001, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];
    prop_oneof![prop::sample::select([&edges[..], &large].concat()), any::<u32>(), 0..64_u32]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::FlipBit(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::SetByte(at, byte)),
        3 => (at(), prop::sample::select(vec![1, 2, 4]), number())
            .prop_map(|(at, width, number)| Mutation::SetNumber(at, width, number)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        1 => (at(), at(), at()).prop_map(|(from, to, at)| Mutation::Repeat(from, to, at)),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (at(), at()).prop_map(|(at, word)| Mutation::InsertWord(at, word)),
        1 => (at(), at(), at()).prop_map(|(at, other, from)| Mutation::Splice(at, other, from)),
    ]
}

/// The inputs of one target, and the words that its format is made of.
pub struct Target {
    name: &'static str,
    words: &'static [&'static [u8]],
    corpus: Vec<Vec<u8>>,
}

impl Target {
    /// The target with the corpus of this name. An empty corpus is an error.
    pub fn open(name: &'static str, words: &'static [&'static [u8]]) -> Target {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder(name))
            .unwrap_or_else(|error| panic!("tests/fuzz/{name}: {error}"))
            .map(|entry| entry.expect("an entry of the corpus").path())
            .collect();
        paths.sort();
        let corpus: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).expect("an input")).collect();
        assert!(!corpus.is_empty(), "tests/fuzz/{name} is empty");
        Target { name, words, corpus }
    }

    /// Runs `check`, which panics where it finds something wrong, on every input and on mutations of them.
    pub fn run(&self, check: impl Fn(&[u8])) {
        self.corpus.iter().for_each(|input| check(input));
        let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|value| value.parse().ok()).unwrap_or(5);
        let end = Instant::now() + Duration::from_secs(seconds);
        let inputs = (any::<Index>(), prop::collection::vec(mutation(), 1..8));
        let count = Cell::new(self.corpus.len());
        let config = Config { cases: BATCH, failure_persistence: None, ..Config::default() };
        while Instant::now() < end {
            // A runner does its number of cases once.
            let outcome = TestRunner::new(config.clone()).run(&inputs, |(which, mutations)| {
                count.set(count.get() + 1);
                check(&self.mutated(which, &mutations));
                Ok(())
            });
            if let Err(TestError::Fail(reason, (which, mutations))) = outcome {
                let bytes = self.mutated(which, &mutations);
                panic!("{}: {reason}\n{mutations:?}\nadd to the corpus: b\"{}\"", self.name, bytes.escape_ascii());
            }
        }
        println!("{}: {} inputs in {seconds} s", self.name, count.get());
    }

    fn mutated(&self, which: Index, mutations: &[Mutation]) -> Vec<u8> {
        let mut bytes = which.get(&self.corpus).clone();
        for mutation in mutations {
            self.apply(mutation, &mut bytes);
        }
        bytes
    }

    fn apply(&self, mutation: &Mutation, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        // A place between two bytes, or at either end.
        let between = |at: &Index| at.index(length + 1);
        let span = |from: &Index, to: &Index| {
            let (from, to) = (between(from), between(to));
            from.min(to)..from.max(to)
        };
        match mutation {
            Mutation::FlipBit(at, bit) if length > 0 => bytes[at.index(length)] ^= 1 << bit,
            Mutation::SetByte(at, byte) if length > 0 => bytes[at.index(length)] = *byte,
            Mutation::SetNumber(at, width, number) => {
                let start = between(at);
                for (slot, byte) in bytes[start..].iter_mut().zip(&number.to_le_bytes()[..usize::from(*width)]) {
                    *slot = *byte;
                }
            }
            Mutation::Cut(at) => bytes.truncate(between(at)),
            Mutation::Remove(from, to) => drop(bytes.drain(span(from, to))),
            Mutation::Repeat(from, to, at) => {
                let part = bytes[span(from, to)].to_vec();
                insert(bytes, between(at), &part);
            }
            Mutation::Insert(at, part) => insert(bytes, between(at), part),
            Mutation::InsertWord(at, word) if !self.words.is_empty() => {
                insert(bytes, between(at), self.words[word.index(self.words.len())]);
            }
            Mutation::Splice(at, other, from) => {
                let other = other.get(&self.corpus);
                bytes.truncate(between(at));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
            Mutation::FlipBit(..) | Mutation::SetByte(..) | Mutation::InsertWord(..) => {}
        }
    }
}

/// Where the corpus of this name is kept: tests/fuzz of the project that the crate belongs to.
pub fn folder(name: &str) -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above.map(|folder| folder.join("tests/fuzz").join(name)).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| panic!("there is no tests/fuzz/{name} above the crate"))
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}
