# SPDX-License-Identifier: MIT OR Apache-2.0
"""Containers with a name, whose state is on disk: any process of the same user finds them there."""

import dataclasses
import datetime
import enum
import os

from contain import _native, _result
from contain._config import Path, text
from contain._errors import ContainError
from contain._result import Ending, Result

Parts = tuple[str, str, int | None, int | None, float, bytes, Ending | None]
"""As the extension module says it: name, state, supervisor, PID 1, seconds since the epoch, root, how it ended."""


class State(enum.StrEnum):
    """What a container is doing."""

    CREATED = "created"
    """All is done but the command's exec; `start` was not given."""
    RUNNING = "running"
    """The command has been executed and has not ended."""
    PAUSED = "paused"
    """Its cgroup is frozen."""
    STOPPED = "stopped"
    """It has ended."""


@dataclasses.dataclass(frozen=True)
class Status:
    """What is known of a container with a name."""

    name: str
    state: State
    pid: int | None
    """Process id of the supervisor; None once that has ended."""
    init_pid: int | None
    """Process id of PID 1, as this process sees it; None once the container is stopped."""
    created: datetime.datetime
    """When it was created, in UTC."""
    root: str | None
    """The directory that is its root; None for the host's own system."""
    result: Result | None
    """How it ended, once it is stopped."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """An entry among the containers with a name."""

    name: str
    status: Status | None
    """None where it cannot be told: what a crash has left, or what belongs to somebody else."""
    error: ContainError | None
    """Why it cannot be told; `delete` with force removes what a crash has left."""


def status_of(parts: Parts) -> Status:
    """What the extension module tells."""
    name, state, pid, init_pid, created, root, ending = parts
    return Status(
        name,
        State(state),
        pid,
        init_pid,
        datetime.datetime.fromtimestamp(created, datetime.UTC),
        None if root == b"--host" else os.fsdecode(root),
        None if ending is None else _result.from_native(ending),
    )


def place(name: str, runtime: Path | None) -> tuple[str, bytes | None]:
    """Where a container is, as the extension module reads it."""
    if not isinstance(name, str):
        raise TypeError(f"name is {name!r}: it is str")
    return name, text("runtime", runtime)


def listed(*, runtime: Path | None = None) -> list[Listed]:
    """Every container of this user with a name, by name.

    `runtime` is the directory with their state; None for /run/contain, of an ordinary user
    $XDG_RUNTIME_DIR/contain. Where it does not exist there are none.
    """
    found = _native.list_containers(text("runtime", runtime))
    return [Listed(name, None if parts is None else status_of(parts), error) for name, parts, error in found]


def delete(name: str, *, force: bool = False, runtime: Path | None = None) -> None:
    """Removes a container that has ended from disk; BusyError where it has not.

    With `force` it is killed first, what a crash has left is cleaned up, and one that does not
    exist is no error; without, that is a GoneError.
    """
    _native.delete_container(place(name, runtime), force)
