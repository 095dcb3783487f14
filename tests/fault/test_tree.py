# SPDX-License-Identifier: MIT OR Apache-2.0
"""The end of an injected command's tree at its deadline, with the system calls that it takes made to fail: the command
ends in any case, and no descriptor of those that name its processes stays open."""

import re
import shutil
import tempfile

import harness
import pytest
from cases import SLEEP, contain
from harness import Case

OUT_OF_TIME = 124
COMMAND = ("/bin/sleep", "1000")


@pytest.fixture
def target(start):
    with start.run(contain("target", "-c", command=SLEEP)) as run:
        run.expect("up")
        yield run


def trace(start, target, *options):
    """One injected command that meets its deadline: how it ended, and the monitor's calls before and from SIGSTOP on."""
    case = Case("deadline", ("{inject}", "--timeout", "0.2", "{target}", *COMMAND))
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        words = ["strace", "-f", "-qq", "-o", log.name, *options, *start.words(case, target.pid)]
        with harness.Run(case, words, CONTAIN_LIBEXECDIR=start.programs["libexec"], FAULT_MARKER=start.marker) as run:
            status = run.wait(15)
        lines = [line.split(None, 1) for line in log.read().splitlines()]
    calls = [call for pid, call in lines if pid == lines[0][0]]
    stop = next(index for index, call in enumerate(calls) if re.match(r"pidfd_send_signal\(\d+, SIGSTOP", call))
    return status, calls[:stop], calls[stop:]


def left_open(calls):
    """The pidfds that were opened and not closed."""
    opened = set()
    for call in calls:
        # strace writes a call in two lines where another process comes between.
        if found := re.match(r"(?:pidfd_open\(|<\.\.\. pidfd_open resumed>).*= (\d+)$", call):
            opened.add(found.group(1))
        elif found := re.match(r"close\((\d+)", call):
            opened.discard(found.group(1))
    return opened


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("name", ["pread64", "waitid"])
def test_failing_end_of_a_tree_leaves_no_descriptor_open(start, target, name):
    """In turn each of the calls fails that are made once the reaper has been told to stop, and all after it."""
    status, before, after = trace(start, target)
    assert status == OUT_OF_TIME and not left_open(after)
    made = sum(call.startswith(f"{name}(") for call in before)
    failed_with_one_open = 0
    for which in range(made + 1, made + 6):
        status, _, calls = trace(start, target, "-e", f"inject={name}:error=EIO:when={which}+")
        assert status == OUT_OF_TIME and not left_open(calls), (which, calls)
        hit = next((index for index, call in enumerate(calls) if "(INJECTED)" in call), 0)
        failed_with_one_open += bool(left_open(calls[:hit]))
    assert failed_with_one_open
