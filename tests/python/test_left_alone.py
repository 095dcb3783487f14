# SPDX-License-Identifier: MIT OR Apache-2.0
"""The caller is left as it was, whatever is run, and however often."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

import contain
import pytest


def test_nothing_of_the_caller_changes(script):
    code = """if True:
        import contain, ctypes, gc, os, resource, signal, subprocess, threading
        libc = ctypes.CDLL(None)
        seen = []
        os.umask(0o027)
        os.environ["OWN"] = "value"
        signal.signal(signal.SIGCHLD, lambda *_: seen.append("SIGCHLD"))
        signal.signal(signal.SIGUSR1, lambda *_: seen.append("SIGUSR1"))
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGRTMIN])
        own = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        child = os.fork()
        if child == 0:
            os._exit(7)
        while os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT).si_pid != child:
            pass

        def state():
            gc.collect()
            status = open("/proc/self/status").read().splitlines()
            kept = ("Umask", "NoNewPrivs", "Seccomp", "Threads", "SigBlk", "SigIgn", "SigCgt", "Cap", "Cpus_allowed", "Uid", "Gid")
            mask = os.umask(0o027)
            return (
                mask,
                os.getcwd(),
                dict(os.environ),
                open("/proc/self/environ").read(),
                [(number, signal.getsignal(number)) for number in signal.valid_signals()],
                signal.pthread_sigmask(signal.SIG_BLOCK, []),
                [resource.getrlimit(number) for number in range(16)],
                libc.prctl(3, 0, 0, 0, 0),
                [line for line in status if line.startswith(kept)],
                sorted(os.listdir("/proc/self/fd")),
                os.getpgid(0), os.getsid(0), os.getpriority(os.PRIO_PROCESS, 0),
                threading.active_count(),
                {name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")},
                open("/proc/self/task/%d/children" % os.getpid()).read(),
                open("/proc/self/oom_score_adj").read(),
            )

        before = state()
        del seen[:]
        contain.run(["sh", "-c", "umask 077; cd /tmp; kill -USR1 $PPID; exit 3"])
        contain.run(["true"], input=b"x", capture_output=True, check=True)
        for wrong in (["no-such-program"], []):
            try:
                contain.run(wrong)
            except contain.ContainError:
                pass
        try:
            contain.run(["sleep", "60"], timeout=0.1)
        except contain.TimeoutExpired:
            pass
        with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
            container.inject(["true"]).wait()
        del container
        contain.explain(contain.Config(argv=["true"]))
        after = state()
        for old, new in zip(before, after, strict=True):
            assert old == new, (old, new)
        assert seen == [], seen
        print(os.waitpid(-1, os.WNOHANG)[0] == child, os.waitpid(-1, os.WNOHANG), own.poll())
        own.kill()
        print(own.wait())
    """
    assert script(code).stdout == "True (0, 0) None\n-9\n"


def test_64_threads_and_1000_runs_leave_nothing_behind(script):
    code = """if True:
        import concurrent.futures, contain, gc, os, threading

        def run(number):
            line = f"cat; echo {number}; exit {number % 7}"
            result = contain.run(["sh", "-c", line], input=b"x", capture_output=True, timeout=60)
            assert (result.stdout, result.returncode) == (b"x%d\\n" % number, number % 7), result

        def held():
            gc.collect()
            resident = int(open("/proc/self/statm").read().split()[1]) * 4
            children = "".join(open(f"/proc/self/task/{task}/children").read() for task in os.listdir("/proc/self/task"))
            return os.listdir("/proc/self/fd"), len(os.listdir("/proc/self/task")), children, resident

        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            everybody = threading.Barrier(64)
            list(pool.map(lambda _: everybody.wait(), range(64)))
            list(pool.map(run, range(192)))
            *before, resident = held()
            list(pool.map(run, range(1000)))
            *after, more = held()
        assert before == after and before[1] == 65 and before[2] == "", (before, after)
        print(more - resident < 8192 or (resident, more))
    """
    assert script(code).stdout == "True\n"


@pytest.fixture
def open_folder():
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make a set-uid program")
@pytest.mark.parametrize("mode", [stat.S_ISUID, stat.S_ISGID], ids=["set-uid", "set-gid"])
def test_set_uid_program_is_refused(open_folder, inner_python, mode):
    if os.statvfs(open_folder).f_flag & os.ST_NOSUID:
        pytest.skip("the temporary folder is mounted nosuid")
    program = open_folder / "python"
    shutil.copy(inner_python, program)
    os.chown(program, 1, 1)
    program.chmod(0o755 | mode)
    code = """if True:
        import contain
        config = contain.Config(argv=["true"])
        for call in (
            lambda: contain.run(["true"]),
            lambda: contain.Container.create(config),
            lambda: contain.Container.run(config),
        ):
            try:
                call()
            except contain.SecureExecError as error:
                print("refused", bool(error.cause and error.remedy))
    """
    shutil.copytree(pathlib.Path(contain.__file__).parent, open_folder / "contain")
    done = subprocess.run(
        ["setpriv", "--reuid", "4", "--regid", "4", "--clear-groups", program, "-c", code],
        env={"PYTHONPATH": str(open_folder)},
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.stdout == "refused True\n" * 3, done.stderr
