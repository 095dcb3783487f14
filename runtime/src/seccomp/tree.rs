// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a filter to its program: per architecture one binary search over ranges of system call numbers with the
//! same decision, whose leaves are returns or tests of arguments. Several comparisons of one argument become a
//! search of the same kind over its values.

use super::assemble::{Assembler, IF_ANY_BIT, IF_EQUAL, IF_GREATER, IF_NOT_LESS, Label};
use super::rules::{Action, Architecture, Condition, Error, Filter, LARGEST_ERRNO, Rule, SKIPPED, Table, X32_BIT};
use seccompiler::{BpfProgram, SeccompCmpOp};

/// The most instructions that the kernel takes (BPF_MAXINSNS).
pub const LONGEST: usize = 4096;

/// Offset of the system call number in struct seccomp_data.
const NUMBER: u32 = 0;
/// Offset of the architecture.
const AUDIT: u32 = 4;
/// Offset of the low half of the first argument (little endian).
const ARGUMENTS: u32 = 16;

/// The fewest comparisons of one argument that are made a search.
const WORTH_A_SEARCH: usize = 3;

/// The filter's program: at most [`LONGEST`] instructions that seccomp(2) accepts.
pub fn compile(filter: &Filter) -> Result<BpfProgram, Error> {
    check(filter)?;
    let mut code = Assembler::default();
    let mut entry = code.ret(filter.foreign.code());
    for table in filter.tables.iter().rev() {
        let root = Compiler { code: &mut code, wide: false, chains: Vec::new() }.table(table);
        entry = code.test(IF_EQUAL, table.architecture.audit(), root, entry);
    }
    code.load(AUDIT, entry);
    let program = code.finish();
    if program.len() > LONGEST { Err(Error::TooLong(program.len())) } else { Ok(program) }
}

fn check(filter: &Filter) -> Result<(), Error> {
    let mut actions = vec![filter.foreign];
    for (index, table) in filter.tables.iter().enumerate() {
        if filter.tables[..index].iter().any(|other| other.architecture == table.architecture) {
            return Err(Error::Twice(table.architecture));
        }
        actions.extend([table.default, table.newer, table.x32]);
        for rule in &table.rules {
            actions.push(rule.action);
            if let Some(condition) = rule.conditions.iter().find(|condition| condition.argument > 5) {
                return Err(Error::Argument(rule.number, condition.argument));
            }
        }
    }
    match actions.iter().find(|action| matches!(action, Action::Errno(errno) if *errno > LARGEST_ERRNO)) {
        Some(Action::Errno(errno)) => Err(Error::Errno(*errno)),
        _ => Ok(()),
    }
}

/// Half of an argument, or the part of it that a mask leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word {
    offset: u32,
    mask: u32,
}

/// A piece of the program that begins by loading a word.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry {
    word: Option<Word>,
    /// Where to go when something else is loaded.
    fresh: Label,
    /// Where to go when the word is.
    loaded: Label,
}

impl Entry {
    fn with(self, word: Word) -> Label {
        if self.word == Some(word) { self.loaded } else { self.fresh }
    }
}

/// What a leaf of a search does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    Return(Action),
    /// The chain of this index.
    Chain(usize),
    Place(Entry),
}

/// The decision on a system call that depends on its arguments.
struct Chain<'a> {
    /// Whether arguments have 64 bits.
    wide: bool,
    rules: Vec<&'a Rule>,
    otherwise: Action,
    place: Option<Entry>,
}

struct Compiler<'a, 'c> {
    code: &'c mut Assembler,
    /// Whether arguments have 64 bits in the chain that is written.
    wide: bool,
    chains: Vec<Chain<'a>>,
}

impl<'a> Compiler<'a, '_> {
    fn table(&mut self, table: &'a Table) -> Label {
        let ranges = self.ranges(table);
        // The kernel runs the program once for every known number when it is loaded: those count alike, the rest
        // of the number space hardly at all.
        let known = |number: u32| u64::from(number.min(table.newest.saturating_add(1)));
        let ends = ranges.iter().skip(1).map(|(first, _)| *first).chain([SKIPPED]);
        let mut upto = vec![0];
        for ((first, _), end) in ranges.iter().zip(ends) {
            upto.push(upto[upto.len() - 1] + (known(end) - known(*first)).max(1));
        }
        let word = Word { offset: NUMBER, mask: u32::MAX };
        let root = self.search(word, &ranges, &upto);
        self.code.load(NUMBER, root)
    }

    /// Every number's decision, as ranges: first number and decision, neighbours different.
    fn ranges(&mut self, table: &'a Table) -> Vec<(u32, Target)> {
        let mut rules: Vec<&Rule> = table.rules.iter().collect();
        rules.sort_by_key(|rule| rule.number);
        let mut points = vec![0, table.newest.saturating_add(1), SKIPPED];
        if table.architecture == Architecture::X86_64 {
            points.extend([X32_BIT, table.x32_newest.saturating_add(1)]);
        }
        for rule in &rules {
            points.extend([rule.number, rule.number.saturating_add(1)]);
        }
        points.sort_unstable();
        points.dedup();
        let mut ranges: Vec<(u32, Target)> = Vec::new();
        let mut upto = 0;
        for point in points {
            // Both rise, and a rule's number is a point: what was not looked at yet begins with this one's.
            let from = upto;
            upto += rules[from..].iter().take_while(|rule| rule.number == point).count();
            let wide = is_wide(table.architecture, point);
            let target = self.decision(&rules[from..upto], wide, background(table, point));
            if ranges.last().is_none_or(|(_, last)| *last != target) {
                ranges.push((point, target));
            }
        }
        ranges
    }

    fn decision(&mut self, rules: &[&'a Rule], wide: bool, background: Action) -> Target {
        let certain = rules.iter().position(|rule| rule.conditions.is_empty());
        let otherwise = certain.map_or(background, |index| rules[index].action);
        let mut rules = &rules[..certain.unwrap_or(rules.len())];
        while let Some((last, before)) = rules.split_last()
            && last.action == otherwise
        {
            rules = before;
        }
        if rules.is_empty() {
            return Target::Return(otherwise);
        }
        let same = |chain: &Chain<'a>| {
            chain.wide == wide
                && chain.otherwise == otherwise
                && chain.rules.len() == rules.len()
                && chain.rules.iter().zip(rules).all(|(a, b)| a.action == b.action && a.conditions == b.conditions)
        };
        Target::Chain(self.chains.iter().position(same).unwrap_or_else(|| {
            self.chains.push(Chain { wide, rules: rules.to_vec(), otherwise, place: None });
            self.chains.len() - 1
        }))
    }

    /// A binary search among ranges (not empty) for what `word`, which is loaded, lies in. `upto` has the sum of the
    /// weights before each range, and the sum of all.
    fn search(&mut self, word: Word, ranges: &[(u32, Target)], upto: &[u64]) -> Label {
        match ranges {
            [(_, only)] => self.reach(word, *only),
            // A single value between equals: one test instead of two.
            [(_, before), (value, at), (next, after)] if before == after && *next - *value == 1 => {
                let (no, yes) = (self.reach(word, *before), self.reach(word, *at));
                self.code.test(IF_EQUAL, *value, yes, no)
            }
            _ => {
                let half = upto[0] + (upto[ranges.len()] - upto[0]) / 2;
                let above = upto[..ranges.len()].partition_point(|sum| *sum < half).clamp(1, ranges.len() - 1);
                let below = (above - 1).max(1);
                let split = if upto[below].abs_diff(half) < upto[above].abs_diff(half) { below } else { above };
                let high = self.search(word, &ranges[split..], &upto[split..]);
                let low = self.search(word, &ranges[..split], &upto[..=split]);
                self.code.test(IF_NOT_LESS, ranges[split].0, high, low)
            }
        }
    }

    fn reach(&mut self, word: Word, target: Target) -> Label {
        match target {
            Target::Return(action) => self.code.ret(action.code()),
            Target::Place(entry) => entry.with(word),
            Target::Chain(index) => {
                let entry = self.chains[index].place.unwrap_or_else(|| self.chain(index));
                self.chains[index].place = Some(entry);
                entry.with(word)
            }
        }
    }

    fn chain(&mut self, index: usize) -> Entry {
        let rules = self.chains[index].rules.clone();
        self.wide = self.chains[index].wide;
        let mut next = self.ret(self.chains[index].otherwise);
        for part in self.parts(&rules).into_iter().rev() {
            next = match part {
                [rule] => self.rule(rule, next),
                rules => self.values(rules, next),
            };
        }
        next
    }

    /// The rules cut into single ones and runs that compare the same word of the same argument.
    fn parts<'r>(&self, mut rules: &'r [&'a Rule]) -> Vec<&'r [&'a Rule]> {
        let mut parts = Vec::new();
        while let Some(first) = rules.first() {
            let kind = self.comparable(first);
            let run = rules.iter().take_while(|rule| kind.is_some() && self.comparable(rule) == kind).count();
            let (part, rest) = rules.split_at(if run < WORTH_A_SEARCH { 1 } else { run });
            parts.push(part);
            rules = rest;
        }
        parts
    }

    /// The argument, and whether its upper half counts, where a rule is one comparison with a value of 32 bits.
    fn comparable(&self, rule: &Rule) -> Option<(u8, bool)> {
        let [condition] = rule.conditions.as_slice() else { return None };
        let low = u64::from(u32::MAX);
        match condition.comparison {
            SeccompCmpOp::MaskedEq(mask) if mask == low || !self.wide && mask & low == low => {
                Some((condition.argument, false))
            }
            SeccompCmpOp::MaskedEq(_) => None,
            _ if !self.wide => Some((condition.argument, false)),
            _ => (condition.value <= low).then_some((condition.argument, true)),
        }
    }

    /// A search over the values of one argument, for rules that are [`Self::comparable`] alike.
    fn values(&mut self, rules: &[&Rule], next: Entry) -> Entry {
        let conditions = || rules.iter().map(|rule| &rule.conditions[0]);
        let mut points = vec![0];
        points.extend(conditions().flat_map(|c| [c.value as u32, (c.value as u32).saturating_add(1)]));
        points.sort_unstable();
        points.dedup();
        let mut ranges: Vec<(u32, Target)> = Vec::new();
        for point in points {
            let holds = |rule: &&&Rule| holds(&rule.conditions[0], point);
            let target = rules.iter().find(holds).map_or(Target::Place(next), |rule| Target::Return(rule.action));
            if ranges.last().is_none_or(|(_, last)| *last != target) {
                ranges.push((point, target));
            }
        }
        let upto: Vec<u64> = (0..=ranges.len() as u64).collect();
        let low = self.word(conditions().next().map_or(0, |c| c.argument), Half::Low);
        let loaded = self.search(low, &ranges, &upto);
        let entry = self.entry(low, loaded);
        let upper_counts = rules.first().and_then(|rule| self.comparable(rule)).is_some_and(|(_, upper)| upper);
        if !upper_counts {
            return entry;
        }
        // With anything in the upper half the argument is greater than all of the values.
        let greater = |c: &Condition| matches!(c.comparison, SeccompCmpOp::Gt | SeccompCmpOp::Ge | SeccompCmpOp::Ne);
        let beyond = match rules.iter().find(|rule| greater(&rule.conditions[0])) {
            Some(rule) => self.ret(rule.action),
            None => next,
        };
        let high = Word { offset: low.offset + 4, mask: u32::MAX };
        self.test(high, IF_EQUAL, 0, entry, beyond)
    }

    fn rule(&mut self, rule: &Rule, next: Entry) -> Entry {
        let hit = self.ret(rule.action);
        rule.conditions.iter().rev().fold(hit, |hit, condition| self.condition(condition, hit, next))
    }

    fn condition(&mut self, condition: &Condition, yes: Entry, no: Entry) -> Entry {
        let argument = condition.argument;
        let (low, high) = (condition.value as u32, (condition.value >> 32) as u32);
        let compare = |this: &mut Self, test: u16, yes: Entry, no: Entry| {
            let word = this.word(argument, Half::Low);
            let low = this.test(word, test, low, yes, no);
            if !this.wide {
                return low;
            }
            let word = this.word(argument, Half::High);
            let same = this.test(word, IF_EQUAL, high, low, no);
            if test == IF_EQUAL { same } else { this.test(word, IF_GREATER, high, yes, same) }
        };
        match condition.comparison {
            SeccompCmpOp::Eq => compare(self, IF_EQUAL, yes, no),
            SeccompCmpOp::Ne => compare(self, IF_EQUAL, no, yes),
            SeccompCmpOp::Gt => compare(self, IF_GREATER, yes, no),
            SeccompCmpOp::Le => compare(self, IF_GREATER, no, yes),
            SeccompCmpOp::Ge => compare(self, IF_NOT_LESS, yes, no),
            SeccompCmpOp::Lt => compare(self, IF_NOT_LESS, no, yes),
            SeccompCmpOp::MaskedEq(mask) => {
                let word = self.word(argument, Half::Low);
                let low = self.masked(word, mask as u32, low, yes, no);
                let word = self.word(argument, Half::High);
                if self.wide { self.masked(word, (mask >> 32) as u32, high, low, no) } else { low }
            }
        }
    }

    fn masked(&mut self, word: Word, mask: u32, value: u32, yes: Entry, no: Entry) -> Entry {
        match value & mask {
            _ if mask == 0 => yes,
            0 => self.test(word, IF_ANY_BIT, mask, no, yes),
            value if value == mask && mask.is_power_of_two() => self.test(word, IF_ANY_BIT, mask, yes, no),
            value => self.test(Word { mask, ..word }, IF_EQUAL, value, yes, no),
        }
    }

    fn test(&mut self, word: Word, test: u16, k: u32, yes: Entry, no: Entry) -> Entry {
        let loaded = self.code.test(test, k, yes.with(word), no.with(word));
        self.entry(word, loaded)
    }

    fn entry(&mut self, word: Word, loaded: Label) -> Entry {
        let masked = if word.mask == u32::MAX { loaded } else { self.code.and(word.mask, loaded) };
        let fresh = self.code.load(word.offset, masked);
        Entry { word: Some(word), fresh, loaded }
    }

    fn ret(&mut self, action: Action) -> Entry {
        let label = self.code.ret(action.code());
        Entry { word: None, fresh: label, loaded: label }
    }

    fn word(&self, argument: u8, half: Half) -> Word {
        let half = match half {
            Half::Low => 0,
            Half::High => 4,
        };
        Word { offset: ARGUMENTS + 8 * u32::from(argument) + half, mask: u32::MAX }
    }
}

#[derive(Clone, Copy)]
enum Half {
    Low,
    High,
}

/// Whether arguments have 64 bits: not those of x32, as libseccomp has it, nor those of 32-bit calls.
fn is_wide(architecture: Architecture, number: u32) -> bool {
    architecture == Architecture::X86_64 && number < X32_BIT
}

/// What a number without a rule meets.
fn background(table: &Table, number: u32) -> Action {
    if number == SKIPPED {
        Action::Allow
    } else if table.architecture == Architecture::X86_64 && number >= X32_BIT {
        if number > table.x32_newest { table.newer } else { table.x32 }
    } else if number > table.newest {
        table.newer
    } else {
        table.default
    }
}

/// Whether an argument of this value, of 32 bits, meets a condition with a value of 32 bits.
fn holds(condition: &Condition, argument: u32) -> bool {
    let value = condition.value as u32;
    match condition.comparison {
        SeccompCmpOp::Eq => argument == value,
        SeccompCmpOp::Ne => argument != value,
        SeccompCmpOp::Lt => argument < value,
        SeccompCmpOp::Le => argument <= value,
        SeccompCmpOp::Gt => argument > value,
        SeccompCmpOp::Ge => argument >= value,
        SeccompCmpOp::MaskedEq(mask) => argument & mask as u32 == value & mask as u32,
    }
}
