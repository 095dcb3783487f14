// SPDX-License-Identifier: MIT OR Apache-2.0
//! Capabilities by name, and sets of them: one bit each, by their numbers (capabilities(7)).

use crate::error::Error;

/// The names of capabilities, in the order of their numbers (capabilities(7)).
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Every capability that has a name here.
pub const ALL: u64 = (1 << NAMES.len()) - 1;

/// The capability of this name, with or without `CAP_` and in any case; all of them for `ALL`.
pub fn parse(name: &str) -> Result<u64, Error> {
    let plain = name.to_ascii_lowercase();
    let plain = plain.strip_prefix("cap_").unwrap_or(&plain);
    if plain == "all" {
        return Ok(ALL);
    }
    NAMES.iter().position(|known| *known == plain).map(|number| 1 << number).ok_or_else(|| {
        Error::invalid("capability", format!("{name:?}"), "it is no capability's name")
            .remedy("capabilities(7) has the names; with or without CAP_, or ALL")
    })
}

/// `base` with those of `add` and without those of `drop`, in whatever order they were given. `ALL` in one of the two
/// makes it the rule and the other its exceptions.
pub fn changed(base: u64, add: &[impl AsRef<str>], drop: &[impl AsRef<str>]) -> Result<u64, Error> {
    let (added_all, added) = collect(add)?;
    let (dropped_all, dropped) = collect(drop)?;
    if added_all && dropped_all {
        return Err(contradiction("ALL"));
    }
    if added & dropped != 0 {
        return Err(contradiction(&names(added & dropped)));
    }
    Ok(match (added_all, dropped_all) {
        (true, _) => ALL & !dropped,
        (_, true) => added,
        _ => (base | added) & !dropped,
    })
}

fn contradiction(names: &str) -> Error {
    Error::invalid("capability", names, "it is both added and dropped; do one of the two")
}

/// Whether `ALL` is among them, and the others.
fn collect(given: &[impl AsRef<str>]) -> Result<(bool, u64), Error> {
    let mut set = (false, 0);
    for name in given {
        match parse(name.as_ref())? {
            ALL => set.0 = true,
            one => set.1 |= one,
        }
    }
    Ok(set)
}

/// The names of a set, as programs write them: `CAP_CHOWN`. What has no name here is left out.
pub(crate) fn listed(set: u64) -> Vec<String> {
    let held = NAMES.iter().enumerate().filter(|(number, _)| set & (1u64 << number) != 0);
    held.map(|(_, name)| format!("CAP_{}", name.to_ascii_uppercase())).collect()
}

/// A set in words.
pub(crate) fn names(set: u64) -> String {
    if set & ALL == ALL {
        return "all".into();
    }
    let name = |number: u32| {
        let name = NAMES.get(number as usize);
        name.map_or_else(|| number.to_string(), |name| (*name).to_string())
    };
    let names: Vec<String> = (0..64).filter(|number| set & (1u64 << number) != 0).map(name).collect();
    if names.is_empty() { "none".into() } else { names.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::APP_CAPABILITIES;

    const NOTHING: [&str; 0] = [];

    #[test]
    fn a_name_is_known_with_and_without_prefix_in_any_case() {
        for name in ["CAP_NET_ADMIN", "NET_ADMIN", "net_admin", "cap_Net_Admin"] {
            assert_eq!(parse(name).expect("a capability"), 1 << 12, "{name}");
        }
        assert_eq!(parse("all").expect("all"), ALL);
    }

    #[test]
    fn an_unknown_name_is_refused_and_named() {
        for name in ["", "CAP_", "NET", "CAP_CAP_CHOWN", "CHOWN ", "CHOWN,KILL", "0", "CAP_ALLL"] {
            let error = parse(name).expect_err(name);
            assert!(error.to_string().contains(&format!("{name:?}")), "{error}");
        }
    }

    #[test]
    fn adding_and_dropping_change_the_base_in_any_order() {
        let changed = |add: &[&str], drop: &[&str]| changed(APP_CAPABILITIES, add, drop).expect("a set");
        assert_eq!(changed(&["SYS_ADMIN"], &["CHOWN"]), (APP_CAPABILITIES | 1 << 21) & !1);
        assert_eq!(changed(&["CHOWN"], &["ALL"]), 1);
        assert_eq!(changed(&["ALL"], &["CHOWN"]), ALL & !1);
        assert_eq!(changed(&NOTHING, &NOTHING), APP_CAPABILITIES);
        assert_eq!(changed(&[], &["ALL"]), 0);
    }

    #[test]
    fn a_contradiction_is_refused() {
        assert!(changed(0, &["CHOWN", "KILL"], &["cap_kill"]).is_err_and(|error| error.to_string().contains("kill")));
        assert!(changed(0, &["ALL"], &["ALL"]).is_err());
    }
}
