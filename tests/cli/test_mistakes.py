# SPDX-License-Identifier: MIT OR Apache-2.0
"""What people get wrong at first, and that each answer says what to do. More in test_bad_input.py."""

import os

import pytest
from lib import run

USAGE, OWN_FAILURE, NOT_EXECUTABLE, NOT_FOUND = 64, 125, 126, 127

# The words of contain's command line, its status, and what the answer tells.
MISTAKES = {
    "no such root": (["/no/such/root"], OWN_FAILURE, ["/no/such/root", "does not exist", "hint: name a directory"]),
    "root is a file": (["/etc/passwd"], OWN_FAILURE, ["not a directory", "hint: unpack it"]),
    "no root": ([], USAGE, ["no DIR given", "hint: contain --help"]),
    "command missing": (["{root}", "sh"], NOT_FOUND, ["execute sh", "hint: name a program by its path"]),
    "letters swapped": (["--hots"], USAGE, ["'--hots': --host is much like it", "hint: contain --help"]),
    "hyphen forgotten": (["--bindro", "/etc", "{root}"], USAGE, ["--bind-ro is much like it"]),
    "letter forgotten": (["--hostnam", "x", "{root}"], USAGE, ["--hostname is much like it"]),
    "map in words": (["-u", "all", "{root}"], OWN_FAILURE, ["map user ids all", "hint: give START", "0:100000:65536"]),
    "no user of this name": (["--user", "alice", "{root}"], OWN_FAILURE, ["hint: name one that it has, or give its number"]),
    "nothing to bind": (["--bind", "/no/such", "{root}"], OWN_FAILURE, ["/no/such", "on the host", "hint: make it"]),
    "place without a slash": (["--tmpfs", "tmp", "{root}"], USAGE, ["DST begins with a slash"]),
    "time with a unit": (["--timeout", "5s", "{root}"], USAGE, ["for example 90 or 0.5"]),
    "variable without a value": (["--env", "A", "{root}"], USAGE, ["NAME=VALUE"]),
    "no such directory": (["--chdir", "/src", "{root}"], OWN_FAILURE, ["/src", "hint: name a directory of the container"]),
    "network of another engine": (["--net", "bridge", "{root}"], USAGE, ["none, host or veth"]),
    "capability of no kernel": (["--cap-add", "ROOT", "{root}"], USAGE, ["capabilities(7) has the names"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_answered_with_what_to_do(ours, root, name):
    words, status, told = MISTAKES[name]
    result = run([ours.contain, "-c", *(word.format(root=root) for word in words)], stdin=None)
    assert (result.status, result.out) == (status, "")
    assert [word for word in told if word not in result.err] == [], result.err


def test_option_that_is_like_none_is_not_guessed(ours, root):
    result = run([ours.contain, "--memory", root])
    assert result.status == USAGE and "invalid option '--memory'\n" in result.err


@pytest.mark.parametrize(
    "target,told",
    [
        ("99999999", "hint: give the process id of contain, or the container's name"),
        ("1", "hint: give the process id of contain"),
        ("no-such-name", "hint: contain --name gives a name to a container of this user's, until it ends"),
    ],
)
def test_inject_into_nothing_is_answered_with_what_to_do(ours, target, told):
    result = run([ours.inject, target, "ps"])
    assert (result.status, result.out) == (OWN_FAILURE, "") and told in result.err


def test_directory_on_path_that_is_closed_is_a_cause_that_is_named(ours, shared, plain_user):
    """execve(2) says EACCES then, of a program that is nowhere."""
    closed = shared / "closed"
    closed.mkdir(mode=0o700)
    result = run([ours.pseudo, "tool"], user=plain_user, env={"PATH": f"{closed}:/usr/bin"})
    assert result.status == NOT_EXECUTABLE
    assert "a directory on the way to it is closed" in result.err and "looked for on PATH" in result.err


def test_plan_of_pseudo_has_the_environment_and_the_path_that_the_command_would_have(ours):
    result = run([ours.pseudo, "--explain", "tool"], env={"PATH": "/some/where", "SOME": "thing"})
    line = next(line for line in result.lines if " exec " in line)
    assert "environment: " in line and "SOME=thing" in line and "on /some/where" in line
    assert os.environ["PATH"] not in result.out
