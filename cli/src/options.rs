// SPDX-License-Identifier: MIT OR Apache-2.0
//! One table of options for each program: what the parser accepts is what the help shows.

use lexopt::{Arg, Parser, ValueExt};
use std::ffi::OsString;
use std::time::Duration;

/// One option.
pub struct Option_ {
    /// Its letter, where it has one.
    pub short: Option<char>,
    /// Its long name, where it has one.
    pub long: Option<&'static str>,
    /// What its value is called, where it takes one.
    pub value: Option<&'static str>,
    /// What it does.
    pub help: &'static str,
}

/// A program: how it is called, its options, and what else its help says.
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// What stands behind the options.
    pub operands: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Its options.
    pub options: &'static [Option_],
    /// The end of its help.
    pub notes: &'static str,
}

/// What every program has.
const COMMON: [Option_; 3] = [
    Option_ {
        short: None,
        long: Some("log-format"),
        value: Some("text|json"),
        help: "how errors and notes are printed on stderr: in words, or as records for programs",
    },
    Option_ { short: Some('h'), long: Some("help"), value: None, help: "show this help" },
    Option_ { short: None, long: Some("version"), value: None, help: "show the version" },
];

impl Program {
    /// Its own options, then those that every program has.
    pub fn all(&self) -> impl Iterator<Item = &Option_> {
        self.options.iter().chain(&COMMON)
    }

    /// The usage line.
    pub fn usage(&self) -> String {
        format!("usage: {} [OPTIONS] {}", self.name, self.operands)
    }

    /// The whole help.
    pub fn help(&self) -> String {
        let mut out = format!("{}\n\n{}\n\nOptions:\n", self.usage(), self.about);
        for option in self.all() {
            let short = option.short.map(|letter| format!("-{letter}"));
            let long = option.long.map(|name| format!("--{name}"));
            let names = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
            let left = option.value.map_or(names.clone(), |value| format!("{names} {value}"));
            out.push_str(&format!("  {left:<20}  {}\n", option.help));
        }
        out.push('\n');
        out.push_str(self.notes);
        out
    }
}

/// What was given: options in order, and what stands behind them.
pub struct Given {
    options: Vec<(&'static str, Option<OsString>)>,
    /// The operands: the first that is no option, and all behind it.
    pub operands: Vec<OsString>,
}

impl Given {
    /// Whether an option without value was given.
    pub fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(given, _)| *given == name)
    }

    /// All values of these options, each with its option's name, in the order in which they were given.
    pub fn all<'a>(&'a self, names: &'a [&str]) -> impl Iterator<Item = (&'static str, &'a OsString)> {
        let wanted = self.options.iter().filter(|(given, _)| names.contains(given));
        wanted.filter_map(|(given, value)| value.as_ref().map(|value| (*given, value)))
    }

    /// The value of an option; the last one wins.
    pub fn value(&self, name: &str) -> Option<&OsString> {
        self.options.iter().rev().find(|(given, _)| *given == name).and_then(|(_, value)| value.as_ref())
    }

    /// The values of an option that may be given several times, in order.
    pub fn values(&self, name: &'static str) -> impl Iterator<Item = &OsString> {
        self.options.iter().filter(move |(given, _)| *given == name).filter_map(|(_, value)| value.as_ref())
    }

    /// Which of these options was given last.
    pub fn last_of(&self, names: &[&'static str]) -> Option<&'static str> {
        self.options.iter().rev().map(|(given, _)| *given).find(|given| names.contains(given))
    }
}

/// Reads a command line. Options stand before the operands only; short ones bundle. What is wrong is for a usage message;
/// then what was given is what stands in front of that.
pub fn parse(program: &'static Program, arguments: impl Iterator<Item = OsString>) -> (Given, Result<(), String>) {
    let mut given = Given { options: Vec::new(), operands: Vec::new() };
    let read = read(program, arguments, &mut given);
    (given, read)
}

fn read(program: &'static Program, arguments: impl Iterator<Item = OsString>, given: &mut Given) -> Result<(), String> {
    let mut parser = Parser::from_args(arguments);
    loop {
        // Everything from the first operand on belongs to the command.
        match parser.next().map_err(|error| error.to_string())? {
            None => return Ok(()),
            Some(Arg::Value(first)) => {
                given.operands.push(first);
                given.operands.extend(parser.raw_args().map_err(|error| error.to_string())?);
                return Ok(());
            }
            Some(argument) => {
                let option = program.all().find(|option| match argument {
                    Arg::Short(letter) => option.short == Some(letter),
                    Arg::Long(name) => option.long == Some(name),
                    Arg::Value(_) => false,
                });
                let Some(option) = option else { return Err(unknown(program, argument)) };
                let value = match option.value {
                    Some(_) => Some(parser.value().map_err(|error| error.to_string())?),
                    None => None,
                };
                given.options.push((key(option), value));
            }
        }
    }
}

/// What is said of an option that there is not: the one that was meant, where one is spelt much like it.
fn unknown(program: &'static Program, argument: Arg<'_>) -> String {
    let like = match argument {
        Arg::Long(name) => {
            let known = program.all().filter_map(|option| option.long);
            known.map(|long| (distance(name, long), long)).min().filter(|(far, _)| far * 3 <= name.len())
        }
        _ => None,
    };
    let said = argument.unexpected().to_string();
    like.map_or(said.clone(), |(_, long)| format!("{said}: --{long} is much like it"))
}

/// How many letters are to be put in, left out, changed, or swapped with the next to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<_>>()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, wanted) in other.iter().enumerate() {
            let changed = rows[i][j] + usize::from(letter != wanted);
            let mut least = changed.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i - 1] == *wanted && *letter == other[j - 1] {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// The name by which an option is asked for: its long name, else its letter.
fn key(option: &'static Option_) -> &'static str {
    const LETTERS: [(&str, char); 7] =
        [("c", 'c'), ("g", 'g'), ("i", 'i'), ("n", 'n'), ("o", 'o'), ("t", 't'), ("u", 'u')];
    let by_letter = |letter: char| LETTERS.iter().find(|(_, known)| *known == letter).map_or("", |(name, _)| *name);
    option.long.unwrap_or_else(|| option.short.map_or("", by_letter))
}

/// Text of an option that must be UTF-8: id maps and numbers.
pub fn utf8(value: Option<&OsString>) -> Result<Option<String>, String> {
    value.map(|value| value.clone().string().map_err(|error| error.to_string())).transpose()
}

/// A whole number without sign or space, at most `most`.
pub fn number(option: &str, value: &OsString, most: u32) -> Result<u32, String> {
    let digits = value.to_str().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok()).filter(|number| *number <= most);
    number.ok_or_else(|| format!("{option} {value:?}: a whole number from 0 to {most} is meant"))
}

/// Seconds, with a fraction where there is a dot: digits alone, no sign, no exponent.
pub fn seconds(option: &str, value: &OsString) -> Result<Duration, String> {
    let parsed = || {
        let text = value.to_str()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (digits(whole) && digits(fraction) && fraction.len() <= 9).then_some(())?;
        let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
        Some(Duration::new(whole.parse().ok()?, nanoseconds)).filter(|time| !time.is_zero())
    };
    parsed().ok_or_else(|| format!("{option} {value:?}: seconds above 0 are meant, for example 90 or 0.5"))
}
