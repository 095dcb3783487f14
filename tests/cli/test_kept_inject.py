# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of inject, and of ending a container with it."""

import shutil

import lib
import pytest
from lib import run

pytestmark = pytest.mark.kept
KINDS = ("user", "cgroup", "mnt", "ipc", "uts", "time", "pid", "net")


@pytest.fixture(params=[False, True], ids=["root", "user"])
def running(request, tools, root, user_root, user):
    """A running container: its Supervisor, with the user as `.user`."""
    who = user if request.param else None
    command = [tools.contain, "-c", user_root if who else root, "/bin/sh", "-c", "echo up; read x; exit 0"]
    with lib.Supervisor(command, user=who) as supervisor:
        supervisor.expect("up")
        supervisor.user = who
        yield supervisor
        supervisor.send("\n")
        assert supervisor.wait() == 0


def inject(tools, running, *command, **context):
    return run([tools.inject, str(running.pid), *command], user=running.user, **context)


def test_inject_joins_all_namespaces_of_the_container(tools, running):
    script = f"for n in {' '.join(KINDS)}; do readlink /proc/self/ns/$n; done"
    result = inject(tools, running, "/bin/sh", "-c", script)
    assert result.status == 0, result.err
    assert result.lines == [lib.namespace(running.init(), kind) for kind in KINDS]


def test_inject_sees_the_containers_files_and_processes(tools, running):
    result = inject(tools, running, "/bin/sh", "-c", "cat /etc/group | head -n 1; tr '\\0' ' ' </proc/1/cmdline")
    assert result.lines[0] == "root:x:0:"
    assert result.lines[1].startswith("/bin/sh -c echo up")


def test_inject_starts_in_the_containers_root(tools, running):
    assert inject(tools, running, "pwd", cwd="/usr").lines == ["/"]


def test_inject_keeps_its_own_environment(tools, running):
    result = inject(tools, running, "env", env={"FOO": "a b", "PATH": "/bin"})
    assert {"FOO=a b", "PATH=/bin", "LANG=C"} <= set(result.lines)
    assert not any(line.startswith("container=") for line in result.lines)


def test_inject_keeps_its_streams(tools, running):
    result = inject(tools, running, "/bin/sh", "-c", "cat; echo err >&2", stdin=b"a\0b\n")
    assert (result.raw, result.err) == (b"a\0b\n", "err\n")


def test_inject_keeps_extra_descriptors(tools, running):
    with lib.descriptor_seven("through seven") as given:
        result = inject(tools, running, "/bin/sh", "-c", "cat <&7", **given)
    assert result.out == "through seven", result.err


def test_inject_looks_the_command_up_on_path(tools, running):
    assert inject(tools, running, "echo", "found", env={"PATH": "/nowhere:/bin"}).lines == ["found"]


def test_inject_does_not_find_what_is_not_on_path(tools, running):
    result = inject(tools, running, "echo", "found", env={"PATH": "/nowhere"})
    assert result.status != 0 and result.out == "" and result.err != ""


def test_inject_defaults_to_shell(tools, running):
    assert inject(tools, running, env={"SHELL": "/bin/id"}).lines[0].startswith("uid=0")


def test_inject_without_shell_defaults_to_bin_sh(tools, running):
    result = inject(tools, running, env={"SHELL": None}, stdin=b"echo shell $0; exit 3\n")
    assert result.status == 3
    assert result.lines[0] in ("shell /bin/sh", "shell sh")


def test_inject_is_container_root_without_supplementary_groups(tools, running, need_probe):
    assert inject(tools, running, "/bin/probe", "ids").lines == ["0 0 0"]


def test_inject_status_is_the_commands(tools, running):
    assert [inject(tools, running, "sh", "-c", f"exit {s}").status for s in (0, 1, 42, 255)] == [0, 1, 42, 255]


def test_inject_passes_what_follows_pid_to_the_command(tools, running):
    assert inject(tools, running, "echo", "-x", "--help", "-u").lines == ["-x --help -u"]


def test_inject_without_arguments_exits_64(tools):
    result = run([tools.inject])
    assert result.status == 64 and result.err != "" and result.out == ""


def test_inject_into_a_process_that_is_no_supervisor_is_refused(tools):
    with lib.Supervisor(["sleep", "100"]) as other:
        result = run([tools.inject, str(other.pid), "echo", "started"])
        assert result.status != 0 and result.out == "" and result.err != ""


def test_inject_into_a_process_that_is_not_there_is_refused(tools):
    gone = lib.spawn(["true"])
    gone.wait()
    result = run([tools.inject, str(gone.pid), "echo", "started"])
    assert result.status != 0 and result.out == "" and str(gone.pid) in result.err


def test_inject_by_another_user_is_refused(tools, user_root, user, plain_user):
    with lib.Supervisor([tools.contain, "-c", user_root, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        result = run([tools.inject, str(supervisor.pid), "echo", "started"], user=plain_user)
        assert result.status != 0 and result.out == "" and str(supervisor.pid) in result.err
        supervisor.send("\n")
        supervisor.wait()


@pytest.mark.parametrize("mode", [0o4755, 0o2755], ids=["setuid", "setgid"])
def test_inject_refuses_to_run_setuid_or_setgid(tools, scratch, user_root, user, mode):
    copy = scratch / f"inject-{tools.name}-{mode:o}"
    shutil.copy(tools.inject, copy)
    copy.chmod(mode)
    with lib.Supervisor([tools.contain, "-c", user_root, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        result = run([copy, str(supervisor.pid), "echo", "started"], user=user)
        assert result.status != 0 and result.out == ""
        assert ("setuid" if mode & 0o4000 else "setgid") in result.err
        supervisor.send("\n")
        supervisor.wait()


def test_injected_commands_end_with_the_container(tools, root):
    with lib.Supervisor([tools.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        with lib.Supervisor([tools.inject, str(supervisor.pid), "sh", "-c", "echo in; sleep 100"]) as injected:
            injected.expect("in")
            supervisor.send("\n")
            assert supervisor.wait() == 0
            injected.wait()


def test_inject_halt_ends_a_booted_container(tools, make_root):
    """The status of halt itself is open: init ends all processes, and halt may be among them."""
    folder = make_root()
    (folder / "etc/inittab").write_text("::sysinit:/bin/echo booted\n::shutdown:/bin/echo going down\n")
    with lib.Supervisor([tools.contain, folder, "/sbin/init"]) as supervisor:
        supervisor.expect("booted")
        run([tools.inject, str(supervisor.pid), "/sbin/halt"])
        supervisor.expect("going down")
        supervisor.wait(20)


def test_busybox_init_reaps_and_respawns_under_the_container(tools, make_root):
    folder = make_root()
    (folder / "etc/inittab").write_text("::respawn:/bin/sh -c 'echo again; sleep 0.2'\n")
    with lib.Supervisor([tools.contain, folder, "/sbin/init"]) as supervisor:
        for _ in range(2):
            supervisor.expect("again")
            supervisor.buffer = b""
        run([tools.inject, str(supervisor.pid), "/sbin/poweroff"])
        supervisor.wait(20)
