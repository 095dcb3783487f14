# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures: a mount namespace of the tests' own with copies of /etc/passwd, /etc/subuid and /etc/subgid, a /dev with
a log socket, and contain-idmap truly installed in both ways. Nothing of the host's is changed.
"""

import contextlib
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile

import client
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TOP / "target"))

MS_NOSUID, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 2, 32, 4096, 16384, 1 << 18
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")

ACCOUNTS = f"""root:x:0:0:root:/root:/bin/sh
alice-test:x:{client.ALICE}:{client.ALICE}::/:/bin/sh
bob-test:x:{client.BOB}:{client.BOB}::/:/bin/sh
"""
DELEGATED = "alice-test:100000:65536\nbob-test:300000:65536\n"


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="needs root: it installs a privileged program"))


class Host:
    """What the administrator of the host has set up, and changes of it for one test."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {name: pathlib.Path("/etc") / name for name in ("passwd", "subuid", "subgid")}

    def reset(self):
        """As every test finds it."""
        for name, text in (("passwd", ACCOUNTS), ("subuid", DELEGATED), ("subgid", DELEGATED)):
            path = self.files[name]
            if path.is_symlink() or not path.is_file():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            path.write_text(text)
            os.chown(path, 0, 0)
            path.chmod(0o644)

    def delegate(self, users, groups=None):
        self.files["subuid"].write_text(users)
        self.files["subgid"].write_text(users if groups is None else groups)


def _private_etc(folder):
    """/etc with everything in it that was there, but in memory: files can be replaced as well as written."""
    copy = folder / "etc"
    # What goes away meanwhile, or is no file, is not missed: what matters is written for each test.
    with contextlib.suppress(shutil.Error):
        shutil.copytree("/etc", copy, symlinks=True)
    client.mount(str(copy), "/etc", None, MS_BIND)


def _private_dev(folder):
    old = folder / "dev"
    old.mkdir()
    client.mount("/dev", old, None, MS_BIND | MS_REC)
    client.mount("tmpfs", "/dev", "tmpfs", 0, "mode=0755")
    for name in DEVICES:
        pathlib.Path("/dev", name).touch()
        client.mount(str(old / name), f"/dev/{name}", None, MS_BIND)


@pytest.fixture(scope="session")
def host():
    """A mount namespace and a folder in memory that is not nosuid, both gone with this process."""
    subprocess.run(
        ["cargo", "build", "--locked", "--quiet", "-p", "contain-idmap", "--profile", "core"], cwd=TOP, check=True
    )
    for left in pathlib.Path(tempfile.gettempdir()).glob("contain-setuid-*-*"):
        # Of a run that was killed: its mounts went with it, and left an empty folder.
        if not pathlib.Path("/proc", left.name.split("-")[2]).exists():
            with contextlib.suppress(OSError):
                left.rmdir()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=f"contain-setuid-{os.getpid()}-"))
    client.unshare(client.CLONE_NEWNS)
    client.mount(None, "/", None, MS_REC | MS_PRIVATE)
    os.umask(0o022)
    client.mount("tmpfs", scratch, "tmpfs", 0, "mode=0755")
    _private_etc(scratch)
    _private_dev(scratch)
    yield Host(scratch)
    # The mounts go with the last process of the namespace; the folder below them is the host's.
    client.unmount(scratch)
    scratch.rmdir()


@pytest.fixture(autouse=True)
def fresh(host, log):
    host.reset()
    log.take()


@pytest.fixture(scope="session")
def log(host):
    return client.Log()


def install(folder, mode):
    """contain-idmap in a folder of root's, installed as `mode` says; its path."""
    folder.mkdir()
    path = folder / "contain-idmap"
    shutil.copy(TARGET / "core/contain-idmap", path)
    os.chown(path, 0, 0)
    path.chmod(0o4755 if mode == "setuid" else 0o755)
    if mode == "fcaps":
        # struct vfs_cap_data: version 2 and effective; permitted and inheritable, 32 bits of each, twice.
        os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 0xC0, 0, 0, 0))
    return str(path)


@pytest.fixture(scope="session")
def programs(host):
    """Each way of being installed, and not being."""
    return {mode: install(host.folder / mode, mode) for mode in ("setuid", "fcaps", "none")}


@pytest.fixture(params=["setuid", "fcaps"])
def program(request, programs):
    return programs[request.param]


@pytest.fixture
def spare(request, host, program):
    """A further installation in the same way, for a test that changes it."""
    mode = pathlib.Path(program).parent.name
    path = install(host.folder / f"spare-{mode}", mode)
    yield pathlib.Path(path)
    shutil.rmtree(pathlib.Path(path).parent)
