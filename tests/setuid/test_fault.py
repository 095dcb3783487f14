# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every system call of contain-idmap made to fail, one at a time, and what is not one made to look like a success; the
helper killed between its writes. Never is a map that is not written, or written by halves, called done.

strace runs as root and starts the helper as the throw-away user, so that it keeps its privilege.
"""

import os
import re
import signal
import subprocess

import client
import pytest
from client import ALICE, DONE, OWN, RANGE, ask, message
from conftest import TOP

BOTH = [*OWN, RANGE]
TEXT = f"0 {ALICE} 1\n1 100000 65536\n"
# setgroups stays allowed, or "deny" is written.
REQUESTS = {"allow": message(BOTH, BOTH, 1), "deny": message(BOTH, BOTH, 0)}
# What the helper is told where it has no privilege, and its end, which cannot fail.
NOT_INJECTED = {"execve", "exit_group", "exit"}
# What is called in place of the call that is not made: it has to be one that the helper's filter allows.
INSTEAD = "syscall=getpid"

pytestmark = pytest.mark.skipif(
    subprocess.run(["strace", "-V"], stdout=subprocess.DEVNULL).returncode != 0, reason="strace is not installed"
)


@pytest.fixture
def traced(host):
    """`traced(program, request, OPTION…)`: alice's helper under strace; its answer and the target's state."""
    trace = host.folder / f"trace-{os.getpid()}"

    def run(program, setgroups, *options):
        strace = ["strace", "-o", str(trace), "-e", "signal=none", *options, "-u", "alice-test", program]
        with_path = ["/usr/bin/env", *strace]
        with client.target_of(lambda: client.become(ALICE)) as pid:
            directory = os.open(f"/proc/{pid}", os.O_PATH | os.O_DIRECTORY)
            environment = {"PATH": os.environ["PATH"]}
            answer, status = ask(with_path, REQUESTS[setgroups], directory, environment=environment)
            os.close(directory)
            files = [open(f"/proc/{pid}/{name}").read() for name in ("uid_map", "gid_map", "setgroups")]
        maps = ["".join(" ".join(line.split()) + "\n" for line in text.splitlines()) for text in files[:2]]
        return answer, status, (*maps, files[2].strip())

    yield run
    trace.unlink(missing_ok=True)


@pytest.fixture
def calls(traced, host):
    """The system calls of a request that is done, in their order, as strace tells them."""

    def run(program, setgroups, *options, status=0):
        answer = traced(program, setgroups, *options)
        assert answer == (DONE, status, (TEXT, TEXT, setgroups)), answer
        lines = (host.folder / f"trace-{os.getpid()}").read_text().splitlines()
        return [match.groups() for match in (re.match(r"(\w+)\((.*)", line) for line in lines) if match]

    return run


def counted(calls):
    """Each system call with its place among those of its name, from 1 on; of many alike the first two and the last."""
    names = [name for name, _ in calls if name not in NOT_INJECTED]
    seen = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        if name != "rt_sigaction" or seen[name] in (1, 2, names.count(name)):
            yield name, seen[name]


def check(outcome, setgroups, what):
    answer, status, state = outcome
    if answer == DONE:
        assert state == (TEXT, TEXT, setgroups), (what, outcome)
    else:
        assert status != 0, (what, outcome)


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_every_call_failing_alone_is_told(program, traced, calls, error):
    setgroups = {"EPERM": "deny", "ENOSYS": "allow"}[error]
    done = []
    for name, place in counted(calls(program, setgroups)):
        outcome = traced(program, setgroups, "-e", f"inject={name}:error={error}:{INSTEAD}:when={place}")
        check(outcome, setgroups, (name, place))
        if outcome[0] == DONE:
            done.append(name)
    # What does not matter: the log (its socket, sending, closing), a name for the line, the mask of new files.
    assert {"socket", "sendto"} <= set(done) <= {"socket", "sendto", "close", "umask", "getpid"}, done


def test_nothing_done_that_looks_like_done_is_found_out(program, traced, calls):
    """Calls that report success and have done nothing."""
    faked = {
        "write": None,
        "capset": 0,
        "setresuid": 0,
        "setresgid": 0,
        "prctl": 0,
        "seccomp": 0,
    }
    for name, place in counted(calls(program, "deny")):
        if name not in faked:
            continue
        for value in [len("deny"), len(TEXT)] if name == "write" else [faked[name]]:
            outcome = traced(program, "deny", "-e", f"inject={name}:retval={value}:{INSTEAD}:when={place}")
            check(outcome, "deny", (name, place, value))
            # With file capabilities there is nothing else to begin with, so that the first capset changes nothing.
            if name == "write" or (name == "capset" and (place > 1 or "setuid/" in program)):
                assert outcome[0] != DONE, (name, place, value)


def test_killed_before_and_after_each_write_it_is_no_success(program, traced, calls):
    """SIGKILL at each write and at each call after it, as the user may send it at any time."""
    found = calls(program, "deny")
    first = next(index for index, (name, _) in enumerate(found) if name == "write")
    places = {}
    states = set()
    for index, (name, _) in enumerate(found):
        places[name] = places.get(name, 0) + 1
        if index < first or name in NOT_INJECTED:
            continue
        answer, status, state = traced(program, "deny", "-e", f"inject={name}:signal=KILL:when={places[name]}")
        # Once the answer is sent, the maps are there.
        assert (answer, name) in ((None, name), (DONE, "sendmsg")), (name, answer)
        assert status != 0
        assert answer is None or state == (TEXT, TEXT, "deny")
        states.add(state)
    # It was killed in between, and not only before and after.
    assert ("", "", "deny") in states and (TEXT, "", "deny") in states and (TEXT, TEXT, "deny") in states


def test_each_capability_is_dropped_when_it_has_been_used(program, calls):
    steps = []
    for name, rest in calls(program, "deny"):
        if name == "capset":
            steps.append(tuple(re.findall(r"CAP_\w+", rest.split("permitted=")[1].split(",")[0])))
        elif name == "write":
            steps.append("write")
    assert steps == [
        ("CAP_SETGID", "CAP_SETUID"),
        "write",
        "write",
        ("CAP_SETGID",),
        "write",
        (),
    ]


def test_filter_allows_what_is_called_and_no_more(calls, programs):
    found = [name for name, _ in calls(programs["fcaps"], "deny")]
    after = set(found[found.index("seccomp") + 1 :])
    source = (TOP / "core/idmap/src/filter.rs").read_text()
    allowed = {name.lower() for name in re.findall(r"nr::(\w+)", source)}
    assert after == allowed | {"ioctl"}


def test_audit_names_the_calls_that_are_made(calls, programs):
    document = (TOP / "SECURITY.md").read_text()
    named = set(re.search(r"^The system calls of contain-idmap: (.*)\.$", document, re.M)[1].split())
    made = {name for name, _ in calls(programs["setuid"], "deny")}
    # `exit` is called only by what exit_group(2) has not ended; contain-idmap's own filter then ends it, before it is
    # traced.
    assert "exit" not in made
    calls(programs["setuid"], "deny", "-e", "inject=exit_group:error=EPERM", status=-signal.SIGSYS)
    assert made - {"execve"} | {"exit"} == named


def test_call_that_is_not_allowed_ends_it(program, traced):
    """Another call in the place of one that does not matter: one that is allowed, and one that is not."""
    allowed, refused = (
        traced(program, "deny", "-e", f"inject=sendto:retval=1:syscall={name}") for name in ("getpid", "getuid")
    )
    assert allowed == (DONE, 0, (TEXT, TEXT, "deny"))
    # strace ends as what it traces.
    assert refused == (None, -signal.SIGSYS, ("", "", "allow"))


def test_files_are_opened_by_fixed_names(calls, programs):
    """What is opened by a path that is not below a descriptor, and how."""
    opened = set()
    for name, rest in calls(programs["setuid"], "deny"):
        if name in ("openat", "openat2") and rest.startswith("AT_FDCWD"):
            assert name == "openat2" and "RESOLVE_NO_SYMLINKS" in rest and "O_CLOEXEC" in rest, rest
            opened.add(re.search(r'"([^"]*)"', rest)[1])
    folder = os.path.dirname(programs["setuid"])
    assert opened == {"/proc", folder, "/etc/passwd", "/etc/subuid", "/etc/subgid"}


