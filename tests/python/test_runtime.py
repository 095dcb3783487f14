# SPDX-License-Identifier: MIT OR Apache-2.0
"""Containers with a name: made by one process, found by others, and gone from disk."""

import asyncio
import datetime
import errno
import os
import select
import signal

import contain
import pytest


@pytest.fixture
def runtime(tmp_path):
    """A directory for the state of containers; nothing may be left in it."""
    runtime = tmp_path / "state"
    yield runtime
    left = contain.list(runtime=runtime)
    for entry in left:
        contain.delete(entry.name, force=True, runtime=runtime)
    assert left == []


def sleeping(mark, **more):
    return contain.Config(argv=["sleep", mark.seconds], **more)


def test_one_process_creates_and_another_does_the_rest(script, mark, runtime):
    script(f"""if True:
        import contain
        config = contain.Config(argv=["sleep", "{mark.seconds}"], lifetime="detached")
        quiet = dict.fromkeys(("stdin", "stdout", "stderr"), contain.DEVNULL)
        container = contain.Container.create("web", config, runtime={str(runtime)!r}, **quiet)
        assert container.name == "web" and container.config is config
    """)
    container = contain.Container.open("web", runtime=runtime)
    assert (container.name, container.config, container.state) == ("web", None, "created")
    with pytest.raises(contain.BusyError):
        container.inject(["true"])
    container.start()
    assert container.state is contain.State.RUNNING and mark.wait_for(1)
    assert container.inject(["sh", "-c", "exit 7"]).wait().returncode == 7
    assert mark.processes()[0] in container.processes() and container.init_pid in container.processes()
    script(f"""if True:
        import contain
        contain.Container.open("web", runtime={str(runtime)!r}).signal(15)
    """)
    assert container.wait(timeout=10).returncode == -signal.SIGTERM
    assert container.state is contain.State.STOPPED
    with pytest.raises(contain.GoneError):
        container.processes()
    with pytest.raises(contain.GoneError):
        container.signal(15)
    container.delete()
    with pytest.raises(contain.GoneError):
        contain.Container.open("web", runtime=runtime)


def test_block_that_made_it_ends_it_and_one_that_opened_it_does_not(mark, runtime):
    with contain.Container.run("web", sleeping(mark), runtime=runtime) as container:
        with contain.Container.open("web", runtime=runtime) as other:
            assert other.pid == container.pid and other.init_pid == container.init_pid
        assert mark.wait_for(1) and container.state == "running"
    assert mark.processes() == [] and contain.list(runtime=runtime) == []
    assert not contain.list(runtime=runtime / "none")


def test_list_and_status_say_what_is_known(mark, runtime, root):
    before = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=2)
    with contain.Container.run("b", sleeping(mark), runtime=runtime) as one:
        with contain.Container.create("a", contain.Config(argv=["sh"], root=root), runtime=runtime) as other:
            other.kill()
            result = other.wait()
            first, second = contain.list(runtime=runtime)
            assert (first.name, first.error, first.status) == ("a", None, other.status())
            assert (second.name, second.error, second.status) == ("b", None, one.status())
            assert (first.status.state, first.status.init_pid, first.status.root) == ("stopped", None, str(root))
            assert first.status.result.returncode == result.returncode == -9
            status = second.status
            assert (status.state, status.pid, status.init_pid) == ("running", one.pid, one.init_pid)
            assert status.root is None and status.result is None
            assert before <= status.created <= datetime.datetime.now(datetime.UTC)


def test_name_that_exists_is_refused(mark, runtime):
    with contain.Container.create("web", sleeping(mark), runtime=runtime):
        with pytest.raises(contain.ExistsError) as error:
            contain.Container.run("web", sleeping(mark), runtime=runtime)
        assert isinstance(error.value, FileExistsError) and error.value.object == "web"


def test_one_that_runs_is_deleted_by_force_alone(mark, runtime):
    container = contain.Container.run("web", sleeping(mark), runtime=runtime)
    for delete in (container.delete, lambda: contain.delete("web", runtime=runtime)):
        with pytest.raises(contain.BusyError) as error:
            delete()
        assert error.value.errno == errno.EBUSY and error.value.remedy
    contain.delete("web", force=True, runtime=runtime)
    assert mark.wait_for(0)
    container.delete(force=True)
    contain.delete("web", force=True, runtime=runtime)
    contain.delete("web", force=True, runtime=runtime / "none")
    for place in (runtime, runtime / "none"):
        with pytest.raises(contain.GoneError):
            contain.delete("web", runtime=place)


def test_what_a_crash_has_left_is_listed_with_its_error_and_deleted_by_force(runtime):
    with contain.Container.create("other", contain.Config(argv=["true"]), runtime=runtime):
        os.mkdir(runtime / "broken", 0o700)
        broken, other = contain.list(runtime=runtime)
        assert (broken.name, broken.status) == ("broken", None) and isinstance(broken.error, contain.ContainError)
        assert other.status.state == "created"
        contain.delete("broken", force=True, runtime=runtime)
        assert [entry.name for entry in contain.list(runtime=runtime)] == ["other"]


def test_command_that_cannot_be_executed_has_ended_by_setup(runtime):
    config = contain.Config(argv=["no-such-program"])
    with contain.Container.create("web", config, runtime=runtime) as container:
        with pytest.raises(contain.CommandNotFoundError) as error:
            container.start()
        assert error.value.step
        result = container.wait(timeout=10)
        assert (result.ended_by, result.returncode) == (contain.EndedBy.SETUP, 125)
        assert container.status().result == result
    with pytest.raises(contain.CommandNotFoundError):
        contain.Container.run("web", config, runtime=runtime)


@pytest.mark.parametrize("name", [None, "web"])
def test_stop_waits_for_the_end_and_kills_after_its_grace(name, runtime):
    def running(line):
        config = contain.Config(argv=["sh", "-c", f"{line}; echo ready; while :; do sleep 0.05; done"])
        named = {} if name is None else {"runtime": runtime}
        container = contain.Container.run(*filter(None, [name, config]), stdout=contain.PIPE, **named)
        assert container.stdout.readline() == b"ready\n"
        return container

    with running("trap 'exit 6' TERM") as container:
        assert container.stop().returncode == 6
        assert container.stop() == container.wait()
    with running("trap '' TERM") as container:
        assert container.stop(signal.SIGTERM, grace=0.2).returncode == -signal.SIGKILL
        assert container.state == "stopped"
        container.delete()


def test_container_without_a_name_has_state_but_no_status(mark):
    with contain.Container.create(sleeping(mark)) as container:
        assert (container.name, container.state) == (None, "created")
        container.start()
        assert mark.wait_for(1) and container.state == "running"
        assert mark.processes()[0] in container.processes()
        with pytest.raises(contain.InvalidError):
            container.status()
        with pytest.raises(contain.BusyError):
            container.delete()
        container.delete(force=True)
        assert container.state == "stopped"
        with pytest.raises(contain.GoneError):
            container.signal(15)


def test_one_that_had_ended_when_it_was_opened_has_its_result(mark, runtime):
    with contain.Container.run("web", contain.Config(argv=["sh", "-c", "exit 3"]), runtime=runtime) as container:
        assert container.wait(timeout=10).returncode == 3
        other = contain.Container.open("web", runtime=runtime)
        assert (other.init_pid, other.state) == (0, "stopped")
        assert other.poll() == other.wait() == other.wait(5) == container.wait()
        assert asyncio.run(contain.aio.wait(other)).returncode == 3
        assert select.select([other], [], [], 0)[0] == [other]
        with pytest.raises(contain.GoneError):
            other.pidfd()


def test_output_of_short_commands_is_all_there(runtime):
    for number in range(20):
        config = contain.Config(argv=["echo", str(number)])
        with contain.Container.run("web", config, runtime=runtime, stdout=contain.PIPE) as container:
            assert container.communicate(timeout=10) == (f"{number}\n".encode(), None)
            assert container.wait(timeout=10).returncode == 0


def test_wait_of_an_opened_container_is_late_by_name(mark, runtime):
    with contain.Container.run("web", sleeping(mark), runtime=runtime):
        with pytest.raises(contain.TimeoutExpired) as late:
            contain.Container.open("web", runtime=runtime).wait(0.05)
        assert late.value.cmd == ["web"]


@pytest.mark.parametrize("name", ["", ".", "a/b", "a b", "x" * 1025])
def test_name_that_is_not_allowed_is_refused(name, runtime):
    for use in (
        lambda: contain.Container.create(name, contain.Config(argv=["true"]), runtime=runtime),
        lambda: contain.Container.open(name, runtime=runtime),
        lambda: contain.delete(name, force=True, runtime=runtime),
    ):
        with pytest.raises(contain.InvalidError):
            use()


def test_wrong_types_are_refused(runtime):
    config = contain.Config(argv=["true"])
    for arguments, more in [
        ((1, config), {}),
        (("web",), {}),
        ((config, config), {}),
        ((config,), {"runtime": runtime}),
        (("web", config), {"runtime": 1}),
    ]:
        with pytest.raises(TypeError):
            contain.Container.create(*arguments, **more)


def test_handler_that_raises_during_create_leaves_nothing_on_disk(script, tmp_path):
    code = f"""if True:
        import contain, os, signal, threading, time
        class Enough(Exception): pass
        def give_up(*_): raise Enough
        signal.signal(signal.SIGALRM, give_up)
        raised = 0
        for number in range(20):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0005 + number * 0.0005)
                with contain.Container.create("web", contain.Config(argv=["true"]), runtime={str(tmp_path / "state")!r}):
                    time.sleep(1)
            except Enough:
                raised += 1
            contain.delete("web", force=True, runtime={str(tmp_path / "state")!r}) if number % 2 else None
        print(raised, contain.list(runtime={str(tmp_path / "state")!r}))
    """
    assert script(code).stdout == "20 []\n"
