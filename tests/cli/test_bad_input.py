# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bad input and bad surroundings: a clear error with cause and remedy, and nothing left.

conftest.py checks after every test that no process, mount, cgroup or interface is left.
"""

import os
import pathlib
import re
import resource

import lib
import pytest
from lib import inside, run


def explained(result, *words, program="contain", status=125, hint=True):
    """Asserts an error of ours: `PROGRAM: OPERATION OBJECT: TEXT`, the words that name the cause, and a hint.

    A mistake in the words of the command line says by itself how to mend it and needs no hint.
    """
    assert (result.status, result.out) == (status, ""), result
    assert "\033" not in result.err
    lines = result.err.splitlines()
    assert re.fullmatch(rf"{program}: \S.*: \S.*[^.]", lines[0]), lines
    assert not hint or any(re.fullmatch(r"hint: \S.*[^.]", line) for line in lines[1:]), lines
    missing = [word for word in words if word.lower() not in result.err.lower()]
    assert missing == [], result.err


# Maps.


MAPS = {
    "overlapping inside": ("0:0:10,5:100:10", "twice"),
    "overlapping outside": ("0:0:10,10:5:10", "twice"),
    "repeated": ("0:0:1,0:0:1", "twice"),
    "wrapping inside": ("4294967290:0:10", "4294967294"),
    "wrapping outside": ("0:4294967290:10", "4294967294"),
    "wrapping count": ("0:1:4294967295", "4294967294"),
    "the invalid id": ("4294967295:1:1", "4294967294"),
    "onto the invalid id": ("0:4294967295:1", "4294967294"),
    "count 0": ("0:0:0", "count is 0"),
    "beyond 32 bits": ("4294967296:0:1", "4294967296:0:1"),
    "count beyond 32 bits": ("0:0:4294967297", "0:0:4294967297"),
    "beyond 64 bits": ("18446744073709551616:0:1", "18446744073709551616:0:1"),
    "negative": ("0:-1:1", "decimal"),
    "signed": ("+0:0:1", "decimal"),
    "with a space": ("0: 0:1", "decimal"),
    "hexadecimal": ("0x0:0:1", "decimal"),
    "too few fields": ("0:0", "START:LOWER:COUNT"),
    "too many fields": ("0:0:1:1", "START:LOWER:COUNT"),
    "no numbers": ("a:b:c", "START:LOWER:COUNT"),
    "empty": ("", "empty"),
    "separators only": (",;,", "empty"),
    "another separator": ("0:0:1 1:1:1", "START:LOWER:COUNT"),
}


@pytest.mark.parametrize("option", ["-u", "-g"])
@pytest.mark.parametrize("kind", MAPS)
def test_impossible_map_is_refused(ours, kind, option):
    text, cause = MAPS[kind]
    explained(run([ours.pseudo, option, text, "echo", "started"]), cause, program="pseudo", hint=False)


@pytest.mark.parametrize("kind", ["overlapping inside", "wrapping outside", "count 0", "no numbers"])
def test_impossible_map_is_refused_by_contain(ours, root, kind):
    text, cause = MAPS[kind]
    explained(run([ours.contain, "-c", "-u", text, root, "/bin/echo", "started"]), cause, hint=False)


def test_map_of_10000_lines_is_refused_with_the_limit(ours):
    text = ",".join(f"{2 * n}:{2 * n}:1" for n in range(10_000))
    explained(run([ours.pseudo, "-u", text, "echo", "started"]), "340", program="pseudo", hint=False)


def test_map_of_340_lines_is_taken(ours):
    text = ",".join(f"{2 * n}:{2 * n}:1" for n in range(340))
    result = run([ours.pseudo, "-u", text, "-g", text, "cat", "/proc/self/uid_map"])
    assert len(lib.id_map(result.out)) == 340, result.err


@pytest.mark.parametrize("option", ["-u", "-g"])
def test_user_map_whose_sum_wraps_is_refused(ours, user, option):
    first = (user.uids if option == "-u" else user.gids)[0] + 5
    result = run([ours.pseudo, option, f"0:{first}:{2**32 - 4}", "echo", "started"], user=user)
    explained(result, "4294967294", program="pseudo", hint=False)


@pytest.mark.parametrize("option", ["-u", "-g"])
def test_user_map_beyond_the_delegated_ranges_is_explained(ours, user, option):
    first, count = user.uids if option == "-u" else user.gids
    file = "/etc/subuid" if option == "-u" else "/etc/subgid"
    result = run([ours.pseudo, option, f"0:{first + 1}:{count}", "echo", "started"], user=user)
    explained(result, file, program="pseudo")


def test_plain_users_map_is_explained(ours, plain_user):
    result = run([ours.pseudo, "-u", f"0:{plain_user.uid}:1,1:100000:1", "echo", "started"], user=plain_user)
    explained(result, "/etc/subuid", program="pseudo")


# /etc/subuid and /etc/subgid.


def test_bad_lines_of_the_delegation_files_are_skipped(ours, user):
    first, name = user.uids[0], user.name
    lines = [
        b"",
        b":",
        b"::",
        b"\0\0\0",
        b"\xff\xfe:1:1",
        f"{name}".encode(),
        f"{name}:".encode(),
        f"{name}:x:1".encode(),
        f"{name}:{first}:0".encode(),
        f"{name}:-5:3".encode(),
        f"{name}:4294967290:100".encode(),
        f"{name}:18446744073709551616:1".encode(),
        f"{name}:{first}:1\0".encode(),
        b"x" * 100_000,
        f"{name}:{first}:7".encode(),
    ]
    with lib.PrivateHost() as host:
        host.delegate(b"\n".join(lines) + b"\n", b"\n".join(lines) + b"\n")
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
    assert lib.id_map(result.out) == [(0, user.uid, 1), (1, first, 7)], result.err


def test_delegation_file_without_a_last_newline_is_read_to_the_end(ours, user):
    text = f"other:1:1\n{user.name}:{user.uids[0]}:7"
    with lib.PrivateHost() as host:
        host.delegate(text, text)
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
    assert lib.id_map(result.out) == [(0, user.uid, 1), (1, user.uids[0], 7)], result.err


def test_10000_lines_of_other_users_are_no_problem(ours, user):
    text = "".join(f"other{n}:{n * 65536 + 100000}:65536\n" for n in range(10_000)) + f"{user.name}:{user.uids[0]}:9\n"
    with lib.PrivateHost() as host:
        host.delegate(text, text)
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
    assert lib.id_map(result.out) == [(0, user.uid, 1), (1, user.uids[0], 9)], result.err


def test_10000_adjacent_ranges_of_the_user_are_merged(ours, user):
    text = "".join(f"{user.name}:{user.uids[0] + n}:1\n" for n in range(10_000))
    with lib.PrivateHost() as host:
        host.delegate(text, text)
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
    assert lib.id_map(result.out) == [(0, user.uid, 1), (1, user.uids[0], 10_000)], result.err


def test_10000_separate_ranges_of_the_user_are_explained(ours, user):
    """The kernel takes 340 lines and one page: to leave the others out is a choice that has to be told."""
    text = "".join(f"{user.name}:{user.uids[0] + 2 * n}:1\n" for n in range(10_000))
    with lib.PrivateHost() as host:
        host.delegate(text, text)
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
    if result.status == 0:
        expected = [(0, user.uid, 1), *((n + 1, user.uids[0] + 2 * n, 1) for n in range(339))]
        found = lib.id_map(result.out)
        assert found == expected[: len(found)]
        assert result.err.startswith("pseudo: ") and "range" in result.err
    else:
        explained(result, "range", program="pseudo")


# The root.


def test_missing_root_is_explained(ours, scratch):
    explained(run([ours.contain, "-c", scratch / "no-such", "/bin/true"]), str(scratch / "no-such"), "no such file")


def test_empty_name_of_a_root_is_explained(ours):
    explained(run([ours.contain, "-c", "", "/bin/true"]))


def test_root_that_is_a_file_is_explained(ours, shared):
    (shared / "file").write_text("")
    explained(run([ours.contain, "-c", shared / "file", "/bin/true"]), str(shared / "file"), "not a directory")


def test_root_that_is_a_dangling_link_is_explained(ours, shared):
    (shared / "link").symlink_to("/no/such")
    explained(run([ours.contain, "-c", shared / "link", "/bin/true"]), str(shared / "link"))


def test_root_that_the_user_may_not_enter_is_explained(ours, shared, user):
    (shared / "closed").mkdir(mode=0o700)
    result = run([ours.contain, "-c", shared / "closed", "/bin/true"], user=user)
    explained(result, str(shared / "closed"), "permission denied")


def test_root_that_belongs_to_somebody_else_is_explained(ours, shared):
    """Root's default map does not contain the host's root: the folder is nobody's inside, and dev cannot be made."""
    (shared / "foreign").mkdir()
    explained(run([ours.contain, "-c", shared / "foreign", "/bin/true"]), "dev", "permission denied")
    assert list((shared / "foreign").iterdir()) == []


def test_very_long_name_of_a_root_is_explained(ours):
    explained(run([ours.contain, "-c", "/" + "x/" * 3000, "/bin/true"]), "too long", hint=False)


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
@pytest.mark.parametrize("target", ["host", "outside", "absolute inside", "relative inside", "dangling"])
def test_mount_point_that_is_a_link_leads_nowhere_and_is_explained(ours, make_root, shared, name, target):
    folder = make_root()
    (shared / "outside").mkdir()
    os.chmod(shared / "outside", 0o777)
    (folder / "elsewhere").mkdir()
    os.chown(folder / "elsewhere", lib.TOP_ID, lib.TOP_ID)
    (folder / name).symlink_to(
        {
            "host": f"/{name}",
            "outside": shared / "outside",
            "absolute inside": "/elsewhere",
            "relative inside": "elsewhere",
            "dangling": "/no/such",
        }[target]
    )
    explained(run([ours.contain, "-c", folder, "/bin/echo", "started"]), f"{name}", "link")
    assert list((shared / "outside").iterdir()) == [] and list((folder / "elsewhere").iterdir()) == []
    assert (folder / name).is_symlink()


@pytest.mark.parametrize("name", ["dev", "proc", "sys"])
def test_mount_point_that_is_a_file_is_explained(ours, make_root, name):
    folder = make_root()
    (folder / name).write_text("")
    explained(run([ours.contain, "-c", folder, "/bin/echo", "started"]), name, "not a directory")


def test_full_disk_is_explained(ours, make_root, caller):
    folder, owner = make_root(caller), caller.uid if caller else lib.TOP_ID
    with lib.PrivateHost() as host:
        mount = 'mount -t tmpfs -o nr_inodes=2,mode=755,uid=$2 none "$1/full"'
        host.shell(f'mkdir "$1/full" && {mount} && touch "$1/full/x"', str(folder), str(owner))
        result = run([ours.contain, "-c", folder / "full", "/bin/true"], user=caller, host=host)
    explained(result, "dev", "no space left")


def test_small_limit_on_file_sizes_is_explained(ours, root):
    result = run(["prlimit", "--fsize=10000", ours.contain, "-c", root, "/bin/true"])
    explained(result, "EFBIG", "file sizes")


def test_full_output_is_told(ours, root):
    with open("/dev/full", "wb") as full:
        result = run([ours.contain, root, "/bin/seq", "1", "100000"], stdout=full)
    explained(result, "no space left")


# The command.


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
@pytest.mark.parametrize(
    "command,status,words",
    [
        ("/bin/no-such", 127, "no such file"),
        ("", 127, "no such file"),
        ("/etc/group", 126, "permission denied"),
        ("/etc", 126, "permission denied"),
        ("/" + "x" * 300, 127, "too long"),
        ("/bin/loop", 127, "symbolic links"),
    ],
    ids=["missing", "empty", "not executable", "directory", "long", "loop"],
)
def test_command_that_cannot_be_started_is_explained(ours, make_root, scratch, options, command, status, words):
    folder = scratch / "commands"
    if not folder.exists():
        lib.build_root(folder, lib.TOP_ID, lib.TOP_ID)
        (folder / "bin/loop").symlink_to("loop")
    result = run([ours.contain, *options, folder, command])
    assert result.status in ({126, 127} if command in ("/bin/loop", "/" + "x" * 300) else {status})
    assert result.out == ""
    assert result.err.startswith("contain: ") and words in result.err.lower()


# The surroundings.


def test_few_descriptors_are_enough_or_explained(ours, root):
    for limit in (4, 6, 8):
        result = inside(ours, root, "echo $$", limits={resource.RLIMIT_NOFILE: (limit, limit)})
        if result.status == 0:
            assert result.lines == ["1"]
        else:
            explained(result, "open files")


def test_process_limit_is_explained(ours, plain_root, plain_user):
    result = run([ours.contain, "-c", plain_root, "/bin/true"], user=plain_user, limits={resource.RLIMIT_NPROC: (1, 1)})
    explained(result, "RLIMIT_NPROC")


@pytest.mark.parametrize("program", ["contain", "pseudo"])
@pytest.mark.parametrize("plain", [False, True], ids=["root", "user"])
def test_forbidden_user_namespaces_are_explained(ours, root, plain_root, plain_user, plain, program):
    inner = [ours.contain, "-c", "-u", "0:0:1", "-g", "0:0:1", plain_root if plain else root, "/bin/echo", "started"]
    if program == "pseudo":
        inner = [ours.pseudo, "-u", "0:0:1", "-g", "0:0:1", "echo", "started"]
    script = 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"'
    result = run(["unshare", "-U", "-r", "sh", "-c", script, "sh", *inner], user=plain_user if plain else None)
    explained(result, "user namespace", "max_user_namespaces", program=program)


@pytest.mark.parametrize("kind", ["mnt", "pid", "net", "ipc", "uts", "cgroup", "time"])
def test_forbidden_namespace_of_another_kind_is_explained(ours, root, kind):
    script = f'echo 0 >/proc/sys/user/max_{kind}_namespaces && exec "$@"'
    inner = [ours.contain, "-c", "-u", "0:0:1", "-g", "0:0:1", root, "/bin/echo", "started"]
    result = run(["unshare", "-U", "-r", "sh", "-c", script, "sh", *inner])
    explained(result, "namespace")
    assert f"max_{kind}_namespaces" in result.err or "max_*_namespaces" in result.err


@pytest.mark.parametrize("program", ["contain", "pseudo"])
def test_no_new_privs_with_delegated_ranges_is_explained(ours, user_root, user, program):
    inner = [ours.contain, "-c", user_root, "/bin/echo"] if program == "contain" else [ours.pseudo, "echo"]
    explained(run(["setpriv", "--no-new-privs", *inner, "started"], user=user), "no_new_privs", program=program)


def test_no_new_privs_is_no_problem_without_delegated_ranges(ours, plain_root, plain_user, root):
    own = run(["setpriv", "--no-new-privs", ours.contain, "-c", plain_root, "/bin/echo", "on"], user=plain_user)
    assert (own.status, own.lines) == (0, ["on"]), own.err
    assert run(["setpriv", "--no-new-privs", ours.contain, "-c", root, "/bin/echo", "on"]).lines == ["on"]


def test_without_a_helper_for_the_maps_a_user_has_the_own_id(ours, user):
    if pathlib.Path(os.environ.get("CONTAIN_LIBEXECDIR", "/usr/libexec/contain"), "contain-idmap").exists():
        pytest.skip("contain-idmap is installed")
    with lib.PrivateHost() as host:
        host.shell("for p in newuidmap newgidmap; do w=$(command -v $p) && mount --bind /dev/null $w || true; done")
        result = run([ours.pseudo, "cat", "/proc/self/uid_map"], user=user, host=host)
        asked = run([ours.pseudo, "-u", f"0:{user.uids[0]}:1", "echo", "started"], user=user, host=host)
    assert lib.id_map(result.out) == [(0, user.uid, 1)], result.err
    explained(asked, "newuidmap", program="pseudo")


def test_missing_proc_of_the_host_is_explained(ours, root):
    with lib.PrivateHost() as host:
        host.shell("mount -t tmpfs none /proc")
        result = run([ours.contain, "-c", root, "/bin/echo", "started"], host=host)
    explained(result, "/proc")


@pytest.mark.parametrize("redirect", ["0<&-", "1>&-", "0<&- 1>&-"])
def test_errors_are_told_with_closed_descriptors(ours, redirect):
    result = run(["sh", "-c", f'exec "$@" {redirect}', "sh", ours.contain, "/no/such", "/bin/true"])
    explained(result, "/no/such")


@pytest.mark.parametrize("word", ["99999999999999999999", "4294967296", "0", "-1", "1x", ""])
def test_inject_refuses_what_is_no_process(ours, word):
    result = run([ours.inject, word, "true"])
    assert result.status in (64, 125) and result.out == "" and result.err.startswith("inject: ")
