# SPDX-License-Identifier: MIT OR Apache-2.0
"""Containers and what a Python program does beside them: its exit, its children, pickles, other interpreters, types."""

import concurrent.futures
import copy
import inspect
import multiprocessing
import os
import pickle
import pkgutil
import pydoc
import subprocess
import sys

import contain
import pytest


def test_interpreter_that_exits_takes_bound_containers_along_and_no_others(script, mark, tmp_path):
    state = tmp_path / "state"
    code = f"""if True:
        import contain
        bound = contain.Container.run(contain.Config(argv=["sleep", "{mark.seconds}"]))
        named = contain.Container.run("bound", contain.Config(argv=["sleep", "{mark.seconds}"]), runtime={str(state)!r})
        config = contain.Config(argv=["sleep", "{mark.seconds}"], lifetime="detached")
        null = dict(stdin=contain.DEVNULL, stdout=contain.DEVNULL, stderr=contain.DEVNULL)
        detached = contain.Container.run("detached", config, runtime={str(state)!r}, **null)
    """
    script(code)
    assert mark.wait_for(1)
    assert {entry.name: entry.status.state for entry in contain.list(runtime=state)} == {
        "bound": "stopped",
        "detached": "running",
    }
    for entry in contain.list(runtime=state):
        contain.delete(entry.name, force=True, runtime=state)
    assert mark.processes() == []


def test_exception_in_a_block_takes_the_container_down(mark):
    with pytest.raises(LookupError):
        with contain.Container.run(contain.Config(argv=["sleep", mark.seconds]), stdout=contain.PIPE) as container:
            raise LookupError
    assert container.poll().returncode == -9 and mark.processes() == [] and container.stdout.closed


def test_values_can_be_pickled_copied_and_compared():
    config = contain.Config(
        argv=["true"],
        env={"A": "1"},
        files={"/tmp/x": b""},
        mounts=[contain.Tmpfs(target="/x")],
        rlimits=[contain.Rlimit(resource=7, soft=64)],
    )
    result = contain.run(["sh", "-c", "exit 3"], capture_output=True)
    for value in (config, result.usage, contain.EndedBy.WALL, contain.Seccomp("system"), contain.probe().findings[0]):
        for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
            assert again == value and type(again) is type(value)
    again = pickle.loads(pickle.dumps(result))
    assert (again.returncode, again.ended_by, again.usage, again.stdout) == (3, "exited", result.usage, b"")
    assert hash(result.usage) == hash(copy.copy(result.usage))
    assert hash(contain.Rlimit(resource=7, soft=64)) == hash(contain.Rlimit(resource=7, soft=64))


def test_handles_cannot_be_pickled():
    with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
        for handle in (container, container.inject(["sleep", "60"])):
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(handle)
            with pytest.raises(TypeError, match="pickle"):
                copy.deepcopy(handle)


def _status_of(number):
    return contain.run(["sh", "-c", f"exit {number}"]).returncode


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_make_containers(method):
    contain.run(["true"])
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        assert list(pool.map(_status_of, range(4))) == list(range(4))


def test_sub_interpreters_make_containers(script):
    pytest.importorskip("_xxsubinterpreters")
    code = """if True:
        import _xxsubinterpreters, contain, sys
        other = _xxsubinterpreters.create()
        line = f"import sys; sys.path[:] = {sys.path!r}; import contain; print(contain.run(['sh', '-c', 'exit 3']).returncode)"
        _xxsubinterpreters.run_string(other, line)
        _xxsubinterpreters.destroy(other)
        print(contain.run(["true"]).returncode)
    """
    assert script(code).stdout == "3\n0\n"


def test_subprocesses_and_watchers_of_asyncio_are_unharmed(script):
    code = """if True:
        import asyncio, contain, signal, socket, subprocess
        from contain import aio

        async def main():
            own = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0.3; exit 5")
            runs = [aio.run(["sh", "-c", f"exit {number}"]) for number in range(8)]
            results, status = await asyncio.gather(asyncio.gather(*runs), own.wait())
            return [result.returncode for result in results], status

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(ours.fileno())
        contain.run(["true"], capture_output=True)
        try:
            print(theirs.recv(9))
        except BlockingIOError:
            print("nothing", signal.set_wakeup_fd(-1) == ours.fileno())
        own = subprocess.Popen(["sh", "-c", "exit 4"])
        contain.run(["true"])
        print(own.wait(), asyncio.run(main()))
    """
    assert script(code).stdout == "nothing True\n4 ([0, 1, 2, 3, 4, 5, 6, 7], 5)\n"


def test_other_threads_do_not_keep_ctrl_c_from_the_main_one(mark):
    code = f"""if True:
        import contain, threading
        thread = threading.Thread(target=lambda: contain.run(["sleep", "{mark.seconds}"]), daemon=True)
        thread.start()
        try:
            thread.join()
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert mark.wait_for(1)
        child.send_signal(2)
        assert child.communicate(timeout=20)[0] == b"interrupted\n"
    finally:
        child.kill()
        child.wait()
    # The daemon thread's container went with its caller.
    assert mark.wait_for(0)


def test_deadline_of_an_injected_command_ends_what_it_started(mark):
    line = f"trap '' HUP INT TERM; setsid sleep {mark.seconds} & (nohup sleep {mark.seconds} >/dev/null 2>&1 &) ; wait; sleep 60"
    with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
        result = container.inject(["sh", "-c", line], timeout=0.5).wait(20)
        assert (result.ended_by, result.returncode) == ("wall", -9)
        assert mark.processes() == [] and container.state == "running"


def test_output_held_by_a_process_in_the_background_does_not_keep_run(mark):
    result = contain.run(["sh", "-c", f"sleep {mark.seconds} & echo all"], capture_output=True, timeout=60)
    assert result.stdout == b"all\n" and mark.processes() == []


def test_help_tells_of_all_that_is_public():
    names = {name for name in vars(contain) if not name.startswith("_")}
    modules = {"aio", *(module.name for module in pkgutil.iter_modules(contain.__path__))}
    assert names - modules <= set(contain.__all__) | {"TYPE_CHECKING"}
    undocumented = []
    for owner in (contain, contain.aio):
        for name in owner.__all__:
            value = getattr(owner, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                members = vars(value).items() if inspect.isclass(value) else ()
                undocumented += [name] * (not inspect.getdoc(value))
                undocumented += [
                    f"{name}.{member}"
                    for member, what in members
                    if not member.startswith("_")
                    and (inspect.isfunction(what) or isinstance(what, (property, classmethod)))
                    and not what.__doc__
                ]
    assert undocumented == []
    shown = pydoc.render_doc(contain, renderer=pydoc.plaintext)
    for name in ("run", "Container", "Config", "TimeoutExpired", "explain"):
        assert name in shown


def test_user_program_with_the_whole_interface_is_typed(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "types"), str(tmp_path / "program.py")],
        env={**os.environ, "MYPYPATH": ""},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout


PROGRAM = '''
import asyncio
import pathlib
import resource

import contain
from contain import aio

config: contain.Config = contain.Config(
    argv=["sh", pathlib.Path("/x")],
    root=pathlib.Path("/srv"),
    mounts=[contain.Bind(source="/a", target="/b", read_only=True), contain.Tmpfs(target="/t", size=1 << 20)],
    env={"A": "1"},
    files={"/tmp/x": b"x", "/tmp/y": contain.NewFile(contents=b"", mode=0o600)},
    rlimits=[contain.Rlimit(resource=resource.RLIMIT_CPU, soft=1, hard=2)],
    overlay=contain.Overlay(size=1 << 20),
    network=contain.Veth(address="10.0.0.2/24"),
    seccomp=contain.Seccomp("app"),
    lifetime="detached",
)


def plain() -> int:
    completed: contain.CompletedProcess = contain.run(["id"], capture_output=True, text=True, timeout=1.5, check=True)
    seconds: float = completed.usage.cpu_seconds
    ended: contain.EndedBy = completed.ended_by
    with contain.Container.create("web", config, runtime="/run/x") as container:
        container.start()
        process: contain.Process = container.inject(["sh"], stdin=contain.PIPE, user="a:b", groups=[1, "c"])
        out, err = process.communicate(b"x", timeout=2)
        assert out is None or out.decode()
        data: bytes = container.read_file("/x", limit=3)
        container.write_file("/y", data, mode=0o600)
        state: contain.State = container.state
        result: contain.Result = container.stop(grace=1)
        for event in container.events():
            print(event.kind, event.state, state, ended, seconds)
    for listed in contain.list():
        print(listed.name, listed.status and listed.status.created.isoformat(), listed.error)
    contain.delete("web", force=True)
    try:
        contain.run(["x"])
    except contain.CommandNotFoundError as error:
        print(error.stage, error.step, error.remedy, error.errno)
    except contain.TimeoutExpired as late:
        print(late.result)
    decision: contain.Decision = contain.Seccomp("app").test("mount", 0)
    report: contain.Report = contain.probe()
    print(decision.allowed, report.works, contain.explain(config, format="json"), contain.__version__)
    return result.returncode


async def concurrent() -> None:
    async with await aio.create(config, stdout=contain.PIPE) as container:
        await aio.start(container)
        async with await aio.inject(container, ["sh"], timeout=1) as process:
            await aio.communicate(process, b"x")
        result: contain.Result = await aio.stop(container)
        print(result.usage.peak_memory, await aio.read_file(container, "/x"))
    print((await aio.run(["true"])).returncode)


plain()
asyncio.run(concurrent())
'''
