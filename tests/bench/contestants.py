# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who takes part: one function per contestant. A new peer is one more function, and one more name in `contestants`."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One row of the table. `note` says where it does more or less than the floor; `missing` why it cannot run."""

    key: str
    command: list[str]
    note: str = ""
    missing: str = ""
    is_reference: bool = False  # a plain program start for scale, no container


PAYLOAD = ["/bin/true"]


def installed(key: str, program: str, arguments: list[str], note: str = "") -> Entry:
    """A program that may be there: a bare name is looked up on PATH."""
    path = shutil.which(program)
    return Entry(key, [path or program, *arguments], note, missing="" if path else f"{program}: not found")


def floor(root: Path, place: Path) -> Entry:
    return Entry("floor", [str(place / "floor"), str(root), *PAYLOAD], "one id mapped, nothing for safety")


def contain(root: Path, program: Path) -> Entry:
    note = "also seccomp, cgroup2 on /sys/fs/cgroup, a supervisor whose end ends the container; as root all ids mapped"
    return installed("contain", str(program), ["-c", str(root), *PAYLOAD], note)


def original(root: Path) -> Entry:
    folder = os.environ.get("ORIGINAL_BIN")
    if not folder:
        return Entry("original", [], missing="ORIGINAL_BIN is not set")
    return installed("original", f"{folder}/contain", ["-c", str(root), *PAYLOAD], "arachsys contain")


def unshare(root: Path) -> Entry:
    kinds = ("mount", "pid", "ipc", "uts", "net", "cgroup", "time")
    options = ["--map-root-user", "--fork", *(f"--{kind}" for kind in kinds), f"--root={root}", "--mount-proc"]
    note = "does less: chroot, no bind of the root, no /dev, no /sys, loopback down"
    return installed("unshare", "unshare", [*options, *PAYLOAD], note)


def bubblewrap(root: Path) -> Entry:
    namespaces = ["--unshare-user", "--unshare-all", "--uid", "0", "--gid", "0", "--as-pid-1"]
    mounts = ["--bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--ro-bind", "/sys", "/sys"]
    environment = ["--clearenv", "--setenv", "container", "contain"]
    note = "no time namespace; the host's /sys read-only with all that is mounted there; also no_new_privs"
    return installed("bubblewrap", "bwrap", [*namespaces, *mounts, *environment, *PAYLOAD], note)


def references(root: Path, place: Path, program: Path) -> list[Entry]:
    version = installed("contain --version", str(program), ["--version"])
    return [
        Entry("program start", [str(place / "start")], "static, no C library, exits at once", is_reference=True),
        Entry("payload alone", [str(root / "bin/busybox"), "true"], "busybox true on the host", is_reference=True),
        Entry(version.key, version.command, "the start of the program itself", version.missing, is_reference=True),
    ]


def contestants(root: Path, place: Path, program: Path) -> list[Entry]:
    """All rows in the order of the table. `program` is contain, `place` the folder of the built programs."""
    return [
        floor(root, place),
        contain(root, program),
        original(root),
        unshare(root),
        bubblewrap(root),
        *references(root, place, program),
    ]
