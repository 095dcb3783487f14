# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hardened Linux containers: `run` runs a command in one as subprocess.run does on the host.

Nothing is needed beside this package: no image (without `root` the host's own system is
used, read-only), no daemon, no root. A handle may be used from any thread, but only in the
process that made it.
"""

from typing import TYPE_CHECKING

from contain._config import Bind, Config, NewFile, Rlimit, Tmpfs, explain
from contain._container import Container, Process
from contain._errors import (
    CalledProcessError,
    CommandNotExecutableError,
    CommandNotFoundError,
    ContainError,
    GoneError,
    IdMapError,
    InternalError,
    InvalidError,
    RootError,
    SecureExecError,
    TimeoutExpired,
    TooBigError,
    UnsupportedError,
    WrongProcessError,
)
from contain._native import VERSION as __version__
from contain._probe import Finding, Report, probe
from contain._result import CompletedProcess, EndedBy, Result, Usage
from contain._run import run
from contain._seccomp import Decision, Seccomp
from contain._stdio import DEVNULL, PIPE, STDOUT

if TYPE_CHECKING:
    from contain import aio

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Bind",
    "CalledProcessError",
    "CommandNotExecutableError",
    "CommandNotFoundError",
    "CompletedProcess",
    "Config",
    "ContainError",
    "Container",
    "Decision",
    "EndedBy",
    "Finding",
    "GoneError",
    "IdMapError",
    "InternalError",
    "InvalidError",
    "NewFile",
    "Process",
    "Report",
    "Result",
    "Rlimit",
    "RootError",
    "Seccomp",
    "SecureExecError",
    "TimeoutExpired",
    "Tmpfs",
    "TooBigError",
    "UnsupportedError",
    "Usage",
    "WrongProcessError",
    "__version__",
    "aio",
    "explain",
    "probe",
    "run",
]


def __getattr__(name: str) -> object:
    """`contain.aio` is imported where it is asked for: asyncio takes longer than a container."""
    if name == "aio":
        import contain.aio

        return contain.aio
    raise AttributeError(f"module 'contain' has no attribute {name!r}")
