# SPDX-License-Identifier: MIT OR Apache-2.0
"""A client of contain-idmap of its own: it builds requests byte by byte, makes targets, and asks as an ordinary user.

It takes nothing from the project's code: what it knows of the form of messages is written here once more.
"""

import contextlib
import ctypes
import os
import pickle
import select
import signal
import socket
import struct
import time
import traceback

DONE, MALFORMED, BAD_MAP, IDS, TARGET, KERNEL, NOT_PRIVILEGED, NO_NEW_PRIVS, NOSUID, FOLDER, FILES, SYSTEM = range(12)
MISUSED = 125

ALICE = 61234
BOB = 61235
OWN = [(0, ALICE, 1)]
RANGE = (1, 100000, 65536)

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID = 0x20000, 0x10000000, 0x20000000
PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG = 4, 38, 1

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags):
    checked(libc.unshare(flags), "unshare")


def mount(source, target, kind, flags=0, data=None):
    arguments = [value.encode() if value is not None else None for value in (source, str(target), kind)]
    checked(libc.mount(*arguments, flags, data.encode() if data else None), f"mount on {target}")


def unmount(target):
    detach = 2
    checked(libc.umount2(str(target).encode(), detach), f"unmount {target}")


def prctl(option, value):
    checked(libc.prctl(option, value, 0, 0, 0), "prctl")


def message(users, groups, setgroups=0, magic=b"CIDM", version=1, zero=0, counts=None):
    """A request; the keywords make it a wrong one."""
    numbers = counts or (len(users), len(groups))
    head = magic + struct.pack("<HHHBB", version, *numbers, setgroups, zero)
    return head + b"".join(struct.pack("<III", *line) for line in [*users, *groups])


def become(uid):
    """The user and group `uid`, without supplementary groups, and as any process of theirs."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    prctl(PR_SET_DUMPABLE, 1)
    # A change of ids clears it; a test that fails leaves nobody behind.
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def in_child(function, *arguments):
    """What `function` returns in a copy of this process; its exception is raised here."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            outcome = (True, function(*arguments))
        except BaseException:
            outcome = (False, traceback.format_exc())
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(outcome, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    good, value = pickle.loads(data) if data else (False, "the child was killed")
    if not good:
        raise AssertionError(value)
    return value


def as_user(uid, function, *arguments):
    """What `function` returns in a process of this user."""

    def run():
        become(uid)
        return function(*arguments)

    return in_child(run)


class Target:
    """A process in a new user namespace that waits, tells about itself, and tries things."""

    def __init__(self, enter=lambda: unshare(CLONE_NEWUSER)):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            self.socket.close()
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            try:
                enter()
                theirs.send(b"ready")
                self._serve(theirs)
            except BaseException as error:
                theirs.send(f"failed: {error}".encode())
            finally:
                os._exit(0)
        theirs.close()
        answer = self.socket.recv(4096)
        assert answer == b"ready", answer
        self.directory = os.open(f"/proc/{self.pid}", os.O_PATH | os.O_DIRECTORY)

    @staticmethod
    def _serve(theirs):
        while command := theirs.recv(64):
            if command == b"setgroups":
                try:
                    os.setgroups([])
                    theirs.send(b"0")
                except OSError as error:
                    theirs.send(str(error.errno).encode())

    def state(self):
        """Both maps as lists of triples, and the word in setgroups, as seen from this process."""
        texts = [open(f"/proc/{self.pid}/{name}").read() for name in ("uid_map", "gid_map", "setgroups")]
        maps = [[tuple(map(int, line.split())) for line in text.splitlines()] for text in texts[:2]]
        return maps[0], maps[1], texts[2].strip()

    def try_setgroups(self):
        """0, or the errno of setgroups(2) in there."""
        self.socket.send(b"setgroups")
        return int(self.socket.recv(64))

    def close(self):
        self.socket.close()
        os.close(self.directory)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@contextlib.contextmanager
def target_of(become_who):
    """The process id of a target that another process holds, which has become somebody first."""
    reader, writer = os.pipe()
    hold, release = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become_who()
            with Target() as target:
                os.write(writer, str(target.pid).encode())
                os.read(hold, 1)
        finally:
            os._exit(0)
    try:
        yield int(os.read(reader, 16))
    finally:
        os.write(release, b"x")
        os.waitpid(child, 0)
        for descriptor in (reader, writer, hold, release):
            os.close(descriptor)


class Helper:
    """One run of contain-idmap. `arguments` replaces its argument list, `prepare` runs just before it is executed."""

    def __init__(self, program, arguments=None, environment=None, prepare=None, descriptor=None):
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.output, output = os.pipe()
        program = [program] if isinstance(program, str) else program
        arguments = program if arguments is None else arguments
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.dup2(theirs.fileno() if descriptor is None else descriptor, 3)
                if prepare:
                    prepare()
                execute(program[0], arguments, environment or {})
            finally:
                os._exit(126)
        theirs.close()
        os.close(output)
        self.status = None

    def send(self, request, *descriptors):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self.socket, [request], descriptors)

    def answer(self):
        """The code, None where it ended without one; then `status` is set and `printed` holds its output."""
        self.socket.settimeout(20)
        code = None
        for _ in range(2):
            # Told once that the peer has not read everything; what it sent is still there.
            with contextlib.suppress(ConnectionResetError):
                data = self.socket.recv(64)
                assert len(data) in (0, 4), data
                code = struct.unpack("<I", data)[0] if data else None
                break
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with os.fdopen(self.output, "rb") as pipe:
            self.printed = pipe.read()
        self.socket.close()
        return code


def waiting(program, look, **how):
    """What `look(pid)` finds, as root, at a helper of alice's that waits for its request."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            become(ALICE)
            helper = Helper(program, **how)
            os.write(writer, f"{helper.pid}\n".encode())
            helper.answer()
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        pid = int(pipe.readline())
    try:
        wait_until_it_reads(pid)
        return look(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(child, 0)


def wait_until_it_reads(pid):
    """Until it waits for its request, having done all that comes before."""
    for _ in range(2000):
        with open(f"/proc/{pid}/status") as status, open(f"/proc/{pid}/syscall") as call:
            if "Seccomp:\t2" in status.read() and call.read().startswith("47 "):
                return
        time.sleep(0.005)
    raise AssertionError("the helper never waited for its request")


def execute(path, arguments, environment):
    """execve(2) with any argument list, an empty one included, which Python's own refuses."""
    arguments = [value.encode() for value in arguments] + [None]
    environment = [f"{name}={value}".encode() for name, value in environment.items()] + [None]
    arrays = [(ctypes.c_char_p * len(values))(*values) for values in (arguments, environment)]
    libc.execve(path.encode(), *arrays)


def ask(program, request, *descriptors, **how):
    """One request; the answer and the status. What it prints is an error."""
    helper = Helper(program, **how)
    helper.send(request, *descriptors)
    answer = helper.answer()
    assert helper.printed == b"", helper.printed
    return answer, helper.status


def request_for_new_target(program, request, enter=None, how=None):
    """Makes a target and asks for it: answer, status, the target's state after, and its setgroups(2)."""
    with Target(enter) if enter else Target() as target:
        answer, status = ask(program, request, target.directory, **(how or {}))
        return answer, status, target.state(), target.try_setgroups()


class Log:
    """The socket at /dev/log."""

    def __init__(self, path="/dev/log"):
        self.path = path
        self.open()

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def take(self):
        """The lines since the last time."""
        lines = []
        while select.select([self.socket], [], [], 0)[0]:
            lines.append(self.socket.recv(65536).decode())
        return lines
