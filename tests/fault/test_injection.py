# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every system call of contain-init made to fail, one at a time: an end, in time, with nothing left, and never the
command where something that it was to be given or denied has failed.

FAULT_ERRORS are the errors (EPERM,ENOMEM), FAULT_SECONDS the time for each configuration (60); what there was no time
for is said in a skip.
"""

import os
import re
import shutil
import tempfile
import time

import harness
import pytest
from cases import contain

ERRORS = os.environ.get("FAULT_ERRORS", "EPERM,ENOMEM").split(",")
SECONDS = float(os.environ.get("FAULT_SECONDS", 60))
STATUS = 3
COMMAND = ("/bin/sh", "-c", f"echo ran; exit {STATUS}")
CASES = [
    contain("plain", "-c", command=COMMAND),
    contain("init", "--init", "-i", "true", "-o", "true", "--hostname", "fault", command=COMMAND),
    contain("host", "--host", command=COMMAND),
]
# Without these the command may run to its end, and why; everything else is needed.
DISPENSABLE = {
    "clock_gettime": "a time that is reported",
    "clone3": "clone(2) follows",
    "exit_group": "tried again",
    "ioctl": "asks what kind of terminal there is",
    "mprotect": "the program's own relocated constants stay writable",
    "pidfd_send_signal": "the guard ends after the monitor",
    "ppoll": "the command has ended already",
    "read": "a signal is not passed on, or input or the console's output ends",
    "umask": "never fails",
    "wait4": "a guard is left to be reaped by others",
    "write": "the end of input",
}
# What EINTR and EAGAIN are answered to by trying again.
TRIED_AGAIN = {"openat2", "ppoll", "read", "recvmsg", "sendmsg", "wait4", "write"}


def trace(start, case, *options):
    """One run under strace: its status, what it said, and the log."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as log:
        words = ["strace", "-f", "-qq", "-o", log.name, *options, *start.words(case)]
        with harness.Run(case, words, CONTAIN_LIBEXECDIR=start.programs["libexec"], FAULT_MARKER=start.marker) as run:
            run.process.stdin.close()
            status = run.wait(15)
            return status, run.output(), log.read()


def calls(log):
    """The calls that contain-init's processes make, as [name, how manyeth of its process, process, text]."""
    found, counts, unfinished, ours, others = [], {}, {}, False, set()
    for line in log.splitlines():
        if match := re.match(r"(\d+) +<\.\.\. \w+ resumed>(.*)", line):
            pid, text = match.groups()
            call = unfinished.pop(pid, None)
            if call is None:
                continue
            call[3] += text
        elif match := re.match(r"(\d+) +(\w+)\((.*)", line):
            pid, name, text = match.groups()
            counts[pid, name] = counts.get((pid, name), 0) + 1
            call = [name, counts[pid, name], pid, f"{name}({text}"]
            if ours and pid not in others:
                found.append(call)
            if "<unfinished" in text:
                unfinished[pid] = call
                continue
        else:
            continue
        if call[0] in ("execve", "execveat") and re.search(r"\) += 0$", call[3]):
            if ours:
                others.add(pid)
            # The first program becomes contain-init by execveat; whatever contain-init executes is another.
            ours = ours or call[0] == "execveat"
    return found


def optional(made):
    """Which of them belong to the mount of cgroup2, a step that may fail."""
    start = next(index for index, call in enumerate(made) if '"sys/fs/cgroup"' in call[3])
    pid, window = made[start][2], set()
    for name, which, by, text in made[start:]:
        if by == pid:
            window.add((name, which))
            if name == "move_mount" or "= -1" in text:
                return window
    raise AssertionError("the mount of cgroup2 has no end")


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_system_call_failing_leaves_nothing(start, case, error):
    end = time.monotonic() + SECONDS
    picture = start.picture(case)
    status, said, log = trace(start, case)
    assert (status, "ran" in said) == (STATUS, True), (status, said, log)
    made = calls(log)
    may_fail = optional(made)
    wanted = sorted({(name, which) for name, which, _, _ in made})
    assert len(wanted) > 60
    for done, (name, which) in enumerate(wanted):
        if time.monotonic() > end:
            pytest.skip(f"{len(wanted) - done} of {len(wanted)} calls are left after {SECONDS} s")
        status, said, log = trace(start, case, "-e", f"inject={name}:error={error}:when={which}")
        picture.assert_nothing_left()
        hit = [call[3] for call in calls(log) if "(INJECTED)" in call[3]]
        assert status != 0, f"success in spite of {name} {which}: {hit}"
        tried_again = error in ("EINTR", "EAGAIN") and name in TRIED_AGAIN
        if hit and status == STATUS and (name, which) not in may_fail and not tried_again:
            # F_GETFD asks whether a standard descriptor is open; one that is taken for closed gets /dev/null.
            asked = all("F_GETFD" in text for text in hit)
            assert name in DISPENSABLE or asked, f"the command ran in spite of {hit}"
            assert "ran" in said or name == "read", f"output is lost without a word: {hit}"
