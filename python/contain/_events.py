# SPDX-License-Identifier: MIT OR Apache-2.0
"""What becomes of a container: its states, one after the other, and its exit."""

import dataclasses
import enum
from types import TracebackType
from typing import Self

from contain import _native, _result
from contain._errors import GoneError
from contain._result import Ending, Result
from contain._runtime import State
from contain._waiting import Clock, Steps, Wait, finish

Parts = tuple[str, Ending | None]
"""As the extension module says it: what the container is doing, and how it ended, which makes the event its exit."""


class EventKind(enum.StrEnum):
    """What an event is."""

    STATE = "state"
    """What the container is doing has changed; of the first event, what it was doing when the events were opened."""
    EXIT = "exit"
    """It has ended; the last event."""


@dataclasses.dataclass(frozen=True)
class Event:
    """One thing that became of a container."""

    kind: EventKind
    state: State
    """What the container is doing now."""
    result: Result | None
    """How it ended, of an exit."""


def from_native(parts: Parts) -> Event:
    """The event that the extension module tells."""
    state, ending = parts
    result = None if ending is None else _result.from_native(ending)
    return Event(EventKind.STATE if result is None else EventKind.EXIT, State(state), result)


class Events:
    """The events of a container, an iterator that ends after the exit; `Container.events` opens them.

    As a context manager they are closed at the end of the block. Several threads may iterate at
    once: each event goes to one of them.
    """

    def __init__(self, native: _native.Events) -> None:
        self._native = native

    def fileno(self) -> int:
        """The number of a descriptor that is readable when there is an event, and for good after the exit.

        It belongs to this object, and may be readable without an event: `next(0)` then gives None.
        """
        return self._native.fileno()

    def next(self, timeout: float | None = None) -> Event | None:
        """The next event; None when `timeout` seconds passed first, GoneError after the exit."""
        return finish(self._waiting(timeout))

    def _waiting(self, timeout: float | None) -> Steps[Event | None]:
        clock = Clock(timeout)
        while (parts := self._native.next()) is None:
            if clock.left() == 0:
                return None
            yield Wait(clock, (self._native.fileno(),))
        return from_native(parts)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        try:
            event = self.next()
        except GoneError:
            raise StopIteration from None
        assert event is not None, "without a timeout there is an event"
        return event

    def close(self) -> None:
        """Closes them; the container goes on. They are of no use afterwards."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
