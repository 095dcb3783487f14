# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mended: an injected command enters the container's cgroup where the caller may move it there, and says so where not."""

import os
import pathlib

import lib
import pytest
from lib import run

# Hierarchies of version 1, then of version 2, in which an empty cgroup can be used as it is.
HIERARCHIES = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"]


@pytest.fixture
def cgroup():
    """A cgroup of the test's own, removed afterwards."""
    if os.geteuid() != 0:
        pytest.skip("making a cgroup takes root")
    hierarchy = next((path for path in HIERARCHIES if pathlib.Path(path, "cgroup.procs").exists()), None)
    if hierarchy is None:
        pytest.skip("no cgroup hierarchy at /sys/fs/cgroup")
    folder = pathlib.Path(hierarchy, f"contain-cli-{os.getpid()}")
    folder.mkdir()
    yield folder
    lib.until(lambda: (folder / "cgroup.procs").read_text() == "", 5, f"the end of what is in {folder}")
    folder.rmdir()


def injected_cgroups(ours, cgroup, folder, user):
    """What inject's command sees of its cgroups and says, once PID 1 has been moved to another than the caller's."""
    with lib.Supervisor([ours.contain, "-c", folder, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        (cgroup / "cgroup.procs").write_text(str(supervisor.init()))
        result = run([ours.inject, str(supervisor.pid), "cat", "/proc/self/cgroup"], user=user)
        supervisor.send("\n")
        supervisor.wait()
    assert result.status == 0, result.err
    return [line for line in result.lines if line.endswith(f"/{cgroup.name}")], result.err


def test_injected_command_enters_the_containers_cgroup(ours, root, cgroup):
    found, said = injected_cgroups(ours, cgroup, root, None)
    assert len(found) == 1 and said == ""


def test_injected_command_says_that_it_stays_in_the_callers_cgroup(ours, user_root, user, cgroup):
    found, said = injected_cgroups(ours, cgroup, user_root, user)
    assert found == []
    assert said.startswith("inject: note: ") and "stays in the caller's cgroup" in said and cgroup.name in said
