# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a container is to be. Values are checked when a container is made of them, or explained."""

import dataclasses
import os
import resource as resources
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from contain import _native
from contain._errors import invalid
from contain._seccomp import Seccomp

Text: TypeAlias = str | bytes
Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Environment: TypeAlias = Mapping[str, Path] | Mapping[bytes, Path]

DEFAULT_ENVIRONMENT = {
    "container": "contain",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rlimit:
    """A limit on what one process of the command may use (getrlimit(2)); -1 is no limit."""

    resource: int
    """One of the module resource's: RLIMIT_CPU in seconds, RLIMIT_FSIZE and RLIMIT_AS in bytes, and so on."""
    soft: int
    """What the kernel enforces; at most `hard`."""
    hard: int | None = None
    """How high the command itself may set it; None for the same as `soft`. At most the caller's own, unless root's."""


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
    seccomp: Literal["system", "app", "none"] | Seccomp = "app"
    """The filter on system calls."""
    no_new_privs: bool = True
    """Whether set-uid programs and file capabilities are without effect inside."""
    rlimits: Sequence[Rlimit] = ()
    """Resource limits of the command; the others are the caller's."""
    init: bool = True
    """A small PID 1 that reaps; False makes the command PID 1, which the kernel treats differently."""
    lifetime: Literal["bound", "detached"] = "bound"
    """Whether the container dies with this process ("bound") or lives on ("detached")."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "argv", tuple(words(self.argv)))
        object.__setattr__(self, "rlimits", tuple(self.rlimits))
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
    rlimits: list[tuple[int, int, int]]
    init: bool
    lifetime: str
    owned: bool
    """Whether the container dies with its handle."""


def settings(config: Config, *, owned: bool = False) -> Settings:
    """A configuration with paths and texts as bytes."""
    return Settings(
        argv=encoded(config.argv),
        root=text("root", config.root),
        env=None if config.env is None else assignments(config.env),
        cwd=text("cwd", config.cwd),
        hostname=text("hostname", config.hostname),
        network=config.network,
        uid_map=config.uid_map,
        gid_map=config.gid_map,
        seccomp=profile(config.seccomp),
        no_new_privs=config.no_new_privs,
        rlimits=[limit(entry) for entry in config.rlimits],
        init=config.init,
        lifetime=config.lifetime,
        owned=owned,
    )


def words(argv: Sequence[Path]) -> Sequence[Path]:
    """A command; a lone string, which is a sequence too, is a mistake."""
    if isinstance(argv, (str, bytes, os.PathLike)):
        raise TypeError("argv is a sequence of strings: for a shell's line use ['sh', '-c', line]")
    return argv


def text(field: str, value: Path | None) -> bytes | None:
    """A path or text as the system takes it."""
    return None if value is None else required(field, value)


def required(field: str, value: Path) -> bytes:
    """The same, for what has to be there."""
    try:
        return os.fsencode(value)
    except TypeError:
        raise TypeError(f"{field} is {value!r}: it is str, bytes or os.PathLike") from None


def encoded(argv: Sequence[Path]) -> list[bytes]:
    """A command as the system takes it."""
    return [required(f"argv[{number}]", word) for number, word in enumerate(words(argv))]


def assignments(env: Environment) -> list[bytes]:
    """An environment as the system takes it."""
    pairs = [(required("env", name), required(f"env[{name!r}]", value)) for name, value in env.items()]
    for name, _ in pairs:
        if not name or b"=" in name:
            raise invalid("env", os.fsdecode(name), "a variable's name is not empty and has no =")
    return [name + b"=" + value for name, value in pairs]


def profile(seccomp: Literal["system", "app", "none"] | Seccomp) -> str:
    """The name of a seccomp profile."""
    return seccomp.profile if isinstance(seccomp, Seccomp) else seccomp


def limit(entry: Rlimit) -> tuple[int, int, int]:
    """A resource limit as the kernel takes it."""

    def number(value: int) -> int:
        if value == resources.RLIM_INFINITY:
            return 2**64 - 1
        if not 0 <= value < 2**63:
            raise invalid("rlimits", entry, "a limit is a number from 0 to 2**63 - 1, or -1 for none")
        return value

    return entry.resource, number(entry.soft), number(entry.soft if entry.hard is None else entry.hard)


def explain(config: Config, *, format: Literal["text", "json"] = "text") -> str:
    """What a container of this configuration would do, step by step; nothing is done.

    Errors name a step by the number that it has here. As JSON it is an object with `version`
    and `steps`, each with number, doer, name, object, note and optional.
    """
    return _native.explain(settings(config), format)
