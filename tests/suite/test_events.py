# SPDX-License-Identifier: MIT OR Apache-2.0
"""A container of the command line, heard by the Python package: its PID 1 is not there yet when its name is."""

import os
import signal
import subprocess

import pytest

LISTENER = """
import sys, time
import contain

end = time.monotonic() + 20
while True:
    try:
        events = contain.Container.open(sys.argv[1], runtime=sys.argv[2]).events()
        break
    except contain.ContainError:
        assert time.monotonic() < end
        time.sleep(0.002)
for event in events:
    print(event.state if event.result is None else event.result.returncode, flush=True)
"""


@pytest.fixture
def named(prepared, tmp_path):
    """A container of this name, and who listens to it, until both have ended."""
    tmp_path.chmod(0o700)
    started = []

    def start(*command):
        name = f"suite-events-{os.getpid()}"
        runtime = "/run/contain" if os.geteuid() == 0 else str(tmp_path / "contain")
        environment = os.environ | {"XDG_RUNTIME_DIR": str(tmp_path), "PYTHONPATH": str(prepared / "package")}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
        line = [prepared / "bin/contain", "-c", "--name", name, "--host", *command]
        listen = [os.environ["PYTHON"], "-c", LISTENER, name, runtime]
        listener = subprocess.Popen(listen, env=environment, stdout=subprocess.PIPE, text=True)
        started.append(listener)
        started.append(subprocess.Popen(line, env=environment, stdin=subprocess.PIPE))
        return listener, started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def until_running(listener):
    """What was heard before."""
    told = []
    while (line := listener.stdout.readline()) != "running\n":
        assert line, "the listener has ended"
        told.append(line)
    return told


def test_command_line_is_heard_to_its_end(named):
    listener, supervisor = named("/bin/sh", "-c", "read line; exit 6")
    assert until_running(listener) in ([], ["created\n"])
    supervisor.stdin.close()
    assert listener.communicate(timeout=30)[0].split() == ["stopped", "6"]
    assert supervisor.wait(30) == 6


def test_supervisor_that_is_killed_is_heard(named):
    listener, supervisor = named("/bin/sleep", "60")
    until_running(listener)
    supervisor.send_signal(signal.SIGKILL)
    assert listener.communicate(timeout=30)[0].split() == ["stopped", "-9"]
