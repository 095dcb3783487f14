# SPDX-License-Identifier: MIT OR Apache-2.0
"""The configurations that are stopped, failed and killed."""

import dataclasses

from harness import Case

SHELL = ("/bin/sh", "-c", "echo ran; : {marker}")
# Commands that stay. The second kind has cleared its parent-death signal; on the host there is no cling of ours.
SLEEP = ("/bin/sh", "-c", "trap '' TERM; /bin/sleep 1000 & echo up; wait; : {marker}")
CLING = ("/bin/cling", "prctl")
CLING_ON_HOST = ("/usr/bin/setpriv", "--pdeathsig", "clear", "/bin/sleep", "1000")
HELPERS = ("-i", "echo inside {marker} >&2", "-o", "echo outside {marker} >&2")
# Places in /dev: what a run makes in the root itself stays there.
MOUNTS = ("--bind", "/usr:/dev/usr", "--bind-ro", "/etc/hosts:/dev/hosts", "--tmpfs", "/dev/scratch", "--read-only")


def contain(name, *options, who="root", terminal=False, command=SHELL, idmap=False):
    root = () if "--host" in options else ("{root}",)
    return Case(name, ("{contain}", *options, *root, *command), who, terminal, idmap)


def library(name, way, lifetime="bound", parent="orphan", who="root", command=SHELL, idmap=False):
    return Case(name, ("{hold}", way, lifetime, parent, "{root}", *command), who, idmap=idmap)


def staying(case):
    """The same with a command that stays and clears its parent-death signal. An injected one has no guard: it stays
    as it is, and one that clears the signal dies with the container (test_running.py)."""
    assert case.command[-len(SHELL):] == SHELL
    if case.is_inject:
        command = ("/bin/sleep", "1000")
    else:
        command = CLING if "{root}" in case.command else CLING_ON_HOST
    return dataclasses.replace(case, command=case.command[:-len(SHELL)] + command)


STEPS = [
    contain("plain", "-c"),
    contain("plain", "-c", who="ranges"),
    contain("plain", "-c", who="plain"),
    contain("idmap", "-c", who="ranges", idmap=True),
    contain("idmap-console-init", "--init", terminal=True, who="ranges", idmap=True),
    contain("idmap-helpers", "-c", *HELPERS, who="ranges", idmap=True),
    contain("console", terminal=True),
    contain("console", terminal=True, who="ranges"),
    contain("console-init", "--init", terminal=True, who="plain"),
    contain("host", "-c", "--host", "-n"),
    contain("host", "--host", terminal=True, who="plain"),
    contain("helpers", "-c", *HELPERS),
    contain("helpers", "-c", *HELPERS, who="ranges"),
    contain("veth", "-c", "--net", "veth,address=10.98.7.2/24,gateway=10.98.7.1"),
    contain("init", "-c", "--init", "--hostname", "fault"),
    contain("init", "-c", "--init", who="ranges"),
    contain("user", "-c", "--user", "7:8", "--seccomp", "app", "--cap-add", "SYS_PTRACE", "--chdir", "/bin"),
    contain("user", "--user", "7:8", "--init", terminal=True, who="ranges"),
    contain("mounts", "-c", *MOUNTS, who="ranges"),
    contain("overlay", "-c", "--overlay", who="ranges"),
    contain("overlay", "-c", "--host", "--overlay"),
    contain("deadline", "-c", "--timeout", "1000"),
    contain("record", "-c", "--json"),
    contain("record", "--json", "--init", terminal=True, who="ranges"),
    Case("inject-deadline", ("{inject}", "--timeout", "1000", "{target}", *SHELL), "ranges"),
    Case("inject-record", ("{inject}", "--json", "{target}", *SHELL)),
    Case("pseudo", ("{pseudo}", *SHELL)),
    Case("pseudo", ("{pseudo}", *SHELL), "ranges"),
    Case("pseudo", ("{pseudo}", *SHELL), "plain"),
    Case("pseudo-idmap", ("{pseudo}", *SHELL), "ranges", idmap=True),
    Case("inject", ("{inject}", "{target}", *SHELL)),
    Case("inject-terminal", ("{inject}", "-t", "{target}", *SHELL), terminal=True),
    Case("inject", ("{inject}", "{target}", *SHELL), "ranges"),
    library("create", "create"),
    library("create", "create", who="ranges"),
    library("run", "run", parent="subreaper"),
    library("run", "pid1", who="plain"),
    library("create-idmap", "create", who="ranges", idmap=True),
    library("console-taken", "console"),
    library("console-taken", "console", who="ranges"),
]
