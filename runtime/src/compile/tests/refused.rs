// SPDX-License-Identifier: MIT OR Apache-2.0
//! Configurations that are refused before anything is done, with the field that is wrong.

use super::*;

#[test]
fn networks_that_cannot_be_are_refused_by_field() {
    let refused = |veth: Veth| {
        let config = Config { network: Network::Veth(veth), ..directory() };
        check(&config, Way::InPlace).map_err(|error| error.operation + &error.object).err().unwrap_or_default()
    };
    assert_eq!(refused(whole_veth()), "");
    let address = |text: &str, bits| Some((text.parse().expect("an address"), bits));
    for (field, veth) in [
        ("network", Veth { host: "a/b".into(), ..whole_veth() }),
        ("network", Veth { host: "sixteen-bytes-xx".into(), ..whole_veth() }),
        ("network", Veth { bridge: Some(String::new()), ..whole_veth() }),
        ("network.name", Veth { name: "lo".into(), ..whole_veth() }),
        ("network.name", Veth { name: "eth%d".into(), ..whole_veth() }),
        ("network.mtu", Veth { mtu: Some(67), ..whole_veth() }),
        ("network.address", Veth { address: address("10.0.0.1", 33), ..whole_veth() }),
        ("network.gateway", Veth { address: address("fd00::1", 64), ..whole_veth() }),
        ("network.gateway", Veth { address: None, ..whole_veth() }),
    ] {
        let told = refused(veth);
        assert!(told.contains(field), "{field}: {told:?}");
    }
}

#[test]
fn consoles_that_nobody_could_use_are_refused_with_what_is_allowed() {
    let refused = |stdio, way| {
        let error = plan_with(&taken(stdio), &facts(roots_maps()), way).err().expect("no plan");
        format!("{error:?}")
    };
    assert!(refused([Stdio::Inherit; 3], Way::InPlace).contains("emulated"));
    let none_left = refused([Stdio::Null, Stdio::Descriptor(4), Stdio::Null], Way::Run);
    assert!(none_left.contains("leave one of the three"), "{none_left}");
    let emulated = Config { console: Console::Emulated, ..taken([Stdio::Null, Stdio::Inherit, Stdio::Inherit]) };
    assert!(plan_with(&emulated, &facts(roots_maps()), Way::Run).is_err());
}

#[test]
fn places_that_mounts_cannot_have_are_refused() {
    let refused = |mount: Mount, network| {
        let config = Config { mounts: vec![mount], network, ..directory() };
        let error = plan_with(&config, &with_sources(), Way::InPlace).err();
        error.map(|error| (error.kind, error.operation)).inspect(|(kind, _)| assert_eq!(*kind, Kind::Invalid))
    };
    for target in
        ["relative", "/a/../b", "/..", "/", "/./", "/dev", "/dev/", "/proc", "/proc/self", "/proc/sys", "/sys/fs"]
    {
        for mount in [bind("/x", target, false), tmpfs(target, None, 0o755)] {
            assert!(refused(mount, Network::Private).is_some(), "{target}");
        }
    }
    assert!(refused(tmpfs("/proc/uptime", None, 0o755), Network::Private).is_some(), "it is a file");
    assert!(refused(bind("", "/x", false), Network::Private).is_some());
    assert!(refused(tmpfs("/x", Some(0), 0o755), Network::Private).is_some(), "0 would be without end");
    assert!(refused(tmpfs("/x", None, 0o10000), Network::Private).is_some());
    assert!(refused(bind("/sys", "/proc/sys", true), Network::Host).is_some());
    for target in ["/dev/kvm", "/system", "/procs", "/.../x", "/proc/uptime", "/proc/sys/kernel/ns_last_pid"] {
        assert_eq!(refused(bind("/x", target, false), Network::Private), None, "{target}");
    }
    assert_eq!(refused(bind("/sys", "/sys", true), Network::Host), None, "there contain mounts none");
}

#[test]
fn overlay_covers_no_mounts() {
    let config = Config { overlay: Some(Overlay::default()), ..directory() };
    let error = plan_with(&config, &with_submounts(), Way::InPlace).err().expect("something is mounted below");
    assert_eq!((error.kind, error.errno), (Kind::Root, Some(libc::EINVAL)));
    assert!(error.cause.is_some_and(|cause| cause.contains("/usr")) && error.remedy.is_some());
    assert!(plan_with(&directory(), &with_submounts(), Way::InPlace).is_ok(), "a bind does");
    let draft = plan_with(&host_below_overlay(), &with_submounts(), Way::InPlace).expect("a plan");
    assert!(draft.notes.iter().any(|note| note.contains("/etc/hosts") && note.starts_with("/etc stays read-only")));
    with_entries(&draft, |steps, _| {
        let layered = steps.iter().filter_map(|entry| match entry.step {
            Step::Overlay { source, .. } => Some(source.to_bytes().to_vec()),
            _ => None,
        });
        assert_eq!(layered.collect::<Vec<_>>(), [b"/usr".to_vec()]);
    });
    let closed = Config { read_only: true, ..host_below_overlay() };
    let draft = plan_with(&closed, &with_submounts(), Way::InPlace).expect("a plan");
    with_entries(&draft, |steps, _| {
        assert!(!steps.iter().any(|entry| matches!(entry.step, Step::Overlay { .. })), "nothing is to be written");
    });
    let nothing = Config { overlay: Some(Overlay { size: Some(0) }), ..directory() };
    assert_eq!(
        plan_with(&nothing, &facts(roots_maps()), Way::InPlace).err().map(|error| error.kind),
        Some(Kind::Invalid)
    );
}

#[test]
fn source_that_is_not_there_is_refused_before_anything_is_done() {
    let error_of = |source: &str| {
        let config = Config { mounts: vec![bind(source, "/x", false)], ..directory() };
        sources::collect(&config).err().map(|error| (error.errno, error.cause.is_some(), error.remedy.is_some()))
    };
    assert_eq!(error_of("/no such file"), Some((Some(libc::ENOENT), true, true)));
    assert_eq!(error_of("/etc/passwd/x"), Some((Some(libc::ENOTDIR), true, true)));
    assert_eq!(error_of("/proc/self/ns/mnt"), Some((Some(libc::ENOENT), true, true)), "no path leads there");
    let held = Config { mounts: vec![bind("/etc/../etc/passwd", "/x", false)], preserve_fds: 40, ..directory() };
    let sources = sources::collect(&held).expect("a file that every machine has");
    assert!(sources.iter().all(|source| source.number >= 43 && source.path == Path::new("/etc/passwd")), "{sources:?}");
}

#[test]
fn configuration_that_can_be_refused_without_a_machine_is() {
    let long = |length: usize| Some(OsString::from("h".repeat(length)));
    let refused = [
        (Config { argv: Vec::new(), ..directory() }, Kind::Invalid, "argv"),
        (Config { argv: vec!["x".into(); MAX_STRINGS + 1], ..directory() }, Kind::TooBig, "argv and env"),
        (Config { env: words(&["NOVALUE"]), ..directory() }, Kind::Invalid, "env"),
        (Config { env: words(&["=value"]), ..directory() }, Kind::Invalid, "env"),
        (Config { hostname: long(0), ..directory() }, Kind::Invalid, "hostname"),
        (Config { hostname: long(65), ..directory() }, Kind::Invalid, "hostname"),
        (Config { stdio: [Stdio::Null, Stdio::Inherit, Stdio::Inherit], ..directory() }, Kind::Invalid, "stdio"),
        (Config { preserve_fds: 1025, ..directory() }, Kind::Invalid, "preserve_fds"),
        (Config { argv: words(&["a\0b"]), ..directory() }, Kind::Invalid, "argv"),
        (Config { env: words(&["A=\0"]), ..directory() }, Kind::Invalid, "env"),
        (Config { chdir: Some("/a\0b".into()), ..directory() }, Kind::Invalid, "chdir"),
        (Config { root: Root::Directory("/a\0b".into()), ..directory() }, Kind::Invalid, "root"),
        (Config { inside: Some("a\0b".into()), ..directory() }, Kind::Invalid, "-i"),
        (Config { outside: Some("a\0b".into()), ..directory() }, Kind::Invalid, "-o"),
        (Config { hostname: Some("a\0b".into()), ..directory() }, Kind::Invalid, "hostname"),
    ];
    for (config, kind, operation) in refused {
        let error = plan_with(&config, &facts(roots_maps()), Way::InPlace).err().expect(operation);
        assert_eq!((error.kind, error.operation.as_str()), (kind, operation), "{error}");
        assert!(error.cause.is_some(), "{error}");
    }
    assert!(plan_with(&Config { hostname: long(64), ..directory() }, &facts(roots_maps()), Way::InPlace).is_ok());
}

#[test]
fn maps_without_root_are_refused_for_a_container() {
    let error = plan_with(&directory(), &facts(maps("1000:1000:1", true)), Way::InPlace).err().expect("no root");
    assert_eq!(error.kind, Kind::IdMap);
    assert!(error.remedy.is_some_and(|remedy| remedy.contains("-u 0:")));
}

#[test]
fn plan_that_is_too_long_is_refused_by_name() {
    let long: OsString = format!("A={}", "x".repeat(contain_plan::MAX_LENGTH)).into();
    let draft = plan(Config { env: vec![long], ..directory() });
    let error = draft.finish(Descriptors::NONE, Test::default()).expect_err("4 MiB is the limit");
    assert_eq!((error.kind, error.errno), (Kind::TooBig, Some(libc::E2BIG)));
    assert!(explain::as_text(&draft).is_err_and(|error| error.kind == Kind::TooBig));
}
