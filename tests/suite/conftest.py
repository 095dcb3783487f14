# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures: the three languages as root and as an ordinary user, root file systems, and the check that nothing is left.

SUITE names the folder that tests/suite/run has prepared: the programs, the C driver, the package.
"""

import os
import pathlib
import shutil
import tempfile

import pytest
from languages import C, CommandLine, Python

TOP_ID = 2**32 - 2
"""What root's default map puts container 0 on."""
BUSYBOX = pathlib.Path("/bin/busybox")
APPLETS = """cat dd echo env grep head hostname id ip kill ls mount od printf pwd readlink sh sleep stat stty tail test tr
    true tty unshare wc""".split()


@pytest.fixture(scope="session")
def prepared():
    return pathlib.Path(os.environ["SUITE"])


@pytest.fixture(scope="session")
def uid():
    """An id that nobody has: it needs no account, and no ids are delegated to it."""
    return 700_000_000 + os.getpid() if os.geteuid() == 0 else os.geteuid()


@pytest.fixture(scope="session")
def scratch(prepared):
    with tempfile.TemporaryDirectory(dir=prepared) as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


def make_root(path, owner):
    for folder in ("bin", "dev", "etc", "home/guest", "mnt", "opt", "proc", "root", "srv", "sys", "tmp"):
        (path / folder).mkdir(parents=True)
    shutil.copy(BUSYBOX, path / "bin/busybox")
    for applet in APPLETS:
        (path / "bin" / applet).symlink_to("busybox")
    (path / "etc/place").write_text("here\n")
    (path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nguest:x:1000:1000::/home/guest:/bin/sh\n")
    (path / "etc/group").write_text("root:x:0:\nguest:x:1000:\n")
    (path / "opt/tool").write_text("#!/bin/sh\necho tool\n")
    (path / "opt/tool").chmod(0o755)
    (path / "tmp").chmod(0o1777)
    for folder, folders, files in os.walk(path):
        for name in [".", *folders, *files]:
            os.chown(os.path.join(folder, name), owner, owner, follow_symlinks=False)
    return path


class World:
    """One caller: its root file system and the three languages."""

    def __init__(self, who, prepared, scratch, uid):
        self.who = who
        is_user = who == "user"
        owner = uid if is_user else TOP_ID
        self.uid = uid if is_user else 0
        self.root = make_root(scratch / f"root-{who}", owner if os.geteuid() == 0 else os.geteuid())
        before = []
        if is_user and os.geteuid() == 0:
            before = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all", "--"]
        self.languages = {
            "cli": CommandLine(prepared / "bin", before),
            "c": C([*before, str(prepared / "driver")], {"LD_LIBRARY_PATH": str(prepared / "prefix/lib")}),
            "python": Python(
                [*before, os.environ["PYTHON"], str(prepared / "driver.py")],
                {"PYTHONPATH": str(prepared / "package"), "PYTHONDONTWRITEBYTECODE": "1"},
            ),
        }
        self.scratch = scratch
        self.owner = owner

    def folder(self):
        """A new folder with the file `before`, which the container's root may write to."""
        path = pathlib.Path(tempfile.mkdtemp(dir=self.scratch))
        path.chmod(0o777)
        (path / "before").write_text("given\n")
        (path / "before").chmod(0o644)
        return path

    def close(self):
        for language in ("c", "python"):
            self.languages[language].close()


@pytest.fixture(scope="session")
def worlds(prepared, scratch, uid):
    made = {}

    def world(who):
        if who == "root" and os.geteuid() != 0:
            pytest.skip("this is not root")
        if who not in made:
            made[who] = World(who, prepared, scratch, uid)
        return made[who]

    yield world
    for world in made.values():
        world.close()
