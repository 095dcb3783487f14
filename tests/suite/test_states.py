# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every verb in every state, with a name and without, in C and in Python: the same answers, right use or wrong.

An answer is "done", a word or a number that the verb gives, or the code of an error and its errno. Not in here, as what has a name has
more: `status`, which takes one; and a C container's `pidfd`, which one that was opened by its name has no more once it
has ended.
"""

import os
import pathlib
import shutil
import tempfile

import pytest
from languages import Refusal

STATES = ("created", "running", "paused", "stopped", "deleted")
GONE, BUSY, AGAIN = ("GONE", 3), ("BUSY", 16), ("INVALID", None)
NOT_THERE = ("GONE", 2)

TABLE = {
    # verb: what it answers in each of the states.
    "state": STATES[:4] + ("stopped",),
    "start": ("done", AGAIN, AGAIN, GONE, GONE),
    "inject": (BUSY, "done", BUSY, GONE, GONE),
    "copy_in": (BUSY, "done", BUSY, GONE, GONE),
    "probe": ("done", "done", "done", GONE, GONE),
    "signal": ("done", "done", "done", GONE, GONE),
    "signal_none": (AGAIN,) * 5,
    "kill": ("done", "done", "done", GONE, GONE),
    "processes": ("some", "some", "some", GONE, GONE),
    "wait_no_time": ("running", "running", "running", "ended 7", "ended 7"),
    "stop_at_once": ("ended 137", "ended 137", "ended 137", "ended 7", "ended 7"),
    "end": ("ended 137", "ended 137", "ended 137", "ended 7", "ended 7"),
    "delete": (BUSY, BUSY, BUSY, "done", NOT_THERE),
    "delete_by_force": ("done",) * 5,
    "init_pid": ("there", "there", "there", "none", "none"),
    "pid": ("there",) * 5,
}
PYTHON_KILL = "done"
"""Of what has ended: `kill` of Python's says nothing then, as subprocess's."""
HIERARCHIES = ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A directory for the state of containers, and a cgroup that can be frozen, or nothing."""
    state = pathlib.Path(tempfile.mkdtemp(prefix="contain-states-"))
    freezer = ""
    for hierarchy in HIERARCHIES:
        if os.geteuid() == 0 and os.path.exists(f"{hierarchy}/cgroup.procs") and not freezer:
            freezer = f"{hierarchy}/contain-states-{os.getpid()}"
            os.mkdir(freezer)
    yield str(state), freezer
    if freezer:
        os.rmdir(freezer)
    shutil.rmtree(state)


@pytest.mark.parametrize("language", ["c", "python"])
@pytest.mark.parametrize("named", [False, True], ids=["unnamed", "named"])
@pytest.mark.parametrize("state", STATES)
def test_verb_answers_the_same_with_a_name_and_without(worlds, places, language, named, state):
    directory, freezer = places
    if state == "paused" and not freezer:
        pytest.skip("no cgroup2 in which this may make a cgroup")
    world, wrong = worlds("root"), {}
    for verb, answers in TABLE.items():
        wanted = answers[STATES.index(state)]
        if (language, verb) == ("python", "kill") and wanted == GONE:
            wanted = PYTHON_KILL
        config = {"root": str(world.root), "argv": ["/bin/sh", "-c", "exit 7" if state in STATES[3:] else "sleep 60"]}
        place = [f"{directory}\x1fit"] if named else []
        request = {"state": state, "verb": verb, "freezer": freezer}
        got = world.languages[language].ask(config | {"ask": "state", "named": place, "in": list(request.values())}, []).end
        got = (got.code, got.errno if got.code != "INVALID" else None) if isinstance(got, Refusal) else got["answer"]
        if got != wanted:
            wrong[verb] = f"{got}, wanted {wanted}"
    assert not wrong
    assert os.listdir(directory) == []


def test_object_after_its_block_answers_as_one_that_is_deleted(worlds, places):
    """Python's `with`: what made the container has deleted it at the end."""
    world, directory = worlds("root"), places[0]
    for place in ([], [f"{directory}\x1fit"]):
        for verb, answers in TABLE.items():
            wanted = PYTHON_KILL if verb == "kill" else answers[-1]
            config = {"root": str(world.root), "argv": ["/bin/sh", "-c", "exit 7"], "ask": "state", "named": place}
            got = world.languages["python"].ask(config | {"in": ["left", verb, ""]}, []).end
            got = (got.code, got.errno if got.code != "INVALID" else None) if isinstance(got, Refusal) else got["answer"]
            assert got == wanted, (place, verb)
