# SPDX-License-Identifier: MIT OR Apache-2.0
"""A container whose cgroup somebody has frozen: in the freezer of version 1, in cgroup2 beside it, and where there is
cgroup2 alone. Its state says so, inject refuses it with what to do, and kill ends it or says why not yet."""

import os
import pathlib
import subprocess
import sys

import pytest

# What makes the view in a mount namespace of its own, the hierarchy there, and how one of its cgroups is frozen.
ALONE = "umount -R /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
VIEWS = {
    "version 1": ("true", "/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED"),
    "hybrid": ("true", "/sys/fs/cgroup/unified", "cgroup.freeze", "1", "0"),
    "version 2 alone": (ALONE, "/sys/fs/cgroup", "cgroup.freeze", "1", "0"),
}


@pytest.fixture(params=VIEWS, ids=[name.replace(" ", "-") for name in VIEWS])
def paused(request, tmp_path, mark):
    """Runs code with a frozen container `frozen`, and `thaw()`, in a Python that has this view of cgroups."""
    if os.geteuid() != 0:
        pytest.skip("making a cgroup takes root")
    prepare, hierarchy, file, stop, go = VIEWS[request.param]
    name = f"contain-paused-{os.getpid()}"
    view = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f'{prepare}; exec "$@"', "sh"]
    if subprocess.run([*view, "test", "-e", f"{hierarchy}/cgroup.procs"], check=False).returncode:
        pytest.skip(f"no cgroup hierarchy at {hierarchy}")
    head = f"""if True:
        import contain, os, pathlib, time
        cgroup = pathlib.Path("{hierarchy}/{name}")
        cgroup.mkdir()
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), contain.DEVNULL)
        config = contain.Config(argv=["sleep", "{mark.seconds}"])
        def thaw():
            (cgroup / "{file}").write_text("{go}")
        def until(condition):
            end = time.monotonic() + 5
            while not condition():
                assert time.monotonic() < end
                time.sleep(0.01)
        def pause(container):
            for pid in container.processes():
                (cgroup / "cgroup.procs").write_text(str(pid))
            (cgroup / "{file}").write_text("{stop}")
            until(lambda: container.state == "paused")
        def busy(call):
            try:
                call()
            except contain.BusyError as error:
                assert "it is paused" in str(error), str(error)
                assert error.remedy == f"thaw its cgroup: echo {go} > {{cgroup / '{file}'}}", error.remedy
            else:
                raise AssertionError("it did not refuse")
        frozen = contain.Container.run(*NAMED, config, **KEPT, **quiet)
        try:
            pause(frozen)
    """
    tail = """
        finally:
            thaw()
            frozen.delete(force=True)
            until(lambda: (cgroup / "cgroup.procs").read_text() == "")
            cgroup.rmdir()
    """

    def run(code, named):
        body = "".join(f"            {line}\n" for line in code.strip().splitlines())
        names = ("('web',)", f"{{'runtime': {str(tmp_path / 'state')!r}}}") if named else ("()", "{}")
        text = head.replace("NAMED", names[0]).replace("KEPT", names[1]).rstrip() + "\n" + body + tail
        done = subprocess.run([*view, sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr

    run.version_1 = request.param == "version 1"
    yield run
    assert not pathlib.Path(hierarchy, name).exists()


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_paused_container_says_so_and_goes_on_when_it_is_thawed(paused, named):
    paused(
        """
busy(lambda: frozen.inject(["true"]))
busy(lambda: frozen.read_file("/etc/hosts"))
assert len(frozen.processes()) >= 1 and frozen.state == "paused"
frozen.signal(0)
thaw()
until(lambda: frozen.state == "running")
assert frozen.inject(["true"]).wait().returncode == 0
""",
        named,
    )


@pytest.mark.parametrize("named", [True, False], ids=["named", "unnamed"])
def test_killed_paused_container_ends_or_the_error_says_when(paused, named):
    kill = "busy(frozen.kill); assert frozen.state == 'paused'; thaw()" if paused.version_1 else "frozen.kill()"
    paused(f"{kill}\nassert frozen.wait(timeout=10).returncode == -9", named)


def test_forced_delete_of_a_paused_container_removes_it_or_says_what_to_do(paused):
    delete = "frozen.delete(force=True)"
    paused(f"busy(lambda: {delete}); thaw(); {delete}" if paused.version_1 else delete, True)
