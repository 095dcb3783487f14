# SPDX-License-Identifier: MIT OR Apache-2.0
"""`run`: a command in a container of its own, from start to result."""

import codecs
import dataclasses
import locale
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from contain._check import deadline, flag, word, wrong
from contain._config import Bind, Config, Data, Environment, NewFile, Overlay, Path, Rlimit, Text, Tmpfs, Veth
from contain._container import Container
from contain._errors import TimeoutExpired, invalid
from contain._pipes import Exchanged, Limit
from contain._result import CompletedProcess, EndedBy, Result
from contain._seccomp import Seccomp
from contain._stdio import PIPE, File, HasFileno
from contain._waiting import Clock, Steps, finish


def run(
    argv: Sequence[Path],
    *,
    root: Path | None = None,
    timeout: float | None = None,
    input: Data | str | None = None,
    stdin: File = None,
    stdout: File = None,
    stderr: File = None,
    capture_output: bool = False,
    output_limit: int | None = None,
    on_output_limit: Literal["truncate", "end"] = "truncate",
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    check: bool = False,
    mounts: Sequence[Bind | Tmpfs] = (),
    read_only: bool = False,
    overlay: bool | Overlay = False,
    env: Environment | None = None,
    cwd: Path | None = None,
    user: int | str | None = None,
    hostname: Text | None = None,
    network: Literal["private", "host"] | Veth = "private",
    uid_map: str | None = None,
    gid_map: str | None = None,
    seccomp: Literal["system", "app", "none"] | Seccomp = "app",
    capabilities: Sequence[str] | None = None,
    no_new_privs: bool = True,
    rlimits: Sequence[Rlimit] = (),
    files: Mapping[Path, Data | NewFile] | None = None,
    pass_fds: Sequence[int | HasFileno] = (),
    inside: Text | None = None,
    outside: Text | None = None,
    init: bool = True,
) -> CompletedProcess:
    """Runs a command in a new container and waits for its end; all that it left running ends with it.

    `argv`, `root` and the arguments from `mounts` on are those of `Config`; the others are those of
    subprocess.run. After `timeout` seconds all that runs in the container is killed, and
    TimeoutExpired says what there was until then. With `check`, a status other than 0 raises
    CalledProcessError. Where anything is raised, KeyboardInterrupt too, the container is dead.

    Of each output that goes through a pipe at most `output_limit` bytes are kept; at more, the
    rest is thrown away ("truncate"), or all that runs in the container is killed ("end").

    With `text`, `encoding` or `errors`, input and output are str with line ends as "\\n", else bytes.
    """
    return finish(running(locals()))


def running(arguments: dict[str, Any]) -> Steps[CompletedProcess]:
    """From the arguments of `run` to its result; those that are fields of `Config` go there."""
    if arguments["files"] is None:
        arguments["files"] = {}
    fields = [field.name for field in dataclasses.fields(Config) if field.name in arguments]
    config = Config(**{name: arguments.pop(name) for name in fields})
    return Request(config, **arguments).steps()


class Request:
    """A run that is prepared: what can be checked before anything is made has been."""

    def __init__(
        self,
        config: Config,
        *,
        input: Data | str | None,
        stdin: File,
        stdout: File,
        stderr: File,
        capture_output: bool,
        output_limit: int | None,
        on_output_limit: str,
        text: bool,
        encoding: str | None,
        errors: str | None,
        check: bool,
    ) -> None:
        deadline(config.timeout)
        self._config = config
        self._limit = Limit(output_limit, on_output_limit)
        self._codec = Codec(encoding, errors) if flag("text", text) or encoding or errors else None
        self._check = flag("check", check)
        self._input = None if input is None else _input(input, self._codec)
        if self._input is not None:
            if stdin is not None:
                raise ValueError("stdin and input cannot be given together")
            stdin = PIPE
        if flag("capture_output", capture_output):
            if stdout is not None or stderr is not None:
                raise ValueError("stdout and stderr cannot be given together with capture_output")
            stdout = stderr = PIPE
        if output_limit is not None and PIPE not in (stdout, stderr):
            raise ValueError("output_limit is for output that is captured: give capture_output, or PIPE")
        self._files = (stdin, stdout, stderr)

    def steps(self) -> Steps[CompletedProcess]:
        """From start to result. Where anything is raised, the container is killed and waited for."""
        container = yield from Container._running(self._config, self._files, self._limit)
        try:
            clock, pipes = Clock(self._config.timeout), container._pipes
            pipes.put(self._input)
            exchanged = yield from pipes.exchange(clock, container.fileno())
            reason = {Exchanged.OVER: EndedBy.OUTPUT, Exchanged.LATE: EndedBy.WALL, Exchanged.ALL: None}[exchanged]
            result = None if reason else (yield from container._ending(clock))
            if result is None:
                container._condemn(reason or EndedBy.WALL)
                result = yield from container._waiting(None)
            pipes.drain()
        except BaseException as error:
            yield from container._leaving(error)
            raise
        return self._completed(container, result)

    def _completed(self, container: Container, result: Result) -> CompletedProcess:
        """The result of a container that has ended and was read; raises what is to be raised."""
        args, is_late, pipes = list(container.args), result.ended_by is EndedBy.WALL, container._pipes
        is_cut_off = is_late or pipes.truncated
        stdout, stderr = (
            output if output is None or self._codec is None else self._codec.decode(output, is_cut_off)
            for output in pipes.output()
        )
        completed = CompletedProcess(args, result, stdout, stderr, pipes.truncated)
        if is_late:
            raise TimeoutExpired(args, self._config.timeout or 0.0, stdout, stderr, completed)
        if self._check:
            completed.check_returncode()
        return completed


class Codec:
    """Text on the way to and from a command."""

    def __init__(self, encoding: str | None, errors: str | None) -> None:
        self.encoding = locale.getpreferredencoding(False) if encoding is None else word("encoding", encoding)
        self._errors = None if errors is None else word("errors", errors)
        for field, name, look_up in (
            ("encoding", self.encoding, codecs.lookup),
            ("errors", self._errors or "strict", codecs.lookup_error),
        ):
            try:
                look_up(name)
            except (LookupError, ValueError):
                raise invalid(field, name, "Python knows none of this name") from None

    def encode(self, text: str) -> bytes:
        """A command's input."""
        return text.encode(self.encoding, self._errors or "strict")

    def decode(self, data: bytes, is_cut_off: bool) -> str:
        """What was cut off may end within a character: that is no error."""
        text = data.decode(self.encoding, self._errors or ("replace" if is_cut_off else "strict"))
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _input(input: Data | str, codec: Codec | None) -> Data:
    if codec is None:
        if isinstance(input, str):
            raise TypeError("input is str: it is bytes unless text, encoding or errors is given")
        if not isinstance(input, (bytes, bytearray, memoryview)):
            raise wrong("input", input, "bytes, bytearray or memoryview")
        return input
    if not isinstance(input, str):
        raise TypeError(f"input is {type(input).__name__}: with text, encoding or errors it is str")
    return codec.encode(input)
