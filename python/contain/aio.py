# SPDX-License-Identifier: MIT OR Apache-2.0
"""What waits, under asyncio: through descriptors that the loop watches, without threads.

Each does what the function or method of its name does in the package, while other tasks go on. The loop stands
still only while a process is spawned, which is about a millisecond. `Container` and `Process` can be used with
`async with` too.
"""

import asyncio
import contextlib
import os
import signal as signals
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Literal, Self, TypeVar, overload

from contain import _events, _native
from contain._config import Bind, Config, Console, Data, Environment, NewFile, Overlay, Path, Rlimit, Text, Tmpfs, Veth
from contain._container import Container, Process
from contain._errors import GoneError
from contain._events import Event
from contain._result import CompletedProcess, Result
from contain._run import running
from contain._seccomp import Seccomp
from contain._stdio import File, HasFileno
from contain._waiting import Steps, Wait

__all__ = [
    "Events",
    "communicate",
    "copy_file",
    "create",
    "events",
    "inject",
    "read_file",
    "run",
    "start",
    "stop",
    "wait",
    "write_file",
]

T = TypeVar("T")


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
    inside: Text | None = None,
    outside: Text | None = None,
    init: bool = True,
) -> CompletedProcess:
    """`contain.run`, while other tasks go on. Cancelled, it kills the container and waits until that is gone."""
    return await _finish(running(locals()))


@overload
async def create(
    name: Config,
    config: None = None,
    /,
    *,
    runtime: None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
) -> Container: ...


@overload
async def create(
    name: str,
    config: Config,
    /,
    *,
    runtime: Path | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
) -> Container: ...


async def create(
    name: str | Config,
    config: Config | None = None,
    /,
    *,
    runtime: Path | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
) -> Container:
    """`Container.create`. Cancelled, it leaves nothing behind."""
    files = (stdin, stdout, stderr)
    return await _finish(Container._making(_native.Container.create, name, config, runtime, files))


async def start(container: Container) -> None:
    """`Container.start`. Cancelled, it leaves the command to begin all the same."""
    await _finish(container._starting())


async def inject(
    container: Container,
    argv: Sequence[Path],
    *,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    env: Environment | None = None,
    cwd: Path | None = None,
    user: int | str | None = None,
    groups: Sequence[int | str] | None = None,
    seccomp: Literal["system", "app", "none"] | Seccomp | None = None,
    capabilities: Sequence[str] | None = None,
    no_new_privs: bool = False,
    rlimits: Sequence[Rlimit] = (),
    pass_fds: Sequence[int | HasFileno] = (),
    timeout: float | None = None,
    console: Console | None = None,
) -> Process:
    """`Container.inject`. Cancelled, it kills the command."""
    arguments = locals()
    del arguments["container"]
    return await _finish(container._injecting(**arguments))


async def wait(handle: Container | Process, timeout: float | None = None) -> Result:
    """`wait` of a container or an injected process: being late or cancelled kills nothing."""
    return await _finish(handle._waiting(timeout))


async def communicate(
    handle: Container | Process, input: Data | None = None, timeout: float | None = None
) -> tuple[bytes | None, bytes | None]:
    """`communicate` of a container or an injected process: being late or cancelled kills nothing.

    Another call, without input, goes on.
    """
    return await _finish(handle._communicating(input, timeout))


async def stop(container: Container, signal: int = signals.SIGTERM, grace: float = 10.0) -> Result:
    """`Container.stop`. Cancelled within the grace period, it kills nothing."""
    return await _finish(container._stopping(signal, grace))


async def read_file(
    container: Container, path: Path, *, limit: int = 64 * 1024 * 1024, timeout: float | None = None
) -> bytes:
    """`Container.read_file`."""
    return await _finish(container._reading(path, limit, timeout))


async def copy_file(
    container: Container, path: Path, destination: int | HasFileno, *, timeout: float | None = None
) -> None:
    """`Container.copy_file`."""
    await _finish(container._copying(path, destination, timeout))


async def write_file(
    container: Container, path: Path, source: Data | HasFileno, *, mode: int = 0o644, timeout: float | None = None
) -> None:
    """`Container.write_file`. Cancelled, what was written by then stays."""
    await _finish(container._writing(path, source, mode, timeout))


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
        return await _finish(self._events._waiting(timeout))

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


async def _finish(steps: Steps[T]) -> T:
    """As `contain._waiting.finish`, while other tasks go on."""
    try:
        wait = next(steps)
        while True:
            try:
                ready = await _ready(wait)
            except BaseException as error:
                wait = steps.throw(error)
            else:
                wait = steps.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


async def _ready(wait: Wait) -> Collection[int]:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    ready: set[int] = set()

    def settle(descriptor: int | None = None) -> None:
        if descriptor is not None:
            ready.add(descriptor)
        if not done.done():
            done.set_result(None)

    with contextlib.ExitStack() as stack:
        left = wait.clock.left()
        if left is not None:
            stack.callback(loop.call_later(left, settle).cancel)
        for watch, ignore, descriptors in (
            (loop.add_reader, loop.remove_reader, wait.read),
            (loop.add_writer, loop.remove_writer, wait.write),
        ):
            for descriptor in descriptors:
                # One of its own: a loop takes each once, and other tasks may wait for the same.
                own = os.dup(descriptor)
                stack.callback(os.close, own)
                stack.callback(ignore, own)
                watch(own, settle, descriptor)
        await done
    return ready
