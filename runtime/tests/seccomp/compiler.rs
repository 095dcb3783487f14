// SPDX-License-Identifier: MIT OR Apache-2.0
//! The compiler on filters of all kinds: against their own rules, against seccompiler and libseccomp.

use crate::helper::{Folder, libseccomp};
use crate::reference;
use contain::seccomp::assemble::{Assembler, IF_EQUAL, IF_GREATER};
use contain::seccomp::rules::{SKIPPED, X32_BIT};
use contain::seccomp::{Action, Architecture, Call, Condition, Error, Filter, Rule, Table, compile, evaluate};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seccompiler::{SeccompCmpOp as Op, sock_filter};
use std::collections::BTreeMap;

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        Just(Action::Allow),
        (0u16..4096).prop_map(Action::Errno),
        Just(Action::KillProcess),
        Just(Action::KillThread),
        Just(Action::Trap),
        Just(Action::Log),
        Just(Action::Notify),
        any::<u16>().prop_map(Action::Trace),
    ]
}

fn value() -> impl Strategy<Value = u64> {
    prop_oneof![
        0u64..8,
        0x7fff_fff0u64..0x8000_0010,
        Just(u64::from(u32::MAX)),
        any::<u32>().prop_map(u64::from),
        any::<u64>()
    ]
}

fn comparison() -> impl Strategy<Value = Op> {
    let masks = prop_oneof![value(), Just(0xffff_ffffu64), Just(u64::MAX), (0u32..64).prop_map(|bit| 1u64 << bit)];
    let kinds = [Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge];
    prop_oneof![6 => prop::sample::select(kinds.to_vec()), 3 => masks.prop_map(Op::MaskedEq)]
}

fn condition() -> impl Strategy<Value = Condition> {
    (0u8..6, comparison(), value()).prop_map(|(argument, comparison, value)| Condition { argument, comparison, value })
}

/// Conditions, no two of one argument.
fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    prop::collection::vec(condition(), 0..4).prop_map(|mut conditions| {
        let mut seen = [false; 6];
        conditions.retain(|condition| !std::mem::replace(&mut seen[usize::from(condition.argument)], true));
        conditions
    })
}

/// Rules of a few numbers, some of which compare one argument many times.
fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let number =
        prop_oneof![5 => 0u32..500, 1 => (0u32..500).prop_map(|n| n | X32_BIT), 1 => Just(SKIPPED), 1 => any::<u32>()];
    let one = (conditions(), action()).prop_map(|(conditions, action)| vec![(conditions, action)]);
    let comparisons = prop::collection::vec((comparison(), value(), action()), 1..12);
    let many = (0u8..6, comparisons).prop_map(|(argument, many)| {
        let condition = |comparison, value| vec![Condition { argument, comparison, value }];
        many.into_iter().map(|(comparison, value, action)| (condition(comparison, value), action)).collect()
    });
    let group = (number, prop_oneof![3 => one, 1 => many]).prop_map(|(number, rules): (u32, Vec<_>)| {
        let rule = |(conditions, action)| Rule { number, action, conditions };
        rules.into_iter().map(rule).collect::<Vec<_>>()
    });
    prop::collection::vec(group, 0..30).prop_map(|groups| groups.into_iter().flatten().collect())
}

fn table(architecture: Architecture) -> impl Strategy<Value = Table> {
    (action(), prop_oneof![300u32..500, Just(u32::MAX)], action(), action(), rules()).prop_map(
        move |(default, newest, newer, x32, rules)| Table {
            architecture,
            default,
            newest,
            newer,
            x32,
            x32_newest: u32::MAX,
            rules,
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    (table(Architecture::X86_64), table(Architecture::I386), any::<(bool, bool)>(), action()).prop_map(
        |(native, compat, keep, foreign)| {
            let tables = [(native, keep.0), (compat, keep.1)];
            Filter { tables: tables.into_iter().filter(|(_, keep)| *keep).map(|(table, _)| table).collect(), foreign }
        },
    )
}

fn assert_as_reference(filter: &Filter) -> Result<(), TestCaseError> {
    let program = compile(filter).map_err(|error| TestCaseError::fail(error.to_string()))?;
    for architecture in [Architecture::X86_64, Architecture::I386] {
        for call in reference::calls(filter, architecture) {
            let verdict = evaluate(&program, &call).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
            prop_assert_eq!(verdict.action, reference::decide(filter, &call), "{:x?}", call);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_filter_decides_as_its_rules(filter in filter()) {
        assert_as_reference(&filter)?;
    }
}

/// A thousand rules with conditions: every jump that matters is longer than a conditional jump reaches.
#[test]
fn long_filters_decide_as_their_rules() {
    let rules = |spread: u32| {
        let condition = |n: u32, argument: u8| Condition { argument, comparison: Op::Ge, value: u64::from(n) << 20 };
        let rule = move |n: u32| Rule {
            number: n * spread,
            action: Action::Errno(1 + (n % 100) as u16),
            conditions: vec![condition(n, 0), condition(n, 1)],
        };
        (0..200).map(rule).collect::<Vec<_>>()
    };
    let table = |architecture, spread| Table {
        architecture,
        default: Action::Allow,
        newest: 500,
        newer: Action::Errno(38),
        x32: Action::KillProcess,
        x32_newest: u32::MAX,
        rules: rules(spread),
    };
    let filter =
        Filter { tables: vec![table(Architecture::X86_64, 1), table(Architecture::I386, 2)], foreign: Action::Trap };
    let length = compile(&filter).expect("it compiles").len();
    assert!((2000..4096).contains(&length), "{length} instructions");
    assert_as_reference(&filter).expect("it decides as its rules");
}

/// Both ends of a test at every distance around what a conditional jump reaches.
#[test]
fn tests_reach_their_ends_at_every_distance() {
    for distance in 230..280 {
        for swapped in [false, true] {
            let mut code = Assembler::default();
            let mut ends = [1, 2].map(|errno| {
                let end = code.ret(Action::Errno(errno).code());
                code.and(u32::MAX, end)
            });
            let last = code.ret(Action::Errno(3).code());
            let between = (0..distance).fold(last, |next, _| code.and(u32::MAX, next));
            if swapped {
                ends.reverse();
            }
            let test = code.test(IF_EQUAL, 7, ends[0], ends[1]);
            let first = code.test(IF_GREATER, 9, between, test);
            code.load(0, first);
            let program = code.finish();
            let (equal, other) = if swapped { (2, 1) } else { (1, 2) };
            for (number, errno) in [(7, equal), (8, other), (10, 3)] {
                let verdict = evaluate(&program, &Call::new(Architecture::X86_64, number, [0; 6])).expect("it runs");
                assert_eq!(verdict.action, Action::Errno(errno), "{number} at distance {distance}");
            }
        }
    }
}

fn one_table(rules: Vec<Rule>) -> Filter {
    let architecture = Architecture::X86_64;
    let (default, newer, x32) = (Action::Allow, Action::Allow, Action::Allow);
    let table = Table { architecture, default, newest: 600, newer, x32, x32_newest: u32::MAX, rules };
    Filter { tables: vec![table], foreign: Action::Allow }
}

#[test]
fn filters_that_the_kernel_would_refuse_do_not_compile() {
    let condition = |argument, value| Condition { argument, comparison: Op::Eq, value };
    let rule = |number, action, conditions| Rule { number, action, conditions };
    let argument = one_table(vec![rule(7, Action::KillThread, vec![condition(6, 0)])]);
    assert_eq!(compile(&argument), Err(Error::Argument(7, 6)));
    let errno = one_table(vec![rule(7, Action::Errno(4096), vec![])]);
    assert_eq!(compile(&errno), Err(Error::Errno(4096)));
    let mut twice = one_table(vec![]);
    twice.tables.push(twice.tables[0].clone());
    assert_eq!(compile(&twice), Err(Error::Twice(Architecture::X86_64)));
    let long = |count: u64| {
        let one = |n: u64| rule(n as u32, Action::Errno(1), vec![condition(0, (n << 32) | 1), condition(1, n)]);
        one_table((0..count).map(one).collect())
    };
    assert!(compile(&long(400)).is_ok_and(|program| program.len() <= 4096));
    assert!(matches!(compile(&long(1000)), Err(Error::TooLong(5000..))));
}

#[test]
fn evaluation_refuses_what_the_kernel_refuses() {
    let call = Call::new(Architecture::X86_64, 0, [0; 6]);
    let instruction = |code, k| sock_filter { code, jt: 0, jf: 0, k };
    for program in [vec![], vec![instruction(0x20, 0)], vec![instruction(0x20, 64)], vec![instruction(0x20, 2)]] {
        assert!(evaluate(&program, &call).is_err(), "{program:?}");
    }
    for code in [0x00, 0x28, 0x30, 0x16, 0x87, 0x61, 0xffff] {
        assert!(evaluate(&[instruction(code, 0), instruction(6, 0)], &call).is_err(), "{code:x}");
    }
}

/// Filters of the shape that both of the others can express: per number one action, and not the default.
fn shared_shape(rules: Vec<Rule>) -> Filter {
    let known: Vec<u32> = Architecture::X86_64.calls().map(|(_, number)| number).collect();
    let mut filter = one_table(rules);
    filter.tables[0].rules.retain(|rule| known.contains(&rule.number));
    for rule in &mut filter.tables[0].rules {
        rule.action = Action::Errno(1);
        // libseccomp takes a mask of nothing for a mistake.
        rule.conditions.retain(|condition| condition.comparison != Op::MaskedEq(0));
    }
    filter
}

fn filters(count: usize) -> Vec<Filter> {
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sample = |_| shared_shape(rules().new_tree(&mut runner).expect("rules").current());
    (0..count).map(sample).collect()
}

#[test]
fn filters_decide_as_seccompilers() {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    };
    for filter in filters(40) {
        let mut by_number: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
        let mut certain: Vec<i64> = Vec::new();
        for rule in &filter.tables[0].rules {
            let condition = |c: &Condition| {
                SeccompCondition::new(c.argument, SeccompCmpArgLen::Qword, c.comparison.clone(), c.value)
            };
            let conditions: Vec<_> = rule.conditions.iter().map(|c| condition(c).expect("an argument")).collect();
            let rules = by_number.entry(rule.number.into()).or_default();
            match SeccompRule::new(conditions) {
                Ok(rule) => rules.push(rule),
                Err(_) => certain.push(rule.number.into()),
            }
        }
        // To seccompiler, no rules of a number means always.
        certain.into_iter().for_each(|number| drop(by_number.insert(number, Vec::new())));
        let theirs: BpfProgram =
            SeccompFilter::new(by_number, SeccompAction::Allow, SeccompAction::Errno(1), TargetArch::x86_64)
                .expect("a filter")
                .try_into()
                .expect("it compiles");
        let ours = compile(&filter).expect("it compiles");
        for call in reference::calls(&filter, Architecture::X86_64) {
            let run = |program: &[sock_filter]| evaluate(program, &call).expect("it runs").action;
            assert_eq!(run(&ours), run(&theirs), "{call:x?} under {filter:?}");
        }
    }
}

/// Leaves a number with several rules only where all of them are equalities. Of rules that order one argument's 64
/// bits in several ways, libseccomp 2.5.4 makes a program that compares the upper half's bound with the lower half.
fn without_several_orders(mut filter: Filter) -> Filter {
    let rules = std::mem::take(&mut filter.tables[0].rules);
    let equal = |rule: &Rule| matches!(rule.conditions.as_slice(), [one] if one.comparison == Op::Eq);
    let alone = |rule: &Rule| rules.iter().filter(|other| other.number == rule.number).count() == 1;
    filter.tables[0].rules = rules.iter().filter(|rule| equal(rule) || alone(rule)).cloned().collect();
    filter
}

#[test]
fn filters_decide_as_libseccomps() {
    let folder = Folder::new();
    let Some(tool) = folder.build("libseccomp", &["-lseccomp"]) else { return };
    for filter in filters(40).into_iter().map(without_several_orders) {
        let theirs = libseccomp(&tool, &filter, &[Architecture::X86_64], 2);
        assert_eq!(theirs.left_out, Vec::<String>::new());
        let ours = compile(&filter).expect("it compiles");
        for call in reference::calls(&filter, Architecture::X86_64) {
            let run = |program: &[sock_filter]| evaluate(program, &call).expect("it runs").action;
            assert_eq!(run(&ours), run(&theirs.program), "{call:x?} under {filter:?}");
        }
    }
}

/// seccompiler takes system calls by name where it reads JSON: each name stands for one number in both tables.
#[test]
fn numbers_are_seccompilers() {
    let mut unknown = Vec::new();
    for (name, number) in Architecture::X86_64.calls() {
        let json =
            format!(r#"{{"t":{{"mismatch_action":"allow","match_action":"trap","filter":[{{"syscall":"{name}"}}]}}}}"#);
        let Ok(programs) = seccompiler::compile_from_json(json.as_bytes(), seccompiler::TargetArch::x86_64) else {
            unknown.push(name);
            continue;
        };
        let call = Call::new(Architecture::X86_64, number, [0; 6]);
        assert_eq!(evaluate(&programs["t"], &call).expect("it runs").action, Action::Trap, "{name} is {number}");
    }
    // seccompiler's table ends with Linux 6.14 or so, and lacks what never was a system call.
    assert!(unknown.len() < 20, "unknown to seccompiler: {unknown:?}");
}

/// The headers of the machine, where they are: every number that they have is ours.
#[test]
fn numbers_are_the_kernel_headers() {
    for (architecture, file) in [(Architecture::X86_64, "unistd_64.h"), (Architecture::I386, "unistd_32.h")] {
        let folders = ["/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm"];
        let read = |folder: &&str| std::fs::read_to_string(format!("{folder}/{file}")).ok();
        let Some(text) = folders.iter().find_map(read) else {
            eprintln!("skipped: no {file}: install the kernel's headers (linux-libc-dev)");
            continue;
        };
        let words = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
        let known: Vec<(String, u32)> = words
            .filter_map(|words| match words.as_slice() {
                ["#define", name, number] => Some((name.strip_prefix("__NR_")?.to_owned(), number.parse().ok()?)),
                _ => None,
            })
            .collect();
        assert!(known.len() > 300, "{file} has {} numbers", known.len());
        for (name, number) in known.iter().filter(|(_, number)| *number <= 469) {
            assert_eq!(architecture.number(name), Some(*number), "{name} of {architecture:?}");
        }
    }
}
