# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every step of every kind of plan: made to fail, and stopped at while somebody dies."""

import contextlib
import itertools
import re

import pytest
from cases import SLEEP, STEPS, contain, staying
from harness import OWN_FAILURE, PPOLL, descendants, is_contain_init, kill, read, system_call, until

ALL = pytest.mark.parametrize("case", STEPS, ids=str)
LIBRARY = pytest.mark.parametrize("case", [case for case in STEPS if case.is_library], ids=str)
INJECT = pytest.mark.parametrize("case", [case for case in STEPS if case.is_inject], ids=str)
_plans = {}


@contextlib.contextmanager
def target(start, case):
    """The container that an injected command goes into; nothing for other cases."""
    if not case.is_inject:
        yield None
        return
    with start.run(contain("target", "-c", who=case.who, command=SLEEP)) as run:
        run.expect("up")
        until(run.guard, "the guard")
        yield run


@contextlib.contextmanager
def step(start, case, **variables):
    """One run and its target's; when the block is over nothing of it may be left."""
    with target(start, case) as container:
        picture = start.picture(case)
        with start.run(case, container.pid if container else 0, **variables) as run:
            yield run, container
            # A library's caller lives on, and must have no child left either, a zombie included; but a subreaper gets
            # those whose monitor was killed, which it has to reap as it reaps every orphan.
            until(lambda: not picture.processes_left([run.pid, *run.orphans()] if case.is_library else []), "nothing")
        picture.assert_nothing_left()


def status_of(run):
    """Status and message; a library's caller says both, and lets a created container start before."""
    if not run.case.is_library:
        return run.wait(), run.errors()
    until(lambda: re.search("^(created|running|ended|error)", run.output(), re.MULTILINE), "a word", 10)
    if run.output().startswith("created"):
        run.send(b"\n")
    said = run.expect("descriptors")
    assert "descriptors 0" in said, f"descriptors are left open in the caller: {said!r}"
    found = re.search(r"^ended (\w+) (\d+)$", said, re.MULTILINE)
    return int(found.group(2)) if found else OWN_FAILURE, said


def plan(start, case):
    """{number: doer} of all steps. Those of a plan that no command prints are counted by failing them in turn."""
    if str(case) not in _plans:
        if case.is_library or case.is_inject:
            count = next(number for number in itertools.count() if succeeds(start, case, number + 1))
            _plans[str(case)] = dict.fromkeys(range(1, count + 1))
        else:
            _plans[str(case)] = start.plan(case)
    found = _plans[str(case)]
    assert list(found) == list(range(1, len(found) + 1)) and len(found) > 5
    return found


def succeeds(start, case, failing):
    with step(start, case, CONTAIN_TEST_FAIL=failing) as (run, _):
        return status_of(run)[0] == 0


@pytest.mark.parametrize("case", [case for case in STEPS if case.who == "ranges" and not case.is_library
                                  and not case.is_inject], ids=str)
def test_delegated_ids_are_mapped_by_the_helper_that_is_installed(start, case):
    told = start.explain(case)
    through = re.search(r"through \S*/(\w+[-\w]*)", told).group(1)
    assert through == ("contain-idmap" if case.idmap else "newuidmap"), told


@ALL
def test_success_leaves_nothing(start, case):
    with step(start, case) as (run, _):
        status, said = status_of(run)
        assert status == 0, said
        assert "ran" in run.output()


@ALL
def test_each_failing_step_is_named_and_leaves_nothing(start, case):
    for number in plan(start, case):
        with step(start, case, CONTAIN_TEST_FAIL=number) as (run, _):
            status, said = status_of(run)
            assert status == OWN_FAILURE, (number, said)
            assert f"step {number}, " in said and "EIO" in said, (number, said)


def inside(run):
    """Processes of the container's that are contain-init still."""
    init = run.init()
    return [pid for pid in [init, *descendants(init)] if is_contain_init(pid)] if init else []


def until_stopped(run, number, doer):
    """Waits until the run stands at its step; a created container is let go for that."""
    if run.case.is_library and run.case.command[1] == "create":
        until(lambda: run.is_stopped() or "created" in run.output(), "a word", 10)
        if not run.is_stopped():
            run.send(b"\n")
    assert run.until_stopped(), f"step {number} was not stopped at: {run.errors()!r} {run.output()!r}"
    if doer == "monitor":
        until(lambda: system_call(run.monitor()) == PPOLL, f"step {number} in the monitor")
    elif doer:
        until(lambda: any(system_call(pid) == PPOLL for pid in inside(run)), f"step {number} inside")
    if number == len(_plans[str(run.case)]) and not run.case.is_pseudo:
        # The last step is done beside the command, which has cleared its parent-death signal by then.
        until(run.commands, "the command")


def kill_at_each_step(start, case, victim, check):
    """Stops at each step, kills what `victim` finds, and has `check` look at what follows; how many there were."""
    died = 0
    for number, doer in plan(start, case).items():
        with step(start, staying(case), CONTAIN_TEST_STOP=number) as (run, container):
            until_stopped(run, number, doer)
            pid = victim(run, container)
            if pid is None:
                # There is no such process at this step.
                run.monitor_was_killed = True
                kill(run.monitor())
                status_of(run)
                continue
            died += 1
            kill(pid)
            check(run, number)
    return died


@ALL
def test_monitor_killed_at_each_step_leaves_nothing(start, case):
    def check(run, number):
        run.monitor_was_killed = True
        status, said = status_of(run)
        assert status in ((9, OWN_FAILURE) if run.case.is_library else (-9,)), (number, status, said)

    assert kill_at_each_step(start, case, lambda run, _: run.monitor(), check) == len(plan(start, case))


def expect_end(run, number):
    """An end that says so: contain's own failure, or the status of a command that was killed."""
    status, said = status_of(run)
    assert status in (OWN_FAILURE, 9 if run.case.is_library else 128 + 9), (number, status)
    assert (status == OWN_FAILURE) == ("step " in said or "has ended" in said), (number, status, said)


@pytest.mark.parametrize("case", [case for case in STEPS if not case.is_pseudo], ids=str)
def test_first_process_killed_at_each_step_leaves_nothing(start, case):
    assert kill_at_each_step(start, case, lambda run, _: run.init(), expect_end) == len(plan(start, case)) - 1


@pytest.mark.parametrize("case", [case for case in STEPS if case.is_guarded], ids=str)
def test_guard_killed_at_each_step_is_missed_by_nobody(start, case):
    """The guard is there from the last step but the watch that the monitor does itself."""
    def check(run, number):
        kill(run.init())
        expect_end(run, number)

    assert kill_at_each_step(start, case, lambda run, _: run.guard(), check) > 3


@pytest.mark.parametrize(
    "case", [case for case in STEPS if (case.terminal or case.is_library) and not case.is_inject], ids=str
)
def test_monitor_killed_after_the_end_leaves_nothing(start, case):
    """At the steps behind the last: the command has ended, its guard by itself, and the terminal and the report are
    left to do."""
    with step(start, case, CONTAIN_TEST_STOP=len(plan(start, case)) + 1) as (run, _):
        if case.command[1] == "create":
            run.expect("created")
            run.send(b"\n")
        # It stops in a poll(2) of nothing.
        until(lambda: read(f"/proc/{run.monitor()}/syscall").split()[2:3] == ["0x0"] and not run.init(), "the stop", 10)
        run.monitor_was_killed = True
        until(lambda: not run.guard(), "the end of the guard")
        kill(run.monitor())
        assert status_of(run)[0] == (9 if case.is_library else -9)


@LIBRARY
def test_caller_killed_at_each_step_leaves_nothing(start, case):
    died = kill_at_each_step(start, case, lambda run, _: run.pid, lambda run, _: run.wait())
    assert died == len(plan(start, case))


@INJECT
@pytest.mark.parametrize("who", ["first process", "supervisor"])
def test_target_killed_at_each_step_of_inject_leaves_nothing(start, case, who):
    def victim(_, container):
        return container.init() if who == "first process" else container.pid

    assert kill_at_each_step(start, case, victim, expect_end) == len(plan(start, case))
