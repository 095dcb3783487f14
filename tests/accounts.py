# SPDX-License-Identifier: MIT OR Apache-2.0
"""Throw-away accounts of the host, with delegated ids or without. Names end in the process id of the tests that made
them, so that what killed tests have left can be told and removed."""

import atexit
import contextlib
import fcntl
import os
import pathlib
import re
import subprocess

DELEGATED = (pathlib.Path("/etc/subuid"), pathlib.Path("/etc/subgid"))


@contextlib.contextmanager
def _alone():
    """Tests that run beside these change the same files."""
    lock = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def make(name, *ranges):
    """Makes an account, with these ranges (first, count) of user and of group ids where they are given; its user and
    group id."""
    with _alone():
        command = ["useradd", "--system", "--no-create-home", "--user-group", name]
        subprocess.run(command, check=True, capture_output=True)
        atexit.register(forget, name)
        for path, (first, count) in zip(DELEGATED, ranges):
            with open(path, "a", encoding="ascii") as file:
                file.write(f"{name}:{first}:{count}\n")
    return tuple(int(subprocess.check_output(["id", option, name])) for option in ("-u", "-g"))


def forget(name):
    """Removes an account and its delegated ranges."""
    with _alone():
        subprocess.run(["userdel", name], check=False, capture_output=True)
        for path in DELEGATED:
            lines = path.read_text().splitlines(keepends=True) if path.exists() else []
            kept = [line for line in lines if not line.startswith(f"{name}:")]
            if kept != lines:
                path.write_text("".join(kept))


def forget_left(prefix):
    """Removes the accounts of this prefix whose tests have ended."""
    for line in pathlib.Path("/etc/passwd").read_text().splitlines():
        found = re.match(rf"({re.escape(prefix)}\w+-(\d+)):", line)
        if found and not os.path.exists(f"/proc/{found.group(2)}"):
            forget(found.group(1))
