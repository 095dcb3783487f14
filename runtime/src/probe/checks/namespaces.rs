// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether namespaces can be made: limits, switches, security modules.

use super::super::Finding;
use super::super::facts::Facts;
use super::super::files::mounts;

pub(super) fn user_namespaces(facts: &Facts) -> Finding {
    let name = "user-namespaces";
    if facts.namespaces.is_empty() {
        return Finding::unknown(name, "/proc/self/ns is not to be read").mend("mount -t proc proc /proc");
    }
    if !has(facts, "user") {
        return Finding::missing(name, "not in this kernel").mend("use a kernel built with CONFIG_USER_NS=y");
    }
    let value = |name: &str| facts.sysctls.get(name).map(String::as_str);
    if value("user.max_user_namespaces") == Some("0") {
        return Finding::missing(name, "user.max_user_namespaces is 0")
            .since("no user namespace may be made")
            .mend("sysctl user.max_user_namespaces=15000, and in /etc/sysctl.d for good");
    }
    if value("kernel.unprivileged_userns_clone") == Some("0") && facts.uid != 0 {
        return Finding::missing(name, "kernel.unprivileged_userns_clone is 0")
            .since("only root may make user namespaces")
            .mend("sysctl kernel.unprivileged_userns_clone=1, and in /etc/sysctl.d for good");
    }
    let mounted = mounts(&facts.mountinfo);
    if !mounted.is_empty() && !mounted.iter().any(|mount| mount.point == "/") {
        return Finding::missing(name, "this process is in a chroot")
            .since("the kernel lets no process in a chroot make a user namespace")
            .mend("start contain outside it, with the directory as DIR");
    }
    let limit = value("user.max_user_namespaces").map_or(String::new(), |limit| format!(", up to {limit}"));
    let nested = !is_first(&facts.uid_map);
    Finding::ok(name, format!("allowed{limit}{}", if nested { ", inside another user namespace" } else { "" }))
}

/// Whether every id is itself, as in the first user namespace.
fn is_first(uid_map: &str) -> bool {
    uid_map.is_empty() || uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

fn has(facts: &Facts, name: &str) -> bool {
    facts.namespaces.iter().any(|known| known == name)
}

pub(super) fn other_namespaces(facts: &Facts) -> Finding {
    let name = "namespaces";
    if facts.namespaces.is_empty() {
        return Finding::unknown(name, "/proc/self/ns is not to be read");
    }
    let kinds = ["mnt", "pid", "ipc", "uts", "net", "cgroup", "time"];
    let absent: Vec<&str> = kinds.into_iter().filter(|kind| !has(facts, kind)).collect();
    let limit = |kind: &&str| facts.sysctls.get(format!("user.max_{kind}_namespaces").as_str());
    let at_zero = kinds.into_iter().filter(|kind| limit(kind).is_some_and(|limit| limit == "0"));
    let at_zero: Vec<String> = at_zero.map(|kind| format!("user.max_{kind}_namespaces")).collect();
    if let Some(first) = at_zero.first() {
        return Finding::missing(name, format!("0: {}", at_zero.join(" ")))
            .since("no such namespace may be made")
            .mend(format!("sysctl {first}=15000, and in /etc/sysctl.d for good"));
    }
    let without = |kinds: &[&str]| kinds.iter().map(|kind| format!("CONFIG_{}_NS=y", config(kind))).collect::<Vec<_>>();
    if absent.is_empty() {
        return Finding::ok(name, kinds.join(" "));
    }
    let needed = absent.iter().any(|kind| !["cgroup", "time"].contains(kind));
    let found = format!("not in this kernel: {}", absent.join(" "));
    let finding = if needed { Finding::missing(name, found) } else { Finding::limited(name, found) };
    finding.mend(format!("use a kernel built with {}", without(&absent).join(" ")))
}

/// What the kernel's configuration calls them; there is none for mount namespaces.
fn config(kind: &str) -> String {
    if kind == "cgroup" { "CGROUPS=y and CONFIG_CGROUP".into() } else { kind.to_uppercase() }
}

pub(super) fn apparmor(facts: &Facts) -> Finding {
    let name = "apparmor";
    if !facts.apparmor {
        return Finding::ok(name, "not in use");
    }
    let label = facts.apparmor_label.as_str();
    let restricted =
        facts.sysctls.get("kernel.apparmor_restrict_unprivileged_userns").is_some_and(|value| value != "0");
    if !restricted || facts.uid == 0 {
        return Finding::ok(name, if label.is_empty() { "in use" } else { label });
    }
    let (file, wrong) = &facts.init;
    let found = "kernel.apparmor_restrict_unprivileged_userns is 1";
    let cause = "AppArmor leaves user namespaces to programs with a profile that says so";
    match (facts.apparmor_profile, wrong) {
        (true, None) => Finding::ok(name, format!("restricts user namespaces; a profile lets {file} make them")),
        (true, Some(wrong)) => {
            Finding::missing(name, found).since(format!("{cause}, and {file} cannot be used: {wrong}")).mend(
                "install contain again (make install): its profile holds for the installed contain-init alone",
            )
        }
        (false, _) => Finding::missing(name, found).since(cause).mend(
            "install contain (make install), then apparmor_parser -r /etc/apparmor.d/contain-init; or sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    }
}

pub(super) fn selinux(facts: &Facts) -> Finding {
    let name = "selinux";
    match facts.selinux {
        None => Finding::ok(name, "not in use"),
        Some(false) => Finding::ok(name, "permissive"),
        Some(true) => Finding::ok(name, format!("enforcing, as {}", facts.apparmor_label)),
    }
}
