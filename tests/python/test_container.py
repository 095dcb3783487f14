# SPDX-License-Identifier: MIT OR Apache-2.0
"""Handles: containers and injected processes."""

import errno
import gc
import os
import resource
import select
import shutil
import signal
import threading
import time

import contain
import pytest


def sleeping(mark, **more):
    return contain.Config(argv=["sleep", mark.seconds], **more)


def test_created_container_waits_for_start(mark):
    with contain.Container.create(sleeping(mark)) as container:
        time.sleep(0.1)
        assert mark.processes() == [] and container.poll() is None
        container.start()
        assert mark.wait_for(1)
        with pytest.raises(contain.ContainError):
            container.start()
    assert mark.processes() == []
    result = container.wait()
    assert (result.returncode, result.ended_by) == (-9, "signalled")
    assert container.poll() == result


def test_created_container_can_be_killed_before_its_start(mark):
    with contain.Container.create(sleeping(mark)) as container:
        pass
    assert container.wait(timeout=5).returncode == -9
    with pytest.raises(contain.ContainError):
        container.start()


def test_created_container_ends_with_its_handle():
    container = contain.Container.create(contain.Config(argv=["true"]))
    pidfd = container.pidfd()
    del container
    gc.collect()
    assert select.select([pidfd], [], [], 5)[0] == [pidfd]
    os.close(pidfd)


def test_errors_of_a_created_containers_command_are_raised_by_start():
    with contain.Container.create(contain.Config(argv=["no-such-program"])) as container:
        with pytest.raises(contain.CommandNotFoundError):
            container.start()


def test_container_ends_at_the_end_of_its_block_and_after_an_error(mark):
    with pytest.raises(ZeroDivisionError):
        with contain.Container.run(sleeping(mark)) as container:
            assert mark.wait_for(1)
            1 / 0
    assert mark.processes() == []
    assert container.poll() is not None


def test_pids_are_those_of_the_supervisor_and_pid_1(mark):
    with contain.Container.run(sleeping(mark)) as container:
        with open(f"/proc/{container.init_pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        assert fields["NSpid"].split()[-1] == "1"
        assert int(fields["PPid"]) == container.pid


def test_pidfd_becomes_readable_at_the_end(mark, descriptors):
    with contain.Container.run(sleeping(mark)) as container:
        own = container.pidfd()
        assert own != container.fileno() and not os.get_inheritable(own)
        assert select.select([container, own], [], [], 0)[0] == []
        container.kill()
        assert select.select([container, own], [], [], 5)[0] != []
        os.close(own)
        assert container.wait().returncode == -9


def test_signal_goes_to_the_command():
    line = "trap 'echo caught; exit 6' TERM; echo ready; while :; do sleep 0.05; done"
    container = contain.Container.run(contain.Config(argv=["sh", "-c", line]), stdout=contain.PIPE)
    with container:
        assert container.stdout.readline() == b"ready\n"
        container.kill(signal.SIGTERM)
        assert container.communicate(timeout=10) == (b"caught\n", None)
        assert container.wait().returncode == 6
        container.kill()


def test_wait_that_is_too_short_raises_and_kills_nothing(mark):
    with contain.Container.run(sleeping(mark)) as container:
        before = time.monotonic()
        with pytest.raises(contain.TimeoutExpired) as caught:
            container.wait(timeout=0.2)
        assert 0.2 <= time.monotonic() - before < 5
        assert caught.value.result is None
        with pytest.raises(contain.TimeoutExpired):
            container.wait(timeout=0)
        assert mark.wait_for(1)


def test_communicate_goes_on_after_its_timeout():
    line = "echo one; read word; echo $word >&2; sleep 0.4; echo two"
    config = contain.Config(argv=["sh", "-c", line])
    with contain.Container.run(config, stdin=-1, stdout=-1, stderr=-1) as container:
        with pytest.raises(contain.TimeoutExpired) as caught:
            container.communicate(b"word\n", timeout=0.2)
        assert caught.value.stdout == b"one\n"
        with pytest.raises(ValueError):
            container.communicate(b"more")
        assert container.communicate(timeout=10) == (b"one\ntwo\n", b"word\n")


def test_injected_command_is_in_the_container(mark):
    with contain.Container.run(sleeping(mark, hostname="box")) as container:
        argv = ["sh", "-c", "cat; uname -n; id -u; exit 9"]
        process = container.inject(argv, stdin=contain.PIPE, stdout=contain.PIPE)
        assert process.pid > 0
        assert process.communicate(b"in\n", timeout=10) == (b"in\nbox\n0\n", None)
        result = process.wait()
        assert (result.returncode, result.ended_by) == (9, "exited")
        assert result.usage.wall_seconds > 0
        assert container.poll() is None


def test_injected_command_has_the_environment_asked_for(mark):
    with contain.Container.run(sleeping(mark)) as container:
        process = container.inject(["env"], stdout=contain.PIPE)
        assert b"container=contain\n" in process.communicate(timeout=10)[0]
        process = container.inject(["/usr/bin/env"], env={"A": "b"}, stdout=contain.PIPE)
        assert process.communicate(timeout=10)[0] == b"A=b\n"


def test_injected_command_can_be_killed_and_waited_for(mark):
    with contain.Container.run(contain.Config(argv=["sleep", "250"])) as container:
        with container.inject(["sleep", mark.seconds]) as process:
            assert process.poll() is None
            with pytest.raises(contain.TimeoutExpired):
                process.wait(timeout=0.1)
            process.kill(signal.SIGTERM)
            assert select.select([process], [], [], 5)[0] == [process]
        assert process.wait().returncode == -15
        process.kill()
        with pytest.raises(ZeroDivisionError):
            with container.inject(["sleep", mark.seconds]) as process:
                1 / 0
        assert process.poll().returncode == -9


def test_injecting_what_is_not_there_or_where_nothing_is_left_says_so(mark):
    with contain.Container.run(sleeping(mark)) as container:
        with pytest.raises(contain.CommandNotFoundError):
            container.inject(["no-such-program"])
        with pytest.raises(contain.InvalidError):
            container.inject([])
        with pytest.raises(TypeError):
            container.inject("true")
    with pytest.raises(contain.GoneError):
        container.inject(["true"])


def test_handle_that_is_dropped_kills_nothing(mark):
    container = contain.Container.run(sleeping(mark))
    pid = container.init_pid
    del container
    gc.collect()
    time.sleep(0.2)
    assert mark.wait_for(1)
    os.kill(pid, signal.SIGKILL)
    assert mark.wait_for(0)


def test_container_outlives_the_thread_that_made_it(mark):
    made = []
    thread = threading.Thread(target=lambda: made.append(contain.Container.run(sleeping(mark))))
    thread.start()
    thread.join()
    with made[0] as container:
        assert mark.wait_for(1)
        time.sleep(0.2)
        assert container.poll() is None


@pytest.mark.parametrize("lifetime, left", [("bound", 0), ("detached", 1)])
def test_lifetime_says_what_the_callers_death_means(script, mark, lifetime, left):
    code = f"""if True:
        import contain, os, sys
        config = contain.Config(argv=["sleep", "{mark.seconds}"], lifetime="{lifetime}")
        container = contain.Container.run(config, stdin=-3, stdout=-3, stderr=-3)
        print(container.init_pid, flush=True)
        os._exit(0)
    """
    pid = int(script(code).stdout)
    time.sleep(0.3)
    assert mark.wait_for(left)
    if left:
        os.kill(pid, signal.SIGKILL)
        assert mark.wait_for(0)


def test_configuration_is_frozen_and_keeps_copies():
    words, environment = ["true"], {"A": "b"}
    config = contain.Config(argv=words, env=environment)
    words.append("more")
    environment["C"] = "d"
    assert list(config.argv) == ["true"] and config.env == {"A": "b"}
    assert config == contain.Config(argv=("true",), env={"A": "b"})
    with pytest.raises(AttributeError):
        config.root = "/"


def test_deadline_of_an_injected_command_ends_what_it_started_and_nothing_else(mark):
    with contain.Container.run(contain.Config(argv=["sleep", "250"])) as container:
        line = f"(sleep {mark.seconds} &); sleep {mark.seconds} & exec sleep {mark.seconds}"
        process = container.inject(["sh", "-c", line], timeout=0.5)
        assert mark.wait_for(3)
        result = process.wait(timeout=10)
        assert (result.returncode, result.ended_by) == (-9, "wall")
        assert mark.wait_for(0) and container.poll() is None
        assert container.inject(["true"], timeout=60).wait(timeout=10).ended_by == "exited"
        for wrong in (-1, float("inf"), float("nan")):
            with pytest.raises(contain.InvalidError, match="timeout"):
                container.inject(["true"], timeout=wrong)


def test_deadline_of_a_configuration_holds_whatever_its_caller_does(mark):
    container = contain.Container.run(sleeping(mark, timeout=0.4))
    assert select.select([container], [], [], 10)[0] == [container]
    assert container.wait().ended_by == "wall" and mark.processes() == []


MAPS = {"uid_map": "0:200000:1000", "gid_map": "0:200000:1000"}
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user here has no other ids than its own")


def inside(container, line, **more):
    """What an injected shell writes."""
    with container.inject(["sh", "-c", line], stdout=contain.PIPE, **more) as process:
        return process.communicate(timeout=10)[0].decode()


def test_injected_command_begins_where_and_as_whom_it_is_told(mark):
    look = "pwd; echo $HOME; grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|CapInh|CapAmb):' /proc/self/status"
    with contain.Container.run(sleeping(mark)) as container:
        assert inside(container, "pwd; echo $HOME") == "/\n/root\n"
        assert inside(container, "pwd", cwd="/usr/bin") == inside(container, "pwd", cwd=b"usr/bin") == "/usr/bin\n"
        for user in ("root", "0:0", 0):
            lines = inside(container, look, user=user, cwd="/tmp").splitlines()
            assert lines[:3] == ["/tmp", "/root", "Uid:\t0\t0\t0\t0"]
        with pytest.raises(contain.ContainError) as error:
            container.inject(["true"], cwd="/no/such")
        assert error.value.object == "/no/such" and error.value.errno == errno.ENOENT
        for wrong in ({"cwd": ""}, {"user": "no-such-user"}, {"user": "-1"}, {"user": ""}):
            with pytest.raises(contain.InvalidError):
                container.inject(["true"], **wrong)
        with pytest.raises(contain.IdMapError):
            container.inject(["true"], user="4000000000:0")


@only_root
@pytest.mark.parametrize("timeout", [None, 60])
@pytest.mark.parametrize("seccomp", ["app", "system", "none"])
def test_injected_user_has_no_capability(mark, timeout, seccomp):
    look = "echo $HOME; grep -E '^(Uid|Gid|Groups|CapEff|CapPrm|CapInh|CapAmb):' /proc/self/status"
    with contain.Container.run(sleeping(mark, **MAPS)) as container:
        lines = inside(container, look, user="1:2", timeout=timeout, seccomp=seccomp).splitlines()
        assert lines[1].split()[1:] == ["1"] * 4 and lines[2].split()[1:] == ["2"] * 4
        assert [line.split()[1] for line in lines if line.startswith("Cap")] == ["0" * 16] * 4
        assert lines[3].split()[1:] == []
        assert inside(container, "echo $HOME", user="1:2", env={"HOME": "/x", "PATH": "/bin"}) == "/x\n"


@only_root
def test_injected_user_is_found_by_the_containers_names(root, tmp_path):
    root = shutil.copytree(root, tmp_path / "root")
    tmp_path.chmod(0o755)
    (root / "etc/passwd").write_text("worker:x:5:7::/tmp:/bin/sh\n")
    (root / "etc/group").write_text("seven:x:7:\nextra:x:8:worker\nnine:x:9:\n")
    look = "echo $HOME; while read a b c d e; do case $a in Uid:|Gid:|Groups:) echo $a $b $c;; esac; done </proc/self/status"
    config = contain.Config(argv=["sh", "-c", "while :; do read x; done"], root=root, **MAPS)
    with contain.Container.run(config, stdin=contain.PIPE) as container:
        assert inside(container, look, user="worker") == "/tmp\nUid: 5 5\nGid: 7 7\nGroups: 8\n"
        assert inside(container, look, user="worker:nine") == "/tmp\nUid: 5 5\nGid: 9 9\nGroups:\n"


def test_injected_command_is_confined_as_it_is_told(mark):
    look = "ulimit -n; grep -E '^(Groups|CapPrm|CapBnd|NoNewPrivs):' /proc/self/status | tr '\\t' ' '"
    none = "0" * 16
    limits = [contain.Rlimit(resource=resource.RLIMIT_NOFILE, soft=64)]
    with contain.Container.run(sleeping(mark)) as container:
        lines = inside(container, look, capabilities=[], no_new_privs=True, groups=[], rlimits=limits).splitlines()
        assert [line.rstrip() for line in lines] == ["64", "Groups:", f"CapPrm: {none}", f"CapBnd: {none}", "NoNewPrivs: 1"]
        assert "CapPrm: 0000000000000021" in inside(container, look, capabilities=("CAP_CHOWN", "kill"))
        for wrong in ({"groups": ["no-such-group"]}, {"groups": [-1]}, {"capabilities": ["FLY"]},
                      {"rlimits": [contain.Rlimit(resource=16, soft=1)]},
                      {"rlimits": [contain.Rlimit(resource=0, soft=2, hard=1)]}):
            with pytest.raises(contain.InvalidError):
                container.inject(["true"], **wrong)
        with pytest.raises(contain.IdMapError):
            container.inject(["true"], groups=[4_000_000_000])
        for mistaken in ({"groups": "wheel"}, {"capabilities": "CHOWN"}, {"groups": b"wheel"}):
            with pytest.raises(TypeError):
                container.inject(["true"], **mistaken)


@only_root
def test_injected_groups_are_the_containers(mark):
    look = "grep -E '^(Uid|Gid|Groups):' /proc/self/status"
    with contain.Container.run(sleeping(mark, **MAPS)) as container:
        lines = inside(container, look, user="1:2", groups=[9, "7", 2]).splitlines()
        assert [line.split()[1:] for line in lines] == [["1"] * 4, ["2"] * 4, ["7", "9"]]
        assert inside(container, look, groups=(5,)).splitlines()[2].split()[1:] == ["5"]


@only_root
def test_injected_user_is_killed_at_its_deadline(mark):
    with contain.Container.run(contain.Config(argv=["sleep", "250"], **MAPS)) as container:
        process = container.inject(["sh", "-c", f"sleep {mark.seconds} & sleep 200"], user="1:2", timeout=0.3)
        assert process.wait(timeout=10).ended_by == "wall" and mark.wait_for(0)
