// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every field goes to JSON and comes back, and what is wrong is named.

use super::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// A configuration in which no field is as [`Config::run`] has it.
fn other() -> Config {
    let bytes = || OsString::from_vec(b"not \xff utf-8".to_vec());
    Config {
        root: Root::Directory(bytes().into()),
        mounts: vec![
            Mount::Bind { source: "/a".into(), target: bytes().into(), read_only: true },
            Mount::Bind { source: "b".into(), target: "/b".into(), read_only: false },
            Mount::Tmpfs { target: "/c".into(), size: Some(u64::MAX), mode: 0o1777 },
            Mount::Tmpfs { target: "/d".into(), size: None, mode: 0 },
        ],
        overlay: Some(Overlay { size: Some(1 << 20) }),
        read_only: true,
        argv: vec!["sh".into(), bytes()],
        env: vec!["A=b".into(), bytes()],
        search_path: false,
        chdir: Some("/srv".into()),
        user: Some(User { user: Id::Name("alice".into()), group: Some(Id::Number(100)) }),
        hostname: Some("box".into()),
        uid_map: Some("0:1000:1".into()),
        gid_map: Some("0:1001:1".into()),
        network: Network::Veth(Veth {
            host: "h%d".into(),
            name: "n".into(),
            bridge: Some("br0".into()),
            address: Some(("fd00::2".parse().expect("an address"), 64)),
            gateway: Some("fd00::1".parse().expect("an address")),
            mtu: Some(1400),
        }),
        console: Console::Emulated,
        stdio: [Stdio::Null, Stdio::Descriptor(7), Stdio::Inherit],
        preserve_fds: 3,
        pass_fds: vec![5, 9],
        files: vec![
            NewFile { path: "/a".into(), contents: b"text".to_vec(), mode: 0o600 },
            NewFile { path: bytes().into(), contents: vec![0, 0xff], mode: 0o4755 },
        ],
        inside: Some("true".into()),
        outside: Some(bytes()),
        init: false,
        seccomp: Profile::System,
        capabilities: Some(1 << 12 | 1),
        rlimits: vec![Rlimit { resource: 7, soft: 64, hard: u64::MAX }, Rlimit { resource: 15, soft: 0, hard: 1 }],
        no_new_privs: false,
        timeout: Some(Duration::from_nanos(1_500_000_001)),
        lifetime: Lifetime::Detached,
    }
}

fn usual() -> Config {
    Config::run(Root::Host, vec!["true".into()])
}

fn own() -> Own {
    let document = br#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"architectures":["SCMP_ARCH_X32"],
        "flags":["SECCOMP_FILTER_FLAG_LOG"],"syscalls":[{"names":["read",500],"action":"SCMP_ACT_ALLOW"},
        {"names":["write"],"action":"SCMP_ACT_TRACE","errnoRet":7,
         "args":[{"index":0,"value":18446744073709551615,"valueTwo":3,"op":"SCMP_CMP_MASKED_EQ"}]}]}"#;
    Own::from_oci(document).expect("a filter")
}

#[test]
fn every_field_comes_back() {
    let configs = [
        other(),
        usual(),
        Config::new(Root::Host, vec!["x".into()]),
        Config { network: Network::Host, overlay: Some(Overlay { size: None }), ..usual() },
        Config { network: Network::Veth(Veth::default()), capabilities: Some(0), ..usual() },
        Config { user: Some(User { user: Id::Number(5), group: None }), seccomp: Profile::None, ..usual() },
        Config { console: Console::Taken(Window { rows: 0, columns: 65535 }), ..usual() },
        Config { seccomp: Profile::Own(own()), ..usual() },
    ];
    for config in configs {
        assert_eq!(Config::from_json(config.to_json().as_bytes()), Ok(config));
    }
}

#[test]
fn every_field_alone_is_read_and_null_is_as_left_out() {
    let given: Map<String, Value> = serde_json::from_str(&other().to_json()).expect("JSON");
    let written: Map<String, Value> = serde_json::from_str(&usual().to_json()).expect("JSON");
    for (name, value) in &given {
        let document = |value: &Value| {
            let mut fields = json!({ "root": "host", "argv": ["true"] });
            fields[name] = value.clone();
            Config::from_json(fields.to_string().as_bytes())
        };
        let read: Map<String, Value> = serde_json::from_str(&document(value).expect(name).to_json()).expect("JSON");
        assert_eq!(&read[name], value, "{name}");
        if !["root", "argv"].contains(&name.as_str()) {
            assert_eq!(document(&Value::Null), Ok(usual()), "{name}");
        }
        if name != "version" {
            assert_ne!(written[name], *value, "{name} is as usual: this test shows nothing of it");
        }
    }
    assert_eq!(given.len(), written.len());
}

#[test]
fn what_is_wrong_is_named_with_its_place_its_value_and_what_is_allowed() {
    let cases = [
        (r#"[]"#, "document", "[]", "an object"),
        (r#"{"argv":["x"]}"#, "root", "", "missing"),
        (r#"{"root":"host"}"#, "argv", "", "missing"),
        (r#"{"root":"host","argv":["x"],"roto":1}"#, "roto", "1", "read_only"),
        (r#"{"root":"here","argv":["x"]}"#, "root", "\"here\"", "directory"),
        (r#"{"root":{"directory":"/","x":1},"argv":["x"]}"#, "root", "\"x\":1", "directory"),
        (r#"{"root":"host","argv":"x"}"#, "argv", "\"x\"", "a list"),
        (r#"{"root":"host","argv":["x",5]}"#, "argv[1]", "5", "a string"),
        (r#"{"root":"host","argv":[{"hex":"0g"}]}"#, "argv[0]", "0g", "hex"),
        (r#"{"root":"host","argv":[{"hex":"012"}]}"#, "argv[0]", "012", "hex"),
        (r#"{"root":"host","argv":["x"],"version":2}"#, "version", "2", "1"),
        (r#"{"root":"host","argv":["x"],"init":1}"#, "init", "1", "true or false"),
        (r#"{"root":"host","argv":["x"],"seccomp":"App"}"#, "seccomp", "\"App\"", "\"app\""),
        (r#"{"root":"host","argv":["x"],"seccomp":7}"#, "seccomp", "7", "linux.seccomp"),
        (
            r#"{"root":"host","argv":["x"],"seccomp":{"defaultAction":"DENY"}}"#,
            "configuration: seccomp.defaultAction",
            "\"DENY\"",
            "SCMP_ACT_ERRNO",
        ),
        (r#"{"root":"host","argv":["x"],"preserve_fds":-1}"#, "preserve_fds", "-1", "a number"),
        (r#"{"root":"host","argv":["x"],"preserve_fds":4294967296}"#, "preserve_fds", "4294967296", "a number"),
        (r#"{"root":"host","argv":["x"],"user":{"user":"5"}}"#, "user.user", "\"5\"", "a name"),
        (r#"{"root":"host","argv":["x"],"user":{"user":4294967295}}"#, "user.user", "4294967295", "a number"),
        (r#"{"root":"host","argv":["x"],"user":{"user":"a:b"}}"#, "user.user", "\"a:b\"", "a name"),
        (r#"{"root":"host","argv":["x"],"mounts":[{"bind":{"source":"/"}}]}"#, "mounts[0].bind.target", "", "missing"),
        (r#"{"root":"host","argv":["x"],"mounts":[{"nfs":{}}]}"#, "mounts[0]", "nfs", "tmpfs"),
        (
            r#"{"root":"host","argv":["x"],"mounts":[{"tmpfs":{"target":"/a","size":"1G"}}]}"#,
            "mounts[0].tmpfs.size",
            "\"1G\"",
            "bytes",
        ),
        (r#"{"root":"host","argv":["x"],"overlay":{"sise":1}}"#, "overlay.sise", "1", "size"),
        (r#"{"root":"host","argv":["x"],"network":{"veth":{"address":"1.2.3.4"}}}"#, "address", "1.2.3.4", "PREFIX"),
        (r#"{"root":"host","argv":["x"],"stdio":["null"]}"#, "stdio", "null", "three"),
        (r#"{"root":"host","argv":["x"],"stdio":["null","null",{"descriptor":-1}]}"#, "stdio[2]", "-1", "a descriptor"),
        (r#"{"root":"host","argv":["x"],"capabilities":["CAP_FLY"]}"#, "capabilities[0]", "CAP_FLY", "capabilities(7)"),
        (
            r#"{"root":"host","argv":["x"],"rlimits":[{"resource":"files","soft":1,"hard":1}]}"#,
            "rlimits[0].resource",
            "files",
            "nofile",
        ),
        (r#"{"root":"host","argv":["x"],"console":"taken"}"#, "console", "\"taken\"", "emulated"),
        (r#"{"root":"host","argv":["x"],"console":{"taken":{"rows":65536}}}"#, "console.taken.rows", "65536", "65535"),
        (r#"{"root":"host","argv":["x"],"console":{"taken":{"cols":1}}}"#, "console.taken.cols", "1", "columns"),
        (r#"{"root":"host","argv":["x"],"lifetime":"eternal"}"#, "lifetime", "eternal", "\"bound\" or \"detached\""),
    ];
    for (document, place, value, allowed) in cases {
        let error = Config::from_json(document.as_bytes()).expect_err(document);
        assert!(error.operation.contains(place), "{document}: {error}");
        assert!(error.object.contains(value), "{document}: {error}");
        assert!(error.cause.as_deref().unwrap_or_default().contains(allowed), "{document}: {error}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for document in [&b""[..], b"{", b"\xff", b"{\"root\":\"host\",}", &[b'['; 100_000]] {
        let error = Config::from_json(document).expect_err("no JSON");
        assert!(error.to_string().contains("it is no JSON"), "{error}");
    }
}

#[test]
fn a_long_value_is_shown_in_part() {
    let document = json!({ "root": "x".repeat(5000), "argv": ["x"] }).to_string();
    assert!(Config::from_json(document.as_bytes()).expect_err("a root").object.chars().count() < 100);
}
