# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a container is to be. Values are checked when a container is made of them, or explained."""

import dataclasses
import ipaddress
import os
import resource as resources
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from contain import _native
from contain._check import account, data, deadline, flag, mapping, one_of, several, whole, word, wrong
from contain._errors import invalid
from contain._seccomp import Seccomp, spelled
from contain._stdio import HasFileno, descriptor

Text: TypeAlias = str | bytes
Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]
Data: TypeAlias = bytes | bytearray | memoryview
Address: TypeAlias = str | ipaddress.IPv4Address | ipaddress.IPv6Address
Interface: TypeAlias = str | ipaddress.IPv4Interface | ipaddress.IPv6Interface
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
    """How high the command itself may set it; None for the same as `soft`. At most the caller's own."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewFile:
    """A file that a container has from its start; container root's."""

    contents: Data
    """What it holds."""
    mode: int = 0o644
    """Its permissions."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bind:
    """A file or directory of the host that is seen inside, with all that is mounted below it."""

    source: Path
    """On the host, looked up with this process's rights."""
    target: Path
    """Inside, absolute; what is missing is made, in the directory that is the root too."""
    read_only: bool = False
    """Whether nothing can be written through it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tmpfs:
    """An empty file system in memory, the container's own."""

    target: Path
    """Inside, absolute, as of a `Bind`."""
    size: int | None = None
    """How many bytes it can hold; None for half of the machine's memory."""
    mode: int = 0o755
    """Permissions of its root directory."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Overlay:
    """A throw-away layer over the root: what is written there is in memory, and gone at the end."""

    size: int | None = None
    """How many bytes can be written; None for half of the machine's memory."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Veth:
    """A network of the container's own with a pair of connected interfaces, one of them in this process's network.

    It takes CAP_NET_ADMIN over this process's network. Both are gone when the container's network is.
    """

    host: str = "veth%d"
    """This side's interface, 1 to 15 bytes; the kernel puts the first free number in the place of `%d`."""
    name: str = "eth0"
    """The container's."""
    bridge: str | None = None
    """A bridge of this process's network that `host` becomes part of."""
    address: Interface | None = None
    """The address of `name` with the length of its network's prefix: "10.0.0.2/24"."""
    gateway: Address | None = None
    """Where the default route leads; of the same family as the address."""
    mtu: int | None = None
    """The largest packet in bytes, 68 to 65535; None for the kernel's 1500."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Console:
    """A terminal of the container's own, whose other end `take_console` gives."""

    rows: int = 24
    """Its height in characters, 0 to 65535; later termios.tcsetwinsize sets it."""
    columns: int = 80
    """Its width; with 0 rows and 0 columns the size is not known."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """A container's configuration. Paths and texts may be bytes, for what is not UTF-8."""

    argv: Sequence[Path]
    """The command and its arguments; without a slash, the command is looked up on the container's PATH."""
    root: Path | None = None
    """The directory that becomes the root; None for the host's own system, read-only, with a private /tmp and home."""
    mounts: Sequence[Bind | Tmpfs] = ()
    """What is mounted beside what every container has, in this order."""
    read_only: bool = False
    """Whether nothing can be written to the root and what is mounted below it; /dev and `mounts` stay as they are."""
    overlay: bool | Overlay = False
    """A throw-away layer over the root, which itself stays as it is."""
    env: Environment | None = None
    """The whole environment; None for container=contain, the usual PATH, and HOME=/root."""
    cwd: Path | None = None
    """The working directory inside; None for `/`."""
    user: int | str | None = None
    """Who the command runs as: an id inside, or USER or USER:GROUP by number or by the container's names; None for
    root. HOME is that user's, where `env` is None."""
    hostname: Text | None = None
    """The host name inside, 1 to 64 bytes; None for the host's."""
    network: Literal["private", "host"] | Veth = "private"
    """"private": a network of its own with loopback up; "host": the caller's, without privilege over it; `Veth`: one
    of its own that is connected to the caller's."""
    uid_map: str | None = None
    """User ids inside and outside, START:LOWER:COUNT[,...]; None for the defaults."""
    gid_map: str | None = None
    """Group ids, likewise."""
    seccomp: Literal["system", "app", "none"] | Seccomp = "app"
    """The filter on system calls."""
    capabilities: Sequence[str] | None = None
    """What root inside may do, by the names of capabilities(7), with or without CAP_; None for what goes with the
    filter: the engines' fourteen with "app" and one's own, else all. Over the container's own user namespace alone."""
    no_new_privs: bool = True
    """Whether set-uid programs and file capabilities are without effect inside."""
    rlimits: Sequence[Rlimit] = ()
    """Resource limits of the command; the others are the caller's."""
    files: Mapping[Path, Data | NewFile] = dataclasses.field(default_factory=dict)
    """Files that are made before the command starts, by absolute path; 256 MiB at most. They go into file systems of
    the container's own: without `root`, all but what is the host's; with it, /dev/shm, and a `Tmpfs`."""
    pass_fds: Sequence[int | HasFileno] = ()
    """Descriptors from 3 to 1026 that the command keeps, under their own numbers."""
    inside: Text | None = None
    """A line for /bin/sh, run with the root as working directory before that becomes `/`: in the container's namespaces
    but the PID namespace, with the host's files. A status other than 0 is an error."""
    outside: Text | None = None
    """A line for /bin/sh on the host, run when the namespaces are there, and before `inside`."""
    timeout: float | None = None
    """Seconds from the command's exec after which all that runs inside is killed, by the supervisor; None for never."""
    console: Console | None = None
    """A terminal as the command's stdin, stdout and stderr, those of them that are not led elsewhere, and as its
    controlling terminal, in a session of its own; None for none."""
    init: bool = True
    """A small PID 1 that reaps; False makes the command PID 1, which the kernel treats differently."""
    lifetime: Literal["bound", "detached"] = "bound"
    """Whether the container dies with this process ("bound") or lives on ("detached")."""

    def __post_init__(self) -> None:
        # Copies: what is checked and what is made are the same, whatever becomes of what was given.
        copies: dict[str, object] = {
            "argv": tuple(words(self.argv)),
            "rlimits": several("rlimits", self.rlimits, "Rlimit"),
            "files": mapping("files", self.files, "paths to bytes or NewFile"),
            "mounts": several("mounts", self.mounts, "Bind and Tmpfs"),
            "pass_fds": several("pass_fds", self.pass_fds, "descriptors"),
        }
        if self.capabilities is not None:
            copies["capabilities"] = several("capabilities", self.capabilities, "names")
        if self.env is not None:
            copies["env"] = mapping("env", self.env, "names to values")
        for name, value in copies.items():
            object.__setattr__(self, name, value)


@dataclasses.dataclass(frozen=True)
class Settings:
    """A configuration as the extension module reads it."""

    argv: list[bytes]
    root: bytes | None
    mounts: list[tuple[bytes | None, bytes, bool, int | None, int]]
    """Source, where there is one, target, whether it is read-only; of a tmpfs its size and permissions."""
    read_only: bool
    overlay: tuple[bool, int | None]
    env: list[bytes] | None
    cwd: bytes | None
    user: str | None
    hostname: bytes | None
    network: str
    veth: tuple[str, str, str | None, str | None, str | None, int | None] | None
    uid_map: str | None
    gid_map: str | None
    seccomp: str
    capabilities: list[str] | None
    no_new_privs: bool
    rlimits: list[tuple[int, int, int]]
    files: list[tuple[bytes, bytes, int]]
    pass_fds: list[int]
    inside: bytes | None
    outside: bytes | None
    timeout: float | None
    console: tuple[int, int] | None
    """Rows and columns."""
    init: bool
    lifetime: str
    owned: bool
    """Whether the container dies with its handle."""


@dataclasses.dataclass(frozen=True)
class Command:
    """An injected command as the extension module reads it."""

    argv: list[bytes]
    env: list[bytes]
    user: str | None
    groups: list[str] | None
    cwd: bytes | None
    seccomp: str | None
    capabilities: list[str] | None
    no_new_privs: bool
    rlimits: list[tuple[int, int, int]]
    pass_fds: list[int]
    timeout: float | None
    console: tuple[int, int] | None


def settings(config: Config, *, owned: bool = False) -> Settings:
    """A configuration with paths and texts as bytes."""
    return Settings(
        argv=encoded(config.argv),
        root=text("root", config.root),
        mounts=[mount(entry) for entry in config.mounts],
        read_only=flag("read_only", config.read_only),
        overlay=layer(config.overlay),
        env=None if config.env is None else assignments(config.env),
        cwd=text("cwd", config.cwd),
        user=None if config.user is None else account("user", config.user),
        hostname=text("hostname", config.hostname),
        network=named("network", config.network, Veth, '"private", "host" or a Veth') or "private",
        veth=pair(config.network) if isinstance(config.network, Veth) else None,
        uid_map=None if config.uid_map is None else word("uid_map", config.uid_map),
        gid_map=None if config.gid_map is None else word("gid_map", config.gid_map),
        seccomp=profile(config.seccomp),
        capabilities=None if config.capabilities is None else listed("capabilities", config.capabilities),
        no_new_privs=flag("no_new_privs", config.no_new_privs),
        rlimits=[limit(entry) for entry in config.rlimits],
        files=[new_file(path, file) for path, file in config.files.items()],
        pass_fds=descriptors(config.pass_fds),
        inside=text("inside", config.inside),
        outside=text("outside", config.outside),
        timeout=deadline(config.timeout),
        console=window(config.console),
        init=flag("init", config.init),
        lifetime=one_of("lifetime", config.lifetime, ("bound", "detached")),
        owned=owned,
    )


def command(
    argv: Sequence[Path],
    *,
    env: Environment | None,
    cwd: Path | None,
    user: int | str | None,
    groups: Sequence[int | str] | None,
    seccomp: Literal["system", "app", "none"] | Seccomp | None,
    capabilities: Sequence[str] | None,
    no_new_privs: bool,
    rlimits: Sequence[Rlimit],
    pass_fds: Sequence[int | HasFileno],
    timeout: float | None,
    console: Console | None,
) -> Command:
    """The arguments of `Container.inject` with paths and texts as bytes."""
    if env is None:
        # A user's own home, then, from the container's passwd.
        env = {name: value for name, value in DEFAULT_ENVIRONMENT.items() if user is None or name != "HOME"}
    return Command(
        argv=encoded(argv),
        env=assignments(env),
        user=None if user is None else account("user", user),
        groups=group_list(groups),
        cwd=text("cwd", cwd),
        seccomp=None if seccomp is None else profile(seccomp),
        capabilities=None if capabilities is None else listed("capabilities", capabilities),
        no_new_privs=flag("no_new_privs", no_new_privs),
        rlimits=[limit(entry) for entry in several("rlimits", rlimits, "Rlimit")],
        pass_fds=descriptors(pass_fds),
        timeout=deadline(timeout),
        console=window(console),
    )


def words(argv: Sequence[Path]) -> Sequence[Path]:
    """A command; a lone string, which is a sequence too, is a mistake."""
    if isinstance(argv, (str, bytes, os.PathLike)):
        raise TypeError(f"argv is {argv!r}: it is a sequence of strings; for a shell's line ['sh', '-c', line]")
    return several("argv", argv, "strings")


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


def window(console: Console | None) -> tuple[int, int] | None:
    """Rows and columns of a console."""
    if console is None:
        return None
    if not isinstance(console, Console):
        raise wrong("console", console, "a Console, or None")
    for field, value in (("rows", console.rows), ("columns", console.columns)):
        whole(field, value, 0, 65535, "characters")
    return console.rows, console.columns


def listed(field: str, values: Sequence[str]) -> list[str]:
    """Several names."""
    return [word(f"{field}[{number}]", value) for number, value in enumerate(several(field, values, "names"))]


def group_list(groups: Sequence[int | str] | None) -> list[str] | None:
    """Groups by id or name, as text."""
    if groups is None:
        return None
    entries = several("groups", groups, "ids and names")
    return [account(f"groups[{number}]", group) for number, group in enumerate(entries)]


def mount(entry: Bind | Tmpfs) -> tuple[bytes | None, bytes, bool, int | None, int]:
    """A mount as the extension module reads it."""
    if isinstance(entry, Bind):
        source, target = required("source", entry.source), required("target", entry.target)
        return source, target, flag("read_only", entry.read_only), None, 0
    if isinstance(entry, Tmpfs):
        return None, required("target", entry.target), False, size(entry.size), permissions(entry.mode)
    raise wrong("mounts", entry, "a sequence of Bind and Tmpfs")


def size(value: int | None) -> int | None:
    """How much a file system can hold."""
    return None if value is None else whole("size", value, 0, 2**63 - 1, "bytes")


def permissions(value: int) -> int:
    """Those of a file."""
    return whole("mode", value, 0, 0o7777, "permission bits")


def layer(overlay: bool | Overlay) -> tuple[bool, int | None]:
    """Whether there is a layer over the root, and how large that can grow."""
    if isinstance(overlay, Overlay):
        return True, size(overlay.size)
    if not isinstance(overlay, bool):
        raise wrong("overlay", overlay, "True, False, or an Overlay")
    return overlay, None


def pair(veth: Veth) -> tuple[str, str, str | None, str | None, str | None, int | None]:
    """A pair of interfaces as the extension module reads it."""
    return (
        word("host", veth.host),
        word("name", veth.name),
        None if veth.bridge is None else word("bridge", veth.bridge),
        None if veth.address is None else str(veth.address),
        None if veth.gateway is None else str(veth.gateway),
        None if veth.mtu is None else whole("mtu", veth.mtu, 68, 65535, "bytes"),
    )


def new_file(path: Path, file: Data | NewFile) -> tuple[bytes, bytes, int]:
    """A file's path, what it holds, and its permissions."""
    if not isinstance(file, NewFile):
        file = NewFile(contents=file)
    return required("files", path), data(f"files[{path!r}]", file.contents), permissions(file.mode)


def descriptors(files: Sequence[int | HasFileno]) -> list[int]:
    """Numbers of descriptors that a command keeps."""
    kept = [descriptor("pass_fds", file) for file in several("pass_fds", files, "descriptors")]
    for number in kept:
        if not 3 <= number <= 1026:
            raise invalid("pass_fds", number, "a descriptor's number from 3 to 1026")
    return kept


def assignments(env: Environment) -> list[bytes]:
    """An environment as the system takes it."""
    given = mapping("env", env, "names to values")
    pairs = [(required("env", name), required(f"env[{name!r}]", value)) for name, value in given.items()]
    for name, _ in pairs:
        if not name or b"=" in name:
            raise invalid("env", os.fsdecode(name), "a variable's name is not empty and has no =")
    return [name + b"=" + value for name, value in pairs]


def named(field: str, value: object, other: type, allowed: str) -> str | None:
    """What a name stands for, as that; None for what stands for itself."""
    if not isinstance(value, (str, other)):
        raise wrong(field, value, allowed)
    return value if isinstance(value, str) else None


def profile(seccomp: Literal["system", "app", "none"] | Seccomp) -> str:
    """The name of a seccomp profile."""
    name = named("seccomp", seccomp, Seccomp, '"system", "app", "none" or a Seccomp')
    return spelled(seccomp) if isinstance(seccomp, Seccomp) else name or ""


def limit(entry: Rlimit) -> tuple[int, int, int]:
    """A resource limit as the kernel takes it."""

    def number(value: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong("rlimits", entry, "an Rlimit of numbers")
        if value == resources.RLIM_INFINITY:
            return 2**64 - 1
        if not 0 <= value < 2**63:
            raise invalid("rlimits", entry, "a limit is a number from 0 to 2**63 - 1, or -1 for none")
        return value

    if not isinstance(entry, Rlimit):
        raise wrong("rlimits", entry, "a sequence of Rlimit")
    return whole("resource", entry.resource, 0, 15, "the module resource"), number(entry.soft), number(entry.soft if entry.hard is None else entry.hard)


def explain(config: Config, *, format: Literal["text", "json"] = "text") -> str:
    """What a container of this configuration would do, step by step; nothing is done.

    Errors name a step by the number that it has here. As JSON it is an object with `version`
    and `steps`, each with number, doer, name, object, note and optional.
    """
    return _native.explain(settings(config), format)
