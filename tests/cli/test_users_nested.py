# SPDX-License-Identifier: MIT OR Apache-2.0
"""Maps made in a user namespace that is not the first: clipped to what that one maps, without holes; and callers whom
the namespace or their capabilities leave too little.
"""

import re
import shutil

import lib
import pytest
from lib import id_map, run

LOOK = ["/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map"]


def around(ours, maps, user=None):
    """Words in front of a command: a user namespace of root's with these maps, and one of its users."""
    text = ",".join(":".join(map(str, line)) for line in maps)
    become = ["setpriv", "--reuid", user.uid, "--regid", user.gid, "--clear-groups"] if user else []
    return [ours.pseudo, "-u", text, "-g", text, *become]


def command(ours, program, folder, *options):
    return [ours.contain, "-c", *options, folder] if program == "contain" else [ours.pseudo, *options]


def need_system_helpers():
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        pytest.skip("no newuidmap and newgidmap: install uidmap")


every_program = pytest.mark.parametrize("program", ["contain", "pseudo"])


# Users.


@pytest.fixture
def clipped(ours, user):
    """A namespace with all low ids, and two pieces of what is delegated to the user."""
    first = user.uids[0]
    other = user.gids[0]
    pieces = [(first + 5, first + 5, 10), (first + 40, first + 40, 5), (other + 7, other + 7, 3)]
    return around(ours, [(0, 0, 50000), *pieces], user)


@pytest.fixture(params=["newuidmap", "contain-idmap, setuid", "contain-idmap, file capabilities"])
def helped(request, installed, libexec, hidden):
    """What run() needs for a host with one kind of helper alone; host root is root in the namespace around too."""
    if request.param == "newuidmap":
        need_system_helpers()
        return {"env": {"CONTAIN_LIBEXECDIR": str(libexec())}}
    return {"env": {"CONTAIN_LIBEXECDIR": str(installed(request.param.partition(", ")[2]))}, "host": hidden}


@every_program
def test_default_of_user_is_clipped_and_without_holes(ours, clipped, user_root, user, helped, program):
    result = run([*clipped, *command(ours, program, user_root), *LOOK], **helped)
    first, other = user.uids[0], user.gids[0]
    assert id_map(result.out) == [
        (0, user.uid, 1),
        (1, first + 5, 10),
        (11, first + 40, 5),
        (0, user.gid, 1),
        (1, other + 7, 3),
    ], result.err


def test_plan_of_a_user_in_a_nested_namespace_is_what_is_done(ours, clipped, user_root, user):
    need_system_helpers()
    plan = run([*clipped, ours.contain, "--explain", user_root])
    first = user.uids[0]
    ids = f"users 0→{user.uid}, 1-10→{first + 5}-{first + 14}, 11-15→{first + 40}-{first + 44}; groups 0→{user.gid}"
    assert ids in plan.out, plan.err


@every_program
def test_map_of_user_that_leads_out_of_the_namespace_is_refused_by_name(ours, clipped, user_root, user, program):
    first = user.uids[0]
    options = ["-u", f"0:{user.uid}:1,1:{first + 5}:12"]
    result = run([*clipped, *command(ours, program, user_root, *options), "/bin/echo", "started"])
    assert (result.status, result.out) == (125, "")
    assert f"host user ids {first + 15}-{first + 16} are not mapped in this user namespace" in result.err


def test_map_of_user_across_lines_of_the_namespace_is_cut(ours, user, helped):
    """The kernel takes a line only where one line of the namespace around holds all of it."""
    first = user.uids[0]
    # Neighbours inside that are none outside.
    lines = [(0, 0, 50000), (first, first + 1000, 4), (first + 4, first + 2000, 4)]
    wanted = ["-u", f"0:{user.uid}:1,1:{first + 2}:4", "-g", f"0:{user.gid}:1"]
    result = run([*around(ours, lines, user), ours.pseudo, *wanted, *LOOK], **helped)
    assert id_map(result.out) == [(0, user.uid, 1), (1, first + 2, 2), (3, first + 4, 2), (0, user.gid, 1)], result.err


@pytest.mark.parametrize("mode", ["setuid", "file capabilities"])
def test_helper_that_is_nobodys_in_the_namespace_is_not_used(ours, user, installed, mode):
    """Where host root has no id, who owns the helper cannot be known; the maps are the own id, and a note says why."""
    first = user.uids[0]
    lines = [(0, first, 1), (user.uid, user.uid, 1), *([(user.gid, user.gid, 1)] if user.gid != user.uid else [])]
    env = {"CONTAIN_LIBEXECDIR": str(installed(mode))}
    with lib.PrivateHost() as host:
        host.hide_system_helpers()
        host.delegate(f"{user.name}:0:1\n{user.name}:{user.gid}:1\n", "")
        result = run([*around(ours, lines, user), ours.pseudo, *LOOK], env=env, host=host)
    assert id_map(result.out) == [(0, user.uid, 1), (0, user.gid, 1)], result.err
    assert "contain-idmap is not owned by root" in result.err


def test_namespace_without_maps_has_no_container(ours, plain_root, plain_user):
    result = run(["unshare", "--user", ours.contain, "-c", plain_root, "/bin/echo", "started"], user=plain_user)
    assert (result.status, result.out) == (125, "")
    assert "no id is mapped in this user namespace" in result.err


# Root of a namespace.


@every_program
def test_default_of_nested_root_is_clipped_and_cut(ours, make_root, program):
    """Its highest id becomes container 0; the others are themselves, line by line of the namespace around."""
    lines = [(0, 300000, 100), (100, 400000, 50), (500, 500000, 10)]
    folder = make_root()
    folder.chmod(0o755)
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, 500009, 500009)
    result = run([*around(ours, lines), *command(ours, program, folder), *LOOK])
    assert id_map(result.out) == [(0, 509, 1), (1, 1, 99), (100, 100, 50), (500, 500, 9)] * 2, result.err


def test_roots_nest_until_no_id_is_left(ours):
    show = ["sh", "-c", 'cat /proc/self/uid_map; exec "$@"', "sh"]
    chain = [ours.pseudo, "-u", "0:0:4", "-g", "0:0:4", *[*show, ours.pseudo] * 4]
    result = run([*chain, "echo", "started"])
    assert id_map(result.out) == [(0, 0, 4), (0, 3, 1), (1, 1, 2), (0, 2, 1), (1, 1, 1), (0, 1, 1)], result.err
    assert result.status == 125 and "only one user id is mapped" in result.err


@every_program
@pytest.mark.parametrize("word, maps", [("user", ("0:0:1", "0:0:5")), ("group", ("0:0:5", "0:0:1"))])
def test_root_of_a_single_id_is_told_so(ours, root, program, word, maps):
    nest = [ours.pseudo, "-u", maps[0], "-g", maps[1]]
    result = run([*nest, *command(ours, program, root), "/bin/echo", "started"])
    assert (result.status, result.out) == (125, "")
    assert f"only one {word} id is mapped in this user namespace, so that none is left for container root" in result.err
    assert "hint: start it outside this user namespace, or give maps" in result.err


@every_program
def test_root_of_a_single_id_can_give_that_id(ours, plain_root, plain_user, program):
    own = ["-u", "0:0:1", "-g", "0:0:1"]
    nest = ["unshare", "--user", "--map-root-user"]
    result = run([*nest, *command(ours, program, plain_root, *own), *LOOK], user=plain_user)
    assert id_map(result.out) == [(0, 0, 1), (0, 0, 1)], result.err


# Root without capabilities.


def bare(*kept):
    """Words in front of a command: root with these capabilities alone."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=" + ",".join(["-all", *(f"+{name}" for name in kept)])]


@every_program
def test_root_without_capabilities_is_told_what_is_missing(ours, root, program):
    result = run([*bare(), *command(ours, program, root), "/bin/echo", "started"])
    assert (result.status, result.out) == (125, "")
    assert "mapping host user id 0 needs CAP_SETFCAP, which this process lacks" in result.err


def test_root_without_the_right_to_set_ids_has_its_own(ours):
    result = run([*bare("setfcap"), ours.pseudo, *LOOK, "/proc/self/setgroups"])
    assert id_map("\n".join(result.lines[:2])) == [(0, 0, 1), (0, 0, 1)], result.err
    assert result.lines[2:] == ["deny"]


def test_root_without_the_right_to_set_ids_is_not_given_others(ours):
    result = run([*bare("setfcap"), ours.pseudo, "-u", "0:1000:1", "echo", "started"])
    assert (result.status, result.out) == (125, "")
    assert re.search(r"host user ids? 1000 .*not delegated", result.err)
