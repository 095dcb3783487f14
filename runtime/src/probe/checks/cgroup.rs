// SPDX-License-Identifier: MIT OR Apache-2.0
//! How cgroups are laid out, and which limits this caller could set.

use super::super::Finding;
use super::super::facts::Facts;
use super::super::files::mounts;

/// Controllers that limits are made of.
const LIMITS: [&str; 3] = ["cpu", "memory", "pids"];

pub(super) fn cgroup(facts: &Facts) -> Finding {
    let name = "cgroup";
    let mounted = mounts(&facts.mountinfo);
    let any = |kind: &str| mounted.iter().any(|mount| mount.kind == kind);
    let layout = match (any("cgroup"), any("cgroup2")) {
        (false, false) => {
            return Finding::limited(name, "none is mounted")
                .since("no limit can be set")
                .mend("mount -t cgroup2 cgroup2 /sys/fs/cgroup");
        }
        (true, false) => "v1",
        (true, true) => "hybrid",
        (false, true) => "v2",
    };
    let unified = facts.unified.as_ref().filter(|(_, writable)| *writable).map_or("", |(controllers, _)| controllers);
    let v1 = facts.writable_v1.iter().flat_map(|controllers| controllers.split(','));
    let writable: Vec<&str> = unified.split_whitespace().chain(v1).collect();
    let (may, may_not): (Vec<&str>, Vec<&str>) = LIMITS.into_iter().partition(|limit| writable.contains(limit));
    if may_not.is_empty() {
        return Finding::ok(name, format!("{layout}; limits for {}", may.join(", ")));
    }
    let finding = Finding::limited(name, format!("{layout}; no limits for {}", may_not.join(", ")))
        .since("this process may not make cgroups with these controllers below its own");
    finding.mend(if layout == "v2" {
        "start contain in a delegated cgroup: systemd-run --user --scope -p Delegate=yes contain …, or have root give the directory to this user"
    } else {
        "have root make a cgroup in each hierarchy, give it to this user, and start contain in it"
    })
}
