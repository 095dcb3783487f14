# SPDX-License-Identifier: MIT OR Apache-2.0
"""The system calls that contain makes, taken away one by one: each has its fallback, or is missed with a clear error.
Nothing runs that was to be protected by a call that is not there.
"""

import pathlib
import re
import tempfile

import lib
import pytest
from lib import run

HERE = pathlib.Path(__file__).resolve().parent
ERRORS = {"ENOSYS": 38, "EPERM": 1}
NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
# What works without it, and how.
FALLBACK = {
    "clone3": "clone(2), without a time namespace",
    "sigaltstack": "an overflow of the stack is not told as one",
    "umask": "what is made has the caller's mask",
    "clock_gettime": "no time is reported",
    "getrandom": "keys of maps from addresses alone",
    **dict.fromkeys(("gettid", "madvise", "prlimit64", "readlink", "rseq", "sched_getaffinity", "set_robust_list",
                     "statfs", "statx"), "the C library's own start"),
}  # fmt: skip
# What a program cannot start, or say why it failed, without.
START = {
    "access", "arch_prctl", "brk", "close", "execve", "execveat", "exit_group", "fstat", "mmap", "mprotect", "munmap",
    "newfstatat", "openat", "poll", "pread64", "read", "rt_sigaction", "set_tid_address", "write",
}  # fmt: skip
# What is missed when nobody is left to tell: the status does. A guard that cannot watch ends the command.
SILENT = {"wait4": {125}, "ppoll": {125, 137}}


@pytest.fixture(scope="module")
def without(scratch):
    if not NUMBERS.exists():
        pytest.skip("no system call numbers of x86-64: install libc6-dev")
    program = scratch / "without-a-call"
    built = run(["cc", "-Os", "-Wall", "-Werror", "-static", "-o", program, HERE / "without.c"], timeout=60)
    assert built.status == 0, built.err
    return program


@pytest.fixture(scope="module")
def end(scratch):
    """A command that makes no call but the one that ends it."""
    program = scratch / "end"
    words = ["-static", "-nostdlib", "-nostartfiles", "-fno-stack-protector", "-Os"]
    built = run(["cc", *words, "-o", program, HERE.parent / "bench/start.c"], timeout=60)
    assert built.status == 0, built.err
    return program


def numbers():
    found = re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())
    return {name: number for name, number in found}


def calls(words, user):
    """The names of the calls of one run."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        pathlib.Path(log.name).chmod(0o666)
        result = run(["strace", "-f", "-qq", "-o", log.name, *words], user=user)
        assert result.status == 0, result.err
        return set(re.findall(r"^\d+ +(\w+)\(", log.read(), re.MULTILINE))


@pytest.mark.parametrize("as_user", [False, True], ids=["root", "user"])
def test_each_call_taken_away_is_replaced_or_missed(ours, make_root, plain_user, without, end, as_user):
    user = plain_user if as_user else None
    root = make_root(user)
    program = root / "bin/end"
    program.write_bytes(end.read_bytes())
    program.chmod(0o755)
    words = [ours.contain, "-c", root, "/bin/end"]
    known = numbers()
    made = calls(words, user)
    assert len(made) > 40
    wrong = []
    for name in sorted(made - START):
        for error, number in ERRORS.items():
            result = run([without, number, known[name], *words], user=user)
            refused = result.status == 125 and re.match(r"contain: .+", result.err)
            refused = refused or result.status in SILENT.get(name, ())
            if not (result.status == 0 if name in FALLBACK else refused):
                wrong.append((name, error, result.status, result.err))
    assert not wrong, "\n".join(map(str, wrong))
