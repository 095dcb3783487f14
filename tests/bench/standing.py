# SPDX-License-Identifier: MIT OR Apache-2.0
"""Containers that stand for a while: what of them stays in memory, and how many fit into a second."""

import contextlib
import ctypes
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from contestants import Entry
from host import ENVIRONMENT, LONGEST_RUN, Failure, as_user

KCMP, KCMP_VM = 312, 1
LONG = "3600"
_call = ctypes.CDLL(None, use_errno=True).syscall


def children_of(pid: int) -> list[int]:
    """Those of all its threads."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(word) for word in (task / "children").read_text().split()]
    return found


def tree_of(pid: int) -> list[int]:
    """The process and all below it, parents first."""
    return [pid, *(member for child in children_of(pid) for member in tree_of(child))]


def is_payload(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1][-1:] == [LONG.encode()] and \
            Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    return False


def pss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def shares_memory(one: int, other: int) -> bool:
    return _call(KCMP, one, other, KCMP_VM, 0, 0) == 0


def first_line(errors: bytes) -> str:
    return errors.decode(errors="replace").strip().partition("\n")[0] or "no message"


@contextlib.contextmanager
def standing(command: list[str], user: str | None) -> Iterator[tuple[subprocess.Popen, int]]:
    """A container with a payload that sleeps, and the payload's process id; gone with the block."""
    process = subprocess.Popen([*as_user(user), *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, cwd="/", env=ENVIRONMENT, start_new_session=True)
    found: list[int] = []
    try:
        deadline = time.monotonic() + LONGEST_RUN
        while not (found := [pid for pid in tree_of(process.pid) if is_payload(pid)]):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failure("its payload is not found" if process.poll() is None else first_line(process.stderr.read()))
            time.sleep(0.01)
        time.sleep(0.05)  # what comes after the command's exec
        yield process, found[0]
    finally:
        # What runs the payload sees its end and takes down what it has made, cgroups too.
        for pid in found[:1]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LONGEST_RUN)
        members = tree_of(process.pid)
        for pid in reversed(members):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()
        process.stderr.close()


def memory_of(entry: Entry, user: str | None) -> dict:
    """PSS of all processes but the payload, in KB; memory that two of them share counts once."""
    with standing(entry.standing, user) as (process, payload):
        others: list[int] = []
        # What an engine leaves behind is no child any more: PSS is that of the tree.
        for pid in tree_of(process.pid):
            if pid != payload and not any(shares_memory(pid, other) for other in others):
                others.append(pid)
        return {"pss_kb": sum(map(pss_kb, others)), "processes": len(tree_of(process.pid)) - 1}


def memory(entries: list[Entry], user: str | None, rounds: int) -> dict:
    """Medians by contestant, and why one is missing."""
    figures: dict[str, dict] = {}
    missing: dict[str, str] = {}
    for entry in entries:
        if not entry.standing:
            continue
        try:
            runs = [memory_of(entry, user) for _ in range(rounds)]
        except (Failure, OSError) as failure:
            missing[entry.key] = str(failure)
            continue
        figures[entry.key] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    return {"rows": figures, "missing": missing}


def rate(command: list[str], place: Path, count: int, at_once: int, user: str | None) -> float:
    """Containers per second."""
    burst = [*as_user(user), str(place / "burst"), str(count), str(at_once), *command]
    done = subprocess.run(burst, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", env=ENVIRONMENT,
                          timeout=4 * LONGEST_RUN, check=False)
    if done.returncode != 0:
        raise Failure(first_line(done.stderr.encode()))
    return count / (int(done.stdout) / 1e9)


def rates(entries: list[Entry], place: Path, rounds: int, user: str | None) -> dict:
    """Containers per second by contestant, in sequence and at once, interleaved; and why one is missing."""
    samples: dict[str, dict[str, list[float]]] = {}
    missing: dict[str, str] = {}
    for _ in range(rounds):
        for entry in entries:
            if not entry.many or entry.key in missing:
                continue
            try:
                for what, at_once in (("in_sequence", 1), ("at_once", entry.many)):
                    value = rate(entry.command, place, entry.many, at_once, user)
                    samples.setdefault(entry.key, {}).setdefault(what, []).append(value)
            except (Failure, subprocess.TimeoutExpired) as failure:
                missing[entry.key] = str(failure)
            time.sleep(0.2)  # the kernel takes the network namespaces down
    figures = {key: {what: {"median": statistics.median(values), "least": min(values), "most": max(values)}
                     for what, values in row.items()} for key, row in samples.items() if key not in missing}
    return {"rows": figures, "missing": missing}
