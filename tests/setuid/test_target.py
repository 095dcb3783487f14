# SPDX-License-Identifier: MIT OR Apache-2.0
"""Whose maps are written: every process that is not the caller's own new, unmapped user namespace is refused, with one
answer for those that are absent and those that are forbidden.
"""

import os
import signal

import client
import pytest
from client import ALICE, BOB, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, DONE, OWN, TARGET, Target, as_user, ask

REQUEST = client.message(OWN, OWN)
DIRECTORY = os.O_PATH | os.O_DIRECTORY


def refused(program, log, make):
    """`make(ask)` gets a function from a directory's descriptor to the answer, and runs as alice."""
    answer = as_user(ALICE, make, lambda directory: ask(program, REQUEST, directory)[0])
    assert answer == TARGET
    (line,) = log.take()
    assert "]: refused: there is no such process with" in line


def test_process_without_a_namespace_of_its_own(program, log):
    refused(program, log, lambda ask: ask(os.open("/proc/self", DIRECTORY)))


def test_process_that_has_ended(program, log):
    def make(ask):
        target = Target()
        os.kill(target.pid, signal.SIGKILL)
        os.waitpid(target.pid, 0)
        return ask(target.directory)

    refused(program, log, make)


def test_process_that_has_ended_and_is_not_waited_for(program, log):
    def make(ask):
        target = Target()
        os.kill(target.pid, signal.SIGKILL)
        os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
        return ask(target.directory)

    refused(program, log, make)


def test_another_users_process(program, log):
    reader, writer = os.pipe()
    hold, release = os.pipe()

    def bob():
        with Target() as target:
            os.write(writer, str(target.pid).encode())
            os.read(hold, 1)
            return target.state()

    child = os.fork()
    if child == 0:
        try:
            client.become(BOB)
            state = bob()
            os._exit(0 if state == ([], [], "allow") else 1)
        finally:
            os._exit(2)
    directory = os.open(f"/proc/{os.read(reader, 16).decode()}", DIRECTORY)
    refused(program, log, lambda ask: ask(directory))
    os.write(release, b"x")
    assert os.waitpid(child, 0)[1] == 0, "bob's maps are as they were"


def test_roots_process(program, log):
    refused(program, log, lambda ask: ask(os.open("/proc/1", DIRECTORY)))


def test_namespace_two_levels_down(program, log):
    """What is a host id for us is not one for its parent."""

    def make(ask):
        def twice():
            client.unshare(CLONE_NEWUSER)
            for name, text in (("setgroups", "deny"), ("uid_map", f"0 {ALICE} 1"), ("gid_map", f"0 {ALICE} 1")):
                with open(f"/proc/self/{name}", "w") as file:
                    file.write(text)
            client.unshare(CLONE_NEWUSER)

        with Target(twice) as target:
            answer = ask(target.directory)
            assert target.state()[:2] == ([], [])
            return answer

    refused(program, log, make)


def test_roots_process_in_alices_namespace(program, log):
    """The namespace is alice's, the process is not."""
    with client.target_of(lambda: client.become(ALICE)) as pid:

        def join():
            namespace = os.open(f"/proc/{pid}/ns/user", os.O_RDONLY)
            client.checked(client.libc.setns(namespace, CLONE_NEWUSER), "setns")

        with Target(join) as target:
            refused(program, log, lambda ask: ask(target.directory))


@pytest.mark.parametrize("written", ["both", "users", "groups"])
def test_maps_that_are_written_already(program, log, written):
    def make(ask):
        with Target() as target:
            if written != "groups":
                open(f"/proc/{target.pid}/uid_map", "w").write(f"0 {ALICE} 1")
            if written != "users":
                open(f"/proc/{target.pid}/setgroups", "w").write("deny")
                open(f"/proc/{target.pid}/gid_map", "w").write(f"0 {ALICE} 1")
            return ask(target.directory)

    refused(program, log, make)


def test_second_request_for_one_target(program, log):
    def make(ask):
        with Target() as target:
            assert ask(target.directory) == DONE
            log.take()
            return ask(target.directory)

    refused(program, log, make)


def test_process_that_cannot_be_looked_into(program, log):
    def make(ask):
        def enter():
            client.unshare(CLONE_NEWUSER)
            client.prctl(client.PR_SET_DUMPABLE, 0)

        with Target(enter) as target:
            return ask(target.directory)

    refused(program, log, make)


def test_process_with_another_group_id(program, log):
    """Alice's user id, but another's group: a program that is setgid, say."""

    def become():
        os.setgroups([])
        os.setresgid(BOB, BOB, BOB)
        os.setresuid(ALICE, ALICE, ALICE)
        client.prctl(client.PR_SET_DUMPABLE, 1)
        client.prctl(client.PR_SET_PDEATHSIG, client.signal.SIGKILL)

    with client.target_of(become) as pid:
        directory = os.open(f"/proc/{pid}", DIRECTORY)
        refused(program, log, lambda ask: ask(directory))


def foreign_proc(host, flags):
    """A descriptor of another procfs, made by root in namespaces that end at once."""
    reader, writer = client.socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            client.unshare(CLONE_NEWNS | flags)
            if os.fork() == 0:
                client.mount("proc", host.folder, "proc")
                client.socket.send_fds(writer, [b"x"], [os.open(host.folder, DIRECTORY)])
                writer.recv(1)
                os._exit(0)
            os.wait()
        finally:
            os._exit(0)
    _, (procfs,), _, _ = client.socket.recv_fds(reader, 1, 1)
    return procfs, lambda: (reader.send(b"x"), os.waitpid(child, 0))


@pytest.mark.parametrize("flags", [0, CLONE_NEWPID], ids=["same pid namespace", "another pid namespace"])
def test_directory_of_another_procfs(program, log, host, flags):
    procfs, end = foreign_proc(host, flags)

    def make(ask):
        with Target() as target:
            # Of another PID namespace, 1 is what the number means there.
            return ask(os.open("1" if flags else str(target.pid), DIRECTORY, dir_fd=procfs))

    refused(program, log, make)
    end()


@pytest.mark.parametrize("path", ["/proc", "/proc/sys", "/etc", "/proc/self/fd", "/proc/self/ns", "/proc/self/net", "/"])
def test_directory_of_no_process(program, log, path):
    refused(program, log, lambda ask: ask(os.open(path, DIRECTORY)))


@pytest.mark.parametrize("path", ["/dev/null", "/proc/self/uid_map", "/etc/passwd", "/proc/self/ns/user"])
def test_what_is_no_directory(program, log, path):
    refused(program, log, lambda ask: ask(os.open(path, os.O_RDONLY)))


def test_folder_that_looks_like_a_process(program, log, host):
    """The caller's own files and links, by the names that are opened."""
    folder = host.folder / f"fake-{os.getpid()}"
    (folder / "ns").mkdir(parents=True)

    def make(ask):
        with Target() as target:
            for name in ("uid_map", "gid_map", "setgroups"):
                os.symlink(f"/proc/{target.pid}/{name}", folder / name)
            os.symlink(f"/proc/{target.pid}/ns/user", folder / "ns/user")
            return ask(os.open(folder, DIRECTORY))

    for path in (folder, folder / "ns"):
        os.chown(path, ALICE, ALICE)
    refused(program, log, make)
    client.in_child(os.system, f"rm -r {folder}")


def test_answers_for_absent_and_forbidden_are_one(program, host, log):
    """Neither the answer nor the line in the log tells which of them it was."""

    def answers(targets):
        return [ask(program, REQUEST, os.open(path, DIRECTORY))[0] for path in targets]

    as_user(ALICE, answers, ["/proc/1", f"/proc/{os.getpid()}", "/etc"])
    assert len({line.split("]: ")[1] for line in log.take()}) == 1

    def ids(data):
        with Target() as target:
            return ask(program, data, target.directory)[0]

    nobody = client.message([(0, 500000, 1)], OWN)
    bobs = client.message([(0, 300000, 1)], OWN)
    found = {as_user(ALICE, ids, data) for data in (nobody, bobs)}
    for name in ("subuid", "subgid", "passwd"):
        host.files[name].unlink()
        found.add(as_user(ALICE, ids, client.message([(0, 100000, 1)], OWN)))
        found.add(as_user(ALICE, ids, client.message([(0, client.BOB, 1)], OWN)))
    assert found == {client.IDS}
