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

use contain_policy::{IdMap, MAX_LINES, MAX_REQUEST, MapEntry, Mapper, Request, default_for_root, setgroups};

use crate::error::{Error, Kind};

mod facts;
mod side;
#[cfg(test)]
mod tests;

use facts::{Facts, SubordinateFile};
use side::{Allowed, Shown, Side};

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
    /// By contain-idmap, which checks them.
    Idmap {
        /// Its path.
        program: PathBuf,
    },
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
            Via::Idmap { program } => write!(f, "through {}", program.display()),
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
    /// What a person should know about it: why ranges were left out, which lines were skipped.
    pub notes: Vec<String>,
    /// What only somebody who looks at the plan wants to know: why a better way was not taken.
    pub remarks: Vec<String>,
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

    /// What contain-idmap is asked.
    pub fn request(&self) -> Result<Vec<u8>, Error> {
        let collect = |lines: &[MapEntry]| {
            let mut map = IdMap::new();
            lines.iter().try_for_each(|line| map.push(*line)).map(|()| map)
        };
        let refused = |cause: String| Error::new(Kind::IdMap, "idmap", "map ids", "").cause(cause);
        let (users, groups) = (collect(&self.uid_map), collect(&self.gid_map));
        let (Ok(users), Ok(groups)) = (users, groups) else { return Err(refused("a map has an id twice".into())) };
        let request = Request { users, groups, setgroups: !self.setgroups_denied };
        request.encode(&mut [0; MAX_REQUEST]).map(<[u8]>::to_vec).map_err(|_| {
            let ranges = self.uid_map.len() + self.gid_map.len();
            refused(format!("the two maps have {ranges} ranges, and contain-idmap takes {MAX_LINES} altogether"))
                .remedy("give maps with fewer ranges: -u MAP, -g MAP")
        })
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

/// contain-idmap and the system's helpers, each in words, or why it is of no use to this process.
pub(crate) fn helpers() -> Result<[Result<String, String>; 2], Error> {
    facts::helpers()
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
    let decision = Decision { mapper: Mapper::Privileged, via: Via::Direct, notes, remarks: Vec::new() };
    finish(facts, (&users, uid_map), (&groups, gid_map), decision)
}

/// A user: the own id and, where a helper writes the maps, what is delegated.
fn for_user(facts: &Facts, users: Side<'_>, groups: Side<'_>) -> Result<IdMaps, Error> {
    let mut notes = Vec::new();
    if facts.accounts.is_empty() {
        notes.push(format!("user {} has no name in /etc/passwd: only its lines by number count", facts.users.own));
    }
    let helpers = Usable::find(facts, &[&users, &groups]);
    let (mut beyond_files, mut delegated) = (false, false);
    let mut map = |side: &Side<'_>| {
        let ranges = side.delegated(facts, &mut notes);
        delegated |= !ranges.is_empty();
        match side.given()? {
            Some(map) => {
                beyond_files |= side.check_allowed(facts, &map, &ranges, &helpers)? == Allowed::ByOtherName;
                Ok(map)
            }
            None => side.user_default(&ranges, &helpers, &mut notes),
        }
    };
    let (mut uid_map, mut gid_map) = (map(&users)?, map(&groups)?);
    users.check_host_root(&uid_map, facts)?;
    let own_group_only = gid_map.is_only(facts.groups.own);
    let (mut via, mut remarks) = (Via::Direct, Vec::new());
    if !own_group_only || !uid_map.is_only(facts.users.own) {
        // check_allowed and user_default have seen to it that there is one.
        via = helpers.best(beyond_files, &mut remarks).map_err(|reason| users.no_helper(&reason))?;
    } else if !delegated {
        remarks.push(format!("only the own ids are mapped: {} and {} delegate no others", users.path, groups.path));
    }
    if matches!(via, Via::Newidmap { .. }) {
        for (side, map) in [(&users, &mut uid_map), (&groups, &mut gid_map)] {
            **map = map.with_own_line(side.ids.own).map_err(|reason| side.map_error("", reason))?;
        }
    }
    let mapper = if own_group_only { Mapper::OwnOnly } else { Mapper::DelegatedAndAsked };
    finish(facts, (&users, uid_map), (&groups, gid_map), Decision { mapper, via, notes, remarks })
}

/// The helpers as this caller can use them; else why not.
struct Usable {
    idmap: Result<Via, String>,
    newidmap: Result<Via, String>,
}

impl Usable {
    fn find(facts: &Facts, sides: &[&Side<'_>]) -> Usable {
        if facts.users.own == 0 {
            let reason = "root without CAP_SETUID and CAP_SETGID has its own ids only";
            return Usable { idmap: Err(reason.to_string()), newidmap: Err(reason.to_string()) };
        }
        let idmap = facts.idmap.clone().map(|program| Via::Idmap { program });
        Usable { idmap, newidmap: newidmap(facts, sides) }
    }

    /// Whether there is one; else both reasons.
    fn any(&self) -> Result<(), String> {
        match (&self.idmap, &self.newidmap) {
            (Err(idmap), Err(newidmap)) if idmap == newidmap => Err(idmap.clone()),
            (Err(idmap), Err(newidmap)) => Err(format!("{idmap}; {newidmap}")),
            _ => Ok(()),
        }
    }

    /// contain-idmap; where that is of no use, or knows less than the system's, the system's, and a remark.
    fn best(&self, beyond_files: bool, remarks: &mut Vec<String>) -> Result<Via, String> {
        let reason = match &self.idmap {
            Ok(via) if !beyond_files => return Ok(via.clone()),
            Ok(_) => "it knows users by /etc/passwd and by their numbers only",
            Err(reason) => reason,
        };
        let Ok(via) = &self.newidmap else { return Err(self.any().err().unwrap_or_else(|| reason.to_string())) };
        remarks.push(format!("the maps are not written by contain-idmap: {reason}"));
        Ok(via.clone())
    }
}

/// newuidmap and newgidmap, where they would serve this caller.
fn newidmap(facts: &Facts, sides: &[&Side<'_>]) -> Result<Via, String> {
    let via = facts.newidmap.clone()?;
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
    Ok(via)
}

/// What was decided beside the maps.
struct Decision {
    mapper: Mapper,
    via: Via,
    notes: Vec<String>,
    remarks: Vec<String>,
}

/// The decision from its parts.
fn finish(
    facts: &Facts,
    (users, uid_map): (&Side<'_>, Box<IdMap>),
    (groups, gid_map): (&Side<'_>, Box<IdMap>),
    Decision { mapper, via, notes, remarks }: Decision,
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
        remarks,
    })
}
