# SPDX-License-Identifier: MIT OR Apache-2.0
"""The suite's behaviours through the Python package: a request of JSON a line on stdin, an answer a line on stdout.

Without acts it is `contain.run`, with acts or a console a `contain.Container`.
"""

import dataclasses
import json
import resource
import sys
import time
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


def freeze(container: contain.Container, freezer: str, word: str) -> None:
    with open(f"{freezer}/cgroup.procs", "w") as file:
        file.write(str(container.init_pid))
    with open(f"{freezer}/cgroup.freeze", "w") as file:
        file.write(word)
    while container.state != ("paused" if word == "1" else "running"):
        time.sleep(0.001)


def reach(container: contain.Container, state: str, freezer: str) -> None:
    """Brings a created container into a state."""
    if state != "created":
        container.start()
    if state == "paused":
        freeze(container, freezer, "1")
    if state in ("stopped", "deleted", "left"):
        container.wait(LONGEST_WAIT)
    if state == "deleted":
        container.delete()
    if state == "left":
        container.__exit__(None, None, None)


def verb(container: contain.Container, verb: str) -> str:
    """What a verb gives, in a word."""
    ended = lambda result: f"ended {result.returncode if result.returncode >= 0 else 128 - result.returncode}"
    if verb == "state":
        return str(container.state)
    if verb in ("stop_at_once", "end"):
        return ended(container.stop(grace=0) if verb == "stop_at_once" else container.stop(9, LONGEST_WAIT))
    if verb == "wait_no_time":
        result = container.poll()
        return "running" if result is None else ended(result)
    if verb in ("pid", "init_pid"):
        return "there" if getattr(container, verb) else "none"
    if verb == "processes":
        return "some" if container.processes() else "none"
    acts = {
        "start": container.start,
        "inject": lambda: container.inject(["true"]).wait(),
        "copy_in": lambda: container.write_file("/tmp/note", b"x"),
        "probe": lambda: container.signal(0),
        "signal": lambda: container.signal(15),
        "signal_none": lambda: container.signal(65),
        "kill": container.kill,
        "delete": container.delete,
        "delete_by_force": lambda: container.delete(force=True),
    }
    acts[verb]()
    return "done"


def in_state(config: dict[str, Any]) -> dict[str, Any]:
    """One verb in one state, with a container of its own."""
    (state, act, freezer), place = config.pop("in"), config.pop("named")
    settings = contain.Config(**keywords(config))
    quiet = {"stdin": contain.DEVNULL, "stdout": contain.DEVNULL, "stderr": contain.DEVNULL}
    if place:
        directory, name = place[0].split("\x1f")
        container = contain.Container.create(name, settings, runtime=directory, **quiet)
    else:
        container = contain.Container.create(settings, **quiet)
    try:
        reach(container, state, freezer)
        told = {"text": json.dumps({"answer": verb(container, act)})}
    except contain.ContainError as error:
        told = error_of(error)
    finally:
        container.delete(force=True)
    return told


def answer(request: dict[str, Any]) -> dict[str, Any]:
    config, acts, done = request["config"], request["acts"], []
    asked = config.pop("ask", None)
    if asked == "state":
        return {"acts": [], "end": in_state(config)}
    try:
        is_run = not acts and "console" not in config
        end = tell(asked, config) if asked else run(config) if is_run else play(config, acts, done)
    except contain.ContainError as error:
        end = error_of(error)
    LISTENING.clear()
    return {"acts": done, "end": end}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
