// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which cgroups a process is in, and whether this one may move another there.

mod frozen;

pub(crate) use frozen::{check_ends, frozen};

use crate::error::Error;
use crate::procfs;
use nix::unistd::{AccessFlags, access};
use std::path::{Component, Path, PathBuf};

/// A cgroup that an injected process is to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where its hierarchy is mounted.
    pub mount: PathBuf,
    /// Its `cgroup.procs`, below the mount.
    pub file: PathBuf,
}

/// The cgroups of the PID 1 that an injected process is to enter: those that this process is not in; and those of them
/// that it may not enter, in words. A frozen one is an error.
pub(crate) fn to_enter(pid: i32) -> Result<(Vec<Place>, Option<String>), Error> {
    let read = |path: &str| procfs::text(path).unwrap_or_default();
    let (ours, theirs) = (read("/proc/self/cgroup"), read(&format!("/proc/{pid}/cgroup")));
    // Nothing is to be moved, and the mount table can be long.
    if ours == theirs {
        return Ok((Vec::new(), None));
    }
    frozen::check_thawed("inject into", pid)?;
    let (wanted, lost) = differing(&ours, &theirs, &read("/proc/self/mountinfo"));
    let (places, refused): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(ours, place)| may_enter(ours, place));
    let names = refused.into_iter().map(|(_, place)| place.mount.join(&place.file).display().to_string());
    let refused: Vec<String> = names.chain(lost).collect();
    let note = (!refused.is_empty())
        .then(|| format!("the command stays in the caller's cgroup: {} may not be written", refused.join(", ")));
    Ok((places.into_iter().map(|(_, place)| place).collect(), note))
}

/// Controllers and directory of each cgroup in a text of /proc/PID/cgroup, as far as their hierarchies are mounted.
pub(crate) fn own(cgroup: &str, mountinfo: &str) -> Vec<(String, PathBuf)> {
    let place = |(controllers, path): (&str, &str)| {
        let (mount, root) = mounted(mountinfo, controllers)?;
        let below = Path::new(path).strip_prefix(&root).ok().filter(|path| is_plain(path))?;
        Some((controllers.to_string(), mount.join(below)))
    };
    lines(cgroup).filter_map(place).collect()
}

/// Our own place in a hierarchy, and the one that is wanted there.
type Move = (PathBuf, Place);

/// The moves between two texts of /proc/PID/cgroup, and the hierarchies that are mounted nowhere.
fn differing(ours: &str, theirs: &str, mountinfo: &str) -> (Vec<Move>, Vec<String>) {
    let (mut moves, mut lost) = (Vec::new(), Vec::new());
    for (controllers, path) in lines(theirs) {
        let own = lines(ours).find(|(names, _)| *names == controllers).map(|(_, path)| path);
        let Some(own) = own.filter(|own| *own != path) else { continue };
        match mounted(mountinfo, controllers) {
            Some((mount, root)) => {
                let below = |path: &str| Path::new(path).strip_prefix(&root).ok().map(|rest| rest.join("cgroup.procs"));
                match (below(own), below(path).filter(|path| is_plain(path))) {
                    (own, Some(file)) => moves.push((own.unwrap_or_default(), Place { mount, file })),
                    (_, None) => lost.push(path.to_string()),
                }
            }
            None => lost.push(path.to_string()),
        }
    }
    (moves, lost)
}

/// The directories of the cgroups in a text of /proc/PID/cgroup, where their hierarchies are mounted and show them.
pub(crate) fn directories(cgroups: &str, mountinfo: &str) -> Vec<PathBuf> {
    let place = |(controllers, path): (&str, &str)| {
        let (mount, root) = mounted(mountinfo, controllers)?;
        let below = Path::new(path).strip_prefix(root).ok().filter(|path| is_plain(path))?;
        Some(mount.join(below))
    };
    lines(cgroups).filter_map(place).collect()
}

/// Controllers and path of each line `ID:CONTROLLERS:PATH`.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        Some((fields.next()?, fields.next()?))
    })
}

/// Whether a path goes down only: a cgroup outside the own cgroup namespace is shown with `..` in front.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Mount point and root of the hierarchy with these controllers; none for cgroup2.
fn mounted(mountinfo: &str, controllers: &str) -> Option<(PathBuf, PathBuf)> {
    mountinfo.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        let here = match kind {
            "cgroup2" => controllers.is_empty(),
            "cgroup" if !controllers.is_empty() => {
                controllers.split(',').all(|name| options.split(',').any(|option| option == name))
            }
            _ => false,
        };
        here.then(|| (PathBuf::from(point), PathBuf::from(root)))
    })
}

/// Whether the kernel will let this process move another of its own: the target's `cgroup.procs` must be writable,
/// and on cgroup2 that of the nearest common ancestor too (cgroups(7), delegation containment).
fn may_enter(ours: &Path, place: &Place) -> bool {
    let writable = |file: &Path| access(&place.mount.join(file), AccessFlags::W_OK).is_ok();
    let common: PathBuf = ours
        .parent()
        .unwrap_or(Path::new(""))
        .components()
        .zip(place.file.parent().unwrap_or(Path::new("")).components())
        .take_while(|(one, other)| one == other)
        .map(|(part, _)| part)
        .collect();
    let unified = place.mount.join("cgroup.controllers").exists();
    writable(&place.file) && (!unified || writable(&common.join("cgroup.procs")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
31 25 0:27 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
32 25 0:28 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
33 25 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
34 25 0:30 /user/one /mnt/part rw - cgroup cgroup rw,cpu,cpuacct
";

    fn place(mount: &str, file: &str) -> Place {
        Place { mount: mount.into(), file: file.into() }
    }

    #[test]
    fn same_cgroups_need_no_move() {
        let text = "2:pids:/a\n0::/b\n";
        assert_eq!(differing(text, text, MOUNTS), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_different_path_is_a_move_in_its_own_hierarchy() {
        let (moves, lost) =
            differing("2:pids:/a\n1:name=systemd:/\n0::/", "2:pids:/a/b\n1:name=systemd:/\n0::/c", MOUNTS);
        let places: Vec<Place> = moves.into_iter().map(|(_, place)| place).collect();
        let expected =
            vec![place("/sys/fs/cgroup/pids", "a/b/cgroup.procs"), place("/sys/fs/cgroup/unified", "c/cgroup.procs")];
        assert_eq!((places, lost), (expected, Vec::new()));
    }

    #[test]
    fn the_root_of_a_partial_mount_is_taken_off() {
        let (moves, _) = differing("3:cpu,cpuacct:/user/one", "3:cpu,cpuacct:/user/one/x", MOUNTS);
        assert_eq!(moves[0].1, place("/mnt/part", "x/cgroup.procs"));
    }

    #[test]
    fn own_cgroups_are_found_where_they_are_mounted() {
        let found = own("8:pids:/a/b\n3:cpu,cpuacct:/user/one/x\n4:freezer:/\n0::/../other\n", MOUNTS);
        let expected = [("pids", "/sys/fs/cgroup/pids/a/b"), ("cpu,cpuacct", "/mnt/part/x")];
        assert_eq!(found, expected.map(|(controllers, path)| (controllers.to_string(), PathBuf::from(path))));
    }

    #[test]
    fn what_cannot_be_reached_is_named() {
        let (moves, lost) = differing("3:cpu,cpuacct:/a\n4:freezer:/", "3:cpu,cpuacct:/b\n4:freezer:/f", MOUNTS);
        assert_eq!((moves, lost), (Vec::new(), vec!["/b".to_string(), "/f".to_string()]));
        let (moves, lost) = differing("0::/", "0::/../other", MOUNTS);
        assert_eq!((moves, lost), (Vec::new(), vec!["/../other".to_string()]));
    }
}
