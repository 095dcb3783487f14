# SPDX-License-Identifier: MIT OR Apache-2.0
"""The options about the command's process: environment, directory, user, capabilities, filter, descriptors."""

import os
import signal
import socket

import lib
import pytest
from lib import run

FILES = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\nguest:x:1:1:guest:/tmp:/bin/sh\nalice:x:7:8:Alice:/mnt:/bin/sh\n",
    "group": "root:x:0:\nguest:x:1:\npeople:x:8:\naudio:x:29:bob,alice\nvideo:x:44:alicent\nwork:x:50:alice\n",
}


@pytest.fixture
def people(make_root, caller):
    """A root with a few users in it, its owner's own, and its owner."""
    folder = make_root(caller)
    for name, text in FILES.items():
        (folder / "etc" / name).write_text(text)
    return folder, caller


def status(text, field):
    return next(line.split(":", 1)[1].split() for line in text.splitlines() if line.startswith(f"{field}:"))


def capabilities(result, field="CapEff"):
    return int(status(result.out, field)[0], 16)


def test_env_is_added_in_order_and_the_last_one_wins(ours, root):
    options = ["--env", "A=1", "--env", "B=x y=z", "--env=A=2", "--env", "E=", "--env", "container=mine"]
    result = lib.inside(ours, root, "env", *options)
    assert (result.status, result.err) == (0, "")
    assert {"A=2", "B=x y=z", "E=", "container=mine"} <= set(result.lines) and "A=1" not in result.lines


@pytest.mark.parametrize("variable", ["A", "=1", ""])
def test_env_that_is_no_assignment_is_refused(ours, root, variable):
    result = lib.inside(ours, root, "echo ran", "--env", variable)
    assert (result.status, result.out) == (64, "")
    assert "--env" in result.err and repr(variable).replace("'", '"') in result.err and "NAME=VALUE" in result.err


@pytest.mark.parametrize(
    ("options", "kept"),
    [([], False), (["--keep-env"], True), (["--keep-env", "--clean-env"], False), (["--clean-env", "--keep-env"], True)],
)
def test_the_callers_environment_is_kept_on_demand(ours, root, options, kept):
    result = lib.inside(ours, root, "env", *options, env={"MINE": "yes", "container": "podman"})
    assert ("MINE=yes" in result.lines) == kept
    assert "container=contain" in result.lines


def test_chdir_is_where_the_command_starts(ours, who):
    root, user = who
    for folder, expected in [("/tmp", "/tmp"), ("tmp", "/tmp"), ("/tmp/..", "/"), ("/../../etc", "/etc")]:
        result = lib.inside(ours, root, "pwd", "--chdir", folder, user=user)
        assert (result.status, result.lines) == (0, [expected]), result.err


@pytest.mark.parametrize(
    ("folder", "told"), [("/none", "ENOENT"), ("/bin/sh", "ENOTDIR"), ("", "chdir"), ("/proc/self/fd/3", "E")]
)
def test_chdir_that_cannot_be_is_refused(ours, root, folder, told):
    result = lib.inside(ours, root, "echo ran", "--chdir", folder)
    assert (result.status, result.out) == (125, "") and told in result.err


def test_cve_2024_21626_chdir_finds_no_directory_of_the_host(ours, root):
    for number in range(3, 16):
        for name in (f"/proc/self/fd/{number}", f"/proc/self/fd/{number}/../..", f"/proc/1/fd/{number}"):
            result = lib.inside(ours, root, "pwd; ls -a", "--chdir", name)
            assert (result.status, result.out) == (125, ""), name
    for name in ("/proc/self/cwd", "/proc/self/root"):
        assert lib.inside(ours, root, "pwd", "--chdir", name).status == 125


def test_user_by_name_has_ids_groups_and_home_of_the_containers_files(ours, people):
    root, caller = people
    result = lib.inside(ours, root, "id -u; id -g; id -G; echo $HOME; pwd; touch /root/x", "--user", "alice", user=caller)
    assert result.lines == ["7", "8", "8 29 50", "/mnt", "/"], result.err
    assert result.status == 1 and "ermission denied" in result.err


@pytest.mark.parametrize(
    ("text", "uid", "groups", "home"),
    [
        ("guest", 1, "1", "/tmp"),
        ("root", 0, "0", "/root"),
        ("7", 7, "8 29 50", "/mnt"),
        ("alice:audio", 7, "29", "/mnt"),
        ("alice:0", 7, "0", "/mnt"),
        ("12:34", 12, "34", "/"),
        ("0:50", 0, "50", "/root"),
    ],
)
def test_user_and_group_by_name_and_number(ours, people, text, uid, groups, home):
    root, caller = people
    result = lib.inside(ours, root, "id -u; id -G; echo $HOME", "--user", text, user=caller)
    assert (result.status, result.lines) == (0, [str(uid), groups, home]), result.err


def test_user_has_the_home_that_env_names(ours, people):
    root, caller = people
    result = lib.inside(ours, root, "echo $HOME", "--user", "alice", "--env", "HOME=/srv", user=caller)
    assert result.lines == ["/srv"], result.err


@pytest.mark.parametrize("more", [[], ["--init"], ["--no-new-privs"], ["--seccomp", "app"], ["--seccomp", "none"]])
def test_user_has_no_capability_and_no_way_back(ours, people, need_probe, more):
    root, caller = people
    result = lib.inside(ours, root, "cat /proc/self/status", *more, "--user", "alice", user=caller)
    assert result.status == 0, result.err
    for field in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert capabilities(result, field) == 0, field
    assert status(result.out, "Uid") == ["7"] * 4 and status(result.out, "Gid") == ["8"] * 4
    assert status(result.out, "Seccomp") == ["2"]
    assert status(result.out, "NoNewPrivs") == (["1"] if "--no-new-privs" in more else ["0"])
    bounding = 0xA80425FB if "app" in more else (1 << 41) - 1
    assert capabilities(result, "CapBnd") & ((1 << 41) - 1) == bounding


@pytest.mark.parametrize("more", [[], ["--init"]])
def test_user_owns_the_console(ours, people, more):
    root, caller = people
    script = "stat -c %u /dev/console; echo to >/dev/console; echo err >/dev/stderr; tty"
    with lib.Terminal([ours.contain, *more, "--user", "alice", root, "/bin/sh", "-c", script], user=caller) as terminal:
        assert terminal.expect(r"(?s)7\s+to\s+err\s+/dev/console")
        assert terminal.wait() == 0


def test_user_is_signalled_and_dies_with_its_supervisor(ours, people):
    root, caller = people
    script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"
    command = [ours.contain, "-c", "--user", "alice", root, "/bin/sh", "-c", script]
    with lib.Supervisor(command, user=caller) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, 15)
        assert supervisor.wait() == 9
    with lib.Supervisor(command, user=caller) as supervisor:
        supervisor.expect("up")
        init = supervisor.init()
        os.kill(supervisor.pid, 9)
        lib.until(lambda: lib.gone(init), 3, "the end of PID 1")


def test_user_can_be_injected_into(ours, people):
    root, caller = people
    with lib.Supervisor([ours.contain, "-c", "--user", "alice", root, "/bin/sh", "-c", "echo up; sleep 60"], user=caller) as one:
        one.expect("up")
        result = run([ours.inject, str(one.pid), "/bin/sh", "-c", "id -u; kill -9 1"], user=caller)
        assert result.lines[:1] == ["0"], result.err
        os.kill(one.pid, 15)
        assert one.wait() == 143


@pytest.mark.parametrize(
    "text", ["", ":", "alice:", ":8", "-1", "+7", "07", "7 ", "7x", "4294967295", "4294967296", "1:2:3", "al ice"]
)
def test_cve_2026_30892_user_that_is_neither_name_nor_number_is_refused(ours, root, text):
    result = lib.inside(ours, root, "id -u", "--user", text)
    assert (result.status, result.out) == (64, "") and "--user" in result.err


@pytest.mark.parametrize("text", ["nobody-here", "alice:nobody-here", "99", "900000:0", "0:900000"])
def test_user_that_the_container_does_not_have_is_refused(ours, people, text):
    root, caller = people
    maps = [] if caller else ["-u", "0:100000:65536", "-g", "0:100000:65536"]
    result = lib.inside(ours, root, "id -u", *maps, "--user", text, user=caller)
    assert (result.status, result.out) == (125, "")
    assert "hint:" in result.err and text.replace(":0", "").replace("0:", "").split(":")[-1] in result.err


def test_user_with_one_id_can_only_be_root(ours, make_root, plain_user):
    root = make_root(plain_user)
    result = lib.inside(ours, root, "id -u; id -g", "--user", "root", user=plain_user)
    assert (result.status, result.lines) == (0, ["0", "0"]), result.err
    result = lib.inside(ours, root, "id -u", "--user", "guest", user=plain_user)
    assert (result.status, result.out) == (125, "") and "user 1" in result.err and "hint:" in result.err


def _fifo(path):
    os.mkfifo(path)


def _link_out(path):
    path.symlink_to("/" + "../" * 20 + "etc/passwd")


def _link_to_itself(path):
    path.symlink_to("passwd")


def _magic_link(path):
    path.symlink_to("/proc/self/fd/0")


def _huge(path):
    path.write_text(FILES["passwd"])
    os.truncate(path, 1 << 40)


def _folder(path):
    path.mkdir()


def _device(path):
    os.mknod(path, 0o20666, os.makedev(1, 5))


def _socket(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize("make", [_fifo, _link_out, _link_to_itself, _magic_link, _huge, _folder, _device, _socket])
def test_user_is_refused_where_the_roots_passwd_is_hostile(ours, people, make):
    root, caller = people
    (root / "etc/passwd").unlink()
    make(root / "etc/passwd")
    # The host has a user of this name; the container has not.
    result = lib.inside(ours, root, "id -u", "--user", "daemon", user=caller, stdin=FILES["passwd"].encode())
    assert (result.status, result.out) == (125, "") and "passwd" in result.err and "hint:" in result.err
    # A program that does not look into these files itself.
    result = run([ours.contain, "-c", "--user", "7:8", root, "/bin/cat", "/proc/self/status"], user=caller)
    assert (result.status, status(result.out, "Uid"), status(result.out, "Gid")) == (0, ["7"] * 4, ["8"] * 4), result.err


def test_capabilities_are_added_and_dropped(ours, root):
    def have(*options):
        result = lib.inside(ours, root, "cat /proc/self/status", *options)
        assert result.status == 0, result.err
        assert capabilities(result, "CapInh") == capabilities(result, "CapAmb") == 0
        assert capabilities(result) == capabilities(result, "CapPrm") == capabilities(result, "CapBnd")
        return capabilities(result)

    everything = (1 << 41) - 1
    assert have("--cap-drop", "CAP_SYS_ADMIN", "--cap-drop", "net_raw") == everything & ~(1 << 21 | 1 << 13)
    assert have("--cap-add", "CHOWN", "--cap-drop", "ALL", "--cap-add=cap_kill") == 1 << 0 | 1 << 5
    assert have("--cap-drop=all") == 0
    assert have("--seccomp", "app", "--cap-add", "SYS_ADMIN", "--cap-drop", "MKNOD") == 0xA80425FB & ~(1 << 27) | 1 << 21
    assert have("--seccomp", "app", "--cap-add", "ALL", "--cap-drop", "MKNOD") == everything & ~(1 << 27)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cap-add", "CAP_NONE"], '"CAP_NONE"'),
        (["--cap-drop", ""], '""'),
        (["--cap-add", "KILL", "--cap-drop", "CAP_KILL"], "kill"),
        (["--cap-add", "ALL", "--cap-drop", "ALL"], "ALL"),
        (["--seccomp", "strict"], '"strict"'),
        (["--preserve-fds", "-1"], '"-1"'),
        (["--preserve-fds", "1025"], '"1025"'),
        (["--preserve-fds", "two"], '"two"'),
    ],
)
def test_values_that_cannot_be_are_usage_errors_that_name_them(ours, root, options, told):
    result = lib.inside(ours, root, "echo ran", *options)
    assert (result.status, result.out) == (64, "")
    assert options[0].split("=")[0] in result.err and told in result.err


@pytest.mark.parametrize(("name", "filters"), [("system", "2"), ("app", "2")])
def test_seccomp_profile_is_loaded(ours, root, name, filters):
    result = lib.inside(ours, root, "cat /proc/self/status", "--seccomp", name)
    assert status(result.out, "Seccomp") == [filters], result.err


def test_seccomp_none_filters_nothing_but_the_callers_terminal(ours, root):
    result = run([ours.contain, "--seccomp", "none", root, "/bin/cat", "/proc/self/status"])
    assert status(result.out, "Seccomp") == ["0"], result.err
    assert status(lib.inside(ours, root, "cat /proc/self/status", "--seccomp", "none").out, "Seccomp") == ["2"]


REFUSING = """{"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
    [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}]}"""


def test_seccomp_filter_comes_from_a_file(ours, root, scratch):
    file = scratch / "filter.json"
    file.write_text(REFUSING)
    result = lib.inside(ours, root, "mkdir /tmp/new; cat /proc/self/status", "--seccomp", str(file))
    assert status(result.out, "Seccomp_filters") == ["2"] and "not supported" in result.err
    plan = run([ours.contain, "--explain", "--seccomp", str(file), root, "/bin/sh"])
    assert "own: 2 of 383 system calls refused" in plan.out
    file.write_text(REFUSING.replace("SCMP_ACT_ERRNO", "ERRNO"))
    result = lib.inside(ours, root, "echo ran", "--seccomp", str(file))
    assert result.status == 64 and "syscalls[0].action" in result.err and "SCMP_ACT_ERRNO" in result.err


def test_seccomp_filter_that_lets_nothing_but_execve_through_ends_what_cannot_be_executed(ours, root, scratch):
    file = scratch / "execve.json"
    file.write_text(
        """{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}"""
    )
    command = [ours.contain, "-c", "--no-new-privs", "--seccomp", str(file), root, "/not/there"]
    with lib.Supervisor(command) as supervisor:
        assert supervisor.wait() == 128 + signal.SIGILL


def test_no_new_privs_is_set(ours, who):
    root, user = who
    for options, wanted in [([], "0"), (["--no-new-privs"], "1")]:
        result = lib.inside(ours, root, "cat /proc/self/status", *options, user=user)
        assert status(result.out, "NoNewPrivs") == [wanted], result.err


def test_preserved_descriptors_are_kept_and_others_are_not(ours, root):
    script = "ls /proc/self/fd; cat <&4"
    read, write = os.pipe()
    os.write(write, b"through")
    os.close(write)

    def place():
        for number in (3, 4, 5, 9):
            os.dup2(read, number)

    command = [ours.contain, "-c", "--preserve-fds", "2", root, "/bin/sh", "-c", script]
    result = run(command, before=place, pass_fds=[3, 4, 5, 9])
    os.close(read)
    # One more is ls's own.
    assert result.status == 0 and result.lines == ["0", "1", "2", "3", "4", "5", "through"], (result.out, result.err)


def test_preserved_descriptors_that_are_not_open_are_refused(ours, root):
    result = lib.inside(ours, root, "echo ran", "--preserve-fds", "2", before=lambda: os.closerange(3, 64))
    assert (result.status, result.out) == (125, "")
    assert "preserve_fds 2" in result.err and "descriptor 3 is not open" in result.err


def test_explain_shows_what_the_process_gets(ours, people):
    root, caller = people
    options = ["--user", "alice", "--chdir", "/tmp", "--cap-drop", "ALL", "--no-new-privs", "--env", "A=1"]
    result = run([ours.contain, "--explain", *options, root], user=caller)
    assert result.status == 0, result.err
    for words in ("user 7, group 8", "supplementary groups 29 50", "/tmp", "no new privileges", "A=1 HOME=/mnt"):
        assert words in result.out
