# SPDX-License-Identifier: MIT OR Apache-2.0
"""Events of containers: in order and none lost, whoever makes them come; iterators, descriptors, asyncio."""

import asyncio
import os
import pathlib
import select
import signal
import subprocess
import sys
import threading
import time

import contain
import pytest
from contain import aio


def words(event):
    """An event in words."""
    return event.state.value if event.result is None else f"{event.result.ended_by} {event.result.returncode}"


def sleeper(**more):
    return contain.Config(argv=["sleep", "60"], **more)


@pytest.fixture
def runtime(tmp_path):
    tmp_path.chmod(0o700)
    yield tmp_path
    for entry in contain.list(runtime=tmp_path):
        contain.delete(entry.name, force=True, runtime=tmp_path)


def elsewhere(runtime, code):
    """Does something with the container `web` in another process."""
    code = f"import contain; container = contain.Container.open('web', runtime={str(runtime)!r}); {code}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


def silent(events):
    assert events.next(0) is None
    assert not select.select([events], [], [], 0)[0]


def test_iterator_ends_after_the_exit():
    with contain.Container.run(contain.Config(argv=["sh", "-c", "exit 7"])) as container:
        told = list(container.events())
        result = container.wait()
    states = ["running", "stopped"] if told[0].state == "running" else ["stopped"]
    assert [words(event) for event in told] == [*states, "exited 7"]
    assert told[-1] == contain.Event(contain.EventKind.EXIT, contain.State.STOPPED, result)
    assert {event.kind for event in told[:-1]} == {contain.EventKind.STATE}


def test_own_container_is_heard_to_its_end_without_its_handle(descriptors):
    before = descriptors()
    container = contain.Container.create(sleeper())
    with container.events() as events:
        assert words(events.next(5)) == "created"
        silent(events)
        container.start()
        assert select.select([events], [], [], 5)[0]
        assert words(next(events)) == "running"
        silent(events)
        assert events.next(0.05) is None
        pid = container.init_pid
        del container
        assert events.next(0.05) is None
        os.kill(pid, signal.SIGKILL)
        assert [words(event) for event in events] == ["stopped", "signalled -9"]
        with pytest.raises(contain.GoneError, match="has ended"):
            events.next(0)
        assert list(events) == [] and select.select([events], [], [], 0)[0]
    with pytest.raises(ValueError, match="closed"):
        events.next(0)
    with pytest.raises(ValueError, match="closed"):
        events.fileno()
    events.close()
    del events
    assert descriptors() == before


def test_other_processes_make_events_come(runtime):
    container = contain.Container.create("web", sleeper(lifetime="detached"), runtime=runtime)
    events, unread = container.events(), container.events()
    assert words(next(events)) == "created"
    silent(events)
    elsewhere(runtime, "container.start()")
    assert words(next(events)) == "running"
    silent(events)
    late = contain.Container.open("web", runtime=runtime).events()
    assert words(next(late)) == "running"
    elsewhere(runtime, "container.kill(15)")
    assert [words(event) for event in events] == ["stopped", "signalled -15"]
    last = container.events()
    elsewhere(runtime, "container.delete()")
    assert [words(event) for event in late] == ["stopped", "signalled -15"]
    assert [words(event) for event in last] == ["stopped", "signalled -15"]
    assert [words(event) for event in unread] == ["created", "running", "stopped", "signalled -15"]


def test_listener_of_its_own_process_hears_all(runtime, script):
    with contain.Container.create("web", sleeper(), runtime=runtime) as container:
        code = f"""
import contain
for event in contain.Container.open('web', runtime={str(runtime)!r}).events():
    print(event.state.value, event.result and event.result.returncode, flush=True)
"""
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as listener:
            assert listener.stdout.readline() == "created None\n"
            container.start()
            assert listener.stdout.readline() == "running None\n"
            container.kill()
            assert listener.communicate(timeout=20)[0] == "stopped None\nstopped -9\n"


def test_failed_start_is_no_start():
    with contain.Container.create(contain.Config(argv=["no-such-command"])) as container:
        events = container.events()
        with pytest.raises(contain.CommandNotFoundError):
            container.start()
        assert [words(event) for event in events] == ["created", "stopped", "setup 125"]


def test_waiting_releases_the_interpreter():
    with contain.Container.run(sleeper()) as container:
        told = []
        listener = threading.Thread(target=lambda: told.extend(map(words, container.events())))
        listener.start()
        time.sleep(0.1)
        assert listener.is_alive()
        container.kill()
        listener.join(20)
        assert told == ["running", "stopped", "signalled -9"]


def test_ctrl_c_ends_a_wait_at_once(script):
    script("""
import contain, os, signal, threading, time
with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
    threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()
    events = container.events()
    try:
        for event in events:
            assert event.state == "running"
        raise SystemExit("it ended by itself")
    except KeyboardInterrupt:
        assert time.monotonic() - begun < 5
    container.kill()
    assert [event.state.value for event in events] == ["stopped", "stopped"]
""")


def test_forked_child_may_only_free_them(script):
    script("""
import contain, os
with contain.Container.create(contain.Config(argv=["sleep", "60"])) as container:
    events = container.events()
    child = os.fork()
    if child == 0:
        wrong = 0
        for use in (lambda: events.next(0), events.fileno, lambda: next(events)):
            try:
                use()
            except contain.WrongProcessError:
                wrong += 1
        events.close()
        os._exit(wrong)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    container.start()
    container.kill()
    assert [event.state.value for event in events] == ["created", "running", "stopped", "stopped"]
""")


def test_thousand_leave_nothing(descriptors):
    with contain.Container.run(sleeper()) as container:
        before = descriptors()
        for number in range(1000):
            events = container.events()
            assert not os.get_inheritable(events.fileno())
            if number % 2:
                assert words(events.next(0)) == "running"
                events.close()
        del events
        assert descriptors() == before and threading.active_count() == 1


def test_timeouts_are_checked():
    with contain.Container.run(sleeper()) as container:
        events = container.events()
        next(events)
        for timeout, error in ((-1, contain.InvalidError), ("1", TypeError)):
            with pytest.raises(error):
                events.next(timeout)


def test_asyncio_hears_many_at_once(descriptors):
    async def listen(number):
        container = contain.Container.create(contain.Config(argv=["sh", "-c", f"exit {number}"]))
        async with aio.events(container) as events:
            told = [words(await anext(events))]
            container.start()
            return told + [words(event) async for event in events]

    async def main():
        return await asyncio.gather(*map(listen, range(20)))

    before = descriptors()
    assert asyncio.run(main()) == [["created", "running", "stopped", f"exited {number}"] for number in range(20)]
    assert descriptors() == before and threading.active_count() == 1


def test_asyncio_loses_nothing_when_late_or_cancelled(descriptors):
    async def main():
        with contain.Container.create(sleeper()) as container:
            events = aio.events(container)
            assert words(await events.next()) == "created"
            before = descriptors()
            assert await events.next(0.05) is None
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await anext(events)
            task = asyncio.create_task(events.next())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert descriptors() == before
            # Two that wait at once: one hears it.
            tasks = [asyncio.create_task(events.next(5)) for _ in range(2)]
            await asyncio.sleep(0.05)
            container.start()
            done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            assert [words(task.result()) for task in done] == ["running"]
            container.kill()
            told = [words(await task) for task in waiting] + [words(event) async for event in events]
            assert told == ["stopped", "signalled -9"]
            with pytest.raises(contain.GoneError):
                await events.next(1)
            assert [event async for event in events] == []
            events.close()
            with pytest.raises(ValueError):
                events.fileno()

    asyncio.run(main())


@pytest.fixture
def cgroup():
    """A cgroup of version 2 of this test's own."""
    mounts = [line.split(" - ") for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    found = [before.split()[4] for before, after in mounts if after.split()[0] == "cgroup2"]
    path = pathlib.Path(found[0] if found else "/nowhere") / f"contain-python-events-{os.getpid()}"
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup2 that this user may write to: {error}")
    yield path
    (path / "cgroup.freeze").write_text("0")
    end = time.monotonic() + 10
    while True:
        try:
            path.rmdir()
            return
        except OSError:
            assert time.monotonic() < end
            time.sleep(0.01)


def test_pause_is_heard_of(cgroup):
    with contain.Container.run(sleeper()) as container:
        for pid in container.processes():
            (cgroup / "cgroup.procs").write_text(str(pid))
        events = container.events()
        assert words(next(events)) == "running"
        (cgroup / "cgroup.freeze").write_text("1")
        assert words(events.next(10)) == "paused" and container.state == "paused"
        (cgroup / "cgroup.freeze").write_text("0")
        assert words(events.next(10)) == "running"
