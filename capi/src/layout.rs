// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes tests/c/layout.c, which asserts in C where every field of every struct lies, and compares it with the one
//! that is kept. CONTAIN_BLESS=1 in the environment keeps the new one.

use crate::config::VethOptions;
use crate::events::EventStruct;
use crate::options::{InjectOptions, RunOptions};
use crate::result::ResultStruct;
use crate::seccomp::RuleOptions;
use crate::status::StatusStruct;
use crate::userns::UsernsOptions;
use std::fmt::Write;
use std::mem::offset_of;

struct Field(&'static str, usize, usize);

/// Name, offset and size of each field.
macro_rules! fields {
    ($struct:ty: $($field:ident),+) => {
        [$(Field(stringify!($field), offset_of!($struct, $field), size_of_field(|it: &$struct| &raw const it.$field))),+]
    };
}

fn size_of_field<S, F>(_: impl FnOnce(&S) -> *const F) -> usize {
    size_of::<F>()
}

fn describe(out: &mut String, name: &str, size: usize, fields: &[Field]) {
    let mut end = 0;
    writeln!(out, "\nCHECK(sizeof({name}) == {size});").unwrap();
    for Field(field, offset, length) in fields {
        assert_eq!(*offset, end, "padding before {name}.{field}");
        writeln!(out, "CHECK(offsetof({name}, {field}) == {offset});").unwrap();
        writeln!(out, "CHECK(sizeof((({name} *)0)->{field}) == {length});").unwrap();
        end = offset + length;
    }
    assert_eq!(size, end, "padding at the end of {name}");
}

fn layout() -> String {
    let mut out = String::from(
        "// SPDX-License-Identifier: MIT OR Apache-2.0\n\
        // Where the fields of the structs lie. Written by capi/src/layout.rs: do not edit.\n\
        #include <contain.h>\n\n\
        #define CHECK(what) _Static_assert(what, #what)\n",
    );
    let fields = fields!(VethOptions: host, name, bridge, address, gateway, mtu, reserved);
    describe(&mut out, "contain_veth_options", size_of::<VethOptions>(), &fields);
    let fields = fields!(RunOptions: stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd);
    describe(&mut out, "contain_run_options", size_of::<RunOptions>(), &fields);
    let fields = fields!(InjectOptions: env, stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind, stderr_fd,
        seccomp, reserved, timeout_ms, pass_fds, pass_fds_count, user, chdir, groups, capabilities, rlimits,
        rlimits_count, no_new_privs, reserved2, console,
        console_rows, console_columns, seccomp_filter);
    describe(&mut out, "contain_inject_options", size_of::<InjectOptions>(), &fields);
    let fields = fields!(RuleOptions: compare, value, mask);
    describe(&mut out, "contain_rule_options", size_of::<RuleOptions>(), &fields);
    let fields = fields!(ResultStruct: size, ended_by, status, exit_status, reserved, wall_ns, user_ns, system_ns,
        peak_memory);
    describe(&mut out, "contain_result", size_of::<ResultStruct>(), &fields);
    let fields = fields!(StatusStruct: size, state, reserved, init_pid, pid, created);
    describe(&mut out, "contain_status", size_of::<StatusStruct>(), &fields);
    let fields = fields!(EventStruct: size, kind, state, ended_by, status, exit_status, reserved, wall_ns, user_ns,
        system_ns, peak_memory);
    describe(&mut out, "contain_event", size_of::<EventStruct>(), &fields);
    let fields = fields!(UsernsOptions: env, uid_map, gid_map, stdin_kind, stdin_fd, stdout_kind, stdout_fd, stderr_kind,
        stderr_fd, lifetime, reserved);
    describe(&mut out, "contain_userns_options", size_of::<UsernsOptions>(), &fields);
    out.push_str("\nint main(void) {\n    return 0;\n}\n");
    out
}

#[test]
fn layout_in_c_is_the_one_that_is_kept() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/c/layout.c");
    let made = layout();
    if std::env::var_os("CONTAIN_BLESS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "tests/c/layout.c differs; CONTAIN_BLESS=1 cargo test -p contain-capi writes it");
}
