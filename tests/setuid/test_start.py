# SPDX-License-Identifier: MIT OR Apache-2.0
"""How contain-idmap starts: what it inherits and gets rid of, what it holds, who can look into it."""

import ctypes
import os
import pathlib
import resource
import signal
import socket

import client
import pytest
from client import ALICE, DONE, MISUSED, OWN, RANGE, as_user, ask, waiting

WHOLE = client.message([*OWN, RANGE], [*OWN, RANGE], 1)
USUAL = ([*OWN, RANGE], [*OWN, RANGE], "allow")


def done(program, **how):
    """A usual request as alice, with the helper started in this way."""
    answer, status, state, setgroups = as_user(ALICE, client.request_for_new_target, program, WHOLE, None, how)
    assert (answer, status, state, setgroups) == (DONE, 0, USUAL, 0)


def test_usual_request_is_done(program, log):
    done(program)
    assert len(log.take()) == 1


@pytest.mark.parametrize("arguments", [[], [""], ["x", "y"], ["x", "--help"], ["x"] * 50], ids=len)
def test_any_other_argument_list_ends_it_before_anything(program, log, arguments):
    answer = as_user(ALICE, client.request_for_new_target, program, WHOLE, None, {"arguments": arguments})
    assert answer[:3] == (None, MISUSED, ([], [], "allow"))
    assert log.take() == []


def test_its_name_is_printed_nowhere(program, log):
    done(program, arguments=["%n%n\x1b[31mname"])
    assert "name\x1b" not in log.take()[0]


def test_environment_decides_nothing_and_is_wiped(program):
    hostile = {
        "LD_PRELOAD": "/tmp/evil.so",
        "LD_LIBRARY_PATH": "/tmp",
        "GLIBC_TUNABLES": "glibc.malloc.mxfast=" * 20,
        "GCONV_PATH": "/tmp",
        "TMPDIR": "/tmp",
        "CONTAIN_LIBEXECDIR": "/tmp",
        "PATH": ".",
        "": "no name",
        "LONG": "x" * 100_000,
    }
    done(program, environment=hostile)
    memory = waiting(program, lambda pid: pathlib.Path(f"/proc/{pid}/environ").read_bytes(), environment=hostile)
    assert len(memory) > 100_000
    assert memory.strip(b"\0") == b""


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
def test_closed_standard_descriptors(program, closed):
    done(program, prepare=lambda: [os.close(number) for number in closed])


def test_descriptors_are_repaired_and_closed(program):
    def look(pid):
        found = {}
        for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
            flags = int(path.read_text().split("flags:")[1].split()[0], 8)
            found[int(path.name)] = (os.readlink(f"/proc/{pid}/fd/{path.name}"), bool(flags & os.O_CLOEXEC))
        return found

    def prepare():
        os.close(0)
        os.dup2(1, 9)
        os.dup2(os.open("/", os.O_RDONLY), 700)

    found = waiting(program, look, prepare=prepare)
    assert found[0][0] == "/dev/null"
    assert found[3][0].startswith("socket:")
    others = {number: what for number, what in found.items() if number > 3}
    # Its own directory below /proc, and nothing of the caller's.
    assert len(others) == 1
    assert all(path.startswith("/proc/") and on_exec for path, on_exec in others.values()), others


def test_without_its_socket_it_ends(program, log):
    def other(make):
        def run():
            with client.Target() as target:
                thing = make()
                return ask(program, WHOLE, target.directory, descriptor=thing.fileno())

        return as_user(ALICE, run)

    pair = socket.socketpair
    assert other(lambda: pair(socket.AF_UNIX, socket.SOCK_STREAM)[0]) == (None, MISUSED)
    assert other(lambda: pair(socket.AF_UNIX, socket.SOCK_DGRAM)[0]) == (None, MISUSED)
    assert other(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) == (None, MISUSED)
    assert other(lambda: open("/etc/passwd", "rb")) == (None, MISUSED)
    assert log.take() == []


def test_closed_socket_ends_it(program):
    def run():
        return ask(program, WHOLE, prepare=lambda: os.close(3))

    assert as_user(ALICE, run) == (None, MISUSED)


def test_inherited_state_is_replaced(program):
    def prepare():
        os.chdir("/tmp")
        os.umask(0)
        for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

    def look(pid):
        proc = pathlib.Path(f"/proc/{pid}")
        return os.readlink(proc / "cwd"), (proc / "status").read_text(), (proc / "limits").read_text()

    directory, status, limits = waiting(program, look, prepare=prepare)
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert directory == "/"
    assert int(fields["Umask"], 8) == 0o077
    assert int(fields["SigBlk"], 16) == int(fields["SigIgn"], 16) == int(fields["SigCgt"], 16) == 0
    assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]


def test_it_waits_five_seconds_and_no_longer(programs):
    def run():
        helper = client.Helper(programs["setuid"], prepare=lambda: signal.signal(signal.SIGALRM, signal.SIG_IGN))
        return helper.answer(), helper.status

    assert as_user(ALICE, run) == (None, -signal.SIGALRM)


def test_it_holds_two_capabilities_and_the_real_ids(program):
    status = waiting(program, lambda pid: pathlib.Path(f"/proc/{pid}/status").read_text())
    fields = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == fields["Gid"].split() == [str(ALICE)] * 4
    assert {name: int(fields[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {
        "CapInh": 0,
        "CapPrm": 0xC0,
        "CapEff": 0xC0,
        "CapAmb": 0,
    }
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_its_user_cannot_look_into_it(program):
    def refused(pid):
        found = []
        for name in ("mem", "environ", "fd", "maps", "syscall", "root", "ns/user"):
            path = f"/proc/{pid}/{name}"
            try:
                os.listdir(path) if name == "fd" else os.readlink(path) if name in ("root", "ns/user") else open(
                    path, "rb"
                ).read(1)
                found.append(name)
            except OSError:
                pass
        attach, seize = 16, 0x4206
        for request in (attach, seize):
            if client.libc.ptrace(request, pid, 0, 0) == 0:
                found.append("ptrace")
        remote = (ctypes.c_char * 8)()
        vector = (ctypes.c_size_t * 2)(ctypes.addressof(remote), 8)
        if client.libc.process_vm_readv(pid, vector, 1, vector, 1, 0) >= 0:
            found.append("process_vm_readv")
        return found

    assert waiting(program, lambda pid: as_user(ALICE, refused, pid)) == []


def test_traced_by_its_user_it_gets_no_privilege(program):
    def run():
        traceme, detach = 0, 17
        with client.Target() as target:
            helper = client.Helper(program, prepare=lambda: client.libc.ptrace(traceme, 0, 0, 0))
            os.waitpid(helper.pid, 0)
            client.libc.ptrace(detach, helper.pid, 0, 0)
            helper.send(WHOLE, target.directory)
            return helper.answer(), target.state()

    assert as_user(ALICE, run) == (client.NOT_PRIVILEGED, ([], [], "allow"))
