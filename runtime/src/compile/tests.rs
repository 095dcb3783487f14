// SPDX-License-Identifier: MIT OR Apache-2.0
//! Plans of made-up machines and callers, one for every kind of configuration: what they are made of, in which order,
//! and (`snapshot`) every word of them.

mod injected;
mod refused;
mod snapshot;

use super::facts::HostEntry;
use super::inject::{pseudo_with, userns_with};
use super::sources::Source;
use super::*;
use crate::NewFile;
use crate::config::{Mount, Overlay, Profile, Stdio, Veth, Window};
use crate::explain;
use crate::plan::{Bytes, Test};
use crate::seccomp::Own;
use contain_plan::{Descriptors, Doer, Entry, Plan};
use std::path::PathBuf;

/// Ids as `contain -u TEXT -g TEXT` would write them, directly.
fn maps(text: &str, setgroups_denied: bool) -> IdMaps {
    let map = contain_policy::IdMap::parse(text.as_bytes()).expect("a map");
    let lines = map.entries().iter().map(|line| format!("{} {} {}\n", line.container(), line.host(), line.count()));
    let kernel_text: String = lines.collect();
    IdMaps {
        uid_text: kernel_text.clone(),
        gid_text: kernel_text,
        uid_map: map.entries().to_vec(),
        gid_map: map.entries().to_vec(),
        setgroups: if setgroups_denied { Setgroups::Deny } else { Setgroups::Keep },
        setgroups_denied,
        via: Via::Direct,
        become_root: map.maps_container(0),
        notes: Vec::new(),
        remarks: Vec::new(),
    }
}

/// The default of root.
fn roots_maps() -> IdMaps {
    maps("0:4294967294:1,1:1:4294967293", false)
}

/// User 1000 with delegated ranges and both helpers; the groups are delegated elsewhere.
fn users_maps() -> IdMaps {
    let groups = maps("0:1000:1,1:200000:65536", false);
    IdMaps {
        gid_text: groups.gid_text,
        gid_map: groups.gid_map,
        via: Via::Newidmap { newuidmap: "/usr/bin/newuidmap".into(), newgidmap: "/usr/bin/newgidmap".into() },
        ..maps("0:1000:1,1:100000:65536", false)
    }
}

/// The same user where contain-idmap writes the maps.
fn idmap_maps() -> IdMaps {
    let program = "/usr/local/libexec/contain/contain-idmap".into();
    IdMaps { via: Via::Idmap { program }, remarks: vec!["what one who looks wants to know".into()], ..users_maps() }
}

/// The same where user ids alone are delegated.
fn idmap_users_only() -> IdMaps {
    let groups = maps("0:1000:1", true);
    IdMaps {
        gid_text: groups.gid_text,
        gid_map: groups.gid_map,
        setgroups: Setgroups::Deny,
        setgroups_denied: true,
        ..idmap_maps()
    }
}

/// A kernel with all namespaces, a merged /usr, and a short environment.
fn facts(maps: IdMaps) -> Facts {
    let entry = |name: &str, link: Option<&str>| HostEntry { name: name.into(), link: link.map(PathBuf::from) };
    Facts {
        maps,
        user: None,
        optional_namespaces: namespace::CGROUP | namespace::TIME,
        root_place: "/mnt".into(),
        host_root: vec![
            entry("bin", Some("usr/bin")),
            entry("etc", None),
            entry("lib", Some("usr/lib")),
            entry("lib64", Some("usr/lib64")),
            entry("sbin", Some("usr/sbin")),
            entry("usr", None),
        ],
        submounts: Vec::new(),
        sources: Vec::new(),
        contents: None,
        environment: vec!["HOME=/home/alice".into(), "PATH=/usr/bin:/bin".into()],
    }
}

fn bind(source: &str, target: &str, read_only: bool) -> Mount {
    Mount::Bind { source: source.into(), target: target.into(), read_only }
}

fn tmpfs(target: &str, size: Option<u64>, mode: u32) -> Mount {
    Mount::Tmpfs { target: target.into(), size, mode }
}

/// Every kind of mount, and a read-only root around them.
fn with_mounts() -> Config {
    Config {
        mounts: vec![
            bind("data", "/srv//data", false),
            tmpfs("/tmp", None, 0o1777),
            bind("/etc/hosts", "/etc/hosts", true),
            bind("cpuinfo", "/proc/cpuinfo", false),
            tmpfs("/./run/", Some(1 << 20), 0o755),
        ],
        read_only: true,
        ..directory()
    }
}

/// Where the sources of those binds are.
fn with_sources() -> Facts {
    let source = |(number, path): (i32, &str)| Source { path: path.into(), number, held: None };
    let paths = ["/home/alice/data", "/etc/hosts", "/home/alice/cpuinfo"];
    Facts { sources: (5..).zip(paths).map(source).collect(), ..facts(users_maps()) }
}

fn host_below_overlay() -> Config {
    Config { overlay: Some(Overlay::default()), root: Root::Host, ..directory() }
}

/// Something mounted below /etc.
fn with_submounts() -> Facts {
    Facts { submounts: vec!["/usr".into(), "/etc/hosts".into(), "/proc".into()], ..facts(roots_maps()) }
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

/// What `contain /srv/root /bin/sh` is.
fn directory() -> Config {
    Config::new(Root::Directory("/srv/root".into()), words(&["/bin/sh"]))
}

/// What the libraries' run is.
fn library() -> Config {
    Config::run(Root::Directory("/srv/root".into()), words(&["make", "-j2", "all"]))
}

fn plan_with(config: &Config, facts: &Facts, way: Way) -> Result<Draft, Error> {
    check(config, way)?;
    container_with(config, facts, way)
}

/// The plan of a configuration for root, in place of the command line's program.
fn plan(config: Config) -> Draft {
    plan_with(&config, &facts(roots_maps()), Way::InPlace).expect("a plan")
}

fn alice() -> Resolved {
    Resolved { uid: 1000, gid: 100, groups: Some(vec![29, 44]), home: "/home/alice".into(), notes: Vec::new() }
}

/// The plan of a configuration for root, for a user of the container's.
fn plan_as(user: Resolved, config: Config) -> Draft {
    let facts = Facts { user: Some(user), ..facts(roots_maps()) };
    plan_with(&config, &facts, Way::InPlace).expect("a plan")
}

fn bytes(draft: &Draft) -> Bytes {
    draft.finish(Descriptors::NONE, Test::default()).expect("a plan that is not too long")
}

/// A pair with all that can be said about it.
fn whole_veth() -> Veth {
    Veth {
        host: "outer".into(),
        bridge: Some("br0".into()),
        address: Some(("10.1.0.2".parse().expect("an address"), 24)),
        gateway: Some("10.1.0.1".parse().expect("an address")),
        mtu: Some(1400),
        ..Veth::default()
    }
}

#[test]
fn a_console_to_take_is_the_callers_before_anything_of_the_command_is_done() {
    for (draft, before) in [
        (plan_with(&taken([Stdio::Inherit; 3]), &facts(roots_maps()), Way::Run).expect("a plan"), REAP),
        (plan_with(&taken([Stdio::Inherit; 3]), &facts(roots_maps()), Way::Create).expect("a plan"), AWAIT_START),
        (injected::on_a_console(Some(Duration::from_secs(1))), REAP),
    ] {
        assert_order("console", &draft, &[MAKE_CONSOLE, GIVE_CONSOLE, before, USE_CONSOLE, EXECUTE]);
    }
}

#[test]
fn what_becomes_the_console_is_nothing_of_the_callers_before() {
    let [stdin, stdout] = [Stdio::Inherit, Stdio::Descriptor(7)];
    let config = taken([stdin, stdout, stdin]);
    assert_eq!(console::outer_stdio(&config), [Stdio::Null, stdout, Stdio::Null]);
    let helper = Config { inside: Some("true".into()), ..config };
    assert_eq!(console::outer_stdio(&helper), helper.stdio);
    assert_eq!(console::outer(Console::None, [stdin; 3]), [stdin; 3]);
}

/// A name and the plan of every kind of configuration.
fn cases() -> Vec<(&'static str, Draft)> {
    let for_maps = |maps| plan_with(&directory(), &facts(maps), Way::InPlace).expect("a plan");
    let for_library = |config: Config, way| plan_with(&config, &facts(roots_maps()), way).expect("a plan");
    let old_kernel = Facts { optional_namespaces: 0, ..facts(roots_maps()) };
    let environment = words(&["A=1", "B=2", &format!("LONG={}", "x".repeat(61)), "A=3", "EMPTY="]);
    let given = || maps("0:100000:1,1000:1000:1", false);
    let userns = |maps| userns_with(&maps, &words(&["id", "-u"]), &words(&["PATH=/bin"])).expect("a plan");
    let pseudo = |maps| pseudo_with(&maps, &words(&["id", "-u"]), &words(&["PATH=/bin"])).expect("a plan");
    let containers = vec![
        ("directory", plan(directory())),
        ("host", plan(Config { root: Root::Host, ..directory() })),
        ("console_off", plan(Config { console: Console::None, ..directory() })),
        ("network_host", plan(Config { network: Network::Host, ..directory() })),
        ("network_veth", plan(Config { network: Network::Veth(Veth::default()), ..directory() })),
        ("network_veth_whole", plan(Config { network: Network::Veth(whole_veth()), ..directory() })),
        ("inside_helper", plan(Config { inside: Some("mount -t tmpfs x mnt".into()), ..directory() })),
        ("outside_helper", plan(Config { outside: Some("ip link set veth1 netns $PPID".into()), ..directory() })),
        (
            "both_helpers",
            plan(Config { inside: Some("exit 0".into()), outside: Some("echo \"$PPID\"".into()), ..directory() }),
        ),
        ("init", plan(Config { init: true, ..directory() })),
        ("hostname", plan(Config { hostname: Some("box".into()), ..directory() })),
        ("chdir", plan(Config { chdir: Some("/srv/work here".into()), ..directory() })),
        ("mounts", plan_with(&with_mounts(), &with_sources(), Way::InPlace).expect("a plan")),
        ("overlay", plan(Config { overlay: Some(Overlay { size: Some(1 << 30) }), ..directory() })),
        ("overlay_read_only", plan(Config { overlay: Some(Overlay::default()), read_only: true, ..directory() })),
        ("overlay_host", plan_with(&host_below_overlay(), &with_submounts(), Way::InPlace).expect("a plan")),
        ("read_only", plan(Config { read_only: true, ..directory() })),
        ("read_only_host", plan(Config { read_only: true, root: Root::Host, ..directory() })),
        ("seccomp_app", plan(Config { seccomp: Profile::App, ..directory() })),
        ("seccomp_none", plan(Config { seccomp: Profile::None, ..directory() })),
        ("seccomp_own", plan(Config { seccomp: own(OWN), no_new_privs: true, ..directory() })),
        ("seccomp_own_terminal", plan(Config { seccomp: own(OWN), console: Console::None, ..directory() })),
        ("seccomp_terminal", plan(Config { seccomp: Profile::None, console: Console::None, ..directory() })),
        ("user", plan_as(alice(), directory())),
        ("user_root", plan_as(Resolved { uid: 0, gid: 0, groups: Some(vec![1]), ..alice() }, directory())),
        ("user_app", plan_as(alice(), Config { seccomp: Profile::App, ..directory() })),
        (
            "user_without_new_privs",
            plan_as(alice(), Config { seccomp: Profile::App, no_new_privs: true, ..directory() }),
        ),
        (
            "user_without_setgroups",
            plan_as(Resolved { groups: None, notes: vec!["left out".into()], ..alice() }, directory()),
        ),
        (
            "user_without_filter",
            plan_as(alice(), Config { seccomp: Profile::None, env: words(&["HOME=/srv"]), ..directory() }),
        ),
        ("timeout", plan(Config { timeout: Some(Duration::from_millis(1500)), ..directory() })),
        ("no_new_privs", plan(Config { no_new_privs: true, ..directory() })),
        ("search_path", plan(Config { search_path: true, ..directory() })),
        ("environment", plan(Config { env: environment, ..directory() })),
        ("preserve_fds", plan(Config { preserve_fds: 2, ..directory() })),
        ("kernel_without_namespaces", plan_with(&directory(), &old_kernel, Way::InPlace).expect("a plan")),
        ("maps_given", for_maps(given())),
        ("user_single_id", for_maps(maps("0:1000:1", true))),
        ("user_ranges", for_maps(users_maps())),
        ("user_idmap", for_maps(idmap_maps())),
        ("user_idmap_users_only", for_maps(idmap_users_only())),
        ("setgroups_denied_around", for_maps(IdMaps { setgroups: Setgroups::Keep, ..maps("0:0:10", true) })),
        ("library_run", for_library(library(), Way::Run)),
        (
            "rlimits",
            plan(Config {
                rlimits: vec![
                    Rlimit { resource: 7, soft: 64, hard: 1024 },
                    Rlimit { resource: 4, soft: 0, hard: u64::MAX },
                ],
                ..directory()
            }),
        ),
        ("files", {
            let file =
                |path: &str, contents: &[u8], mode| NewFile { path: path.into(), contents: contents.into(), mode };
            let files = vec![file("/tmp/job/./main.py", b"print()\n", 0o644), file("//run/x", b"", 0o755)];
            for_library(Config { root: Root::Host, files, pass_fds: vec![9, 4], ..library() }, Way::Run)
        }),
        ("library_create", for_library(library(), Way::Create)),
        ("library_console", for_library(Config { console: Console::Emulated, init: false, ..library() }, Way::Run)),
        ("console_taken", for_library(taken([Stdio::Inherit; 3]), Way::Run)),
        ("console_taken_create", {
            let user = Some(alice());
            let config = taken([Stdio::Descriptor(7), Stdio::Inherit, Stdio::Null]);
            plan_with(&config, &Facts { user, ..facts(roots_maps()) }, Way::Create).expect("a plan")
        }),
        ("pseudo_root", pseudo(roots_maps())),
        ("userns_root", userns(roots_maps())),
        ("userns_single_id", userns(maps("0:1000:1", true))),
        ("userns_without_root", userns(maps("1000:1000:1", true))),
        ("pseudo_single_id", pseudo(maps("0:1000:1", true))),
        ("pseudo_ranges", pseudo(users_maps())),
        ("pseudo_idmap", pseudo(idmap_maps())),
        ("pseudo_without_root", pseudo(maps("1000:1000:1", true))),
    ];
    containers.into_iter().chain(injected::cases()).collect()
}

fn taken(stdio: [Stdio; 3]) -> Config {
    Config { console: Console::Taken(Window { rows: 50, columns: 132 }), stdio, ..library() }
}

/// The steps of a draft, read back from its bytes.
fn with_entries<T>(draft: &Draft, look: impl FnOnce(&[Entry<'_>], &[Entry<'_>]) -> T) -> T {
    let bytes = bytes(draft);
    let plan = Plan::read(&bytes).expect("the writer's plan is the reader's");
    let steps: Vec<_> = plan.steps().collect::<Result<_, _>>().expect("steps");
    let finally: Vec<_> = plan.finally().collect::<Result<_, _>>().expect("finally steps");
    look(&steps, &finally)
}

/// The numbers of the steps that a plan must have, in this order; `kinds` may skip others.
fn assert_order(name: &str, draft: &Draft, kinds: &[u16]) {
    with_entries(draft, |steps, _| {
        let mut rest = steps.iter().map(|entry| entry.step.kind());
        for kind in kinds {
            assert!(rest.any(|found| found == *kind), "{name}: step kind {kind} is missing behind those before it");
        }
    });
}

const CLONE: u16 = 1;
const MAP_IDS: u16 = 2;
const PREPARE_OUTSIDE: u16 = 4;
const RUN_OUTSIDE: u16 = 5;
const JOIN: u16 = 6;
const RUN_INSIDE: u16 = 7;
const AWAIT_START: u16 = 8;
const BECOME_IDS: u16 = 9;
const BIND_ROOT: u16 = 10;
const MOUNT: u16 = 14;
const PIVOT: u16 = 19;
const REAP: u16 = 25;
const HOLD_SOURCE: u16 = 37;
const BIND_SOURCE: u16 = 38;
const MOUNT_INSIDE: u16 = 39;
const PROTECT_ROOT: u16 = 40;
const SECCOMP: u16 = 28;
const CAPABILITIES: u16 = 26;
const NO_NEW_PRIVS: u16 = 27;
const EXECUTE: u16 = 29;
const MAKE_CONSOLE: u16 = 51;
const GIVE_CONSOLE: u16 = 52;
const USE_CONSOLE: u16 = 53;
const CLOSE: u16 = 54;
const WATCH: u16 = 32;
const RLIMIT: u16 = 21;
const BECOME_USER: u16 = 36;

#[test]
fn plan_of_every_configuration_can_be_read_and_ends_by_the_exec() {
    for (name, draft) in cases() {
        with_entries(&draft, |steps, finally| {
            let last = steps.last().map(|entry| entry.step.kind());
            let ends = |step| matches!(step, Step::Execute { .. } | Step::CopyOut { .. } | Step::CopyIn { .. });
            let executes = steps.iter().position(|entry| ends(entry.step));
            let behind = if name.starts_with("pseudo") { 0 } else { 1 };
            assert_eq!(last, Some(if behind == 0 { EXECUTE } else { WATCH }), "{name}");
            assert_eq!(executes, Some(steps.len() - 1 - behind), "{name}: nothing of the command's follows its exec");
            assert!(finally.iter().all(|entry| entry.doer == Doer::Monitor), "{name}: PID 1 is gone by then");
        });
    }
}

/// Refuses two calls, and is loaded with flags.
const OWN: &str = r#"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],
    "flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_SPEC_ALLOW","SECCOMP_FILTER_FLAG_TSYNC"],
    "syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}"#;

fn own(document: &str) -> Profile {
    Profile::Own(Own::from_oci(document.as_bytes()).expect("a filter"))
}

#[test]
fn own_filter_under_which_nothing_can_be_executed_is_refused() {
    let refused = |document: &str, no_new_privs: bool| {
        let config = Config { seccomp: own(document), no_new_privs, ..library() };
        plan_with(&config, &facts(roots_maps()), Way::Run).err()
    };
    for (action, shown) in [("ERRNO", "errno 1"), ("KILL_PROCESS", "killed"), ("TRACE", "handed to a tracer")] {
        let document = format!(
            r#"{{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{"names":["execve"],"action":"SCMP_ACT_{action}"}}]}}"#
        );
        let error = refused(&document, true).expect("an error");
        assert_eq!((error.kind, error.object.as_str()), (Kind::Invalid, format!("execve: {shown}").as_str()));
        assert_eq!(error.remedy.as_deref(), Some("allow execve"));
    }
    // Behind the filter without no_new_privs capabilities are given up.
    let capset =
        r#"{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["execve","prctl"],"action":"SCMP_ACT_ALLOW"}]}"#;
    assert_eq!(refused(capset, true), None);
    let error = refused(capset, false).expect("an error");
    assert_eq!(error.object, "capget: errno 1");
    assert!(error.remedy.is_some_and(|remedy| remedy.contains("no_new_privs")));
    // EINVAL is how the kernel says that it knows no capability of this number and none above it.
    let one = r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["prctl"],"action":"SCMP_ACT_ERRNO",
        "errnoRet":22,"args":[{"index":0,"value":24,"op":"SCMP_CMP_EQ"},{"index":1,"value":1,"op":"SCMP_CMP_EQ"}]}]}"#;
    assert_eq!(refused(one, false).map(|error| error.object), Some("prctl: errno 22".into()));
    assert_eq!(refused(one, true), None);
    let all = Config { capabilities: None, no_new_privs: false, seccomp: own(OWN), ..library() };
    assert!(plan_with(&all, &facts(roots_maps()), Way::Run).is_ok());
}

#[test]
fn own_filter_comes_with_the_engines_capabilities() {
    assert_eq!(Config { seccomp: own(OWN), ..directory() }.kept_capabilities(), Some(crate::config::APP_CAPABILITIES));
}

#[test]
fn seccomp_is_the_last_thing_before_the_exec() {
    for (name, draft) in cases() {
        with_entries(&draft, |steps, _| {
            let kinds: Vec<u16> = steps.iter().map(|entry| entry.step.kind()).collect();
            if let Some(at) = kinds.iter().rposition(|kind| *kind == SECCOMP) {
                let first = kinds.iter().position(|kind| *kind == SECCOMP).expect("there is one");
                assert_eq!(kinds[first - 1], CLOSE, "{name}: what is not kept is closed before the first program");
                assert!(kinds[first..at].iter().all(|kind| *kind == SECCOMP), "{name}: programs follow one another");
                // Without no_new_privs the program cannot be loaded once the capabilities are gone.
                let behind =
                    if kinds.contains(&NO_NEW_PRIVS) { at + 1 } else { at + 1 + drops_behind(&kinds[at + 1..]) };
                assert_eq!(kinds[behind], EXECUTE, "{name}: what is between would run under the filter");
            }
        });
    }
}

/// Whether the capabilities are dropped next.
fn drops_behind(kinds: &[u16]) -> usize {
    usize::from(kinds.first() == Some(&CAPABILITIES))
}

#[test]
fn ids_are_mapped_before_anybody_becomes_one() {
    assert_order("directory", &plan(directory()), &[CLONE, MAP_IDS, JOIN, BECOME_IDS, BIND_ROOT, MOUNT, PIVOT]);
}

#[test]
fn sources_are_found_as_the_caller_and_bound_after_the_kernels_file_systems() {
    let config = Config { inside: Some("true".into()), outside: Some("true".into()), ..with_mounts() };
    let draft = plan_with(&config, &with_sources(), Way::InPlace).expect("a plan");
    let found = [RUN_OUTSIDE, HOLD_SOURCE, HOLD_SOURCE, HOLD_SOURCE, BECOME_IDS, BIND_ROOT, PROTECT_ROOT];
    let mounted = [RUN_INSIDE, MOUNT, BIND_SOURCE, MOUNT_INSIDE, BIND_SOURCE, BIND_SOURCE, MOUNT_INSIDE];
    assert_order("mounts", &draft, &[&found[..], &mounted[..], &[PROTECT_ROOT, PIVOT]].concat());
    with_entries(&draft, |steps, _| {
        let numbers = steps.iter().filter_map(|entry| match entry.step {
            Step::HoldSource { descriptor, .. } | Step::BindSource { descriptor, .. } => Some(descriptor),
            _ => None,
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [5, 6, 7, 5, 6, 7], "each bind has its own source");
        assert!(
            steps.iter().rposition(|entry| entry.step.kind() == MOUNT)
                < steps.iter().position(|entry| entry.step.kind() == BIND_SOURCE)
        );
    });
}

#[test]
fn outside_helper_is_made_before_the_monitor_joins_and_runs_after() {
    let config = Config { outside: Some("true".into()), ..directory() };
    assert_order("outside helper", &plan(config), &[MAP_IDS, PREPARE_OUTSIDE, JOIN, RUN_OUTSIDE, BECOME_IDS]);
}

#[test]
fn inside_helper_runs_at_the_new_root_before_the_pivot() {
    let config = Config { inside: Some("true".into()), ..directory() };
    assert_order("inside helper", &plan(config), &[JOIN, BIND_ROOT, RUN_INSIDE, PIVOT]);
}

#[test]
fn created_container_waits_with_all_done_but_the_command() {
    let draft = plan_with(&library(), &facts(roots_maps()), Way::Create).expect("a plan");
    assert_order("created", &draft, &[PIVOT, AWAIT_START, REAP, SECCOMP, EXECUTE, WATCH]);
}

#[test]
fn no_secret_of_the_callers_environment_is_in_a_plan_without_helpers() {
    let told = |config: Config| {
        let facts = Facts { environment: words(&["TOKEN=hunter2"]), ..facts(roots_maps()) };
        let draft = plan_with(&config, &facts, Way::InPlace).expect("a plan");
        bytes(&draft).windows(7).any(|window| window == b"hunter2")
    };
    assert!(!told(directory()));
    assert!(told(Config { outside: Some("true".into()), ..directory() }), "a helper has the caller's environment");
}

#[test]
fn facts_of_this_process_make_a_plan() {
    let config = Config { root: Root::Host, outside: Some("true".into()), ..directory() };
    match Facts::collect(&config) {
        Ok(facts) => {
            assert!(facts.host_root.iter().any(|entry| entry.name == "usr"), "{:?}", facts.host_root);
            assert!(!facts.environment.is_empty(), "cargo sets variables");
            let plans = [container_with(&config, &facts, Way::InPlace), container(&config, Way::InPlace)];
            let [from_facts, whole] = plans.map(|plan| bytes(&plan.expect("a plan")));
            assert!(*from_facts == *whole, "container collects the same facts");
        }
        // A caller with one id alone has no container root; the refusal is the decision's own.
        Err(error) => assert_eq!(error.kind, Kind::IdMap, "{error}"),
    }
    let facts = Facts::collect(&directory());
    assert!(facts.is_ok_and(|facts| facts.environment.is_empty() && facts.host_root.is_empty()), "read on need alone");
}
