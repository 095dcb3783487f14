// SPDX-License-Identifier: MIT OR Apache-2.0
//! The user that the command runs as: parsed strictly, and resolved before there is a plan. Names are those of the
//! container's own /etc/passwd and /etc/group as they are in the root that was given, before anything is mounted
//! into it; reading them trusts nothing that is in there.

mod database;
mod joined;
#[cfg(test)]
mod tests;

use crate::config::Root;
use crate::error::{Error, Kind};
use crate::idmap::IdMaps;
use contain_plan::MAX_GROUPS;
use database::{Account, Database};
use joined::Joined;
use std::path::PathBuf;

/// The highest id there is; 4294967295 means "no id" to the kernel.
const LAST_ID: u32 = u32::MAX - 1;

/// A user or a group: by number, which needs no look-up, or by the name that the container has for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// An id of the container's user namespace.
    Number(u32),
    /// A name in the container's /etc/passwd or /etc/group.
    Name(String),
}

/// Who the command runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The user.
    pub user: Id,
    /// The group. With it the command has no other group; without it, the user's own and supplementary groups.
    pub group: Option<Id>,
}

impl User {
    /// `USER[:GROUP]`. CVE-2026-30892: each part is a decimal number without sign, space or leading zero, or a name,
    /// and never anything by default.
    pub fn parse(text: &str) -> Result<User, Error> {
        let wrong = |cause: &str| Err(Error::invalid("user", format!("{text:?}"), cause));
        let mut parts = text.split(':').map(id);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(Ok(user)), None, _) => Ok(User { user, group: None }),
            (Some(Ok(user)), Some(Ok(group)), None) => Ok(User { user, group: Some(group) }),
            (Some(Err(cause)), ..) | (_, Some(Err(cause)), None) => wrong(cause),
            _ => wrong("it has the form USER or USER:GROUP"),
        }
    }
}

impl Id {
    /// A decimal number, or a name, as each part of a [`User`].
    pub fn parse(text: &str) -> Result<Id, Error> {
        id(text).map_err(|cause| Error::invalid("group", format!("{text:?}"), cause))
    }
}

/// One part: what begins with a digit or a sign is a number or nothing.
fn id(text: &str) -> Result<Id, &'static str> {
    if text.is_empty() {
        return Err("a user or group is a name or a number, and one of them is empty");
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || first == '-' || first == '+') {
        return number(text.as_bytes())
            .map(Id::Number)
            .ok_or("a number is decimal, 0 to 4294967294, without sign or leading zeros");
    }
    if text.bytes().any(|byte| byte.is_ascii_control() || byte.is_ascii_whitespace() || byte == b'/') {
        return Err("no name has such characters");
    }
    Ok(Id::Name(text.to_string()))
}

/// A decimal id and nothing else.
fn number(text: &[u8]) -> Option<u32> {
    let plain = !text.is_empty() && text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || text[0] != b'0');
    let number = std::str::from_utf8(text).ok().filter(|_| plain)?.parse::<u32>().ok()?;
    (number <= LAST_ID).then_some(number)
}

/// A user as the plan has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resolved {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups, sorted; `None` where they cannot be set.
    pub groups: Option<Vec<u32>>,
    /// The home directory that the container's /etc/passwd names, else `/`.
    pub home: String,
    /// What a person should know about it.
    pub notes: Vec<String>,
}

/// Which ids a container has.
trait Mapped {
    fn maps_user(&self, id: u32) -> bool;
    fn maps_group(&self, id: u32) -> bool;
    fn setgroups_denied(&self) -> bool;
    /// For a person.
    fn summary(&self) -> String;
}

impl Mapped for IdMaps {
    fn maps_user(&self, id: u32) -> bool {
        IdMaps::maps_user(self, id)
    }

    fn maps_group(&self, id: u32) -> bool {
        IdMaps::maps_group(self, id)
    }

    fn setgroups_denied(&self) -> bool {
        self.setgroups_denied
    }

    fn summary(&self) -> String {
        IdMaps::summary(self)
    }
}

/// As `resolve`, in a container that runs: by its files as its PID 1 sees them now. `groups`: those that the user has in
/// place of the supplementary ones of its own. Nothing where neither is given.
pub(crate) fn resolve_joined(user: Option<&User>, groups: Option<&[Id]>, pid: i32) -> Result<Option<Resolved>, Error> {
    if user.is_none() && groups.is_none() {
        return Ok(None);
    }
    let root = User { user: Id::Number(0), group: Some(Id::Number(0)) };
    let place = Root::Directory(PathBuf::from(format!("/proc/{pid}/root")));
    resolve_in(user.unwrap_or(&root), groups, &mut Database::open(&place)?, &Joined::new(pid)?).map(Some)
}

/// Finds the ids of a user of the container, and checks that the container has them.
pub(crate) fn resolve(user: &User, root: &Root, maps: &IdMaps) -> Result<Resolved, Error> {
    resolve_in(user, None, &mut Database::open(root)?, maps)
}

fn resolve_in(
    user: &User,
    groups: Option<&[Id]>,
    database: &mut Database,
    maps: &dyn Mapped,
) -> Result<Resolved, Error> {
    let account = match &user.user {
        Id::Name(name) => {
            let found = database.user(|account| account.name == name.as_bytes())?;
            Some(found.ok_or_else(|| unknown("user", name, "/etc/passwd"))?)
        }
        // A number is enough by itself: what the files say more, they may leave unsaid.
        Id::Number(uid) => database.user(|account| account.uid == *uid).unwrap_or_default(),
    };
    let uid = match (&user.user, &account) {
        (Id::Number(uid), _) => *uid,
        (Id::Name(_), Some(account)) => account.uid,
        (Id::Name(name), None) => return Err(unknown("user", name, "/etc/passwd")),
    };
    let gid = match (&user.group, &account) {
        (Some(group), _) => number_of(group, database)?,
        (None, Some(account)) => account.gid,
        (None, None) => {
            return Err(Error::invalid("user", uid.to_string(), "the container's /etc/passwd does not name its group")
                .remedy(format!("name it: {uid}:GROUP")));
        }
    };
    for (kind, id, mapped) in [("user", uid, maps.maps_user(uid)), ("group", gid, maps.maps_group(gid))] {
        if !mapped {
            return Err(Error::new(Kind::IdMap, "idmap", "become", format!("{kind} {id}"))
                .cause(format!("the container does not have this id; its maps are {}", maps.summary()))
                .remedy("map it with -u and -g, or have ids delegated in /etc/subuid and /etc/subgid"));
        }
    }
    let mut notes = Vec::new();
    let groups = match (groups, &user.group, &account) {
        (Some(groups), ..) => given(groups, gid, database, maps)?,
        (None, None, Some(account)) => supplementary(database.groups_of(account)?, gid, maps, &mut notes)?,
        _ => supplementary(Vec::new(), gid, maps, &mut notes)?,
    };
    let home = account.map_or_else(|| "/".to_string(), Account::home);
    Ok(Resolved { uid, gid, groups, home, notes })
}

fn number_of(group: &Id, database: &Database) -> Result<u32, Error> {
    match group {
        Id::Number(gid) => Ok(*gid),
        Id::Name(name) => database.group(name)?.ok_or_else(|| unknown("group", name, "/etc/group")),
    }
}

/// The groups that were asked for, all of them, where the container has them.
fn given(groups: &[Id], gid: u32, database: &Database, maps: &dyn Mapped) -> Result<Option<Vec<u32>>, Error> {
    let numbers = groups.iter().map(|group| number_of(group, database)).collect::<Result<Vec<_>, _>>()?;
    let refuse = |object: String, cause: String| {
        Err(Error::new(Kind::IdMap, "idmap", "become a member of", object)
            .cause(cause)
            .remedy("map it with -g, or have ids delegated in /etc/subuid and /etc/subgid"))
    };
    if let Some(group) = numbers.iter().find(|group| !maps.maps_group(**group)) {
        let cause = format!("the container does not have this id; its maps are {}", maps.summary());
        return refuse(format!("group {group}"), cause);
    }
    if maps.setgroups_denied()
        && let Some(group) = numbers.iter().find(|group| **group != gid)
    {
        return refuse(format!("group {group}"), "setgroups is denied in the container".into());
    }
    // Nothing is left out of them: each is mapped, or there are none.
    supplementary(numbers, gid, maps, &mut Vec::new())
}

/// Those of the user's groups that the container has, where it may have any.
fn supplementary(
    wanted: Vec<u32>,
    gid: u32,
    maps: &dyn Mapped,
    notes: &mut Vec<String>,
) -> Result<Option<Vec<u32>>, Error> {
    let shown = |groups: &[u32]| groups.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut wanted: Vec<u32> = wanted.into_iter().filter(|group| *group != gid).collect();
    wanted.sort_unstable();
    wanted.dedup();
    if maps.setgroups_denied() {
        if !wanted.is_empty() {
            notes.push(format!("supplementary groups {} are left out: setgroups is denied here", shown(&wanted)));
        }
        return Ok(None);
    }
    let (mapped, unmapped): (Vec<u32>, Vec<u32>) = wanted.into_iter().partition(|group| maps.maps_group(*group));
    if !unmapped.is_empty() {
        notes.push(format!("supplementary groups {} are left out: they are not mapped", shown(&unmapped)));
    }
    if mapped.len() > MAX_GROUPS {
        return Err(Error::new(Kind::TooBig, "config", "user", format!("{} supplementary groups", mapped.len()))
            .cause(format!("a user can have {MAX_GROUPS}"))
            .remedy("name the group: USER:GROUP"));
    }
    Ok(Some(mapped))
}

fn unknown(kind: &str, name: &str, file: &str) -> Error {
    Error::invalid(kind, format!("{name:?}"), format!("the container's {file} has no such {kind}"))
        .remedy("name one that it has, or give its number")
}
