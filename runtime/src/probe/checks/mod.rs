// SPDX-License-Identifier: MIT OR Apache-2.0
//! The checks: each turns facts into one finding, and knows nothing else.

mod cgroup;
mod ids;
mod kernel;
mod mounts;
mod namespaces;
mod process;
#[cfg(test)]
mod tests;

use super::Finding;
use super::facts::Facts;
use crate::error::Error;

/// The check of terminals, which every container with a console needs.
pub(super) const TERMINALS: &str = "terminals";

type Check = fn(&Facts) -> Finding;

/// All of them, in the order in which a person would mend what they find.
pub(super) const ALL: [Check; 25] = [
    kernel::version,
    kernel::system_calls,
    namespaces::user_namespaces,
    namespaces::other_namespaces,
    namespaces::apparmor,
    namespaces::selinux,
    process::seccomp_filter,
    process::no_new_privs,
    process::contain_init,
    process::processes,
    process::open_files,
    process::file_size,
    ids::subordinate_ids,
    ids::id_helper,
    ids::ids,
    ids::setgroups,
    mounts::root,
    mounts::proc,
    mounts::sys,
    mounts::terminals,
    mounts::overlay,
    mounts::tun,
    cgroup::cgroup,
    kernel::landlock,
    kernel::kernel_features,
];

/// Whether this process was given privilege by its file.
pub(super) fn privilege(refused: Option<Error>) -> Finding {
    match refused {
        None => Finding::ok("privilege", "none was given by the program's file"),
        Some(error) => {
            let mut finding = Finding::missing("privilege", "this program has more privilege than its user");
            (finding.cause, finding.remedy) = (error.cause, error.remedy);
            finding
        }
    }
}
