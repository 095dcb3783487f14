// SPDX-License-Identifier: MIT OR Apache-2.0
//! One side of the decision: user ids, or group ids. What was asked for, what stands in where nothing was, what
//! is refused, and the words for it.

use std::fmt;

use contain_policy::{
    DefaultError, DefaultMap, Delegated, IdMap, IdRange, MapError, PAGE, RangeSet, Reason, check_within,
    default_for_user, delegated,
};

use super::Usable;
use super::facts::{Facts, GAIN_NOTHING, Ids, SubordinateFile};
use crate::error::{Error, Kind};

/// Who may allow a map that a user gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// The files, as they are read here and by contain-idmap.
    ByFiles,
    /// The system's helpers, where they know the caller by a name that does not come from /etc/passwd.
    ByOtherName,
}

/// User ids or group ids: what differs between the two.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) word: &'static str,
    pub(super) program: &'static str,
    pub(super) path: &'static str,
    pub(super) ids: &'a Ids,
    pub(super) text: Option<&'a str>,
}

impl Side<'_> {
    /// The map that was asked for, cut to the lines that the current user namespace wants.
    pub(super) fn given(&self) -> Result<Option<Box<IdMap>>, Error> {
        let Some(text) = self.text else { return Ok(None) };
        let map = IdMap::parse(text.as_bytes()).map_err(|error| {
            let mut items = text.split([',', ';']).filter(|item| !item.is_empty());
            self.map_error(items.nth(error.item).unwrap_or(text), error.reason)
        })?;
        map.within_namespace(&self.ids.current).map(Box::new).map(Some).map_err(|reason| self.map_error(text, reason))
    }

    /// A default map; says so where ids were left out.
    pub(super) fn take(
        &self,
        result: Result<DefaultMap, DefaultError>,
        notes: &mut Vec<String>,
    ) -> Result<Box<IdMap>, Error> {
        let word = self.word;
        match result {
            Ok(default) => {
                if !default.complete {
                    notes.push(format!(
                        "not all ranges of {word} ids are mapped: the kernel takes one page and 340 ranges"
                    ));
                }
                Ok(Box::new(default.map))
            }
            Err(DefaultError::OnlyOneId) => Err(self
                .error("")
                .cause(format!(
                    "only one {word} id is mapped in this user namespace, so that none is left for container root"
                ))
                .remedy("start it outside this user namespace, or give maps")),
            Err(DefaultError::OwnIdNotMapped) => Err(self
                .error(self.ids.own.to_string())
                .cause(format!("the caller's {word} id is not mapped in this user namespace"))
                .remedy("start it as one that is")),
        }
    }

    /// The default of a user: with the delegated ids where a helper can map them.
    pub(super) fn user_default(
        &self,
        ranges: &RangeSet,
        helpers: &Usable,
        notes: &mut Vec<String>,
    ) -> Result<Box<IdMap>, Error> {
        let none = RangeSet::new();
        let usable = match helpers.any() {
            Ok(()) => ranges,
            // The administrator delegated ids and installed what maps them: this process took that away from itself.
            Err(reason) if !ranges.is_empty() && reason == GAIN_NOTHING => {
                let own = self.ids.own;
                return Err(self.no_helper(&reason).remedy(format!(
                    "start it without no_new_privs, or map the own id alone: -u 0:UID:1 -g 0:GID:1 (here {own})"
                )));
            }
            Err(reason) => {
                if !ranges.is_empty() {
                    notes.push(format!("the {word} ids of {} are not mapped: {reason}", self.path, word = self.word));
                }
                &none
            }
        };
        self.take(default_for_user(self.ids.own, usable, &self.ids.current), notes)
    }

    /// What the file delegates to the caller.
    pub(super) fn delegated(&self, facts: &Facts, notes: &mut Vec<String>) -> RangeSet {
        let path = self.path;
        let bytes = match &self.ids.file {
            SubordinateFile::Missing => return RangeSet::new(),
            SubordinateFile::Unreadable(reason) => {
                notes.push(format!("{path} is not used: {reason}"));
                return RangeSet::new();
            }
            SubordinateFile::Read(bytes) => bytes,
        };
        let names: Vec<&[u8]> = facts.accounts.iter().map(|account| account.name.as_slice()).collect();
        let Ok(Delegated { ranges, bad_lines, dropped_lines }) = delegated(bytes, &names, facts.users.own) else {
            notes.push(format!("{path} is not used: it is larger than 1 MiB"));
            return RangeSet::new();
        };
        if bad_lines > 0 {
            notes.push(format!("{path}: lines that are not OWNER:FIRST:COUNT were skipped: {bad_lines}"));
        }
        if dropped_lines > 0 {
            notes.push(format!("{path}: lines of the caller above the 340th range were skipped: {dropped_lines}"));
        }
        ranges
    }

    /// Refuses a user's own map that leads anywhere but to the own id and delegated ids, or that nobody can write.
    pub(super) fn check_allowed(
        &self,
        facts: &Facts,
        map: &IdMap,
        ranges: &RangeSet,
        helpers: &Usable,
    ) -> Result<Allowed, Error> {
        if map.is_only(self.ids.own) {
            return Ok(Allowed::ByFiles);
        }
        let Err(refused) = check_within(map, self.ids.own, ranges) else {
            return helpers.any().map(|()| Allowed::ByFiles).map_err(|reason| self.no_helper(&reason));
        };
        if refused.reason == Reason::NotDelegated && facts.accounts.is_empty() && helpers.newidmap.is_ok() {
            return Ok(Allowed::ByOtherName);
        }
        Err(self.not_allowed(refused.ids, refused.reason, ranges))
    }

    /// The kernel gives host user 0 (not group 0) to a new namespace only where whoever writes the map holds
    /// CAP_SETFCAP (since 5.12, user_namespaces(7)).
    pub(super) fn check_host_root(&self, map: &IdMap, facts: &Facts) -> Result<(), Error> {
        if !map.maps_host(0) || facts.may_map_host_root {
            return Ok(());
        }
        Err(self
            .error(self.text.unwrap_or("0"))
            .cause("mapping host user id 0 needs CAP_SETFCAP, which this process lacks")
            .remedy("map another host id, or keep CAP_SETFCAP"))
    }

    fn not_allowed(&self, ids: IdRange, reason: Reason, ranges: &RangeSet) -> Error {
        let (word, path, own) = (self.word, self.path, self.ids.own);
        let error = self.error(self.text.unwrap_or_default());
        if reason == Reason::HostRoot {
            return error.cause(format!("host {word} id 0 is never given to a container of a user"));
        }
        let mut allowed = vec![format!("the own id {own}")];
        // An administrator's file can have hundreds of lines; the first few show what is there.
        allowed.extend(ranges.ranges().iter().take(8).map(|range| Shown(*range).to_string()));
        if ranges.ranges().len() > 8 {
            allowed.push("more".to_string());
        }
        error
            .cause(format!(
                "host {word} ids {} are not delegated to you; allowed are {}",
                Shown(ids),
                allowed.join(", ")
            ))
            .remedy(format!("map other ids, or have the administrator delegate these in {path}"))
    }

    pub(super) fn no_helper(&self, reason: &str) -> Error {
        let error = self.error(self.text.unwrap_or_default());
        let error = error.cause(format!("it needs contain-idmap, or newuidmap and newgidmap: {reason}"));
        if reason.ends_with("is not installed") {
            return error.remedy(
                "install contain-idmap (make install HELPER_MODE=fcaps), or newuidmap and newgidmap (package uidmap or \
                 shadow-utils); or map the own id only",
            );
        }
        error.remedy("mend that, or map the own id only")
    }

    pub(super) fn render(&self, map: &IdMap) -> Result<String, Error> {
        let mut buffer = [0; PAGE];
        let text = map.render(&mut buffer).map_err(|reason| self.map_error("", reason))?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// The error for a map that is none, or that does not fit here.
    pub(super) fn map_error(&self, object: &str, reason: MapError) -> Error {
        let cause = match reason {
            MapError::Empty => "the map is empty; START:LOWER:COUNT[,START:LOWER:COUNT]... is expected".to_string(),
            MapError::Syntax => "START:LOWER:COUNT is expected, three decimal numbers".to_string(),
            MapError::NoIds => "the count is 0".to_string(),
            MapError::OutOfRange => "ids end at 4294967294".to_string(),
            MapError::ContainerOverlap => "a container id is mapped twice".to_string(),
            MapError::HostOverlap => "a host id is mapped twice".to_string(),
            MapError::TooManyLines => "the kernel takes at most 340 ranges".to_string(),
            MapError::TooLong => "the kernel takes at most 4095 bytes of map".to_string(),
            MapError::NotInNamespace(ids) => {
                format!("host {} ids {} are not mapped in this user namespace", self.word, Shown(ids))
            }
        };
        let mut error = self.error(object).cause(cause);
        if matches!(reason, MapError::Empty | MapError::Syntax) {
            error = error.remedy("give START inside, LOWER on the host, and how many, as in 0:100000:65536");
        }
        if !matches!(reason, MapError::NotInNamespace(_)) {
            error.kind = Kind::Invalid;
        }
        error
    }

    fn error(&self, object: impl Into<String>) -> Error {
        Error::new(Kind::IdMap, "idmap", format!("map {} ids", self.word), object)
    }
}

/// A range for a person: `7`, `100000-165535`.
pub(super) struct Shown(pub(super) IdRange);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.first())?;
        if self.0.count() > 1 {
            write!(f, "-{}", self.0.last())?;
        }
        Ok(())
    }
}
