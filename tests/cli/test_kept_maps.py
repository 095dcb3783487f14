# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kept behaviour of the id maps, which contain and pseudo share (pseudo tells them with less around it)."""

import pytest
from lib import PrivateHost, TOP_ID, id_map, run

pytestmark = pytest.mark.kept


def maps(tools, *options, **context):
    """The uid map and gid map that pseudo gives to its command."""
    script = "cat /proc/self/uid_map; echo and; cat /proc/self/gid_map"
    result = run([tools.pseudo, *options, "sh", "-c", script], **context)
    assert result.status == 0, result.err
    uids, gids = result.out.split("and\n")
    return id_map(uids), id_map(gids)


def refused(tools, *options, **context):
    """Asserts that the map is refused with a message and that the command does not start."""
    result = run([tools.pseudo, *options, "echo", "started"], **context)
    assert result.status != 0 and result.out == "" and result.err != ""
    return result


# Defaults.


def test_default_of_root_is_the_highest_id_for_0_and_the_others_on_themselves(tools):
    expected = [(0, TOP_ID, 1), (1, 1, TOP_ID - 1)]
    assert maps(tools) == (expected, expected)


def test_default_of_root_is_the_same_in_contain(tools, root):
    result = run([tools.contain, "-c", root, "/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map"])
    assert id_map(result.out) == [(0, TOP_ID, 1), (1, 1, TOP_ID - 1)] * 2


def test_default_of_root_in_a_nested_namespace_uses_its_top_id(tools):
    nest = [tools.pseudo, "-u", "0:0:1000", "-g", "0:0:2000", tools.pseudo]
    result = run([*nest, "cat", "/proc/self/uid_map", "/proc/self/gid_map"])
    assert id_map(result.out) == [(0, 999, 1), (1, 1, 998), (0, 1999, 1), (1, 1, 1998)], result.err


def test_default_of_root_with_a_single_id_is_refused_with_a_reason(tools):
    result = run([tools.pseudo, "-u", "0:0:1", "-g", "0:0:1", tools.pseudo, "echo", "started"])
    assert result.status != 0 and result.out == "" and result.err != ""


def test_default_of_user_is_the_own_id_then_the_delegated_range(tools, user):
    assert maps(tools, user=user) == (
        [(0, user.uid, 1), (1, *user.uids)],
        [(0, user.gid, 1), (1, *user.gids)],
    )


def test_default_of_user_is_the_same_in_contain(tools, user_root, user):
    result = run([tools.contain, "-c", user_root, "/bin/cat", "/proc/self/uid_map", "/proc/self/gid_map"], user=user)
    assert id_map(result.out) == [(0, user.uid, 1), (1, *user.uids), (0, user.gid, 1), (1, *user.gids)]


def test_default_of_user_without_ranges_is_the_own_id_only(tools, plain_user):
    assert maps(tools, user=plain_user) == ([(0, plain_user.uid, 1)], [(0, plain_user.gid, 1)])


def test_user_without_ranges_gets_a_container(tools, plain_root, plain_user):
    result = run([tools.contain, "-c", plain_root, "/bin/sh", "-c", "id -u; id -g; echo $$"], user=plain_user)
    assert (result.status, result.lines) == (0, ["0", "0", "1"]), result.err


def test_several_lines_of_a_user_are_mapped_one_after_the_other(tools, user):
    first, other = user.uids[0], user.gids[0]
    with PrivateHost() as host:
        host.delegate(
            f"somebody:1:5\n{user.name}:{first}:10\n{user.name}:{first + 100}:20\n",
            f"{user.name}:{other}:7\nsomebody:1:5\n{user.name}:{other + 50}:3\n",
        )
        assert maps(tools, user=user, host=host) == (
            [(0, user.uid, 1), (1, first, 10), (11, first + 100, 20)],
            [(0, user.gid, 1), (1, other, 7), (8, other + 50, 3)],
        )


def test_entries_by_number_count_as_those_by_name(tools, user):
    first, other = user.uids[0], user.gids[0]
    with PrivateHost() as host:
        # In /etc/subgid too it is the user's number that stands before the colon.
        host.delegate(f"{user.uid}:{first}:10\n{user.name}:{first + 20}:5\n", f"{user.uid}:{other}:10\n")
        assert maps(tools, user=user, host=host) == (
            [(0, user.uid, 1), (1, first, 10), (11, first + 20, 5)],
            [(0, user.gid, 1), (1, other, 10)],
        )


def test_longer_name_and_longer_number_are_somebody_else(tools, user):
    first = user.uids[0]
    text = f"{user.name}x:{first}:10\n{user.uid}1:{first}:10\nx{user.name}:{first}:10\n{user.name}:{first + 5}:2\n"
    with PrivateHost() as host:
        host.delegate(text, text)
        expected = [(1, first + 5, 2)]
        assert maps(tools, user=user, host=host) == ([(0, user.uid, 1), *expected], [(0, user.gid, 1), *expected])


def test_without_the_files_a_user_has_the_own_id_only(tools, user):
    with PrivateHost() as host:
        host.delegate(None, None)
        assert maps(tools, user=user, host=host) == ([(0, user.uid, 1)], [(0, user.gid, 1)])


# Maps by option.


@pytest.mark.parametrize("separator", [",", ";"])
def test_maps_take_either_separator(tools, separator):
    uids, gids = ["0:0:1", "1:100000:2000", "5000:200000:1"], ["0:0:1", "7:300000:20"]
    expected = tuple([tuple(int(number) for number in item.split(":")) for item in items] for items in (uids, gids))
    assert maps(tools, "-u", separator.join(uids), "-g", separator.join(gids)) == expected


def test_separators_may_be_mixed_and_repeated(tools):
    expected = [(0, 0, 1), (1, 100000, 2), (3, 200000, 1)]
    mixed, repeated = "0:0:1,1:100000:2;3:200000:1", ",0:0:1;,1:100000:2,;3:200000:1;"
    assert maps(tools, "-u", mixed, "-g", repeated) == (expected, expected)


def test_map_of_root_applies_in_contain(tools, root):
    result = run(
        [
            tools.contain,
            "-c",
            "-u",
            "0:0:1,9:90:2",
            "-g",
            "0:0:3",
            root,
            "/bin/cat",
            "/proc/self/uid_map",
            "/proc/self/gid_map",
        ]
    )
    assert id_map(result.out) == [(0, 0, 1), (9, 90, 2), (0, 0, 3)], result.err


def test_one_map_alone_leaves_the_other_at_its_default(tools):
    found = maps(tools, "-u", f"0:{TOP_ID}:1,1:1:1")
    assert found == ([(0, TOP_ID, 1), (1, 1, 1)], [(0, TOP_ID, 1), (1, 1, TOP_ID - 1)])


def test_map_of_user_within_the_delegated_ranges_is_taken(tools, user):
    uids = [(0, user.uid, 1), (1, user.uids[0] + 10, 20)]
    gids = [(0, user.gids[0], 5), (5, user.gid, 1)]
    text = [",".join(":".join(map(str, item)) for item in items) for items in (uids, gids)]
    assert maps(tools, "-u", text[0], "-g", text[1], user=user) == (uids, gids)


@pytest.mark.parametrize("option", ["-u", "-g"])
@pytest.mark.parametrize("beyond", ["host root", "one below", "one above", "another user"])
def test_map_of_user_outside_the_delegated_ranges_is_refused(tools, user, plain_user, option, beyond):
    own, (first, count) = (user.uid, user.uids) if option == "-u" else (user.gid, user.gids)
    other = plain_user.uid if option == "-u" else plain_user.gid
    item = {
        "host root": "1:0:1",
        "one below": f"1:{first - 1}:2",
        "one above": f"1:{first}:{count + 1}",
        "another user": f"1:{other}:1",
    }[beyond]
    refused(tools, option, f"0:{own}:1,{item}", user=user)


def test_map_of_user_across_two_adjacent_ranges_is_taken(tools, user):
    first = user.uids[0]
    text = f"{user.name}:{first}:10\n{user.name}:{first + 10}:10\n"
    wanted = [(0, user.uid, 1), (1, first + 5, 10)]
    with PrivateHost() as host:
        host.delegate(text, text)
        option = ",".join(":".join(map(str, item)) for item in wanted)
        assert maps(tools, "-u", option, user=user, host=host)[0][1:] == wanted[1:]


@pytest.mark.parametrize("text", ["x", "0:0", "0:0:", "0:0:x", ":0:1", "0;0;1"])
def test_malformed_map_is_refused(tools, text):
    refused(tools, "-u", text)


# Identity inside.


def test_command_is_id_0_without_supplementary_groups(tools, who, need_probe):
    folder, user = who
    result = run([tools.contain, "-c", folder, "/bin/probe", "ids"], user=user)
    assert result.lines == ["0 0 0"], result.err


def test_delegated_ids_work_inside(tools, make_root, user):
    folder = make_root(user)
    script = "touch /tmp/f && chown 12:34 /tmp/f && stat -c %u:%g /tmp/f"
    assert run([tools.contain, "-c", folder, "/bin/sh", "-c", script], user=user).lines == ["12:34"]
    made = (folder / "tmp/f").stat()
    assert (made.st_uid, made.st_gid) == (user.uids[0] + 11, user.gids[0] + 33)
