# SPDX-License-Identifier: MIT OR Apache-2.0
"""`run`: a command in a container of its own, from start to result."""

import locale
from collections.abc import Sequence
from typing import Literal

from contain._config import Config, Environment, Path, Text
from contain._container import Container
from contain._errors import TimeoutExpired
from contain._pipes import Data
from contain._result import CompletedProcess, EndedBy
from contain._stdio import PIPE, File


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
    text: bool = False,
    encoding: str | None = None,
    errors: str | None = None,
    check: bool = False,
    env: Environment | None = None,
    cwd: Path | None = None,
    hostname: Text | None = None,
    network: Literal["private", "host"] = "private",
    uid_map: str | None = None,
    gid_map: str | None = None,
    seccomp: Literal["system", "app", "none"] = "app",
    no_new_privs: bool = True,
    init: bool = True,
) -> CompletedProcess:
    """Runs a command in a new container and waits for its end; all that it left running ends with it.

    `argv`, `root` and the arguments from `env` on are those of `Config`; the others are those of
    subprocess.run. After `timeout` seconds all that runs in the container is killed, and
    TimeoutExpired says what there was until then. With `check`, a status other than 0 raises
    CalledProcessError. Where anything is raised, KeyboardInterrupt too, the container is dead.

    With `text`, `encoding` or `errors`, input and output are str with line ends as "\\n", else bytes.
    """
    config = Config(
        argv=argv,
        root=root,
        env=env,
        cwd=cwd,
        hostname=hostname,
        network=network,
        uid_map=uid_map,
        gid_map=gid_map,
        seccomp=seccomp,
        no_new_privs=no_new_privs,
        init=init,
    )
    codec = _Codec(encoding, errors) if text or encoding or errors else None
    data = None if input is None else _input(input, codec)
    if data is not None:
        if stdin is not None:
            raise ValueError("stdin and input cannot be given together")
        stdin = PIPE
    if capture_output:
        if stdout is not None or stderr is not None:
            raise ValueError("stdout and stderr cannot be given together with capture_output")
        stdout = stderr = PIPE
    result = _finish(Container._run_owned(config, stdin, stdout, stderr), data, timeout, codec)
    if check:
        result.check_returncode()
    return result


def _finish(container: Container, data: Data | None, timeout: float | None, codec: "_Codec | None") -> CompletedProcess:
    """From a started container to its result."""
    with container:
        args = list(container.args)
        try:
            output = container.communicate(data, timeout)
            result = container.wait()
        except TimeoutExpired:
            result = container._expire()
            output = container._drain()
    expired = result.ended_by is EndedBy.WALL
    stdout, stderr = (pipe if pipe is None or codec is None else codec.decode(pipe, expired) for pipe in output)
    completed = CompletedProcess(args, result, stdout, stderr)
    if expired:
        raise TimeoutExpired(args, timeout or 0.0, stdout, stderr, completed)
    return completed


class _Codec:
    """Text on the way to and from a command."""

    def __init__(self, encoding: str | None, errors: str | None) -> None:
        self.encoding = encoding or locale.getpreferredencoding(False)
        self._errors = errors

    def encode(self, text: str) -> bytes:
        return text.encode(self.encoding, self._errors or "strict")

    def decode(self, data: bytes, is_cut_off: bool) -> str:
        """What was cut off may end within a character: that hides no TimeoutExpired."""
        text = data.decode(self.encoding, self._errors or ("replace" if is_cut_off else "strict"))
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _input(data: Data | str, codec: _Codec | None) -> Data:
    if codec is None:
        if isinstance(data, str):
            raise TypeError("input is str: it is bytes unless text, encoding or errors is given")
        return data
    if not isinstance(data, str):
        raise TypeError("input is bytes: with text, encoding or errors it is str")
    return codec.encode(data)
