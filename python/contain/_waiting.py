# SPDX-License-Identifier: MIT OR Apache-2.0
"""What waits is written once, as generators that say what they wait for; here it is waited for without asyncio."""

import dataclasses
import inspect
import select
import time
from collections.abc import Callable, Collection, Generator
from typing import TypeAlias, TypeVar

from contain import _native
from contain._check import seconds

T = TypeVar("T")

_LONGEST_POLL = 86400.0
"""Seconds; poll(2) counts milliseconds in an int."""


class Clock:
    """The time that is left; without a timeout, always some."""

    def __init__(self, timeout: float | None = None, field: str = "timeout") -> None:
        self._end = None if seconds(timeout, field) is None else time.monotonic() + (timeout or 0)

    def left(self) -> float | None:
        """Seconds, 0 when it has run out; None without a timeout."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


@dataclasses.dataclass(frozen=True)
class Wait:
    """Until one of these descriptors can be read, or written to, or the time is up; which of them can is the answer."""

    clock: Clock
    read: Collection[int]
    write: Collection[int] = ()


Steps: TypeAlias = Generator[Wait, Collection[int], T]
"""Waits, and at last has a result. What is raised while it waits is raised in there, and it may wait once more then."""


def finish(steps: Steps[T]) -> T:
    """Waits in this thread; a signal's handler may raise, here as well as in the steps, which take back what they did."""
    wait: Wait | None = None
    raised: list[BaseException] = []
    while True:
        try:
            while True:
                if raised:
                    wait = steps.throw(raised.pop())
                elif wait is not None:
                    wait = steps.send(_ready(wait))
                else:
                    wait = next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        except BaseException as error:
            # What they themselves have ended with.
            if inspect.getgeneratorstate(steps) == inspect.GEN_CLOSED:
                raise
            raised.append(error)


def _ready(wait: Wait) -> Collection[int]:
    poll = select.poll()
    for descriptor in wait.read:
        poll.register(descriptor, select.POLLIN)
    for descriptor in wait.write:
        poll.register(descriptor, select.POLLOUT)
    while True:
        left = wait.clock.left()
        # Python rounds up to whole milliseconds: what is ready with time left is an answer.
        ready = poll.poll(1000 * min(_LONGEST_POLL, _LONGEST_POLL if left is None else left))
        if ready or wait.clock.left() == 0:
            return [descriptor for descriptor, _ in ready]


def told(tell: Callable[[], T | None], news: Callable[[], _native.Descriptor], clock: Clock) -> Steps[T | None]:
    """Asks until there is an answer, each time that `news`, a new descriptor, can be read; None when the time is up."""
    while (answer := tell()) is None:
        descriptor = news()
        try:
            ready = yield Wait(clock, (descriptor.fileno(),))
        finally:
            descriptor.close()
        if not ready:
            return tell()
    return answer
