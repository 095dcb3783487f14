# SPDX-License-Identifier: MIT OR Apache-2.0
"""The walk of the original's manual: a root made by tar and pseudo, a shell in it, and what it may do."""

import os
import pathlib
import re
import shutil

import lib
import pytest
from lib import run

pytestmark = pytest.mark.kept
PROGRAMS = ["bash", "sh", "ls", "cat", "chown", "chmod", "stat", "ps", "hostname", "ip", "mount", "ping", "id", "true"]


@pytest.fixture(scope="session")
def walk_files():
    """The host's programs of the walk, their libraries, and the links on the way to them, for tar."""
    files = set()
    for name in PROGRAMS:
        found = shutil.which(name, path=lib.ENVIRONMENT["PATH"])
        if found is None:
            if name == "ping":
                continue
            pytest.skip(f"no {name} on this machine")
        real = os.path.realpath(found)
        files |= {found, real, *re.findall(r"(/\S+) \(0x", run(["ldd", real]).out)}
    files |= {os.path.realpath(name) for name in files}
    for top in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(top):
            files = (
                {name for name in files if not name.startswith(f"{top}/")}
                | {top}
                | {os.path.realpath(top) + name[len(top) :] for name in files if name.startswith(f"{top}/")}
            )
    return sorted(name.lstrip("/") for name in files)


@pytest.fixture
def walk_root(tools, walk_files, user, shared):
    """`tar -c … | pseudo tar -x` as a user, into an empty folder of the user's."""
    folder = pathlib.Path(shared) / "root"
    folder.mkdir()
    os.chown(folder, user.uid, user.gid)
    script = 'tar -c -f - -C / "$@" | "$PSEUDO" tar -x -f -'
    result = run(["sh", "-c", script, "sh", *walk_files], user=user, cwd=folder, env={"PSEUDO": tools.pseudo})
    assert (result.status, result.err) == (0, "")
    return folder


@pytest.fixture
def shell(tools, walk_root, user):
    """`contain . /bin/bash` on a terminal, with a prompt that cannot be mistaken."""
    with lib.Terminal([tools.contain, ".", "/bin/bash", "--norc"], user=user, cwd=walk_root, columns=200) as terminal:
        terminal.expect("# ")
        yield terminal
        terminal.send("exit 3\r")
        assert terminal.wait() == 3


def ask(shell, command):
    """The lines that a command prints; the marks are put together by the shell, so that its echo does not hold them."""
    shell.send(f"echo b''egin; {command}; echo e''nd\r")
    shell.expect("begin\r\n")
    text = shell.expect("(?s)(.*?)end\r\n").group(1).decode()
    return text.replace("\r\n", "\n").splitlines()


def test_files_unpacked_by_pseudo_belong_to_the_user(walk_root, user):
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in walk_root.rglob("*")}
    assert owners == {(user.uid, user.gid)}


def test_shell_is_pid_1_and_root(shell):
    assert ask(shell, "echo $$ $UID") == ["1 0"]


def test_ps_shows_the_containers_processes_only(shell):
    lines = ask(shell, "ps ax")
    assert len(lines) == 3
    assert re.match(r"\s+1 console\s+Ss\s.*/bin/bash", lines[1])
    assert re.match(r"\s+\d+ console\s+R\+\s.*ps ax", lines[2])


def test_console_may_be_given_away_inside(shell):
    script = "chown 12:34 /dev/console; chmod a+rw /dev/console; stat -c '%A %u %g' /dev/console"
    assert ask(shell, script) == ["crw-rw-rw- 12 34"]


def test_hostname_may_be_set_inside(shell):
    before = os.uname().nodename
    assert ask(shell, "hostname; hostname brian && hostname") == [before, "brian"]
    assert os.uname().nodename == before


def test_addresses_may_be_added_inside(shell):
    lines = ask(shell, "ip addr add 192.0.2.7/32 dev lo && ip link set lo up && ip -o addr show dev lo")
    assert any("192.0.2.7/32" in line for line in lines)
    assert "192.0.2.7" not in run(["ip", "addr"]).out


def test_veth_pair_may_be_made_inside(shell):
    before = sorted(os.listdir("/sys/class/net"))
    names = [line.split(": ")[1] for line in ask(shell, "ip link add type veth; ip -o link show")]
    assert names[0] == "lo" and sorted(names[1:]) == ["veth0@veth1", "veth1@veth0"]
    assert sorted(os.listdir("/sys/class/net")) == before


def test_container_root_is_not_the_hosts_root(shell):
    assert ask(shell, "echo 1 >/proc/sys/kernel/sysrq; echo $?")[-1] == "1"


def test_interface_is_moved_in_by_o_as_root(tools, root):
    with lib.PrivateHost(network=True) as host:
        host.shell("ip link add veth0 type veth peer name veth1")
        script = "ip link set veth1 up && ip addr add 192.0.2.2/24 dev veth1 && ip -o addr show dev veth1"
        options = ["-o", "ip link set veth1 netns $PPID"]
        result = lib.inside(tools, root, script, *options, host=host)
        assert result.status == 0, result.err
        assert "192.0.2.2/24" in result.out


def test_host_folder_is_bind_mounted_in_by_i_as_a_user(tools, walk_root, user, shared):
    (shared / "flag").write_text("from the host\n")
    (walk_root / "mnt").mkdir()
    command = [tools.contain, "-c", "-i", f"mount --bind {shared} mnt", ".", "/bin/cat", "/mnt/flag"]
    result = run(command, user=user, cwd=walk_root)
    assert (result.status, result.lines) == (0, ["from the host"]), result.err
