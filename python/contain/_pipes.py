# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writing to a command's stdin and reading its stdout and stderr at once, so that no full pipe stops either side."""

import enum
import os
import select
from typing import BinaryIO

from contain._check import wrong
from contain._config import Data
from contain._errors import invalid
from contain._stdio import Standard
from contain._waiting import Clock, Steps, Wait

_CHUNK = 65536


class Exchanged(enum.Enum):
    """How an exchange with a command ended."""

    ALL = "all"
    """There is no more to write or to read."""
    LATE = "late"
    """The time was up."""
    OVER = "over"
    """An output went over its limit, and that ends the command."""


class Limit:
    """How much of each output is kept, in bytes, and what happens at more."""

    def __init__(self, size: int | None = None, on_limit: str = "truncate") -> None:
        if size is not None and (not isinstance(size, int) or isinstance(size, bool)):
            raise TypeError(f"output_limit is {size!r}: it is a number of bytes, or None")
        if size is not None and size < 0:
            raise invalid("output_limit", size, "it is a number of bytes, 0 or more, or None for no limit")
        if on_limit not in ("truncate", "end"):
            raise invalid("on_output_limit", on_limit, "it is one of truncate, end")
        self.size = size
        self.is_end = on_limit == "end"


class Pipes:
    """Our ends of a command's pipes, what is still to be written, and what has been read."""

    truncated = False
    """Whether there was more output than is kept."""

    def __init__(self, standard: Standard, limit: Limit) -> None:
        self.stdin, self.stdout, self.stderr = standard.stdin, standard.stdout, standard.stderr
        self._limit = limit
        self._input: memoryview | None = None
        self._read: dict[BinaryIO, bytearray] = {
            pipe: bytearray() for pipe in (self.stdout, self.stderr) if pipe is not None
        }

    @property
    def is_over(self) -> bool:
        """Whether there was more output than is allowed."""
        return self.truncated and self._limit.is_end

    def put(self, data: Data | None) -> None:
        """What is to be written, once; then stdin is closed."""
        if self._input is not None:
            if data is not None:
                raise ValueError("input was given before")
            return
        if data is not None and not isinstance(data, (bytes, bytearray, memoryview)):
            raise wrong("input", data, "bytes, bytearray or memoryview")
        if data and (self.stdin is None or self.stdin.closed):
            raise ValueError("there is no open pipe for input: stdin=PIPE makes one")
        whole = memoryview(b"" if data is None else data)
        self._input = (whole if whole.contiguous else memoryview(bytes(whole))).cast("B")
        if self.stdin is not None and not self.stdin.closed:
            try:
                self.stdin.flush()
            except BrokenPipeError:
                self._input = self._input[:0]
            if not self._input:
                close(self.stdin)

    def open(self) -> list[BinaryIO]:
        """Those that are not at their end yet; only the first of them may be stdin."""
        return [pipe for pipe in (self.stdin, *self._read) if pipe is not None and not pipe.closed]

    def exchange(self, clock: Clock, ended: int | None) -> Steps[Exchanged]:
        """Writes and reads all there is.

        `ended` is a descriptor that becomes readable once nothing can write any more; without
        one, the end of every pipe is waited for.
        """
        while pipes := {pipe.fileno(): pipe for pipe in self.open()}:
            write = [number for number, pipe in pipes.items() if pipe is self.stdin]
            read = [number for number in pipes if number not in write]
            ready = yield Wait(clock, read if ended is None else [*read, ended], write)
            for pipe in [pipe for number, pipe in pipes.items() if number in ready]:
                if not self.move(pipe):
                    close(pipe)
            if self.is_over:
                return Exchanged.OVER
            if ended in ready:
                self.drain()
                return Exchanged.OVER if self.is_over else Exchanged.ALL
            if clock.left() == 0 and self.open():
                return Exchanged.LATE
        return Exchanged.ALL

    def drain(self) -> None:
        """Reads what is in the pipes by now, and waits for nothing."""
        for pipe in self._read:
            poll = select.poll()
            if not pipe.closed:
                poll.register(pipe, select.POLLIN)
            while not pipe.closed and poll.poll(0):
                if not self.move(pipe):
                    close(pipe)
        self.close()

    def close(self) -> None:
        """Closes our ends."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None and not pipe.closed:
                close(pipe)

    def output(self) -> tuple[bytes | None, bytes | None]:
        """What has been read from stdout and stderr; None where there is no pipe."""

        def whole(pipe: BinaryIO | None) -> bytes | None:
            return None if pipe is None else bytes(self._read[pipe])

        return whole(self.stdout), whole(self.stderr)

    def move(self, pipe: BinaryIO) -> bool:
        """Writes to a pipe that has room, or reads from one that has something; False at its end."""
        if pipe is self.stdin:
            return self._write(pipe)
        data = os.read(pipe.fileno(), _CHUNK)
        kept = self._read[pipe]
        room = len(data) if self._limit.size is None else self._limit.size - len(kept)
        kept += data[:room]
        # What is over is read all the same: a full pipe would stop the command.
        self.truncated |= len(data) > room
        return bool(data)

    def _write(self, pipe: BinaryIO) -> bool:
        data = self._input or memoryview(b"")
        try:
            # A pipe that has room has room for this much.
            self._input = data[os.write(pipe.fileno(), data[: select.PIPE_BUF]) :]
        except BrokenPipeError:
            self._input = data[:0]
        return bool(self._input)


def close(pipe: BinaryIO) -> None:
    """Closes a pipe, whether anybody reads what it still holds or not."""
    try:
        pipe.close()
    except BrokenPipeError:
        pass
