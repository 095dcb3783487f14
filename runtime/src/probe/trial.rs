// SPDX-License-Identifier: MIT OR Apache-2.0
//! A container, really started: what `contain --host` makes, with a command that ends at once. It has no console, since
//! that would take the caller's terminal; the check of terminals stands in for it.

use super::Finding;
use crate::config::{Config, Console, Root, Stdio};
use crate::container::Container;
use crate::error::Error;
use crate::outcome::{EndedBy, Outcome};
use std::time::Duration;

pub(super) const NAME: &str = "container";

/// A machine under load takes a second for what else takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the container ended; none where it did not.
pub(super) fn run() -> Result<Option<Outcome>, Error> {
    let mut config = Config::new(Root::Host, vec!["/bin/sh".into(), "-c".into(), ":".into()]);
    config.console = Console::None;
    config.stdio = [Stdio::Null; 3];
    let container = Container::run(&config)?;
    let ended = container.wait(Some(PATIENCE))?;
    if ended.is_none() {
        container.end(EndedBy::Wall)?;
    }
    Ok(ended)
}

pub(super) fn finding(ended: Result<Option<Outcome>, Error>) -> Finding {
    match ended {
        Ok(Some(Outcome { ended_by: EndedBy::Exited, status: 0, .. })) => {
            Finding::ok(NAME, "contain --host runs a command")
        }
        Ok(Some(outcome)) => Finding::missing(NAME, "contain --host starts, and its command fails")
            .since(format!("{:?}, status {}", outcome.ended_by, outcome.status)),
        Ok(None) => Finding::missing(NAME, "contain --host did not end within ten seconds"),
        Err(error) => {
            let mut finding = Finding::missing(NAME, "contain --host fails").since(error.to_string());
            finding.remedy = error.remedy;
            finding
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_container_that_cannot_be_made_is_told_with_its_remedy() {
        let error = Error::new(Kind::System, "s", "mount", "proc").errno(libc::EPERM).cause("it is masked");
        let finding = finding(Err(error.remedy("unmask it")));
        assert_eq!((finding.status, finding.remedy.as_deref()), (Status::Missing, Some("unmask it")));
        assert!(finding.cause.is_some_and(|cause| cause.contains("mount proc") && cause.contains("masked")));
        assert_eq!(super::finding(Ok(None)).status, Status::Missing);
    }
}
