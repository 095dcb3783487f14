# SPDX-License-Identifier: MIT OR Apache-2.0
"""The options about the root file system: --bind, --bind-ro, --tmpfs, --read-only. --overlay: test_overlay.py."""

import contextlib
import itertools
import os
import pathlib
import socket
import stat
import threading

import lib
import pytest
from lib import inside, run
from small import data, own_root, read_only_error, small_root


def test_bind_shows_the_hosts_folder_and_writes_to_it(ours, own_root, caller, data):
    script = "cat /srv/a/b/file; echo new >/srv/a/b/new; stat -c %a /srv /srv/a"
    result = inside(ours, own_root, script, "--bind", f"{data}:/srv/a/b", user=caller)
    assert (result.status, result.lines) == (0, ["content", "755", "755"]), result.err
    assert (data / "new").read_text() == "new\n"
    assert (own_root / "srv/a/b").is_dir() and list((own_root / "srv/a/b").iterdir()) == []


def test_bind_without_dst_is_the_same_path(ours, own_root, caller, data):
    result = inside(ours, own_root, f"cat {data}/file", f"--bind={data}", user=caller)
    assert (result.status, result.out) == (0, "content\n"), result.err


def test_bind_source_is_taken_from_the_callers_directory_and_links_are_followed(ours, own_root, caller, data):
    (data / "link").symlink_to("file")
    result = inside(ours, own_root, "cat /x; stat -c %F /x", "--bind", "link:/x", user=caller, cwd=data)
    assert (result.status, result.lines) == (0, ["content", "regular file"]), result.err
    assert stat.S_IMODE((own_root / "x").stat().st_mode) == 0o644


def test_bind_takes_what_is_mounted_below_the_source(ours, own_root, caller, data):
    (data / "below").mkdir()
    lib.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", data / "below"])
    try:
        (data / "below/deep").write_text("deep\n")
        for option, told in (("--bind", ""), ("--bind-ro", "ead-only")):
            script = f"cat /x/below/deep; touch /x/below/{option}"
            result = inside(ours, own_root, script, option, f"{data}:/x", user=caller)
            assert result.out == "deep\n" and told in result.err and (result.status != 0) == bool(told), result.err
    finally:
        lib.run(["umount", data / "below"])


@pytest.mark.parametrize("kind", ["device", "socket", "fifo"])
def test_bind_honours_the_kind_of_the_source(ours, own_root, caller, data, kind):
    with contextlib.ExitStack() as stack:
        source = data / "it"
        if kind == "device":
            source, told = pathlib.Path("/dev/zero"), "character special file"
        elif kind == "fifo":
            os.mkfifo(source)
            told = "fifo"
        else:
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(os.fspath(source))
            told = "socket"
        result = inside(ours, own_root, "stat -c %F /srv/it", "--bind", f"{source}:/srv/it", user=caller)
        assert (result.status, result.out) == (0, told + "\n"), result.err


def test_bound_device_below_dev_works(ours, own_root, caller):
    script = "head -c 3 /dev/zeros/one | od -An -tx1"
    result = inside(ours, own_root, script, "--bind", "/dev/zero:/dev/zeros/one", user=caller)
    assert (result.status, result.out.split()) == (0, ["00", "00", "00"]), result.err


def test_bind_ro_refuses_writing_and_the_host_goes_on(ours, own_root, caller, data):
    script = "cat /x/file; echo no >/x/file; touch /x/new"
    result = inside(ours, own_root, script, "--bind-ro", f"{data}:/x", user=caller)
    assert result.out == "content\n" and result.status != 0 and read_only_error(result)
    (data / "file").write_text("still\n")
    assert [entry.name for entry in data.iterdir()] == ["file"]


def test_bind_of_something_read_only_stays_so(ours, own_root, caller, data):
    lib.run(["mount", "--bind", "-o", "ro", data, data])
    try:
        result = inside(ours, own_root, "cat /x/file; touch /x/file", "--bind", f"{data}:/x", user=caller)
        assert result.out == "content\n" and result.status != 0 and read_only_error(result)
    finally:
        lib.run(["umount", data])


def test_bind_ro_does_not_see_what_the_host_mounts_later(ours, own_root, caller, data):
    (data / "later").mkdir()
    script = "echo up; read x; ls /ro/later; echo .; ls /rw/later"
    argv = [ours.contain, "-c", "--bind-ro", f"{data}:/ro", "--bind", f"{data}:/rw", own_root, "/bin/sh", "-c", script]
    lib.run(["mount", "--bind", data, data])
    lib.run(["mount", "--make-shared", data])
    try:
        with lib.Supervisor(argv, user=caller) as supervisor:
            supervisor.expect("up")
            lib.run(["mount", "-t", "tmpfs", "none", data / "later"])
            try:
                (data / "later/mark").touch()
                supervisor.send("\n")
                assert supervisor.expect("mark").splitlines() == ["up", ".", "mark"]
                assert supervisor.wait() == 0
            finally:
                lib.run(["umount", "-l", data / "later"])
    finally:
        lib.run(["umount", "-l", data])


def test_colons_and_backslashes_in_names(ours, own_root, caller, data):
    (data / "a:b\\c").write_text("odd\n")
    result = inside(ours, own_root, "cat '/o:\\d'", "--bind", f"{data}/a\\:b\\\\c:/o\\:\\d", user=caller)
    assert (result.status, result.out) == (0, "odd\n"), result.err


def test_mounts_are_made_in_their_order(ours, own_root, caller, data):
    result = inside(
        ours, own_root, "ls /x /x/y; touch /x/z", "--tmpfs", "/x", "--bind-ro", f"{data}:/x/y", "--tmpfs=/gone",
        "--bind", f"{data}/file:/gone/file", "--tmpfs", "/gone:mode=700", user=caller,
    )
    assert (result.status, result.lines) == (0, ["/x:", "y", "", "/x/y:", "file"]), result.err
    assert "gone" in [entry.name for entry in own_root.iterdir()] and list((own_root / "gone").iterdir()) == []


def test_tmpfs_is_empty_has_its_size_and_mode_and_goes(ours, own_root, caller):
    (own_root / "tmp/kept").touch()
    script = "ls /tmp; stat -c %a /tmp /run; df -k /run | tail -1; touch /tmp/x; dd if=/dev/zero of=/run/x bs=1k count=99"
    result = inside(ours, own_root, script, "--tmpfs", "/tmp", "--tmpfs", "/run:size=64K,mode=0750", user=caller)
    assert result.lines[:2] == ["1777", "750"] and " 64 " in result.lines[2], result.err
    assert result.status != 0 and "No space" in result.err
    assert [entry.name for entry in (own_root / "tmp").iterdir()] == ["kept"]


def test_tmpfs_and_dst_follow_links_inside_the_root(ours, own_root, caller, data):
    (own_root / "var/run").symlink_to("/run")
    (own_root / "up").symlink_to("../../../../tmp")
    script = "touch /run/here && ls /run /tmp/below"
    result = inside(ours, own_root, script, "--tmpfs", "/var/run", "--bind", f"{data}:/up/below", user=caller)
    assert (result.status, result.lines) == (0, ["/run:", "here", "", "/tmp/below:", "file"]), result.err


def test_read_only_root_refuses_writing_and_leaves_the_mounts_alone(ours, own_root, caller, data):
    script = """for name in /x /bin/x /etc/x /run/x /proc/x /sys/x; do touch $name 2>&1 | grep -o 'Read-only.*'; done
        touch /tmp/ok /rw/ok /dev/shm/ok /dev/ok; echo $?; echo x >/dev/null; ls /tmp /rw"""
    options = ["--read-only", "--tmpfs", "/tmp", "--bind", f"{data}:/rw"]
    result = inside(ours, own_root, script, *options, user=caller)
    assert result.lines.count("Read-only file system") == 4, (result.out, result.err)
    assert result.lines[4:] == ["0", "/rw:", "file", "ok", "", "/tmp:", "ok"], (result.out, result.err)
    assert not (own_root / "x").exists() and (data / "ok").exists()


def test_read_only_cannot_be_undone_without_sys_admin(ours, own_root, caller, data):
    script = "for place in / /x; do mount -o remount,rw,bind $place; done 2>/dev/null; touch /y; touch /x/y"
    options = ["--read-only", "--bind-ro", f"{data}:/x", "--cap-drop", "SYS_ADMIN"]
    result = inside(ours, own_root, script, *options, user=caller)
    assert result.err.count("ead-only") == 2 and not (data / "y").exists() and not (own_root / "y").exists(), result.err


def test_read_only_root_covers_what_is_mounted_below_it(ours, own_root, caller):
    lib.run(["mount", "-t", "tmpfs", "-o", "mode=1777", "none", own_root / "mnt"])
    try:
        result = inside(ours, own_root, "touch /mnt/x", "--read-only", user=caller)
        assert result.status != 0 and read_only_error(result)
        missing = inside(ours, own_root, "true", "--read-only", "--tmpfs", "/mnt/sub", user=caller)
        assert missing.status == 125 and "EROFS" in missing.err and "make it beforehand" in missing.err
        (own_root / "mnt/sub").mkdir()
        assert inside(ours, own_root, "touch /mnt/sub/x", "--read-only", "--tmpfs", "/mnt/sub", user=caller).status == 0
    finally:
        lib.run(["umount", own_root / "mnt"])


def test_host_takes_all_of_them(ours, caller, data):
    script = "cat /data/file; touch /scratch/x && ! touch /tmp/x 2>&1 | grep -o 'Read-only.*'; ! touch /data/x"
    options = ["--read-only", "--tmpfs", "/scratch", "--bind-ro", f"{data}:/data"]
    result = run([ours.contain, "-c", "--host", *options, "/bin/sh", "-c", script], user=caller)
    assert (result.status, result.lines) == (0, ["content", "Read-only file system"]), result.err


def test_user_with_one_id_has_them_too(ours, shared, plain_user, data):
    root = small_root(shared / "plain", plain_user)
    script = "cat /x/file; touch /t/ok && ! touch /x/no && ! touch /no"
    options = ["--read-only", "--bind-ro", f"{data}:/x", "--tmpfs", "/t"]
    result = inside(ours, root, script, *options, user=plain_user)
    assert (result.status, result.out) == (0, "content\n"), result.err


def test_bind_reaches_what_the_caller_may_reach_and_no_more(ours, user, shared):
    root, user_root = (small_root(shared / f"root-{bool(owner)}", owner) for owner in (None, user))
    private = shared / "private"
    (private / "inner").mkdir(parents=True)
    (private / "inner/file").write_text("root's\n")
    private.chmod(0o700)
    try:
        result = inside(ours, root, "cat /x/file", "--bind", f"{private}/inner:/x")
        assert (result.status, result.out) == (0, "root's\n"), "the caller may go there, container root may not"
        result = inside(ours, user_root, "cat /x/file", "--bind", f"{private}/inner:/x", user=user)
        assert result.status == 125 and "EACCES" in result.err and "chmod" in result.err
        assert not (user_root / "x").exists()
    finally:
        private.chmod(0o755)


@pytest.mark.parametrize("option", ["--bind", "--bind-ro"])
def test_source_that_is_missing_is_told_before_anything_is_made(ours, own_root, caller, shared, option):
    before = sorted(entry.name for entry in own_root.iterdir())
    result = inside(ours, own_root, "true", "-o", f"touch {shared}/o", option, f"{shared}/none:/x", user=caller)
    assert result.status == 125 and "ENOENT" in result.err and "does not exist on the host" in result.err
    assert sorted(entry.name for entry in own_root.iterdir()) == before and not (shared / "o").exists()
    explained = run([ours.contain, "--explain", option, f"{shared}/none:/x", own_root], user=caller)
    assert explained.status == 125 and "ENOENT" in explained.err


@pytest.mark.parametrize(
    "options",
    [["--bind", "/etc:x"], ["--bind", "/etc:/x:ro"], ["--bind", ""], ["--tmpfs", "x"], ["--tmpfs", "/x:size=0"],
     ["--tmpfs", "/x:mode=9"], ["--tmpfs", "/x:noexec"]],
    ids=" ".join,
)
def test_value_that_is_not_understood_is_a_usage_error(ours, root, options):
    result = inside(ours, root, "true", *options)
    assert result.status == 64 and options[0] in result.err


@pytest.mark.parametrize("place", ["/", "/a/../b", "/dev", "/proc", "/proc/sysrq-trigger", "/sys/kernel"])
def test_place_that_mounts_cannot_have_is_refused(ours, root, place):
    for option in (["--bind", f"/etc/passwd:{place}"], ["--tmpfs", place]):
        result = inside(ours, root, "echo started", *option)
        assert (result.status, result.out) == (125, "") and place in result.err, result.err


def test_harmless_file_of_proc_can_be_bound_over(ours, own_root, caller, data):
    result = inside(ours, own_root, "cat /proc/uptime", "--bind", f"{data}/file:/proc/uptime", user=caller)
    assert (result.status, result.out) == (0, "content\n"), result.err


def test_file_and_directory_are_not_mixed(ours, own_root, caller, data):
    (own_root / "file").touch()
    for options, errno in ((["--bind", f"{data}:/file"], "ENOTDIR"), (["--tmpfs", "/file/x"], "ENOTDIR"),
                           (["--bind", f"{data}/file:/tmp"], "EISDIR")):
        result = inside(ours, own_root, "true", *options, user=caller)
        assert result.status == 125 and errno in result.err and "hint: " in result.err, result.err


def test_root_that_container_root_may_not_write_is_explained(ours, own_root, caller, data):
    (own_root / "closed").mkdir()
    result = inside(ours, own_root, "true", "--bind", f"{data}:/closed/x", user=caller)
    assert result.status == 125 and "container root may not make it" in result.err
    (own_root / "closed/x").mkdir()
    assert inside(ours, own_root, "cat /closed/x/file", "--bind", f"{data}:/closed/x", user=caller).out == "content\n"


ESCAPES = {
    "absolute link": ("{outside}", "/link/new"),
    "link with ..": ("../../../../../../../../../../{outside}", "/link/new"),
    "link of /proc": ("/proc/self/root{outside}", "/link/new"),
    "descriptor of /proc": ("/proc/self/fd/3/..", "/link/new"),
    "cwd of /proc": ("/proc/1/cwd{outside}", "/link/new"),
    "link to the place itself": ("{outside}/target", "/link"),
}


@pytest.mark.parametrize("link,place", ESCAPES.values(), ids=ESCAPES)
@pytest.mark.parametrize("option", ["--bind", "--tmpfs"])
def test_cve_2021_30465_link_in_the_root_leads_no_mount_outside(ours, own_root, caller, data, shared, option, link, place):
    outside = shared / "outside"
    (outside / "target").mkdir(parents=True)
    outside.chmod(0o777)
    (own_root / "link").symlink_to(link.format(outside=outside))
    value = f"{data}:{place}" if option == "--bind" else place
    # The supervisor's mounts are the host's: what went there would be seen.
    script = "cat /proc/1/mountinfo"
    result = inside(ours, own_root, script, option, value, user=caller)
    assert [entry.name for entry in outside.iterdir()] == ["target"] and list((outside / "target").iterdir()) == []
    if result.status != 0:
        assert result.status == 125 and "find or make the place" in result.err and "hint: " in result.err
    else:
        assert os.fspath(outside) in result.out, "it is below the root, under the same names"
        assert (own_root / os.fspath(outside).lstrip("/")).is_dir()


@pytest.mark.parametrize("link", ["/proc", "/proc/sys", "/sys/kernel", "/sys/fs/cgroup", "proc/uptime"])
def test_link_in_the_root_leads_no_mount_into_proc_or_sys(ours, own_root, caller, data, link):
    (own_root / "link").symlink_to(link)
    for options in (["--bind", f"{data}/file:/link"], ["--tmpfs", "/link/x"], ["--tmpfs", "/link"]):
        result = inside(ours, own_root, "echo started", *options, user=caller)
        assert (result.status, result.out) == (125, "") and "find or make the place" in result.err, result.err


@contextlib.contextmanager
def flipping(path, targets):
    """While it lasts `path` is in turn a folder that everybody may write and a link to each of these."""
    stop = threading.Event()

    def flip():
        for number in itertools.count():
            fresh, old = path.with_name(f"fresh{number}"), path.with_name(f"old{number}")
            if number % 2:
                fresh.symlink_to(targets[number // 2 % len(targets)])
            else:
                fresh.mkdir()
                fresh.chmod(0o777)
            with contextlib.suppress(OSError):
                path.rename(old)
            with contextlib.suppress(OSError):
                fresh.rename(path)
            if stop.wait(0.0005):
                return

    thread = threading.Thread(target=flip)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_cve_2021_30465_link_swapped_meanwhile_leads_no_mount_outside(ours, own_root, caller, data, shared):
    outside = shared / "outside"
    (outside / "x").mkdir(parents=True)
    (outside / "x").chmod(0o777)
    outside.chmod(0o777)
    script = "cat /proc/1/mountinfo"
    mounted = 0
    with flipping(own_root / "flip", [outside, "../" * 12 + os.fspath(outside)]):
        for _ in range(40):
            result = inside(ours, own_root, script, "--bind", f"{data}:/flip/x/y", "--tmpfs", "/flip/t", user=caller)
            assert result.status in (0, 125), result.err
            mounted += result.status == 0
            assert [entry.name for entry in outside.iterdir()] == ["x"] and not list((outside / "x").iterdir())
    assert mounted > 0


def test_cve_2021_30465_source_swapped_meanwhile_is_what_was_opened_or_refused(ours, own_root, caller, data):
    (data / "other").mkdir()
    (data / "other/mark").touch()
    (data / "source").mkdir()
    swap = f"mv {data}/source {data}/old && ln -s other {data}/source"
    result = inside(ours, own_root, "ls /x", "-o", swap, "--bind", f"{data}/source:/x", user=caller)
    assert (result.status, result.out) == (125, "") and "moved or replaced" in result.err, result.err
    again = inside(ours, own_root, "ls /x", "-o", "true", "--bind", f"{data}/source:/x", user=caller)
    assert (again.status, again.out) == (0, "mark\n"), again.err
    other = f"rm {data}/source && mkdir {data}/source"
    result = inside(ours, own_root, "ls /x", "-o", other, "--bind", f"{data}/source:/x", user=caller)
    assert (result.status, result.out) == (0, "mark\n"), "the name was a link, and what it named is there"
