# SPDX-License-Identifier: MIT OR Apache-2.0
"""--overlay: what is written goes to memory and away at the end."""

import os
import pathlib
import stat

import lib
import pytest
from lib import inside, run
from small import data, own_root, read_only_error, small_root


@pytest.fixture
def need_overlay():
    if "\toverlay\n" not in pathlib.Path("/proc/filesystems").read_text():
        pytest.skip("this kernel has no overlay file system loaded")


def listing(folder):
    """Every name below it, with size and owner, and the text of files."""
    entries = sorted(pathlib.Path(folder).rglob("*"))
    look = [entry.lstat() for entry in entries]
    texts = [entry.read_bytes() if entry.is_file() and not entry.is_symlink() else b"" for entry in entries]
    return [(entry, found.st_mode, found.st_uid, text) for entry, found, text in zip(entries, look, texts)]


def test_overlay_takes_what_is_written_and_leaves_dir_as_it_is(ours, own_root, caller, need_overlay):
    for name in ("dev", "proc", "sys"):
        (own_root / name).mkdir()
    (own_root / "etc/file").write_text("lower\n")
    (own_root / "etc/gone").write_text("lower\n")
    (own_root / "var/sub").mkdir()
    lib.chown_tree(own_root, *((lib.TOP_ID, lib.TOP_ID) if caller is None else (caller.uid, caller.gid)))
    before = listing(own_root)
    script = """cat /etc/file; echo upper >/etc/file; cat /etc/file; rm /etc/gone; rmdir /var/sub; mkdir /var/sub
        touch /new /var/sub/new; mv /etc/file /var; ls /etc /var; ls -d /new"""
    for _ in range(2):
        result = inside(ours, own_root, script, "--overlay", user=caller)
        told = ["lower", "upper", "/etc:", "", "/var:", "file", "sub", "/new"]
        assert (result.status, result.lines) == (0, told), result.err
        assert listing(own_root) == before


def test_overlay_makes_nothing_in_dir_not_even_dev(ours, own_root, caller, data, need_overlay):
    before = listing(own_root)
    script = "cat /srv/a/file; touch /srv/a/seen; stat -c %a /; ls -d /dev/null /proc/self /sys/class"
    result = inside(ours, own_root, script, "--overlay", "--bind", f"{data}:/srv/a", user=caller)
    assert (result.status, result.lines) == (0, ["content", "755", "/dev/null", "/proc/self", "/sys/class"]), result.err
    assert listing(own_root) == before and (data / "seen").exists()


def test_overlay_root_has_the_permissions_of_dir(ours, own_root, caller, need_overlay):
    own_root.chmod(0o1711)
    assert inside(ours, own_root, "stat -c '%a %u' /", "--overlay", user=caller).out == "1711 0\n"


def test_overlay_is_as_large_as_was_asked(ours, own_root, caller, need_overlay):
    script = "dd if=/dev/zero of=/big bs=1k count=999 2>&1 | tail -3; stat -c %s /big"
    result = inside(ours, own_root, script, "--overlay-size", "256K", user=caller)
    assert "No space left" in result.out and 0 < int(result.lines[-1]) <= 256 * 1024, (result.out, result.err)
    assert not (own_root / "big").exists()


def test_overlay_keeps_what_the_mount_of_dir_forbids(ours, own_root, caller, need_overlay):
    lib.run(["mount", "--bind", "-o", "nosuid,nodev", own_root, own_root])
    try:
        result = inside(ours, own_root, "head -1 /proc/self/mountinfo", "--overlay", user=caller)
        assert "nosuid" in result.out and "nodev" in result.out and "overlay" in result.out, result.err
    finally:
        lib.run(["umount", own_root])


def test_overlay_can_be_read_only(ours, own_root, caller, data, need_overlay):
    script = "touch /x; touch /tmp/x && echo done; touch /etc/x"
    result = inside(ours, own_root, script, "--overlay", "--read-only", "--tmpfs", "/tmp", user=caller)
    assert result.out == "done\n" and result.err.count("ead-only") == 2


def test_overlay_over_what_something_is_mounted_below_is_refused(ours, own_root, caller, need_overlay):
    lib.run(["mount", "-t", "tmpfs", "none", own_root / "mnt"])
    try:
        result = inside(ours, own_root, "echo started", "--overlay", user=caller)
        assert (result.status, result.out) == (125, "") and f"{own_root}/mnt is mounted below it" in result.err
        assert "unmount" in result.err
    finally:
        lib.run(["umount", own_root / "mnt"])
    assert inside(ours, own_root, "echo started", "--overlay", user=caller).out == "started\n"


def test_overlay_of_a_user_with_one_id(ours, shared, plain_user, need_overlay):
    root = small_root(shared / "plain", plain_user)
    before = listing(root)
    result = inside(ours, root, "touch /x /etc/x; ls /etc", "--overlay", user=plain_user)
    assert (result.status, result.out) == (0, "x\n") and listing(root) == before, result.err


def test_overlay_of_the_host_can_be_written_by_its_root(ours, need_overlay):
    name = f"contain-test-{os.getpid()}"
    ids = ["-u", "0:0:65536", "-g", "0:0:65536"]
    script = f"touch /usr/{name} && ls /usr/{name} && touch /tmp/x"
    result = run([ours.contain, "-c", "--host", "--overlay", *ids, "/bin/sh", "-c", script])
    if "/usr stays read-only" in result.err:
        pytest.skip("something is mounted below /usr here")
    assert (result.status, result.out) == (0, f"/usr/{name}\n"), result.err
    assert not pathlib.Path(f"/usr/{name}").exists()
    closed = run([ours.contain, "-c", "--host", "--overlay", "--read-only", *ids, "/bin/sh", "-c", script])
    assert closed.status != 0 and read_only_error(closed) and not pathlib.Path(f"/usr/{name}").exists()
