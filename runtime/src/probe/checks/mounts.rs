// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is mounted here, and the devices that a container is given.

use super::super::Finding;
use super::super::facts::Facts;
use super::super::files::{Mount, mounts, version};
use crate::error::errno_text;
use libc::{EACCES, ENOSPC};

/// Directories that the kernel makes for nothing but a mount: what is on them hides nothing.
const MADE_FOR_MOUNTS: [&str; 14] = [
    "/proc/sys/fs/binfmt_misc",
    "/proc/fs/nfsd",
    "/sys/fs/cgroup",
    "/sys/fs/bpf",
    "/sys/fs/pstore",
    "/sys/fs/resctrl",
    "/sys/fs/selinux",
    "/sys/fs/smackfs",
    "/sys/fs/fuse/connections",
    "/sys/kernel/config",
    "/sys/kernel/debug",
    "/sys/kernel/security",
    "/sys/kernel/tracing",
    "/sys/firmware/efi/efivars",
];

/// How a file system of a kind is mounted here.
enum Visible<'a> {
    Nowhere,
    /// Wholly, once at least.
    Whole,
    /// Everywhere with something on top of parts of it: these.
    Masked(Vec<&'a str>),
    ReadOnly,
}

/// Whether a user namespace may mount a file system of this kind anew (the kernel's `mount_too_revealing`).
fn visible<'a>(mounted: &[Mount<'a>], kind: &str) -> Visible<'a> {
    let mut answer = Visible::Nowhere;
    for one in mounted.iter().filter(|mount| mount.kind == kind && mount.root == "/") {
        let inside = format!("{}/", one.point);
        let made_for =
            |point: &str| MADE_FOR_MOUNTS.iter().any(|made| point == *made || point.starts_with(&format!("{made}/")));
        let over = mounted.iter().map(|mount| mount.point).filter(|point| point.starts_with(&inside));
        let over: Vec<&str> = over.filter(|point| !made_for(point)).collect();
        if !over.is_empty() {
            answer = Visible::Masked(over);
        } else if one.options.split(',').any(|option| option == "ro") {
            answer = Visible::ReadOnly;
        } else {
            return Visible::Whole;
        }
    }
    answer
}

/// The first of many, and how many more.
fn some(points: &[&str]) -> String {
    let shown = points.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    if points.len() > 3 { format!("{shown} and {} more", points.len() - 3) } else { shown }
}

pub(super) fn root(facts: &Facts) -> Finding {
    let name = "root-mount";
    let mounted = mounts(&facts.mountinfo);
    match mounted.iter().rev().find(|mount| mount.point == "/").map(|mount| mount.kind) {
        None => Finding::unknown(name, "no mount is on /"),
        Some("rootfs") => Finding::missing(name, "/ is the initramfs")
            .since("it cannot be pivoted away from")
            .mend("start contain from a real root file system"),
        Some(kind) => Finding::ok(name, kind),
    }
}

pub(super) fn proc(facts: &Facts) -> Finding {
    let name = "proc";
    let mounted = mounts(&facts.mountinfo);
    if facts.proc_self.as_deref() != Some(facts.pid.to_string().as_str()) {
        return Finding::missing(name, "/proc does not show this process")
            .since("it belongs to another PID namespace, or is no procfs")
            .mend("mount -t proc proc /proc");
    }
    match visible(&mounted, "proc") {
        Visible::Masked(points) => {
            return Finding::missing(name, format!("covered: {}", some(&points)))
                .since("a user namespace may mount /proc only where it is whole outside; engines cover parts of it")
                .mend("run the outer container with a whole one: podman run --security-opt unmask=ALL, docker run --security-opt systempaths=unconfined");
        }
        Visible::ReadOnly => {
            return Finding::missing(name, "mounted read-only")
                .since("a user namespace may not mount a /proc that can be written where the one outside cannot")
                .mend("mount -o remount,rw /proc, or a second one anywhere");
        }
        Visible::Nowhere | Visible::Whole => {}
    }
    let hidden = mounted
        .iter()
        .rev()
        .filter(|mount| mount.kind == "proc")
        .find_map(|mount| mount.super_options.split(',').find_map(|option| option.strip_prefix("hidepid=")));
    match hidden {
        None | Some("0" | "off") => Finding::ok(name, "whole"),
        Some(level) => Finding::limited(name, format!("hidepid={level}"))
            .since("processes of others are not shown: inject finds the user's own containers only")
            .mend("nothing, if that is meant; else mount -o remount,hidepid=0 /proc"),
    }
}

pub(super) fn sys(facts: &Facts) -> Finding {
    let name = "sys";
    let finding = match visible(&mounts(&facts.mountinfo), "sysfs") {
        Visible::Whole => return Finding::ok(name, "whole"),
        Visible::Nowhere => Finding::missing(name, "no sysfs is mounted").mend("mount -t sysfs sysfs /sys, or use -n"),
        Visible::ReadOnly => Finding::missing(name, "mounted read-only")
            .mend("run the outer container with a /sys that can be written, or use -n"),
        Visible::Masked(points) => Finding::missing(name, format!("covered: {}", some(&points)))
            .mend("run the outer container with a whole one: podman run --security-opt unmask=ALL, docker run --security-opt systempaths=unconfined; or use -n"),
    };
    finding.since("a user namespace may mount /sys only where it is whole outside")
}

pub(super) fn terminals(facts: &Facts) -> Finding {
    let name = super::TERMINALS;
    let number = |name: &str| facts.sysctls.get(name).and_then(|value| value.parse::<u64>().ok());
    let used = number("kernel.pty.nr").zip(number("kernel.pty.max"));
    let used = used.map_or("can be opened".to_string(), |(used, most)| format!("{used} of {most} in use"));
    match facts.terminal {
        None => Finding::unknown(name, "not tried"),
        Some(Ok(())) => Finding::ok(name, used),
        Some(Err(ENOSPC)) => Finding::missing(name, used)
            .since("the host has no more pseudo-terminals")
            .mend("close some, raise sysctl kernel.pty.max or the max= of an outer container's devpts, or use -c"),
        Some(Err(errno)) => Finding::missing(name, format!("/dev/ptmx: {}", errno_text(errno)))
            .since("the host's /dev has no usable ptmx and pts")
            .mend("mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts, with /dev/ptmx a link to pts/ptmx; or use -c"),
    }
}

pub(super) fn overlay(facts: &Facts) -> Finding {
    let name = "overlay";
    if !facts.filesystems.lines().any(|line| line.split_whitespace().last() == Some("overlay")) {
        return Finding::limited(name, "not in this kernel, or its module is not loaded").mend("modprobe overlay");
    }
    match version(&facts.release) {
        Some(version) if version < (5, 11) && facts.uid != 0 => Finding::limited(name, "not in user namespaces")
            .since("that came with kernel 5.11")
            .mend("use kernel 5.11 or newer"),
        _ => Finding::ok(name, "there"),
    }
}

pub(super) fn tun(facts: &Facts) -> Finding {
    let name = "tun";
    match facts.tun {
        None => Finding::unknown(name, "not tried"),
        Some(Ok(())) => Finding::ok(name, "/dev/net/tun can be opened"),
        Some(Err(errno)) => {
            let mend = if errno == EACCES { "chmod 0666 /dev/net/tun" } else { "modprobe tun" };
            Finding::limited(name, format!("/dev/net/tun: {}", errno_text(errno)))
                .since("networks in user space, such as pasta's, need it; nothing else does")
                .mend(mend)
        }
    }
}
