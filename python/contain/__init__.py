# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hardened Linux containers: `run` runs a command in one as subprocess.run does on the host.

Nothing is needed beside this package: no image (without `root` the host's own system is
used, read-only), no daemon, no root. A handle may be used from any thread, but only in the
process that made it.
"""

from typing import TYPE_CHECKING

from contain._config import Bind, Config, Console, NewFile, Overlay, Rlimit, Tmpfs, Veth, explain
from contain._container import Container, Process
from contain._errors import (
    BusyError,
    CalledProcessError,
    CommandNotExecutableError,
    CommandNotFoundError,
    ContainError,
    ExistsError,
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
from contain._events import Event, EventKind, Events
from contain._native import VERSION as __version__
from contain._probe import Finding, Report, probe
from contain._result import CompletedProcess, EndedBy, Result, Usage
from contain._run import run
from contain._runtime import Listed, State, Status, delete
from contain._runtime import listed as list
from contain._seccomp import Decision, Seccomp, SeccompCondition, SeccompRule
from contain._stdio import DEVNULL, PIPE, STDOUT

if TYPE_CHECKING:
    from contain import aio

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "Bind",
    "BusyError",
    "CalledProcessError",
    "CommandNotExecutableError",
    "CommandNotFoundError",
    "CompletedProcess",
    "Config",
    "Console",
    "ContainError",
    "Container",
    "Decision",
    "EndedBy",
    "Event",
    "EventKind",
    "Events",
    "ExistsError",
    "Finding",
    "GoneError",
    "IdMapError",
    "InternalError",
    "InvalidError",
    "Listed",
    "NewFile",
    "Overlay",
    "Process",
    "Report",
    "Result",
    "Rlimit",
    "RootError",
    "Seccomp",
    "SeccompCondition",
    "SeccompRule",
    "SecureExecError",
    "State",
    "Status",
    "TimeoutExpired",
    "Tmpfs",
    "TooBigError",
    "UnsupportedError",
    "Usage",
    "Veth",
    "WrongProcessError",
    "__version__",
    "aio",
    "delete",
    "explain",
    "list",
    "probe",
    "run",
]


def __getattr__(name: str) -> object:
    """`contain.aio` is imported where it is asked for: asyncio takes longer than a container."""
    if name == "aio":
        import contain.aio

        return contain.aio
    raise AttributeError(f"module 'contain' has no attribute {name!r}")
