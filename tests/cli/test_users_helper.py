# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain-init and the helper for the maps: how it is started, and what becomes of a container whose helper fails.

The helper here is a stand-in (stand_in.c), setuid root, that fails on demand. That nothing of a container is left alive
after a failure is what the fixture nothing_left looks at after every test.
"""

import os
import shutil

import lib
import pytest
from lib import id_map, run

SAID = {
    "answer 1": "the request is not one of this version",
    "answer 3": "an id is neither the caller's own nor delegated to it",
    "answer 10": "/etc/passwd, /etc/subuid or /etc/subgid",
    "answer 77": "none of this version's",
    "silent": "it ended without an answer: it exited with status 0",
    "long": "none of this version's",
    "die half way": "it ended without an answer: it was ended by signal 9",
    "die at the end": "it ended without an answer: it was ended by signal 9",
}


@pytest.fixture(scope="session")
def stand_in(scratch):
    built = scratch / "stand-in"
    try:
        result = run(["cc", "-static", "-Os", "-Wall", "-o", built, lib.HERE / "stand_in.c"], timeout=60)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    if result.status != 0:
        pytest.skip(f"no static C library: {result.err}")
    return built


@pytest.fixture
def helper(stand_in, libexec):
    """Installs the stand-in, in one mode; the environment in which contain finds it."""

    def install(mode):
        folder = libexec()
        shutil.copy(stand_in, folder / "contain-idmap")
        (folder / "contain-idmap").chmod(0o4755)
        (folder / "mode").write_text(mode)
        return {"CONTAIN_LIBEXECDIR": str(folder)}

    return install


def command(ours, program, folder, *words):
    return [ours.contain, "-c", folder, *words] if program == "contain" else [ours.pseudo, *words]


@pytest.mark.parametrize("program", ["contain", "pseudo"])
def test_helper_is_started_alone_and_its_maps_hold(ours, user_root, user, helper, program):
    words = ["/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"]
    with lib.descriptor_seven("given") as given:
        result = run(command(ours, program, user_root, *words), user=user, env=helper("write"), **given)
    assert result.status == 0, result.err
    assert id_map("\n".join(result.lines[:4])) == [(0, user.uid, 1), (1, *user.uids), (0, user.gid, 1), (1, *user.gids)]
    assert result.lines[4:] == ["allow"]


def test_helper_is_not_asked_for_setgroups_without_delegated_groups(ours, user, helper):
    with lib.PrivateHost() as host:
        host.delegate(f"{user.name}:{user.uids[0]}:10\n", "")
        words = ["cat", "/proc/self/gid_map", "/proc/self/setgroups"]
        result = run([ours.pseudo, *words], user=user, host=host, env=helper("write"))
    assert (id_map(result.lines[0]), result.lines[1:]) == ([(0, user.gid, 1)], ["deny"]), result.err


@pytest.mark.parametrize("program", ["contain", "pseudo"])
@pytest.mark.parametrize("mode", SAID)
def test_any_answer_but_done_and_any_bad_end_is_a_failure(ours, user_root, user, helper, program, mode):
    words = command(ours, program, user_root, "/bin/echo", "started")
    result = run(words, user=user, env=helper(mode))
    assert (result.status, result.out) == (125, "")
    assert "step 2, map ids through " in result.err and SAID[mode] in result.err
    assert "hint: " in result.err


def test_helper_that_hangs_is_ended(ours, user, helper):
    result = run([ours.pseudo, "echo", "started"], user=user, env=helper("hang"))
    assert (result.status, result.out) == (125, "")
    assert "ETIMEDOUT" in result.err and "it did not end within 7 seconds" in result.err


def test_signal_ends_contain_while_the_helper_works(ours, user_root, user, helper):
    started = [ours.contain, "-c", user_root, "/bin/echo", "started"]
    with lib.Supervisor(started, user=user, env=helper("hang")) as supervisor:
        below = lib.until(lambda: [pid for pid in lib.children(supervisor.pid) if is_helper(pid)], 5, "the helper")
        # Of a process that is not dumpable it would be root's, and contain-idmap, which has the user's ids, kept out.
        assert os.stat(f"/proc/{supervisor.init()}/uid_map").st_uid == user.uid
        os.kill(supervisor.pid, 15)
        assert supervisor.wait() == 128 + 15
        os.kill(below[0], 9)


def is_helper(pid):
    return lib.status_field(pid, "Name") == ["contain-idmap"]


@pytest.mark.parametrize("wrong", ["not root's", "writable", "not privileged", "in a folder of others", "nosuid"])
def test_helper_that_is_not_to_be_trusted_is_not_started(ours, user, helper, wrong):
    """The maps are then written by newuidmap and newgidmap, and the plan says why; without them it is an error."""
    env = helper("answer 3")
    folder = env["CONTAIN_LIBEXECDIR"]
    program = f"{folder}/contain-idmap"
    with lib.PrivateHost() as host:
        if wrong == "not root's":
            os.chown(program, user.uid, 0)
            os.chmod(program, 0o4755)
        elif wrong == "writable":
            os.chmod(program, 0o4775)
        elif wrong == "not privileged":
            os.chmod(program, 0o755)
        elif wrong == "in a folder of others":
            os.chmod(folder, 0o1777)
        else:
            host.shell('mount --bind "$1" "$1" && mount -o remount,bind,nosuid "$1"', folder)
        explained = run([ours.contain, "--explain", "/"], user=user, host=host, env=env)
        host.hide_system_helpers()
        asked = run([ours.pseudo, "-u", f"0:{user.uids[0]}:1", "echo", "started"], user=user, host=host, env=env)
    said = {
        "not root's": f"{program} is not owned by root",
        "writable": f"{program} can be written by others than root",
        "not privileged": f"{program} is neither setuid nor has it file capabilities",
        "in a folder of others": f"{folder} can be written by others than root",
        "nosuid": f"{program} is on a file system mounted nosuid",
    }[wrong]
    assert f"note: the maps are not written by contain-idmap: {said}\n" in explained.out, explained.err
    assert (asked.status, asked.out) == (125, "") and said in asked.err
