# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mended: maps, names, loopback, inject by PID 1, what may not run setuid."""

import os
import pathlib
import shutil

import lib
import pytest
from lib import PrivateHost, id_map, inside, run


def maps(ours, *options, command=(), **context):
    script = "cat /proc/self/uid_map; echo and; cat /proc/self/gid_map"
    result = run([*command, ours.pseudo, *options, "sh", "-c", script], **context)
    assert result.status == 0, result.err
    uids, gids = result.out.split("and\n")
    return id_map(uids), id_map(gids)


# Maps.


def test_overlapping_and_repeated_delegated_ranges_are_merged(ours, user):
    first, name = user.uids[0], user.name
    uids = f"{name}:{first}:10\n{name}:{first + 5}:10\n{name}:{first}:10\n{name}:{first + 2}:3\n"
    with PrivateHost() as host:
        host.delegate(uids, f"{name}:{first + 10}:10\n{name}:{first}:10\n")
        found = maps(ours, user=user, host=host)
    assert covered(found[0][1:]) == {1 + n: first + n for n in range(15)}
    assert sorted(covered(found[1][1:])) == list(range(1, 21))
    assert sorted(covered(found[1][1:]).values()) == list(range(first, first + 20))


def covered(lines):
    """Container id → host id of map lines, which must not overlap."""
    result = {}
    for start, lower, count in lines:
        for offset in range(count):
            assert start + offset not in result
            result[start + offset] = lower + offset
    return result


def test_own_id_within_a_delegated_range_is_mapped_once(ours, user):
    text = f"{user.name}:{user.uid - 2}:5\n"
    with PrivateHost() as host:
        host.delegate(text, text)
        found = covered(maps(ours, user=user, host=host)[0])
    assert found[0] == user.uid
    assert sorted(found) == list(range(5))
    assert sorted(found.values()) == list(range(user.uid - 2, user.uid + 3))


def test_ranges_are_clipped_to_the_current_namespace_without_holes(ours, user):
    first, other = user.uids[0], user.gids[0]
    nest = [
        ours.pseudo,
        "-u",
        f"0:0:1,{user.uid}:{user.uid}:1,{first + 100}:{first + 100}:10,{first + 500}:{first + 500}:5",
        "-g",
        f"0:0:1,{user.gid}:{user.gid}:1,{other + 100}:{other + 100}:10",
        "setpriv",
        "--reuid",
        str(user.uid),
        "--regid",
        str(user.gid),
        "--clear-groups",
    ]
    found = maps(ours, command=nest, env={"USER": user.name})
    assert covered(found[0]) == {
        0: user.uid,
        **{1 + n: first + 100 + n for n in range(10)},
        **{11 + n: first + 500 + n for n in range(5)},
    }
    assert covered(found[1]) == {0: user.gid, **{1 + n: other + 100 + n for n in range(10)}}


@pytest.mark.parametrize("variable", ["USER", "LOGNAME"])
def test_names_in_the_environment_are_not_believed(ours, user, plain_user, variable):
    names = {"USER": None, "LOGNAME": None, variable: user.name}
    assert maps(ours, user=plain_user, env=names) == ([(0, plain_user.uid, 1)], [(0, plain_user.gid, 1)])
    names[variable] = plain_user.name
    assert maps(ours, user=user, env=names)[0] == [(0, user.uid, 1), (1, *user.uids)]
    names[variable] = "nobody-of-that-name"
    assert maps(ours, user=user, env=names)[0] == [(0, user.uid, 1), (1, *user.uids)]


def test_environment_without_names_is_no_problem(ours, user):
    names = {"USER": None, "LOGNAME": None, "HOME": None, "PATH": "/usr/bin:/bin"}
    assert maps(ours, user=user, env=names)[0] == [(0, user.uid, 1), (1, *user.uids)]


def test_user_without_an_account_has_the_own_id(ours):
    nobody = lib.User("no-such-account", 0x70000001, 0x70000002)
    assert maps(ours, user=nobody) == ([(0, nobody.uid, 1)], [(0, nobody.gid, 1)])


def test_single_mapped_id_is_explained(ours):
    result = run([ours.pseudo, "-u", "0:0:1", "-g", "0:0:1", ours.pseudo, "echo", "started"])
    assert (result.status, result.out) == (125, "")
    assert result.err.startswith("pseudo: ") and "\nhint: " in result.err


def test_setgroups_is_denied_for_a_pure_self_map(ours, plain_root, plain_user):
    result = inside(ours, plain_root, "cat /proc/self/setgroups", user=plain_user)
    assert result.lines == ["deny"]


# Loopback.


def test_loopback_is_up(ours, who):
    folder, user = who
    result = inside(ours, folder, "ip -o link show lo; ip -o addr show lo; ping -c 1 -W 2 127.0.0.1", user=user)
    assert result.status == 0, result.err
    assert ",UP" in result.lines[0] and "127.0.0.1/8" in result.out


# inject.


def test_inject_takes_the_pid_of_pid_1_too(ours, who):
    folder, user = who
    with lib.Supervisor([ours.contain, "-c", folder, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        result = run([ours.inject, str(supervisor.init()), "sh", "-c", "readlink /proc/1/ns/pid; id -u"], user=user)
        assert (result.status, result.lines) == (0, [lib.namespace(supervisor.init(), "pid"), "0"]), result.err
        supervisor.send("\n")
        supervisor.wait()


def test_inject_does_not_need_the_marker_in_the_environment_of_pid_1(ours, who):
    folder, user = who
    inner = ["/bin/env", "-i", "/bin/sh", "-c", "echo up; read x"]
    with lib.Supervisor([ours.contain, "-c", folder, *inner], user=user) as supervisor:
        supervisor.expect("up")
        assert run([ours.inject, str(supervisor.pid), "echo", "in"], user=user).lines == ["in"]
        supervisor.send("\n")
        supervisor.wait()


def test_inject_is_not_led_astray_by_a_child_with_the_marker(ours, root):
    """A helper left behind by -i is a process of the host with the marker in its environment."""
    helper = "container=contain sleep 100 >/dev/null 2>&1 </dev/null &"
    inner = ["/bin/env", "-i", "/bin/sh", "-c", "echo up; read x"]
    with lib.Supervisor([ours.contain, "-c", "-i", helper, root, *inner]) as supervisor:
        supervisor.expect("up")
        assert run([ours.inject, str(supervisor.pid), "readlink", "/proc/self/ns/pid"]).lines == [
            lib.namespace(supervisor.init(), "pid")
        ]
        for pid in lib.descendants(os.getpid()):
            if lib.status_field(pid, "Name") == ["sleep"] and len(lib.status_field(pid, "NSpid")) == 1:
                os.kill(pid, 9)
        supervisor.send("\n")
        supervisor.wait()


def test_inject_tells_its_refusals_apart(ours, user_root, user, plain_user):
    gone = lib.spawn(["true"])
    gone.wait()
    with lib.Supervisor(["sleep", "100"]) as other:
        not_one = run([ours.inject, str(other.pid), "true"])
    with lib.Supervisor([ours.contain, "-c", user_root, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        foreign = run([ours.inject, str(supervisor.pid), "true"], user=plain_user)
        supervisor.send("\n")
        supervisor.wait()
    absent = run([ours.inject, str(gone.pid), "true"])
    assert [result.status for result in (not_one, foreign, absent)] == [125, 125, 125]
    assert "not a container supervisor" in not_one.err and str(other.pid) in not_one.err
    assert ("not found" in absent.err or "no such process" in absent.err) and str(gone.pid) in absent.err
    assert "does not belong to you" in foreign.err and str(supervisor.pid) in foreign.err


def test_injected_command_has_no_more_capabilities_than_container_root(ours, root):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        script = "for p in self 1; do grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/$p/status; done"
        lines = run([ours.inject, str(supervisor.pid), "sh", "-c", script]).lines
        assert len(lines) == 10 and lines[:5] == lines[5:]
        supervisor.send("\n")
        supervisor.wait()


def test_injected_command_is_under_a_seccomp_filter(ours, root):
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read x"]) as supervisor:
        supervisor.expect("up")
        script = "grep -E '^Seccomp:' /proc/self/status /proc/1/status"
        lines = run([ours.inject, str(supervisor.pid), "sh", "-c", script]).lines
        assert [line.split()[-1] for line in lines] == ["2", "2"]
        supervisor.send("\n")
        supervisor.wait()


def test_supervisor_cannot_be_looked_into_by_its_user(ours, user_root, user):
    """CVE-2016-9962: it is in the container's user namespace, whose root could trace it through the host's /proc."""
    with lib.Supervisor([ours.contain, "-c", user_root, "/bin/sh", "-c", "echo up; read x"], user=user) as supervisor:
        supervisor.expect("up")
        looks = [run(["readlink", f"/proc/{pid}/ns/net"], user=user) for pid in (supervisor.pid, supervisor.init())]
        supervisor.send("\n")
        supervisor.wait()
    assert [result.status for result in looks] == [1, 0]


# What may not run setuid.


@pytest.mark.parametrize("mode", [0o4755, 0o2755], ids=["setuid", "setgid"])
@pytest.mark.parametrize("program", ["contain", "pseudo", "inject"])
def test_program_refuses_to_run_setuid_or_setgid(ours, scratch, user_root, user, program, mode):
    copy = pathlib.Path(scratch) / f"privileged-{program}-{mode:o}"
    shutil.copy(getattr(ours, program), copy)
    copy.chmod(mode)
    arguments = {"contain": ["-c", user_root, "/bin/echo"], "pseudo": ["echo"], "inject": ["1", "echo"]}
    result = run([copy, *arguments[program], "started"], user=user)
    assert (result.status, result.out) == (125, "")
    assert ("setuid" if mode & 0o4000 else "setgid") in result.err
    assert "hint: install contain without privilege, and contain-idmap beside it for delegated ids" in result.err


@pytest.mark.parametrize("program", ["contain", "pseudo"])
def test_system_helpers_write_the_maps_of_a_user(ours, user, user_root, program):
    if not (shutil.which("newuidmap") and shutil.which("newgidmap")):
        pytest.skip("no newuidmap and newgidmap: install uidmap")
    command = [ours.contain, "-c", user_root] if program == "contain" else [ours.pseudo]
    result = run([*command, "/bin/cat", "/proc/self/uid_map"], user=user)
    assert result.status == 0, result.err
    assert id_map(result.out) == [(0, user.uid, 1), (1, *user.uids)]
