# SPDX-License-Identifier: MIT OR Apache-2.0
"""Checks of arguments: what is wrong is told by its field, its value, and what is allowed."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from contain._errors import invalid

MAX_TIMEOUT = 10**9
"""Seconds."""


def wrong(field: str, value: object, allowed: str) -> TypeError:
    """The error of a value of another type."""
    return TypeError(f"{field} is {value!r}: it is {allowed}")


def flag(field: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(field, value, "True or False")
    return value


def whole(field: str, value: Any, least: int, most: int, unit: str) -> int:
    """A whole number of these."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise wrong(field, value, f"a number of {unit}")
    if not least <= value <= most:
        raise invalid(field, value, f"it is a number of {unit} from {least} to {most}")
    return value


def word(field: str, value: Any) -> str:
    """A str."""
    if not isinstance(value, str):
        raise wrong(field, value, "str")
    return value


def one_of(field: str, value: Any, allowed: tuple[str, ...]) -> str:
    """One of these words."""
    if word(field, value) not in allowed:
        raise invalid(field, value, f"it is one of {', '.join(allowed)}")
    return str(value)


def several(field: str, values: Any, of: str) -> tuple[Any, ...]:
    """A sequence; a lone string, which is one too, is a mistake."""
    if isinstance(values, (str, bytes, os.PathLike, Mapping)) or not isinstance(values, Iterable):
        raise wrong(field, values, f"a sequence of {of}")
    return tuple(values)


def mapping(field: str, values: Any, of: str) -> dict[Any, Any]:
    """A mapping."""
    if not isinstance(values, Mapping):
        raise wrong(field, values, f"a mapping of {of}")
    return dict(values)


def data(field: str, value: Any) -> bytes:
    """Bytes, copied."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise wrong(field, value, "bytes, bytearray or memoryview")
    return bytes(value)


def account(field: str, value: Any) -> str:
    """An id, or a name."""
    if not isinstance(value, (int, str)) or isinstance(value, bool):
        raise wrong(field, value, "an id or a name")
    return str(value)


def seconds(timeout: Any, field: str = "timeout") -> float | None:
    """A timeout that is one; anything else is an error."""
    if timeout is None:
        return None
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool):
        raise wrong(field, timeout, "a number of seconds, or None")
    if not 0 <= timeout <= MAX_TIMEOUT:
        raise invalid(field, timeout, f"it is a number of seconds from 0 to {MAX_TIMEOUT}, or None for no limit")
    return float(timeout)


def deadline(timeout: Any) -> float | None:
    """A timeout that something is given to run in: some time, then."""
    checked = seconds(timeout)
    if checked == 0:
        raise invalid("timeout", timeout, f"it is a number of seconds above 0, at most {MAX_TIMEOUT}, or None")
    return checked
