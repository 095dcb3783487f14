# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures: the programs built for tests, throw-away users, roots, and a host of the tests' own.

FAULT_BIN names a folder with contain, inject, pseudo, hold, and libexec with contain-init and contain-idmap
(tests/fault/run makes it).
"""

import atexit
import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zlib

import harness
import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent))
import accounts

PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MS_SHARED = 0x4000, 1 << 18, 1 << 20
ACCOUNT = "contain-fault-"
PROGRAMS = ("contain", "inject", "pseudo", "hold")
_libc = ctypes.CDLL(None, use_errno=True)


def pytest_configure(config):
    """A mount namespace of our own: what comes into it comes from the tests. It is shared, as a host's is."""
    if os.geteuid() != 0:
        return
    assert _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    assert _libc.unshare(CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
    for flags in (MS_REC | MS_PRIVATE, MS_REC | MS_SHARED):
        assert _libc.mount(b"none", b"/", None, flags, None) == 0, os.strerror(ctypes.get_errno())
    options = b"newinstance,ptmxmode=0666,mode=0620,gid=5"
    assert _libc.mount(b"devpts", b"/dev/pts", b"devpts", 0, options) == 0, os.strerror(ctypes.get_errno())


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: it makes throw-away users"))


@pytest.fixture(scope="session")
def scratch():
    path = pathlib.Path(tempfile.mkdtemp(prefix="contain-fault-"))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def programs(scratch):
    """Paths by name, copied to where every user may run them; `libexec` is the folder of contain-init, `privileged` one
    with contain-idmap beside it, which may write the maps of delegated ids."""
    folder = os.environ.get("FAULT_BIN")
    if not folder:
        pytest.fail("FAULT_BIN is not set: run tests/fault/run", pytrace=False)
    target = scratch / "bin"
    target.mkdir()
    for name in (*PROGRAMS, "libexec/contain-init"):
        shutil.copy(pathlib.Path(folder) / name, target)
    privileged = scratch / "libexec"
    shutil.copytree(pathlib.Path(folder) / "libexec", privileged)
    (privileged / "contain-idmap").chmod(0o4755)
    paths = {name: str(target / name) for name in PROGRAMS}
    return {**paths, "libexec": str(target), "privileged": str(privileged)}


@pytest.fixture(scope="session")
def users():
    """By name: root is none, `ranges` has delegated ids, `plain` has none. What killed runs left is removed first."""
    accounts.forget_left(ACCOUNT)
    ids = (0x30000000 + os.getpid() % 1000 * 0x10000, 65536)
    names = {kind: f"{ACCOUNT}{kind}-{os.getpid()}" for kind in ("ranges", "plain")}
    made = {
        "ranges": harness.User(names["ranges"], *accounts.make(names["ranges"], ids, ids)),
        "plain": harness.User(names["plain"], *accounts.make(names["plain"])),
    }
    yield {"root": None, **made}
    for name in names.values():
        accounts.forget(name)


@pytest.fixture(scope="session")
def cling(scratch):
    """A static program that clears its parent-death signal."""
    source = pathlib.Path(__file__).with_name("cling.c")
    target = scratch / "cling"
    subprocess.run(["cc", "-static", "-Os", "-Wall", "-o", target, source], check=True)
    return target


@pytest.fixture(scope="session")
def roots(scratch, users, cling):
    """A small root for each user. It has dev, proc and sys: what a run makes beyond these is too much."""
    made = {}
    for who, user in users.items():
        root = scratch / f"root-{who}"
        (root / "bin").mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        shutil.copy(cling, root / "bin/cling")
        for name in ("sh", "sleep", "true", "cat", "setpriv"):
            (root / "bin" / name).symlink_to("busybox")
        for name in ("dev", "proc", "sys"):
            (root / name).mkdir()
        top = harness.TOP_ID
        ids = (user.uid, user.gid) if user else (top, top)
        for place, folders, files in os.walk(root):
            for name in [*folders, *files, "."]:
                os.chown(os.path.join(place, name), *ids, follow_symlinks=False)
        made[who] = root
    return made


class Starter:
    """Starts cases, each with a marker of this test's in its arguments and environment."""

    def __init__(self, programs, users, roots, marker, scratch):
        self.programs, self.users, self.roots, self.marker = programs, users, roots, marker
        # The root's path is what every contain-init of a command line shows as its argument.
        self.links = {who: scratch / f"{marker}-{who}" for who in roots}
        for who, link in self.links.items():
            link.symlink_to(roots[who])

    def close(self):
        for link in self.links.values():
            link.unlink()

    def words(self, case, target=0):
        names = {**self.programs, "root": self.links[case.who], "marker": self.marker, "target": target}
        return [word.format(**names) for word in case.command]

    def libexec(self, case):
        return self.programs["privileged" if case.idmap else "libexec"]

    def run(self, case, target=0, **variables):
        return harness.Run(
            case,
            self.words(case, target),
            self.users[case.who],
            CONTAIN_LIBEXECDIR=self.libexec(case),
            FAULT_MARKER=self.marker,
            **variables,
        )

    def picture(self, case):
        return harness.Picture(self.roots[case.who])

    def plan(self, case):
        """The steps of a command line, as it prints them."""
        return harness.explained(self.explain(case, *self.json(case)), bool(self.json(case)))

    def json(self, case):
        return ["--json"] if self.words(case)[0].endswith("contain") else []

    def explain(self, case, *options):
        words = self.words(case)
        user = self.users[case.who]
        return subprocess.run(
            [words[0], "--explain", *options, *words[1:]],
            check=True,
            capture_output=True,
            text=True,
            env={**harness.ENVIRONMENT, "CONTAIN_LIBEXECDIR": self.libexec(case)},
            **({"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}),
        ).stdout


@pytest.fixture
def start(programs, users, roots, scratch, request):
    """Starts cases; when the test is over, nothing may be left of any."""
    marker = f"fault-{os.getpid()}-{zlib.crc32(request.node.name.encode()):x}"
    before = harness.Picture(*roots.values())
    starter = Starter(programs, users, roots, marker, scratch)
    yield starter
    starter.close()
    try:
        before.assert_nothing_left()
        assert not harness.marked(marker)
    finally:
        before.clean()
