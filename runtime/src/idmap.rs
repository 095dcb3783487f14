// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which ids the container has, how its maps are written, and whether setgroups stays allowed in it: decided
//! once, from real ids, before there is a plan (docs: "Privilege").
//!
//! [`resolve`] collects the facts and decides; the decision itself depends on nothing but the facts. It makes
//! no privilege: what is decided here without right, the kernel or the helper refuses. Runs unprivileged, or as
//! root that called it; never in a program that gained privilege at exec.

#![forbid(unsafe_code)]

use std::fmt;
use std::path::PathBuf;

use contain_policy::{IdMap, MapEntry, Mapper, default_for_root, setgroups};

use crate::error::Error;

mod facts;
mod side;
#[cfg(test)]
mod tests;

use facts::{Facts, SubordinateFile};
use side::{Shown, Side};

/// What is written to /proc/PID/setgroups, before the group map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setgroups {
    /// Nothing: what holds in the current user namespace goes on holding.
    Keep,
    /// `deny`.
    Deny,
}

/// How the maps are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Via {
    /// By the monitor, to /proc/PID/uid_map and gid_map.
    Direct,
    /// By the system's privileged helpers, both of them: `PROGRAM PID CONTAINER HOST COUNT …`.
    Newidmap {
        /// The path of newuidmap.
        newuidmap: PathBuf,
        /// The path of newgidmap.
        newgidmap: PathBuf,
    },
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Direct => f.write_str("directly"),
            Via::Newidmap { newuidmap, newgidmap } => {
                write!(f, "through {} and {}", newuidmap.display(), newgidmap.display())
            }
        }
    }
}

/// The decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdMaps {
    /// The user id map as the kernel reads it: lines of `CONTAINER HOST COUNT`.
    pub uid_text: String,
    /// The group id map as the kernel reads it.
    pub gid_text: String,
    /// The lines of `uid_text`; host ids are those of the current user namespace.
    pub uid_map: Vec<MapEntry>,
    /// The lines of `gid_text`.
    pub gid_map: Vec<MapEntry>,
    /// What is written to /proc/PID/setgroups.
    pub setgroups: Setgroups,
    /// Whether setgroups(2) fails in the container, whoever denied it.
    pub setgroups_denied: bool,
    /// How the maps are written.
    pub via: Via,
    /// Whether the container has both a user 0 and a group 0 to become.
    pub become_root: bool,
    /// What a person may want to know about it: why ranges were left out, which lines were skipped.
    pub notes: Vec<String>,
}

impl IdMaps {
    /// Whether the container has the user id `id`.
    pub fn maps_user(&self, id: u32) -> bool {
        self.uid_map.iter().any(|entry| entry.container_range().contains(id))
    }

    /// Whether the container has the group id `id`.
    pub fn maps_group(&self, id: u32) -> bool {
        self.gid_map.iter().any(|entry| entry.container_range().contains(id))
    }

    /// Leaves of a default only what container root is mapped to.
    pub fn keep_root_alone(&mut self, users: bool, groups: bool) {
        let sides = [(users, &mut self.uid_map, &mut self.uid_text), (groups, &mut self.gid_map, &mut self.gid_text)];
        for (_, map, text) in sides.into_iter().filter(|(wanted, ..)| *wanted) {
            map.retain(|entry| entry.container_range().contains(0) && entry.container_range().count() == 1);
            *text = map.iter().map(|entry| format!("0 {} 1\n", entry.host_range().first())).collect();
        }
    }

    /// The maps for a person, `0→1000, 1-65536→100000-165535, setgroups allowed`; users and groups apart where
    /// they differ.
    pub fn summary(&self) -> String {
        let setgroups = if self.setgroups_denied { "denied" } else { "allowed" };
        let users = map_summary(&self.uid_map);
        if self.uid_map == self.gid_map {
            return format!("{users}, setgroups {setgroups}");
        }
        format!("users {users}; groups {}; setgroups {setgroups}", map_summary(&self.gid_map))
    }
}

/// One map for a person.
fn map_summary(map: &[MapEntry]) -> String {
    let lines = map.iter().map(|line| format!("{}→{}", Shown(line.container_range()), Shown(line.host_range())));
    lines.collect::<Vec<_>>().join(", ")
}

/// Decides for this process. The maps are `START:LOWER:COUNT[,…]`; the defaults stand in where there is none.
pub fn resolve(uid_map: Option<&str>, gid_map: Option<&str>) -> Result<IdMaps, Error> {
    decide(&Facts::collect()?, uid_map, gid_map)
}

/// The decision, from the facts alone.
fn decide(facts: &Facts, uid_map: Option<&str>, gid_map: Option<&str>) -> Result<IdMaps, Error> {
    let users = Side { word: "user", program: "newuidmap", path: "/etc/subuid", ids: &facts.users, text: uid_map };
    let groups = Side { word: "group", program: "newgidmap", path: "/etc/subgid", ids: &facts.groups, text: gid_map };
    if facts.is_privileged_root() { for_root(facts, users, groups) } else { for_user(facts, users, groups) }
}

/// Root: as configured or the default, written directly.
fn for_root(facts: &Facts, users: Side<'_>, groups: Side<'_>) -> Result<IdMaps, Error> {
    let mut notes = Vec::new();
    let mut map = |side: &Side<'_>| match side.given()? {
        Some(map) => Ok(map),
        None => side.take(default_for_root(&side.ids.current), &mut notes),
    };
    let (uid_map, gid_map) = (map(&users)?, map(&groups)?);
    users.check_host_root(&uid_map, facts)?;
    finish(facts, (&users, uid_map), (&groups, gid_map), Mapper::Privileged, Via::Direct, notes)
}

/// A user: the own id and, where a helper writes the maps, what is delegated.
fn for_user(facts: &Facts, users: Side<'_>, groups: Side<'_>) -> Result<IdMaps, Error> {
    let mut notes = Vec::new();
    if facts.accounts.is_empty() {
        notes.push(format!("user {} has no name in /etc/passwd: only its lines by number count", facts.users.own));
    }
    let helper = usable_helper(facts, &[&users, &groups]);
    let mut map = |side: &Side<'_>| {
        let ranges = side.delegated(facts, &mut notes);
        match side.given()? {
            Some(map) => {
                side.check_allowed(facts, &map, &ranges, &helper)?;
                Ok(map)
            }
            None => side.user_default(&ranges, &helper, &mut notes),
        }
    };
    let (mut uid_map, mut gid_map) = (map(&users)?, map(&groups)?);
    users.check_host_root(&uid_map, facts)?;
    let own_group_only = gid_map.is_only(facts.groups.own);
    let mut via = Via::Direct;
    if !own_group_only || !uid_map.is_only(facts.users.own) {
        // check_allowed and user_default have seen to it that there is one.
        via = helper.map_err(|reason| users.no_helper(&reason))?;
        for (side, map) in [(&users, &mut uid_map), (&groups, &mut gid_map)] {
            *map = map.with_own_line(side.ids.own).map_err(|reason| side.map_error("", reason))?;
        }
    }
    let mapper = if own_group_only { Mapper::OwnOnly } else { Mapper::DelegatedAndAsked };
    finish(facts, (&users, uid_map), (&groups, gid_map), mapper, via, notes)
}

/// The helpers, or why they are of no use to this caller.
fn usable_helper(facts: &Facts, sides: &[&Side<'_>]) -> Result<Via, String> {
    if facts.users.own == 0 {
        return Err("root without CAP_SETUID and CAP_SETGID has its own ids only".to_string());
    }
    for side in sides {
        if matches!(side.ids.file, SubordinateFile::Missing) {
            return Err(format!("{} does not exist, and {} then maps nothing", side.path, side.program));
        }
    }
    if let Some(account) = facts.accounts.first()
        && !facts.accounts.iter().any(|account| account.gid == facts.groups.own)
    {
        let (own, primary) = (facts.groups.own, account.gid);
        return Err(format!("newuidmap serves only the primary group in /etc/passwd, {primary}, and this is {own}"));
    }
    facts.helpers.clone()
}

/// The decision from its parts.
fn finish(
    facts: &Facts,
    (users, uid_map): (&Side<'_>, IdMap),
    (groups, gid_map): (&Side<'_>, IdMap),
    mapper: Mapper,
    via: Via,
    notes: Vec<String>,
) -> Result<IdMaps, Error> {
    let rule = setgroups(mapper, facts.setgroups_denied);
    Ok(IdMaps {
        uid_text: users.render(&uid_map)?,
        gid_text: groups.render(&gid_map)?,
        become_root: uid_map.maps_container(0) && gid_map.maps_container(0),
        uid_map: uid_map.entries().to_vec(),
        gid_map: gid_map.entries().to_vec(),
        setgroups: if rule == contain_policy::Setgroups::Denied { Setgroups::Deny } else { Setgroups::Keep },
        setgroups_denied: rule != contain_policy::Setgroups::Allowed,
        via,
        notes,
    })
}
