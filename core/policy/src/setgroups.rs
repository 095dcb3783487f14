// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether setgroups(2) works in the container.
//!
//! A process that drops a supplementary group can gain access: to what the group was meant to be kept from
//! (CVE-2014-8989, CVE-2018-7169). So only a caller that may change its groups anyway, or one to whom the
//! administrator has delegated group ids, leaves it enabled.

/// How the caller comes to its group map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapper {
    /// It holds CAP_SETGID in the current user namespace.
    Privileged,
    /// A helper writes a map with group ids from /etc/subgid, and the caller asked for setgroups.
    DelegatedAndAsked,
    /// A helper writes such a map, and the caller did not ask.
    Delegated,
    /// Its own group id is all that is mapped.
    OwnOnly,
}

/// What becomes of /proc/PID/setgroups of the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setgroups {
    /// "allow" stands there and nothing is written.
    Allowed,
    /// "deny" is written, before the group map.
    Denied,
    /// "deny" stands there, from the parent namespace, and cannot be taken back; nothing is written.
    Inherited,
}

/// The rule.
pub fn setgroups(mapper: Mapper, denied_in_parent: bool) -> Setgroups {
    match (denied_in_parent, mapper) {
        (true, _) => Setgroups::Inherited,
        (false, Mapper::Privileged | Mapper::DelegatedAndAsked) => Setgroups::Allowed,
        (false, Mapper::Delegated | Mapper::OwnOnly) => Setgroups::Denied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setgroups_table() {
        for (mapper, expected) in [
            (Mapper::Privileged, Setgroups::Allowed),
            (Mapper::DelegatedAndAsked, Setgroups::Allowed),
            (Mapper::Delegated, Setgroups::Denied),
            (Mapper::OwnOnly, Setgroups::Denied),
        ] {
            assert_eq!(setgroups(mapper, false), expected, "{mapper:?}");
            assert_eq!(setgroups(mapper, true), Setgroups::Inherited, "{mapper:?}");
        }
    }
}
