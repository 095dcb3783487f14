// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual pages and the completions of the shells, written from the tables of options. `make docs` puts them into
//! the tree, where they are committed; a test compares. Not part of what the programs do.

mod bash;
mod fish;
mod man;
mod manual;
mod zsh;

use crate::options::{Option_, Program};

/// The programs, in the order of the documents.
fn programs() -> [&'static Program; 3] {
    [&crate::contain::PROGRAM, &crate::inject::PROGRAM, &crate::pseudo::PROGRAM]
}

/// Everything that is generated: the path below the top of the repository, and the text.
pub fn all() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    for program in programs() {
        let name = program.name;
        documents.push((format!("docs/man/{name}.1"), man::page(program, manual::of(name))));
        documents.push((format!("cli/completions/{name}.bash"), bash::script(program)));
        documents.push((format!("cli/completions/_{name}"), zsh::script(program)));
        documents.push((format!("cli/completions/{name}.fish"), fish::script(program)));
    }
    for page in [&manual::LIBRARY, &manual::IDMAP] {
        documents.push((format!("docs/man/{}.{}", page.name, page.section), man::other(page)));
    }
    documents
}

/// What a shell offers for a value or an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offer {
    /// It cannot know.
    Nothing,
    /// These words.
    Words(Vec<&'static str>),
    Command,
    Directory,
    File,
    User,
    /// The supervisors that run.
    Process,
}

/// What is offered follows from what the table calls a value: `DIR`, `CMD`, `FILE`, `USER`, `PID`; `SRC` in front of
/// anything is a path of the host; lower-case words between bars are offered themselves.
fn offer(value: &'static str) -> Offer {
    let words: Vec<&str> = value.split('|').filter(|word| is_plain_word(word)).collect();
    match value {
        _ if !words.is_empty() => Offer::Words(words),
        "CMD" => Offer::Command,
        "DIR" => Offer::Directory,
        "FILE" | "PATH" => Offer::File,
        "PROFILE" => Offer::Words(vec!["system", "app", "none"]),
        "USER" => Offer::User,
        "PID" | "PID|NAME" => Offer::Process,
        _ if value.starts_with("SRC") => Offer::File,
        _ => Offer::Nothing,
    }
}

fn is_plain_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The name of a program's first operand, where it is not the command: `DIR` of contain, `PID|NAME` of inject.
fn first_operand(program: &Program) -> Option<&'static str> {
    program.operands.split(' ').next().filter(|word| !word.starts_with('['))
}

/// The option that stands in place of the first operand.
const IN_PLACE_OF_FIRST: &str = "host";

fn is_in_place_of_first(option: &Option_) -> bool {
    option.long == Some(IN_PLACE_OF_FIRST)
}

/// `-c`, `--console`: those of the two that an option has.
fn names(option: &Option_) -> Vec<String> {
    let short = option.short.map(|letter| format!("-{letter}"));
    let long = option.long.map(|name| format!("--{name}"));
    short.into_iter().chain(long).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_follow_from_the_names_of_values() {
        assert_eq!(offer("DIR"), Offer::Directory);
        assert_eq!(offer("SRC[:DST]"), Offer::File);
        assert_eq!(offer("none|host|veth:NAME"), Offer::Words(vec!["none", "host"]));
        assert_eq!(offer("MAP"), Offer::Nothing);
    }

    #[test]
    fn manual_texts_name_options_that_there_are() {
        for program in programs() {
            for (option, _) in manual::of(program.name).options {
                let known = |known: &Option_| {
                    known.long == Some(option) || known.short.is_some_and(|c| c.to_string() == *option)
                };
                assert!(program.all().any(known), "{}: {option} is no option", program.name);
            }
        }
    }

    #[test]
    fn every_option_is_in_every_document_of_its_program() {
        for program in programs() {
            for (path, text) in all()
                .iter()
                .filter(|(path, _)| path.contains(program.name) && !path.ends_with(".3") && !path.ends_with(".8"))
            {
                for name in program.all().flat_map(names) {
                    let shown = match path.rsplit_once('.') {
                        Some((_, "1")) => name.replace('-', "\\-"),
                        Some((_, "fish")) => {
                            name.strip_prefix("--").map_or(format!("-s {}", &name[1..]), |long| format!("-l {long}"))
                        }
                        _ => name.clone(),
                    };
                    assert!(text.contains(&shown), "{path} lacks {name}");
                }
            }
        }
    }
}
