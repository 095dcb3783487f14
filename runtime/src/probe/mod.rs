// SPDX-License-Identifier: MIT OR Apache-2.0
//! What this host allows this process, what is missing, and how to mend it.
//!
//! [`probe`] collects facts, looks at each with one check, and tries a container for real. A check depends on the facts
//! alone. What is tried leaves nothing: calls with arguments that cannot succeed, descriptors that are closed again, and
//! one container of the host's own system that ends at once.

mod checks;
mod facts;
mod files;
mod trial;

use crate::caller;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// As it should be.
    Ok,
    /// Containers start, but not with everything.
    Limited,
    /// Containers do not start as long as this is so, or not those that need it.
    Missing,
    /// It cannot be told.
    Unknown,
}

impl Status {
    /// The word for it: `ok`, `limited`, `missing`, `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Limited => "limited",
            Status::Missing => "missing",
            Status::Unknown => "unknown",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check, stable for programs.
    pub name: &'static str,
    /// How it went.
    pub status: Status,
    /// What is there.
    pub found: String,
    /// Why that matters; none where all is well.
    pub cause: Option<String>,
    /// What to do about it, where something can be done.
    pub remedy: Option<String>,
}

impl Finding {
    fn new(name: &'static str, status: Status, found: impl Into<String>) -> Finding {
        Finding { name, status, found: found.into(), cause: None, remedy: None }
    }

    fn ok(name: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(name, Status::Ok, found)
    }

    fn limited(name: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(name, Status::Limited, found)
    }

    fn missing(name: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(name, Status::Missing, found)
    }

    fn unknown(name: &'static str, found: impl Into<String>) -> Finding {
        Finding::new(name, Status::Unknown, found)
    }

    fn since(mut self, cause: impl Into<String>) -> Finding {
        self.cause = Some(cause.into());
        self
    }

    fn mend(mut self, remedy: impl Into<String>) -> Finding {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// One for each check, in the order in which a person would mend them; the container that was tried is the last.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether `contain --host` works here: the container that was tried ran, and there is a terminal for its console.
    pub fn works(&self) -> bool {
        let status =
            |name: &str| self.findings.iter().find(|finding| finding.name == name).map(|finding| finding.status);
        status(trial::NAME) == Some(Status::Ok) && status(checks::TERMINALS) != Some(Status::Missing)
    }

    /// The findings for programs: `{"version":1,"works":true,"findings":[{"name":"kernel","status":"ok",…},…]}`.
    pub fn json(&self) -> String {
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|finding| {
                serde_json::json!({
                    "name": finding.name, "status": finding.status.word(), "found": finding.found,
                    "cause": finding.cause, "remedy": finding.remedy,
                })
            })
            .collect();
        serde_json::json!({ "version": 1, "works": self.works(), "findings": findings }).to_string()
    }
}

/// Looks at this host as this process sees it. A process that was given privilege by its file may not use contain at
/// all; of it nothing else is looked at.
pub fn probe() -> Report {
    let privilege = checks::privilege(caller::check_privilege().err());
    if privilege.status != Status::Ok {
        return Report { findings: vec![privilege] };
    }
    let facts = facts::Facts::collect();
    let others = checks::ALL.iter().map(|check| check(&facts));
    Report { findings: [privilege].into_iter().chain(others).chain([trial::finding(trial::run())]).collect() }
}

/// The name of every check, in the order of the findings.
pub fn names() -> Vec<&'static str> {
    let facts = facts::Facts::default();
    let others = checks::ALL.iter().map(|check| check(&facts).name);
    [checks::privilege(None).name].into_iter().chain(others).chain([trial::NAME]).collect()
}
