# SPDX-License-Identifier: MIT OR Apache-2.0
"""`--timeout` of contain and inject: status 124, and an end for all that was started and for nothing else."""

import ctypes
import os
import pathlib
import time

import lib
import pytest
from lib import run

OUT_OF_TIME = 124
# What no signal but SIGKILL ends, and what leaves its parents, sessions and groups.
STUBBORN = (
    "trap '' TERM INT HUP; (setsid sleep {number} &); (sleep {number} &); "
    "setsid sh -c 'trap \"\" TERM; sleep {number} & (setsid sleep {number} &) ; sleep {number}' & echo up; sleep {number}"
)


def sleepers(number):
    """Processes of this host that sleep for this many seconds; the number is a test's own."""
    found = []
    for pid in lib.parents():
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[-2:-1] == [str(number).encode()] and words[0].endswith(b"sleep"):
            found.append(pid)
    return found


@pytest.fixture
def number(request):
    """Seconds that no other process sleeps."""
    return 100000 + os.getpid() % 50000 * 10 + hash(request.node.name) % 10


@pytest.fixture
def container(ours, who):
    """A running container with a process of its own beside PID 1, and who started it."""
    root, user = who
    script = "sleep 4000 & echo up; while :; do sleep 0.1; done"
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", script], user=user) as supervisor:
        supervisor.expect("up")
        yield supervisor, user
        assert supervisor.process.poll() is None, "the container has ended too"
        os.kill(supervisor.pid, 9)


@pytest.mark.parametrize("options", [["-c"], ["-c", "--init"], [], ["-c", "--no-new-privs", "--seccomp", "app"]])
def test_contain_ends_everything_at_the_deadline(ours, who, number, options):
    root, user = who
    command = [ours.contain, *options, "--timeout", "0.4", root, "/bin/sh", "-c", STUBBORN.format(number=number)]
    begun = time.monotonic()
    result = run(command, user=user)
    assert (result.status, result.lines) == (OUT_OF_TIME, ["up"]), result.err
    assert time.monotonic() - begun >= 0.4 and sleepers(number) == []


def test_contain_keeps_the_commands_own_status_before_the_deadline(ours, root):
    for script, wanted in [("exit 0", 0), ("exit 7", 7), ("exit 124", 124)]:
        assert lib.inside(ours, root, script, "--timeout", "60").status == wanted
    assert lib.inside(ours, root, "kill -SEGV $$; exit 9", "--init", "--timeout", "60").status == 139
    assert lib.inside(ours, root, "true", "--timeout", "999999999.999999").status == 0
    assert lib.inside(ours, root, "/none; exit $?", "--timeout", "60").status == 127


def test_contain_is_ended_by_a_signal_before_the_deadline(ours, root):
    with lib.Supervisor([ours.contain, "-c", "--timeout", "60", root, "/bin/sh", "-c", "echo up; sleep 60"]) as one:
        one.expect("up")
        os.kill(one.pid, 15)
        assert one.wait() == 143


def test_contain_counts_from_the_exec_on(ours, root):
    result = lib.inside(ours, root, "echo ran", "--timeout", "0.3", "-o", "sleep 0.6", "-i", "sleep 0.2")
    assert (result.status, result.out) == (0, "ran\n"), result.err


def test_contain_gives_the_terminal_back_at_the_deadline(ours, root):
    with lib.Terminal([ours.contain, "--timeout", "0.4", root, "/bin/sh", "-c", "echo up; sleep 60"]) as terminal:
        before = terminal.mode()
        terminal.expect("up")
        assert terminal.wait() == OUT_OF_TIME
        assert terminal.mode() == before


@pytest.mark.parametrize("value", ["", "0", "0.0", "-1", "+1", "1e3", "inf", "nan", "1.", ".5", "1s", " 1", "0x10", "1.0000000001"])
@pytest.mark.parametrize("program", ["contain", "inject"])
def test_deadline_that_is_no_time_is_a_usage_error(ours, root, program, value):
    operand = root if program == "contain" else "1"
    result = run([getattr(ours, program), "--timeout", value, operand, "/bin/echo", "ran"])
    assert (result.status, result.out) == (64, "") and "--timeout" in result.err and f'"{value}"' in result.err


def test_deadline_that_is_too_far_away_is_refused(ours, root):
    result = lib.inside(ours, root, "echo ran", "--timeout", "1000000001")
    assert (result.status, result.out) == (125, "") and "timeout 1000000001 s" in result.err and "at most" in result.err


def test_inject_ends_the_tree_at_the_deadline_and_nothing_else(ours, container, number):
    supervisor, user = container
    before = set(sleepers(4000)) & set(lib.descendants(supervisor.pid))
    begun = time.monotonic()
    command = [ours.inject, "--timeout", "0.4", str(supervisor.pid), "/bin/sh", "-c", STUBBORN.format(number=number)]
    result = run(command, user=user)
    assert (result.status, result.lines) == (OUT_OF_TIME, ["up"]), result.err
    assert time.monotonic() - begun >= 0.4 and sleepers(number) == []
    assert len(before) == 1 and not any(lib.gone(pid) for pid in before)


def test_inject_ends_a_tree_of_many(ours, container, number):
    supervisor, user = container
    script = f"i=0; while [ $i -lt 400 ]; do (setsid sleep {number} &); i=$((i+1)); done; echo up; sleep {number}"
    with lib.Supervisor([ours.inject, "--timeout", "8", str(supervisor.pid), "/bin/sh", "-c", script], user=user) as one:
        one.expect("up")
        # Each is there, but may not have become sleep yet.
        lib.until(lambda: len(sleepers(number)) > 400, 5, "the last of them")
        assert one.wait() == OUT_OF_TIME
    assert sleepers(number) == []


def test_inject_ends_a_tree_that_grows(ours, container, number):
    supervisor, user = container
    script = f"echo up; while :; do (setsid sh -c 'sleep 0.01; sleep {number}' &); sleep 0.01; done"
    result = run([ours.inject, "--timeout", "0.6", str(supervisor.pid), "/bin/sh", "-c", script], user=user)
    assert (result.status, result.lines) == (OUT_OF_TIME, ["up"]), result.err
    assert sleepers(number) == []


def test_inject_leaves_no_zombie_to_a_pid_1_that_does_not_reap(ours, root, number):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sleep", "60"]) as one:
        init = one.init()
        script = STUBBORN.format(number=number)
        assert run([ours.inject, "--timeout", "0.3", str(one.pid), "/bin/sh", "-c", script]).status == OUT_OF_TIME
        lib.until(lambda: lib.children(init) == [], 3, "the end of all children of PID 1")


def test_inject_ends_at_the_deadline_though_its_reaper_does_not_stop(ours, container, number):
    """As where container root sends it SIGCONT without end, or has it in a frozen cgroup: here it is traced, and its
    parent sees no stop."""
    supervisor, user = container
    seize = 0x4206
    with lib.Supervisor(
        [ours.inject, "--timeout", "1", str(supervisor.pid), "/bin/sh", "-c", f"echo up; exec sleep {number}"], user=user
    ) as one:
        one.expect("up")
        named = {pathlib.Path(f"/proc/{pid}/comm").read_text(): pid for pid in lib.descendants(one.pid)}
        reaper = named["contain-init\n"]
        assert ctypes.CDLL(None).ptrace(seize, reaper, 0, 0) == 0
        # Who traces hears of its stop first, and then of its end.
        lib.until(lambda: os.WIFSIGNALED(os.waitpid(reaper, os.WNOHANG)[1]), 10, "the end of the reaper")
        assert one.wait() == OUT_OF_TIME
    lib.until(lambda: sleepers(number) == [], 5, "the end of the command")


def test_inject_keeps_the_commands_own_status_before_the_deadline(ours, container):
    supervisor, user = container
    for script, wanted in [("exit 0", 0), ("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)]:
        result = run([ours.inject, "--timeout", "60", str(supervisor.pid), "/bin/sh", "-c", script], user=user)
        assert result.status == wanted, result.err
    assert run([ours.inject, "--timeout", "60", str(supervisor.pid), "/none"], user=user).status == 127


def test_inject_that_ends_in_time_leaves_what_it_started(ours, container, number):
    supervisor, user = container
    script = f"(setsid sleep {number} >/dev/null 2>&1 </dev/null &); exit 3"
    result = run([ours.inject, "--timeout", "60", str(supervisor.pid), "/bin/sh", "-c", script], user=user)
    assert result.status == 3, result.err
    lib.until(lambda: len(sleepers(number)) == 1, 3, "the process that was left")


def test_inject_passes_signals_on_and_keeps_the_descriptors(ours, container):
    supervisor, user = container
    script = "trap 'echo hit; exit 5' TERM; echo up; while :; do sleep 0.05; done"
    command = [ours.inject, "--timeout", "60", str(supervisor.pid), "/bin/sh", "-c", script]
    with lib.Supervisor(command, user=user) as one:
        one.expect("up")
        os.kill(one.pid, 15)
        one.expect("hit")
        assert one.wait() == 5


def test_inject_dies_with_its_monitor(ours, container, number):
    supervisor, user = container
    command = [ours.inject, "--timeout", "60", str(supervisor.pid), "/bin/sh", "-c", f"echo up; exec sleep {number}"]
    with lib.Supervisor(command, user=user) as one:
        one.expect("up")
        lib.until(lambda: sleepers(number), 3, "the command")
        os.kill(one.pid, 9)
        assert one.wait() == 137
        lib.until(lambda: sleepers(number) == [], 3, "the end of the command")


def test_inject_as_another_user_dies_with_its_monitor_and_with_its_reaper(ours, root, number):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; while :; do sleep 60; done"]) as container:
        container.expect("up")
        script = f"echo up; exec sleep {number}"
        for victim in ["monitor", "reaper"]:
            command = [ours.inject, "--timeout", "60", "--user", "7:8", str(container.pid), "/bin/sh", "-c", script]
            with lib.Supervisor(command) as one:
                one.expect("up")
                lib.until(lambda: sleepers(number), 3, "the command")
                (sleeper,) = sleepers(number)
                os.kill(one.pid if victim == "monitor" else lib.parents()[sleeper][0], 9)
                assert one.wait() == 137
                lib.until(lambda: sleepers(number) == [], 3, f"the end of the command after that of its {victim}")


def test_explain_shows_the_deadline(ours, root):
    result = run([ours.contain, "--explain", "--timeout", "1.5", root])
    assert "deadline" in result.out and "1.5 s" in result.out
