# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmark's dealings with the machine: building its programs and root, its user, and the launcher processes."""

import contextlib
import os
import platform
import pwd
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}
COMPILE = ("-std=gnu11 -O2 -Wall -Wextra -Werror -static -nostdlib -nostartfiles -ffreestanding -fno-stack-protector"
           " -fno-pie -no-pie -fcf-protection=none -fno-asynchronous-unwind-tables"
           " -Wl,--build-id=none -Wl,-z,noseparate-code").split()
PROGRAMS = ("floor", "enter", "start", "launch", "burst")
HOSTED = "hosted"  # the one with the C library
LONGEST_RUN = 30  # seconds
SEPARATOR = "\x1f"


class Failure(Exception):
    """The benchmark cannot run; the text says why."""


def build(source: Path, place: Path) -> None:
    """Compiles the benchmark's C programs from `source` into `place`, under their own names."""
    if platform.machine() != "x86_64":
        raise Failure(f"the floor is written for x86_64, this is {platform.machine()}")
    compiler = os.environ.get("CC", "cc")
    for program in (*PROGRAMS, HOSTED):
        options = ["-O2", "-static"] if program == HOSTED else COMPILE
        command = [compiler, *options, "-o", str(place / program), str(source / f"{program}.c")]
        try:
            subprocess.run(command, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failure(f"build {program}.c: {error}") from error


def make_root(place: Path) -> Path:
    """A root file system with busybox as /bin/true and /bin/sh."""
    busybox = shutil.which("busybox", path=ENVIRONMENT["PATH"])
    if not busybox:
        raise Failure("busybox: not found (apt-get install busybox-static)")
    root = place / "root"
    for folder in ("bin", "dev", "proc", "sys", "tmp"):
        (root / folder).mkdir(parents=True, mode=0o755)
    shutil.copy(busybox, root / "bin/busybox")
    for applet in ("true", "sh", "sleep"):
        (root / "bin" / applet).symlink_to("busybox")
    return root


@contextlib.contextmanager
def throw_away_user(wanted: bool) -> Iterator[str | None]:
    """A new user without subordinate ids for as long as the block runs; None where none is wanted."""
    if not wanted:
        yield None
        return
    name = f"containbench{os.getpid()}"
    create = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    try:
        subprocess.run(create, check=True, capture_output=True, text=True, env=ENVIRONMENT)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failure(f"useradd {name}: {getattr(error, 'stderr', None) or error}") from error
    try:
        yield name
    finally:
        subprocess.run(["userdel", name], check=True, env=ENVIRONMENT)


def as_user(name: str | None) -> list[str]:
    """What to put before a command so that it runs as that user; nothing for None."""
    if name is None:
        return []
    entry = pwd.getpwnam(name)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--inh-caps=-all", "--"]


@dataclass(frozen=True)
class Run:
    """What the launcher measured. CPU time and faults are those of the whole tree as far as it was waited for."""

    wait_status: int
    wall_ns: int
    cpu_us: int
    peak_rss_kb: int
    minor_faults: int
    orphans: int
    errors: str

    @property
    def failure(self) -> str:
        """How it failed, with the first line that it wrote to stderr; empty for success."""
        if self.wait_status == 0:
            return ""
        code = os.waitstatus_to_exitcode(self.wait_status)
        return f"{'status' if code >= 0 else 'signal'} {abs(code)}: {self.errors or 'no message'}"


class Launcher:
    """A process that runs commands for us, one at a time, as one user; see launch.c."""

    def __init__(self, place: Path, user: str | None) -> None:
        self._errors = open(place / f"errors-{user or 'own'}", "w+b", buffering=0)
        command = [*as_user(user), str(place / "launch")]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                         cwd="/", env=ENVIRONMENT, bufsize=0, start_new_session=True)

    def run(self, command: list[str]) -> Run:
        self._errors.seek(0)  # the offset is shared with the commands, which write here
        self._errors.truncate()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write((SEPARATOR.join(command) + "\n").encode())
        ready, _, _ = select.select([self._process.stdout], [], [], LONGEST_RUN)
        if not ready:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise Failure(f"{' '.join(command)}: not done after {LONGEST_RUN} seconds")
        numbers = self._process.stdout.readline().split()
        self._errors.seek(0)
        errors = self._errors.readline().decode(errors="replace").strip()
        if not numbers:
            raise Failure(f"the launcher has ended: {errors}")
        return Run(*map(int, numbers), errors)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def describe_machine() -> dict:
    return {
        "kernel": platform.release(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "mounts": len(Path("/proc/self/mountinfo").read_text().splitlines()),
        "date": time.strftime("%Y-%m-%d"),
    }
