// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which ids a container of this user has, and what further ones take.

use super::super::Finding;
use super::super::facts::{Facts, Ids};
use std::ops::RangeInclusive;

const FILES: [&str; 2] = ["/etc/subuid", "/etc/subgid"];

/// A good line of /etc/subuid or /etc/subgid.
struct Line<'a> {
    owner: &'a str,
    ids: RangeInclusive<u64>,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Line<'_>> {
    let [owner, first, count] = line.split(':').collect::<Vec<_>>().try_into().ok()?;
    let (first, count) = (first.parse::<u64>().ok()?, count.parse::<u64>().ok()?);
    let last = first.checked_add(count.checked_sub(1)?)?;
    (!owner.is_empty()).then_some(Line { owner, ids: first..=last })
}

fn overlap(one: &Line<'_>, other: &Line<'_>) -> bool {
    one.ids.start() <= other.ids.end() && other.ids.start() <= one.ids.end()
}

/// The command that delegates 65536 ids of which nobody has any.
fn delegate(facts: &Facts) -> String {
    let user = facts.names.first().cloned().unwrap_or_else(|| facts.uid.to_string());
    let next = |text: &Option<String>| {
        let ends = lines(text.as_deref().unwrap_or("")).into_iter().map(|line| line.ids.end().saturating_add(1));
        ends.max().unwrap_or(0).max(100_000)
    };
    let [users, groups] = [&facts.subordinate[0], &facts.subordinate[1]].map(next);
    if facts.names.is_empty() {
        return format!("add a line {user}:{users}:65536 to /etc/subuid and {user}:{groups}:65536 to /etc/subgid");
    }
    format!(
        "usermod --add-subuids {users}-{} --add-subgids {groups}-{} {user}",
        users.saturating_add(65535),
        groups.saturating_add(65535)
    )
}

pub(super) fn subordinate_ids(facts: &Facts) -> Finding {
    let name = "subordinate-ids";
    if facts.uid == 0 {
        return Finding::ok(name, "root needs none");
    }
    let number = facts.uid.to_string();
    let is_own = |line: &Line<'_>| line.owner == number || facts.names.iter().any(|name| name == line.owner);
    let mut counts = Vec::new();
    for (path, text) in FILES.into_iter().zip(&facts.subordinate) {
        let Some(text) = text else {
            return Finding::limited(name, format!("{path} is not there"))
                .since("a container then has one id, the user's own")
                .mend(format!("touch /etc/subuid /etc/subgid; {}", delegate(facts)));
        };
        let lines = lines(text);
        let (own, others): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_own);
        if own.is_empty() {
            let unnamed = if facts.names.is_empty() {
                ", who has no name in /etc/passwd: only lines by number count"
            } else {
                ""
            };
            return Finding::limited(name, format!("{path} has no range for user {number}{unnamed}"))
                .since("a container then has one id, the user's own")
                .mend(delegate(facts));
        }
        if let Some((one, other)) =
            own.iter().find_map(|one| others.iter().find(|other| overlap(one, other)).map(|other| (one, other)))
        {
            let (first, last, owner) = (one.ids.start(), one.ids.end(), other.owner);
            return Finding::limited(name, format!("{path}: {first}-{last} overlaps a range of {owner}"))
                .since("both users' containers own each other's files")
                .mend("give each user ranges of their own");
        }
        counts.push(own.iter().map(|line| line.ids.end() - line.ids.start() + 1).sum::<u64>());
    }
    Finding::ok(name, format!("{} users and {} groups", counts[0], counts[1]))
}

pub(super) fn id_helper(facts: &Facts) -> Finding {
    let name = "id-helper";
    match &facts.helpers {
        _ if facts.uid == 0 => Finding::ok(name, "root needs none"),
        None => Finding::unknown(name, "/proc/self/status is not to be read"),
        Some([Ok(path), _]) => Finding::ok(name, path.as_str()),
        Some([Err(idmap), Ok(through)]) => Finding::ok(name, format!("{through}; {idmap}")),
        Some([Err(idmap), Err(newidmap)]) => {
            let found = if idmap == newidmap { idmap.clone() } else { format!("{idmap}; {newidmap}") };
            Finding::limited(name, found)
                .since("a container then has one id, the user's own")
                .mend(if is_absent(idmap) { mend(newidmap) } else { mend(idmap) })
        }
    }
}

fn is_absent(reason: &str) -> bool {
    reason.contains("not installed")
}

/// What to do about a helper that is of no use, from the reason that was found.
fn mend(reason: &str) -> &'static str {
    if is_absent(reason) {
        "install the package uidmap (Debian, Ubuntu), shadow-utils (Fedora) or shadow (Arch), or contain-idmap (make install HELPER_MODE=fcaps)"
    } else if reason.contains("nosuid") {
        "remount that file system without nosuid"
    } else if reason.contains("no_new_privs") {
        "start contain from a process without no_new_privs"
    } else if reason.contains("bounding set") {
        "start contain from a process with CAP_SETUID and CAP_SETGID in its bounding set; an outer container may need them added"
    } else {
        "install it again: it must be root's, not writable by others, and setuid or with file capabilities"
    }
}

pub(super) fn ids(facts: &Facts) -> Finding {
    let name = "ids";
    match &facts.ids {
        None => Finding::unknown(name, "not looked at"),
        Some(Err(error)) => {
            let mut finding = Finding::missing(name, "no map can be made").since(error.to_string());
            finding.remedy.clone_from(&error.remedy);
            finding
        }
        Some(Ok(Ids { summary, users: 0 | 1, notes })) => {
            let finding = Finding::limited(name, summary.as_str());
            let known = notes.is_empty();
            let cause = if known {
                "one id is enough to run programs, not to install packages or to change users".into()
            } else {
                notes.join("; ")
            };
            finding.since(cause).mend("see subordinate-ids and id-helper")
        }
        Some(Ok(Ids { summary, notes, .. })) => {
            let mut finding = Finding::ok(name, summary.as_str());
            finding.cause = (!notes.is_empty()).then(|| notes.join("; "));
            finding
        }
    }
}

pub(super) fn setgroups(facts: &Facts) -> Finding {
    let name = "setgroups";
    match facts.setgroups.as_deref().map(str::trim) {
        None => Finding::unknown(name, "/proc/self/setgroups is not to be read"),
        Some("deny") => Finding::limited(name, "denied in this user namespace")
            .since("that is passed on to every container: none of them can change supplementary groups")
            .mend("start contain outside this user namespace, or make it with delegated groups"),
        Some(_) => Finding::ok(name, "not denied here"),
    }
}
