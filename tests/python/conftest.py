# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures: scripts in a Python of their own, a small root file system, marks by which processes are found.

The tests run as root and as an ordinary user alike, with the installed package and nothing else of contain.
"""

import gc
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

_numbers = itertools.count(1)


@pytest.fixture
def script(tmp_path: pathlib.Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code in a process of its own, which must succeed."""

    def run(code: str, **more: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            **more,
        )
        assert done.returncode == 0, done.stderr
        return done

    return run


class Mark:
    """A length of sleep that no other process has, and a look at who has it."""

    def __init__(self) -> None:
        self.seconds = f"{300 + next(_numbers)}.{os.getpid():08d}"
        self.look = f"grep -lsz '^{self.seconds}$' /proc/[0-9]*/cmdline"
        """A shell's line that names their files in /proc."""

    def processes(self) -> list[int]:
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except (FileNotFoundError, ProcessLookupError):
                    continue
                if words[:2] == [b"sleep", self.seconds.encode()]:
                    found.append(int(entry.name))
        return found

    def wait_for(self, count: int) -> bool:
        """Whether there come to be this many within five seconds."""
        end = time.monotonic() + 5
        while len(self.processes()) != count and time.monotonic() < end:
            time.sleep(0.01)
        return len(self.processes()) == count


@pytest.fixture
def mark() -> Iterator[Mark]:
    mark = Mark()
    yield mark
    left = mark.processes()
    for pid in left:
        os.kill(pid, 9)
    assert left == []


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A root file system with a shell and what it needs; it says `here` in /etc/place."""
    root = tmp_path_factory.mktemp("root")
    root.chmod(0o755)
    for folder in ("dev", "proc", "sys", "tmp", "etc", "bin"):
        (root / folder).mkdir()
    (root / "etc/place").write_text("here\n")
    (root / "etc/data").write_text("not a program\n")
    listed = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    for source in ["/bin/sh", *re.findall(r"(/\S+) \(0x", listed)]:
        target = root / source.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return root


@pytest.fixture(scope="session")
def inner_python() -> str:
    """A Python that a container with the host's system sees."""
    for path in (sys.executable, "/usr/local/bin/python3", "/usr/bin/python3"):
        path = os.path.realpath(path)
        if path.startswith("/usr/") and os.path.exists(path):
            return path
    pytest.skip("there is no Python below /usr, which is what containers see")


@pytest.fixture
def descriptors() -> Callable[[], int]:
    """How many descriptors this process has open, beside those of handles that nobody has any more."""
    return lambda: gc.collect() * 0 + len(os.listdir("/proc/self/fd"))
