# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain.aio: runs and waits beside other tasks, without threads."""

import asyncio
import inspect
import os
import signal
import subprocess
import threading

import contain
import pytest
from contain import aio


def test_arguments_are_those_of_run():
    ours, theirs = inspect.signature(aio.run), inspect.signature(contain.run)
    assert ours.parameters == theirs.parameters


def test_200_runs_at_once(descriptors):
    async def main():
        return await asyncio.gather(
            *(
                aio.run(["sh", "-c", f"cat; echo {number}; exit {number % 7}"], input="x", capture_output=True, text=True)
                for number in range(200)
            )
        )

    before = descriptors()
    results = asyncio.run(main())
    assert [(result.stdout, result.returncode) for result in results] == [(f"x{n}\n", n % 7) for n in range(200)]
    assert descriptors() == before and threading.active_count() == 1


def test_other_tasks_go_on():
    async def main():
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticker = asyncio.create_task(tick())
        await aio.run(["sleep", "0.5"])
        ticker.cancel()
        return ticks

    assert asyncio.run(main()) > 10


def test_input_and_output_larger_than_pipes_cross():
    data = os.urandom(1 << 20)
    result = asyncio.run(aio.run(["tee", "/dev/stderr"], input=data, capture_output=True))
    assert result.stdout == data and result.stderr == data


def test_deadline_ends_the_whole_tree(mark):
    async def main():
        line = f"echo begun; sleep {mark.seconds} & sleep {mark.seconds}"
        await aio.run(["sh", "-c", line], timeout=0.4, capture_output=True, text=True)

    with pytest.raises(contain.TimeoutExpired) as caught:
        asyncio.run(main())
    assert caught.value.result.ended_by == "wall" and caught.value.stdout == "begun\n"
    assert mark.processes() == []


def test_output_over_its_limit_ends_the_command():
    result = asyncio.run(aio.run(["yes"], capture_output=True, output_limit=1000, on_output_limit="end"))
    assert (result.ended_by, result.returncode, result.truncated) == ("output", -9, True)
    assert result.stdout == b"y\n" * 500


@pytest.mark.parametrize("capture", [False, True])
def test_cancellation_kills_the_container(mark, capture, descriptors):
    async def main():
        line = f"trap '' TERM INT; sleep {mark.seconds} & sleep {mark.seconds}"
        task = asyncio.create_task(aio.run(["sh", "-c", line], capture_output=capture))
        assert await asyncio.to_thread(mark.wait_for, 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert mark.processes() == []
        assert len(asyncio.all_tasks()) == 1

    before = descriptors()
    asyncio.run(main())
    assert descriptors() == before


def test_timeout_of_asyncio_kills_the_container(mark):
    async def main():
        async with asyncio.timeout(0.3):
            await aio.run(["sleep", mark.seconds])

    with pytest.raises(TimeoutError) as caught:
        asyncio.run(main())
    assert not isinstance(caught.value, contain.TimeoutExpired)
    assert mark.processes() == []


def test_failures_are_those_of_run():
    for argv, more, error in (
        (["no-such-program"], {}, contain.CommandNotFoundError),
        (["false"], {"check": True}, contain.CalledProcessError),
        (["true"], {"timeout": -1}, contain.InvalidError),
        (["true"], {"input": "text"}, TypeError),
    ):
        with pytest.raises(error):
            asyncio.run(aio.run(argv, **more))


def test_handles_can_be_waited_for_by_several_tasks(mark):
    async def main():
        with contain.Container.run(contain.Config(argv=["sleep", mark.seconds])) as container:
            with pytest.raises(contain.TimeoutExpired):
                await aio.wait(container, timeout=0.1)
            waiters = [asyncio.create_task(aio.wait(container)) for _ in range(4)]
            process = container.inject(["cat"], stdin=contain.PIPE, stdout=contain.PIPE)
            assert await aio.communicate(process, b"in", timeout=10) == (b"in", None)
            assert (await aio.wait(process)).returncode == 0
            cancelled = asyncio.create_task(aio.wait(container))
            await asyncio.sleep(0)
            cancelled.cancel()
            container.kill(signal.SIGTERM)
            assert {(await waiter).returncode for waiter in waiters} == {-15}
            assert (await aio.wait(container)).returncode == -15

    asyncio.run(main())


def test_communicate_goes_on_after_its_timeout():
    async def main():
        config = contain.Config(argv=["sh", "-c", "echo one; sleep 0.4; echo two"])
        with contain.Container.run(config, stdout=contain.PIPE) as container:
            with pytest.raises(contain.TimeoutExpired) as caught:
                await aio.communicate(container, timeout=0.2)
            assert caught.value.stdout == b"one\n"
            assert await aio.communicate(container, timeout=10) == (b"one\ntwo\n", None)

    asyncio.run(main())


def test_ctrl_c_ends_asyncios_run_and_the_container(mark):
    code = f"""if True:
        import asyncio, contain, os
        from contain import aio
        try:
            asyncio.run(aio.run(["sleep", "{mark.seconds}"]))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            os.system("{mark.look}")
    """
    import sys

    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert mark.wait_for(1)
        child.send_signal(signal.SIGINT)
        assert child.communicate(timeout=20)[0] == "interrupted\n"
    finally:
        child.kill()
        child.wait()


def test_package_alone_does_not_import_asyncio(script):
    code = "import contain, sys; print('asyncio' in sys.modules, contain.aio.__name__, 'asyncio' in sys.modules)"
    assert script(code).stdout == "False contain.aio True\n"
