# SPDX-License-Identifier: MIT OR Apache-2.0
"""The caller: interrupted, with threads, forked, with children of its own; and left as it was."""

import os
import select
import signal
import subprocess
import sys
import threading
import time

import contain
import pytest


def interrupted(code, begun):
    """Starts a script, sends it SIGINT once `begun()`; what it says then, and how long that took."""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert begun()
        time.sleep(0.2)
        before = time.monotonic()
        os.kill(child.pid, signal.SIGINT)
        said = child.communicate(timeout=20)[0]
        return said, time.monotonic() - before
    finally:
        child.kill()
        child.wait()


CALLS = {
    "run": "contain.run(['sleep', seconds])",
    "run, with a deadline": "contain.run(['sleep', seconds], timeout=100)",
    "run, capturing": "contain.run(['sleep', seconds], capture_output=True, timeout=100)",
    "wait": "contain.Container.run(config).wait()",
    "wait, with a timeout": "contain.Container.run(config).wait(100)",
    "communicate": "contain.Container.run(config, stdout=-1).communicate()",
    "stop": "contain.Container.run(config).stop(signal.SIGCONT, grace=100)",
    "wait, opened by name": "contain.Container.run('web', config, runtime=state).name and "
    "contain.Container.open('web', runtime=state).wait()",
    "inject": "contain.Container.run(config).inject(['sleep', '250']).wait()",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_ctrl_c_ends_a_wait_at_once(call, mark, tmp_path):
    code = f"""if True:
        import contain, signal
        seconds, state = "{mark.seconds}", {str(tmp_path / "state")!r}
        config = contain.Config(argv=["sleep", seconds])
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted")
    """
    said, seconds = interrupted(code, lambda: mark.wait_for(1))
    assert said == "interrupted\n" and seconds < 2
    # The run killed its container; the others' ended with their caller.
    assert mark.wait_for(0)


def test_ctrl_c_during_run_leaves_nothing_while_the_caller_lives(mark):
    code = f"""if True:
        import contain, sys
        try:
            contain.run(["sh", "-c", "trap '' INT TERM; sleep {mark.seconds} & sleep {mark.seconds}"])
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            sys.stdin.readline()
    """
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert mark.wait_for(2)
        child.send_signal(signal.SIGINT)
        assert select.select([child.stdout], [], [], 10)[0] and child.stdout.readline() == b"interrupted\n"
        assert mark.processes() == []
    finally:
        child.kill()
        child.communicate()


def test_ctrl_c_at_any_moment_of_run_leaves_nothing(script, mark):
    code = f"""if True:
        import contain, gc, os, random, signal
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        interrupted = 0
        for number in range(60):
            before = os.listdir("/proc/self/fd")
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0005, 0.015))
            try:
                contain.run(["sleep", "{mark.seconds}"], capture_output=number % 2 == 0)
            except KeyboardInterrupt:
                interrupted += 1
            gc.collect()
            assert os.listdir("/proc/self/fd") == before
        print(interrupted, flush=True)
        os.system("sleep 0.1; {mark.look}")
    """
    assert script(code).stdout == "60\n"


AT_EACH_LINE = """
import contain, gc, os, sys, tempfile

class Stop(BaseException):
    pass

package = os.path.dirname(contain.__file__)
place = tempfile.mkdtemp()

def once(at):
    # Raises at a line of contain's own, as a signal's handler does; how many there were. Another run may have fewer.
    lines = 0
    def trace(frame, event, _):
        nonlocal lines
        if not frame.f_code.co_filename.startswith(package):
            return None
        if frame.f_code is LAST:
            sys.settrace(None)
            return None
        if event == "line":
            lines += 1
            if lines == at:
                sys.settrace(None)
                raise Stop
        return trace
    sys.settrace(trace)
    try:
        work()
    except Stop:
        pass
    finally:
        sys.settrace(None)
    return lines

LAST = None
{work}
work()
for at in range(1, once(None) + 1):
    before = set(os.listdir("/proc/self/fd"))
    once(at)
    gc.collect()
    assert set(os.listdir("/proc/self/fd")) == before, at
    assert os.listdir(place) == [], at
os.rmdir(place)
print(at > 100, flush=True)
os.system("sleep 0.1; {look}")
"""

RUN_PLAIN = """
def work():
    contain.run(["sh", "-c", "exit 3 {seconds}"])
"""

RUN_CAPTURED = """
def work():
    assert contain.run(["sh", "-c", "echo x; : {seconds}"], capture_output=True, timeout=20).stdout == b"x\\n"
"""

# Until there is a handle: from there on whoever has it has it in hand.
CREATE_NAMED = """
LAST = contain.Container.__init__.__code__
def work():
    with contain.Container.create("it", contain.Config(argv=["sleep", "{seconds}"]), runtime=place):
        pass
"""


@pytest.mark.parametrize("work", [RUN_PLAIN, RUN_CAPTURED, CREATE_NAMED], ids=["run", "captured", "create"])
def test_exception_at_any_line_leaves_nothing(script, mark, work):
    code = AT_EACH_LINE.format(work=work.format(seconds=mark.seconds), look=mark.look)
    assert script(code).stdout == "True\n"


def test_signal_whose_handler_returns_does_not_disturb_a_wait(script):
    code = """if True:
        import contain, signal
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
        print(contain.run(["sh", "-c", "sleep 0.5; exit 3"]).returncode, len(seen) > 3)
        print(contain.run(["sh", "-c", "sleep 0.5; echo x"], timeout=20, capture_output=True).stdout, len(seen) > 6)
        signal.setitimer(signal.ITIMER_REAL, 0)
    """
    assert script(code).stdout == "3 True\nb'x\\n' True\n"


def test_exception_of_a_handler_ends_run_and_its_container(script, mark):
    code = f"""if True:
        import contain, os, signal
        def give_up(*_):
            raise LookupError
        signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        try:
            contain.run(["sleep", "{mark.seconds}"], capture_output=True)
        except LookupError:
            print("raised", flush=True)
            os.system("{mark.look}")
    """
    assert script(code).stdout == "raised\n"


def test_32_threads_at_once():
    results = [None] * 32
    ready = threading.Barrier(32)

    def work(number):
        ready.wait()
        line = f"echo {number}; sleep 0.2; exit {number}"
        results[number] = contain.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
    before = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(result.stdout, result.returncode) for result in results] == [(f"{n}\n", n) for n in range(32)]
    # One after the other the sleeps alone take 6.4 seconds.
    assert time.monotonic() - before < 6


def test_other_threads_run_while_a_container_is_waited_for():
    config = contain.Config(argv=["sleep", "0.5"])
    ticks = 0
    with contain.Container.run(config) as container:
        waiter = threading.Thread(target=container.wait)
        waiter.start()
        while waiter.is_alive():
            ticks += 1
            time.sleep(0.01)
    assert ticks > 10


def test_two_threads_may_wait_for_one_container():
    results = []
    with contain.Container.run(contain.Config(argv=["sh", "-c", "sleep 0.3; exit 4"])) as container:
        threads = [threading.Thread(target=lambda: results.append(container.wait())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [result.returncode for result in results] == [4] * 8


def test_100_runs_leave_no_descriptor_open(descriptors):
    contain.run(["true"], capture_output=True)
    before = descriptors()
    for number in range(100):
        if number % 10 == 0:
            with pytest.raises(contain.CommandNotFoundError):
                contain.run(["no-such-program"], input=b"x", capture_output=True)
            with pytest.raises(contain.TimeoutExpired):
                contain.run(["sleep", "60"], timeout=0.01, capture_output=True)
            with contain.Container.run(contain.Config(argv=["sleep", "60"]), stdout=contain.PIPE) as container:
                container.inject(["true"], stdout=contain.PIPE).communicate()
            del container
        else:
            contain.run(["true"], input=b"x", capture_output=True, check=True)
    assert descriptors() == before


USES = [
    "container.pid",
    "container.init_pid",
    "container.fileno()",
    "container.pidfd()",
    "container.kill()",
    "container.poll()",
    "container.wait()",
    "container.wait(1)",
    "container.communicate()",
    "container.start()",
    "container.inject(['true'])",
    "container.state",
    "container.processes()",
    "container.signal(15)",
    "container.stop(grace=0)",
    "container.delete(force=True)",
    "container.__exit__(None, None, None)",
    "named.state",
    "named.status()",
    "named.processes()",
    "named.pidfd()",
    "named.start()",
    "named.signal(15)",
    "named.stop(grace=0)",
    "named.delete(force=True)",
    "named.__exit__(None, None, None)",
    "opened.wait(1)",
    "opened.__exit__(None, None, None)",
    "process.pid",
    "process.fileno()",
    "process.pidfd()",
    "process.kill()",
    "process.poll()",
    "process.wait()",
    "process.communicate(timeout=1)",
]


def test_use_after_fork_raises_and_harms_nothing(script, mark, tmp_path):
    code = f"""if True:
        import contain, gc, os
        container = contain.Container.run(contain.Config(argv=["sleep", "{mark.seconds}"]))
        process = container.inject(["sleep", "250"])
        state = {str(tmp_path / "state")!r}
        named = contain.Container.create("web", contain.Config(argv=["true"]), runtime=state)
        opened = contain.Container.open("web", runtime=state)
        if os.fork() == 0:
            for use in {USES!r}:
                try:
                    eval(use)
                except contain.WrongProcessError as error:
                    print(use, "raised", bool(error.cause and error.remedy))
            print(contain.run(["sh", "-c", "exit 8"]).returncode, flush=True)
            print(contain.Container.open("web", runtime=state).state, flush=True)
            del container, process, named, opened
            gc.collect()
            os._exit(0)
        os.wait()
        print(container.poll(), process.poll(), named.state, flush=True)
        named.delete(force=True)
        container.kill()
        print(container.wait().returncode)
    """
    lines = script(code).stdout.splitlines()
    assert lines[: len(USES)] == [f"{use} raised True" for use in USES]
    assert lines[len(USES) :] == ["8", "created", "None None created", "-9"]


def test_callers_children_and_sigchld_are_its_own(script):
    code = """if True:
        import contain, os, signal, subprocess, threading
        seen = []
        signal.signal(signal.SIGCHLD, lambda *_: seen.append(1))
        own = subprocess.Popen(["sleep", "250"])
        for _ in range(5):
            assert contain.run(["true"], capture_output=True, timeout=20).returncode == 0
        with contain.Container.run(contain.Config(argv=["sleep", "250"])) as container:
            container.inject(["true"]).wait()
        print(len(seen), os.waitpid(-1, os.WNOHANG))
        own.kill()
        print(own.wait(), len(seen))
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            print("no child")
    """
    assert script(code).stdout == "0 (0, 0)\n-9 1\nno child\n"


def test_caller_that_waits_for_any_child_or_ignores_them_gets_its_results(script):
    code = """if True:
        import contain, os, signal, threading, time
        def collect():
            while True:
                try:
                    print("collected", os.wait())
                except ChildProcessError:
                    time.sleep(0.001)
        threading.Thread(target=collect, daemon=True).start()
        for _ in range(10):
            assert contain.run(["sh", "-c", "exit 5"]).returncode == 5
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        assert contain.run(["sh", "-c", "exit 6"]).returncode == 6
    """
    assert script(code).stdout == ""


def test_caller_is_left_as_it_was(script):
    code = """if True:
        import contain, os, signal, threading
        def state():
            with open("/proc/self/status") as status:
                kept = ("Umask", "Threads", "SigBlk", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp:", "CapEff")
                lines = [line for line in status if line.startswith(kept)]
            return lines, os.getcwd(), dict(os.environ), threading.active_count()
        before = state()
        contain.run(["true"], capture_output=True, timeout=20)
        with contain.Container.create(contain.Config(argv=["true"])) as container:
            container.start()
        print(state() == before)
    """
    assert script(code).stdout == "True\n"
