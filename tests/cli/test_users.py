# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who starts a container decides which ids it has, who writes its maps, and whether setgroups(2) works inside: the table
of docs/architecture.md ("Privilege"), as it shows from inside, by every way in.
"""

import dataclasses
import pathlib
import shutil

import lib
import pytest
from lib import TOP_ID, id_map, run

WAYS = ("root", "contain-idmap, setuid", "contain-idmap, file capabilities", "newuidmap", "nothing")
PROGRAMS = ("contain", "pseudo", "library")
LOOK = ["/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups"]


@dataclasses.dataclass
class Way:
    """One row: who starts it, in which root file system, with what at hand."""

    name: str
    root: pathlib.Path
    options: dict
    user: lib.User = None

    def ids(self):
        """The uid map and the gid map that are expected inside."""
        if self.user is None:
            return [(0, TOP_ID, 1), (1, 1, TOP_ID - 1)] * 2
        if self.name == "nothing":
            return [(0, self.user.uid, 1), (0, self.user.gid, 1)]
        return [(0, self.user.uid, 1), (1, *self.user.uids), (0, self.user.gid, 1), (1, *self.user.gids)]

    def written(self):
        """What the plan says about who writes the maps."""
        if self.name in ("root", "nothing"):
            return "written directly"
        return "through /usr/bin/newuidmap and" if self.name == "newuidmap" else "/contain-idmap"


@pytest.fixture
def way(request, root, user_root, user, libexec, installed, hidden):
    name = request.param
    if name == "root":
        return Way(name, root, {})
    if name == "newuidmap":
        if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
            pytest.skip("no newuidmap and newgidmap: install uidmap")
        return Way(name, user_root, {"user": user, "env": {"CONTAIN_LIBEXECDIR": str(libexec())}}, user)
    folder = libexec() if name == "nothing" else installed(name.partition(", ")[2])
    env = {"CONTAIN_LIBEXECDIR": str(folder)}
    return Way(name, user_root, {"user": user, "host": hidden, "env": env}, user)


every_way = pytest.mark.parametrize("way", WAYS, indirect=True)
every_program = pytest.mark.parametrize("program", PROGRAMS)


@pytest.fixture(scope="module")
def library(scratch):
    """A C program that runs a command by libcontain, and that every user may start."""
    built = lib.our_programs() / "libcontain.so"
    if not built.exists():
        pytest.skip(f"no {built}: cargo build --release -p contain-capi")
    folder = scratch / "library"
    folder.mkdir()
    shutil.copy(built, folder / "libcontain.so")
    (folder / "libcontain.so.0").symlink_to("libcontain.so")
    include, program = lib.REPOSITORY / "include", folder / "library"
    words = ["cc", "-Wall", f"-I{include}", "-o", program, lib.HERE / "library.c", f"-L{folder}", "-lcontain"]
    try:
        result = run([*words, f"-Wl,-rpath,{folder}"], timeout=60)
    except FileNotFoundError:
        pytest.skip("no C compiler")
    assert result.status == 0, result.err
    return program


@pytest.fixture
def start(ours, request, probe):
    """Starts a command by one of the three ways in; `probe` stands for the small program of the tests."""

    def start(program, way, *words, **more):
        if program == "pseudo":
            front = [ours.pseudo]
            words = [probe if word == "probe" else word for word in words]
        else:
            front = [ours.contain, "-c"] if program == "contain" else [request.getfixturevalue("library")]
            front = [*front, way.root]
            words = ["/bin/probe" if word == "probe" else word for word in words]
        return run([*front, *words], **{**way.options, **more})

    return start


@every_way
@every_program
def test_maps_inside_are_those_of_the_table(start, way, program):
    result = start(program, way, "/bin/cat", *LOOK)
    assert result.status == 0, result.err
    assert id_map("\n".join(result.lines[:-1])) == way.ids()
    assert result.lines[-1] == ("deny" if way.name == "nothing" else "allow")


@every_way
@every_program
def test_setgroups_succeeds_or_fails_as_the_table_says(start, need_probe, way, program):
    result = start(program, way, "probe", "setgroups")
    assert (result.status, result.lines) == (0, ["EPERM" if way.name == "nothing" else "allowed"]), result.err


@every_way
def test_plan_says_who_writes_the_maps_and_whether_setgroups_stays(ours, way):
    result = run([ours.contain, "--explain", "-c", way.root], **way.options)
    assert result.status == 0, result.err
    line = next(line for line in result.lines if "  map ids  " in line)
    assert way.written() in line
    assert ("denied" in line) == (way.name == "nothing")


def test_plan_says_why_a_better_way_is_not_taken(ours, user_root, user, libexec, hidden):
    env = {"CONTAIN_LIBEXECDIR": str(libexec())}
    plan = [ours.contain, "--explain", "-c", user_root]
    system = run(plan, user=user, env=env)
    nothing = run(plan, user=user, env=env, host=hidden)
    if shutil.which("newuidmap"):
        assert "note: the maps are not written by contain-idmap: contain-idmap is not installed\n" in system.out
    for word, path in (("user", "/etc/subuid"), ("group", "/etc/subgid")):
        assert f"note: the {word} ids of {path} are not mapped: contain-idmap is not installed; " in nothing.out


@every_way
@every_program
def test_files_of_other_ids_can_be_made_where_they_are_mapped(start, way, program, shared):
    place = f"{shared}/f" if program == "pseudo" else f"/tmp/of-others-{program}"
    script = 'touch "$1" && chown 12:34 "$1" && stat -c %u:%g "$1"; status=$?; rm "$1"; exit $status'
    result = start(program, way, "/bin/sh", "-c", script, "sh", place)
    if way.name == "nothing":
        assert result.status == 1 and result.out == ""
    else:
        assert (result.status, result.lines) == (0, ["12:34"]), result.err


@every_way
def test_inject_becomes_the_same_root(ours, way, need_probe):
    """Its groups are cleared where setgroups is allowed, and it may set them there."""
    options = dict(way.options)
    with lib.Supervisor([ours.contain, "-c", way.root, "/bin/sh", "-c", "echo up; read x"], **options) as supervisor:
        supervisor.expect("up")
        inject = [ours.inject, str(supervisor.pid), "/bin/probe"]
        ids, groups = run([*inject, "ids"], **options), run([*inject, "setgroups"], **options)
        supervisor.send("\n")
        assert supervisor.wait() == 0
    assert ids.lines == ["0 0 0"], ids.err
    assert groups.lines == ["EPERM" if way.name == "nothing" else "allowed"], groups.err


# The setgroups rule where there is a helper.

helped = pytest.mark.parametrize("way", WAYS[1:4], indirect=True)


def ranges(user, uids, gids):
    lines = [f"{user.name}:{first}:10\n" if given else "" for first, given in ((user.uids[0], uids), (user.gids[0], gids))]
    return lines


@helped
@pytest.mark.parametrize("groups", [False, True], ids=["users alone", "groups alone"])
def test_setgroups_follows_the_groups(start, need_probe, way, groups):
    """Allowed where group ids from /etc/subgid are mapped, whatever user ids are."""
    with lib.PrivateHost() as host:
        if way.name != "newuidmap":
            host.hide_system_helpers()
        host.delegate(*ranges(way.user, not groups, groups))
        inside = start("pseudo", way, "cat", *LOOK, host=host)
        asked = start("pseudo", way, "probe", "setgroups", host=host)
    user = way.user
    delegated = [(0, user.uid, 1), (0, user.gid, 1), (1, user.gids[0], 10)]
    if not groups:
        delegated = [(0, user.uid, 1), (1, user.uids[0], 10), (0, user.gid, 1)]
    assert id_map("\n".join(inside.lines[:-1])) == delegated, inside.err
    assert (inside.lines[-1], asked.lines) == (("allow", ["allowed"]) if groups else ("deny", ["EPERM"]))


@helped
def test_setgroups_is_denied_for_the_own_group_alone(ours, way):
    user = way.user
    own = ["-u", f"0:{user.uid}:1,1:{user.uids[0]}:5", "-g", f"0:{user.gid}:1"]
    result = run([ours.pseudo, *own, "cat", *LOOK], **way.options)
    assert id_map("\n".join(result.lines[:-1])) == [(0, user.uid, 1), (1, user.uids[0], 5), (0, user.gid, 1)]
    assert result.lines[-1] == "deny"


@pytest.mark.parametrize("program", ["contain", "pseudo"])
def test_setgroups_denied_around_stays_denied_inside(ours, plain_root, plain_user, need_probe, probe, program):
    """Below a user namespace where it is denied nobody can take that back, its root neither."""
    own = ["-u", "0:0:1", "-g", "0:0:1"]
    front = [ours.contain, "-c", *own, plain_root] if program == "contain" else [ours.pseudo, *own]
    nested = ["unshare", "--user", "--map-root-user", *front]
    looked = run([*nested, "/bin/cat", "/proc/self/setgroups"], user=plain_user)
    assert looked.lines == ["deny"], looked.err
    asked = run([*nested, probe if program == "pseudo" else "/bin/probe", "setgroups"], user=plain_user)
    assert asked.lines == ["EPERM"], asked.err


# The files, as each helper reads them.


@helped
def test_names_numbers_and_overlapping_lines_are_merged(start, way):
    user, (first, other) = way.user, (way.user.uids[0], way.user.gids[0])
    uids = f"{user.name}:{first + 50}:10\n{user.uid}:{first}:10\n{user.name}:{first + 5}:10\n{user.name}:{first + 5}:10\n"
    gids = f"# who has what\n\n{user.uid}:{other}:4\n{user.name}x:{other + 9}:1\n{user.name}:{other + 4}:4\n"
    with lib.PrivateHost() as host:
        if way.name != "newuidmap":
            host.hide_system_helpers()
        host.delegate(uids, gids)
        result = start("pseudo", way, "cat", *LOOK, host=host)
    expected = [(0, user.uid, 1), (1, first + 50, 10), (11, first, 15), (0, user.gid, 1), (1, other, 8)]
    assert id_map("\n".join(result.lines[:-1])) == expected, result.err
    assert "note: /etc/subgid: lines that are not OWNER:FIRST:COUNT were skipped: 1" in result.err


@helped
@pytest.mark.parametrize("program", ["contain", "pseudo"])
@pytest.mark.parametrize("option", ["-u", "-g"])
def test_ids_that_are_not_delegated_are_refused_whoever_writes(ours, way, program, option):
    own = way.user.uid if option == "-u" else way.user.gid
    front = [ours.pseudo] if program == "pseudo" else [ours.contain, "-c"]
    last = [] if program == "pseudo" else [way.root]
    result = run([*front, option, f"0:{own}:1,1:7:1", *last, "/bin/echo", "started"], **way.options)
    assert (result.status, result.out) == (125, "") and "are not delegated to you" in result.err
