# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starting what is to be killed, finding its processes, and seeing what is left of it.

Assumes real root. The test process is a child subreaper in a mount namespace of its own (conftest.py): whatever a
test leaves running is found among its descendants, and mounts and pseudo-terminals that appear are the test's.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import termios
import time

SOON = 3.0
"""Seconds within which everything must be gone; a loaded machine needs more than the milliseconds it takes."""
OWN_FAILURE = 125
TOP_ID = 2**32 - 2
"""The highest id: what root's default map puts container 0 on."""
PPOLL = "271"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "TERM": "vt100"}


@dataclasses.dataclass(frozen=True)
class User:
    name: str
    uid: int
    gid: int


@dataclasses.dataclass(frozen=True)
class Case:
    """A configuration: who starts what. `command` is a list that may name {contain}, {hold}, {root}, {target}…"""

    name: str
    command: tuple
    who: str = "root"
    terminal: bool = False
    idmap: bool = False
    """Whether contain-idmap is installed; else delegated ids are mapped by newuidmap and newgidmap."""

    def __str__(self):
        return f"{self.name}-{self.who}"

    @property
    def is_library(self):
        return self.command[0] == "{hold}"

    @property
    def is_inject(self):
        return self.command[0] == "{inject}"

    @property
    def is_pseudo(self):
        return self.command[0] == "{pseudo}"

    @property
    def is_guarded(self):
        """The command is PID 1 itself, and could clear its parent-death signal, or there is a terminal to restore."""
        if self.is_library:
            return "pid1" in self.command
        return self.command[0] == "{contain}" and ("--init" not in self.command or self.terminal)


class Held:
    """A process held by a pidfd."""

    def __init__(self, pid):
        self.pid, self.fd = pid, os.pidfd_open(pid)

    def kill(self, number=signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.fd, number)

    def ended(self, timeout=SOON):
        return bool(select.select([self.fd], [], [], timeout)[0])

    def close(self):
        os.close(self.fd)


def kill(pid, number=signal.SIGKILL):
    """Kills a process and waits until it has ended."""
    held = Held(pid)
    held.kill(number)
    ended = held.ended()
    held.close()
    assert ended, f"{pid} does not end: {describe_below()}"


class Run:
    """A program under test in the background; `with` ends it and everything below it."""

    started = set()

    def __init__(self, case, words, user=None, cwd="/", **variables):
        self.case, self.monitor_was_killed = case, False
        self.said = tempfile.TemporaryFile()
        self.told = tempfile.TemporaryFile()
        self.master = self.slave = None
        stdin, stdout, before = subprocess.PIPE, self.told, None
        if case.terminal:
            self.master, self.slave = os.openpty()
            stdin = stdout = self.slave
            before = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=stdout,
            stderr=self.said,
            env={**ENVIRONMENT, **{key: str(value) for key, value in variables.items()}},
            cwd=cwd,
            start_new_session=True,
            preexec_fn=before,
            **({"user": user.uid, "group": user.gid, "extra_groups": []} if user else {}),
        )
        self.caller = Held(self.process.pid)
        self.pid = self.process.pid
        Run.started.add(self.pid)

    def errors(self):
        return os.pread(self.said.fileno(), 1 << 16, 0).decode(errors="replace")

    def output(self):
        if self.case.terminal:
            text = b""
            while select.select([self.master], [], [], 0)[0]:
                text += os.read(self.master, 65536)
            return text.decode(errors="replace")
        return os.pread(self.told.fileno(), 1 << 16, 0).decode(errors="replace")

    def expect(self, text, timeout=10):
        """Waits until the output has this; a terminal's output is looked at once it is there."""
        got = ""
        end = time.monotonic() + timeout
        while True:
            got = got + self.output() if self.case.terminal else self.output()
            if text in got:
                return got
            if self.process.poll() is not None and not self.case.terminal:
                got = self.output()
                assert text in got, f"ended before {text!r}: {got!r} {self.errors()!r}"
                return got
            assert time.monotonic() < end, f"{text!r} did not come: {got!r} {self.errors()!r}"
            time.sleep(0.002)

    def send(self, line):
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def monitor(self):
        """The monitor's pid: the process that was started, or what it had started beside itself."""
        if not self.case.is_library:
            return self.pid
        # Until the process in between has ended, it is that one's child.
        beside = [*children(os.getpid()), *descendants(self.pid)]
        return next((pid for pid in beside if pid != self.pid and is_contain_init(pid)), None)

    def init(self):
        """PID 1's pid, or the injected process's; none before it is there."""
        monitor = self.monitor()
        if monitor is None:
            return None
        below = children(monitor)
        if self.case.is_pseudo:
            return next(iter(below), None)
        depth = len(status_field(monitor, "NSpid"))
        return next((pid for pid in below if len(status_field(pid, "NSpid")) > depth), None)

    def guard(self):
        """The guard's pid: a contain-init beside the monitor; none where there is none yet."""
        monitor = self.monitor()
        if monitor is None:
            return None
        depth = len(status_field(monitor, "NSpid"))
        below = [pid for pid in children(monitor) if len(status_field(pid, "NSpid")) == depth]
        return next((pid for pid in below if is_contain_init(pid) and shares_descriptors(pid, monitor)), None)

    def commands(self):
        """The processes that the command consists of, once they are what they stay."""
        first = self.pid if self.case.is_pseudo else self.init()
        below = [first, *descendants(first)] if first else []
        return [pid for pid in below if status_field(pid, "Name") in (["cling"], ["sleep"])
                and status_field(pid, "State")[:1] == ["S"]]

    def orphans(self):
        """Zombies that a caller which is a subreaper got when its monitor was killed."""
        if not self.monitor_was_killed or "subreaper" not in self.case.command:
            return []
        return [pid for pid in children(self.pid) if is_zombie(pid)]

    def is_stopped(self):
        """Whether a step has stopped; with a console PID 1's words stay in there and its system call tells."""
        if "stopped\n" in self.errors():
            return True
        if not self.case.terminal:
            return False
        init = self.init()
        inside = [init, *descendants(init)] if init else []
        return any(is_contain_init(pid) and system_call(pid) == PPOLL for pid in inside)

    def until_stopped(self, timeout=10):
        """Whether it stopped, or ended without."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.is_stopped():
                return True
            if self.caller.ended(0.002):
                return self.is_stopped()
            if self.case.is_library and "descriptors" in self.output():
                return False
        raise AssertionError(f"neither stopped nor ended: {self.errors()!r} {self.output()!r}")

    def wait(self, timeout=10):
        """The exit status; negative for a signal."""
        assert self.caller.ended(timeout), f"did not end within {timeout} s: {self.errors()!r} {describe_below()}"
        return self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.caller.kill()
        self.process.wait()
        Run.started.discard(self.pid)
        self.caller.close()
        for file in (self.said, self.told, self.process.stdin):
            if file:
                file.close()
        for descriptor in (self.master, self.slave):
            if descriptor is not None:
                os.close(descriptor)


def read(path):
    """The text of a file of /proc; nothing where the process is gone."""
    try:
        return pathlib.Path(path).read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""


def status_field(pid, field):
    found = re.search(rf"^{field}:\s*(.*)$", read(f"/proc/{pid}/status"), re.MULTILINE)
    return found.group(1).split() if found else []


def children(pid):
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    return [int(child) for thread in threads for child in read(f"/proc/{pid}/task/{thread}/children").split()]


def descendants(pid):
    found, pending = [], [pid]
    while pending:
        below = children(pending.pop())
        found += below
        pending += below
    return found


def is_contain_init(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/contain-init")
    except OSError:
        return False


def is_zombie(pid):
    return status_field(pid, "State")[:1] in (["Z"], ["X"], [])


def system_call(pid):
    return read(f"/proc/{pid}/syscall").partition(" ")[0]


def shares_descriptors(one, other):
    """Whether two processes have the same descriptors open, as a guard and its monitor do."""

    def table(pid):
        try:
            return {name: os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")}
        except OSError:
            return None

    return table(one) == table(other) is not None


def describe_below():
    """Our descendants, for messages."""
    return [
        (pid, read(f"/proc/{pid}/cmdline").replace("\0", " "), "".join(status_field(pid, "State")[:1]),
         status_field(pid, "NSpid"), read(f"/proc/{pid}/syscall").split()[:3])
        for pid in descendants(os.getpid())
    ]


def reap(known):
    """Reaps what was orphaned and came to this process; what it started itself is waited for where it was started."""
    for pid in children(os.getpid()):
        if pid not in known and pid not in Run.started and is_zombie(pid):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def until(condition, what, timeout=SOON):
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come within {timeout} s: {describe_below()}"
        time.sleep(0.002)
    return value


class Picture:
    """What there is on the host that a container could leave something of."""

    def __init__(self, *folders):
        self.folders = folders
        self.processes = set(descendants(os.getpid()))
        self.rest = self.look()

    def look(self):
        files = set()
        for folder in self.folders:
            for place, below, names in os.walk(folder):
                files.update(os.path.join(place, name) for name in [*below, *names])
        return {
            "mounts": set(read("/proc/self/mountinfo").splitlines()),
            "terminals": set(os.listdir("/dev/pts")),
            "files": files,
            "descriptors": len(os.listdir("/proc/self/fd")),
        }

    def new_processes(self):
        """Processes that were not there; what was orphaned and has ended is reaped first."""
        reap(self.processes)
        return set(descendants(os.getpid())) - self.processes

    def processes_left(self, but=()):
        """New processes, described; `but` are meant to live."""
        more = self.new_processes() - set(but)
        return [one for one in describe_below() if one[0] in more]

    def left(self):
        """What is there now and was not; nothing where all is as it was."""
        told = [("processes", found)] if (found := self.processes_left()) else []
        for kind, now in self.look().items():
            if now != self.rest[kind]:
                told.append((kind, now ^ self.rest[kind] if isinstance(now, set) else (self.rest[kind], now)))
        return told

    def assert_no_process(self, *but, timeout=SOON):
        end = time.monotonic() + timeout
        while told := self.processes_left(but):
            assert time.monotonic() < end, f"left behind: {told}"
            time.sleep(0.002)

    def assert_nothing_left(self, timeout=SOON):
        end = time.monotonic() + timeout
        while told := self.left():
            assert time.monotonic() < end, f"left behind: {told}"
            time.sleep(0.002)

    def clean(self):
        """Kills what a failed test left, so that the next one starts clean."""
        for pid in set(descendants(os.getpid())) - self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(AssertionError):
            until(lambda: reap(self.processes) or not set(descendants(os.getpid())) - self.processes, "the end")


def marked(marker):
    """Processes anywhere on the machine that name the marker in arguments or environment."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            if marker in read(f"/proc/{entry}/cmdline") or marker in read(f"/proc/{entry}/environ"):
                found.append(int(entry))
    return found


def explained(text, is_json):
    """The steps of a printed plan: {number: doer}, the finally steps left out."""
    if is_json:
        steps = [(step["number"], step["doer"]) for step in json.loads(text)["steps"]]
    else:
        steps = [line for line in text.splitlines() if not line.startswith("note: ")]
        lines = [re.match(r"(monitor|pid 1|finally)\s+(\d+)  ", line) for line in steps]
        steps = [(int(found.group(2)), found.group(1)) for found in lines]
    return {number: doer for number, doer in steps if doer != "finally"}
