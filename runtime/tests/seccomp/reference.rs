// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a filter means, read straight from its rules, and the calls that tell filters apart.

use contain::seccomp::rules::{SKIPPED, X32_BIT};
use contain::seccomp::{Action, Architecture, Call, Condition, Filter};
use seccompiler::SeccompCmpOp as Op;

/// The decision of the rules themselves.
pub fn decide(filter: &Filter, call: &Call) -> Action {
    let Some(table) = filter.tables.iter().find(|table| table.architecture.audit() == call.audit) else {
        return filter.foreign;
    };
    let wide = table.architecture == Architecture::X86_64 && call.number < X32_BIT;
    let hit = table.rules.iter().find(|rule| {
        rule.number == call.number && rule.conditions.iter().all(|condition| holds(condition, call, wide))
    });
    match (hit, call.number) {
        (Some(rule), _) => rule.action,
        (None, SKIPPED) => Action::Allow,
        (None, X32_BIT..) if table.architecture == Architecture::X86_64 => {
            if call.number > table.x32_newest {
                table.newer
            } else {
                table.x32
            }
        }
        (None, number) if number > table.newest => table.newer,
        _ => table.default,
    }
}

fn holds(condition: &Condition, call: &Call, wide: bool) -> bool {
    let cut = |value: u64| if wide { value } else { value & 0xffff_ffff };
    let (argument, value) = (cut(call.arguments[usize::from(condition.argument)]), cut(condition.value));
    match condition.comparison {
        Op::Eq => argument == value,
        Op::Ne => argument != value,
        Op::Lt => argument < value,
        Op::Le => argument <= value,
        Op::Gt => argument > value,
        Op::Ge => argument >= value,
        Op::MaskedEq(mask) => argument & cut(mask) == value & cut(mask),
    }
}

/// Calls of an architecture: every number up to 600, the edges of what is beyond, and x32; where a filter has
/// conditions, with arguments at, beside and far from what they compare.
pub fn calls(filter: &Filter, architecture: Architecture) -> Vec<Call> {
    let beyond = [1023, 4096, 0x3fff_ffff, 0x7fff_ffff, 0x8000_0000, SKIPPED - 1, SKIPPED];
    let mut numbers: Vec<u32> = (0..=600).chain(beyond).collect();
    numbers.extend((0..=600).map(|number| number | X32_BIT));
    let mut calls = Vec::new();
    for number in numbers {
        for arguments in argument_sets(filter, architecture, number) {
            calls.push(Call::new(architecture, number, arguments));
        }
    }
    calls
}

fn argument_sets(filter: &Filter, architecture: Architecture, number: u32) -> Vec<[u64; 6]> {
    let mut sets = vec![[0; 6], [u64::MAX; 6]];
    let tables = filter.tables.iter().filter(|table| table.architecture == architecture);
    for rule in tables.flat_map(|table| &table.rules).filter(|rule| rule.number == number) {
        // All that the rule asks for, so that each of its conditions is tried where the others hold.
        let mut met = [0; 6];
        for condition in &rule.conditions {
            met[usize::from(condition.argument)] = meeting(condition);
        }
        sets.push(met);
        for condition in &rule.conditions {
            for value in near(condition) {
                let mut set = met;
                set[usize::from(condition.argument)] = value;
                sets.push(set);
            }
        }
    }
    sets
}

fn meeting(condition: &Condition) -> u64 {
    match condition.comparison {
        Op::Lt => condition.value.wrapping_sub(1),
        Op::Gt | Op::Ne => condition.value.wrapping_add(1),
        _ => condition.value,
    }
}

pub fn near(condition: &Condition) -> Vec<u64> {
    let value = condition.value;
    let mut near: Vec<u64> = [value, value.wrapping_sub(1), value.wrapping_add(1), !value, 0, u64::MAX].into();
    near.extend([value ^ (1 << 32), value ^ (1 << 63), value & 0xffff_ffff, value | 0xdead_beef << 32]);
    if let Op::MaskedEq(mask) = condition.comparison {
        near.extend([value & mask, value | !mask, mask, !mask, value ^ (mask & mask.wrapping_neg())]);
    }
    near
}
