# SPDX-License-Identifier: MIT OR Apache-2.0
"""The options of inject that say what its command has: environment, directory, user, groups, capabilities, limits."""

import contextlib
import os
import pathlib
import re

import lib
import pytest
from lib import run


@contextlib.contextmanager
def waiting(ours, root, *options, user=None):
    """A container that waits."""
    script = "echo ready; while :; do sleep 60; done"
    with lib.Supervisor([ours.contain, "-c", *options, root, "/bin/sh", "-c", script], user=user) as supervisor:
        supervisor.expect("ready")
        yield supervisor


@pytest.fixture(scope="module")
def people(make_root):
    """A root file system of root's with a few users."""
    root = make_root()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nalice:x:7:8::/mnt:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\npeople:x:8:\naudio:x:29:alice\nwork:x:50:\n")
    return root


@pytest.fixture
def container(ours, people):
    """One of root that waits."""
    with waiting(ours, people) as supervisor:
        yield supervisor


@pytest.fixture
def inject(ours, container):
    """Injects a shell with these options."""

    def start(script, *options, **more):
        return run([ours.inject, *options, container.pid, "/bin/sh", "-c", script], **more)

    return start


def fields(result):
    """What /proc/self/status says, by name."""
    assert result.status == 0, result.err
    return {line.split(":")[0]: line.split(":")[1].split() for line in result.lines}


STATUS = "cat /proc/self/status"


def test_environment_is_the_callers_and_what_is_added(inject):
    assert inject("echo $A,$B,$container", env={"A": "1", "B": "2"}).lines == ["1,2,"]
    assert inject("echo $A,$B", "--env", "A=3", "--env", "B=4", "--env", "B=5", env={"A": "1"}).lines == ["3,5"]
    assert inject("echo $A,$container,$C", "--clean-env", "--env", "C=6", env={"A": "1"}).lines == [",contain,6"]
    assert inject("echo $A", "--clean-env", "--keep-env", env={"A": "1"}).lines == ["1"]


def test_user_and_groups_are_the_containers(inject):
    found = fields(inject(STATUS, "--user", "alice", "--chdir", "/tmp"))
    assert (found["Uid"], found["Gid"], found["Groups"]) == (["7"] * 4, ["8"] * 4, ["29"])
    assert found["CapPrm"] == found["CapAmb"] == found["CapInh"] == ["0" * 16]
    assert fields(inject(STATUS, "--user", "alice", "--groups", "work,29,0"))["Groups"] == ["29", "50", "0"]
    assert fields(inject(STATUS, "--user", "alice", "--groups", ""))["Groups"] == []
    assert fields(inject(STATUS, "--groups", "audio"))["Groups"] == ["29"]
    assert inject("echo $HOME; pwd", "--user", "alice", "--clean-env").lines == ["/mnt", "/"]
    assert inject("echo $HOME; pwd", "--user", "alice", "--chdir", "/tmp", env={"HOME": "/x"}).lines == ["/x", "/tmp"]


def test_capabilities_are_all_but_those_dropped(inject):
    everything = int(fields(inject(STATUS))["CapPrm"][0], 16)
    assert everything == int(fields(inject(STATUS, "--cap-add", "CHOWN"))["CapBnd"][0], 16) > 1 << 30
    assert int(fields(inject(STATUS, "--cap-drop", "CHOWN"))["CapBnd"][0], 16) == everything & ~1
    found = fields(inject(STATUS, "--cap-drop", "ALL", "--cap-add", "cap_kill"))
    assert found["CapPrm"] == found["CapEff"] == found["CapBnd"] == ["0" * 14 + "20"]
    assert fields(inject(STATUS, "--no-new-privs"))["NoNewPrivs"] == ["1"]


def test_limits_are_the_commands_alone(inject, container):
    look = "ulimit -n; ulimit -Hn; ulimit -c"
    options = ["--rlimit", "nofile=20", "--rlimit", "nofile=10:30", "--rlimit", "core=0"]
    assert inject(look, *options).lines == ["10", "30", "0"]
    assert inject(look, *options, "--timeout", "30").lines == ["10", "30", "0"]
    assert "Max open files            10 " not in pathlib.Path(f"/proc/{container.pid}/limits").read_text()


@pytest.mark.parametrize(
    "option",
    [
        ("--env", "A"),
        ("--user", "a:b:c"),
        ("--groups", "a,,b"),
        ("--groups", "-1"),
        ("--cap-drop", "FLY"),
        ("--rlimit", "nofile"),
        ("--rlimit", "files=1"),
        ("--rlimit", "nofile=2:1"),
        ("--rlimit", "nofile=-1"),
    ],
    ids="=".join,
)
def test_what_cannot_be_is_a_usage_error_that_names_the_option(inject, option):
    result = inject("echo ran", *option)
    assert (result.status, result.out) == (64, "") and option[0] in result.err, result.err


@pytest.mark.parametrize(
    ("option", "word"),
    [(("--user", "bob"), "bob"), (("--groups", "bob"), "bob"), (("--groups", "4294967294"), "4294967294"),
     (("--chdir", "/nowhere"), "/nowhere"), (("--rlimit", "nofile=1:unlimited"), "nofile")],
    ids=lambda value: "=".join(value) if isinstance(value, tuple) else "",
)
def test_what_the_container_does_not_have_is_refused(inject, option, word):
    result = inject("echo ran", *option)
    assert (result.status, result.out) == (125, "") and word in result.err, result.err


def test_groups_cannot_be_had_where_setgroups_is_denied(ours, make_root, user):
    with waiting(ours, make_root(user), "-u", f"0:{user.uid}:1", "-g", f"0:{user.gid}:1", user=user) as supervisor:
        command = [ours.inject, "--groups", "1", supervisor.pid, "/bin/echo", "ran"]
        assert run(command, user=user).status == 125
        command[2] = "0"
        assert run(command, user=user).out == "ran\n"


def test_supplementary_groups_of_the_caller_do_not_go_along(ours, make_root, user):
    """In a user namespace that denies setgroups only who joins it can give them up, and what has them can be traced by
    whoever owns the container."""
    options = ["-u", f"0:{user.uid}:1", "-g", f"0:{user.gid}:1"]
    with waiting(ours, make_root(user), *options, user=user) as supervisor:
        command = [ours.inject, supervisor.pid, "/bin/sh", "-c", "echo $$; read end"]
        with lib.Supervisor(command, before=lambda: os.setgroups([0, 4, 27])) as injected:
            injected.expect("\n")
            processes = lib.descendants(injected.pid)
            assert processes
            for process in processes:
                status = pathlib.Path(f"/proc/{process}/status").read_text()
                groups = re.search(r"(?m)^Groups:(.*)$", status)[1].split()
                assert groups == [], f"{process} has the groups {groups} of the host"
            injected.send("\n")
            injected.wait()
