# SPDX-License-Identifier: MIT OR Apache-2.0
"""Counts the system calls of a whole process tree with strace. Counting slows a run down: it is never timed."""

import shutil
import subprocess
from pathlib import Path

from host import ENVIRONMENT, LONGEST_RUN, as_user

FORKS = {"fork", "vfork", "clone", "clone3"}
EXECS = {"execve", "execveat"}
MOUNTS = {"mount", "move_mount"}


def parse_summary(text: str) -> dict[str, int]:
    """Calls by name from `strace -c -U calls,name`."""
    calls = {}
    for line in text.splitlines():
        fields = line.split()
        if len(fields) == 2 and fields[0].isdigit() and fields[1] != "total":
            calls[fields[1]] = int(fields[0])
    return calls


def summarize(calls: dict[str, int]) -> dict[str, int]:
    def sum_of(names):
        return sum(calls.get(name, 0) for name in names)

    return {"syscalls": sum(calls.values()), "forks": sum_of(FORKS), "execs": sum_of(EXECS), "mounts": sum_of(MOUNTS)}


def count(command: list[str], user: str | None, folder: Path) -> dict:
    """The counts of one run, or {} where it cannot be traced: a setuid helper, for one, has no power under strace."""
    output = folder / "summary"
    trace = [*as_user(user), "strace", "-f", "-c", "-U", "calls,name", "-o", str(output), "--", *command]
    try:
        done = subprocess.run(trace, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              cwd="/", env=ENVIRONMENT, timeout=LONGEST_RUN)
    except subprocess.TimeoutExpired:
        return {}
    calls = parse_summary(output.read_text()) if done.returncode == 0 else {}
    output.unlink(missing_ok=True)
    return {**summarize(calls), "by_name": calls} if calls else {}


def count_calls(entries, missing: dict, user: str | None, place: Path) -> dict[str, dict]:
    """Counts by contestant; empty without strace."""
    if not shutil.which("strace", path=ENVIRONMENT["PATH"]):
        return {}
    folder = place / "strace"
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o1777)
    return {entry.key: count(entry.command, user, folder) for entry in entries if entry.key not in missing}
