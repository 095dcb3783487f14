# SPDX-License-Identifier: MIT OR Apache-2.0
"""Names that change while the container is made: whatever the root's owner does, nothing is made, mounted or opened
outside the root, and contain either starts the command or says why not.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

import pytest
from lib import run

SECONDS = float(os.environ.get("ESCAPE_SECONDS", 2))
# Exchanges a directory of the root with a link that leads out of it, over and over.
FLIPPER = """
import ctypes, os, sys
rename = ctypes.CDLL(None).renameat2
pairs = [tuple(os.fsencode(f"{sys.argv[1]}/{name}") for name in (first, first + ".other")) for first in sys.argv[2:]]
print("up", flush=True)
while True:
    for first, second in pairs:
        rename(-100, first, -100, second, 2)
"""
NAMES = ("dev", "proc", "sys", "tmp", "etc", "mnt", "bin")


@contextlib.contextmanager
def flipping(root, outside, names):
    for name in names:
        (root / name).mkdir(exist_ok=True)
        (root / f"{name}.other").symlink_to(f"../../../../../../..{outside}")
    flipper = subprocess.Popen([sys.executable, "-c", FLIPPER, root, *names], stdout=subprocess.PIPE)
    assert flipper.stdout.readline() == b"up\n"
    try:
        yield
    finally:
        flipper.kill()
        flipper.wait()
        flipper.stdout.close()


def content(folder):
    return sorted((str(path), path.stat().st_mode, path.stat().st_ino) for path in pathlib.Path(folder).rglob("*"))


@pytest.mark.parametrize("as_user", [False, True], ids=["root", "user"])
@pytest.mark.parametrize("names", [("dev",), ("proc", "sys"), NAMES], ids="-".join)
def test_names_flipped_under_every_operation_lead_nowhere(place, as_user, names):
    where = place(as_user)
    outside = where.host
    (outside / "kept").write_text("kept")
    for folder in ("pts", "shm", "fs", "self"):
        (outside / folder).mkdir()
    os.chmod(outside, 0o777)
    before = content(outside)
    statuses, end = set(), time.monotonic() + SECONDS
    with flipping(where.root, outside, names):
        while time.monotonic() < end:
            for options in ((), ("-c",), ("-c", "--init", "-i", "true")):
                result = where.contain(*options, where.root, "/bin/busybox", "true")
                statuses.add(result.status)
                if result.status:
                    assert re.match(r"contain: step \d+, ", result.err), result
                assert content(outside) == before
    assert statuses <= {0, 125, 126, 127}, statuses
    mounts = run(["cat", "/proc/self/mountinfo"]).out
    assert str(where.root) not in mounts and str(outside) not in mounts
