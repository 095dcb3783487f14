# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a container is to be. Values are checked when a container is made of them, or explained."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from contain import _native
from contain._errors import InvalidError

Text: TypeAlias = str | bytes
Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Environment: TypeAlias = Mapping[str, Path] | Mapping[bytes, Path]

DEFAULT_ENVIRONMENT = {
    "container": "contain",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """A container's configuration. Paths and texts may be bytes, for what is not UTF-8."""

    argv: Sequence[Path]
    """The command and its arguments; without a slash, the command is looked up on the container's PATH."""
    root: Path | None = None
    """The directory that becomes the root; None for the host's own system, read-only, with a private /tmp and home."""
    env: Environment | None = None
    """The whole environment; None for container=contain, the usual PATH, and HOME=/root."""
    cwd: Path | None = None
    """The working directory inside; None for `/`."""
    hostname: Text | None = None
    """The host name inside, 1 to 64 bytes; None for the host's."""
    network: Literal["private", "host"] = "private"
    """"private": a network of its own with loopback up; "host": the caller's, without privilege over it."""
    uid_map: str | None = None
    """User ids inside and outside, START:LOWER:COUNT[,...]; None for the defaults."""
    gid_map: str | None = None
    """Group ids, likewise."""
    seccomp: Literal["system", "app", "none"] = "app"
    """The filter on system calls."""
    no_new_privs: bool = True
    """Whether set-uid programs and file capabilities are without effect inside."""
    init: bool = True
    """A small PID 1 that reaps; False makes the command PID 1, which the kernel treats differently."""
    lifetime: Literal["bound", "detached"] = "bound"
    """Whether the container dies with this process ("bound") or lives on ("detached")."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "argv", tuple(words(self.argv)))
        if self.env is not None:
            object.__setattr__(self, "env", dict(self.env))


@dataclasses.dataclass(frozen=True)
class Settings:
    """A configuration as the extension module reads it."""

    argv: list[bytes]
    root: bytes | None
    env: list[bytes] | None
    cwd: bytes | None
    hostname: bytes | None
    network: str
    uid_map: str | None
    gid_map: str | None
    seccomp: str
    no_new_privs: bool
    init: bool
    lifetime: str
    owned: bool
    """Whether the container dies with its handle."""


def settings(config: Config, *, owned: bool = False) -> Settings:
    """A configuration with paths and texts as bytes."""
    return Settings(
        argv=encoded(config.argv),
        root=None if config.root is None else os.fsencode(config.root),
        env=None if config.env is None else assignments(config.env),
        cwd=None if config.cwd is None else os.fsencode(config.cwd),
        hostname=None if config.hostname is None else os.fsencode(config.hostname),
        network=config.network,
        uid_map=config.uid_map,
        gid_map=config.gid_map,
        seccomp=config.seccomp,
        no_new_privs=config.no_new_privs,
        init=config.init,
        lifetime=config.lifetime,
        owned=owned,
    )


def words(argv: Sequence[Path]) -> Sequence[Path]:
    """A command; a lone string, which is a sequence too, is a mistake."""
    if isinstance(argv, (str, bytes, os.PathLike)):
        raise TypeError("argv is a sequence of strings: for a shell's line use ['sh', '-c', line]")
    return argv


def encoded(argv: Sequence[Path]) -> list[bytes]:
    """A command as the system takes it."""
    return [os.fsencode(word) for word in words(argv)]


def assignments(env: Environment) -> list[bytes]:
    """An environment as the system takes it."""
    pairs = [(os.fsencode(name), os.fsencode(value)) for name, value in env.items()]
    for name, _ in pairs:
        if not name or b"=" in name:
            raise InvalidError(
                None,
                f"env {os.fsdecode(name)!r}: a variable's name is not empty and has no =",
                stage="config",
                object=os.fsdecode(name),
                cause="a variable's name is not empty and has no =",
            )
    return [name + b"=" + value for name, value in pairs]


def explain(config: Config, *, format: Literal["text", "json"] = "text") -> str:
    """What a container of this configuration would do, step by step; nothing is done.

    Errors name a step by the number that it has here. As JSON it is an object with `version`
    and `steps`, each with number, doer, name, object, note and optional.
    """
    return _native.explain(settings(config), format)
