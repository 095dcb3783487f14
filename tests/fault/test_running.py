# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command runs: whoever of caller, monitor, guard and PID 1 is killed, nothing stays that should not."""

import contextlib
import os
import signal
import time

import pytest
from cases import CLING_ON_HOST, SLEEP, contain, library
from harness import Case, Held, children, descendants, is_contain_init, kill, status_field, until

SETUID = ("/bin/cling", "setuid")
PRCTL = ("/bin/cling", "prctl")
RUNNING = [
    contain("prctl", "-c", command=PRCTL),
    contain("prctl", "-c", who="plain", command=PRCTL),
    contain("setuid", "-c", command=SETUID),
    contain("setuid", "-c", who="ranges", command=SETUID),
    contain("idmap", "-c", who="ranges", command=SETUID, idmap=True),
    contain("console", terminal=True, command=PRCTL),
    contain("console", terminal=True, who="ranges", command=SETUID),
    contain("init", "-c", "--init", command=SETUID),
    contain("init", "-c", "--init", who="plain", command=PRCTL),
    contain("host", "-c", "--host", who="plain", command=CLING_ON_HOST),
    contain("tree", "-c", command=SLEEP),
    contain("record", "-c", "--json", who="ranges", command=PRCTL),
    contain("tree", "--init", who="ranges", terminal=True, command=SLEEP),
    library("run", "run", command=PRCTL),
    library("run", "pid1", who="ranges", command=SETUID),
    library("create", "create", who="plain", command=PRCTL),
]
ALL = pytest.mark.parametrize("case", RUNNING, ids=str)
BOTH = pytest.mark.parametrize("who", ["root", "ranges"])


@contextlib.contextmanager
def running(start, case):
    """A run whose command has got as far as it will; nothing may be left afterwards."""
    picture = start.picture(case)
    with start.run(case) as run:
        if case.is_library:
            run.expect("created" if case.command[1] == "create" else "running")
            if case.command[1] == "create":
                run.send(b"\n")
                run.expect("running")
        until(run.commands, "the command")
        until(lambda: is_watching(run.monitor()), "the monitor's watch")
        yield run, picture
    picture.assert_nothing_left()


def is_watching(monitor):
    """Whether the monitor has given up what it does not need to watch."""
    return status_field(monitor, "Seccomp") == ["2"]


def replaced(run, dead):
    """The guard that follows a dead one."""
    return until(lambda: (guard := run.guard()) and guard not in dead and guard, "another guard")


@ALL
def test_monitor_killed_takes_all_along(start, case):
    with running(start, case) as (run, picture):
        kill(run.monitor())
        picture.assert_no_process(run.pid)
        if case.is_library:
            assert "ended Signalled 9" in run.expect("descriptors 0")
        else:
            assert run.wait() == -signal.SIGKILL


@ALL
def test_first_process_killed_ends_all(start, case):
    with running(start, case) as (run, picture):
        kill(run.init())
        picture.assert_no_process(run.pid)
        if case.is_library:
            assert "ended Signalled 9" in run.expect("descriptors 0")
        else:
            assert run.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("case", [case for case in RUNNING if not case.is_guarded], ids=str)
def test_reaper_ends_with_its_monitor_without_a_guard(start, case):
    with running(start, case) as (run, picture):
        assert children(run.monitor()) == [run.init()]
        os.kill(run.init(), signal.SIGSTOP)
        kill(run.monitor())
        picture.assert_no_process(run.pid)
        if case.is_library:
            assert "ended Signalled 9" in run.expect("descriptors 0")
        else:
            assert run.wait() == -signal.SIGKILL


@pytest.mark.parametrize("case", [case for case in RUNNING if case.is_guarded], ids=str)
def test_guard_killed_is_replaced_and_the_next_one_guards(start, case):
    with running(start, case) as (run, picture):
        dead = []
        for _ in range(3):
            dead.append(replaced(run, dead))
            kill(dead[-1])
        guard = replaced(run, dead)
        assert run.init() and not [pid for pid in dead if pid in children(run.monitor())], "dead guards are not reaped"
        kill(run.monitor())
        picture.assert_no_process(run.pid)
        assert not status_field(guard, "Pid")


@BOTH
def test_guards_killed_without_end_end_the_container(start, who):
    with running(start, contain("guards", "-c", who=who, command=PRCTL)) as (run, picture):
        dead = []
        end = time.monotonic() + 10
        while run.process.poll() is None:
            assert time.monotonic() < end, "the container goes on without a guard"
            guard = run.guard()
            if guard and guard not in dead:
                dead.append(guard)
                kill(guard)
        assert run.wait() == 128 + signal.SIGKILL
        assert len(dead) > 3


@BOTH
def test_all_children_of_the_supervisor_killed_at_once(start, who):
    """pkill -KILL -P PID, as people are used to."""
    with running(start, contain("pkill", "-c", who=who, command=SLEEP)) as (run, picture):
        for pid in children(run.pid):
            os.kill(pid, signal.SIGKILL)
        assert run.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize("case", [case for case in RUNNING if case.is_library], ids=str)
def test_caller_killed_ends_a_bound_container(start, case):
    with running(start, case) as (run, picture):
        kill(run.pid)
        run.wait()
        picture.assert_no_process()


@BOTH
def test_caller_killed_leaves_a_detached_container(start, who):
    with running(start, library("detached", "run", "detached", who=who, command=PRCTL)) as (run, picture):
        monitor, init = run.monitor(), run.init()
        kill(run.pid)
        run.wait()
        # Long enough for a death that is noticed.
        time.sleep(0.2)
        assert set(picture.new_processes()) == {monitor, init, *descendants(init)}
        kill(monitor)
        picture.assert_no_process()


@pytest.mark.parametrize("lifetime", ["bound", "detached"])
@BOTH
def test_caller_killed_before_start_leaves_nothing(start, who, lifetime):
    case = library("created", "create", lifetime, who=who)
    picture = start.picture(case)
    with start.run(case) as run:
        run.expect("created")
        assert is_contain_init(run.init())
        kill(run.pid)
        run.wait()
        picture.assert_no_process()
    picture.assert_nothing_left()


@pytest.mark.parametrize("victim", ["monitor", "init"])
@BOTH
def test_created_container_killed_before_start_leaves_nothing(start, who, victim):
    case = library("created", "create", who=who)
    picture = start.picture(case)
    with start.run(case) as run:
        run.expect("created")
        kill(getattr(run, victim)())
        picture.assert_no_process(run.pid)
        run.send(b"\n")
        said = run.expect("descriptors 0")
        assert "error" in said or "ended Signalled 9" in said
    picture.assert_nothing_left()


@pytest.mark.parametrize("victim", ["monitor", "init"])
@pytest.mark.parametrize("option", ["-i", "-o"])
@BOTH
def test_killed_while_a_helper_runs_leaves_nothing(start, who, option, victim):
    case = contain("helper", "-c", option, "echo up; exec sleep 1000", who=who)
    picture = start.picture(case)
    with start.run(case) as run:
        run.expect("up")
        monitor_dies = victim == "monitor"
        kill(run.monitor() if monitor_dies else run.init())
        assert run.wait() == (-signal.SIGKILL if monitor_dies else 125)
        assert monitor_dies or "step " in run.errors()
    picture.assert_nothing_left()


def test_killed_supervisor_of_an_injected_command_takes_it_along(start):
    with running(start, contain("target", "-c", command=SLEEP)) as (target, _):
        case = Case("inject", ("{inject}", "{target}", "/bin/sleep", "1000"))
        picture = start.picture(case)
        with start.run(case, target.pid) as run:
            until(run.commands, "the command")
            kill(run.pid)
            assert run.wait() == -signal.SIGKILL
            picture.assert_no_process()


def test_injected_command_that_clings_dies_with_its_container(start):
    with running(start, contain("target", "-c", command=SLEEP)) as (target, _):
        with start.run(Case("inject", ("{inject}", "{target}", *PRCTL)), target.pid) as run:
            run.expect("clinging")
            until(lambda: is_watching(run.pid), "the watch")
            init = Held(run.init())
            kill(run.pid)
            kill(target.pid)
            assert init.ended()
            init.close()
