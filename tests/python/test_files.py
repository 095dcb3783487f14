# SPDX-License-Identifier: MIT OR Apache-2.0
"""Files into and out of containers, mounts, and descriptors that go along."""

import errno
import os
import shutil
import stat
import tempfile

import contain
import pytest
from contain import Bind, Config, Container, NewFile, Tmpfs

SLEEP = Config(argv=["sleep", "250"])


def said(line, **more):
    """What a shell inside writes to stdout."""
    result = contain.run(["sh", "-c", line], capture_output=True, text=True, **more)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_files_are_there_when_the_command_starts():
    files = {
        "/tmp/job/deep/main.sh": b"echo from the file\n",
        b"/run/empty": bytearray(),
        "/root/tool": NewFile(contents=memoryview(b"#!/bin/sh\necho tool\n"), mode=0o750),
        "/dev/shm/large": os.urandom(3_000_000),
    }
    line = "sh /tmp/job/deep/main.sh; /root/tool; stat -c '%a %u %s' /run/empty /root/tool /dev/shm/large /tmp/job"
    said_lines = said(line, files=files).splitlines()
    assert said_lines[:5] == ["from the file", "tool", "644 0 0", "750 0 20", "644 0 3000000"]
    assert said_lines[5].startswith("755 0 ")


def test_files_hold_what_was_given():
    data = os.urandom(1_000_000)
    assert contain.run(["cat", "/tmp/x"], files={"/tmp/x": data}, capture_output=True).stdout == data


@pytest.mark.parametrize("path", ["/etc/x", "/usr/new/x", "/proc/x", "/sys/x"])
def test_files_of_the_hosts_are_not_written(path):
    with pytest.raises(contain.ContainError) as caught:
        contain.run(["true"], files={path: b"x"})
    assert (caught.value.errno, caught.value.stage, caught.value.object) == (errno.EXDEV, "rootfs.file", path)
    assert caught.value.cause and caught.value.remedy and not os.path.exists(path)


def test_root_that_was_given_is_not_written_but_a_tmpfs_in_it_is(root):
    before = sorted(os.listdir(root / "tmp")), sorted(os.listdir(root))
    for path in ("/tmp/x", "/new/x"):
        with pytest.raises(contain.ContainError) as caught:
            contain.run(["true"], root=root, files={path: b"x"})
        assert caught.value.errno == errno.EXDEV
    seen = said("read x </tmp/x; echo $x", root=root, files={"/tmp/x": b"in\n"}, mounts=[Tmpfs(target="/tmp")])
    assert seen == "in\n"
    assert before == (sorted(os.listdir(root / "tmp")), sorted(os.listdir(root)))


def test_link_does_not_lead_a_file_out(tmp_path, root):
    (tmp_path / "out").mkdir(mode=0o777)
    (tmp_path / "out").chmod(0o777)
    root = shutil.copytree(root, tmp_path / "root", symlinks=True)
    tmp_path.chmod(0o755)
    os.symlink("/bound", root / "link")
    mounts = [Bind(source=tmp_path / "out", target="/bound")]
    for path in ("/bound/x", "/link/x"):
        with pytest.raises(contain.ContainError):
            contain.run(["true"], root=root, mounts=mounts, files={path: b"x"})
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    "files",
    [{"tmp/x": b""}, {"/": b""}, {"/tmp/": b""}, {"/tmp/../x": b""}, {"": b""}, {"/tmp/a\0b": b""}],
    ids=repr,
)
def test_path_that_is_none_is_refused(files):
    with pytest.raises(contain.InvalidError) as caught:
        contain.run(["true"], files=files)
    assert "files" in str(caught.value) and caught.value.cause


def test_values_of_other_types_are_refused():
    for wrong in ({"files": {"/tmp/x": "text"}}, {"files": {5: b""}}):
        with pytest.raises(TypeError, match="files"):
            contain.run(["true"], **wrong)
    with pytest.raises(contain.InvalidError):
        contain.run(["true"], files={"/tmp/x": NewFile(contents=b"", mode=0o10000)})
    with pytest.raises(contain.ContainError) as caught:
        contain.run(["true"], files={"/tmp/x": b"1", "/tmp/./x": b"2"})
    assert caught.value.errno == errno.EEXIST and caught.value.cause


def test_files_are_written_and_read_while_it_runs(descriptors):
    with Container.run(SLEEP) as container:
        before = descriptors()
        data = os.urandom(2_000_000)
        container.write_file("/tmp/in", data, mode=0o640)
        assert container.read_file("/tmp/in") == data
        process = container.inject(["stat", "-c", "%a %u %s", "/tmp/in"], stdout=contain.PIPE)
        assert process.communicate(timeout=10)[0] == b"640 0 2000000\n"
        container.write_file("/tmp/in", b"short")
        assert container.read_file(b"/tmp/in", limit=5, timeout=30) == b"short"
        with tempfile.TemporaryFile() as file:
            container.copy_file("/tmp/in", file)
            file.seek(0)
            container.write_file("/tmp/copy", file)
        assert container.read_file("/tmp/copy") == b"short"
        del process
        assert descriptors() == before


def test_links_inside_stay_inside():
    config = Config(argv=["sh", "-c", "ln -s /etc/hostname /tmp/link; ln -s / /tmp/top; echo; sleep 250"])
    with Container.run(config, stdout=contain.PIPE) as container:
        container.stdout.readline()
        with open("/etc/hostname", "rb") as file:
            assert container.read_file("/tmp/link") == file.read()
        with pytest.raises(contain.ContainError) as caught:
            container.write_file("/tmp/top/etc/hostname", b"x")
        assert caught.value.errno == errno.EROFS
        container.write_file("/tmp/../../../tmp/top/tmp/x", b"here")
        assert container.read_file("/tmp/x") == b"here"


@pytest.mark.parametrize(
    "path, number",
    [
        ("/tmp/missing", errno.ENOENT),
        ("/tmp", errno.EISDIR),
        ("/dev/null", errno.EOPNOTSUPP),
        ("/tmp/fifo", errno.EOPNOTSUPP),
        ("/tmp/large", errno.EFBIG),
        ("/proc/1/root/etc/hostname", errno.ELOOP),
    ],
)
def test_what_cannot_be_read_says_why(path, number):
    config = Config(argv=["sh", "-c", "mkfifo /tmp/fifo; echo; sleep 250"], files={"/tmp/large": b"x" * 1001})
    with Container.run(config, stdout=contain.PIPE) as container:
        container.stdout.readline()
        with pytest.raises(contain.ContainError) as caught:
            container.read_file(path, limit=1000)
        assert (caught.value.errno, caught.value.stage, caught.value.object) == (number, "file.read", path)
        if path != "/tmp/large" and number != errno.ELOOP:
            with pytest.raises(contain.ContainError) as caught:
                container.write_file(path + ("/x" if path.endswith("missing") else ""), b"x")
            assert caught.value.stage == "file.write"
        assert container.poll() is None


def test_file_that_never_ends_is_given_up():
    reader, writer = os.pipe()
    with Container.run(SLEEP) as container:
        with pytest.raises(contain.TimeoutExpired):
            container.write_file("/tmp/x", reader, timeout=0.3)
        os.close(writer)
        os.close(reader)
        assert container.read_file("/tmp/x") == b""


def test_container_that_does_not_run_has_no_files():
    with Container.create(SLEEP) as container:
        with pytest.raises(contain.BusyError):
            container.read_file("/etc/hostname")
        container.start()
    for call in (lambda: container.read_file("/x"), lambda: container.write_file("/x", b"")):
        with pytest.raises(contain.GoneError):
            call()
    with Container.run(SLEEP) as container, pytest.raises(contain.InvalidError):
        container.read_file("etc/hostname")


def test_descriptors_keep_their_numbers_and_no_other_is_there(inner_python):
    kept, other = os.pipe(), os.pipe()
    high = os.dup2(kept[1], 200)
    code = f"import os; os.write({kept[1]}, b'low '); os.write({high}, b'high '); print(*os.listdir('/proc/self/fd'))"
    result = contain.run([inner_python, "-c", code], pass_fds=[high, kept[1]], capture_output=True, check=True)
    seen = {int(number) for number in result.stdout.split()}
    assert seen >= {0, 1, 2, kept[1], high} and len(seen) == 6, "its own, these two, and that of the listing"
    with Container.run(SLEEP) as container:
        code = f"import os; os.write({high}, b'injected'); print(*os.listdir('/proc/self/fd'))"
        process = container.inject([inner_python, "-c", code], pass_fds=[high], stdout=contain.PIPE)
        assert len(process.communicate(timeout=10)[0].split()) == 5
    assert os.read(kept[0], 100) == b"low high injected"
    for number in (*kept, *other, high):
        os.close(number)


def test_results_come_out_through_a_descriptor(inner_python):
    with tempfile.TemporaryFile() as file:
        code = f"import os; os.write({file.fileno()}, b'result')"
        contain.run([inner_python, "-c", code], pass_fds=[file], check=True)
        file.seek(0)
        assert file.read() == b"result"


@pytest.mark.parametrize("number", [-1, 0, 2, 1027, 999])
def test_descriptor_that_cannot_be_passed_is_refused(number):
    with pytest.raises(contain.InvalidError, match="pass_fds") as caught:
        contain.run(["true"], pass_fds=[number])
    assert caught.value.cause


def test_directory_of_the_hosts_can_be_bound(tmp_path):
    (tmp_path / "in").write_text("from the host\n")
    tmp_path.chmod(0o777)
    mounts = [Bind(source=tmp_path, target="/tmp/work"), Bind(source=tmp_path, target="/tmp/read", read_only=True)]
    line = "cat /tmp/work/in; touch /tmp/work/out; touch /tmp/read/no 2>/dev/null || echo refused"
    assert said(line, mounts=mounts) == "from the host\nrefused\n"
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_tmpfs_has_its_size_and_permissions():
    tmpfs = Tmpfs(target="/tmp/small", size=65536, mode=0o711)
    line = "stat -c %a /tmp/small; head -c 1000000 /dev/zero >/tmp/small/x 2>/dev/null || stat -c %s /tmp/small/x"
    assert said(line, mounts=[tmpfs]) == "711\n65536\n"


def test_root_can_be_read_only(root):
    assert said("(: >/etc/new) 2>/dev/null || echo refused", root=root, read_only=True) == "refused\n"
    assert not (root / "etc/new").exists()


def test_parts_are_frozen_and_by_name():
    for part, arguments in ((NewFile, [b""]), (Bind, ["/a", "/b"]), (Tmpfs, ["/a"])):
        with pytest.raises(TypeError):
            part(*arguments)
    file = NewFile(contents=b"x")
    with pytest.raises(AttributeError):
        file.mode = 0
    assert stat.S_IMODE(file.mode) == 0o644


def test_user_and_capabilities_are_as_asked(inner_python):
    maps = {"uid_map": f"0:{os.getuid()}:1", "gid_map": f"0:{os.getgid()}:1"}
    assert said("id -u; id -g; echo $HOME", user=0, **maps) == "0\n0\n/root\n"
    if os.getuid() == 0:
        maps = {"uid_map": "0:0:1000", "gid_map": "0:0:1000"}
        assert said("id -u; id -g; echo $HOME", user="daemon", **maps).split()[:2] == ["1", "1"]
        assert said("id -u; id -g", user="2:7", **maps) == "2\n7\n"
    line = "grep CapEff /proc/self/status"
    assert int(said(line, capabilities=["kill", "CAP_CHOWN"]).split()[1], 16) == 0b100001
    assert int(said(line, capabilities=()).split()[1], 16) == 0
    for wrong in ({"user": "no-such-user"}, {"user": -1}, {"user": "01"}, {"capabilities": ["fly"]}):
        with pytest.raises(contain.ContainError) as caught:
            contain.run(["true"], **wrong)
        assert caught.value.cause
    with pytest.raises(TypeError, match="capabilities"):
        contain.run(["true"], capabilities="kill")


@pytest.mark.parametrize("overlay", [True, contain.Overlay(), contain.Overlay(size=1 << 20)], ids=repr)
def test_what_is_written_to_an_overlay_is_gone_at_the_end(overlay, root):
    before = sorted(os.listdir(root)), sorted(os.listdir(root / "etc"))
    assert said("echo new >/new; read y </new; echo $y", root=root, overlay=overlay) == "new\n"
    assert (sorted(os.listdir(root)), sorted(os.listdir(root / "etc"))) == before
    seen = said("read x </etc/place; read y </added; echo $x $y", root=root, overlay=True, files={"/added": b"too\n"})
    assert seen == "here too\n" and sorted(os.listdir(root)) == before[0]


def test_overlay_holds_as_much_as_it_was_given(root):
    line = "while echo 0123456789012345678901234567890123456789; do :; done >/full; echo ended"
    assert said(line, root=root, overlay=contain.Overlay(size=65536)) == "ended\n"
