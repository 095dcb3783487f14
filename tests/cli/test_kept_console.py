# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of console emulation, of -c, and of the supervisor."""

import itertools
import os
import pathlib
import termios

import lib
import pytest
from lib import inside, run

pytestmark = pytest.mark.kept


# With console emulation.


def test_console_is_there_and_is_the_terminal(tools, root):
    result = run([tools.contain, root, "/bin/sh", "-c", "tty; test -t 0 && test -t 1 && test -t 2 && echo all"])
    assert result.lines == ["/dev/console", "all"]


def test_console_belongs_to_container_root_who_may_give_it_away(tools, who):
    script = "stat -c %u /dev/console; chown 12:34 /dev/console; chmod a+rw /dev/console; stat -c %u:%g:%a /dev/console"
    folder, user = who
    result = run([tools.contain, folder, "/bin/sh", "-c", script], user=user)
    assert result.lines == ["0", "12:34:666"], result.err


def test_console_is_what_its_descriptors_are_named_after(tools, root):
    result = run([tools.contain, root, "/bin/sh", "-c", "for f in 0 1 2; do readlink /proc/$$/fd/$f; done"])
    assert result.lines == ["/dev/console"] * 3


def test_console_is_a_session_of_its_own(tools, root, need_probe):
    assert run([tools.contain, root, "/bin/probe", "session"]).lines == ["1 1"]


def test_console_is_the_controlling_terminal(tools, root):
    assert run([tools.contain, root, "/bin/sh", "-c", "echo heard >/dev/tty"]).lines == ["heard"]


def test_inner_terminal_ignores_break_and_is_utf8(tools, root, need_probe):
    assert run([tools.contain, root, "/bin/probe", "terminal"]).lines == ["ignbrk 1 iutf8 1"]


def test_works_without_a_terminal(tools, root):
    result = run([tools.contain, root, "/bin/sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (result.status, result.lines) == (3, ["out", "err"])


def test_what_is_left_is_drained_after_the_end(tools, root):
    result = run([tools.contain, root, "/bin/seq", "1", "20000"])
    assert result.status == 0
    assert result.lines == [str(number) for number in range(1, 20001)]


def test_console_goes_on_when_nobody_inside_had_it_open_for_a_while(tools, root):
    """An init closes the descriptors that it was started with, and opens /dev/console when it has something to say."""
    closed = "echo one; exec <&- >&- 2>&-; sleep 0.3; exec </dev/console >/dev/console; "
    script = closed + "echo two; read line; echo got $line"
    with lib.Supervisor([tools.contain, root, "/bin/sh", "-c", script]) as supervisor:
        supervisor.expect("two")
        supervisor.send("words\n")
        supervisor.expect("got words")
        assert supervisor.wait() == 0


def test_input_reaches_the_command(tools, root):
    with lib.Supervisor([tools.contain, root, "/bin/sh", "-c", "read line; echo got $line; exit 4"]) as supervisor:
        supervisor.send("words\n")
        supervisor.expect("got words")
        assert supervisor.wait() == 4


@pytest.mark.parametrize("closed", [c for n in (1, 2, 3) for c in itertools.combinations("012", n)], ids="".join)
@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_closed_standard_descriptors_are_no_problem(tools, root, options, closed):
    words = " ".join(f"{number}>&-" for number in closed).replace("0>&-", "0<&-")
    script = f'exec "$@" {words}'
    result = run(["sh", "-c", script, "sh", tools.contain, *options, root, "/bin/sh", "-c", "exit 9"])
    assert result.status == 9


def test_callers_terminal_is_raw_meanwhile_and_restored_after(tools, root):
    with lib.Terminal([tools.contain, root, "/bin/sh", "-c", "echo u''p; read line; exit 5"]) as terminal:
        before = termios.tcgetattr(terminal.master)
        terminal.expect("up")
        lib.until(terminal.is_raw, 5, "raw mode")
        terminal.send("\r")
        assert terminal.wait() == 5
        after = terminal.mode()
        assert not terminal.is_raw()
        assert after[3] & termios.ICANON and after[3] & termios.ECHO
        assert [after[index] for index in (1, 2, 4, 5)] == [before[index] for index in (1, 2, 4, 5)]


def test_shell_on_a_terminal_is_interactive(tools, root):
    with lib.Terminal([tools.contain, root]) as terminal:
        terminal.expect("# ")
        terminal.send("echo $((40 + 2)) $$\r")
        terminal.expect("42 1\r\n")
        terminal.expect("# ")
        terminal.send("exit 6\r")
        assert terminal.wait() == 6


def test_interrupt_key_reaches_the_foreground_program_inside(tools, root):
    with lib.Terminal([tools.contain, root]) as terminal:
        terminal.expect("# ")
        terminal.send("sleep 100\r")
        terminal.expect("sleep 100\r\n")
        sleep_below(terminal)
        terminal.send("\x03")
        terminal.expect("# ")
        terminal.send("echo $(($? + 1000))\r")
        terminal.expect("1130")
        terminal.send("exit\r")
        terminal.wait()


def test_job_control_works_on_the_console(tools, root):
    with lib.Terminal([tools.contain, root]) as terminal:
        job_control(terminal)


def sleep_below(terminal, states="RSD"):
    """Waits until a sleep runs inside, or is in one of the states given."""

    def found():
        pids = [pid for pid in lib.descendants(terminal.pid) if lib.status_field(pid, "Name") == ["sleep"]]
        return [pid for pid in pids if (lib.status_field(pid, "State") or "X")[0] in states]

    lib.until(found, 5, f"a sleep in state {states}")


def job_control(terminal):
    """Stops, lists, resumes and interrupts a job of the shell on the terminal, then leaves with 7."""
    terminal.expect("# ")
    terminal.send("sleep 100\r")
    terminal.expect("sleep 100\r\n")
    sleep_below(terminal)
    terminal.send("\x1a")
    terminal.expect("Stopped")
    terminal.expect("# ")
    sleep_below(terminal, "T")
    terminal.send("fg\r")
    terminal.expect("fg\r\nsleep 100")
    sleep_below(terminal)
    terminal.send("\x03")
    terminal.expect("# ")
    terminal.send("exit 7\r")
    assert terminal.wait() == 7


# With -c.


def test_c_leaves_the_callers_streams_to_the_command(tools, root):
    result = inside(tools, root, "cat; echo err >&2; exit 2", stdin=b"a\0b\xff\n")
    assert (result.status, result.raw, result.err) == (2, b"a\0b\xff\n", "err\n")


def test_c_makes_no_console(tools, root):
    assert "console" not in inside(tools, root, "ls /dev").lines


def test_c_makes_no_new_session(tools, root, need_probe):
    # Session and process group belong to the caller's PID namespace and show as 0 in the container's.
    assert run([tools.contain, "-c", root, "/bin/probe", "session"]).lines == ["0 0"]


def test_c_keeps_job_control_on_the_callers_terminal(tools, root):
    with lib.Terminal([tools.contain, "-c", root]) as terminal:
        job_control(terminal)


def test_c_leaves_the_mode_of_the_terminal_alone(tools, root):
    with lib.Terminal([tools.contain, "-c", root, "/bin/sh", "-c", "echo u''p; read line"]) as terminal:
        before = terminal.mode()
        terminal.expect("up")
        assert terminal.mode() == before
        terminal.send("\r")
        assert terminal.wait() == 0


# The supervisor.


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_supervisor_is_the_process_that_was_started_and_is_named_contain(tools, who, options):
    folder, user = who
    command = [tools.contain, *options, folder, "/bin/sh", "-c", "echo up; read x"]
    with lib.Supervisor(command, user=user) as supervisor:
        supervisor.expect("up")
        assert pathlib.Path(f"/proc/{supervisor.pid}/comm").read_text() == "contain\n"
        assert lib.status_field(supervisor.init(), "PPid") == [str(supervisor.pid)]
        supervisor.send("\n")
        assert supervisor.wait() == 0


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_supervisor_is_in_the_containers_namespaces(tools, root, options):
    with lib.Supervisor([tools.contain, *options, root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        kinds, init = ("user", "net", "ipc", "uts", "cgroup"), supervisor.init()

        def same(kind):
            return lib.namespace(supervisor.pid, kind) == lib.namespace(init, kind)

        lib.until(lambda: all(same(kind) for kind in kinds), 2, "the supervisor in the container's namespaces")
        assert lib.namespace(supervisor.pid, "pid") == lib.namespace("self", "pid")
        supervisor.send("\n")
        supervisor.wait()


def test_nsenter_on_the_supervisor_reaches_the_containers_network(tools, root):
    with lib.Supervisor([tools.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        enter = ["nsenter", "-t", str(supervisor.pid), "-n"]
        assert run([*enter, "ip", "link", "add", "here0", "type", "veth", "peer", "name", "here1"]).status == 0
        assert "here0" in run([*enter, "ls", f"/proc/{supervisor.init()}/root/sys/class/net"]).lines
        assert "here0" not in os.listdir("/sys/class/net")
        supervisor.send("\n")
        supervisor.wait()


def test_killing_the_supervisors_children_ends_the_container(tools, root):
    command = [tools.contain, root, "/bin/sh", "-c", "trap '' TERM INT HUP; sleep 100 & echo up; wait; read x"]
    with lib.Supervisor(command) as supervisor:
        supervisor.expect("up")
        inner = supervisor.init()
        run(["pkill", "-KILL", "-P", str(supervisor.pid)])
        assert supervisor.wait() != 0
        lib.until(lambda: not lib.children(inner) and not lib.status_field(inner, "Pid"), 5, "the end of the container")
