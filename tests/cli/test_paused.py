# SPDX-License-Identifier: MIT OR Apache-2.0
"""inject into a container whose cgroup somebody has frozen, where cgroup2 alone is mounted."""

import os
import pathlib
import signal

import lib
import pytest

HIERARCHY = "/sys/fs/cgroup"


@pytest.fixture
def version_2():
    """A host with cgroup2 alone on /sys/fs/cgroup, and an empty cgroup there."""
    name = f"contain-cli-paused-{os.getpid()}"
    with lib.PrivateHost() as host:
        try:
            host.shell("umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; test -e /sys/fs/cgroup/cgroup.procs")
        except AssertionError as error:
            pytest.skip(f"no view of cgroup2 alone: {error}")
        place = pathlib.Path(HIERARCHY, name)
        host.shell('mkdir "$1"', place)
        yield host, place
        host.shell('echo 0 > "$1/cgroup.freeze"', place)
        lib.until(lambda: host.shell('cat "$1/cgroup.procs"', place) == "", 5, f"the end of what is in {place}")
        host.shell('rmdir "$1"', place)


@pytest.fixture
def paused(ours, root, version_2):
    host, place = version_2
    command = [ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read line; exit 7"]
    with lib.Supervisor(command, host=host) as supervisor:
        supervisor.expect("up")
        host.shell('echo "$1" > "$2/cgroup.procs"; echo 1 > "$2/cgroup.freeze"', str(supervisor.init()), place)
        lib.until(lambda: "frozen 1" in host.shell('cat "$1/cgroup.events"', place), 5, "the freezing")
        yield host, place, supervisor


def test_inject_refuses_a_paused_container_and_says_how_it_goes_on(ours, paused):
    host, place, supervisor = paused
    refused = lib.run([ours.inject, str(supervisor.pid), "true"], host=host)
    assert (refused.status, refused.out) == (125, "")
    assert "it is paused" in refused.err and f"hint: thaw its cgroup: echo 0 > {place}/cgroup.freeze\n" in refused.err
    host.shell(f"echo 0 > {place}/cgroup.freeze")
    assert lib.run([ours.inject, str(supervisor.pid), "true"], host=host).status == 0
    supervisor.send("\n")
    assert supervisor.wait() == 7


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_signal_to_the_supervisor_ends_a_paused_container(paused, number):
    _, _, supervisor = paused
    init = supervisor.init()
    os.kill(supervisor.pid, number)
    assert supervisor.wait() == 128 + number
    lib.until(lambda: lib.gone(init), 3, "the end of PID 1")
