# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who takes part: one function per contestant. A new peer is one more function, and one more name in `contestants`."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PAYLOAD = ["/bin/true"]
SLEEP = ["/bin/sleep", "3600"]
MANY = 100
FEW = 20  # of the engines, which take a hundred times as long


@dataclass(frozen=True)
class Entry:
    """One row of the table. `note` says where it does more or less than the floor; `missing` why it cannot run."""

    key: str
    command: list[str]
    note: str = ""
    missing: str = ""
    is_reference: bool = False  # a plain program start for scale, no container
    only_root: bool = False
    # The same with a payload that sleeps, for its memory; empty where that is not asked.
    standing: list[str] = field(default_factory=list)
    many: int = 0  # how many are run in sequence and at once; 0: not asked


def installed(key: str, program: str, make: Callable[[list[str]], list[str]], note: str = "", many: int = MANY) -> Entry:
    """A container program that may be there (a bare name is looked up on PATH); `make` gives the rest of its command
    line for a payload."""
    path = shutil.which(program)
    command, standing = ([path or program, *make(payload)] for payload in (PAYLOAD, SLEEP))
    return Entry(key, command, note, "" if path else f"{program}: not found", standing=standing, many=many)


def floor(root: Path, place: Path) -> Entry:
    return installed("floor", str(place / "floor"), lambda payload: [str(root), *payload],
                     "one id mapped, nothing for safety")


def contain(root: Path, program: Path, musl: Path) -> list[Entry]:
    note = "also seccomp, cgroup2 on /sys/fs/cgroup, a supervisor whose end ends the container; as root all ids mapped"
    host = "the same with --host: a tmpfs and the host's own system read-only in place of a root, and the host's true"
    return [
        installed("contain", str(program), lambda payload: ["-c", str(root), *payload], note),
        installed("contain --host", str(program), lambda payload: ["-c", "--host", *payload], host),
        installed("contain, musl", str(musl), lambda payload: ["-c", str(root), *payload], "as contain, built with musl"),
    ]


def original(root: Path) -> Entry:
    folder = os.environ.get("ORIGINAL_BIN")
    if not folder:
        return Entry("original", [], missing="ORIGINAL_BIN is not set")
    return installed("original", f"{folder}/contain", lambda payload: ["-c", str(root), *payload], "arachsys contain")


def unshare(root: Path) -> Entry:
    kinds = ("mount", "pid", "ipc", "uts", "net", "cgroup", "time")
    options = ["--map-root-user", "--fork", *(f"--{kind}" for kind in kinds), f"--root={root}", "--mount-proc"]
    note = "does less: chroot, no bind of the root, no /dev, no /sys, loopback down"
    return installed("unshare", "unshare", lambda payload: [*options, *payload], note)


def bubblewrap(root: Path) -> Entry:
    namespaces = ["--unshare-user", "--unshare-all", "--uid", "0", "--gid", "0", "--as-pid-1"]
    mounts = ["--bind", str(root), "/", "--dev", "/dev", "--proc", "/proc", "--ro-bind", "/sys", "/sys"]
    environment = ["--clearenv", "--setenv", "container", "contain"]
    note = "no time namespace; the host's /sys read-only with all that is mounted there; also no_new_privs"
    return installed("bubblewrap", "bwrap", lambda payload: [*namespaces, *mounts, *environment, *payload], note)


def minijail(root: Path) -> Entry:
    options = ["-U", "-m", "-M", "-p", "-v", "-l", "-e", "-N", "--uts", "-P", str(root), "-t", "-d", "--"]
    return installed("minijail0", "minijail0", lambda payload: [*options, *payload], "no /sys, loopback as it is")


def nsjail(root: Path) -> Entry:
    options = ["-Mo", "-q", "--chroot", str(root), "--rw", "--user", "0", "--group", "0", "--disable_rlimits", "--"]
    return installed("nsjail", "nsjail", lambda payload: [*options, *payload], "no /dev, no /sys; a supervisor")


def bundle(place: Path, root: Path, payload: list[str]) -> str:
    """What an engine's `run` asks for: its default configuration with a user namespace, this root and this payload."""
    folder = place / f"bundle-{Path(payload[0]).name}"
    if not folder.exists():
        folder.mkdir(mode=0o755)
        maker = shutil.which("runc") or shutil.which("crun")
        if maker:
            subprocess.run([maker, "spec"], cwd=folder, check=True, capture_output=True)
            file = folder / "config.json"
            config = json.loads(file.read_text())
            config["process"] |= {"terminal": False, "args": payload}
            config["root"] = {"path": str(root), "readonly": False}
            config["linux"]["namespaces"].append({"type": "user"})
            ids = [{"containerID": 0, "hostID": 0, "size": 65536}]
            config["linux"] |= {"uidMappings": ids, "gidMappings": ids}
            file.write_text(json.dumps(config))
    return str(folder)


def engine(name: str, root: Path, place: Path) -> Entry:
    """`run` of an OCI runtime. Each takes an id that no other container has: a shell's process id."""
    note = "`run` of a bundle with its default configuration and a user namespace; also cgroups; a shell start more"
    shell = shutil.which("sh") or "/bin/sh"
    entry = installed(name, name, lambda payload: [bundle(place, root, payload)], note, many=FEW)
    path, folder = entry.command
    script = f'exec "$0" --root {place}/{name} run --bundle "$1" bench-$$'
    # Debian's crun refuses a machine with both versions of cgroups: it sees one without the second.
    if os.path.ismount("/sys/fs/cgroup/unified"):
        script = "umount /sys/fs/cgroup/unified; " + script
        shell, note = f"{shutil.which('unshare')} --mount {shell}", note + ", in a mount namespace without cgroup2"
    words = shell.split()
    command, standing = ([*words, "-c", script, path, at] for at in (folder, entry.standing[1]))
    return Entry(name, command, note, entry.missing, only_root=True, standing=standing, many=FEW)


def references(root: Path, place: Path, program: Path) -> list[Entry]:
    there = "" if program.exists() else f"{program}: not found"
    return [
        Entry("program start", [str(place / "start")], "static, no C library, exits at once", is_reference=True),
        Entry("C library start", [str(place / "hosted")], "static, with the C library, exits at once", is_reference=True),
        Entry("payload alone", [str(root / "bin/busybox"), "true"], "busybox true on the host", is_reference=True),
        Entry("contain --version", [str(program), "--version"], "the start of the program itself", there,
              is_reference=True),
    ]


def contestants(root: Path, place: Path, program: Path, musl: Path) -> list[Entry]:
    """All rows in the order of the table. `program` is contain, `musl` the same built with musl, `place` the folder of the
    built programs."""
    return [
        floor(root, place),
        *contain(root, program, musl),
        original(root),
        unshare(root),
        bubblewrap(root),
        minijail(root),
        nsjail(root),
        engine("crun", root, place),
        engine("runc", root, place),
        *references(root, place, program),
    ]


def visitors(place: Path, programs: tuple[Path, Path], supervisor: int, first: int, as_root: bool) -> list[Entry]:
    """The rows of the second table: a command into a running container, whose supervisor and first process these are."""
    inject, musl = (program.with_name("inject") for program in programs)
    kinds = ("user", "mount", "ipc", "uts", "net", "pid", "cgroup", "time")
    join = ["--all"] if as_root else ["--preserve-credentials", *(f"--{kind}" for kind in kinds)]
    rows = [
        installed("floor", str(place / "enter"), lambda payload: [str(first), *payload], "nothing for safety"),
        installed("inject", str(inject), lambda payload: [str(supervisor), *payload],
                  "also finds the container, its cgroups, seccomp, a supervisor"),
        installed("inject, musl", str(musl), lambda payload: [str(supervisor), *payload], "as inject, built with musl"),
        installed("nsenter", "nsenter", lambda payload: ["--target", str(first), *join, *payload],
                  "no change of ids that the kernel does not make"),
    ]
    folder = os.environ.get("ORIGINAL_BIN")
    if folder:
        rows.append(installed("original", f"{folder}/inject", lambda payload: [str(first), *payload],
                              "arachsys inject, given the first process"))
    else:
        rows.append(Entry("original", [], missing="ORIGINAL_BIN is not set"))
    return rows
