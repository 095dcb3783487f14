# SPDX-License-Identifier: MIT OR Apache-2.0
"""The suite's behaviours through the Python package: a request of JSON a line on stdin, an answer a line on stdout.

Without acts it is `contain.run`, with acts or a console a `contain.Container`.
"""

import dataclasses
import json
import resource
import sys
import termios
from typing import Any

import contain

LONGEST_WAIT = 20
PIPES = {"stdin": contain.PIPE, "stdout": contain.PIPE, "stderr": contain.PIPE}
NAMES = {"chdir": "cwd"}
"""What the package calls otherwise."""


def keywords(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration as the package's keyword arguments."""
    out = {NAMES.get(key, key): value for key, value in config.items() if key != "stdin"}
    if out["root"] == "host":
        del out["root"]
    if "env" in out:
        out["env"] = dict(assignment.split("=", 1) for assignment in out["env"])
    if "rlimits" in out:
        out["rlimits"] = [
            contain.Rlimit(resource=getattr(resource, name), soft=soft, hard=hard) for name, soft, hard in out["rlimits"]
        ]
    if "overlay" in out:
        out["overlay"] = contain.Overlay(size=out["overlay"])
    if "console" in out:
        rows, columns = out["console"]
        out["console"] = contain.Console(rows=rows, columns=columns)
    if "mounts" in out:
        out["mounts"] = [mount(entry) for entry in out["mounts"]]
    return out


def mount(entry: dict[str, Any]) -> contain.Bind | contain.Tmpfs:
    """A mount as the package has it."""
    kinds = {"bind": contain.Bind, "tmpfs": contain.Tmpfs}
    return kinds[entry["kind"]](**{key: value for key, value in entry.items() if key != "kind"})


def outcome_of(returncode: int, ended_by: str, stdout: bytes, stderr: bytes) -> dict[str, Any]:
    return {
        "outcome": {
            "ended_by": str(ended_by),
            "status": abs(returncode),
            "exit_status": 124 if ended_by == "wall" else returncode if returncode >= 0 else 128 - returncode,
            "stdout": stdout.decode("latin-1"),
            "stderr": stderr.decode("latin-1"),
        }
    }


def error_of(error: contain.ContainError) -> dict[str, Any]:
    names = ("errno", "stage", "step", "object", "cause", "remedy")
    told = {name: getattr(error, name) for name in names} | {"message": str(error), "code": type(error).__name__}
    return {"error": told}


def run(config: dict[str, Any]) -> dict[str, Any]:
    given = keywords(config)
    argv = given.pop("argv")
    stdin = config.get("stdin", "").encode(errors="surrogateescape")
    try:
        done = contain.run(argv, input=stdin, capture_output=True, **given)
    except contain.TimeoutExpired as late:
        assert late.result is not None
        done = late.result
    return outcome_of(done.returncode, done.ended_by, done.stdout, done.stderr)


def inject(container: contain.Container, command: dict[str, Any]) -> dict[str, Any]:
    given = keywords({"root": "host", **command})
    with container.inject(given.pop("argv"), **({} if "console" in given else PIPES), **given) as process:
        if "console" in given:
            console = Console(process)
            stdout, stderr = console.read(), b""
            result = process.wait(LONGEST_WAIT)
            console.close()
        else:
            stdout, stderr = process.communicate(command.get("stdin", "").encode(), timeout=LONGEST_WAIT)
            result = process.wait()
    return outcome_of(result.returncode, result.ended_by, stdout or b"", stderr or b"")


LISTENING: list[contain.Events] = []
"""The events that a request has opened."""


def heard(events: contain.Events) -> str:
    """An event in words, the exit with its status."""
    event = events.next(LONGEST_WAIT)
    assert event is not None, "no such event came"
    if event.result is None:
        return event.state.value
    returncode = event.result.returncode
    return f"exit:{returncode if returncode >= 0 else 128 - returncode}"


class Console:
    """A console's other end, read as a pipe is."""

    def __init__(self, handle: contain.Container | contain.Process) -> None:
        self.file = open(handle.take_console(), "r+b", buffering=0)

    def read(self, most: int = -1) -> bytes:
        """So many bytes, or what there is until the end, which is EIO."""
        read = b""
        while len(read) != most:
            try:
                read += self.file.read(1)
            except OSError:
                break
        return read

    def close(self) -> None:
        self.file.close()


def act(container: contain.Container, kind: str, argument: Any, output: bytearray, stdout: Any) -> Any:
    if kind == "read":
        while len(output) < len(argument) and (byte := stdout.read(1)):
            output += byte
    elif kind == "type":
        stdout.file.write(argument.encode())
    elif kind == "resize":
        termios.tcsetwinsize(stdout.file, tuple(map(int, argument.split())))
    elif kind == "hang up":
        stdout.close()
    elif kind == "signal":
        container.kill(argument)
    elif kind == "stop":
        container.stop(grace=argument / 1000)
    elif kind == "kill":
        container.kill()
    elif kind == "create":
        pass  # It is how the container was made.
    elif kind == "start":
        container.start()
    elif kind == "wait":
        try:
            container.wait(argument / 1000)
        except contain.TimeoutExpired:
            return "running"
        return "ended"
    elif kind == "listen":
        LISTENING.append(container.events())
    elif kind == "hear":
        return " ".join(heard(LISTENING[-1]) for _ in range(argument))
    elif kind == "inject":
        return inject(container, argument)
    else:
        raise ValueError(f"unknown act {kind}")
    return "done"


def play(config: dict[str, Any], acts: list[list[Any]], done: list[Any]) -> dict[str, Any]:
    make = contain.Container.create if acts and acts[0][0] == "create" else contain.Container.run
    pipes = {} if "console" in config else PIPES
    container, output, errors = make(contain.Config(**keywords(config)), **pipes), bytearray(), b""
    with container:
        stdout = container.stdout if pipes else Console(container)
        if pipes:
            container.stdin.write(config.get("stdin", "").encode())
            container.stdin.close()
        for kind, argument in acts:
            try:
                done.append(act(container, kind, argument, output, stdout))
            except contain.ContainError as error:
                done.append(error_of(error))
        if ("hang up", None) not in map(tuple, acts):
            output += stdout.read()
        if pipes:
            errors = container.stderr.read()
        result = container.wait(LONGEST_WAIT)
        # Not before the end: closing a console is a hang-up.
        stdout.close()
    return outcome_of(result.returncode, result.ended_by, bytes(output), errors)


def tell(asked: str, config: dict[str, Any]) -> dict[str, Any]:
    """What is asked for without a container: a plan, or what the host allows."""
    if asked == "explain":
        text = contain.explain(contain.Config(**keywords(config)), format="json")
    else:
        report = contain.probe()
        text = json.dumps({"works": report.works, "findings": [dataclasses.asdict(found) for found in report.findings]})
    return {"text": text.encode().decode("latin-1")}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    config, acts, done = request["config"], request["acts"], []
    asked = config.pop("ask", None)
    try:
        is_run = not acts and "console" not in config
        end = tell(asked, config) if asked else run(config) if is_run else play(config, acts, done)
    except contain.ContainError as error:
        end = error_of(error)
    LISTENING.clear()
    return {"acts": done, "end": end}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
