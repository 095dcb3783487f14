# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of pseudo."""

import os

import lib
import pytest
from lib import run

pytestmark = pytest.mark.kept
OTHER_KINDS = ("cgroup", "mnt", "ipc", "uts", "time", "pid", "net")


def test_pseudo_runs_the_command_as_root(tools, caller):
    result = run([tools.pseudo, "sh", "-c", "id -u; id -g; id -un"], user=caller)
    assert (result.status, result.lines) == (0, ["0", "0", "root"]), result.err


def test_pseudo_makes_a_user_namespace_and_nothing_else(tools, caller):
    script = f"readlink /proc/self/ns/user; for n in {' '.join(OTHER_KINDS)}; do readlink /proc/self/ns/$n; done"
    lines = run([tools.pseudo, "sh", "-c", script], user=caller).lines
    assert lines[0] != lib.namespace("self", "user")
    assert lines[1:] == [lib.namespace("self", kind) for kind in OTHER_KINDS]


def test_pseudo_sees_the_same_files(tools, caller, shared):
    (shared / "flag").write_text("same\n")
    assert run([tools.pseudo, "cat", shared / "flag"], user=caller).lines == ["same"]


def test_pseudo_stays_in_the_working_directory(tools, caller):
    assert run([tools.pseudo, "pwd"], user=caller, cwd="/usr/lib").lines == ["/usr/lib"]


def test_pseudo_keeps_the_environment(tools, caller):
    result = run([tools.pseudo, "env"], user=caller, env={"FOO": "a b"})
    assert {"FOO=a b", "LANG=C"} <= set(result.lines)
    assert not any(line.startswith("container=") for line in result.lines)


def test_pseudo_keeps_streams_and_descriptors(tools, caller):
    with lib.descriptor_seven("through") as given:
        result = run([tools.pseudo, "sh", "-c", "cat; cat <&7; echo err >&2"], user=caller, stdin=b"in ", **given)
    assert (result.out, result.err) == ("in through", "err\n")


def test_pseudo_looks_the_command_up_on_path(tools, caller, shared):
    (shared / "told").write_text("#!/bin/sh\necho found $1\n")
    (shared / "told").chmod(0o755)
    assert run([tools.pseudo, "told", "x"], user=caller, env={"PATH": f"/nowhere:{shared}:/bin"}).lines == ["found x"]


def test_pseudo_runs_a_script_without_an_interpreter_line(tools, caller, shared):
    (shared / "plain").write_text("echo plain $1\n")
    (shared / "plain").chmod(0o755)
    assert run([tools.pseudo, "plain", "x"], user=caller, env={"PATH": f"{shared}:/bin"}).lines == ["plain x"]
    assert run([tools.pseudo, shared / "plain", "y"], user=caller).lines == ["plain y"]


def test_pseudo_command_that_is_not_found_is_an_error(tools, caller):
    result = run([tools.pseudo, "no-such-program"], user=caller)
    assert result.status != 0 and result.err != ""


def test_pseudo_defaults_to_shell(tools, caller):
    assert run([tools.pseudo], user=caller, env={"SHELL": "/usr/bin/id"}).lines[0].startswith("uid=0(root)")


def test_pseudo_without_shell_defaults_to_bin_sh(tools, caller):
    result = run([tools.pseudo], user=caller, env={"SHELL": None}, stdin=b"echo shell $0; exit 3\n")
    assert result.status == 3
    assert result.lines[0] in ("shell /bin/sh", "shell sh")


def test_pseudo_becomes_the_command_and_leaves_no_monitor(tools, caller):
    with lib.Supervisor([tools.pseudo, "sh", "-c", "echo $$; exec sleep 100"], user=caller) as started:
        assert started.expect("\n").split() == [str(started.pid)]
        lib.until(lambda: lib.status_field(started.pid, "Name") == ["sleep"], 5, "the command")
        assert lib.descendants(started.pid) == []


def test_pseudo_status_is_the_commands(tools, caller):
    assert [run([tools.pseudo, "sh", "-c", f"exit {s}"], user=caller).status for s in (0, 1, 42, 255)] == [
        0,
        1,
        42,
        255,
    ]


def test_pseudo_options_stand_before_the_command_only(tools):
    assert run([tools.pseudo, "echo", "-u", "-g", "-z"]).lines == ["-u -g -z"]


@pytest.mark.parametrize("arguments", [["-z"], ["-u"], ["-g"], ["-c", "true"]], ids=" ".join)
def test_pseudo_usage_error_exits_64(tools, arguments):
    result = run([tools.pseudo, *arguments])
    assert result.status == 64 and result.err != "" and result.out == ""


def test_pseudo_holds_all_capabilities_of_its_namespace(tools, caller):
    result = run([tools.pseudo, "grep", "CapEff", "/proc/self/status"], user=caller)
    last = int(open("/proc/sys/kernel/cap_last_cap", encoding="ascii").read())
    assert int(result.out.split()[1], 16) == 2 ** (last + 1) - 1


def test_pseudo_tar_keeps_ownerships(tools, shared, caller):
    source, target = shared / "source", shared / "target"
    source.mkdir()
    target.mkdir()
    for name, owner in (("zero", 0), ("one", 1), ("many", 1000)):
        (source / name).write_text(name)
        os.chown(source / name, owner, owner + 1)
    os.chown(target, *((caller.uid, caller.gid) if caller else (lib.TOP_ID, lib.TOP_ID)))
    script = 'tar -c -f - -C "$1" . | "$3" sh -c \'cd "$1" && exec tar -x -f - --no-overwrite-dir\' sh "$2"'
    result = run(["sh", "-c", script, "sh", source, target, tools.pseudo], user=caller)
    assert result.status == 0, result.err
    owned = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in target.iterdir()}
    uids, gids = ((caller.uid, caller.uids[0]), (caller.gid, caller.gids[0])) if caller else ((lib.TOP_ID, 1),) * 2
    inside = {"zero": (0, 1), "one": (1, 2), "many": (1000, 1001)}
    assert owned == {name: (outside(uid, *uids), outside(gid, *gids)) for name, (uid, gid) in inside.items()}


def outside(number, zero, one):
    """The host id of a container id, where 0 is on `zero` and 1, 2, … are on `one`, `one` + 1, …"""
    return zero if number == 0 else one + number - 1
