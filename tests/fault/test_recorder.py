# SPDX-License-Identifier: MIT OR Apache-2.0
"""The recorder of --json: killed at each step, stopped, and left by a supervisor that is killed after the end."""

import os
import signal

import pytest
from cases import STEPS, contain
from harness import descendants, kill, read, status_field, until
from test_steps import expect_end, kill_at_each_step, plan, step

RECORDED = [case for case in STEPS if "--json" in case.command]
ALL = pytest.mark.parametrize("case", RECORDED, ids=str)
STAYING = contain("record", "-c", "--json", who="ranges", command=("/bin/cling", "prctl"))


def recorder():
    """The recorder of this test's one run: it is nobody's child, and so comes to this process."""
    found = [pid for pid in descendants(os.getpid()) if status_field(pid, "Name") == ["contain-record"]]
    return found[0] if found else None


@ALL
def test_recorder_killed_at_each_step_costs_the_record_alone(start, case):
    def check(run, number):
        assert run.caller.ended(0) is False, number
        init = run.init()
        kill(init or run.monitor())
        if init:
            expect_end(run, number)
        else:
            assert run.wait() == -signal.SIGKILL
        assert '"ended_by"' not in run.errors(), number

    assert kill_at_each_step(start, case, lambda *_: recorder(), check) == len(plan(start, case))


@ALL
def test_failure_at_each_step_is_recorded(start, case):
    for number in plan(start, case):
        with step(start, case, CONTAIN_TEST_FAIL=number) as (run, _):
            assert run.wait() == 125
            said = run.errors()
            assert f'"step":{number}}}' in said and '"errno_name":"EIO"' in said and '"exit_status":125' in said, said


@pytest.mark.parametrize("case", [case for case in RECORDED if not case.is_inject], ids=str)
def test_supervisor_killed_before_it_tells_the_end_leaves_nothing(start, case):
    with step(start, case, CONTAIN_TEST_STOP=len(plan(start, case)) + 1) as (run, _):
        # It stops in a poll(2) of nothing.
        until(lambda: read(f"/proc/{run.monitor()}/syscall").split()[2:3] == ["0x0"] and not run.init(), "the stop", 10)
        assert recorder()
        kill(run.monitor())
        assert run.wait() == -signal.SIGKILL and '"ended_by"' not in run.errors()


def test_stopped_recorder_is_not_waited_for_without_end(start):
    picture = start.picture(STAYING)
    with start.run(STAYING) as run:
        until(run.commands, "the command")
        pid = recorder()
        os.kill(pid, signal.SIGSTOP)
        until(lambda: status_field(pid, "State")[:1] == ["T"], "the stop")
        kill(run.init())
        assert run.wait(15) == 128 + signal.SIGKILL and '"ended_by"' not in run.errors()
        os.kill(pid, signal.SIGCONT)
        until(lambda: '"ended_by":"signalled"' in run.errors(), "the record, late")
    picture.assert_nothing_left()
