# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mended: what a signal to the supervisor does, and that killing it leaves nothing behind."""

import os
import random
import select
import signal
import termios
import time

import lib
import pytest
from lib import gone

ENDING = ["TERM", "INT", "HUP", "QUIT"]
COUNTING = "trap 'echo hit' {name}; echo up; i=0; while [ $i -lt 12 ]; do sleep 0.05; i=$((i+1)); done; exit 5"


@pytest.fixture(params=[[], ["-c"]], ids=["console", "-c"])
def options(request):
    return request.param


def number(name):
    return getattr(signal, f"SIG{name}")


def sleeping(supervisor):
    """Waits until PID 1 has become /bin/sleep, and returns its host pid."""

    def found():
        init = lib.first_init(supervisor.pid)
        return init if init and lib.status_field(init, "Name") == ["sleep"] else None

    return lib.until(found, 5, "PID 1 as sleep")


@pytest.mark.parametrize("name", ENDING)
def test_signal_without_a_handler_ends_the_container(ours, root, options, name):
    with lib.Supervisor([ours.contain, *options, root, "/bin/sleep", "100"]) as supervisor:
        init = sleeping(supervisor)
        os.kill(supervisor.pid, number(name))
        assert supervisor.wait() == 128 + number(name)
        assert gone(init)


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_signal_without_a_handler_ends_a_users_container(ours, user_root, user, options, name):
    with lib.Supervisor([ours.contain, *options, user_root, "/bin/sleep", "100"], user=user) as supervisor:
        init = sleeping(supervisor)
        os.kill(supervisor.pid, number(name))
        assert supervisor.wait() == 128 + number(name)
        assert gone(init)


@pytest.mark.parametrize("name", [*ENDING, "USR1", "USR2", "ALRM"])
def test_signal_with_a_handler_runs_it_once(ours, root, options, name):
    with lib.Supervisor([ours.contain, *options, root, "/bin/sh", "-c", COUNTING.format(name=name)]) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, number(name))
        assert supervisor.wait() == 5
        assert (supervisor.buffer + supervisor.process.stdout.read()).count(b"hit") == 1


def test_handler_decides_the_status(ours, root, options):
    script = "trap 'exit 33' TERM; echo up; while :; do sleep 0.05; done"
    with lib.Supervisor([ours.contain, *options, root, "/bin/sh", "-c", script]) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, signal.SIGTERM)
        assert supervisor.wait() == 33


@pytest.mark.parametrize("name", ["USR1", "USR2", "WINCH", "CONT", "PIPE"])
def test_other_signals_without_a_handler_change_nothing(ours, root, options, name):
    with lib.Supervisor([ours.contain, *options, root, "/bin/sh", "-c", "echo up; read x; exit 5"]) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, number(name))
        time.sleep(0.1)
        supervisor.send("\n")
        assert supervisor.wait() == 5


def test_signal_of_the_terminal_is_not_sent_again(ours, root):
    with lib.Terminal([ours.contain, "-c", root, "/bin/sh", "-c", COUNTING.format(name="INT")]) as terminal:
        terminal.expect("up")
        terminal.send("\x03")
        assert terminal.wait() == 5
        assert terminal.buffer.count(b"hit") == 1


@pytest.mark.parametrize("key,name", [("\x03", "INT"), ("\x1c", "QUIT")], ids=["^C", "^\\"])
def test_key_ends_a_command_without_a_handler(ours, root, options, key, name):
    with lib.Terminal([ours.contain, *options, root, "/bin/sleep", "100"]) as terminal:
        sleeping(terminal)
        if not options:
            lib.until(terminal.is_raw, 5, "raw mode")
        terminal.send(key)
        assert terminal.wait(5) == 128 + number(name)


def test_hangup_of_the_terminal_ends_the_container(ours, root, options):
    with lib.Terminal([ours.contain, *options, root, "/bin/sleep", "100"]) as terminal:
        init = sleeping(terminal)
        os.close(terminal.slave)
        os.close(terminal.master)
        terminal.master, terminal.slave = os.openpty()
        terminal.process.wait(10)
        assert gone(init)


def test_terminal_is_restored_when_a_signal_ends_the_container(ours, root):
    with lib.Terminal([ours.contain, root, "/bin/sleep", "100"]) as terminal:
        before = terminal.mode()
        sleeping(terminal)
        lib.until(terminal.is_raw, 5, "raw mode")
        os.kill(terminal.pid, signal.SIGTERM)
        assert terminal.wait() == 143
        assert terminal.mode() == before


def test_terminal_is_restored_when_the_supervisor_is_killed(ours, who):
    folder, user = who
    with lib.Terminal([ours.contain, folder, "/bin/sleep", "100"], user=user) as terminal:
        before = terminal.mode()
        sleeping(terminal)
        lib.until(terminal.is_raw, 5, "raw mode")
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait() == 137
        lib.until(lambda: terminal.mode() == before, 3, "the terminal as it was")


@pytest.mark.parametrize("options", [[], ["--init"]], ids=["pid 1", "reaper"])
def test_terminal_of_a_shell_is_restored_when_the_supervisor_is_killed(ours, root, options):
    """The guard is in no foreground group there, and must not be stopped for what it does."""
    script = 'contain=$1; shift; "$contain" "$@" /bin/sleep 100; echo killed $?; read line; exit 5'
    with lib.Terminal(["/bin/sh", "-c", script, "sh", ours.contain, *options, root]) as terminal:
        before = terminal.mode()
        supervisor = lib.until(lambda: lib.children(terminal.pid), 5, "the supervisor")[0]
        lib.until(terminal.is_raw, 5, "raw mode")
        os.kill(supervisor, signal.SIGKILL)
        terminal.expect("killed 137")
        lib.until(lambda: terminal.mode() == before, 3, "the terminal as it was")
        terminal.send("\n")
        assert terminal.wait() == 5


def test_terminal_that_somebody_has_changed_is_left_alone_when_the_supervisor_is_killed(ours, root):
    with lib.Terminal([ours.contain, root, "/bin/sleep", "100"]) as terminal:
        init = sleeping(terminal)
        lib.until(terminal.is_raw, 5, "raw mode")
        changed = terminal.mode()
        changed[0] |= termios.ISTRIP
        termios.tcsetattr(terminal.slave, termios.TCSANOW, changed)
        guard = next(pid for pid in lib.children(terminal.pid) if pid != init)
        held = os.pidfd_open(guard)
        os.kill(terminal.pid, signal.SIGKILL)
        assert terminal.wait() == 137
        assert select.select([held], [], [], 5)[0], "the guard does not end"
        os.close(held)
        assert terminal.mode() == changed


@pytest.mark.parametrize("helper", ["-i", "-o"])
@pytest.mark.parametrize("name", ["TERM", "INT", "KILL"])
def test_signal_during_a_helper_ends_everything(ours, root, helper, name):
    command = [ours.contain, "-c", helper, "echo up; exec sleep 100", root, "/bin/echo", "started"]
    with lib.Supervisor(command) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, number(name))
        assert supervisor.wait() == 128 + number(name)
        assert b"started" not in supervisor.process.stdout.read()


# SIGKILL of the supervisor. The check that nothing is left runs after every test.


def test_killed_supervisor_takes_the_container_along(ours, who, options):
    folder, user = who
    script = "trap '' HUP TERM INT; sleep 100 & setsid sleep 100 & echo up; wait"
    with lib.Supervisor([ours.contain, *options, folder, "/bin/sh", "-c", script], user=user) as supervisor:
        supervisor.expect("up")
        below = lib.descendants(supervisor.pid)
        os.kill(supervisor.pid, signal.SIGKILL)
        assert supervisor.wait() == 137
        lib.until(lambda: all(gone(pid) for pid in below), 3, "the end of all processes")


@pytest.mark.parametrize("way", ["prctl", "setuid"])
def test_killed_supervisor_takes_a_clinging_command_along(ours, who, way, options, need_probe):
    folder, user = who
    with lib.Supervisor([ours.contain, *options, folder, "/bin/probe", "cling", way], user=user) as supervisor:
        supervisor.expect("clinging")
        init = supervisor.init()
        os.kill(supervisor.pid, signal.SIGKILL)
        assert supervisor.wait() == 137
        lib.until(lambda: gone(init), 3, "the end of PID 1")


def test_killed_guard_is_replaced(ours, root, need_probe):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/probe", "cling", "prctl"]) as supervisor:
        supervisor.expect("clinging")
        init = supervisor.init()
        for pid in lib.children(supervisor.pid):
            if pid != init:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.3)
        assert not gone(init)
        os.kill(supervisor.pid, signal.SIGKILL)
        assert supervisor.wait() == 137
        lib.until(lambda: gone(init), 3, "the end of PID 1")


def test_supervisor_killed_at_any_moment_of_the_start_leaves_nothing(ours, root):
    chance = random.Random(1)
    for _ in range(25):
        with lib.Supervisor([ours.contain, root, "/bin/sleep", "100"]) as supervisor:
            time.sleep(chance.uniform(0, 0.03))
            os.kill(supervisor.pid, signal.SIGKILL)
            supervisor.wait()
            lib.until(lambda: not containers_below(os.getpid()), 3, "nothing left")


def containers_below(pid):
    """The living processes below `pid` that are in a PID namespace of their own."""
    return [below for below in lib.descendants(pid) if len(lib.status_field(below, "NSpid")) > 1]
