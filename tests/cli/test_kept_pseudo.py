# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of pseudo."""

import os

import lib
import pytest
from lib import run

pytestmark = pytest.mark.kept
OTHER_KINDS = ("cgroup", "mnt", "ipc", "uts", "time", "pid", "net")


@pytest.fixture(params=[False, True], ids=["root", "user"])
def who(request, user):
    return user if request.param else None


def test_pseudo_runs_the_command_as_root(tools, who):
    result = run([tools.pseudo, "sh", "-c", "id -u; id -g; id -un"], user=who)
    assert (result.status, result.lines) == (0, ["0", "0", "root"]), result.err


def test_pseudo_makes_a_user_namespace_and_nothing_else(tools, who):
    script = f"readlink /proc/self/ns/user; for n in {' '.join(OTHER_KINDS)}; do readlink /proc/self/ns/$n; done"
    lines = run([tools.pseudo, "sh", "-c", script], user=who).lines
    assert lines[0] != lib.namespace("self", "user")
    assert lines[1:] == [lib.namespace("self", kind) for kind in OTHER_KINDS]


def test_pseudo_sees_the_same_files(tools, who, shared):
    (shared / "flag").write_text("same\n")
    assert run([tools.pseudo, "cat", shared / "flag"], user=who).lines == ["same"]


def test_pseudo_stays_in_the_working_directory(tools, who):
    assert run([tools.pseudo, "pwd"], user=who, cwd="/usr/lib").lines == ["/usr/lib"]


def test_pseudo_keeps_the_environment(tools, who):
    result = run([tools.pseudo, "env"], user=who, env={"FOO": "a b"})
    assert {"FOO=a b", "LANG=C"} <= set(result.lines)
    assert not any(line.startswith("container=") for line in result.lines)


def test_pseudo_keeps_streams_and_descriptors(tools, who):
    with lib.descriptor_seven("through") as given:
        result = run([tools.pseudo, "sh", "-c", "cat; cat <&7; echo err >&2"], user=who, stdin=b"in ", **given)
    assert (result.out, result.err) == ("in through", "err\n")


def test_pseudo_looks_the_command_up_on_path(tools, who, shared):
    (shared / "told").write_text("#!/bin/sh\necho found $1\n")
    (shared / "told").chmod(0o755)
    assert run([tools.pseudo, "told", "x"], user=who, env={"PATH": f"/nowhere:{shared}:/bin"}).lines == ["found x"]


def test_pseudo_command_that_is_not_found_is_an_error(tools, who):
    result = run([tools.pseudo, "no-such-program"], user=who)
    assert result.status != 0 and result.err != ""


def test_pseudo_defaults_to_shell(tools, who):
    assert run([tools.pseudo], user=who, env={"SHELL": "/usr/bin/id"}).lines[0].startswith("uid=0(root)")


def test_pseudo_without_shell_defaults_to_bin_sh(tools, who):
    result = run([tools.pseudo], user=who, env={"SHELL": None}, stdin=b"echo shell $0; exit 3\n")
    assert result.status == 3
    assert result.lines[0] in ("shell /bin/sh", "shell sh")


def test_pseudo_becomes_the_command_and_leaves_no_monitor(tools, who):
    with lib.Supervisor([tools.pseudo, "sh", "-c", "echo $$; exec sleep 100"], user=who) as started:
        assert started.expect("\n").split() == [str(started.pid)]
        lib.until(lambda: lib.status_field(started.pid, "Name") == ["sleep"], 5, "the command")
        assert lib.descendants(started.pid) == []


def test_pseudo_status_is_the_commands(tools, who):
    assert [run([tools.pseudo, "sh", "-c", f"exit {s}"], user=who).status for s in (0, 1, 42, 255)] == [0, 1, 42, 255]


def test_pseudo_options_stand_before_the_command_only(tools):
    assert run([tools.pseudo, "echo", "-u", "-g", "-z"]).lines == ["-u -g -z"]


@pytest.mark.parametrize("arguments", [["-z"], ["-u"], ["-g"], ["-c", "true"]], ids=" ".join)
def test_pseudo_usage_error_exits_64(tools, arguments):
    result = run([tools.pseudo, *arguments])
    assert result.status == 64 and result.err != "" and result.out == ""


def test_pseudo_holds_all_capabilities_of_its_namespace(tools, who):
    result = run([tools.pseudo, "grep", "CapEff", "/proc/self/status"], user=who)
    last = int(open("/proc/sys/kernel/cap_last_cap", encoding="ascii").read())
    assert int(result.out.split()[1], 16) == 2 ** (last + 1) - 1


@pytest.mark.parametrize("as_user", [False, True], ids=["root", "user"])
def test_pseudo_tar_keeps_ownerships(tools, shared, user, as_user):
    source, target = shared / "source", shared / "target"
    source.mkdir()
    target.mkdir()
    for name, owner in (("zero", 0), ("one", 1), ("many", 1000)):
        (source / name).write_text(name)
        os.chown(source / name, owner, owner + 1)
    who = user if as_user else None
    os.chown(target, *((user.uid, user.gid) if as_user else (lib.TOP_ID, lib.TOP_ID)))
    script = 'tar -c -f - -C "$1" . | "$3" sh -c \'cd "$1" && exec tar -x -f - --no-overwrite-dir\' sh "$2"'
    result = run(["sh", "-c", script, "sh", source, target, tools.pseudo], user=who)
    assert result.status == 0, result.err
    owned = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in target.iterdir()}
    expected = {"zero": (0, 1), "one": (1, 2), "many": (1000, 1001)}
    assert owned == {name: (host(uid, user, as_user, 0), host(gid, user, as_user, 1)) for name, (uid, gid) in expected.items()}


def host(number, user, as_user, kind):
    """The host id of a container id under the default maps; `kind` 0 is uid, 1 is gid."""
    own, delegated = ((user.uid, user.uids[0]), (user.gid, user.gids[0]))[kind]
    if as_user:
        return own if number == 0 else delegated + number - 1
    return lib.TOP_ID if number == 0 else number
