# SPDX-License-Identifier: MIT OR Apache-2.0
"""--json, --json-fd: the record of how a command ended. --log-format json: errors and notes as records."""

import errno
import fcntl
import json
import os
import pathlib
import signal
import subprocess

import lib
import pytest

USAGE, OWN_FAILURE = 64, 125
KEYS = {"ended_by", "exit_status", "status", "signal", "wall", "user", "system", "peak_memory", "error"}


def record(text):
    """The one record in a text; other lines are for people."""
    found = [json.loads(line) for line in text.splitlines() if line.startswith('{"ended_by"')]
    assert len(found) == 1, text
    assert set(found[0]) == KEYS
    return found[0]


def ends(result, ended_by, **values):
    """A record of a command that ran, which says this of its end."""
    got = record(result.err)
    assert got["ended_by"] == ended_by and got["exit_status"] == result.status, got
    assert {key: got[key] for key in values} == values, got
    assert got["error"] is None and 0 < got["wall"] < 20 and got["user"] >= 0 and got["system"] >= 0, got
    # A reaper that is killed has not waited for the command and tells nothing of it.
    assert got["peak_memory"] > 100_000 or ended_by == "wall", got
    return got


def fails(result, status, **values):
    """A record of a command that never began."""
    got = record(result.err)
    assert result.status == got["exit_status"] == status, got
    assert got["ended_by"] == "setup" and got["wall"] is got["status"] is got["signal"] is None, got
    error = got["error"]
    assert {key: error[key] for key in values} == values, got
    return error


def recorders():
    """The processes that write records, of this run's programs alone."""
    return [pid for pid in lib.descendants(os.getpid()) if lib.status_field(pid, "Name") == ["contain-record"]]


def until_no_recorder():
    """It has let go of everything when the supervisor ends; its process ends a moment later."""
    lib.until(lambda: not recorders(), what="the end of the recorder")


def test_limit_of_cpu_time_ends_the_command_and_the_record_says_so(ours, root):
    limited = script(ours, root, None, "while :; do :; done", "--init", "--rlimit", "cpu=1:9")
    assert ends(limited, "cpu", status=None, signal=signal.SIGXCPU)["user"] > 0.5
    ends(script(ours, root, None, "kill -XCPU $$", "--init", "--rlimit", "cpu=9"), "signalled", signal=signal.SIGXCPU)
    with lib.Supervisor([ours.contain, "-c", root, "/bin/sh", "-c", "echo up; read end"]) as supervisor:
        supervisor.expect("up")
        command = [ours.inject, "--json", "--rlimit", "cpu=1", supervisor.pid, "sh", "-c", "while :; do :; done"]
        ends(lib.run(command), "cpu", signal=signal.SIGKILL)


def script(ours, root, user, text, *options):
    return lib.run([ours.contain, "--json", *options, root, "/bin/sh", "-c", text], user=user)


@pytest.mark.parametrize("options", [("-c",), (), ("--init",), ("-c", "--init")], ids=" ".join)
def test_ways_of_ending(ours, who, options):
    root, user = who
    assert ends(script(ours, root, user, "exit 3", *options), "exited", status=3, signal=None)["exit_status"] == 3
    kill = "kill -9 $$" if "--init" in options else "sleep 9 & kill -9 $!; wait $!; exit 137"
    killed = script(ours, root, user, kill, *options)
    if "--init" in options:
        ends(killed, "signalled", status=None, signal=9)
    else:
        ends(killed, "exited", status=137, signal=None)
    late = script(ours, root, user, "sleep 20", *options, "--timeout", "0.3")
    assert late.status == 124 and ends(late, "wall", status=None, signal=9)["wall"] >= 0.3
    until_no_recorder()


def test_signal_that_pid_1_would_not_obey(ours, who):
    root, user = who
    with lib.Supervisor([ours.contain, "-c", "--json", root, "/bin/sh", "-c", "echo up; sleep 20"], user=user) as run:
        run.expect("up")
        os.kill(run.pid, signal.SIGTERM)
        assert run.wait() == 128 + signal.SIGTERM
        assert record(run.process.stderr.read().decode())["signal"] == signal.SIGTERM


def test_what_was_used(ours, who):
    root, user = who
    used = ends(script(ours, root, user, "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done", "-c"), "exited", status=0)
    assert used["user"] + used["system"] > 0.01 and used["wall"] >= used["user"] / 2


@pytest.mark.parametrize("console", ["-c", "--init"])
def test_command_that_is_not_there(ours, who, console):
    root, user = who
    result = lib.run([ours.contain, "--json", console, root, "/bin/nothing"], user=user)
    error = fails(result, 127, kind="not found", operation="execute", object="/bin/nothing", errno=errno.ENOENT,
                  errno_name="ENOENT", stage="process.exec", in_child=True)
    assert error["step"] > 5 and error["cause"] and error["remedy"]
    assert f"contain: step {error['step']}, execute /bin/nothing: ENOENT" in result.err and "\nhint: " in result.err
    until_no_recorder()


def test_failures_of_steps_and_before_them(ours, who):
    root, user = who
    helper = lib.run([ours.contain, "--json", "-c", "-o", "exit 7", root, "/bin/true"], user=user)
    assert fails(helper, 7, kind="helper", object="exit 7", errno=None)["step"]
    denied = lib.run([ours.contain, "--json", "-c", root, "/etc/passwd"], user=user)
    fails(denied, 126, kind="not executable", errno=errno.EACCES)
    missing = lib.run([ours.contain, "--json", f"{root}/nothing"], user=user)
    assert fails(missing, OWN_FAILURE, kind="root", step=None, errno=errno.ENOENT)["remedy"]
    tmpfs = lib.run([ours.contain, "--json", "-c", "--tmpfs", "/proc/x", root, "/bin/true"], user=user)
    assert tmpfs.status in (USAGE, OWN_FAILURE) and tmpfs.err


def test_setuid_and_bad_values_are_recorded_too(ours, who):
    root, user = who
    result = lib.run([ours.contain, "--json", "-u", "0:4294967295:9", root, "/bin/true"], user=user)
    assert fails(result, OWN_FAILURE)["cause"]


def on_pipe(ours, root, user, words, before=None, options=("-c",)):
    """Runs with the record on descriptor 9, a pipe's end; (result, the reading end)."""
    reader, writer = os.pipe()
    try:
        if before:
            before(writer)
        argv = [ours.contain, *options, "--json-fd", "9", root, *words]
        result = lib.run(argv, user=user, before=lambda: os.dup2(writer, 9), close_fds=False)
    finally:
        os.close(writer)
    return result, reader


def test_descriptor_is_the_record_s_alone_and_closed_at_the_end(ours, who):
    root, user = who
    result, reader = on_pipe(ours, root, user, ["/bin/sh", "-c", "ls /proc/self/fd | grep -c 9; echo said >&2; exit 4"])
    with os.fdopen(reader) as got:
        os.set_blocking(reader, False)
        # Nobody holds the other end any more: this reads to the end.
        assert record(got.read())["status"] == 4
    assert result.status == 4 and result.out == "0\n" and result.err == "said\n"


def test_no_record_unless_asked_for(ours, who):
    root, user = who
    result = lib.run([ours.contain, "-c", root, "/bin/true"], user=user)
    assert (result.status, result.out, result.err) == (0, "", "")


def test_full_pipe_is_given_up_and_nothing_waits_for_it(ours, root):

    def fill(writer):
        os.set_blocking(writer, False)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        while True:
            try:
                os.write(writer, b"x" * 4096)
            except BlockingIOError:
                break
        os.set_blocking(writer, True)

    result, reader = on_pipe(ours, root, None, ["/bin/true"], before=fill)
    try:
        assert result.status == 0
        until_no_recorder()
    finally:
        os.close(reader)


def test_descriptor_that_cannot_be_written(ours, who):
    root, user = who
    with open("/dev/full", "w") as full:
        argv = [ours.contain, "-c", "--json-fd", "8", root, "/bin/sh", "-c", "exit 2"]
        result = lib.run(argv, user=user, before=lambda: os.dup2(full.fileno(), 8), close_fds=False)
    assert result.status == 2 and "write the record on descriptor 8: ENOSPC" in result.err
    reader, writer = os.pipe()
    os.close(reader)
    argv = [ours.contain, "-c", "--json-fd", "8", root, "/bin/sh", "-c", "exit 2"]
    result = lib.run(argv, user=user, before=lambda: os.dup2(writer, 8), close_fds=False)
    os.close(writer)
    assert result.status == 2 and "write the record on descriptor 8: EPIPE" in result.err


def test_descriptor_that_is_not_there_or_only_read(ours, who):
    root, user = who
    closed = lib.run([ours.contain, "--json-fd", "77", root, "/bin/true"], user=user)
    assert closed.status == OWN_FAILURE and "descriptor 77: EBADF" in closed.err and "77>FILE" in closed.err
    with open("/dev/null") as null:
        argv = [ours.contain, "--json-fd", "7", root, "/bin/true"]
        read_only = lib.run(argv, user=user, before=lambda: os.dup2(null.fileno(), 7), close_fds=False)
    assert read_only.status == OWN_FAILURE and "not open for writing" in read_only.err


def test_standard_descriptors_closed(ours, who):
    root, user = who
    argv = [ours.contain, "-c", "--json", root, "/bin/sh", "-c", "exit 5"]
    result = lib.run(argv, user=user, before=lambda: [os.close(number) for number in (0, 1, 2)])
    assert result.status == 5
    until_no_recorder()


@pytest.mark.parametrize(
    "words",
    [("--json", "--detach"), ("--json-fd", "x"), ("--json-fd", "-1"), ("--json-fd", "4", "--preserve-fds", "2"),
     ("--json-fd", "2", "--explain"), ("--json-fd", "2", "--doctor")],
    ids=" ".join,
)
def test_usage(ours, root, words):
    result = lib.run([ours.contain, *words, *([] if "--doctor" in words else [root, "/bin/true"])])
    assert result.status == USAGE and "--json" in result.err


def test_on_a_terminal_the_record_comes_last_and_the_terminal_is_as_it_was(ours, who):
    root, user = who
    with lib.Terminal([ours.contain, "--json", root, "/bin/sh", "-c", "echo up; sleep 0.1; exit 6"], user=user) as run:
        before = run.mode()
        run.expect("up")
        assert run.wait() == 6
        # The terminal's own end of line: it is not raw any more.
        assert run.buffer.strip().startswith(b'{"ended_by":"exited"') and run.buffer.endswith(b"}\r\n")
        assert run.mode() == before


def test_output_that_cannot_be_written(ours, who):
    root, user = who
    with open("/dev/full", "w") as full:
        argv = [ours.contain, "--log-format", "json", "--json", root, "/bin/sh", "-c", "echo lost; sleep 5"]
        result = lib.run(argv, user=user, stdout=full)
    lines = [json.loads(line) for line in result.err.splitlines()]
    assert result.status == OWN_FAILURE and len(lines) == 2
    assert lines[0]["level"] == "error" and lines[0]["errno"] == errno.ENOSPC and lines[0]["object"] == "stdout"
    assert lines[1]["ended_by"] == "failure" and lines[1]["exit_status"] == OWN_FAILURE and lines[1]["error"]["cause"]


def running(ours, root, user, *options, **more):
    argv = [ours.contain, "-c", *options, root, "/bin/sh", "-c", "echo up; sleep 100"]
    return lib.Supervisor(argv, user=user, **more)


def test_inject(ours, who):
    root, user = who
    with running(ours, root, user) as target:
        target.expect("up")

        def inject(*words):
            return lib.run([ours.inject, "--json", *words], user=user)

        pid = str(target.pid)
        ends(inject(pid, "sh", "-c", "exit 3"), "exited", status=3)
        ends(inject(pid, "sh", "-c", "kill -9 $$"), "signalled", signal=9)
        ends(inject("--timeout", "0.3", pid, "sleep", "20"), "wall", signal=9)
        ends(inject("-t", pid, "sh", "-c", "exit 3"), "exited", status=3)
        fails(inject(pid, "nothing-of-the-kind"), 127, kind="not found")
        fails(inject("--log-format", "json", "999999999"), OWN_FAILURE)
        reader, writer = os.pipe()
        argv = [ours.inject, "--json-fd", "9", pid, "sh", "-c", "ls /proc/self/fd | grep -c 9"]
        result = lib.run(argv, user=user, before=lambda: os.dup2(writer, 9), close_fds=False)
        os.close(writer)
        with os.fdopen(reader) as got:
            assert record(got.read())["exit_status"] == result.status == 1 and result.out == "0\n"
        until_no_recorder()


def test_beside_a_name(ours, user, user_root, scratch):
    place = scratch / f"record-{os.getpid()}"
    place.mkdir(mode=0o700)
    os.chown(place, user.uid, user.gid)
    env = {"XDG_RUNTIME_DIR": str(place)}
    with running(ours, user_root, user, "--json", "--name", "recorded", env=env) as run:
        run.expect("up")
        ends(lib.run([ours.inject, "--json", "recorded", "sh", "-c", "exit 3"], user=user, env=env), "exited", status=3)
        os.kill(run.pid, signal.SIGTERM)
        assert run.wait() == 128 + signal.SIGTERM
        assert record(run.process.stderr.read().decode())["signal"] == signal.SIGTERM
    lib.until(lambda: not list((place / "contain").iterdir()), what="the end of the name")


def the_recorder():
    found = lib.until(recorders, what="the recorder")
    assert len(found) == 1
    return found[0]


def test_recorder_is_out_of_reach_and_small(ours, who):
    root, user = who
    reader, writer = os.pipe()
    secret = {"before": lambda: os.dup2(writer, 9), "close_fds": False, "env": {"SECRET": "word-of-the-caller"}}
    with running(ours, root, user, "--json-fd", "9", **secret) as run:
        os.close(writer)
        run.expect("up")
        pid = the_recorder()
        proc = pathlib.Path(f"/proc/{pid}")
        assert os.getsid(pid) == os.getpgid(pid) != os.getsid(run.pid)
        assert lib.status_field(pid, "PPid") != [str(run.pid)]
        # A user's own processes may not look into it, and it has no privilege.
        assert os.stat(proc / "environ").st_uid == 0
        assert lib.status_field(pid, "CapPrm") == ["0" * 16] and lib.status_field(pid, "NoNewPrivs") == ["1"]
        assert b"word-of-the-caller" not in (proc / "environ").read_bytes()
        assert not (proc / "cmdline").read_bytes().strip(b"\0")
        kinds = sorted(os.readlink(proc / "fd" / name).partition(":")[0] for name in os.listdir(proc / "fd"))
        assert kinds == ["pipe", "pipe", "socket"]
        inside = lib.run([ours.inject, str(run.pid), "sh", "-c", "cat /proc/[0-9]*/comm"], user=user)
        assert inside.status == 0 and "contain-record" not in inside.out
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid, number)
        os.kill(lib.first_init(run.pid), signal.SIGKILL)
        assert run.wait() == 128 + signal.SIGKILL
    with os.fdopen(reader) as got:
        assert record(got.read())["signal"] == signal.SIGKILL


def test_recorder_killed_costs_the_record_alone(ours, who):
    root, user = who
    with running(ours, root, user, "--json") as run:
        run.expect("up")
        os.kill(the_recorder(), signal.SIGKILL)
        until_no_recorder()
        assert run.process.poll() is None and lib.first_init(run.pid)
        os.kill(run.pid, signal.SIGTERM)
        assert run.wait() == 128 + signal.SIGTERM
        assert run.process.stderr.read() == b""


def test_supervisor_killed_leaves_no_recorder_and_no_record(ours, who):
    root, user = who
    with running(ours, root, user, "--json") as run:
        run.expect("up")
        the_recorder()
        os.kill(run.pid, signal.SIGKILL)
        assert run.wait() == 128 + signal.SIGKILL
        # To the end of the pipe: nobody holds it.
        assert run.process.stderr.read() == b""
        until_no_recorder()


def test_all_children_killed_leave_the_record(ours, who):
    """pkill -KILL -P PID, as people are used to."""
    root, user = who
    with running(ours, root, user, "--json") as run:
        run.expect("up")
        for pid in lib.children(run.pid):
            os.kill(pid, signal.SIGKILL)
        assert run.wait() == 128 + signal.SIGKILL
        assert record(run.process.stderr.read().decode())["signal"] == signal.SIGKILL


def test_recorder_that_cannot_be_started_is_an_own_failure(ours, who):
    root, user = who
    if user is None:
        pytest.skip("root has no limit on processes")
    count = sum(1 for pid in lib.parents() if lib.status_field(pid, "Uid")[:1] == [str(user.uid)])
    limits = {lib.resource.RLIMIT_NPROC: (count + 1, count + 1)}
    result = lib.run([ours.contain, "-c", "--json", root, "/bin/true"], user=user, limits=limits)
    assert fails(result, OWN_FAILURE, stage="record")["cause"]


def log(result):
    return [json.loads(line) for line in result.err.splitlines()]


@pytest.mark.parametrize("tool", ["contain", "pseudo", "inject"])
def test_errors_as_records(ours, who, tool):
    root, user = who
    program = getattr(ours, tool)
    with running(ours, root, user) as target:
        target.expect("up")
        operand = {"contain": [root], "pseudo": [], "inject": [str(target.pid)]}[tool]
        result = lib.run([program, "--log-format", "json", *operand, "/bin/nothing"], user=user)
        text = lib.run([program, "--log-format", "text", *operand, "/bin/nothing"], user=user)
    *notes, error = log(result)
    assert result.status == text.status == 127 and all(note["level"] == "info" for note in notes)
    assert error["level"] == "error" and error["program"] == tool and error["errno_name"] == "ENOENT"
    assert error["operation"] == "execute" and error["object"] == "/bin/nothing" and error["step"]
    assert f"{tool}: {error['msg']}\nhint: {error['remedy']}\n" in text.err


def test_usage_errors_as_records(ours):
    (error,) = log(lib.run([ours.contain, "--log-format=json"]))
    assert error["stage"] == "usage" and error["kind"] == "invalid" and error["cause"] == "no DIR given"
    (error,) = log(lib.run([ours.inject, "--log-format", "json", "--bogus"]))
    assert error["program"] == "inject" and "--bogus" in error["cause"] and error["remedy"]
    wrong = lib.run([ours.pseudo, "--log-format", "xml"])
    assert wrong.status == USAGE and "text and json" in wrong.err


def test_both_at_once_are_two_lines(ours, who):
    root, user = who
    result = lib.run([ours.contain, "-c", "--log-format", "json", "--json", root, "/bin/nothing"], user=user)
    found = [line for line in log(result) if line.get("level") != "info"]
    assert sorted("level" in line for line in found) == [False, True] and result.status == 127


def test_record_is_there_when_the_program_has_ended(ours, who, tmp_path):
    root, user = who
    place = tmp_path / f"record-{os.getpid()}"
    with open(place, "wb") as file:
        for _ in range(5):
            file.truncate(0)
            file.seek(0)
            before = lambda: os.dup2(file.fileno(), 9)
            with lib.spawn([ours.contain, "-c", "--json-fd", "9", root, "/bin/true"], user=user, before=before,
                           close_fds=False, stdin=subprocess.DEVNULL) as process:
                assert process.wait() == 0
                assert record(place.read_text())["status"] == 0
