# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain.aio keeps no loop from going on: what is slow is made slow by a helper, and another task counts what it could
do meanwhile."""

import asyncio
import inspect
import os
import signal
import subprocess
import sys
import threading

import contain
import pytest
from contain import aio

SLOW = "sleep 0.4"
"""As `inside`: this long the container is being made."""


async def ticks_during(work):
    """What the work gives, and how often another task had its turn until then."""
    count = 0

    async def tick():
        nonlocal count
        while True:
            await asyncio.sleep(0.001)
            count += 1

    ticker = asyncio.create_task(tick())
    try:
        return await work, count
    finally:
        ticker.cancel()


def config(*argv, **more):
    return contain.Config(argv=argv or ["sleep", "60"], **more)


def test_other_tasks_go_on_while_a_run_is_being_made():
    result, ticks = asyncio.run(ticks_during(aio.run(["sh", "-c", "exit 3"], inside=SLOW)))
    assert result.returncode == 3 and ticks > 20


@pytest.mark.parametrize("named", [False, True])
def test_other_tasks_go_on_while_a_container_is_created_and_started(named, tmp_path):
    arguments = ("web",) if named else ()
    more = {"runtime": tmp_path / "state"} if named else {}

    async def main():
        container, ticks = await ticks_during(aio.create(*arguments, config(inside=SLOW), **more))
        assert ticks > 20 and container.state == "created"
        async with container:
            await aio.start(container)
            assert container.state == "running"
            with pytest.raises(contain.InvalidError):
                await aio.start(container)
        assert named or container.state == "stopped"

    asyncio.run(main())
    assert contain.list(runtime=tmp_path / "state") == []


def test_start_that_fails_says_why(tmp_path):
    async def main():
        for arguments, more in (((), {}), (("web",), {"runtime": tmp_path / "state"})):
            async with await aio.create(*arguments, config("no-such-program"), **more) as container:
                with pytest.raises(contain.CommandNotFoundError):
                    await aio.start(container)
                assert (await aio.wait(container, 10)).ended_by == "setup"

    asyncio.run(main())


def test_slow_runs_are_made_at_once():
    """One after the other there would be no two at the same time."""
    most, now = 0, 0

    async def one():
        nonlocal most, now
        now += 1
        most = max(most, now)
        result = await aio.run(["true"], inside=SLOW)
        now -= 1
        return result.returncode

    async def main():
        return await asyncio.gather(*(one() for _ in range(50)))

    assert asyncio.run(main()) == [0] * 50 and most == 50


def test_loop_goes_on_while_files_are_copied_and_a_container_stops(tmp_path):
    reader, writer = os.pipe()

    async def main():
        async with await aio.create(config("sh", "-c", "trap '' TERM; sleep 60 & wait; wait")) as container:
            await aio.start(container)
            # The other end is written to only while the loop goes on.
            asyncio.get_running_loop().call_later(0.3, os.close, writer)
            _, ticks = await ticks_during(aio.write_file(container, "/tmp/slow", open(reader, "rb")))
            assert ticks > 20
            await aio.write_file(container, "/tmp/large", bytes(5_000_000), mode=0o600)
            assert await aio.read_file(container, "/tmp/large") == bytes(5_000_000)
            with open(tmp_path / "copy", "wb") as copy:
                await aio.copy_file(container, "/tmp/large", copy)
            assert (tmp_path / "copy").read_bytes() == bytes(5_000_000)
            with pytest.raises(contain.ContainError) as caught:
                await aio.read_file(container, "/no/such")
            assert caught.value.stage == "file.read"
            result, ticks = await ticks_during(aio.stop(container, grace=0.3))
            assert result.returncode == -9 and ticks > 20

    asyncio.run(main())


def test_functions_take_what_the_methods_take():
    for name in set(aio.__all__) - {"run", "Events"}:
        (first, *ours), theirs = inspect.signature(getattr(aio, name)).parameters.values(), getattr(contain.Container, name)
        if name == "create":
            ours.insert(0, first)
            theirs = list(inspect.signature(theirs).parameters.values())
        else:
            _, *theirs = inspect.signature(theirs).parameters.values()
        assert ours == theirs, name


def test_commands_are_injected_and_waited_for():
    async def main():
        async with await aio.create(config()) as container:
            await aio.start(container)
            process = await aio.inject(container, ["sh", "-c", "cat; pwd; exit 4"], stdin=-1, stdout=-1, cwd="/tmp")
            async with process:
                assert await aio.communicate(process, b"in ") == (b"in /tmp\n", None)
            assert process.poll().returncode == 4
            with pytest.raises(contain.CommandNotFoundError):
                await aio.inject(container, ["no-such-program"])
            late = await aio.inject(container, ["sleep", "60"], timeout=0.1)
            assert (await aio.wait(late)).ended_by == "wall"

    asyncio.run(main())


def test_start_that_is_cancelled_goes_on(tmp_path):
    state = tmp_path / "state"

    async def main():
        async with await aio.create("web", config(), runtime=state) as container:
            task = asyncio.create_task(aio.start(container))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert contain.Container.open("web", runtime=state).state == "running"
            assert (await aio.stop(container)).returncode == -15
        async with await aio.create("web", config(), runtime=state) as container:
            # Nobody asks for the answer.
            container._handle.start()

    asyncio.run(main())
    assert contain.list(runtime=state) == []


@pytest.mark.parametrize("what", ["run", "create", "create named"])
def test_cancelled_while_it_is_being_made_it_leaves_nothing(what, mark, tmp_path, descriptors):
    slow = config(inside=f"exec sleep {mark.seconds}")
    state = tmp_path / "state"
    work = {
        "run": lambda: aio.run(["true"], inside=slow.inside, capture_output=True),
        "create": lambda: aio.create(slow, stdout=contain.PIPE),
        "create named": lambda: aio.create("web", slow, runtime=state),
    }[what]

    async def main():
        task = asyncio.create_task(work())
        assert await asyncio.to_thread(mark.wait_for, 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(mark.wait_for, 0)

    before = descriptors()
    asyncio.run(main())
    assert contain.list(runtime=state) == [] and descriptors() == before


def test_ctrl_c_while_it_is_being_made_leaves_nothing(mark, tmp_path):
    """Of calls without asyncio, in the main thread."""
    for call in (
        "contain.run(['true'], inside=slow)",
        "contain.Container.create(contain.Config(argv=['true'], inside=slow))",
        "contain.Container.run('web', contain.Config(argv=['true'], inside=slow), runtime=state)",
    ):
        code = f"""if True:
            import contain, sys
            slow, state = "exec sleep {mark.seconds}", {str(tmp_path / "state")!r}
            try:
                {call}
            except KeyboardInterrupt:
                print("interrupted", contain.list(runtime=state), flush=True)
                sys.stdin.readline()
        """
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        try:
            assert mark.wait_for(1)
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline() == b"interrupted []\n"
            # The caller lives.
            assert mark.wait_for(0)
        finally:
            child.kill()
            child.communicate()


def test_wait_in_other_threads_while_a_container_is_started():
    for _ in range(20):
        with contain.Container.create(config("true")) as container:
            results = []
            waiters = [threading.Thread(target=lambda: results.append(container.wait(20))) for _ in range(4)]
            for waiter in waiters:
                waiter.start()
            container.start()
            for waiter in waiters:
                waiter.join()
            assert [result.returncode for result in results] == [0] * 4


def test_helpers_run_inside_and_outside():
    line = "echo $(pwd) $(readlink /proc/self/ns/net)"
    done = contain.run(["sh", "-c", line], outside=line.encode(), inside=line, capture_output=True, text=True)
    outside, inside, command = [words.split() for words in done.stdout.splitlines()]
    assert outside == [os.getcwd(), os.readlink("/proc/self/ns/net")]
    assert inside[0] not in (os.getcwd(), "/") and inside[1] == command[1] != outside[1] and command[0] == "/"
    for helper in ("inside", "outside"):
        with pytest.raises(contain.ContainError) as caught:
            contain.run(["true"], **{helper: "exit 7"})
        assert os.waitstatus_to_exitcode(caught.value.status) == 7
