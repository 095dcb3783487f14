# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of contain: command line, root file system, namespaces, /dev, /proc, /sys."""

import os
import pathlib
import signal
import stat

import lib
import pytest
from lib import inside, run

pytestmark = pytest.mark.kept
KINDS = ("user", "cgroup", "mnt", "ipc", "uts", "time", "pid", "net")


def mounts_inside(tools, root, *options, **context):
    """Mount point → file system type, as the container sees them."""
    result = inside(tools, root, "cat /proc/self/mountinfo", *options, **context)
    assert result.status == 0, result.err
    return {line.split()[4]: line.split(" - ")[1].split()[0] for line in result.lines}


def test_original_is_checked_too(original_tools):
    assert all(
        os.access(path, os.X_OK) for path in (original_tools.contain, original_tools.inject, original_tools.pseudo)
    )


# Command line.


def test_options_stand_before_dir_only(tools, root):
    result = run([tools.contain, "-c", root, "/bin/echo", "-u", "-c", "-z"])
    assert (result.status, result.lines) == (0, ["-u -c -z"])


def test_short_options_bundle(tools, root):
    result = run([tools.contain, "-cn", root, "/bin/echo", "on"])
    assert (result.status, result.lines) == (0, ["on"])


def test_short_options_bundle_with_their_value(tools, root):
    result = run([tools.contain, "-cu0:0:7", "-g", "0:0:9", root, "/bin/cat", "/proc/self/uid_map"])
    assert (result.status, lib.id_map(result.out)) == (0, [(0, 0, 7)])


def test_last_map_of_a_kind_wins(tools, root):
    options = ["-u", "0:1:1", "-u", "0:0:5", "-g", "0:1:1", "-g", "0:0:6"]
    result = inside(tools, root, "cat /proc/self/uid_map /proc/self/gid_map", *options)
    assert (result.status, lib.id_map(result.out)) == (0, [(0, 0, 5), (0, 0, 6)])


def test_last_helper_of_a_kind_wins(tools, root):
    result = inside(tools, root, "exit 4", "-i", "exit 9", "-i", "true", "-o", "exit 8", "-o", "true")
    assert result.status == 4


@pytest.mark.parametrize(
    "arguments", [[], ["-c"], ["-z", "/"], ["-u"], ["-c", "-g"], ["-i"], ["-o"], ["-nz", "/"]], ids=" ".join
)
def test_usage_error_exits_64(tools, arguments):
    result = run([tools.contain, *arguments])
    assert result.status == 64
    assert result.err != "" and result.out == ""


def test_two_dashes_end_the_options(tools, root):
    assert run([tools.contain, "-c", "--", root, "/bin/echo", "on"]).lines == ["on"]
    assert run([tools.pseudo, "--", "echo", "on"]).lines == ["on"]


# The command.


def test_command_defaults_to_bin_sh(tools, root):
    result = run([tools.contain, "-c", root], stdin=b"echo shell $0; exit 5\n")
    assert result.status == 5
    assert result.lines[0] in ("shell /bin/sh", "shell sh")


def test_command_is_pid_1(tools, root):
    assert inside(tools, root, "echo $$").lines == ["1"]


def test_command_is_pid_1_on_a_console(tools, root):
    assert run([tools.contain, root, "/bin/sh", "-c", "echo $$"]).lines == ["1"]


def test_command_is_not_looked_up_on_path(tools, root):
    result = run([tools.contain, "-c", root, "ls"], env={"PATH": "/bin:/usr/bin"})
    assert result.status != 0 and result.out == "" and result.err != ""


def test_relative_command_is_taken_from_the_new_root(tools, root):
    assert run([tools.contain, "-c", root, "bin/echo", "here"], cwd="/tmp").lines == ["here"]


def test_environment_is_empty_but_for_container(tools, root):
    result = run([tools.contain, "-c", root, "/bin/env"], env={"SECRET": "s", "container": "other"})
    assert result.lines == ["container=contain"]


def test_working_directory_is_the_new_root(tools, root):
    assert run([tools.contain, "-c", root, "/bin/pwd"], cwd="/tmp").lines == ["/"]


def test_umask_and_limits_are_the_callers(tools, root):
    wrapper = 'umask 027; ulimit -n 123; exec "$@"'
    command = [tools.contain, "-c", root, "/bin/sh", "-c", "umask; ulimit -n"]
    assert run(["sh", "-c", wrapper, "sh", *command]).lines == ["0027", "123"]


def test_ignored_and_blocked_signals_are_the_callers(tools, root):
    command = [tools.contain, "-c", root, "/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"]
    own = run(["sh", "-c", "trap '' USR1; exec \"$@\"", "sh", "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"])
    result = run(["sh", "-c", "trap '' USR1; exec \"$@\"", "sh", *command])
    assert result.lines == own.lines
    assert int(own.lines[1].split()[1], 16) & 1 << (signal.SIGUSR1 - 1)


def test_arguments_arrive_as_they_were_given(tools, root):
    words = ["", " ", "a b", "*", "$x", "\n", "\u00e4", "-", "--", "x" * 100_000]
    result = run([tools.contain, "-c", root, "/bin/printf", "<%s>", *words])
    assert result.out == "".join(f"<{word}>" for word in words)


def test_many_arguments_arrive(tools, root):
    result = run([tools.contain, "-c", root, "/bin/sh", "-c", "echo $#", "sh", *["0123456789" * 10] * 5000])
    assert (result.status, result.lines) == (0, ["5000"])


def test_exit_status_is_the_commands(tools, root):
    assert [inside(tools, root, f"exit {status}").status for status in (0, 1, 42, 255)] == [0, 1, 42, 255]


def test_32_bit_program_runs(tools, make_root, scratch):
    program = scratch / "thirty-two"
    if not program.exists():
        source = scratch / "thirty-two.s"
        source.write_text(".globl _start\n_start: mov $1, %eax\nmov $32, %ebx\nint $0x80\n")
        built = run(["sh", "-c", f"as --32 -o {program}.o {source} && ld -m elf_i386 -o {program} {program}.o"])
        if built.status != 0 or run([program]).status != 32:
            pytest.skip(f"this machine cannot make or run a 32-bit program: {built.err}")
    folder = make_root()
    (folder / "bin/thirty-two").write_bytes(program.read_bytes())
    (folder / "bin/thirty-two").chmod(0o755)
    assert run([tools.contain, "-c", folder, "/bin/thirty-two"]).status == 32


# The root file system.


def test_dev_proc_and_sys_are_made_when_missing(tools, make_root):
    folder = make_root()
    assert inside(tools, folder, "true").status == 0
    for name in ("dev", "proc", "sys"):
        assert stat.filemode((folder / name).lstat().st_mode) == "drwxr-xr-x"
        assert list((folder / name).iterdir()) == []


def test_root_is_bound_recursively(tools, make_root):
    folder = make_root()
    with lib.PrivateHost() as host:
        host.shell('mount -t tmpfs none "$1/mnt" && echo deep >"$1/mnt/flag"', str(folder))
        assert inside(tools, folder, "cat /mnt/flag", host=host).lines == ["deep"]


def test_root_is_a_slave_of_the_hosts_mounts(tools, make_root):
    folder = make_root()
    with lib.PrivateHost() as host:
        host.shell('mount --bind "$1" "$1" && mount --make-shared "$1"', str(folder))
        command = [tools.contain, "-c", folder, "/bin/sh", "-c", "echo up; read x; cat /mnt/flag; exit 6"]
        with lib.Supervisor(command, host=host) as supervisor:
            supervisor.expect("up")
            host.shell('mount -t tmpfs none "$1/mnt" && echo later >"$1/mnt/flag"', str(folder))
            supervisor.send("\n")
            supervisor.expect("later\n")
            assert supervisor.wait() == 6


def test_mounts_made_inside_do_not_reach_the_host(tools, make_root):
    folder = make_root()
    with lib.PrivateHost() as host:
        host.shell('mount --bind "$1" "$1" && mount --make-shared "$1"', str(folder))
        before = host.shell("cat /proc/self/mountinfo")
        command = [tools.contain, "-c", folder, "/bin/sh", "-c", "mount -t tmpfs none /mnt && echo up; read x"]
        with lib.Supervisor(command, host=host) as supervisor:
            supervisor.expect("up")
            assert host.shell("cat /proc/self/mountinfo") == before
            supervisor.send("\n")
            assert supervisor.wait() == 0


def test_relative_root_is_taken_from_the_callers_directory(tools, root):
    assert run([tools.contain, "-c", ".", "/bin/echo", "dot"], cwd=root).lines == ["dot"]


def test_old_root_is_gone(tools, root):
    points = mounts_inside(tools, root)
    below_dev = {point for point in points if point.startswith("/dev/")}
    assert set(points) - below_dev == {"/", "/dev", "/proc", "/sys", "/sys/fs/cgroup"}


# Namespaces.


def test_namespaces_are_new(tools, who):
    folder, user = who
    script = f"for n in {' '.join(KINDS)}; do readlink /proc/self/ns/$n; done"
    result = inside(tools, folder, script, user=user)
    assert result.status == 0, result.err
    own = [lib.namespace("self", kind) for kind in KINDS]
    assert len(result.lines) == len(KINDS)
    assert [kind for kind, new, old in zip(KINDS, result.lines, own, strict=True) if new == old] == []


def test_hostname_inside_is_not_the_hosts(tools, root):
    before = os.uname().nodename
    assert inside(tools, root, "hostname brian && hostname").lines == ["brian"]
    assert os.uname().nodename == before


def test_n_shares_the_hosts_network(tools, root):
    result = inside(tools, root, "readlink /proc/self/ns/net", "-n")
    assert result.lines == [lib.namespace("self", "net")]


def test_n_gives_no_privilege_over_the_network(tools, root):
    result = inside(tools, root, "ip addr add 192.0.2.1/32 dev lo; ip link set lo down; echo $?", "-n")
    assert result.status == 0
    assert result.lines[-1] != "0"
    assert "192.0.2.1" not in run(["ip", "addr"]).out


def test_n_mounts_no_sysfs(tools, root):
    assert "/sys" not in mounts_inside(tools, root, "-n")


def test_network_of_its_own_is_under_the_containers_control(tools, root):
    result = inside(tools, root, "ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip addr show dev lo")
    assert result.status == 0, result.err
    assert "192.0.2.1/32" in result.out


# /dev, /proc, /sys.


def test_dev_is_a_tmpfs_with_the_usual_nodes(tools, root):
    assert mounts_inside(tools, root)["/dev"] == "tmpfs"
    names = inside(tools, root, "ls /dev").lines
    assert {"full", "null", "ptmx", "pts", "random", "tty", "urandom", "zero"} <= set(names)


def test_device_nodes_are_the_hosts_and_work(tools, who):
    folder, user = who
    listed = "for n in full null random tty urandom zero; do stat -c '%n %t:%T' /dev/$n; done"
    script = f"{listed}; echo x >/dev/null && head -c 3 /dev/zero | wc -c && head -c 3 /dev/urandom | wc -c"
    result = inside(tools, folder, script, user=user)
    assert result.lines == run(["sh", "-c", listed]).lines + ["3", "3"], result.err


def test_devpts_is_a_new_instance(tools, root, probe, need_probe):
    assert mounts_inside(tools, root)["/dev/pts"] == "devpts"
    assert inside(tools, root, "ls /dev/pts").lines == ["ptmx"]
    assert run([tools.contain, "-c", root, "/bin/probe", "pty"]).lines == ["/dev/pts/0"]


def test_proc_is_new(tools, root):
    assert mounts_inside(tools, root)["/proc"] == "proc"
    assert inside(tools, root, "cd /proc && echo [0-9]*").lines == ["1"]


def test_sys_is_new_and_shows_the_containers_network(tools, root):
    assert mounts_inside(tools, root)["/sys"] == "sysfs"
    assert inside(tools, root, "ls /sys/class/net").lines == ["lo"]


def test_cgroup2_is_on_sys_fs_cgroup(tools, root):
    if "cgroup2" not in pathlib.Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no cgroup2")
    points = mounts_inside(tools, root)
    assert points.get("/sys/fs/cgroup") == "cgroup2"


# Limits by hand.


@pytest.mark.parametrize("hierarchy", ["pids", "unified", ""])
def test_container_is_in_the_cgroup_its_caller_moved_to(tools, root, hierarchy):
    place = pathlib.Path("/sys/fs/cgroup") / hierarchy
    if not (place / "cgroup.procs").exists():
        pytest.skip(f"no cgroup hierarchy at {place}")
    group = place / f"by-hand-{os.getpid()}"
    group.mkdir()
    try:
        script = 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"'
        inner = ["/bin/sh", "-c", "cat /proc/1/cgroup; echo shown; read x"]
        with lib.Supervisor(["sh", "-c", script, "sh", group, tools.contain, "-c", root, *inner]) as supervisor:
            text = supervisor.expect("shown")
            outside = pathlib.Path(f"/proc/{supervisor.init()}/cgroup").read_text()
            supervisor.send("\n")
            assert supervisor.wait() == 0
        assert f"/{group.name}\n" in outside
        assert f"/{group.name}" not in text
    finally:
        lib.until(lambda: not (group / "cgroup.procs").read_text(), 5, "an empty cgroup")
        group.rmdir()
