// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every check on facts that are made up.

use super::super::Status::{Limited, Missing, Ok as Fine, Unknown};
use super::super::facts::Ids;
use super::super::{Finding, Status};
use super::*;
use crate::error::Kind;
use std::collections::BTreeSet;

const ROOT: &str = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n";
const PROC: &str = "22 27 0:21 / /proc rw,relatime - proc proc rw\n";
const SYS: &str = "23 27 0:22 / /sys rw,relatime - sysfs sysfs rw\n";

/// A user on a machine where everything is as it should be.
fn good() -> Facts {
    let all = ["user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time"];
    let mut facts = Facts {
        release: "6.18.0".into(),
        namespaces: all.map(String::from).to_vec(),
        status: "NoNewPrivs:\t0\nSeccomp:\t0\n".into(),
        mountinfo: format!("{ROOT}{PROC}{SYS}31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        uid_map: "0 0 4294967295".into(),
        setgroups: Some("allow\n".into()),
        filesystems: "nodev\tproc\n\text4\nnodev\toverlay\n".into(),
        proc_self: Some("7".into()),
        pid: 7,
        uid: 1000,
        names: vec!["alice".into()],
        subordinate: [Some("bob:200000:65536\nalice:100000:65536\n".into()), Some("1000:100000:65536\n".into())],
        helpers: Some([Err("contain-idmap is not installed".into()), Ok("through newuidmap".into())]),
        ids: Some(Ok(Ids { summary: "0→1000, 1-65536→100000-165535".into(), users: 65537, notes: Vec::new() })),
        calls: vec![("clone3", libc::EINVAL), ("setns", libc::EBADF)],
        landlock: Some(Ok(7)),
        processes: Some(1000),
        open_files: Some(1024),
        file_size: Some(libc::RLIM_INFINITY),
        cgroup_processes: Some((10, 100)),
        unified: Some(("cpu io memory pids".into(), true)),
        terminal: Some(Ok(())),
        tun: Some(Ok(())),
        memfd: Some(Ok(())),
        init: ("/usr/local/libexec/contain/contain-init".into(), None),
        ..Facts::default()
    };
    facts.sysctls.insert("user.max_user_namespaces", "1000".into());
    facts
}

/// What one check finds when the good machine is changed.
fn with(check: Check, change: impl FnOnce(&mut Facts)) -> Finding {
    let mut facts = good();
    change(&mut facts);
    check(&facts)
}

/// The check finds this status, and its text, cause and remedy say these.
#[track_caller]
fn finds(finding: &Finding, status: Status, words: &[&str]) {
    assert_eq!(finding.status, status, "{finding:?}");
    let (cause, remedy) = (finding.cause.as_deref().unwrap_or(""), finding.remedy.as_deref().unwrap_or(""));
    let all = format!("{} | {cause} | {remedy}", finding.found);
    for word in words {
        assert!(all.contains(word), "{word:?} is not in {all:?}");
    }
    assert!(status == Fine || finding.remedy.is_some() || finding.cause.is_some(), "{finding:?}");
}

#[test]
fn good_machine_has_nothing_to_mend() {
    for check in ALL {
        let finding = check(&good());
        assert_eq!((finding.status, &finding.remedy), (Fine, &None), "{finding:?}");
    }
}

#[test]
fn names_are_unique_and_do_not_depend_on_what_is_found() {
    let names: Vec<&str> = ALL.iter().map(|check| check(&good()).name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), ALL.len());
    assert_eq!(names, ALL.iter().map(|check| check(&Facts::default()).name).collect::<Vec<_>>());
}

#[test]
fn machine_of_which_nothing_is_known_is_never_called_good() {
    for check in ALL {
        let finding = check(&Facts::default());
        let harmless = ["apparmor", "selinux", "id-helper", "subordinate-ids"];
        assert!(finding.status != Fine || harmless.contains(&finding.name), "{finding:?}");
    }
}

#[test]
fn kernel_is_compared_with_the_oldest_that_will_do() {
    finds(&with(kernel::version, |facts| facts.release = "5.9.1".into()), Missing, &["5.9.1", "5.10"]);
    finds(&with(kernel::version, |facts| facts.release = "5.10.0-30-amd64".into()), Fine, &[]);
    finds(&with(kernel::version, |facts| facts.release.clear()), Unknown, &["/proc"]);
    let features = |release: &str| with(kernel::kernel_features, |facts| facts.release = release.into());
    finds(&features("6.15.0"), Fine, &[]);
    finds(&features("6.1.0"), Limited, &["memfd_noexec", "6.15"]);
    finds(&features("5.10.0"), Limited, &["overlay", "5.11", "Landlock", "5.14"]);
}

#[test]
fn system_calls_that_are_filtered_away_are_named() {
    let refused = |facts: &mut Facts| facts.calls = vec![("clone3", libc::ENOSYS), ("setns", libc::EPERM)];
    let old = |facts: &mut Facts| facts.calls = vec![("clone3", libc::ENOSYS), ("setns", libc::EBADF)];
    finds(&with(kernel::system_calls, old), Limited, &["clone3", "time"]);
    finds(&with(kernel::system_calls, refused), Missing, &["clone3 setns", "seccomp"]);
    finds(&with(kernel::landlock, |facts| facts.landlock = Some(Err(libc::EOPNOTSUPP))), Limited, &["lsm="]);
    finds(&with(kernel::landlock, |facts| facts.landlock = Some(Err(libc::ENOSYS))), Limited, &["5.13"]);
}

#[test]
fn user_namespaces_are_forbidden_in_many_ways() {
    let check = namespaces::user_namespaces;
    let sysctl = |name, value: &str| {
        let value = value.to_string();
        move |facts: &mut Facts| drop(facts.sysctls.insert(name, value))
    };
    finds(&with(check, sysctl("user.max_user_namespaces", "0")), Missing, &["sysctl user.max_user_namespaces="]);
    finds(&with(check, sysctl("kernel.unprivileged_userns_clone", "0")), Missing, &["unprivileged_userns_clone=1"]);
    let root = |facts: &mut Facts| {
        facts.uid = 0;
        facts.sysctls.insert("kernel.unprivileged_userns_clone", "0".into());
    };
    finds(&with(check, root), Fine, &[]);
    finds(&with(check, |facts| facts.namespaces.retain(|name| name != "user")), Missing, &["CONFIG_USER_NS"]);
    finds(&with(check, |facts| facts.mountinfo = PROC.into()), Missing, &["chroot"]);
    finds(&with(check, |facts| facts.uid_map = "0 1000 1".into()), Fine, &["inside another"]);
}

#[test]
fn other_namespaces_are_needed_or_only_missed() {
    let check = namespaces::other_namespaces;
    finds(&with(check, |facts| facts.namespaces.retain(|name| name != "net")), Missing, &["CONFIG_NET_NS=y"]);
    finds(&with(check, |facts| facts.namespaces.retain(|name| name != "time")), Limited, &["CONFIG_TIME_NS=y"]);
    let none = |facts: &mut Facts| drop(facts.sysctls.insert("user.max_net_namespaces", "0".into()));
    finds(&with(check, none), Missing, &["sysctl user.max_net_namespaces="]);
}

#[test]
fn apparmor_matters_where_it_restricts() {
    let restricted = |profile: bool, wrong: Option<&str>| {
        with(namespaces::apparmor, |facts| {
            facts.apparmor = true;
            facts.apparmor_profile = profile;
            facts.init.1 = wrong.map(String::from);
            facts.sysctls.insert("kernel.apparmor_restrict_unprivileged_userns", "1".into());
        })
    };
    finds(&restricted(false, None), Missing, &["apparmor_parser -r", "=0"]);
    finds(&restricted(true, Some("it is not installed")), Missing, &["not installed", "make install"]);
    finds(&restricted(true, None), Fine, &["contain-init"]);
    finds(&with(namespaces::apparmor, |facts| facts.apparmor = true), Fine, &["in use"]);
    finds(&with(namespaces::selinux, |facts| facts.selinux = Some(true)), Fine, &["enforcing"]);
}

#[test]
fn what_was_laid_on_the_process_is_told() {
    finds(&with(process::no_new_privs, |facts| facts.status = "NoNewPrivs:\t1\n".into()), Limited, &["-u 0:UID:1"]);
    let filtered = |facts: &mut Facts| facts.status = "Seccomp:\t2\nSeccomp_filters:\t3\n".into();
    finds(&with(process::seccomp_filter, filtered), Limited, &["(3)", "seccomp=unconfined"]);
}

#[test]
fn contain_init_runs_from_memory_or_from_its_file() {
    let noexec = |wrong: Option<&str>| {
        with(process::contain_init, |facts| {
            facts.init.1 = wrong.map(String::from);
            facts.sysctls.insert("vm.memfd_noexec", "2".into());
        })
    };
    finds(&noexec(None), Fine, &["runs from /usr/local"]);
    finds(&noexec(Some("it is not installed")), Missing, &["vm.memfd_noexec", "make install"]);
    finds(&with(process::contain_init, |facts| facts.init.1 = Some("it is not installed".into())), Fine, &["memory"]);
}

#[test]
fn limits_are_compared_with_what_a_container_takes() {
    finds(&with(process::processes, |facts| facts.processes = Some(4)), Missing, &["RLIMIT_NPROC is 4", "ulimit -u"]);
    finds(&with(process::processes, |facts| facts.cgroup_processes = Some((98, 100))), Missing, &["pids.max"]);
    finds(&with(process::open_files, |facts| facts.open_files = Some(16)), Limited, &["ulimit -n 64"]);
    finds(&with(process::file_size, |facts| facts.file_size = Some(1024)), Missing, &["ulimit -f"]);
}

#[test]
fn subordinate_ids_are_looked_for_by_name_and_number() {
    let check = ids::subordinate_ids;
    finds(&with(check, |facts| facts.subordinate[1] = None), Limited, &["/etc/subgid is not there", "usermod"]);
    let none = |facts: &mut Facts| facts.subordinate[0] = Some("bob:200000:65536\nalice:x:1\n".into());
    finds(&with(check, none), Limited, &["no range for user 1000", "--add-subuids 265536-331071", "alice"]);
    let unnamed = |facts: &mut Facts| {
        facts.names.clear();
        facts.subordinate[0] = Some("alice:100000:65536\n".into());
    };
    finds(&with(check, unnamed), Limited, &["by number", "1000:165536:65536"]);
    let shared = |facts: &mut Facts| facts.subordinate[0] = Some("alice:100000:65536\nbob:165535:10\n".into());
    finds(&with(check, shared), Limited, &["overlaps a range of bob"]);
    finds(&with(check, |facts| facts.uid = 0), Fine, &["root"]);
}

#[test]
fn helper_of_no_use_is_told_with_its_remedy() {
    let absent = "contain-idmap is not installed";
    let helpers = |idmap: &str, newidmap: &str| {
        let both = [Err(idmap.to_string()), Err(newidmap.to_string())];
        with(ids::id_helper, |facts| facts.helpers = Some(both))
    };
    finds(&helpers(absent, "newuidmap is not installed"), Limited, &[absent, "newuidmap is", "package uidmap"]);
    for (reason, remedy) in [
        ("/usr/bin/newuidmap is on a file system mounted nosuid", "without nosuid"),
        ("/usr/bin/newuidmap can be written by others than root", "again"),
        ("/usr/bin/newuidmap is neither setuid nor has it file capabilities", "again"),
    ] {
        finds(&helpers(absent, reason), Limited, &[reason, remedy]);
        finds(&helpers(reason, "newuidmap is not installed"), Limited, &[reason, remedy]);
    }
    let nothing = "this process has no_new_privs, under which they gain no privilege";
    finds(&helpers(nothing, nothing), Limited, &["without no_new_privs"]);
    let idmap = |facts: &mut Facts| facts.helpers = Some([Ok("/l/contain-idmap".into()), Err("no".into())]);
    finds(&with(ids::id_helper, idmap), Fine, &["/l/contain-idmap"]);
}

#[test]
fn ids_are_shown_as_a_container_would_have_them() {
    let one = |facts: &mut Facts| {
        facts.ids = Some(Ok(Ids { summary: "0→1000".into(), users: 1, notes: vec!["left out".into()] }))
    };
    finds(&with(ids::ids, one), Limited, &["0→1000", "left out"]);
    let error = Error::new(Kind::IdMap, "idmap", "map", "user ids").cause("no").remedy("yes");
    finds(&with(ids::ids, |facts| facts.ids = Some(Err(error))), Missing, &["map user ids: no", "yes"]);
    finds(&with(ids::setgroups, |facts| facts.setgroups = Some("deny\n".into())), Limited, &["supplementary"]);
}

#[test]
fn proc_must_be_whole_and_of_this_pid_namespace() {
    let masked = "50 22 0:40 / /proc/kcore ro - tmpfs tmpfs ro\n";
    let harmless = "51 22 0:41 / /proc/sys/fs/binfmt_misc rw - binfmt_misc binfmt_misc rw\n";
    let proc = |mountinfo: String| with(mounts::proc, |facts| facts.mountinfo = mountinfo);
    finds(&proc(format!("{ROOT}{PROC}{masked}")), Missing, &["/proc/kcore", "unmask=ALL"]);
    finds(&proc(format!("{ROOT}{PROC}{harmless}")), Fine, &[]);
    let second = "52 27 0:42 / /mnt/proc rw - proc proc rw\n";
    finds(&proc(format!("{ROOT}{PROC}{masked}{second}")), Fine, &[]);
    finds(&proc(format!("{ROOT}{}", PROC.replace("rw,relatime", "ro"))), Missing, &["read-only"]);
    finds(&proc(format!("{ROOT}{}", PROC.replace("proc rw", "proc rw,hidepid=2"))), Limited, &["hidepid=2"]);
    finds(&with(mounts::proc, |facts| facts.proc_self = Some("8".into())), Missing, &["mount -t proc"]);
    finds(&with(mounts::proc, |facts| facts.proc_self = None), Missing, &["no procfs"]);
}

#[test]
fn sys_and_root_are_looked_at() {
    let sys = |mountinfo: String| with(mounts::sys, |facts| facts.mountinfo = mountinfo);
    finds(&sys(format!("{ROOT}{PROC}")), Missing, &["no sysfs", "-n"]);
    finds(&sys(format!("{ROOT}{SYS}50 23 0:40 / /sys/firmware ro - tmpfs tmpfs ro\n")), Missing, &["/sys/firmware"]);
    finds(&sys(format!("{ROOT}{}", SYS.replace("rw,relatime", "ro"))), Missing, &["read-only", "-n"]);
    let initramfs = |facts: &mut Facts| facts.mountinfo = "1 1 0:2 / / rw - rootfs rootfs rw\n".into();
    finds(&with(mounts::root, initramfs), Missing, &["initramfs"]);
}

#[test]
fn devices_and_overlay_are_looked_at() {
    finds(
        &with(mounts::terminals, |facts| facts.terminal = Some(Err(libc::ENOSPC))),
        Missing,
        &["kernel.pty.max", "-c"],
    );
    finds(&with(mounts::terminals, |facts| facts.terminal = Some(Err(libc::ENOENT))), Missing, &["/dev/ptmx", "-c"]);
    finds(&with(mounts::tun, |facts| facts.tun = Some(Err(libc::ENOENT))), Limited, &["modprobe tun"]);
    finds(&with(mounts::overlay, |facts| facts.filesystems.clear()), Limited, &["modprobe overlay"]);
    finds(&with(mounts::overlay, |facts| facts.release = "5.10.1".into()), Limited, &["5.11"]);
}

#[test]
fn cgroups_are_told_by_layout_and_by_what_may_be_limited() {
    let fixed = |facts: &mut Facts| facts.unified = Some(("cpu memory pids".into(), false));
    finds(&with(cgroup::cgroup, fixed), Limited, &["v2", "cpu, memory, pids", "Delegate=yes"]);
    finds(
        &with(cgroup::cgroup, |facts| facts.unified = Some(("cpu pids".into(), true))),
        Limited,
        &["no limits for memory"],
    );
    let hybrid = |facts: &mut Facts| {
        facts.mountinfo =
            "1 1 0:1 / /c/pids rw - cgroup cgroup rw,pids\n2 1 0:2 / /c/u rw - cgroup2 cgroup2 rw\n".into();
        facts.unified = Some((String::new(), true));
        facts.writable_v1 = vec!["cpu,cpuacct".into(), "memory".into(), "pids".into()];
    };
    finds(&with(cgroup::cgroup, hybrid), Fine, &["hybrid"]);
    finds(&with(cgroup::cgroup, |facts| facts.mountinfo = ROOT.into()), Limited, &["none is mounted"]);
}

#[test]
fn program_with_privilege_is_refused() {
    let error = Error::new(Kind::SecureExec, "caller", "run", "").cause("it is setuid").remedy("install it without");
    finds(&privilege(Some(error)), Missing, &["it is setuid", "install it without"]);
    finds(&privilege(None), Fine, &[]);
}
