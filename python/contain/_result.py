# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a command ended, and what it used."""

import dataclasses
import enum
import subprocess
from collections.abc import Sequence
from typing import Any

from contain._errors import CalledProcessError

Ending = tuple[str, int, float, float, float, int]
"""As the extension module says it: why, status, seconds on the wall, in user mode, in the kernel, bytes."""


class EndedBy(enum.StrEnum):
    """Why a command ended."""

    EXITED = "exited"
    """It exited."""
    SIGNALLED = "signalled"
    """A signal ended it."""
    WALL = "wall"
    """The deadline passed, and all that ran in the container was killed."""
    CPU = "cpu"
    """It has used up the CPU time of its `Rlimit`: by SIGXCPU, or by SIGKILL at the hard limit."""
    OUTPUT = "output"
    """There was more output than `run` was told to take, and all that ran in the container was killed."""
    SECCOMP = "seccomp"
    """The filter on system calls ended it, by SIGSYS."""
    SETUP = "setup"
    """It never began: making the container or executing the command failed; the return code is 125."""


@dataclasses.dataclass(frozen=True)
class Usage:
    """What the command, and all that it waited for, used."""

    wall_seconds: float
    """From its exec to its end."""
    user_seconds: float
    """CPU time in user mode."""
    system_seconds: float
    """CPU time in the kernel."""
    peak_memory: int
    """The highest resident size of one process, in bytes."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time in user mode and in the kernel."""
        return self.user_seconds + self.system_seconds


@dataclasses.dataclass(frozen=True)
class Result:
    """How a container or an injected command ended."""

    returncode: int
    """The exit status, or -N where signal N ended it, as subprocess has it; 125 where it never began."""
    ended_by: EndedBy
    usage: Usage


class CompletedProcess(subprocess.CompletedProcess[Any]):
    """The result of `run`: what subprocess.run gives, and why and at what cost the command ended.

    `stdout` and `stderr` are None where they were not captured; else bytes, or str where text was asked for.
    """

    ended_by: EndedBy
    usage: Usage
    truncated: bool
    """Whether there was more output than `output_limit`; what was over is not in `stdout` and `stderr`."""

    def __init__(
        self,
        args: Sequence[Any],
        result: Result,
        stdout: bytes | str | None,
        stderr: bytes | str | None,
        truncated: bool = False,
    ) -> None:
        super().__init__(args, result.returncode, stdout, stderr)
        self.ended_by = result.ended_by
        self.usage = result.usage
        self.truncated = truncated

    def check_returncode(self) -> None:
        """Raises CalledProcessError unless the status is 0."""
        if self.returncode != 0:
            raise CalledProcessError(self)


def from_native(ending: Ending) -> Result:
    """The result that the extension module tells."""
    ended_by, status, wall, user, system, peak = ending
    reason = EndedBy(ended_by)
    returncode = status if reason in (EndedBy.EXITED, EndedBy.SETUP) else -status
    return Result(returncode, reason, Usage(wall, user, system, peak))
