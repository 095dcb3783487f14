// SPDX-License-Identifier: MIT OR Apache-2.0
//! contain --doctor: what the library's probe finds, for people and for programs.

use crate::print;
use crate::start::ExitCode;
use contain::probe::{Finding, Report, Status, probe};
use std::io::IsTerminal;

/// Where lines end for people: what is longer goes on in the column in which it began.
const WIDTH: usize = 100;

/// Looks and prints; 0 where `contain --host` works, else 1.
pub fn print(json: bool) -> ExitCode {
    let report = probe();
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let text = if json { report.json() + "\n" } else { text(&report, colour) };
    let printed = print::out(&text);
    if printed == ExitCode::SUCCESS && !report.works() { ExitCode::from(1) } else { printed }
}

fn text(report: &Report, colour: bool) -> String {
    let width = report.findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut out: String = report.findings.iter().map(|finding| lines(finding, width, colour)).collect();
    out.push_str(if report.works() { "\ncontain works here\n" } else { "\ncontain does not work here\n" });
    out
}

/// Status, name and what was found; below, why it matters and what to do.
fn lines(finding: &Finding, width: usize, colour: bool) -> String {
    let word = format!("{:<7}", finding.status.word());
    let word = match (colour, finding.status) {
        (false, _) => word,
        (true, Status::Ok) => format!("\x1b[32m{word}\x1b[0m"),
        (true, Status::Missing) => format!("\x1b[31m{word}\x1b[0m"),
        (true, Status::Limited | Status::Unknown) => format!("\x1b[33m{word}\x1b[0m"),
    };
    let indent = 7 + 2 + width + 2;
    let mut out = format!("{word}  {:<width$}  {}\n", finding.name, wrap(&finding.found, indent));
    for (label, text) in [("why: ", &finding.cause), ("mend: ", &finding.remedy)] {
        if let Some(text) = text {
            out.push_str(&format!("{:indent$}{label}{}\n", "", wrap(text, indent + label.len())));
        }
    }
    out
}

/// Text in lines that begin in the column `indent`.
fn wrap(text: &str, indent: usize) -> String {
    let (mut out, mut column) = (String::new(), indent);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > indent && column + 1 + length > WIDTH {
            out.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(status: Status) -> Finding {
        Finding {
            name: "memory",
            status,
            found: "little".into(),
            cause: Some("one two ".repeat(30)),
            remedy: Some("buy some".into()),
        }
    }

    #[test]
    fn findings_are_aligned_and_wrapped() {
        let text = lines(&finding(Status::Limited), 8, false);
        assert!(text.starts_with("limited  memory    little\n                   why: one two"), "{text}");
        assert!(text.ends_with("\n                   mend: buy some\n"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn colour_is_only_where_it_is_asked_for() {
        let report = |status| Report { findings: vec![finding(status)] };
        assert!(!text(&report(Status::Missing), false).contains('\x1b'));
        assert!(text(&report(Status::Missing), true).contains("\x1b[31mmissing\x1b[0m"));
        assert!(text(&report(Status::Ok), true).contains("does not work"), "no container was tried");
    }
}
