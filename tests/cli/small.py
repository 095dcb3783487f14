# SPDX-License-Identifier: MIT OR Apache-2.0
"""A small root file system and a folder that a test may change, for the tests of the options about mounts."""

import pathlib
import shutil

import lib
import pytest


def small_root(path, owner):
    """A root file system of few files, which a test may change."""
    for folder in ("bin", "etc", "tmp", "mnt", "run", "var"):
        (path / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin")
    for name in ("sh", "ls", "cat", "touch", "stat", "df", "tail", "dd", "grep", "head", "od", "true", "mount", "rm", "rmdir", "mkdir", "mv"):
        (path / "bin" / name).symlink_to("busybox")
    ids = (lib.TOP_ID, lib.TOP_ID) if owner is None else (owner.uid, owner.gid)
    lib.chown_tree(path, *ids)
    path.chmod(0o755)
    (path / "tmp").chmod(0o1777)
    return path


@pytest.fixture
def own_root(shared, caller):
    """A root of the caller's own."""
    if not pathlib.Path("/bin/busybox").exists():
        pytest.skip("no /bin/busybox: install busybox-static")
    return small_root(shared / "root", caller)


@pytest.fixture
def data(shared, caller):
    """A folder of the caller's with a file in it."""
    folder = shared / "data"
    folder.mkdir()
    (folder / "file").write_text("content\n")
    if caller:
        lib.chown_tree(folder, caller.uid, caller.gid)
    folder.chmod(0o777)
    return folder


def read_only_error(result):
    return "ead-only" in result.err or "EROFS" in result.err
