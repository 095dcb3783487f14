# SPDX-License-Identifier: MIT OR Apache-2.0
"""What contain-idmap is asked for: the message, the maps, the setgroups rule, the log."""

import errno
import os
import struct

import client
import pytest
from client import ALICE, BAD_MAP, DONE, IDS, MALFORMED, OWN, RANGE, TARGET, as_user, ask, message

BOTH = [*OWN, RANGE]
UNTOUCHED = ([], [], "allow")
GOOD = message(OWN, OWN)


def request(program, data, uid=ALICE):
    """The answer for a new target, and the target's state; nothing is ever written by halves."""
    answer, status, state, setgroups = as_user(uid, client.request_for_new_target, program, data)
    assert status == (0 if answer == DONE else 1)
    assert answer == DONE or state == UNTOUCHED, (answer, state)
    # Before there is a group map the kernel refuses setgroups.
    assert setgroups == (0 if answer == DONE and state[2] == "allow" else errno.EPERM)
    return answer, state


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        GOOD[:-1],
        GOOD + b"\0",
        GOOD[:12],
        GOOD[:11],
        message(OWN, OWN, magic=b"CIDN"),
        message(OWN, OWN, magic=b"MDIC"),
        message(OWN, OWN, version=0),
        message(OWN, OWN, version=2),
        message(OWN, OWN, version=0x100),
        message(OWN, OWN, setgroups=2),
        message(OWN, OWN, setgroups=255),
        message(OWN, OWN, zero=1),
        message(OWN, OWN, counts=(2, 1)),
        message(OWN, OWN, counts=(1, 0)),
        message(OWN, OWN, counts=(65535, 65535)),
        message([(i, ALICE, 1) for i in range(340)], OWN),
        GOOD + b"\0" * 4096,
        GOOD + b"\0" * 60000,
    ],
    ids=lambda data: f"{len(data)}-{data[:12].hex()}",
)
def test_any_other_message_is_refused(program, log, data):
    assert request(program, data)[0] == MALFORMED
    assert len(log.take()) == 1


def test_exactly_one_descriptor_is_taken(program):
    def send(*choice):
        with client.Target() as target:
            descriptors = [{"target": target.directory, "root": 0}[name] for name in choice]
            return ask(program, GOOD, *descriptors)[0], target.state()

    for choice in [(), ("target", "target"), ("target", "root"), ("root", "target"), ("target",) * 3, ("target",) * 200]:
        assert as_user(ALICE, send, *choice) == (MALFORMED, UNTOUCHED), choice
    assert as_user(ALICE, send, "root") == (TARGET, UNTOUCHED)


def test_socket_with_credentials_is_refused(program):
    def send():
        with client.Target() as target:
            helper = client.Helper(program)
            client.socket.send_fds(helper.socket, [GOOD], [target.directory])
            return helper.answer()

    def with_credentials():
        a, b = client.socket.socketpair(client.socket.AF_UNIX, client.socket.SOCK_SEQPACKET)
        b.setsockopt(client.socket.SOL_SOCKET, client.socket.SO_PASSCRED, 1)
        with client.Target() as target:
            helper = client.Helper(program, descriptor=b.fileno())
            client.socket.send_fds(a, [GOOD], [target.directory])
            code = struct.unpack("<I", a.recv(16))[0]
            os.waitpid(helper.pid, 0)
            return code

    assert as_user(ALICE, send) == DONE
    assert as_user(ALICE, with_credentials) == MALFORMED


def test_caller_that_hangs_up_is_a_refusal(program, log):
    def run():
        helper = client.Helper(program)
        helper.socket.shutdown(client.socket.SHUT_WR)
        return helper.answer(), helper.status

    assert as_user(ALICE, run) == (MALFORMED, 1)
    assert len(log.take()) == 1


def test_caller_that_does_not_read_is_no_success(program):
    def run():
        with client.Target() as target:
            helper = client.Helper(program)
            helper.send(GOOD, target.directory)
            helper.socket.close()
            return os.waitstatus_to_exitcode(os.waitpid(helper.pid, 0)[1])

    assert as_user(ALICE, run) == 1


@pytest.mark.parametrize(
    ("users", "reason"),
    [
        ([(0, ALICE, 1), (0, 100000, 1)], "the same id inside"),
        ([(0, ALICE, 1), (1, ALICE, 1)], "the same id outside"),
        ([(0, 100000, 10), (10, 100009, 10)], "overlap outside"),
        ([(0, 100000, 10), (9, 100010, 10)], "overlap inside"),
        ([(0, ALICE, 0)], "no id"),
        ([(0, 100005, 2**32 - 4)], "the sum wraps"),
        ([(100005, 100005, 2**32 - 4)], "both sums wrap"),
        ([(2**32 - 1, ALICE, 1)], "no such id inside"),
        ([(0, 2**32 - 1, 1)], "no such id outside"),
        ([(0, 1, 2**32 - 1)], "past the last id"),
        ([], "no line"),
        ([(4_000_000_000 + i, 100000 + i, 1) for i in range(250)], "more than a page"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_maps_that_are_none(program, log, users, reason):
    for data in (message(users, OWN), message(OWN, users)):
        assert request(program, data)[0] == BAD_MAP, reason
    assert len(log.take()) == 2


@pytest.mark.parametrize(
    "users",
    [
        [(0, 0, 1)],
        [(0, ALICE, 1), (1, 0, 1)],
        [(0, 1, 1)],
        [(0, ALICE - 1, 1)],
        [(0, ALICE, 2)],
        [(0, 99999, 1)],
        [(0, 99999, 2)],
        [(0, 100000, 65537)],
        [(0, 165536, 1)],
        [(0, 165535, 2)],
        [(0, 300000, 1)],
        [(0, client.BOB, 1)],
        [(0, 100005, 2**32 - 100006)],
        [(0, 65534, 1)],
        [(0, 2**32 - 2, 1)],
    ],
    ids=str,
)
def test_ids_of_others(program, log, users):
    for data in (message(users, OWN), message(OWN, users), message(users, users)):
        assert request(program, data)[0] == IDS
    assert len(log.take()) == 3


def test_host_root_is_never_mapped(program, host):
    host.delegate("alice-test:0:10\n")
    assert request(program, message([(0, 0, 1)], OWN))[0] == IDS
    assert request(program, message(OWN, [(0, 0, 10)]))[0] == IDS
    assert request(program, message([(0, 1, 9)], OWN))[0] == DONE


def test_340_lines_of_both_maps_are_the_most(program):
    lines = [(i, 100000 + i, 1) for i in range(171)]
    assert request(program, message(lines[:170], lines[:170])) == (DONE, (lines[:170], lines[:170], "deny"))
    assert request(program, message(lines, lines[:170]))[0] == MALFORMED


def test_maps_are_written_as_asked(program, log):
    users = [(10, 165535, 1), (0, ALICE, 1), (1, 100000, 9)]
    answer, state = request(program, message(users, BOTH, 1))
    assert (answer, state) == (DONE, (users, BOTH, "allow"))


@pytest.mark.parametrize(
    ("groups", "asked", "state"),
    [(OWN, 0, "deny"), (OWN, 1, "deny"), ([(5, ALICE, 1)], 1, "deny"), (BOTH, 0, "deny"), (BOTH, 1, "allow")],
)
def test_setgroups_rule(program, groups, asked, state):
    answer, found = request(program, message(BOTH, groups, asked))
    assert (answer, found[2]) == (DONE, state)


def test_setgroups_denied_by_the_target_stays_denied(program):
    def deny():
        client.unshare(client.CLONE_NEWUSER)
        with open("/proc/self/setgroups", "w") as file:
            file.write("deny")

    answer, _, state, setgroups = as_user(ALICE, client.request_for_new_target, program, message(BOTH, BOTH, 1), deny)
    assert (answer, state, setgroups) == (DONE, (BOTH, BOTH, "deny"), errno.EPERM)


def in_nested_namespace(text, function, uid=0):
    """What `function` returns in a user namespace of `uid`, where root has written these maps and denied setgroups."""

    def nested():
        ready, go = os.pipe(), os.pipe()
        pid = os.getpid()
        os.setgroups([])
        writer = os.fork()
        if writer == 0:
            os.read(ready[0], 1)
            for name, value in (("setgroups", "deny"), ("uid_map", text), ("gid_map", text)):
                with open(f"/proc/{pid}/{name}", "w") as file:
                    file.write(value)
            os.write(go[1], b"x")
            os._exit(0)
        client.become(uid)
        client.unshare(client.CLONE_NEWUSER)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        os.waitpid(writer, 0)
        return function()

    return client.in_child(nested)


def test_setgroups_denied_around_stays_denied(program):
    """The parent namespace has denied it: in the child it cannot be allowed."""

    def alice():
        os.setresgid(ALICE, ALICE, ALICE)
        os.setresuid(ALICE, ALICE, ALICE)
        client.prctl(client.PR_SET_DUMPABLE, 1)
        return client.request_for_new_target(program, message(BOTH, BOTH, 1))

    answer, _, state, setgroups = in_nested_namespace("0 0 4294967295", alice)
    assert (answer, state, setgroups) == (DONE, (BOTH, BOTH, "deny"), errno.EPERM)


@pytest.mark.parametrize(
    ("maps", "answer"),
    [("0 0 60000\n65534 65534 1", IDS), (f"0 0 60000\n65534 {ALICE} 1", IDS), ("0 0 4294967295", TARGET)],
)
def test_id_that_stands_for_all_without_one(program, host, maps, answer):
    """In a namespace that does not map its ids a caller looks like user 65534, to whom ids may be delegated."""
    host.delegate("65534:100000:65536\n")

    def look_like_nobody():
        data = message([(0, 100000, 1)], [(0, 100000, 1)])
        return ask(program, data, os.open("/proc/self", os.O_PATH))[0]

    uid = 65534 if answer == TARGET else ALICE
    assert in_nested_namespace(maps, look_like_nobody, uid) == answer


def test_log_says_what_was_decided(program, log):
    request(program, message(BOTH, BOTH, 1))
    request(program, message(BOTH, BOTH))
    request(program, message([(0, 300000, 1)], OWN))
    granted, denied, refused = log.take()
    words = f"uid={ALICE} gid={ALICE} name=alice-test users=0:{ALICE}:1,1:100000:65536"
    assert granted.startswith("<86>contain-idmap[") and f"]: granted; {words}" in granted
    assert granted.endswith("setgroups=allow") and denied.endswith("setgroups=deny")
    assert refused.startswith("<84>contain-idmap[") and "]: refused: an id is neither" in refused
    assert "users=0:300000:1" in refused


def test_log_has_one_escaped_line_of_bounded_length(program, host, log):
    host.files["passwd"].write_bytes(b"al\x1b[31m\r ice\xff\\%s\"" + b"x" * 300 + b":x:%d:%d::/:/bin/sh\n" % (ALICE, ALICE))
    host.delegate(f"{ALICE}:100000:65536\nnonsense\n")
    lines = [(1000000000 + i, 100000 + i, 1) for i in range(170)]
    assert request(program, message(lines, lines))[0] == DONE
    (line,) = log.take()
    assert len(line) <= 1024
    assert line.isprintable() and line.isascii()
    assert r"name=al\x1b\x5b31m\x0d\x20ice\xff\x5c\x25s\x22xxx" in line
    assert "+162" in line and line.endswith("bad-lines=2")


def test_log_changes_no_decision(program, log):
    log.close()
    try:
        assert request(program, message(BOTH, BOTH))[0] == DONE
        assert request(program, message([(0, 1, 1)], OWN))[0] == IDS
    finally:
        log.open()
    # A log that nobody reads is full at some time.
    sender = client.socket.socket(client.socket.AF_UNIX, client.socket.SOCK_DGRAM)
    sender.setblocking(False)
    with pytest.raises(BlockingIOError):
        for _ in range(100_000):
            sender.sendto(b"x", "/dev/log")
    assert request(program, message(BOTH, BOTH))[0] == DONE
    assert request(program, message([(0, 1, 1)], OWN))[0] == IDS
    assert all(line == "x" for line in log.take())
