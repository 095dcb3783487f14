# SPDX-License-Identifier: MIT OR Apache-2.0
"""Handles: a container, and a process injected into one."""

import contextlib
import errno
import os
import signal as signals
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, BinaryIO, Literal, Protocol, Self, TypeVar, overload

from contain import _native, _result
from contain._config import (
    Config,
    Console,
    Data,
    Environment,
    Path,
    Rlimit,
    Settings,
    command,
    required,
)
from contain._config import settings as settings_of
from contain._errors import ContainError, GoneError, InvalidError, TimeoutExpired
from contain._events import Events
from contain._pipes import Exchanged, Limit, Pipes
from contain._result import EndedBy, Result
from contain._runtime import State, Status, place, status_of
from contain._seccomp import Seccomp
from contain._stdio import DEVNULL, PIPE, File, HasFileno, Numbers, Standard, descriptor
from contain._waiting import Clock, Steps, finish, told

T = TypeVar("T")
Made = TypeVar("Made", _native.Container, _native.Process)
Made_co = TypeVar("Made_co", covariant=True)


class _Pending(Protocol[Made_co]):
    """A handle that is being made."""

    def news(self) -> _native.Descriptor: ...
    def finish(self) -> Made_co | None: ...
    def kill(self) -> None: ...


class _Running:
    """What containers and injected processes have in common."""

    args: Sequence[Path]
    """The command and its arguments."""

    def __init__(
        self,
        native: _native.Container | _native.Process,
        args: Sequence[Path],
        standard: Standard,
        limit: Limit | None = None,
        console: Console | None = None,
    ) -> None:
        self._handle = native
        self._pipes = Pipes(standard, limit or Limit())
        self._console = console
        self.args = args

    @property
    def stdin(self) -> BinaryIO | None:
        """Where the command's input is written to, with stdin=PIPE."""
        return self._pipes.stdin

    @property
    def stdout(self) -> BinaryIO | None:
        """Where its output is read from, with stdout=PIPE."""
        return self._pipes.stdout

    @property
    def stderr(self) -> BinaryIO | None:
        """Where its errors are read from, with stderr=PIPE."""
        return self._pipes.stderr

    def take_console(self) -> int:
        """The other end of its `Console`, a pseudo-terminal's master: a descriptor, close-on-exec, the caller's to close.

        What is written to it is typed, with b"\\x03" for ^C; reading it raises OSError with EIO
        when nobody inside has the terminal open. Closing it hangs the command up (SIGHUP), as this
        process's death does, so wait for the end first. It is there once the container is made,
        before `start` too; InvalidError at a second time, without a console, and for a container
        that was opened, whose console is its creator's.
        """
        return self._handle.take_console()

    def _hang_up(self) -> None:
        """Closes a console that nobody has taken."""
        if self._console is not None:
            with contextlib.suppress(InvalidError):
                os.close(self._handle.take_console())

    def fileno(self) -> int:
        """The number of a descriptor that becomes readable at the end; it belongs to this object.

        It is a pidfd, but for a container that had ended before there was a handle.
        """
        return self._handle.fileno()

    def pidfd(self) -> int:
        """A new pidfd, close-on-exec, the caller's to close; GoneError for a container that had ended before."""
        return self._handle.pidfd()

    def kill(self, signal: int = signals.SIGKILL) -> None:
        """Sends a signal; nothing happens where it has ended already."""
        try:
            self._handle.kill(signal)
        except GoneError:
            pass

    def poll(self) -> Result | None:
        """How it ended; None while it runs."""
        ending = self._handle.try_wait()
        return None if ending is None else _result.from_native(ending)

    def wait(self, timeout: float | None = None) -> Result:
        """Waits for the end, at most `timeout` seconds, after which TimeoutExpired is raised and nothing is killed.

        The result can be asked for again. Output that nobody reads from a pipe may keep the
        command from ending: `communicate` reads it.
        """
        return finish(self._waiting(timeout))

    def communicate(
        self, input: Data | None = None, timeout: float | None = None
    ) -> tuple[bytes | None, bytes | None]:
        """Writes input, reads stdout and stderr to their ends, and waits for the end.

        After `timeout` seconds TimeoutExpired is raised, with the output so far, and nothing is
        killed; another call, without input, goes on.
        """
        return finish(self._communicating(input, timeout))

    def _waiting(self, timeout: float | None) -> Steps[Result]:
        result = yield from self._ending(Clock(timeout))
        if result is None:
            raise self._expired(timeout)
        return result

    def _communicating(self, input: Data | None, timeout: float | None) -> Steps[tuple[bytes | None, bytes | None]]:
        clock = Clock(timeout)
        self._handle.try_wait()
        self._pipes.put(input)
        exchanged = yield from self._pipes.exchange(clock, self._silent_at())
        if exchanged is Exchanged.LATE or (yield from self._ending(clock)) is None:
            raise self._expired(timeout)
        return self._pipes.output()

    def _ending(self, clock: Clock) -> Steps[Result | None]:
        """Waits for the end; None when the time is up."""
        return (yield from told(self.poll, self._handle.news, clock))

    def _silent_at(self) -> int | None:
        """A descriptor that is readable once nothing can write to the pipes any more."""
        return None

    def _expired(self, timeout: float | None) -> TimeoutExpired:
        return TimeoutExpired(self._shown(), timeout or 0.0, *self._pipes.output())

    def _shown(self) -> list[Path]:
        """What an error says was waited for."""
        return list(self.args)

    def _leaving(self, error: BaseException | None) -> Steps[None]:
        """The end of a `with` block."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        finish(self._leaving(error))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        from contain import aio

        await aio._finish(self._leaving(error))


class Process(_Running):
    """A process injected into a container; `Container.inject` makes it.

    As a context manager it is waited for at the end of the block, and killed first after an error;
    a console that was not taken is hung up.
    """

    _handle: _native.Process

    @property
    def pid(self) -> int:
        """Its process id, as this process sees it."""
        return self._handle.pid

    def _leaving(self, error: BaseException | None) -> Steps[None]:
        self._pipes.close()
        self._hang_up()
        if error is not None:
            self.kill()
        yield from self._ending(Clock())

    def _through(self, steps: Steps[T]) -> Steps[T]:
        """As in a `with` block."""
        try:
            result = yield from steps
        except BaseException as error:
            yield from self._leaving(error)
            raise
        yield from self._leaving(None)
        return result


class Container(_Running):
    """A container; `create` and `run` make it.

    As a context manager it is killed, with all that runs in it, and deleted at the end of the
    block; one that was opened is left as it is. Without a block it lives until its command ends;
    `Config.lifetime` says what this process's death means.
    """

    _handle: _native.Container
    config: Config | None
    """What it was made of; None for one that was opened, since that is not written anywhere."""
    name: str | None
    """Its name, where it has one."""

    def __init__(
        self,
        native: _native.Container,
        config: Config | None,
        standard: Standard,
        limit: Limit | None = None,
        name: str | None = None,
    ) -> None:
        argv, console = ((), None) if config is None else (config.argv, config.console)
        super().__init__(native, argv, standard, limit, console)
        self.config = config
        self.name = name

    @overload
    @classmethod
    def create(
        cls,
        name: Config,
        config: None = None,
        /,
        *,
        runtime: None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self: ...

    @overload
    @classmethod
    def create(
        cls,
        name: str,
        config: Config,
        /,
        *,
        runtime: Path | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self: ...

    @classmethod
    def create(
        cls,
        name: str | Config,
        config: Config | None = None,
        /,
        *,
        runtime: Path | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self:
        """Makes a container up to the command's exec, where it waits for `start`.

        With a name its state is on disk from when this returns: any process of this user can
        `open` it there and start, inject, signal, wait and delete. Names are made of A-Z a-z 0-9
        _ + . - and have at most 1024 bytes; ExistsError where there is one of this name.
        `runtime` is the directory with the state of containers; None for /run/contain, of an
        ordinary user $XDG_RUNTIME_DIR/contain.
        """
        return finish(cls._making(_native.Container.create, name, config, runtime, (stdin, stdout, stderr)))

    @overload
    @classmethod
    def run(
        cls,
        name: Config,
        config: None = None,
        /,
        *,
        runtime: None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self: ...

    @overload
    @classmethod
    def run(
        cls,
        name: str,
        config: Config,
        /,
        *,
        runtime: Path | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self: ...

    @classmethod
    def run(
        cls,
        name: str | Config,
        config: Config | None = None,
        /,
        *,
        runtime: Path | None = None,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
    ) -> Self:
        """Makes a container and starts its command; returns once that has been executed.

        With a name as `create`; a command that cannot be executed then leaves nothing on disk.
        """
        return finish(cls._making(_native.Container.run, name, config, runtime, (stdin, stdout, stderr)))

    @classmethod
    def _making(
        cls,
        make: Callable[[Settings, Numbers, tuple[str, bytes | None] | None], _native.PendingContainer],
        name: str | Config,
        config: Config | None,
        runtime: Path | None,
        files: tuple[File, File, File],
    ) -> Steps[Self]:
        named = None
        if isinstance(name, Config):
            if config is not None or runtime is not None:
                raise TypeError("a container without a name has a configuration alone, and is in no directory")
            config = name
        else:
            named = place(name, runtime)
            if not isinstance(config, Config):
                raise TypeError(f"config is {config!r}: it is a Config")
        settings = settings_of(config)
        return (
            yield from _made(
                lambda: Standard(*files, on_console=config.console is not None),
                lambda numbers: make(settings, numbers, named),
                lambda native, standard: cls(native, config, standard, name=named[0] if named else None),
            )
        )

    @classmethod
    def open(cls, name: str, *, runtime: Path | None = None) -> Self:
        """The container of this name, whichever process of this user has created it; GoneError where there is none.

        Its pipes belong to who created it, its arguments are not known, and a `with` block leaves
        it as it is.
        """
        with Standard(None, None, None) as standard:
            return cls(_native.Container.open(place(name, runtime)), None, standard, name=name)

    @classmethod
    def _running(cls, config: Config, files: tuple[File, File, File], limit: Limit) -> Steps[Self]:
        """As `run`, but the container dies with its handle: whatever is raised, and wherever, it is not left behind."""
        settings = settings_of(config, owned=True)
        return (
            yield from _made(
                lambda: Standard(*files),
                lambda numbers: _native.Container.run(settings, numbers, None),
                lambda native, standard: cls(native, config, standard, limit),
            )
        )

    def start(self) -> None:
        """Lets the command of a created container begin; returns once it has been executed."""
        finish(self._starting())

    def _starting(self) -> Steps[None]:
        self._handle.start()
        try:
            yield from told(self._handle.started, self._handle.start_news, Clock())
        except ContainError:
            raise
        except BaseException:
            # It begins all the same, and until it has nobody else can use a container with a name.
            with contextlib.suppress(ContainError):
                yield from told(self._handle.started, self._handle.start_news, Clock())
            raise

    @property
    def state(self) -> State:
        """What it is doing, asked of the kernel each time."""
        return State(self._handle.state())

    def events(self) -> Events:
        """What becomes of it: its present state first, then each change, its exit last.

        No event is lost, whichever process makes it come, nor with this handle or when the
        container is deleted. Where a pause can be heard of: docs/state.md.
        """
        return Events(self._handle.events())

    def status(self) -> Status:
        """All that is known of a container with a name; InvalidError for one without."""
        return status_of(self._handle.status())

    def processes(self) -> list[int]:
        """The process ids of all that runs inside, what was injected too, as this process sees them, rising.

        What starts or ends meanwhile may be missing or named. GoneError where it has ended.
        """
        return self._handle.processes()

    def signal(self, signal: int) -> None:
        """Sends a signal to the command; SIGKILL ends the whole container. As `kill`, but GoneError where it has ended.

        Before the start SIGTERM, SIGINT, SIGHUP, SIGQUIT and SIGKILL end it.
        """
        self._handle.kill(signal)

    def stop(self, signal: int = signals.SIGTERM, grace: float = 10.0) -> Result:
        """Sends a signal, waits for the end, and after `grace` seconds kills the whole container.

        With a grace of 0 it kills at once, without the signal. One that has ended keeps its own
        result. Ctrl-C ends the wait, and nothing is killed then.
        """
        return finish(self._stopping(signal, grace))

    def _stopping(self, signal: int, grace: float) -> Steps[Result]:
        clock = Clock(grace, "grace")
        at_once = grace == 0 and isinstance(signal, int) and 0 <= signal < signals.NSIG
        self.kill(signals.SIGKILL if at_once else signal)
        result = yield from self._ending(clock)
        if result is None:
            self._condemn(EndedBy.SIGNALLED)
            result = yield from self._waiting(None)
        return result

    def delete(self, *, force: bool = False) -> None:
        """Removes one that has ended from disk; BusyError where it has not.

        With `force` it is killed first, and one that has been deleted already is no error.
        Without a name there is nothing to remove, and the rest is the same. Deleted, it answers as
        one that has ended.
        """
        self._handle.delete(force)

    @property
    def pid(self) -> int:
        """Process id of the supervisor, the one that `inject` takes on the command line."""
        return self._handle.pid

    @property
    def init_pid(self) -> int:
        """Process id of the container's PID 1, as this process sees it; 0 where it has ended."""
        return self._handle.init_pid

    def inject(
        self,
        argv: Sequence[Path],
        *,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
        env: Environment | None = None,
        cwd: Path | None = None,
        user: int | str | None = None,
        groups: Sequence[int | str] | None = None,
        seccomp: Literal["system", "app", "none"] | Seccomp | None = None,
        capabilities: Sequence[str] | None = None,
        no_new_privs: bool = False,
        rlimits: Sequence[Rlimit] = (),
        pass_fds: Sequence[int | HasFileno] = (),
        timeout: float | None = None,
        console: Console | None = None,
    ) -> Process:
        """Runs another command inside; returns once it has been executed.

        `env` is its whole environment; None for container=contain, the usual PATH, and HOME.
        `cwd` is its working directory inside, `/` when None; `user` who it runs as, as of
        `Config.user`, by the container's files as they are now, root when None; `groups` its
        supplementary groups by id or name, when None those that these files give the user.
        `seccomp` None is the container's own profile. `capabilities` None is all of those over the
        container's user namespace, whatever the container's command has; a user other than root
        has none, and may by set-uid programs gain these. With `no_new_privs` nothing is gained.
        `rlimits` beside the caller's own. `timeout` seconds after its exec it is killed with all
        that it started, and its result says so (`ended_by`). `console` is a terminal of the
        container's own, as of `Config.console`.
        """
        arguments = locals()
        del arguments["self"]
        return finish(self._injecting(**arguments))

    def _injecting(
        self,
        argv: Sequence[Path],
        *,
        stdin: File,
        stdout: File,
        stderr: File,
        console: Console | None,
        **more: Any,
    ) -> Steps[Process]:
        to_run = command(argv, console=console, **more)
        return (
            yield from _made(
                lambda: Standard(stdin, stdout, stderr, on_console=console is not None),
                lambda numbers: self._handle.inject(to_run, numbers),
                lambda native, standard: Process(native, tuple(argv), standard, console=console),
            )
        )

    def read_file(self, path: Path, *, limit: int = 64 * 1024 * 1024, timeout: float | None = None) -> bytes:
        """What a regular file inside holds, by its absolute path there.

        A file longer than `limit` bytes is an error (EFBIG), as is one that is missing, is no
        regular file, or may not be read by container root: ContainError with the errno.
        Nothing of the container's is run for it, and its links lead nowhere outside. After
        `timeout` seconds TimeoutExpired is raised.
        """
        return finish(self._reading(path, limit, timeout))

    def _reading(self, path: Path, limit: int, timeout: float | None) -> Steps[bytes]:
        process = yield from self._copying_out(path, limit + 1, PIPE)
        contents, _ = yield from process._through(process._communicating(None, timeout))
        process._handle.check_copied("read", required("path", path))
        assert contents is not None, "there is a pipe"
        if len(contents) > limit:
            raise ContainError(
                errno.EFBIG,
                f"read file {os.fsdecode(path)}: it is longer than {limit} bytes",
                stage="file.read",
                object=os.fsdecode(path),
                cause=f"it is longer than {limit} bytes",
                remedy="raise limit, or use copy_file",
            )
        return contents

    def copy_file(self, path: Path, destination: int | HasFileno, *, timeout: float | None = None) -> None:
        """Copies a regular file inside, of any length, to a descriptor; errors are those of `read_file`."""
        finish(self._copying(path, destination, timeout))

    def _copying(self, path: Path, destination: int | HasFileno, timeout: float | None) -> Steps[None]:
        process = yield from self._copying_out(path, 2**63, descriptor("destination", destination))
        yield from process._through(process._waiting(timeout))
        process._handle.check_copied("read", required("path", path))

    def write_file(
        self, path: Path, source: Data | HasFileno, *, mode: int = 0o644, timeout: float | None = None
    ) -> None:
        """Writes bytes, or all that a descriptor gives, to a regular file inside, by its absolute path there.

        A file that is there is emptied first and keeps its owner and permissions; a new one
        is container root's, with these. Directories are not made. With a `root` of yours it is
        that directory which is written to. Errors and `timeout` as of `read_file`; what was
        written by then stays.
        """
        finish(self._writing(path, source, mode, timeout))

    def _writing(self, path: Path, source: Data | HasFileno, mode: int, timeout: float | None) -> Steps[None]:
        data, file = (source, PIPE) if isinstance(source, (bytes, bytearray, memoryview)) else (None, source)
        process = yield from _made(
            lambda: Standard(file, DEVNULL, DEVNULL),
            lambda numbers: self._handle.copy_in(required("path", path), mode, numbers),
            lambda native, standard: Process(native, ("write file", path), standard),
        )
        yield from process._through(process._communicating(data, timeout))
        process._handle.check_copied("write", required("path", path))

    def _copying_out(self, path: Path, limit: int, destination: int) -> Steps[Process]:
        return (
            yield from _made(
                lambda: Standard(DEVNULL, destination, DEVNULL),
                lambda numbers: self._handle.copy_out(required("path", path), limit, numbers),
                lambda native, standard: Process(native, ("read file", path), standard),
            )
        )

    def _shown(self) -> list[Path]:
        return list(self.args) or [self.name or ""]

    def _silent_at(self) -> int:
        # When PID 1 has ended, so has all else inside: what its pipes hold by then is all there will be.
        return self._handle.fileno()

    def _condemn(self, reason: EndedBy) -> None:
        """Kills the whole container for this reason; one that ended by itself just before keeps its own result."""
        self._handle.condemn(reason)

    def _leaving(self, error: BaseException | None) -> Steps[None]:
        self._pipes.close()
        if self.config is None:
            # The processes that created it decide.
            _ = self._handle.pid
            return
        self._hang_up()
        self.kill()
        try:
            yield from self._ending(Clock())
        except GoneError:
            # Somebody has deleted it meanwhile.
            pass
        self.delete(force=True)


def _made(
    open_standard: Callable[[], Standard],
    begin: Callable[[Numbers], _Pending[Made]],
    become_handle: Callable[[Made, Standard], T],
) -> Steps[T]:
    """Makes something, and its handle. Where anything is raised meanwhile, it is killed and waited for."""
    standard = pending = None
    try:
        with open_standard() as standard:
            pending = begin(standard.numbers)
            made = yield from told(pending.finish, pending.news, Clock())
        assert made is not None, "it is waited for without end"
        return become_handle(made, standard)
    except BaseException:
        if standard is not None:
            standard.close_ours()
        if pending is not None:
            yield from _undone(pending)
        raise


def _undone(pending: _Pending[Made]) -> Steps[None]:
    """Kills what nobody will have a handle of."""
    try:
        pending.kill()
        made = yield from told(pending.finish, pending.news, Clock())
        assert made is not None, "it is waited for without end"
        with contextlib.suppress(GoneError):
            made.kill(signals.SIGKILL)
        yield from told(made.try_wait, made.news, Clock())
        if isinstance(made, _native.Container):
            made.delete(True)
    except ContainError:
        # It was not there yet, or has ended by itself.
        pass
