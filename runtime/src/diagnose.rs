// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a failed step's message to an error that says what failed, why that is likely, and what to do.

#[cfg(test)]
mod tests;

use crate::error::{Error, Kind};
use contain_plan::message::{Failure, Part};
use contain_plan::{Plan, Step};
use contain_policy::Answer;
use libc::{
    E2BIG, EACCES, EAGAIN, EBUSY, EINVAL, ELOOP, EMFILE, ENAMETOOLONG, ENOENT, ENOEXEC, ENOMEM, ENOSPC, ENOSYS,
    ENOTDIR, EPERM, EROFS, EUSERS,
};

/// The error of a failure that contain-init reported about `plan`.
pub(crate) fn error(plan: Option<&Plan<'_>>, failure: &Failure) -> Error {
    let entry = plan.and_then(|plan| plan.entry(failure.step));
    let mut error = match entry {
        Some(entry) => {
            let (stage, operation, object) = operation(&entry.step, failure.part());
            let mut error = Error::new(kind(&entry.step, failure), stage, operation, object);
            (error.cause, error.remedy) = split(cause(&entry.step, failure));
            error
        }
        // Before the first step there is what any process is allowed everywhere.
        None if failure.step == 0 && failure.errno != 0 => {
            Error::new(Kind::System, "monitor", "set up", "the container's monitor")
                .cause("a system call that is always needed was refused")
                .remedy("look for a seccomp filter or a limit around this process: contain --doctor")
        }
        None => Error::new(Kind::Internal, "plan", "start contain-init", ""),
    };
    error.step = (failure.step != 0).then_some(failure.step);
    error.errno = (failure.errno != 0).then_some(failure.errno);
    error.in_child = failure.inside;
    let text = String::from_utf8_lossy(failure.text()).trim().to_string();
    error.kernel_message = (!text.is_empty()).then_some(text);
    match failure.part() {
        Part::Helper | Part::Users | Part::Groups if failure.errno == 0 => error.status = Some(failure.status),
        Part::Died if failure.errno == libc::ESRCH => error.cause = Some("the container has ended".into()),
        Part::Died if error.cause.is_none() => {
            error.cause = Some("the process doing it was killed".into());
        }
        _ => {}
    }
    if let Some(Step::MapIdsByHelper { .. }) = entry.map(|entry| entry.step)
        && let (Part::Helper, 0) = (failure.part(), failure.errno)
    {
        error.cause = Some(format!("it ended without an answer: {}", how_ended(failure.status)));
    }
    if let (Some(status), Kind::Helper) = (error.status, error.kind) {
        error.cause = Some(how_ended(status));
    }
    error
}

fn split(reason: Option<(&str, &str)>) -> (Option<String>, Option<String>) {
    match reason {
        Some((cause, remedy)) => {
            (Some(cause.to_string()), Some(remedy.to_string()).filter(|remedy| !remedy.is_empty()))
        }
        None => (None, None),
    }
}

/// A wait status in words.
pub(crate) fn how_ended(status: i32) -> String {
    match status & 0x7f {
        0 => format!("it exited with status {}", (status >> 8) & 0xff),
        signal => format!("it was ended by signal {signal}"),
    }
}

fn kind(step: &Step<'_>, failure: &Failure) -> Kind {
    match (step, failure.errno) {
        // What comes before the exec is no matter of the program's.
        (Step::Execute { .. }, _) if failure.part() == Part::Whole => Kind::System,
        (Step::Execute { .. }, ENOENT | ENOTDIR | ENAMETOOLONG) => Kind::NotFound,
        (Step::Execute { .. }, EACCES | ENOEXEC | ELOOP | libc::EISDIR | libc::ETXTBSY | libc::ELIBBAD | EPERM) => {
            Kind::NotExecutable
        }
        (Step::JoinTarget { .. }, libc::ESRCH) => Kind::Gone,
        (_, libc::ESRCH) if failure.part() == Part::Died => Kind::Gone,
        (Step::RunOutside { .. } | Step::RunInside { .. }, 0) => Kind::Helper,
        (Step::MapIds { .. } | Step::MapIdsThrough { .. } | Step::MapIdsByHelper { .. }, _) => Kind::IdMap,
        (Step::BindRoot { .. } | Step::OverlayRoot { .. } | Step::HoldSource { .. }, _) => Kind::Root,
        (Step::BindSource { .. } | Step::MountInside { .. }, _) if failure.part() == Part::Target => Kind::Root,
        (Step::Mount { .. }, ENOTDIR | ELOOP) if failure.part() == Part::Target => Kind::Root,
        _ => Kind::System,
    }
}

/// Stage, operation and object in the words of the first line.
fn operation(step: &Step<'_>, part: Part) -> (&'static str, String, String) {
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let (stage, operation, object) = match (step, part) {
        (Step::Clone { .. }, _) => ("namespaces.clone", "make the container's namespaces", String::new()),
        (Step::MapIds { .. } | Step::MapIdsByHelper { .. }, Part::Procfs) => {
            ("idmap.proc", "find the new process in", "/proc".into())
        }
        (Step::MapIds { .. }, Part::Setgroups) => ("idmap.setgroups", "deny setgroups in", "the user namespace".into()),
        (Step::MapIds { uid_map, .. }, Part::Users) => ("idmap.users", "write the user id map", lossy(uid_map)),
        (Step::MapIds { gid_map, .. }, _) => ("idmap.groups", "write the group id map", lossy(gid_map)),
        (Step::MapIdsThrough { uid_helper, .. }, Part::Users) => ("idmap.users", "run", text(uid_helper)),
        (Step::MapIdsThrough { gid_helper, .. }, _) => ("idmap.groups", "run", text(gid_helper)),
        (Step::MapIdsByHelper { helper, .. }, _) => ("idmap.helper", "map ids through", text(helper)),
        (Step::PrepareOutside { command, .. } | Step::RunOutside { command }, _) => {
            ("helper.outside", "run the outside helper", text(command))
        }
        (Step::RunInside { command, .. }, _) => ("helper.inside", "run the inside helper", text(command)),
        (Step::Join { .. }, _) => ("namespaces.join", "join the container's namespaces", String::new()),
        (Step::JoinTarget { .. }, Part::Groups) => {
            ("namespaces.join", "give up", "the caller's supplementary groups".into())
        }
        (Step::JoinTarget { pid, .. }, _) => ("namespaces.join", "join the container of process", pid.to_string()),
        (Step::BecomeIds { uid, gid, .. }, _) => ("process.ids", "become", format!("user {uid} and group {gid}")),
        (Step::BecomeUser { uid, gid, .. }, _) => ("process.user", "become", format!("user {uid} and group {gid}")),
        (Step::SetDeadline { .. }, _) => ("process.deadline", "set the deadline by", "/proc".into()),
        (Step::BindRoot { path }, _) => ("rootfs.bind", "bind the root", text(path)),
        (Step::TmpfsRoot { .. }, _) => ("rootfs.tmpfs", "mount the root", "tmpfs".into()),
        (Step::MakeDirectory { path, .. }, _) => ("rootfs.directory", "make directory", format!("/{}", text(path))),
        (Step::MakeLink { path, .. }, _) => ("rootfs.link", "make link", format!("/{}", text(path))),
        (Step::Mount { target, .. }, Part::Target) => {
            ("rootfs.mount", "find or make the directory", format!("/{} in the root", text(target)))
        }
        (Step::Mount { filesystem, target, .. }, _) => {
            ("rootfs.mount", "mount", format!("{} on /{}", text(filesystem), text(target)))
        }
        (Step::Bind { source, target, .. }, _) => {
            ("rootfs.bind", "bind", format!("{} on /{}", text(source), text(target)))
        }
        (Step::OverlayRoot { path, .. }, _) => ("rootfs.overlay", "put an overlay over the root", text(path)),
        (Step::Overlay { source, .. }, _) => ("rootfs.overlay", "put an overlay over", text(source)),
        (Step::HoldSource { path, .. }, _) => ("rootfs.source", "find the source of a bind,", text(path)),
        (Step::BindSource { target, .. } | Step::MountInside { target, .. }, Part::Target) => {
            ("rootfs.target", "find or make the place", format!("/{} in the root", text(target)))
        }
        (Step::BindSource { source, target, .. }, _) => {
            ("rootfs.bind", "bind", format!("{} on /{}", text(source), text(target)))
        }
        (Step::MountInside { filesystem, target, .. }, _) => {
            ("rootfs.mount", "mount", format!("{} on /{}", text(filesystem), text(target)))
        }
        (Step::ProtectRoot { .. }, _) => ("rootfs.read_only", "make read-only", "the root".into()),
        (Step::BindDevices { .. }, _) => ("rootfs.devices", "bind devices into", "/dev".into()),
        (Step::OpenTerminal {}, Part::Source) => {
            ("console.open", "open a terminal of", "the container's /dev/pts".into())
        }
        (Step::OpenTerminal {}, _) => ("console.open", "set up", "the terminal".into()),
        (Step::MakeConsole { .. }, Part::Source) => {
            ("console.open", "open a terminal of", "the container's /dev/pts".into())
        }
        (Step::MakeConsole { .. }, Part::Configure) => ("console.open", "set up", "the console".into()),
        (Step::MakeConsole { .. }, _) => ("console.open", "make the console", "/dev/console".into()),
        (Step::GiveConsole {}, _) => ("console.give", "hand over", "the console".into()),
        (Step::OpenConsole {}, Part::Source) => ("console.open", "open a pseudo-terminal from", "/dev/ptmx".into()),
        (Step::OpenConsole {}, _) => ("console.open", "make the console", "/dev/console".into()),
        (Step::EnterCgroup { mount, file }, _) => {
            ("cgroup.join", "write to", format!("{}/{}", text(mount), text(file)))
        }
        (Step::RaiseLoopback {}, _) => ("network.loopback", "bring up", "lo".into()),
        (Step::MakeVeth { name, peer, .. }, _) => {
            ("network.veth", "make the interfaces", format!("{} and {}", text(name), text(peer)))
        }
        (Step::SetUpInterface { name, .. }, Part::Configure) => ("network.address", "give an address to", text(name)),
        (Step::SetUpInterface { name, .. }, Part::Attach) => {
            ("network.gateway", "set the default route by", text(name))
        }
        (Step::SetUpInterface { name, .. }, _) => ("network.interface", "bring up", text(name)),
        (Step::Pivot {}, _) => ("rootfs.pivot", "change the root", String::new()),
        (Step::SetHostname { name }, _) => ("process.hostname", "set the host name", text(name)),
        (Step::LimitResource { resource, .. }, _) => {
            ("process.rlimit", "set resource limit", crate::rlimit::name(*resource))
        }
        (Step::TakeConsole {} | Step::UseConsole { .. }, _) => {
            ("console.session", "take the console as", "controlling terminal".into())
        }
        (Step::ChangeDirectory { path }, _) => ("process.chdir", "change directory to", text(path)),
        (Step::ResetSignals {}, _) => ("process.signals", "reset signals", String::new()),
        (Step::Reap {}, _) => ("process.init", "start the command's process", String::new()),
        (Step::SetCapabilities { .. }, _) => ("process.capabilities", "set capabilities", String::new()),
        (Step::SetNoNewPrivs {}, _) => ("process.no_new_privs", "set no_new_privs", String::new()),
        (Step::LoadSeccomp { .. }, _) => ("process.seccomp", "load the seccomp program", String::new()),
        (Step::Close { .. }, _) => ("process.exec", "close", "what the command does not keep".into()),
        (Step::Execute { arguments, .. }, part) => {
            let operation = if part == Part::Whole { "make ready to execute" } else { "execute" };
            ("process.exec", operation, arguments.iter().next().map(text).unwrap_or_default())
        }
        (Step::MakeFile { path, .. }, _) => ("rootfs.file", "write file", format!("/{}", text(path))),
        (Step::CopyOut { path, .. }, _) => ("file.read", "read file", text(path)),
        (Step::CopyIn { path, .. }, _) => ("file.write", "write file", text(path)),
        (Step::AwaitStart {}, _) => ("process.start", "wait for start", String::new()),
        (Step::Dismiss {}, _) => ("namespaces.join", "end the placeholder process", String::new()),
        (Step::Watch { .. }, _) => ("monitor.watch", "watch the container", String::new()),
        (Step::RestoreTerminal {} | Step::Report {} | Step::Never(..), _) => ("finally", "clean up", String::new()),
    };
    (stage, operation.into(), object)
}

fn lossy(map: &[u8]) -> String {
    String::from_utf8_lossy(map).trim_end().replace('\n', ", ")
}

/// Why a place below the root cannot be found or made.
fn target_cause(errno: i32) -> Option<(&'static str, &'static str)> {
    Some(match errno {
        libc::EXDEV => (
            "it leads into /proc, /sys or a cgroup tree, where nothing is mounted",
            "choose a place elsewhere, and look where the links in the root lead",
        ),
        ENOTDIR => (
            "it, or something on the way to it, is a file, and a directory is mounted on a directory alone",
            "choose another place, or remove the file",
        ),
        libc::EISDIR => ("it is a directory, and the source is not", "name the file in it too"),
        ENOENT => (
            "a symbolic link on the way to it leads to nothing in the root, or it is a file of /proc that this kernel has not",
            "make what the link names, or name the place without the link",
        ),
        ELOOP => (
            "too many symbolic links are on the way to it, or one in /proc that leads out of the root",
            "name the place without links",
        ),
        EROFS => (
            "it is missing, and the file system or mount on which it would be made is read-only",
            "make it beforehand; with a read-only root this is so for what is mounted below it",
        ),
        EACCES | EPERM | libc::EOVERFLOW => (
            "it is missing and container root may not make it: the directory belongs to ids that are not mapped",
            "make it beforehand, or unpack the root with pseudo so that it belongs to container root",
        ),
        ENOSPC => ("the file system that holds it is full", "make room on it"),
        ENAMETOOLONG => ("a name in it is too long for any file", "choose a shorter one"),

        _ => return None,
    })
}

/// contain-idmap said what this version does not know.
const OTHER_VERSION: (&str, &str) =
    ("its answer is none of this version's", "install contain and contain-idmap of the same version");

/// Why an overlay cannot be made.
fn overlay_cause(part: Part, errno: i32) -> Option<(&'static str, &'static str)> {
    Some(match (part, errno) {
        (Part::Source, EINVAL) => (
            "something is mounted below it, which no overlay can cover in a user namespace, or its mount is unbindable",
            "unmount what is mounted below it",
        ),
        (Part::Source, EACCES) => ("container root may not enter it", "make it searchable for the ids that are mapped"),
        (_, libc::ENODEV) => ("the kernel has no overlay file system", "load it as root: modprobe overlay"),
        (_, ENOSYS) => ("overlays need kernel 5.12", "use a newer kernel"),
        (Part::Configure, EPERM) => (
            "the kernel allows no overlays in user namespaces: it is older than 5.11, or a security module forbids them",
            "use a newer kernel, or look into its log for the module",
        ),
        (Part::Configure, EINVAL) => (
            "the file system that it is on cannot be below an overlay (two overlays on each other already, or one that knows no difference between upper and lower case), or the kernel is older than 5.11",
            "put the directory on another file system, as ext4, xfs or a tmpfs",
        ),
        (Part::Configure, ENOSPC) => ("the size of the layer does not suffice for its directories", "give it more"),
        _ => return None,
    })
}

/// The likely cause and what to do about it.
fn cause(step: &Step<'_>, failure: &Failure) -> Option<(&'static str, &'static str)> {
    let (part, errno) = (failure.part(), failure.errno);
    Some(match (step, part, errno) {
        (Step::Clone { .. }, _, EUSERS | ENOSPC) => (
            "the limit on namespaces is reached: user.max_user_namespaces or another user.max_*_namespaces is 0 or used up, or 32 user namespaces are nested",
            "raise the one that is: sysctl -a shows them as user.max_*; for example sysctl user.max_user_namespaces=15000",
        ),
        (Step::Clone { .. }, _, EPERM) => (
            "user namespaces are forbidden here: by kernel.unprivileged_userns_clone=0, by AppArmor (kernel.apparmor_restrict_unprivileged_userns=1), by a seccomp filter around this process, or since it is in a chroot",
            "contain --doctor says which; allow them for this user: sysctl kernel.unprivileged_userns_clone=1, the AppArmor profile that make install brings (or kernel.apparmor_restrict_unprivileged_userns=0), or the outer container's seccomp profile",
        ),
        (Step::Clone { .. }, _, EACCES) => (
            "the root is a directory that this user may not enter, or a security module (AppArmor on Ubuntu 24.04 and later) forbids user namespaces",
            "make every directory up to the root searchable for this user (chmod +x), or allow user namespaces; contain --doctor says what forbids them",
        ),
        (Step::Clone { .. }, _, ENOMEM) => ("the kernel has no memory for it, or the PID namespace is ending", ""),
        (Step::Clone { .. } | Step::Join { .. }, _, EINVAL) => {
            ("the kernel does not know one of the namespaces", "use kernel 5.10 or newer with all namespaces enabled")
        }
        (_, _, EMFILE) => ("the limit on open files is reached", "raise it: ulimit -n 64 or more"),
        (_, _, libc::ENFILE) => ("the system has no more open files", "raise fs.file-max"),
        (Step::MapIds { .. } | Step::MapIdsByHelper { .. }, Part::Procfs, _) => (
            "/proc is not a procfs that shows this process",
            "mount one: mount -t proc proc /proc in this PID namespace",
        ),
        (Step::MapIds { .. }, _, EPERM) => (
            "the kernel refused the map: an id is mapped that this process may not map, or CAP_SETFCAP is missing to map host id 0",
            "as a user map only the own id, or install contain-idmap (or newuidmap and newgidmap) and delegate ranges in /etc/subuid and /etc/subgid",
        ),
        (Step::MapIds { .. }, _, EINVAL) => {
            ("ranges overlap, or there are too many", "give every id once, in at most 340 ranges")
        }
        (Step::MapIdsThrough { .. }, _, 0) => (
            "it refused the map; its own message stands above",
            "check that /etc/subuid and /etc/subgid delegate these ranges to you",
        ),
        (Step::MapIdsByHelper { .. }, Part::Answer, _) => {
            let answer = u32::try_from(failure.status).ok().and_then(Answer::from_code);
            answer.and_then(|answer| Some((answer.text(), answer.remedy()?))).unwrap_or(OTHER_VERSION)
        }
        (Step::MapIdsByHelper { .. }, Part::Helper, libc::EPROTO) => OTHER_VERSION,
        (Step::MapIdsByHelper { .. }, Part::Helper, libc::ETIMEDOUT) => {
            ("it did not end within 7 seconds, and was killed", "look for its line in the system's log")
        }
        (Step::MapIdsByHelper { .. }, Part::Helper, 0) => (
            "it ended without an answer",
            "look for its line in the system's log; install contain and contain-idmap of the same version",
        ),
        (Step::BindRoot { .. }, _, EINVAL) => (
            "the directory cannot be bound: it is on a mount that is unbindable, or of another mount namespace",
            "choose another directory",
        ),
        (Step::BindRoot { .. }, _, EACCES) => {
            ("container root may not enter it", "make it searchable for the ids that are mapped")
        }
        (Step::Mount { .. }, Part::Target, ENOTDIR | ELOOP) => (
            "it is a symbolic link or a file; through it the mount would go elsewhere",
            "make it a real directory in the root",
        ),
        (Step::Mount { .. }, Part::Target, EACCES | EPERM | EROFS | libc::EOVERFLOW) => (
            "it is missing and container root may not make it: the root belongs to ids that are not mapped, or is read-only",
            "make the directories dev, proc and sys in the root, or unpack the root with pseudo so that it belongs to container root",
        ),
        (Step::Mount { .. }, Part::Target, ENOSPC) => {
            ("the file system that holds the root is full", "make room on it")
        }
        (Step::Mount { filesystem, .. }, _, EPERM) if filesystem.to_bytes() == b"proc" => (
            "the kernel lets a user namespace mount /proc only where the /proc outside is whole; inside another container parts of it are masked",
            "run the outer container with an unmasked /proc (podman --security-opt unmask=ALL, docker --security-opt systempaths=unconfined)",
        ),
        (Step::Mount { filesystem, .. }, _, EPERM) if filesystem.to_bytes() == b"sysfs" => (
            "the kernel lets a user namespace mount /sys only with a network namespace of its own and where the /sys outside is whole",
            "run the outer container with an unmasked /sys, or share the host's network with -n",
        ),
        (Step::Mount { .. }, Part::Configure, libc::ENODEV) => ("the kernel has no such file system", ""),
        (
            Step::Bind { .. } | Step::BindSource { .. } | Step::ProtectRoot { .. },
            Part::Configure | Part::Whole,
            ENOSYS,
        ) => ("read-only binds of whole trees need kernel 5.12", "use a newer kernel"),
        (Step::BindSource { .. } | Step::ProtectRoot { .. }, Part::Configure | Part::Whole, EPERM) => (
            "the host has locked a flag of a mount in it, which cannot be changed here",
            "remount it on the host, or bind a part that is not concerned",
        ),
        (Step::OverlayRoot { .. } | Step::Overlay { .. }, part, errno) => return overlay_cause(part, errno),
        (Step::HoldSource { .. }, _, ENOENT | libc::ESTALE | ELOOP | ENOTDIR) => (
            "it was moved or replaced while the container was being made",
            "start again, with a source that nobody moves",
        ),
        (Step::BindSource { .. }, Part::Source, EINVAL) => {
            ("it is on a mount that is unbindable", "make that mount private on the host: mount --make-private")
        }
        (Step::BindSource { .. } | Step::MountInside { .. }, Part::Target, errno) => return target_cause(errno),
        (Step::Bind { .. } | Step::BindDevices { .. }, Part::Source, ENOENT) => ("it does not exist on the host", ""),
        (Step::OpenConsole {}, Part::Source, ENOSPC) => {
            ("the host has no more pseudo-terminals (kernel.pty.max)", "close some terminals, or use -c")
        }
        (Step::MakeConsole { .. }, Part::Source, ENOSPC) => {
            ("the host has no more pseudo-terminals (kernel.pty.max)", "close some terminals, or ask for no console")
        }
        (Step::MakeConsole { .. }, Part::Source, ENOENT | ENOTDIR | ELOOP | libc::ENODEV) => {
            ("the container has no devpts file system at /dev/pts", "mount one there, or inject without a console")
        }
        (Step::UseConsole { .. }, _, libc::EIO) => (
            "its other end was closed before the command could begin",
            "keep the other end, or the handle that has it, until the command has ended",
        ),
        (
            Step::OpenConsole {},
            Part::Source,
            ENOENT | EACCES | libc::EIO | libc::ENOTTY | libc::ENODEV | libc::ENXIO,
        ) => ("the host's /dev has no usable ptmx and pts", "mount devpts on /dev/pts, or use -c"),
        (Step::MakeFile { .. }, Part::Target, libc::EXDEV | EROFS) => (
            "it would be written into a directory of the host's, which is the root or is bound into it",
            "choose a place in a file system of the container's own: /tmp, /run or /root without a root of yours, else /dev/shm or a tmpfs mounted there",
        ),
        (Step::MakeFile { .. }, Part::Target, libc::EEXIST) => ("there is a file of that name already", ""),
        (Step::MakeFile { .. }, Part::Target, ENOTDIR | ELOOP) => {
            ("what should be a directory on the way is a file, or a link that leads nowhere", "")
        }
        (Step::MakeFile { .. }, _, ENOSPC) => ("the container's tmpfs is full", "write less, or give it more room"),
        (Step::BecomeIds { .. }, _, EINVAL) => ("the id is not mapped in the user namespace", "map container id 0"),
        (Step::SetDeadline { .. }, _, ENOENT) => (
            "/proc hides the processes that the command starts: the kernel was built without CONFIG_PROC_CHILDREN, or /proc is mounted with hidepid",
            "leave the deadline out, or give the container one",
        ),
        (Step::SetDeadline { .. }, Part::Procfs, _) => (
            "/proc is not a procfs that shows this process",
            "mount one: mount -t proc proc /proc in this PID namespace",
        ),
        (Step::BecomeUser { .. }, _, EINVAL) => {
            ("one of the ids is not mapped in the user namespace", "map it with -u and -g, or delegate it")
        }
        (Step::BecomeUser { .. }, _, EAGAIN) => (
            "the limit on processes of that user is reached (RLIMIT_NPROC)",
            "end some of the user's processes, or raise the limit (ulimit -u)",
        ),
        // Whatever starts a process, and an exec behind a change of the user.
        (_, _, EAGAIN) => (
            "the limit on processes is reached: RLIMIT_NPROC of this user, or pids.max of this cgroup",
            "end some processes, or raise the limit (ulimit -u)",
        ),
        (Step::Pivot {}, _, EINVAL) => {
            ("the root of this system cannot be pivoted (an initramfs?)", "start contain from a real root file system")
        }
        (Step::LimitResource { .. }, _, EPERM) => (
            "the hard limit is above the caller's own, and nothing can raise that inside",
            "ask for at most the caller's hard limit (ulimit -H)",
        ),
        (Step::ChangeDirectory { .. }, _, ENOENT) => {
            ("there is no such directory in the container", "name a directory of the container's")
        }
        (Step::ChangeDirectory { .. }, _, ELOOP) => (
            "it leads through too many links, or through one of /proc that can lead out of the container",
            "name a directory of the container's",
        ),
        (Step::ChangeDirectory { .. }, _, ENOTDIR) => ("it is no directory", "name a directory of the container's"),
        (Step::ChangeDirectory { .. }, _, EACCES) => {
            ("the user that the command runs as may not enter it", "choose another directory, or another user")
        }
        (Step::OpenTerminal {}, Part::Source, ENOENT | ENOTDIR | ELOOP | libc::ENODEV) => {
            ("the container has no devpts file system at /dev/pts", "mount one there, or inject without a terminal")
        }
        (Step::MakeVeth { .. }, _, EPERM) => (
            "interfaces of the host are made with CAP_NET_ADMIN over its network, which users do not have",
            "run as root, or move an interface in with -o and the help of root, or use --net none or host",
        ),
        (Step::MakeVeth { .. }, _, libc::EEXIST) => ("an interface of that name is there already", "name another one"),
        (Step::MakeVeth { .. }, _, libc::ENODEV) => {
            ("there is no bridge of that name", "make it first: ip link add NAME type bridge")
        }
        (Step::MakeVeth { .. }, _, libc::EOPNOTSUPP) => {
            ("the kernel has no veth interfaces, or what is named as bridge is none", "modprobe veth")
        }
        (Step::SetUpInterface { .. }, Part::Attach, libc::ENETUNREACH | EINVAL | libc::EHOSTUNREACH) => (
            "the gateway is not in the network of the interface's address",
            "give an address whose prefix covers the gateway",
        ),
        (Step::SetNoNewPrivs {} | Step::LoadSeccomp { .. }, _, EINVAL | ENOSYS) => {
            ("the kernel was built without seccomp filters", "")
        }
        (Step::JoinTarget { .. }, Part::Groups, _) => ("a filter around this process forbids it", ""),
        (Step::JoinTarget { .. }, _, EPERM | EACCES) => ("it does not belong to you", ""),
        (Step::JoinTarget { .. }, _, libc::ESRCH) => ("it has ended", ""),
        (Step::JoinTarget { .. }, _, EUSERS | ENOSPC) => ("the limit on namespaces is reached", ""),
        (Step::Execute { .. }, Part::Whole, _) => return None,
        (Step::Execute { .. }, Part::Interpreter, ENOENT) => (
            "it exists, but the loader or interpreter that it names is not in the container",
            "put the program's libraries and loader, or its script's interpreter, into the root",
        ),
        (Step::Execute { .. }, _, ENAMETOOLONG) => {
            ("a name in its path is too long for any file", "name a program by its path inside the root")
        }
        (Step::Execute { .. }, _, ELOOP) => {
            ("its path goes through too many symbolic links", "mend the links in the root")
        }
        (Step::Execute { .. }, _, ENOENT | ENOTDIR) => {
            ("no such program in the container", "name a program by its path inside the root")
        }
        (Step::Execute { .. }, _, EACCES | EPERM) => (
            "it is not executable for who runs it, a directory on the way to it is closed, or its file system is mounted noexec",
            "check permissions and owners on the way to it; a name without a slash is looked for on PATH",
        ),
        (Step::Execute { .. }, _, ENOEXEC) => {
            ("it is no program that this machine can run, and no script with a #! line", "")
        }
        (Step::Execute { .. }, _, E2BIG) => ("arguments and environment are too long", "pass fewer or shorter ones"),
        (Step::Watch { .. }, _, EBUSY | EINVAL) => ("the kernel was built without seccomp filters", ""),
        _ => return None,
    })
}
