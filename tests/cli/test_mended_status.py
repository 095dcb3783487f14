# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mended: exit statuses, the same for contain, inject and pseudo."""

import os
import signal

import lib
import pytest
from lib import inside, run


@pytest.fixture(params=["contain", "contain -c", "inject", "pseudo"])
def way(request, ours, root):
    """Runs a command in one of the four ways; all but pseudo see the busybox root."""
    if request.param == "pseudo":
        yield lambda *command: run(["sh", "-c", '"$@"; exit $?', "sh", ours.pseudo, *command])
    elif request.param == "inject":
        with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
            supervisor.expect("up")
            yield lambda *command: run([ours.inject, str(supervisor.pid), *command])
            supervisor.send("\n")
            assert supervisor.wait() == 0
    else:
        yield lambda *command: run([ours.contain, *request.param.split()[1:], root, *command])


@pytest.mark.parametrize("status", [0, 1, 2, 63, 64, 124, 125, 126, 127, 128, 143, 255])
def test_status_of_the_command_is_passed_on(way, status):
    assert way("/bin/sh", "-c", f"exit {status}").status == status


def test_status_127_when_the_command_is_not_found(way):
    result = way("/bin/no-such-program")
    assert result.status == 127
    assert "/bin/no-such-program" in result.err + result.out


@pytest.mark.parametrize("path", ["/etc/group", "/etc"], ids=["not executable", "a directory"])
def test_status_126_when_the_command_cannot_be_executed(way, path):
    result = way(path)
    assert result.status == 126
    assert path in result.err + result.out


def test_status_127_below_something_that_is_no_directory(way):
    assert way("/etc/group/x").status in (126, 127)


@pytest.mark.parametrize("program", ["inject", "pseudo"])
def test_status_127_when_the_command_is_not_on_path(ours, root, program):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        target = [str(supervisor.pid)] if program == "inject" else []
        assert run([getattr(ours, program), *target, "no-such-program"]).status == 127
        supervisor.send("\n")
        supervisor.wait()


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV", "HUP"])
@pytest.mark.parametrize("program", ["inject", "pseudo"])
def test_status_128_and_n_when_a_signal_ended_the_command(ours, root, program, name):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        target = [str(supervisor.pid)] if program == "inject" else []
        result = run([getattr(ours, program), *target, "sh", "-c", f"kill -{name} $$"])
        assert result.status == 128 + getattr(signal, f"SIG{name}")
        supervisor.send("\n")
        supervisor.wait()


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_status_137_when_pid_1_is_killed_from_outside(ours, root, options):
    with lib.Supervisor([ours.contain, *options, root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.init(), signal.SIGKILL)
        assert supervisor.wait() == 137


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_status_139_when_pid_1_crashes(ours, root, options, need_probe):
    assert run([ours.contain, *options, root, "/bin/probe", "crash"]).status == 139


@pytest.mark.parametrize("program,status", [("halt", 130), ("poweroff", 130), ("reboot", 129)])
def test_status_of_a_container_that_halts_is_that_of_the_kernels_signal(ours, make_root, program, status):
    """reboot(2) in a PID namespace ends its PID 1: by SIGINT to halt or power off, by SIGHUP to restart."""
    folder = make_root()
    (folder / "etc/inittab").write_text(f"::once:/sbin/{program}\n")
    assert run([ours.contain, folder, "/sbin/init"]).status == status


@pytest.mark.parametrize("option", ["-i", "-o"])
@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_status_128_and_n_when_a_signal_ended_a_helper(ours, root, option, name):
    result = inside(ours, root, "echo started", option, f"kill -{name} $$")
    assert (result.status, result.out) == (128 + getattr(signal, f"SIG{name}"), "")


@pytest.mark.parametrize("status", [1, 7, 64, 125, 255])
@pytest.mark.parametrize("option", ["-i", "-o"])
def test_status_of_a_failed_helper_is_passed_on(ours, root, option, status):
    result = inside(ours, root, "echo started", option, f"exit {status}")
    assert (result.status, result.out) == (status, "")


def test_status_125_of_our_own_failure(ours, root):
    failures = [
        [ours.contain, "/no/such/root"],
        [ours.contain, "-u", "0:0", root],
        [ours.pseudo, "-u", "0:0", "true"],
        [ours.inject, str(os.getpid()), "true"],
        [ours.inject, "4194305", "true"],
    ]
    assert [run(command).status for command in failures] == [125] * len(failures)


@pytest.mark.parametrize(
    "words",
    [
        ["contain"],
        ["contain", "-q", "/"],
        ["contain", "--no-such", "/"],
        ["contain", "-u"],
        ["inject"],
        ["inject", "--no-such", "1"],
        ["pseudo", "-q"],
        ["pseudo", "--no-such"],
    ],
    ids=" ".join,
)
def test_status_64_of_a_usage_error_which_says_what_is_wrong(ours, words):
    result = run([getattr(ours, words[0]), *words[1:]])
    assert result.status == 64 and result.out == ""
    assert result.err.startswith(f"{words[0]}: ")
    assert "--help" in result.err


def test_error_that_cannot_be_told_still_has_its_status(ours):
    result = run(["sh", "-c", 'exec "$@" 2>&-', "sh", ours.contain, "/no/such/root"])
    assert (result.status, result.out) == (125, "")
