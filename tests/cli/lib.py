# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starting the programs under test, looking at what they made, and undoing it.

Assumes real root on the host. The test process is a child subreaper (conftest.py),
so that whatever a test leaves running is found among its descendants.
"""

import contextlib
import ctypes
import dataclasses
import fcntl
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
TOP_ID = 2**32 - 2
"""The highest id of the first user namespace: what root's default map puts container 0 on."""

def our_programs():
    """The folder with our programs, and with libcontain."""
    return pathlib.Path(os.environ.get("CONTAIN_BIN") or REPOSITORY / "target/release")


def core_programs():
    """The folder with contain-init and contain-idmap."""
    return pathlib.Path(os.environ.get("CONTAIN_CORE") or REPOSITORY / "target/core")


ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "TERM": "vt100"}
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass(frozen=True)
class Tools:
    """The three programs of one kind: `ours` or the `original`."""

    name: str
    contain: str
    inject: str
    pseudo: str


@dataclasses.dataclass(frozen=True)
class User:
    """A throw-away account; `uids` and `gids` are its delegated ranges, (first, count)."""

    name: str
    uid: int
    gid: int
    uids: tuple = ()
    gids: tuple = ()


@dataclasses.dataclass(frozen=True)
class Result:
    status: int
    out: str
    err: str
    raw: bytes = b""

    @property
    def lines(self):
        return self.out.replace("\r\n", "\n").splitlines()


def shell_status(returncode):
    """What a shell would put into `$?`."""
    return 128 - returncode if returncode < 0 else returncode


def _become(user, hosts, limits, before):
    """Returns what a forked child does before exec: namespaces, limits, then identity."""

    def child():
        for descriptor, flag in hosts:
            if _libc.setns(descriptor, flag) != 0:
                os._exit(99)
        for name, value in limits.items():
            resource.setrlimit(name, value)
        if user is not None:
            os.setgroups([])
            os.setresgid(user.gid, user.gid, user.gid)
            os.setresuid(user.uid, user.uid, user.uid)
        if before is not None:
            before()

    return child


def spawn(argv, *, user=None, env=None, cwd="/", host=None, limits=None, before=None, **popen):
    """Popen with the suite's defaults; `env` is added to a small fixed environment."""
    hosts = host.descriptors() if host is not None else []
    environment = {**ENVIRONMENT, **(env or {})}
    if user is not None:
        environment = {"USER": user.name, "LOGNAME": user.name, "HOME": "/", **environment}
    return subprocess.Popen(
        [str(word) for word in argv],
        env={key: value for key, value in environment.items() if value is not None},
        cwd=cwd,
        preexec_fn=_become(user, hosts, limits or {}, before),
        **popen,
    )


def run(argv, *, stdin=b"", stdout=subprocess.PIPE, timeout=20, **options):
    """Runs to the end and returns a Result; a hang is an assertion, and is cleaned up."""
    source = {"stdin": subprocess.DEVNULL} if stdin is None else {"stdin": subprocess.PIPE}
    process = spawn(argv, stdout=stdout, stderr=subprocess.PIPE, **source, **options)
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        kill_descendants(process.pid)
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"{argv} did not end within {timeout} s; stdout {out!r} stderr {err!r}") from None
    out = out or b""
    return Result(shell_status(process.returncode), out.decode(errors="replace"), err.decode(errors="replace"), out)


class Started:
    """A program under test; `with` ends it and all below it."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            kill_descendants(self.pid)
            self.process.kill()
        self.process.wait()
        self.close()


class Supervisor(Started):
    """One that runs in the background."""

    def __init__(self, argv, **options):
        self.process = spawn(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, **options
        )
        self.pid = self.process.pid
        self.buffer = b""

    def expect(self, text, timeout=10):
        """Reads stdout until `text` has come, and returns all read so far."""
        wanted, end = text.encode(), time.monotonic() + timeout
        while wanted not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"{text!r} did not come within {timeout} s; got {self.buffer!r}")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                told = self.process.stderr.read()
                raise AssertionError(f"ended before {text!r}; got {self.buffer!r}; stderr {told!r}")
            self.buffer += chunk
        return self.buffer.decode(errors="replace")

    def send(self, text):
        self.process.stdin.write(text.encode())

    def init(self, timeout=5):
        """The host pid of PID 1: the supervisor's child that is 1 in a PID namespace of its own."""
        return until(lambda: first_init(self.pid), timeout, f"PID 1 below {self.pid}")

    def wait(self, timeout=10):
        try:
            return shell_status(self.process.wait(timeout))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"pid {self.pid} did not end within {timeout} s") from None

    def close(self):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


class Terminal(Started):
    """One on a pseudo-terminal of its own, as its session leader."""

    def __init__(self, argv, rows=24, columns=80, **options):
        self.master, self.slave = os.openpty()
        self.resize(rows, columns)
        self.buffer = b""
        self.process = spawn(
            argv,
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            start_new_session=True,
            before=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            **options,
        )
        self.pid = self.process.pid

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def mode(self):
        """The attributes of the caller's terminal: iflag, oflag, cflag, lflag, speeds, characters."""
        return termios.tcgetattr(self.slave)

    def is_raw(self):
        return not self.mode()[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def send(self, text):
        os.write(self.master, text if isinstance(text, bytes) else text.encode())

    def expect(self, pattern, timeout=10):
        """Reads until the regular expression has matched, consumes up to its end, returns the match."""
        end = time.monotonic() + timeout
        while not (match := re.search(pattern.encode(), self.buffer)):
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                raise AssertionError(f"{pattern!r} did not come within {timeout} s; got {self.buffer!r}")
            self.buffer += os.read(self.master, 65536)
        self.buffer = self.buffer[match.end() :]
        return match

    def wait(self, timeout=10):
        """Waits for the end, reading what still comes (a full terminal would block the writer)."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"pid {self.pid} did not end within {timeout} s; got {self.buffer!r}")
            self.drain(0.02)
        self.drain(0)
        return shell_status(self.process.returncode)

    def drain(self, seconds):
        while select.select([self.master], [], [], seconds)[0]:
            self.buffer += os.read(self.master, 65536)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


class PrivateHost:
    """A mount namespace (and network namespace) of its own, to change the host without changing it."""

    def __init__(self, network=False):
        kinds = ["--mount", "--propagation", "private"] + (["--net"] if network else [])
        self.holder = spawn(
            ["unshare", *kinds, "sh", "-c", "echo held; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.holder.stdout.readline() == b"held\n"
        self.flags = [("mnt", CLONE_NEWNS)] + ([("net", CLONE_NEWNET)] if network else [])
        self.opened = [(os.open(f"/proc/{self.holder.pid}/ns/{name}", os.O_RDONLY), flag) for name, flag in self.flags]

    def descriptors(self):
        return self.opened

    def shell(self, script, *arguments):
        """Runs a script as root in there and returns its output; its failure is an error."""
        result = run(["sh", "-ec", script, "sh", *arguments], host=self)
        assert result.status == 0, f"{script}: {result.err}"
        return result.out

    def delegate(self, uids, gids):
        """Puts other /etc/subuid and /etc/subgid in place, as texts; None takes the file away."""
        if uids is None or gids is None:
            self.shell(
                't=$(mktemp -d) && mount -t tmpfs none "$t" && mkdir "$t/u" "$t/w" && '
                'mount -t overlay -o "lowerdir=/etc,upperdir=$t/u,workdir=$t/w" none /etc && '
                'umount -l "$t" && rmdir "$t" && rm -f /etc/subuid /etc/subgid'
            )
        for path, text in (("/etc/subuid", uids), ("/etc/subgid", gids)):
            if text is not None:
                with tempfile.NamedTemporaryFile("wb") as file:
                    file.write(text if isinstance(text, bytes) else text.encode())
                    file.flush()
                    os.chmod(file.name, 0o644)
                    self.shell('touch "$2" && mount --bind "$1" "$2"', file.name, path)

    def hide_system_helpers(self):
        """Makes newuidmap and newgidmap something that cannot be used."""
        self.shell("for p in newuidmap newgidmap; do w=$(command -v $p) && mount --bind /dev/null $w || true; done")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for descriptor, _flag in self.opened:
            os.close(descriptor)
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.wait()


def until(condition, timeout=5, what="the condition"):
    """Polls until `condition()` is true, and returns its value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come within {timeout} s"
        time.sleep(0.01)
    return value


def status_field(pid, field):
    """The words of one line of /proc/PID/status, or nothing where the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    found = re.search(rf"^{field}:\s*(.*)$", text, re.MULTILINE)
    return found.group(1).split() if found else []


def gone(pid):
    """Whether a process has ended, waited for or not."""
    return (status_field(pid, "State") or ["X"])[0] in "ZX"


def parents():
    """Every process but zombies: {pid: parent}."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            found[int(entry)] = (int(fields[1]), fields[0])
    return found


def children(pid):
    return [child for child, (parent, state) in parents().items() if parent == pid and state not in "ZX"]


def descendants(pid):
    """All living processes below `pid`."""
    table, found, pending = parents(), [], [pid]
    while pending:
        current = pending.pop()
        below = [child for child, (parent, _) in table.items() if parent == current]
        found += [child for child in below if table[child][1] not in "ZX"]
        pending += below
    return found


def first_init(pid):
    for child in children(pid):
        numbers = status_field(child, "NSpid")
        if len(numbers) > 1 and numbers[-1] == "1":
            return child
    return None


def kill_descendants(pid):
    for below in descendants(pid):
        try:
            os.kill(below, signal.SIGKILL)
        except ProcessLookupError:
            pass


def namespace(pid, name):
    return os.readlink(f"/proc/{pid}/ns/{name}")


def chown_tree(path, uid, gid):
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files]:
            os.chown(os.path.join(folder, name), uid, gid, follow_symlinks=False)
    os.chown(path, uid, gid)


def build_root(path, uid, gid, extra=()):
    """A busybox root file system without dev, proc and sys; `extra` are programs for its /bin."""
    path = pathlib.Path(path)
    for folder in ("bin", "sbin", "etc", "tmp", "mnt", "root", "var", "run"):
        (path / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", path / "bin/busybox")
    for applet in run(["busybox", "--list"]).lines:
        if applet != "busybox":
            (path / "bin" / applet).symlink_to("busybox")
    for program in ("init", "halt", "poweroff", "reboot"):
        (path / "sbin" / program).symlink_to("../bin/busybox")
    for program in extra:
        shutil.copy(program, path / "bin")
    (path / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nguest:x:1:1:guest:/tmp:/bin/sh\n")
    (path / "etc/group").write_text("root:x:0:\nguest:x:1:\n")
    (path / "tmp").chmod(0o1777)
    chown_tree(path, uid, gid)
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def descriptor_seven(text):
    """Options for run() that give the command `text` to read on descriptor 7."""
    with tempfile.TemporaryFile() as file:
        file.write(text.encode())
        file.seek(0)
        yield {"before": lambda: os.dup2(file.fileno(), 7), "pass_fds": [7]}


def inside(tools, root, script, *options, **context):
    """Runs a shell script as PID 1 without console emulation."""
    return run([tools.contain, "-c", *options, root, "/bin/sh", "-c", script], **context)


def id_map(text):
    """The lines of a uid_map as triples of numbers."""
    lines = text.replace("\r", "").splitlines()
    return [tuple(int(number) for number in line.split()) for line in lines if line.strip()]
