# SPDX-License-Identifier: MIT OR Apache-2.0
"""inject -t: a terminal of the container's own, passed through."""

import contextlib
import os
import time

import lib
import pytest
from lib import run


@contextlib.contextmanager
def container(ours, root, user, script="echo up; read x"):
    words = [ours.contain, "-c", root, "/bin/sh", "-c", script]
    with lib.Supervisor(words, user=user) as supervisor:
        supervisor.expect("up")
        yield supervisor
        supervisor.send("\n")
        supervisor.wait()


def test_terminal_is_the_containers_and_has_the_callers_size(ours, who):
    root, user = who
    with container(ours, root, user) as supervisor:
        words = [ours.inject, "-t", supervisor.pid, "/bin/sh", "-c", "tty; stty size; ls -l $(tty)"]
        with lib.Terminal(words, rows=33, columns=77, user=user) as terminal:
            terminal.expect("/dev/pts/[0-9]+\r\n33 77\r\ncrw--w---- +1 (root|0) ")
            assert terminal.wait() == 0


def test_terminal_is_raw_meanwhile_and_as_before_afterwards(ours, who):
    root, user = who
    with container(ours, root, user) as supervisor:
        with lib.Terminal([ours.inject, "-t", supervisor.pid, "/bin/cat"], user=user) as terminal:
            before = terminal.mode()
            lib.until(terminal.is_raw, 5, "the raw mode")
            terminal.send("héllo\r")
            terminal.expect("héllo\r\nhéllo\r\n")
            terminal.send(b"\x04")
            assert terminal.wait() == 0
            assert terminal.mode() == before


def test_window_size_follows(ours, root):
    with container(ours, root, None) as supervisor:
        script = "trap 'stty size; exit 7' WINCH; echo ready; while :; do sleep 0.1; done"
        with lib.Terminal([ours.inject, "-t", supervisor.pid, "/bin/sh", "-c", script]) as terminal:
            terminal.expect("ready")
            terminal.resize(50, 60)
            terminal.expect("50 60")
            assert terminal.wait() == 7


def test_interrupt_is_the_injected_commands(ours, root):
    with container(ours, root, None) as supervisor:
        script = "echo ready; sleep 1000"
        with lib.Terminal([ours.inject, "-t", supervisor.pid, "/bin/sh", "-c", script]) as terminal:
            terminal.expect("ready")
            terminal.send(b"\x03")
            assert terminal.wait() == 130
        assert supervisor.process.poll() is None


def test_end_of_input_without_a_terminal_is_passed_on(ours, who):
    root, user = who
    with container(ours, root, user) as supervisor:
        result = run([ours.inject, "-t", supervisor.pid, "/bin/cat"], user=user, stdin=b"hi\n")
        assert (result.status, result.out.replace("\r", "")) == (0, "hi\n"), result


def test_session_and_terminal_are_not_the_callers(ours, root, need_probe):
    with container(ours, root, None) as supervisor:
        words = [ours.inject, "-t", supervisor.pid, "/bin/sh", "-c", "probe session; echo typed >/dev/tty"]
        with lib.Terminal(words) as terminal:
            session = terminal.expect("([0-9]+) ([0-9]+)\r\n")
            terminal.expect("typed")
            assert terminal.wait() == 0
            assert int(session.group(1)) != 0 and session.group(1) == session.group(2)


def test_console_of_a_hostile_container_is_refused(ours, root):
    """What stands at /dev/pts is no devpts: files, a pipe that nobody opens, a link to the host's."""
    for place in ("mknod /dev/pts/ptmx p", ": >/dev/pts/ptmx", "ln -s /dev/zero /dev/pts/ptmx", "true"):
        script = f"umount /dev/pts; mount -t tmpfs none /dev/pts; {place}; echo up; read x"
        with container(ours, root, None, script) as supervisor:
            began = time.monotonic()
            result = run([ours.inject, "-t", supervisor.pid, "/bin/echo", "ran"])
            assert result.status == 125 and "ran" not in result.out, result
            assert "open a terminal of the container's /dev/pts" in result.err and "devpts" in result.err, result
            assert time.monotonic() - began < 10


@pytest.mark.parametrize("options", [["-t"], []], ids=["with", "without"])
def test_terminal_is_gone_with_the_command(ours, root, options):
    """Its end takes everything along that was opened for it."""
    before = os.listdir("/dev/pts")
    with container(ours, root, None) as supervisor:
        assert run([ours.inject, *options, supervisor.pid, "/bin/true"]).status == 0
        assert run([ours.inject, supervisor.pid, "/bin/ls", "/dev/pts"]).out.split() == ["ptmx"]
    assert os.listdir("/dev/pts") == before
