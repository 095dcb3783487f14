# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain --name and --detach, and inject by name. Root's names are in a /run of the tests' own."""

import json
import os
import pathlib
import shutil
import signal

import lib
import pytest

USAGE, OWN_FAILURE = 64, 125


class Place:
    """Where names go: a mount namespace with an empty /run for root, a directory of the user's own for a user."""

    def __init__(self, ours, root, user, host, folder):
        self.ours, self.root, self.user, self.host, self.folder = ours, root, user, host, folder
        self.options = {"user": user, "host": host, "env": {"XDG_RUNTIME_DIR": str(folder)} if user else {}}

    def contain(self, *words):
        return [self.ours.contain, *words[:-1], self.root, *words[-1]]

    def run(self, *words):
        """contain with these options and, last, the command's words."""
        return lib.run(self.contain(*words), **self.options)

    def start(self, *words):
        return lib.Supervisor(self.contain(*words), **self.options)

    def inject(self, name, *words):
        return lib.run([self.ours.inject, name, *words], **self.options)

    def names(self):
        if self.user:
            place = self.folder / "contain"
            return sorted(os.listdir(place)) if place.exists() else []
        return self.host.shell("ls /run/contain 2>/dev/null || true").split()

    def state(self, name):
        if self.user:
            return json.loads((self.folder / "contain" / name / "state.json").read_text())
        return json.loads(self.host.shell(f"cat /run/contain/{name}/state.json"))

    def until_no_names(self):
        lib.until(lambda: self.names() == [], what=f"the end of {self.names()}")

    def until_running(self, name):
        """inject refuses what has not started."""
        lib.until(lambda: self.inject(name, "true").status == 0, what=f"{name} to run")


@pytest.fixture
def place(ours, who, scratch):
    root, user = who
    folder = scratch / f"run-{os.getpid()}"
    with lib.PrivateHost() as host:
        host.shell("mount -t tmpfs -o mode=755 none /run")
        if user:
            folder.mkdir(mode=0o700)
            os.chown(folder, user.uid, user.gid)
        yield Place(ours, root, user, host, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def alone(ours, root):
    """Root, with a /run of its own."""
    with lib.PrivateHost() as host:
        host.shell("mount -t tmpfs -o mode=755 none /run")
        yield Place(ours, root, None, host, None)


def test_named_container_is_found_by_its_name_until_it_ends(place):
    with place.start("-c", "--name", "web", ["/bin/sh", "-c", "hostname named; echo up; read line; exit 7"]) as web:
        web.expect("up")
        place.until_running("web")
        assert place.names() == ["web"]
        assert place.state("web")["monitor"]["pid"] == web.pid
        assert place.inject("web", "hostname").lines == ["named"]
        assert place.inject("web", "sh", "-c", "exit 3").status == 3
        web.send("\n")
        assert web.wait() == 7
    place.until_no_names()
    gone = place.inject("web", "true")
    assert (gone.status, "does not exist" in gone.err) == (OWN_FAILURE, True)


def test_name_that_is_taken_is_refused_and_left_alone(place):
    with place.start("-c", "--name", "web", ["/bin/sh", "-c", "echo up; read line"]) as web:
        web.expect("up")
        place.until_running("web")
        second = place.run("-c", "--name", "web", ["/bin/true"])
        assert second.status == OWN_FAILURE and "exists" in second.err and "hint:" in second.err
        third = place.run("--detach", "--name", "web", ["/bin/true"])
        assert third.status == OWN_FAILURE and "exists" in third.err and third.out == ""
        assert place.inject("web", "true").status == 0
        web.send("\n")
        assert web.wait() == 0
    place.until_no_names()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_name_goes_however_the_supervisor_ends(place, number):
    with place.start("-c", "--name", "web", ["/bin/sh", "-c", "echo up; read line"]) as web:
        web.expect("up")
        place.until_running("web")
        os.kill(web.pid, number)
        assert web.wait() == 128 + number
    place.until_no_names()


def test_name_goes_when_the_command_cannot_be_executed(place):
    result = place.run("-c", "--name", "web", ["/bin/no-such"])
    assert result.status == 127
    place.until_no_names()


def test_name_that_a_crash_has_left_is_replaced(alone):
    """The supervisor and what takes its name off the disk are killed at once."""
    with alone.start("-c", "--name", "web", ["/bin/sh", "-c", "echo up; read line"]) as web:
        web.expect("up")
        keeper = [pid for pid in lib.descendants(os.getpid()) if lib.status_field(pid, "Name") == ["contain-name"]]
        assert len(keeper) == 1
        assert pathlib.Path(f"/proc/{keeper[0]}/cmdline").read_bytes().strip(b"\0") == b""
        assert pathlib.Path(f"/proc/{keeper[0]}/environ").read_bytes().strip(b"\0") == b""
        for pid in (*keeper, web.pid):
            os.kill(pid, signal.SIGKILL)
        web.wait()
    assert alone.names() == ["web"]
    stale = alone.inject("web", "true")
    assert stale.status == OWN_FAILURE and "it has ended" in stale.err
    assert alone.run("-c", "--name", "web", ["/bin/true"]).status == 0
    alone.until_no_names()


@pytest.mark.parametrize("name", ["123", "", ".", "..", "a/b", "../x", "a b", "x" * 1025])
def test_what_is_no_name_is_a_usage_error(alone, name):
    result = alone.run("-c", "--name", name, ["/bin/true"])
    assert result.status == USAGE and "--name" in result.err
    assert alone.names() == []


def test_what_is_neither_name_nor_process_id_is_a_usage_error(alone):
    for word in ("", "a/b", "..", "0", "99999999999"):
        assert alone.inject(word, "true").status == USAGE, word


def test_user_without_a_runtime_directory_is_told_what_to_set(ours, user_root, user):
    result = lib.run([ours.contain, "-c", "--name", "web", user_root, "/bin/true"], user=user)
    assert result.status == OWN_FAILURE
    assert "XDG_RUNTIME_DIR is not set" in result.err and "hint: set XDG_RUNTIME_DIR" in result.err


def test_directory_that_others_may_enter_is_refused(alone):
    alone.host.shell("mkdir -m 755 /run/contain")
    result = alone.run("-c", "--name", "web", ["/bin/true"])
    assert result.status == OWN_FAILURE and "others may enter it" in result.err
    alone.host.shell("rmdir /run/contain && ln -s /tmp /run/contain")
    assert alone.run("-c", "--name", "web", ["/bin/true"]).status == OWN_FAILURE


def test_detached_container_lives_on_and_is_found_by_name(place):
    script = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
    result = place.run("--detach", "--name", "bg", ["/bin/sh", "-c", script])
    assert result.status == 0 and result.err == ""
    pid = int(result.out)
    assert place.names() == ["bg"] and place.state("bg")["monitor"]["pid"] == pid
    # A session of its own: what ends the caller's terminal or job leaves it alone.
    assert os.getsid(pid) not in (os.getsid(0), pid)
    links = place.inject("bg", "sh", "-c", "for fd in 0 1 2; do readlink /proc/1/fd/$fd; done")
    assert links.lines == ["/dev/null"] * 3
    os.kill(pid, signal.SIGTERM)
    lib.until(lambda: lib.gone(pid), what="the end")
    place.until_no_names()


def test_detached_container_without_a_name_is_known_by_its_process_id(place):
    result = place.run("--detach", ["/bin/sleep", "1000"])
    assert result.status == 0
    pid = int(result.out)
    assert place.inject(str(pid), "sh", "-c", "exit 5").status == 5
    assert place.names() == []
    os.kill(pid, signal.SIGTERM)
    lib.until(lambda: lib.gone(pid), what="the end")


def test_detached_container_without_console_has_the_callers_descriptors(place):
    result = place.run("-c", "--detach", ["/bin/sh", "-c", "read line; echo got $line"])
    assert result.status == 0 and "got" in result.out


def test_detached_command_that_cannot_be_executed_is_told(place):
    for words in (["--detach"], ["--detach", "--name", "bg"]):
        result = place.run(*words, ["/bin/no-such"])
        assert (result.status, result.out) == (127, "")
        assert result.err.startswith("contain: step ") and "/bin/no-such" in result.err
    place.until_no_names()
