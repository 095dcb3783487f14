# SPDX-License-Identifier: MIT OR Apache-2.0
"""The three ways to a container: each takes a request and gives an answer of the same form.

A request is a configuration in the words of behaviours.py, and acts. An answer is `(acts, end)`, each an Outcome, a
Refusal, or a word for an act that has neither.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import resource
import select
import signal
import subprocess
from typing import Any

from behaviours import Outcome, Refusal

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
INSIDE = {"PATH": ENVIRONMENT["PATH"], "HOME": "/root"}
"""What the libraries give a command beside container=contain."""
LONGEST = 30
"""Seconds that a behaviour takes at most; after that it hangs."""

HEADER = (REPOSITORY / "include/contain.h").read_text()
CODES = {int(number): name for name, number in re.findall(r"(?m)^#define CONTAIN_E_(\w+) (\d+)$", HEADER)}
ENDED = {int(number): name.lower() for name, number in re.findall(r"(?m)^#define CONTAIN_ENDED_(\w+) (\d+)$", HEADER)}
CLASSES = {
    "InvalidError": "INVALID",
    "RootError": "ROOT",
    "IdMapError": "ID_MAP",
    "CommandNotFoundError": "NOT_FOUND",
    "CommandNotExecutableError": "NOT_EXECUTABLE",
    "GoneError": "GONE",
    "UnsupportedError": "UNSUPPORTED",
    "TooBigError": "TOO_BIG",
    "ExistsError": "EXISTS",
    "BusyError": "BUSY",
}
"""Of Python's exceptions; those of the other codes have the base class alone."""


def plain(message: str) -> str:
    """A message without the step's number, which depends on what else a configuration says."""
    return re.sub(r"^step \d+, ", "", message)


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a request."""

    acts: tuple[Any, ...]
    end: Any


class Driver:
    """A program that answers requests through one of the libraries, as one user."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._command = command
        self._environment = ENVIRONMENT | environment
        self._start()

    def _start(self) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(self._command, cwd="/", env=self._environment, bufsize=0, **pipes)
        self.pid = self._process.pid

    def _ask(self, request: bytes) -> dict[str, Any]:
        """One answer; a driver that gives none is replaced, so that it fails one behaviour and not all."""
        line = b""
        self._process.stdin.write(request)
        while not line.endswith(b"\n"):
            if not select.select([self._process.stdout], [], [], LONGEST)[0]:
                self._process.kill()
            chunk = self._process.stdout.read(1 << 20)
            if not chunk:
                status = self.close()
                self._start()
                raise AssertionError(f"the driver has ended with {status}")
            line += chunk
        return json.loads(line)

    def descriptors(self) -> int:
        """How many it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def close(self) -> int:
        """Ends it; its status."""
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait(LONGEST)


class Library(Driver):
    """What the drivers of C and Python have in common."""

    def _said(self, told: Any) -> Any:
        if isinstance(told, str):
            return told
        if "text" in told:
            return json.loads(told["text"].encode("latin-1"))
        if "error" in told:
            error = told["error"]
            keys = ("errno", "stage", "cause", "remedy", "step")
            return Refusal(self._code(error["code"]), plain(error["message"]), **{key: error[key] for key in keys})
        end = told["outcome"]
        ended_by = ENDED.get(end["ended_by"], end["ended_by"])
        return Outcome(end["exit_status"], end["stdout"], end["stderr"], ended_by)

    def _answer(self, told: dict[str, Any]) -> Answer:
        return Answer(tuple(map(self._said, told["acts"])), self._said(told["end"]))


class C(Library):
    """The C library; strings `key=value` ended by NUL, an empty one behind the last."""

    def _code(self, number: int) -> str:
        return CODES[number]

    def ask(self, config: dict[str, Any], acts: list[tuple[str, Any]]) -> Answer:
        fields = list(self._fields(config))
        for kind, argument in acts:
            if kind == "inject":
                fields += ["act=inject", *self._fields(argument)]
            else:
                fields.append(f"act={kind}" + ("" if argument is None else f" {argument}"))
        request = b"".join(field.encode(errors="surrogateescape") + b"\0" for field in [*fields, ""])
        return self._answer(self._ask(request))

    def _fields(self, config: dict[str, Any]) -> Any:
        for key in ("capabilities", "groups"):
            if config.get(key) == []:
                yield f"no_{key}="
        for key, value in config.items():
            for one in value if isinstance(value, list) and key != "console" else [value]:
                yield f"{key}={self._text(key, one)}"

    def _text(self, key: str, value: Any) -> str:
        """A value as the driver reads it: what has several parts has a byte 0x1f between them."""
        if key == "mounts":
            value = [part for part in value.values()]
        elif key == "rlimits":
            value = [getattr(resource, value[0]), *value[1:]]
        elif key == "timeout":
            value = round(value * 1000)
        if isinstance(value, list):
            return "\x1f".join(map(self._word, value))
        return self._word(value)

    def _word(self, value: Any) -> str:
        return json.dumps(value) if isinstance(value, bool) else str(value)


class Python(Library):
    """The Python package; JSON."""

    def _code(self, name: str) -> str:
        return CLASSES.get(name, "SYSTEM")

    def ask(self, config: dict[str, Any], acts: list[tuple[str, Any]]) -> Answer:
        return self._answer(self._ask(json.dumps({"config": config, "acts": acts}).encode() + b"\n"))


class CommandLine:
    """The programs contain and inject. Unless a behaviour is about their own defaults, they get those of the libraries."""

    def __init__(self, folder: pathlib.Path, before: list[str]) -> None:
        self._folder = folder
        self._before = before

    def _start(self, program: str, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [*self._before, str(self._folder / program), *arguments]
        process = subprocess.Popen(command, cwd="/", env=environment, **pipes)
        for stream in (process.stdout, process.stderr):
            # So that whoever has it inside can also open it again by its name.
            os.fchmod(stream.fileno(), 0o666)
        return process

    def _options(self, config: dict[str, Any]) -> Any:
        yield "-c"
        if not config.get("plain"):
            config = {"init": True, "seccomp": "app", "no_new_privs": True, **config}
            # With a user HOME is that user's, unless it is named.
            names = ["PATH"] if "user" in config else INSIDE
            config.setdefault("env", [f"{name}={INSIDE[name]}" for name in names])
        for key, option in (("init", "--init"), ("read_only", "--read-only")):
            if config.get(key):
                yield option
        for key in ("seccomp", "hostname"):
            if key in config:
                yield from (f"--{key}", config[key])
        for key, option in (("uid_map", "-u"), ("gid_map", "-g")):
            if key in config:
                yield from (option, config[key])
        for assignment in config.get("env", []):
            yield from ("--env", assignment)
        for mount in config.get("mounts", []):
            yield from mount_option(mount)
        yield from rights(config)
        if config.get("network") == "host":
            yield "-n"
        if "overlay" in config:
            yield from ("--overlay-size", str(config["overlay"]))
        yield "--host" if config["root"] == "host" else config["root"]

    def ask(self, config: dict[str, Any], acts: list[tuple[str, Any]]) -> Answer:
        if asked := config.get("ask"):
            return self._told(["--doctor"] if asked == "probe" else ["--explain", *self._options(config), *config["argv"]])
        arguments = [*self._options(config), *config["argv"]]
        process, output, done = self._start("contain", arguments, ENVIRONMENT), b"", []
        try:
            if acts:
                feed(process, config)
            for kind, argument in acts:
                if kind == "read":
                    while len(output) < len(argument) and (byte := process.stdout.read(1)):
                        output += byte
                    done.append("done")
                else:
                    done.append(self._act(process, kind, argument))
            end = self._end("contain", process, config, output)
        finally:
            process.kill()
            process.wait()
            for stream in filter(None, (process.stdin, process.stdout, process.stderr)):
                stream.close()
        return Answer(tuple(done), end)

    def _told(self, arguments: list[str]) -> Answer:
        """What is asked for without a container, as JSON."""
        with self._start("contain", ["--json", *arguments], ENVIRONMENT) as process:
            stdout, stderr = process.communicate(timeout=LONGEST)
        assert stdout, stderr
        return Answer((), json.loads(stdout))

    def _act(self, process: subprocess.Popen[bytes], kind: str, argument: Any) -> Any:
        if kind in ("signal", "kill"):
            os.kill(process.pid, signal.SIGKILL if kind == "kill" else argument)
            return "done"
        if kind == "wait":
            try:
                process.wait(argument / 1000)
            except subprocess.TimeoutExpired:
                return "running"
            return "ended"
        assert kind == "inject", kind
        environment = {"container": "contain", **INSIDE}
        if "env" in argument:
            environment = dict(assignment.split("=", 1) for assignment in argument["env"])
        arguments = [*rights(argument), str(process.pid), *argument["argv"]]
        with self._start("inject", arguments, environment) as injected:
            return self._end("inject", injected, argument, b"")

    def _end(self, program: str, process: subprocess.Popen[bytes], config: dict[str, Any], output: bytes) -> Any:
        stdin = None if process.stdin is None else config.get("stdin", "").encode(errors="surrogateescape")
        stdout, stderr = process.communicate(stdin, timeout=LONGEST)
        status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        # What a person should know though nothing failed; the libraries say nothing.
        text = re.sub(rf"(?m)^{program}: note: .*\n", "", stderr.decode("latin-1"))
        told = re.search(rf"(?:^|\n){program}: (.*)\n(?:usage: .*\n)?(?:hint: (.*)\n)?\Z", text)
        if told and status in (64, 125, 126, 127):
            step = re.match(r"step (\d+), ", told[1])
            return Refusal(status, plain(told[1]), remedy=told[2], step=int(step[1]) if step else None)
        return Outcome(status, (output + stdout).decode("latin-1"), text)


def rights(config: dict[str, Any]) -> Any:
    """The options that contain and inject have both."""
    if config.get("no_new_privs"):
        yield "--no-new-privs"
    for key in ("chdir", "user", "timeout"):
        if key in config:
            yield from (f"--{key}", str(config[key]))
    if "groups" in config:
        yield from ("--groups", ",".join(map(str, config["groups"])))
    if "capabilities" in config:
        yield from ("--cap-drop", "ALL")
        for name in config["capabilities"]:
            yield from ("--cap-add", name)
    for name, soft, hard in config.get("rlimits", []):
        yield from ("--rlimit", f"{name.removeprefix('RLIMIT_').lower()}={soft}:{hard}")


def feed(process: subprocess.Popen[bytes], config: dict[str, Any]) -> None:
    """Gives a command its input, and its end."""
    process.stdin.write(config.get("stdin", "").encode())
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.stdin = None


def mount_option(mount: dict[str, Any]) -> tuple[str, str]:
    """A mount as the command line has it."""
    if mount["kind"] == "tmpfs":
        return "--tmpfs", f"{mount['target']}:size={mount['size']},mode={mount['mode']:o}"
    return "--bind-ro" if mount["read_only"] else "--bind", f"{mount['source']}:{mount['target']}"
