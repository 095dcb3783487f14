# SPDX-License-Identifier: MIT OR Apache-2.0
"""The three standard descriptors of a command: from what a caller says to numbers, and pipes on the way."""

import io
import os
import subprocess
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeAlias

from contain import _native
from contain._check import wrong
from contain._errors import invalid

PIPE = subprocess.PIPE
STDOUT = subprocess.STDOUT
DEVNULL = subprocess.DEVNULL


class HasFileno(Protocol):
    """An open file, a socket: what has a descriptor."""

    def fileno(self) -> int: ...


File: TypeAlias = int | HasFileno | None
"""None for the caller's own, with a console that; PIPE, DEVNULL, for stderr STDOUT; a descriptor, or what has one."""

Numbers: TypeAlias = tuple[int | None, int | None, int | None]
"""None for the caller's own, with a console that; DEVNULL, or a descriptor."""


class Standard:
    """Opened for one start. At the end of the block the command's ends of pipes are closed, after an error ours too."""

    stdin: BinaryIO | None
    stdout: BinaryIO | None
    stderr: BinaryIO | None
    numbers: Numbers
    _theirs: list[io.FileIO]

    def __init__(self, stdin: File, stdout: File, stderr: File, *, on_console: bool = False) -> None:
        self.stdin = self.stdout = self.stderr = None
        # With STDOUT stderr is what stdout is: where nothing is said of that, the caller's own, or the console.
        self._stdout = None if on_console else 1
        self._theirs = []
        try:
            self._open(stdin, stdout, stderr)
        except BaseException:
            self.close_ours()
            self._close_theirs()
            raise

    def _open(self, stdin: File, stdout: File, stderr: File) -> None:
        if stdin == STDOUT or stdout == STDOUT:
            raise ValueError("STDOUT is for stderr alone")
        for_stdin, self.stdin = self._input(stdin)
        for_stdout, self.stdout = self._output("stdout", stdout)
        for_stderr = self._stdout if for_stdout is None else for_stdout
        if stderr != STDOUT:
            for_stderr, self.stderr = self._output("stderr", stderr)
        self.numbers = (for_stdin, for_stdout, for_stderr)

    def _input(self, file: File) -> tuple[int | None, BinaryIO | None]:
        if file != PIPE:
            return _number("stdin", file), None
        theirs, ours = self._pipe()
        self._theirs.append(theirs)
        return theirs.fileno(), io.BufferedWriter(ours)

    def _output(self, field: str, file: File) -> tuple[int | None, BinaryIO | None]:
        if file != PIPE:
            return _number(field, file), None
        ours, theirs = self._pipe()
        self._theirs.append(theirs)
        return theirs.fileno(), io.BufferedReader(ours)

    def _pipe(self) -> tuple[io.FileIO, io.FileIO]:
        """A pipe that whoever has it inside can also open again as /dev/stdout, though this user owns it."""
        ends = _native.pipe()
        os.fchmod(ends[0].fileno(), 0o666)
        return ends

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close_theirs()
        if error is not None:
            self.close_ours()

    def _close_theirs(self) -> None:
        while self._theirs:
            self._theirs.pop().close()

    def close_ours(self) -> None:
        """Closes our ends of pipes."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()


def _number(field: str, file: File) -> int | None:
    """A descriptor's number, DEVNULL, or None."""
    return None if file is None else DEVNULL if file == DEVNULL else descriptor(field, file)


def descriptor(field: str, file: int | HasFileno) -> int:
    """A descriptor's number."""
    number = file if isinstance(file, int) else getattr(file, "fileno", lambda: None)()
    if not isinstance(number, int) or isinstance(number, bool):
        raise wrong(field, file, "a descriptor, or has fileno()")
    if not 0 <= number < 2**31:
        raise invalid(field, number, "it is a descriptor's number, 0 or more")
    return number
