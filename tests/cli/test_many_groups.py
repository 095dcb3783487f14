# SPDX-License-Identifier: MIT OR Apache-2.0
"""A caller in thousands of groups: /proc/PID/status is then larger than a page, and what it says of signals comes last."""

import os
import signal

import lib
import pytest

GROUPS = range(20000, 24000)


@pytest.fixture
def crowded(ours, plain_root, plain_user):
    """Starts a script for a user in many groups, who cannot give them up."""

    def become():
        os.setgroups(GROUPS)
        os.setresgid(plain_user.gid, plain_user.gid, plain_user.gid)
        os.setresuid(plain_user.uid, plain_user.uid, plain_user.uid)

    def start(script, *options):
        return lib.Supervisor([ours.contain, "-c", *options, plain_root, "/bin/sh", "-c", script], before=become)

    return start


@pytest.mark.parametrize("options", [[], ["--init"]], ids=["pid 1", "reaper"])
def test_handler_of_a_process_in_many_groups_is_found(crowded, options):
    script = "trap 'exit 33' TERM; echo up; while :; do sleep 0.05; done"
    with crowded(script, *options) as supervisor:
        supervisor.expect("up")
        assert len(lib.status_field(supervisor.init(), "Groups")) == len(GROUPS)
        os.kill(supervisor.pid, signal.SIGTERM)
        assert supervisor.wait() == 33


def test_ignored_signal_of_a_process_in_many_groups_changes_nothing(crowded):
    with crowded("trap '' TERM; echo up; read x; exit 5") as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, signal.SIGTERM)
        supervisor.send("\n")
        assert supervisor.wait() == 5


def test_command_without_a_handler_in_many_groups_is_ended(crowded):
    with crowded("echo up; read x") as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, signal.SIGTERM)
        assert supervisor.wait() == 143
