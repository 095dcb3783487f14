# SPDX-License-Identifier: MIT OR Apache-2.0
"""Containers under asyncio: `run`, waiting for handles, and events, through pidfds and without threads.

`Container.create`, `Container.run`, `start` and `inject` are those of the package; they take some
milliseconds in which the loop stands still.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import BinaryIO, Literal, Self

from contain import _events
from contain._config import Bind, Config, Data, Environment, NewFile, Overlay, Path, Rlimit, Text, Tmpfs, Veth, seconds
from contain._container import Container, Process
from contain._errors import GoneError
from contain._events import Event
from contain._pipes import Exchanged, Limit, close
from contain._result import CompletedProcess, EndedBy, Result
from contain._run import Request, codec_of, request_of
from contain._seccomp import Seccomp
from contain._stdio import File, HasFileno

__all__ = ["Events", "communicate", "events", "run", "wait"]


async def run(
    argv: Sequence[Path],
    *,
    root: Path | None = None,
    timeout: float | None = None,
    input: Data | str | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    capture_output: bool = False,
    output_limit: int | None = None,
    on_output_limit: Literal["truncate", "end"] = "truncate",
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    check: bool = False,
    mounts: Sequence[Bind | Tmpfs] = (),
    read_only: bool = False,
    overlay: bool | Overlay = False,
    env: Environment | None = None,
    cwd: Path | None = None,
    user: int | str | None = None,
    hostname: Text | None = None,
    network: Literal["private", "host"] | Veth = "private",
    uid_map: str | None = None,
    gid_map: str | None = None,
    seccomp: Literal["system", "app", "none"] | Seccomp = "app",
    capabilities: Sequence[str] | None = None,
    no_new_privs: bool = True,
    rlimits: Sequence[Rlimit] = (),
    files: Mapping[Path, Data | NewFile] | None = None,
    pass_fds: Sequence[int | HasFileno] = (),
    init: bool = True,
) -> CompletedProcess:
    """`contain.run`, while other tasks go on. Cancelled, it kills the container and waits until that is gone."""
    config = Config(
        argv=argv,
        root=root,
        mounts=mounts,
        read_only=read_only,
        overlay=overlay,
        env=env,
        cwd=cwd,
        user=user,
        hostname=hostname,
        network=network,
        uid_map=uid_map,
        gid_map=gid_map,
        seccomp=seccomp,
        capabilities=capabilities,
        no_new_privs=no_new_privs,
        rlimits=rlimits,
        files=files or {},
        pass_fds=pass_fds,
        timeout=timeout,
        init=init,
    )
    request = request_of(
        config,
        (stdin, stdout, stderr),
        input,
        capture_output,
        timeout,
        Limit(output_limit, on_output_limit),
        codec_of(text, encoding, errors),
    )
    return await _finish(request, check)


async def wait(handle: Container | Process, timeout: float | None = None) -> Result:
    """Waits for the end of a container or an injected process, as its `wait` does.

    After `timeout` seconds TimeoutExpired is raised. That and being cancelled kill nothing.
    """
    if not await _in_time(lambda: _ended(handle), timeout):
        raise handle._expired(timeout)
    return handle.wait()


async def communicate(
    handle: Container | Process, input: Data | None = None, timeout: float | None = None
) -> tuple[bytes | None, bytes | None]:
    """Writes input, reads stdout and stderr to their ends, and waits for the end, as `communicate` of a handle does.

    After `timeout` seconds TimeoutExpired is raised, with the output so far; another call,
    without input, goes on. That and being cancelled kill nothing.
    """
    handle.poll()
    handle._pipes.put(input)

    async def follow() -> None:
        await _exchange(handle)
        await _ended(handle)

    if not await _in_time(follow, timeout):
        raise handle._expired(timeout)
    return handle._pipes.output()


class Events:
    """The events of a container for `async for`, which ends after the exit; `events` opens them.

    As an asynchronous context manager they are closed at the end of the block. A task that is
    cancelled while it waits loses none.
    """

    def __init__(self, events: _events.Events) -> None:
        self._events = events

    def fileno(self) -> int:
        """As `contain.Events.fileno`."""
        return self._events.fileno()

    async def next(self, timeout: float | None = None) -> Event | None:
        """The next event; None when `timeout` seconds passed first, GoneError after the exit."""
        event = self._events.next(0)

        async def follow() -> None:
            nonlocal event
            while event is None:
                await _readable(self._events.fileno())
                event = self._events.next(0)

        if event is None:
            await _in_time(follow, timeout)
        return event

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        try:
            event = await self.next()
        except GoneError:
            raise StopAsyncIteration from None
        assert event is not None, "without a timeout there is an event"
        return event

    def close(self) -> None:
        """Closes them; the container goes on. They are of no use afterwards."""
        self._events.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def events(container: Container) -> Events:
    """What becomes of a container, as `Container.events` tells it, while other tasks go on."""
    return Events(container.events())


async def _finish(request: Request, check: bool) -> CompletedProcess:
    """From start to result."""
    container = request.start()
    try:
        container._pipes.put(request.data)

        async def follow() -> None:
            if await _exchange(container) is Exchanged.ALL:
                await _ended(container)

        reason = None if await _in_time(follow, request.timeout) else EndedBy.WALL
        if container._pipes.is_over:
            reason = EndedBy.OUTPUT
        if reason is not None:
            await _kill(container)
        result = container.wait() if reason is None else container._end(reason)
        container._pipes.drain()
    finally:
        container._pipes.close()
        await _kill(container)
    return request.completed(container, result, check)


async def _kill(container: Container) -> None:
    container.kill()
    await _ended(container)


async def _in_time(work: Callable[[], Coroutine[None, None, object]], timeout: float | None) -> bool:
    """Awaits it, at most so many seconds; whether it came to its end."""
    seconds(timeout)
    try:
        async with asyncio.timeout(timeout) as scope:
            await work()
    except TimeoutError:
        if not scope.expired():
            raise
        return False
    return True


async def _ended(handle: Container | Process) -> None:
    """Waits for the end."""
    await _readable(handle.fileno())


async def _readable(descriptor: int) -> None:
    """Waits until it is, by a copy: a loop takes each descriptor once, and others may wait too."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    copy = os.dup(descriptor)
    try:
        loop.add_reader(copy, _settle, ready)
        await ready
    finally:
        loop.remove_reader(copy)
        os.close(copy)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _exchange(handle: Container | Process) -> Exchanged:
    """Writes and reads all there is, until nothing can write any more; OVER where there is too much."""
    exchange = _Exchange(handle)
    try:
        await exchange.done
    finally:
        exchange.close()
    return Exchanged.OVER if handle._pipes.is_over else Exchanged.ALL


class _Exchange:
    """The pipes of a command, watched by the loop."""

    def __init__(self, handle: Container | Process) -> None:
        self._loop = asyncio.get_running_loop()
        self._pipes = handle._pipes
        self._watched: dict[int, BinaryIO] = {}
        self._pidfd = -1
        self.done: asyncio.Future[None] = self._loop.create_future()
        for pipe in self._pipes.open():
            number = pipe.fileno()
            self._watched[number] = pipe
            watch = self._loop.add_writer if pipe is self._pipes.stdin else self._loop.add_reader
            watch(number, self._move, number)
        if not self._watched:
            self.done.set_result(None)
        elif handle._silent_at() is not None:
            self._pidfd = os.dup(handle.fileno())
            self._loop.add_reader(self._pidfd, self._end)

    def _move(self, number: int) -> None:
        """A pipe has room or something to read."""
        pipe = self._watched[number]
        try:
            if not self._pipes.move(pipe):
                self._leave(number)
                close(pipe)
        except Exception as error:
            if not self.done.done():
                self.done.set_exception(error)
            return
        if self._pipes.is_over or not self._watched:
            _settle(self.done)

    def _end(self) -> None:
        """Nothing can write any more: what the pipes hold now is all."""
        self.close()
        self._pipes.drain()
        _settle(self.done)

    def _leave(self, number: int) -> None:
        pipe = self._watched.pop(number)
        leave = self._loop.remove_writer if pipe is self._pipes.stdin else self._loop.remove_reader
        leave(number)

    def close(self) -> None:
        """Watches no longer."""
        for number in list(self._watched):
            self._leave(number)
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
