# SPDX-License-Identifier: MIT OR Apache-2.0
"""Exceptions: what failed, with which errno, at which step, why that is likely, and what to do about it."""

import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contain._result import CompletedProcess


class ContainError(OSError):
    """A container could not be made, reached or asked.

    `str` gives one line: the step's number where one failed, what was being done to what, the
    errno, what the kernel said, the likely cause. A traceback shows the remedy below it.
    """

    stage: str | None
    """Where it failed, in dotted words that stay the same ("rootfs.mount")."""
    step: int | None
    """The number of the plan's step that failed, as `contain.explain` shows it; None where none did."""
    object: str | None
    """What the failed operation was done to: a path, an option, an id."""
    kernel_message: str | None
    """The kernel's own words, where it had any beside the errno."""
    cause: str | None
    """Why it failed, as far as that is known."""
    remedy: str | None
    """What to do about it, where something can be done."""
    in_container: bool
    """Whether it arose in the container's own processes."""
    status: int | None
    """The wait status of a helper program that failed."""

    def __init__(
        self,
        errno: int | None = None,
        message: str = "",
        *,
        stage: str | None = None,
        step: int | None = None,
        object: str | None = None,
        kernel_message: str | None = None,
        cause: str | None = None,
        remedy: str | None = None,
        in_container: bool = False,
        status: int | None = None,
    ) -> None:
        super().__init__(errno, message)
        self.stage = stage
        self.step = step
        self.object = object
        self.kernel_message = kernel_message
        self.cause = cause
        self.remedy = remedy
        self.in_container = in_container
        self.status = status

    def __str__(self) -> str:
        return str(self.strerror)


class InvalidError(ContainError, ValueError):
    """A value of the configuration is not allowed; nothing was done."""


class RootError(ContainError):
    """The root file system cannot be used as given."""


class IdMapError(ContainError):
    """User or group ids cannot be mapped as asked."""


class CommandNotFoundError(ContainError, FileNotFoundError):
    """The command does not exist in the container."""


class CommandNotExecutableError(ContainError, PermissionError):
    """The command exists in the container and cannot be executed."""


class GoneError(ContainError, ProcessLookupError):
    """The container or the process has ended, or is not there any more."""


class ExistsError(ContainError, FileExistsError):
    """There is a container of this name already."""


class BusyError(ContainError):
    """The container is in a state in which that cannot be done: not ended, not started, paused; or held by another."""


class SecureExecError(ContainError, PermissionError):
    """This process gained ids or capabilities when it was executed, and must not make containers."""


class UnsupportedError(ContainError):
    """This machine cannot do it: an old kernel, a missing feature, a limit."""


class TooBigError(ContainError):
    """More arguments or environment than a container can be given."""


class WrongProcessError(ContainError, RuntimeError):
    """A handle was used in a process that did not make it, after os.fork()."""


class InternalError(ContainError):
    """A defect in contain itself."""


class TimeoutExpired(subprocess.TimeoutExpired, TimeoutError):
    """Time was up.

    From `run`, the whole container has been killed, and `result` says what there was until then.
    From `wait` and `communicate` nothing has been killed, and `result` is None.
    """

    result: "CompletedProcess | None"

    def __init__(
        self,
        cmd: Any,
        timeout: float,
        output: Any = None,
        stderr: Any = None,
        result: "CompletedProcess | None" = None,
    ) -> None:
        super().__init__(cmd, timeout, output, stderr)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.cmd, self.timeout, self.output, self.stderr, self.result)


class CalledProcessError(subprocess.CalledProcessError):
    """The command of a `run` with `check=True` ended with another status than 0."""

    result: "CompletedProcess"

    def __init__(self, result: "CompletedProcess") -> None:
        super().__init__(result.returncode, result.args, result.stdout, result.stderr)
        self.result = result

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.result,)


def invalid(field: str, value: object, allowed: str) -> InvalidError:
    """The error of a value that is not allowed: which, where, and what is."""
    return InvalidError(None, f"{field} {value!r}: {allowed}", stage="config", object=repr(value), cause=allowed)


_CLASSES: dict[int, type[ContainError]] = {
    1: InvalidError,
    3: RootError,
    4: IdMapError,
    5: CommandNotFoundError,
    6: CommandNotExecutableError,
    8: GoneError,
    9: SecureExecError,
    10: UnsupportedError,
    11: TooBigError,
    12: WrongProcessError,
    13: InternalError,
    14: ExistsError,
    15: BusyError,
}
"""By the kind's number in the runtime; the others are ContainError itself."""


def from_native(
    kind: int,
    message: str,
    errno: int | None,
    stage: str,
    step: int | None,
    object: str,
    kernel_message: str | None,
    cause: str | None,
    remedy: str | None,
    in_container: bool,
    status: int | None,
) -> ContainError:
    """The exception of one of the runtime's errors; the extension module calls this."""
    error = _CLASSES.get(kind, ContainError)(
        errno,
        message,
        stage=stage,
        step=step,
        object=object,
        kernel_message=kernel_message,
        cause=cause,
        remedy=remedy,
        in_container=in_container,
        status=status,
    )
    if remedy is not None:
        error.add_note(f"hint: {remedy}")
    return error
