// SPDX-License-Identifier: MIT OR Apache-2.0
// Where the fields of the structs lie. Written by capi/src/layout.rs: do not edit.
#include <contain.h>

#define CHECK(what) _Static_assert(what, #what)

CHECK(sizeof(contain_veth_options) == 48);
CHECK(offsetof(contain_veth_options, host) == 0);
CHECK(sizeof(((contain_veth_options *)0)->host) == 8);
CHECK(offsetof(contain_veth_options, name) == 8);
CHECK(sizeof(((contain_veth_options *)0)->name) == 8);
CHECK(offsetof(contain_veth_options, bridge) == 16);
CHECK(sizeof(((contain_veth_options *)0)->bridge) == 8);
CHECK(offsetof(contain_veth_options, address) == 24);
CHECK(sizeof(((contain_veth_options *)0)->address) == 8);
CHECK(offsetof(contain_veth_options, gateway) == 32);
CHECK(sizeof(((contain_veth_options *)0)->gateway) == 8);
CHECK(offsetof(contain_veth_options, mtu) == 40);
CHECK(sizeof(((contain_veth_options *)0)->mtu) == 4);
CHECK(offsetof(contain_veth_options, reserved) == 44);
CHECK(sizeof(((contain_veth_options *)0)->reserved) == 4);

CHECK(sizeof(contain_run_options) == 24);
CHECK(offsetof(contain_run_options, stdin_kind) == 0);
CHECK(sizeof(((contain_run_options *)0)->stdin_kind) == 4);
CHECK(offsetof(contain_run_options, stdin_fd) == 4);
CHECK(sizeof(((contain_run_options *)0)->stdin_fd) == 4);
CHECK(offsetof(contain_run_options, stdout_kind) == 8);
CHECK(sizeof(((contain_run_options *)0)->stdout_kind) == 4);
CHECK(offsetof(contain_run_options, stdout_fd) == 12);
CHECK(sizeof(((contain_run_options *)0)->stdout_fd) == 4);
CHECK(offsetof(contain_run_options, stderr_kind) == 16);
CHECK(sizeof(((contain_run_options *)0)->stderr_kind) == 4);
CHECK(offsetof(contain_run_options, stderr_fd) == 20);
CHECK(sizeof(((contain_run_options *)0)->stderr_fd) == 4);

CHECK(sizeof(contain_inject_options) == 128);
CHECK(offsetof(contain_inject_options, env) == 0);
CHECK(sizeof(((contain_inject_options *)0)->env) == 8);
CHECK(offsetof(contain_inject_options, stdin_kind) == 8);
CHECK(sizeof(((contain_inject_options *)0)->stdin_kind) == 4);
CHECK(offsetof(contain_inject_options, stdin_fd) == 12);
CHECK(sizeof(((contain_inject_options *)0)->stdin_fd) == 4);
CHECK(offsetof(contain_inject_options, stdout_kind) == 16);
CHECK(sizeof(((contain_inject_options *)0)->stdout_kind) == 4);
CHECK(offsetof(contain_inject_options, stdout_fd) == 20);
CHECK(sizeof(((contain_inject_options *)0)->stdout_fd) == 4);
CHECK(offsetof(contain_inject_options, stderr_kind) == 24);
CHECK(sizeof(((contain_inject_options *)0)->stderr_kind) == 4);
CHECK(offsetof(contain_inject_options, stderr_fd) == 28);
CHECK(sizeof(((contain_inject_options *)0)->stderr_fd) == 4);
CHECK(offsetof(contain_inject_options, seccomp) == 32);
CHECK(sizeof(((contain_inject_options *)0)->seccomp) == 4);
CHECK(offsetof(contain_inject_options, reserved) == 36);
CHECK(sizeof(((contain_inject_options *)0)->reserved) == 4);
CHECK(offsetof(contain_inject_options, timeout_ms) == 40);
CHECK(sizeof(((contain_inject_options *)0)->timeout_ms) == 8);
CHECK(offsetof(contain_inject_options, pass_fds) == 48);
CHECK(sizeof(((contain_inject_options *)0)->pass_fds) == 8);
CHECK(offsetof(contain_inject_options, pass_fds_count) == 56);
CHECK(sizeof(((contain_inject_options *)0)->pass_fds_count) == 8);
CHECK(offsetof(contain_inject_options, user) == 64);
CHECK(sizeof(((contain_inject_options *)0)->user) == 8);
CHECK(offsetof(contain_inject_options, chdir) == 72);
CHECK(sizeof(((contain_inject_options *)0)->chdir) == 8);
CHECK(offsetof(contain_inject_options, groups) == 80);
CHECK(sizeof(((contain_inject_options *)0)->groups) == 8);
CHECK(offsetof(contain_inject_options, capabilities) == 88);
CHECK(sizeof(((contain_inject_options *)0)->capabilities) == 8);
CHECK(offsetof(contain_inject_options, rlimits) == 96);
CHECK(sizeof(((contain_inject_options *)0)->rlimits) == 8);
CHECK(offsetof(contain_inject_options, rlimits_count) == 104);
CHECK(sizeof(((contain_inject_options *)0)->rlimits_count) == 8);
CHECK(offsetof(contain_inject_options, no_new_privs) == 112);
CHECK(sizeof(((contain_inject_options *)0)->no_new_privs) == 4);
CHECK(offsetof(contain_inject_options, reserved2) == 116);
CHECK(sizeof(((contain_inject_options *)0)->reserved2) == 4);
CHECK(offsetof(contain_inject_options, console) == 120);
CHECK(sizeof(((contain_inject_options *)0)->console) == 4);
CHECK(offsetof(contain_inject_options, console_rows) == 124);
CHECK(sizeof(((contain_inject_options *)0)->console_rows) == 2);
CHECK(offsetof(contain_inject_options, console_columns) == 126);
CHECK(sizeof(((contain_inject_options *)0)->console_columns) == 2);

CHECK(sizeof(contain_result) == 56);
CHECK(offsetof(contain_result, size) == 0);
CHECK(sizeof(((contain_result *)0)->size) == 8);
CHECK(offsetof(contain_result, ended_by) == 8);
CHECK(sizeof(((contain_result *)0)->ended_by) == 4);
CHECK(offsetof(contain_result, status) == 12);
CHECK(sizeof(((contain_result *)0)->status) == 4);
CHECK(offsetof(contain_result, exit_status) == 16);
CHECK(sizeof(((contain_result *)0)->exit_status) == 4);
CHECK(offsetof(contain_result, reserved) == 20);
CHECK(sizeof(((contain_result *)0)->reserved) == 4);
CHECK(offsetof(contain_result, wall_ns) == 24);
CHECK(sizeof(((contain_result *)0)->wall_ns) == 8);
CHECK(offsetof(contain_result, user_ns) == 32);
CHECK(sizeof(((contain_result *)0)->user_ns) == 8);
CHECK(offsetof(contain_result, system_ns) == 40);
CHECK(sizeof(((contain_result *)0)->system_ns) == 8);
CHECK(offsetof(contain_result, peak_memory) == 48);
CHECK(sizeof(((contain_result *)0)->peak_memory) == 8);

CHECK(sizeof(contain_status) == 32);
CHECK(offsetof(contain_status, size) == 0);
CHECK(sizeof(((contain_status *)0)->size) == 8);
CHECK(offsetof(contain_status, state) == 8);
CHECK(sizeof(((contain_status *)0)->state) == 4);
CHECK(offsetof(contain_status, reserved) == 12);
CHECK(sizeof(((contain_status *)0)->reserved) == 4);
CHECK(offsetof(contain_status, init_pid) == 16);
CHECK(sizeof(((contain_status *)0)->init_pid) == 4);
CHECK(offsetof(contain_status, pid) == 20);
CHECK(sizeof(((contain_status *)0)->pid) == 4);
CHECK(offsetof(contain_status, created) == 24);
CHECK(sizeof(((contain_status *)0)->created) == 8);

CHECK(sizeof(contain_userns_options) == 56);
CHECK(offsetof(contain_userns_options, env) == 0);
CHECK(sizeof(((contain_userns_options *)0)->env) == 8);
CHECK(offsetof(contain_userns_options, uid_map) == 8);
CHECK(sizeof(((contain_userns_options *)0)->uid_map) == 8);
CHECK(offsetof(contain_userns_options, gid_map) == 16);
CHECK(sizeof(((contain_userns_options *)0)->gid_map) == 8);
CHECK(offsetof(contain_userns_options, stdin_kind) == 24);
CHECK(sizeof(((contain_userns_options *)0)->stdin_kind) == 4);
CHECK(offsetof(contain_userns_options, stdin_fd) == 28);
CHECK(sizeof(((contain_userns_options *)0)->stdin_fd) == 4);
CHECK(offsetof(contain_userns_options, stdout_kind) == 32);
CHECK(sizeof(((contain_userns_options *)0)->stdout_kind) == 4);
CHECK(offsetof(contain_userns_options, stdout_fd) == 36);
CHECK(sizeof(((contain_userns_options *)0)->stdout_fd) == 4);
CHECK(offsetof(contain_userns_options, stderr_kind) == 40);
CHECK(sizeof(((contain_userns_options *)0)->stderr_kind) == 4);
CHECK(offsetof(contain_userns_options, stderr_fd) == 44);
CHECK(sizeof(((contain_userns_options *)0)->stderr_fd) == 4);
CHECK(offsetof(contain_userns_options, lifetime) == 48);
CHECK(sizeof(((contain_userns_options *)0)->lifetime) == 4);
CHECK(offsetof(contain_userns_options, reserved) == 52);
CHECK(sizeof(((contain_userns_options *)0)->reserved) == 4);

int main(void) {
    return 0;
}
