// SPDX-License-Identifier: MIT OR Apache-2.0
//! Resource limits by name (getrlimit(2)).

use crate::config::Rlimit;
use crate::error::Error;

/// Their names, in the order of their numbers.
pub(crate) const NAMES: [&str; 16] = [
    "cpu",
    "fsize",
    "data",
    "stack",
    "core",
    "rss",
    "nproc",
    "nofile",
    "memlock",
    "as",
    "locks",
    "sigpending",
    "msgqueue",
    "nice",
    "rtprio",
    "rttime",
];

/// The number of this name.
pub(crate) fn number(name: &str) -> Option<u32> {
    NAMES.iter().position(|known| *known == name).and_then(|number| u32::try_from(number).ok())
}

/// The name of this number, or the number.
pub(crate) fn name(resource: u32) -> String {
    NAMES.get(resource as usize).map_or_else(|| resource.to_string(), |name| (*name).to_string())
}

impl Rlimit {
    /// `NAME=SOFT[:HARD]`, each limit a decimal number or `unlimited`; HARD is SOFT where it is left out.
    pub fn parse(text: &str) -> Result<Rlimit, Error> {
        let wrong = |allowed: &str| Error::invalid("rlimit", format!("{text:?}"), allowed);
        let (name, limits) = text.split_once('=').ok_or_else(|| wrong("it has the form NAME=SOFT[:HARD]"))?;
        let resource = number(name).ok_or_else(|| wrong(&format!("the limits are {}", NAMES.join(", "))))?;
        let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
        let value = |text: &str| match text {
            "unlimited" => Ok(u64::MAX),
            _ if text.is_empty() || text.bytes().any(|byte| !byte.is_ascii_digit()) => Err(()),
            _ => text.parse().map_err(drop),
        };
        let (Ok(soft), Ok(hard)) = (value(soft), value(hard)) else {
            return Err(wrong("a limit is a whole number of what the limit counts, or unlimited"));
        };
        if soft > hard {
            return Err(wrong("the soft limit is at most the hard one"));
        }
        Ok(Rlimit { resource, soft, hard })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_name_and_one_or_two_limits() {
        let parsed = |text: &str| Rlimit::parse(text).map(|limit| (limit.resource, limit.soft, limit.hard)).ok();
        assert_eq!(parsed("nofile=64:128"), Some((7, 64, 128)));
        assert_eq!(parsed("cpu=1"), Some((0, 1, 1)));
        assert_eq!(parsed("core=0:unlimited"), Some((4, 0, u64::MAX)));
        assert_eq!(parsed("as=unlimited"), Some((9, u64::MAX, u64::MAX)));
        for text in [
            "",
            "cpu",
            "cpu=",
            "cpu=:",
            "cpu=1:",
            "cpu=:1",
            "cpu=2:1",
            "cpu=-1",
            "cpu=+1",
            "cpu= 1",
            "cpu=1:2:3",
            "CPU=1",
            "0=1",
            "=1",
            "cpu=99999999999999999999",
            "cpu=unlimited:1",
            "cpu=1k",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
