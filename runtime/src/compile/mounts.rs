// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules for the caller's own mounts and for a read-only root. docs/plan.md says why they stand where they do.

use super::facts::Facts;
use super::files;
use crate::config::{Config, Mount, Network, Overlay, Root};
use crate::error::{Error, Kind};
use crate::plan::{Draft, Texts, text, texts};
use contain_plan::{HARMLESS, Step};
use contain_sys::mount::attribute::{NODEV, NOSUID, RDONLY};
use std::ffi::CStr;
use std::path::{Component, Path, PathBuf};

/// What can be refused without asking the machine.
pub(super) fn check(config: &Config) -> Result<(), Error> {
    if config.overlay.is_some_and(|overlay| overlay.size == Some(0)) {
        return Err(Error::invalid(
            "overlay",
            "size 0",
            "a size is at least 1 byte; leave it out for half of the memory",
        ));
    }
    for mount in &config.mounts {
        target(config, mount)?;
        match mount {
            Mount::Bind { source, .. } if source.as_os_str().is_empty() => {
                return Err(Error::invalid("bind", "\"\"", "there is no source; name a file or directory of the host"));
            }
            Mount::Tmpfs { size: Some(0), .. } => {
                return Err(Error::invalid(
                    "tmpfs",
                    "size 0",
                    "a size is at least 1 byte; leave it out for half of the memory",
                ));
            }
            Mount::Tmpfs { mode, .. } if *mode > 0o7777 => {
                return Err(Error::invalid("tmpfs", format!("mode {mode:o}"), "permissions are at most 7777"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Where a mount goes, below the root: without slash in front, `.` and repeated slashes.
fn target(config: &Config, mount: &Mount) -> Result<PathBuf, Error> {
    let (field, given) = match mount {
        Mount::Bind { target, .. } => ("bind", target),
        Mount::Tmpfs { target, .. } => ("tmpfs", target),
    };
    let refuse = |why: &str| Err(Error::invalid(field, format!("{given:?}"), why));
    if !given.is_absolute() {
        return refuse("a place inside begins with a slash");
    }
    if given.components().any(|part| part == Component::ParentDir) {
        return refuse("a place inside is named without ..");
    }
    let path: PathBuf = given.components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if path.as_os_str().is_empty() {
        return refuse("the root itself is DIR; nothing is mounted over it");
    }
    if path == Path::new("dev") {
        return refuse("contain makes /dev; bind single devices below it");
    }
    let harmless = HARMLESS.iter().any(|name| path == Path::new(name));
    let is_file = matches!(mount, Mount::Bind { .. });
    // On the host's network contain mounts no /sys of its own.
    let kernels = path.starts_with("proc") || (path.starts_with("sys") && config.network != Network::Host);
    if kernels && !(harmless && is_file) {
        let names: Vec<String> = HARMLESS.iter().map(|name| format!("/{name}")).collect();
        return refuse(&format!(
            "contain mounts /proc and /sys; in them files can be bound on these alone: {}",
            names.join(" ")
        ));
    }
    Ok(path)
}

/// What is bound is found in the new mount namespace, while PID 1 has the caller's ids.
pub(super) fn hold_sources(facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    for source in &facts.sources {
        draft.init(Step::HoldSource { descriptor: source.number, path: &text("bind", &source.path)? });
        draft.held.extend(source.held.clone());
    }
    Ok(())
}

/// DIR as the root, bound or below an overlay.
pub(super) fn directory_root(config: &Config, path: &Path, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    let shown = text("root", path)?;
    let Some(overlay) = config.overlay else {
        draft.init(Step::BindRoot { path: &shown });
        return Ok(());
    };
    if let Some(below) = facts.submounts.first() {
        return Err(Error::new(
            Kind::Root,
            "rootfs.overlay",
            "put an overlay over the root",
            path.display().to_string(),
        )
        .errno(libc::EINVAL)
        .cause(format!(
            "{} is mounted below it, and in a user namespace the kernel lets no overlay cover a mount",
            below.display()
        ))
        .remedy("unmount what is mounted below it, or bind that in with --bind-ro from elsewhere"));
    }
    let options = upper_layer(overlay)?;
    draft.init(Step::OverlayRoot { path: &shown, options: options.list() });
    Ok(())
}

/// A directory of the host's, in a root made of its system: read-only, or below an overlay.
pub(super) fn host_directory(
    config: &Config,
    source: &Path,
    target: &CStr,
    facts: &Facts,
    draft: &mut Draft,
) -> Result<(), Error> {
    let path = text("root", source)?;
    let below = facts.submounts.iter().find(|mount| *mount != source && mount.starts_with(source));
    match (config.overlay.filter(|_| !config.read_only), below) {
        (Some(overlay), None) => {
            let options = upper_layer(overlay)?;
            draft.init(Step::Overlay { source: &path, target, options: options.list() });
        }
        (overlay, below) => {
            if let (Some(_), Some(below)) = (overlay, below) {
                draft.notes.push(format!(
                    "{} stays read-only: {} is mounted below it, which no overlay can cover",
                    source.display(),
                    below.display()
                ));
            }
            draft.init(Step::Bind { source: &path, target, attributes: RDONLY, recursive: true });
        }
    }
    Ok(())
}

/// The options of an overlay's tmpfs.
fn upper_layer(overlay: Overlay) -> Result<Texts, Error> {
    let size = overlay.size.map(|size| format!("size={size}"));
    let options: Vec<String> = size.into_iter().chain(["mode=0700".into()]).collect();
    texts("overlay", &options)
}

/// What is mounted below DIR is made read-only as soon as it is there.
pub(super) fn protect_submounts(config: &Config, draft: &mut Draft) {
    if config.read_only && config.overlay.is_none() && matches!(config.root, Root::Directory(_)) {
        draft.init(Step::ProtectRoot { submounts: true });
    }
}

/// The mounts, in their order, then the files, and then the root itself, in which their places have been made.
pub(super) fn mounts(config: &Config, facts: &Facts, draft: &mut Draft) -> Result<(), Error> {
    let mut sources = facts.sources.iter();
    for mount in &config.mounts {
        let place = text("mount", target(config, mount)?)?;
        match mount {
            Mount::Bind { source, read_only, .. } => {
                let number = sources.next().map_or(-1, |source| source.number);
                let attributes = if *read_only { RDONLY } else { 0 };
                let source = text("bind", source)?;
                draft.init(Step::BindSource { descriptor: number, source: &source, target: &place, attributes });
            }
            Mount::Tmpfs { size, mode, .. } => {
                let size = size.map(|size| format!("size={size}"));
                let options: Vec<String> = size.into_iter().chain([format!("mode={mode:04o}")]).collect();
                let options = texts("tmpfs", &options)?;
                let attributes = NOSUID | NODEV;
                draft.init(Step::MountInside {
                    filesystem: c"tmpfs",
                    target: &place,
                    options: options.list(),
                    attributes,
                });
            }
        }
    }
    files::make(config, facts, draft)?;
    if config.read_only {
        draft.init(Step::ProtectRoot { submounts: false });
    }
    Ok(())
}
