# SPDX-License-Identifier: MIT OR Apache-2.0
"""What contain-idmap relies on: /etc/passwd, /etc/subuid, /etc/subgid, its own file and folder, how it is mounted, and
a caller that lets it have privilege.
"""

import os
import pathlib
import shutil
import struct

import client
import pytest
from client import ALICE, BOB, DONE, FILES, FOLDER, IDS, NO_NEW_PRIVS, NOSUID, NOT_PRIVILEGED, OWN, RANGE, as_user, waiting
from conftest import MS_BIND, MS_NOSUID, MS_REMOUNT

BOTH = client.message([*OWN, RANGE], [*OWN, RANGE])
MIB = 1024 * 1024

# Setuid root has every capability.
only_fcaps = pytest.mark.parametrize("program", ["fcaps"], indirect=True)


def request(program, data=BOTH, uid=ALICE, **how):
    answer, _, state, _ = as_user(uid, client.request_for_new_target, str(program), data, None, how)
    assert answer == DONE or state == ([], [], "allow")
    return answer


@pytest.fixture(params=["passwd", "subuid", "subgid"])
def file(request, host):
    return host.files[request.param]


def test_symbolic_link(program, file):
    elsewhere = file.with_name(f"{file.name}.elsewhere")
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert request(program) == FILES
    elsewhere.unlink()
    assert request(program) == FILES


@pytest.mark.parametrize("owner", [ALICE, BOB, 1])
def test_file_of_another_user(program, file, owner):
    os.chown(file, owner, 0)
    assert request(program) == FILES


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666, 0o020, 0o600])
def test_file_that_others_can_write_or_that_cannot_be_read(program, file, mode):
    file.chmod(mode)
    assert request(program) == FILES


def test_group_of_the_file_does_not_matter(program, file):
    os.chown(file, 0, BOB)
    assert request(program) == DONE


def test_what_is_no_file(program, file):
    file.unlink()
    file.mkdir(mode=0o755)
    assert request(program) == FILES
    file.rmdir()
    os.mkfifo(file, 0o644)
    assert request(program) == FILES


def test_one_mebibyte_is_the_most(program, file):
    text = file.read_text()
    file.write_text(text + "\n" * (MIB - len(text)))
    assert request(program) == DONE
    file.write_text(text + "\n" * (MIB - len(text) + 1))
    assert request(program) == FILES
    os.truncate(file, 1 << 40)
    assert request(program) == FILES


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("alice-test:100000:65536", DONE),
        (f"{ALICE}:100000:65536", DONE),
        ("alice-test:100000:1\nalice-test:100001:65535", DONE),
        ("nonsense\n:::\nalice-test:100000:65536", DONE),
        ("alice-test:100000:65535", IDS),
        ("alice-test:100001:65536", IDS),
        ("alice-test:100005:4294967292", IDS),
        ("alice-test:100000:4294967296", IDS),
        ("alice-test:100000:18446744073709551616", IDS),
        ("alice-test:100000:-1", IDS),
        ("alice-test:+100000:65536", IDS),
        ("alice-test: 100000:65536", IDS),
        ("alice-test:0100000:65536", IDS),
        ("alice-test:0x186a0:65536", IDS),
        ("alice-test:100000:65536:", IDS),
        ("alice-test:100000:65536 ", IDS),
        ("alice-test:100000:0", IDS),
        ("alice-test:100000", IDS),
        ("alice-tes:100000:65536", IDS),
        ("alice-test2:100000:65536", IDS),
        ("Alice-test:100000:65536", IDS),
        (f"0{ALICE}:100000:65536", IDS),
        ("*:100000:65536", IDS),
        ("ALL:100000:65536", IDS),
        ("bob-test:100000:65536", IDS),
        ("", IDS),
    ],
)
def test_subordinate_lines(program, host, line, answer):
    # In one file only: the other delegates as usual.
    for name in ("subuid", "subgid"):
        host.reset()
        host.files[name].write_text(f"{line}\n")
        assert request(program) == answer, name


def test_line_of_512_bytes_is_the_longest(program, host):
    def with_name(length):
        name = "a" * length
        host.files["passwd"].write_text(f"{name}:x:{ALICE}:{ALICE}::/:\n")
        host.delegate(f"{name}:100000:65536\n")
        return request(program)

    # The line of subuid has 13 bytes more, that of passwd 19.
    assert with_name(512 - len(f":x:{ALICE}:{ALICE}::/:")) == DONE
    assert with_name(512 - len(f":x:{ALICE}:{ALICE}::/:") + 1) == IDS


def test_name_that_means_another_user_first(program, host):
    host.files["passwd"].write_text(f"bob-test:x:{BOB}:{BOB}::/:\nbob-test:x:{ALICE}:{ALICE}::/:\n")
    assert request(program, client.message([(0, 300000, 1)], OWN)) == IDS
    assert request(program, client.message([(0, 300000, 1)], [(0, BOB, 1)]), BOB) == DONE


def test_every_name_of_the_user_counts(program, host):
    host.files["passwd"].write_text("".join(f"name{i}:x:{ALICE}:{ALICE}::/:\n" for i in range(4)))
    host.delegate("".join(f"name{i}:{100000 + i}:1\n" for i in range(4)))
    lines = [(i, 100000 + i, 1) for i in range(4)]
    assert request(program, client.message(lines, lines)) == DONE


def test_caller_with_no_new_privs(program, log):
    assert request(program, prepare=lambda: client.prctl(client.PR_SET_NO_NEW_PRIVS, 1)) == NO_NEW_PRIVS
    assert "the caller has no_new_privs" in log.take()[0]


def test_file_system_mounted_nosuid(spare, log):
    folder = spare.parent
    client.mount(str(folder), folder, None, MS_BIND)
    assert request(spare) == DONE
    client.mount(None, folder, None, MS_BIND | MS_REMOUNT | MS_NOSUID)
    answer = request(spare)
    client.unmount(folder)
    assert answer == NOSUID
    assert "mounted nosuid" in log.take()[-1]


def test_installed_without_privilege(programs, log):
    assert request(programs["none"]) == NOT_PRIVILEGED
    assert len(log.take()) == 1


def set_capabilities(path, capabilities):
    low, high = capabilities & 0xFFFFFFFF, capabilities >> 32
    os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, low, 0, high, 0))


@only_fcaps
def test_one_of_the_capabilities_is_not_enough(spare):
    for capability in (6, 7):
        set_capabilities(spare, 1 << capability)
        assert request(spare) == NOT_PRIVILEGED


@only_fcaps
def test_more_capabilities_are_dropped(spare):
    # The kernel starts no program that would get less than its file says.
    bounding = int(pathlib.Path("/proc/self/status").read_text().split("CapBnd:")[1].split()[0], 16)
    set_capabilities(spare, bounding)
    status = waiting(str(spare), lambda pid: pathlib.Path(f"/proc/{pid}/status").read_text())
    assert int(status.split("CapPrm:")[1].split()[0], 16) == 0xC0
    assert request(spare) == DONE


@pytest.mark.parametrize(
    ("mode", "owner", "group", "answer"),
    [
        (0o755, 0, 0, DONE),
        (0o711, 0, BOB, DONE),
        (0o775, 0, 0, FOLDER),
        (0o757, 0, 0, FOLDER),
        (0o1777, 0, 0, FOLDER),
        (0o755, ALICE, 0, FOLDER),
        (0o755, BOB, 0, FOLDER),
    ],
)
def test_folder_that_others_can_write(spare, mode, owner, group, answer):
    spare.parent.chmod(mode)
    os.chown(spare.parent, owner, group)
    assert request(spare) == answer


def test_program_that_its_group_can_write(spare):
    spare.chmod(spare.stat().st_mode | 0o020)
    assert request(spare) == FOLDER


def test_another_name_in_the_callers_folder(spare, host):
    folder = host.folder / f"alices-{os.getpid()}"
    folder.mkdir()
    os.link(spare, folder / "contain-idmap")
    os.chown(folder, ALICE, ALICE)
    assert request(folder / "contain-idmap") == FOLDER
    shutil.rmtree(folder)


def test_group_of_the_helper(program, host):
    """4750 with a group: who is not in it cannot start it at all."""
    path = pathlib.Path(program)
    mode = path.stat().st_mode & 0o7777
    capabilities = os.getxattr(path, "security.capability") if "fcaps" in program else None
    try:
        os.chown(path, 0, BOB)
        path.chmod(mode & ~0o007)
        if capabilities:
            os.setxattr(path, "security.capability", capabilities)
        assert request(program) is None
        data = client.message([(0, BOB, 1), (1, 300000, 1)], [(0, BOB, 1)])
        assert request(program, data, BOB) == DONE
    finally:
        os.chown(path, 0, 0)
        path.chmod(mode)
        if capabilities:
            os.setxattr(path, "security.capability", capabilities)
