# SPDX-License-Identifier: MIT OR Apache-2.0
"""Hardened Linux containers: `run` runs a command in one as subprocess.run does on the host.

Nothing is needed beside this package: no image (without `root` the host's own system is
used, read-only), no daemon, no root. A handle may be used from any thread, but only in the
process that made it.
"""

from contain._config import Config, explain
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
from contain._result import CompletedProcess, EndedBy, Result, Usage
from contain._run import run
from contain._stdio import DEVNULL, PIPE, STDOUT

__all__ = [
    "DEVNULL",
    "PIPE",
    "STDOUT",
    "CalledProcessError",
    "CommandNotExecutableError",
    "CommandNotFoundError",
    "CompletedProcess",
    "Config",
    "ContainError",
    "Container",
    "EndedBy",
    "GoneError",
    "IdMapError",
    "InternalError",
    "InvalidError",
    "Process",
    "Result",
    "RootError",
    "SecureExecError",
    "TimeoutExpired",
    "TooBigError",
    "UnsupportedError",
    "Usage",
    "WrongProcessError",
    "__version__",
    "explain",
    "run",
]
