# SPDX-License-Identifier: MIT OR Apache-2.0
"""`run`: a command in a container of its own, from start to result."""

import dataclasses
import locale
from collections.abc import Mapping, Sequence
from typing import Literal

from contain._config import Bind, Config, Data, Environment, NewFile, Overlay, Path, Rlimit, Text, Tmpfs, Veth, seconds
from contain._container import Container
from contain._errors import TimeoutExpired
from contain._pipes import Clock, Exchanged, Limit
from contain._result import CompletedProcess, EndedBy, Result
from contain._seccomp import Seccomp
from contain._stdio import PIPE, File, HasFileno


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
    config = Config(
        argv=argv,
        root=root,
        mounts=mounts,
        read_only=read_only,
        overlay=overlay,
        env=env,
        cwd=cwd,
        user=user,
        hostname=hostname,
        network=network,
        uid_map=uid_map,
        gid_map=gid_map,
        seccomp=seccomp,
        capabilities=capabilities,
        no_new_privs=no_new_privs,
        rlimits=rlimits,
        files=files or {},
        pass_fds=pass_fds,
        timeout=timeout,
        init=init,
    )
    request = request_of(
        config,
        (stdin, stdout, stderr),
        input,
        capture_output,
        timeout,
        Limit(output_limit, on_output_limit),
        codec_of(text, encoding, errors),
    )
    return finish(request, check)


@dataclasses.dataclass(frozen=True)
class Request:
    """A run that is prepared."""

    config: Config
    standard: tuple[File, File, File]
    data: Data | None
    timeout: float | None
    limit: Limit
    codec: "Codec | None"

    def start(self) -> Container:
        """The container, which dies with its handle."""
        return Container._run_owned(self.config, self.standard, self.limit)

    def completed(self, container: Container, result: Result, check: bool) -> CompletedProcess:
        """The result of a container that has ended and was read; raises what is to be raised."""
        args, is_late = list(container.args), result.ended_by is EndedBy.WALL
        is_cut_off = is_late or container._pipes.truncated
        stdout, stderr = (
            pipe if pipe is None or self.codec is None else self.codec.decode(pipe, is_cut_off)
            for pipe in container._pipes.output()
        )
        completed = CompletedProcess(args, result, stdout, stderr, container._pipes.truncated)
        if is_late:
            raise TimeoutExpired(args, self.timeout or 0.0, stdout, stderr, completed)
        if check:
            completed.check_returncode()
        return completed


def request_of(
    config: Config,
    standard: tuple[File, File, File],
    input: Data | str | None,
    capture_output: bool,
    timeout: float | None,
    limit: Limit,
    codec: "Codec | None",
) -> Request:
    """Checks what can be checked before anything is made."""
    seconds(timeout)
    stdin, stdout, stderr = standard
    data = None if input is None else _input(input, codec)
    if data is not None:
        if stdin is not None:
            raise ValueError("stdin and input cannot be given together")
        stdin = PIPE
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr cannot be given together with capture_output")
        stdout = stderr = PIPE
    if limit.size is not None and PIPE not in (stdout, stderr):
        raise ValueError("output_limit is for output that is captured: give capture_output, or PIPE")
    return Request(config, (stdin, stdout, stderr), data, timeout, limit, codec)


def finish(request: Request, check: bool) -> CompletedProcess:
    """From start to result."""
    with request.start() as container:
        clock = Clock(request.timeout)
        container._pipes.put(request.data)
        exchanged = container._pipes.exchange(clock, container.fileno())
        if exchanged is Exchanged.OVER:
            result = container._end(EndedBy.OUTPUT)
        elif exchanged is Exchanged.LATE or not container._await_end(clock):
            result = container._end(EndedBy.WALL)
        else:
            result = container.wait()
        container._pipes.drain()
    return request.completed(container, result, check)


class Codec:
    """Text on the way to and from a command."""

    def __init__(self, encoding: str | None, errors: str | None) -> None:
        self.encoding = encoding or locale.getpreferredencoding(False)
        self._errors = errors

    def encode(self, text: str) -> bytes:
        """A command's input."""
        return text.encode(self.encoding, self._errors or "strict")

    def decode(self, data: bytes, is_cut_off: bool) -> str:
        """What was cut off may end within a character: that is no error."""
        text = data.decode(self.encoding, self._errors or ("replace" if is_cut_off else "strict"))
        return text.replace("\r\n", "\n").replace("\r", "\n")


def codec_of(text: bool, encoding: str | None, errors: str | None) -> Codec | None:
    """A codec where text is asked for; None for bytes."""
    return Codec(encoding, errors) if text or encoding or errors else None


def _input(input: Data | str, codec: Codec | None) -> Data:
    if codec is None:
        if isinstance(input, str):
            raise TypeError("input is str: it is bytes unless text, encoding or errors is given")
        return input
    if not isinstance(input, str):
        raise TypeError("input is bytes: with text, encoding or errors it is str")
    return codec.encode(input)
