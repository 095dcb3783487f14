# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of the helpers of contain: -o outside, -i inside."""

import os

import lib
import pytest
from lib import inside, run

pytestmark = pytest.mark.kept
KINDS = ("user", "cgroup", "mnt", "ipc", "uts", "time", "pid", "net")
LINKS = "for n in user cgroup mnt ipc uts time pid net; do readlink /proc/self/ns/$n; done"


def told(path):
    return path.read_text().splitlines()


# -o


def test_o_runs_on_the_host_side(tools, who, shared):
    folder, user = who
    result = inside(tools, folder, "true", "-o", f"({LINKS}) >{shared}/o", user=user)
    assert result.status == 0, result.err
    assert told(shared / "o") == [lib.namespace("self", kind) for kind in KINDS]


def test_o_runs_with_the_callers_ids_environment_and_directory(tools, who, shared):
    folder, user = who
    helper = f'{{ id -u; id -g; echo "$FOO"; pwd; }} >{shared}/o'
    assert inside(tools, folder, "true", "-o", helper, user=user, env={"FOO": "a b"}, cwd="/usr").status == 0
    ids = (user.uid, user.gid) if user else (0, 0)
    assert told(shared / "o") == [str(ids[0]), str(ids[1]), "a b", "/usr"]


def test_o_of_root_keeps_roots_capabilities(tools, root, shared):
    assert inside(tools, root, "true", "-o", f"grep CapEff /proc/self/status >{shared}/o").status == 0
    assert told(shared / "o")[0].split()[1] == lib.status_field("self", "CapEff")[0]


def test_o_is_a_child_of_the_supervisor(tools, who, shared):
    folder, user = who
    command = [tools.contain, "-c", "-o", f"echo $PPID >{shared}/o", folder, "/bin/sh", "-c", "echo up; read x"]
    with lib.Supervisor(command, user=user) as supervisor:
        supervisor.expect("up")
        assert told(shared / "o") == [str(supervisor.pid)]
        supervisor.send("\n")
        assert supervisor.wait() == 0


def test_o_finds_the_supervisor_in_the_containers_user_and_network_namespaces(tools, root, shared):
    helper = f"readlink /proc/$PPID/ns/user /proc/$PPID/ns/net >{shared}/o"
    result = inside(tools, root, "readlink /proc/self/ns/user; readlink /proc/self/ns/net", "-o", helper)
    assert result.status == 0, result.err
    assert told(shared / "o") == result.lines


def test_o_finds_the_maps_written(tools, root, shared):
    helper = f"cat /proc/$PPID/uid_map /proc/$PPID/gid_map >{shared}/o"
    assert inside(tools, root, "true", "-o", helper).status == 0
    assert lib.id_map((shared / "o").read_text()) == [(0, lib.TOP_ID, 1), (1, 1, lib.TOP_ID - 1)] * 2


def test_o_can_move_an_interface_to_its_parent(tools, root):
    with lib.PrivateHost(network=True) as host:
        host.shell("ip link add veth0 type veth peer name veth1")
        result = inside(tools, root, "ls /sys/class/net", "-o", "ip link set veth1 netns $PPID", host=host)
        assert result.status == 0, result.err
        assert sorted(result.lines) == ["lo", "veth1"]


def test_o_runs_before_the_root_is_built(tools, make_root, shared):
    folder = make_root()
    assert inside(tools, folder, "true", "-o", f"ls {folder} >{shared}/o").status == 0
    assert not {"dev", "proc", "sys"} & set(told(shared / "o"))


def test_o_runs_before_i_and_both_before_the_command(tools, root, shared):
    outside = f"echo o >{shared}/log; chmod 666 {shared}/log"
    inner = f"echo i >>{shared}/log; mount --bind {shared} mnt"
    result = inside(tools, root, "echo c >>/mnt/log", "-o", outside, "-i", inner)
    assert result.status == 0, result.err
    assert told(shared / "log") == ["o", "i", "c"]


def test_o_failure_ends_contain_with_its_status(tools, who):
    folder, user = who
    result = inside(tools, folder, "echo started", "-o", "exit 7", user=user)
    assert (result.status, result.out) == (7, "")


# -i


def test_i_runs_in_all_new_namespaces_but_the_pid_namespace(tools, who, shared):
    folder, user = who
    result = inside(tools, folder, LINKS, "-i", f"({LINKS}) >{shared}/i", user=user)
    assert result.status == 0, result.err
    helper, command = dict(zip(KINDS, told(shared / "i"), strict=True)), dict(zip(KINDS, result.lines, strict=True))
    assert helper.pop("pid") == lib.namespace("self", "pid") != command.pop("pid")
    # The time namespace is entered by the first child that is made in it.
    helper.pop("time"), command.pop("time")
    assert helper == command


def test_i_runs_as_container_root(tools, who, shared):
    folder, user = who
    assert inside(tools, folder, "true", "-i", f"{{ id -u; id -g; }} >{shared}/i", user=user).status == 0
    assert told(shared / "i") == ["0", "0"]


def test_i_runs_with_the_hosts_shell_and_the_callers_environment(tools, who, shared):
    folder, user = who
    helper = f'{{ readlink /proc/$$/exe; echo "$FOO"; }} >{shared}/i'
    assert inside(tools, folder, "true", "-i", helper, user=user, env={"FOO": "a b"}).status == 0
    assert told(shared / "i") == [os.path.realpath("/bin/sh"), "a b"]


def test_i_starts_in_the_new_root_before_the_pivot(tools, who, shared):
    folder, user = who
    helper = f"{{ ls; ls -d /usr/lib/os-release; }} >{shared}/i"
    assert inside(tools, folder, "true", "-i", helper, user=user).status == 0
    names = told(shared / "i")
    assert {"bin", "dev", "etc", "mnt"} <= set(names) and names[-1] == "/usr/lib/os-release"


def test_i_runs_before_proc_and_sys_are_mounted(tools, who, shared):
    folder, user = who
    helper = f"{{ ls -A proc sys 2>/dev/null | grep -v : ; ls dev/null; }} >{shared}/i"
    assert inside(tools, folder, "true", "-i", helper, user=user).status == 0
    assert [line for line in told(shared / "i") if line] == ["dev/null"]


def test_i_can_bind_mount_a_host_folder_in(tools, who, shared):
    folder, user = who
    (shared / "flag").write_text("from the host\n")
    result = inside(tools, folder, "cat /mnt/flag", "-i", f"mount --bind {shared} mnt", user=user)
    assert (result.status, result.lines) == (0, ["from the host"]), result.err


def test_i_leaves_no_process_visible_inside(tools, root, shared):
    helper = f"sleep 60 >/dev/null 2>&1 </dev/null & echo $! >{shared}/i"
    command = [tools.contain, "-c", "-i", helper, root, "/bin/sh", "-c", "cd /proc && echo [0-9]*; read x"]
    with lib.Supervisor(command) as supervisor:
        assert supervisor.expect("\n") == "1\n"
        left = int((shared / "i").read_text())
        assert lib.status_field(left, "NSpid") == [str(left)]
        os.kill(left, 9)
        supervisor.send("\n")
        assert supervisor.wait() == 0


def test_i_failure_ends_contain_with_its_status(tools, who):
    folder, user = who
    result = inside(tools, folder, "echo started", "-i", "exit 7", user=user)
    assert (result.status, result.out) == (7, "")


@pytest.mark.parametrize("option", ["-i", "-o"])
def test_helper_that_is_not_found_is_the_shells_127(tools, root, option):
    assert inside(tools, root, "echo started", option, "no-such-program").status == 127


def test_helpers_run_with_console_emulation_too(tools, root, shared):
    result = run([tools.contain, "-o", f"echo o >{shared}/o", "-i", f"echo i >{shared}/i", root, "/bin/echo", "on"])
    assert (result.lines, told(shared / "o"), told(shared / "i")) == (["on"], ["o"], ["i"])
