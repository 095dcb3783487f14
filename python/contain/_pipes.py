# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writing to a command's stdin and reading its stdout and stderr at once, so that no full pipe stops either side."""

import os
import select
import selectors
import time
from typing import BinaryIO, TypeAlias

from contain._stdio import Standard

Data: TypeAlias = bytes | bytearray | memoryview

_CHUNK = 65536


class Clock:
    """The time that is left; without a timeout, always some."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def left(self) -> float | None:
        """Seconds, 0 when it has run out; None without a timeout."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())


def readable(descriptor: int, clock: Clock) -> bool:
    """Waits until there is something to read, or until the time is up; a signal's handler may raise."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    left = clock.left()
    # poll(2) counts whole milliseconds and Python rounds up: what it answers with time left is an answer.
    return bool(poll.poll(None if left is None else left * 1000))


class Pipes:
    """Our ends of a command's pipes, what is still to be written, and what has been read."""

    def __init__(self, standard: Standard) -> None:
        self.stdin, self.stdout, self.stderr = standard.stdin, standard.stdout, standard.stderr
        self._input: memoryview | None = None
        self._read: dict[BinaryIO, list[bytes]] = {pipe: [] for pipe in (self.stdout, self.stderr) if pipe is not None}

    def put(self, data: Data | None) -> None:
        """What is to be written, once; then stdin is closed."""
        if self._input is not None:
            if data is not None:
                raise ValueError("input was given before")
            return
        if data and (self.stdin is None or self.stdin.closed):
            raise ValueError("there is no open pipe for input: stdin=PIPE makes one")
        self._input = memoryview(data or b"").cast("B")
        if self.stdin is not None and not self.stdin.closed:
            try:
                self.stdin.flush()
            except BrokenPipeError:
                self._input = self._input[:0]
            if not self._input:
                _close(self.stdin)

    def exchange(self, clock: Clock, ended: int | None) -> bool:
        """Writes and reads all there is; False when the time was up first.

        `ended` is a descriptor that becomes readable once nothing can write any more; without
        one, the end of every pipe is waited for.
        """
        with selectors.PollSelector() as selector:
            if self.stdin is not None and not self.stdin.closed:
                selector.register(self.stdin, selectors.EVENT_WRITE)
            for pipe in self._read:
                if not pipe.closed:
                    selector.register(pipe, selectors.EVENT_READ)
            pipes = len(selector.get_map())
            if ended is not None:
                selector.register(ended, selectors.EVENT_READ)
            while pipes:
                ready = [key.fileobj for key, _ in selector.select(clock.left())]
                for pipe in (pipe for pipe in (self.stdin, *self._read) if pipe in ready):
                    if pipe is not None and not self._move(pipe):
                        selector.unregister(pipe)
                        pipes -= 1
                if ended in ready:
                    self.drain()
                    return True
                if pipes and clock.left() == 0:
                    return False
        return True

    def drain(self) -> None:
        """Reads what is in the pipes by now, and waits for nothing."""
        for pipe in self._read:
            while not pipe.closed and readable(pipe.fileno(), Clock(0)):
                self._move(pipe)
        self.close()

    def close(self) -> None:
        """Closes our ends."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None and not pipe.closed:
                _close(pipe)

    def output(self) -> tuple[bytes | None, bytes | None]:
        """What has been read from stdout and stderr; None where there is no pipe."""

        def joined(pipe: BinaryIO | None) -> bytes | None:
            return None if pipe is None else b"".join(self._read[pipe])

        return joined(self.stdout), joined(self.stderr)

    def _move(self, pipe: BinaryIO) -> bool:
        """Writes to a pipe that has room, or reads from one that has something; False at its end, then closed."""
        if pipe is self.stdin:
            return self._write(pipe)
        data = os.read(pipe.fileno(), _CHUNK)
        if data:
            self._read[pipe].append(data)
        else:
            pipe.close()
        return bool(data)

    def _write(self, pipe: BinaryIO) -> bool:
        data = self._input or memoryview(b"")
        try:
            # A pipe that has room has room for this much.
            self._input = data[os.write(pipe.fileno(), data[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            self._input = data[:0]
        if self._input:
            return True
        _close(pipe)
        return False


def _close(pipe: BinaryIO) -> None:
    """Closes a pipe, whether anybody reads what it still holds or not."""
    try:
        pipe.close()
    except BrokenPipeError:
        pass
