# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain-idmap beside the system's newuidmap and newgidmap, on some hundreds of generated maps: what it writes they
write, and where it refuses what they allow, it is for a reason that is in the table of docs/idmap.md.
"""

import random
import shutil
import subprocess

import client
import pytest
from client import ALICE, DONE, Target, as_user, ask

TOOLS = [shutil.which(name) for name in ("newuidmap", "newgidmap")]
# Of each of the five setups.
CASES = 100

pytestmark = pytest.mark.skipif(None in TOOLS, reason="newuidmap and newgidmap are not installed (package uidmap)")

# subuid, subgid, and the ids that ours does not count as delegated although they do.
SETUPS = {
    "usual": ("alice-test:100000:65536\n", "alice-test:100000:65536\n", set()),
    "several lines": (
        f"{ALICE}:5000:10\nbob-test:5010:10\nalice-test:5020:10\nalice-test:5030:10\nalice-test:5025:10\n",
        f"alice-test:7000:5\n{ALICE}:5000:100\n",
        set(),
    ),
    "host root": ("alice-test:0:10\nalice-test:100000:10\n", "alice-test:0:5\n", {0}),
    "bad lines": (
        "alice-test:0100:10\n# comment\nalice-test:5000:10\nalice-test:6000\nalice-test:4294967290:100\n"
        "alice-test:100005:4294967292\nalice-tes:7000:10\n:8000:10\nalice-test:9000:10:\nalice-test:9500:0x10\n",
        "alice-test:5000:10\n\nalice-test:-1:5\n",
        # Leading zeros, a base of its own, a field too many, and ranges that go past the last id.
        {*range(4294967290, 2**32 - 1), *range(64, 74), *range(100, 110), *range(9000, 9010), *range(9500, 9516), *range(100005, 100030)},
    ),
    "no groups": ("alice-test:100000:65536\n", "bob-test:100000:65536\n", set()),
}


def wild_lines(chance, edges):
    """A few lines near everything that could go wrong."""
    found, inside = [], 0
    for _ in range(chance.choice([1, 1, 2, 3])):
        count = chance.choice([1, 1, 1, 2, 5, 10, 11, 0, 65536, 65537, 2**32 - 4, 2**32 - 1])
        host = max(0, chance.choice(edges) + chance.choice([0, 0, 0, 1, 5, -1]))
        start = chance.choice([inside, inside, inside, 0, 1, 2**32 - 1])
        found.append((start, min(host, 2**32 - 1), count))
        inside = (inside + count) % 2**32
    return found


def sound_lines(chance, edges):
    """Lines that no map forbids: no id twice, no number out of range; most of them are delegated."""
    hosts = chance.sample(sorted({*edges, *(edge + 2 for edge in edges)}), chance.choice([1, 1, 2, 3]))
    return [(10 * place, host, chance.choice([1, 1, 1, 2])) for place, host in enumerate(hosts)]


EDGES = {
    "usual": [100000, 100010, 165530, 165535],
    "several lines": [5000, 5004, 5009, 5010, 5020, 5029, 5030, 5034, 7000, 7004],
    "host root": [0, 1, 3, 9, 100000, 100009],
    "bad lines": [100, 64, 5000, 5003, 5006, 5009, 6000, 4294967290, 100005, 7000, 8000, 9000, 9500],
    "no groups": [100000, 100010, 165535],
}


def cases(name):
    chance = random.Random(name)
    edges = [*EDGES[name], ALICE]
    for _ in range(CASES):
        users = chance.choice([wild_lines, sound_lines, sound_lines])(chance, edges)
        own = [(0, ALICE, 1)]
        groups = chance.choice([users, own, own, sound_lines(chance, edges), wild_lines(chance, edges)])
        yield users, groups


def compare(program, name):
    """For each case what ours wrote, and what theirs did; none where it is refused."""

    def ours(users, groups):
        with Target() as target:
            answer, _ = ask(program, client.message(users, groups, 1), target.directory)
            return target.state() if answer == DONE else None

    def theirs(users, groups):
        with Target() as target:
            for tool, map_lines in zip(TOOLS, (users, groups), strict=True):
                words = [tool, str(target.pid), *(str(number) for line in map_lines for number in line)]
                if subprocess.run(words, stderr=subprocess.DEVNULL, close_fds=False).returncode != 0:
                    return None
            return target.state()

    return [(users, groups, ours(users, groups), theirs(users, groups)) for users, groups in cases(name)]


@pytest.mark.parametrize("name", SETUPS)
def test_same_as_newuidmap_and_newgidmap_or_stricter(programs, host, log, name):
    subuid, subgid, stricter = SETUPS[name]
    host.delegate(subuid, subgid)
    done = differences = 0
    for users, groups, ours, theirs in as_user(ALICE, compare, programs["fcaps"], name):
        if ours is not None:
            assert ours == theirs, (users, groups, ours, theirs)
            done += 1
        elif theirs is not None:
            hosts = [(first, first + count - 1) for _, first, count in [*users, *groups]]
            reason = any(first <= id <= last for id in stricter for first, last in hosts)
            assert reason, (users, groups, theirs)
            differences += 1
        log.take()
    # Both kinds of outcome are among the cases, and differences only where some are told above.
    assert 3 <= done <= CASES - 3
    assert differences == 0 or stricter


