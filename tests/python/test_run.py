# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain.run: what the command sees, and its status."""

import os
import pathlib
import resource
import signal
import subprocess

import contain
import pytest


def said(argv, **more):
    """What a command writes to stdout."""
    result = contain.run(argv, capture_output=True, text=True, **more)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "line",
    ["exit 0", "exit 7", "exit 255", *(f"kill -{name} $$" for name in ("ABRT", "KILL", "TERM", "PIPE", "HUP", "ALRM"))],
)
def test_status_of_a_shell_is_that_of_subprocess(line, tmp_path):
    outside = subprocess.run(["sh", "-c", line], cwd=tmp_path)
    inside = contain.run(["sh", "-c", line])
    assert inside.returncode == outside.returncode
    assert inside.ended_by == ("exited" if outside.returncode >= 0 else "signalled")


@pytest.mark.parametrize(
    "code",
    [
        "os.abort()",
        "signal.setitimer(signal.ITIMER_REAL, 0.05); time.sleep(10)",
        "signal.signal(signal.SIGPIPE, signal.SIG_DFL); r, w = os.pipe(); os.close(r); os.write(w, b'x')",
        "os.kill(os.getpid(), 9)",
    ],
    ids=["abort", "alarm", "sigpipe", "kill"],
)
def test_default_action_of_a_signal_ends_the_command_as_under_subprocess(code, inner_python, tmp_path):
    argv = [inner_python, "-c", f"import os, signal, time; {code}"]
    outside = subprocess.run(argv, cwd=tmp_path)
    assert outside.returncode < 0
    assert contain.run(argv, cwd="/tmp").returncode == outside.returncode


LIMITED = {
    "cpu": "resource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass",
    "hard cpu": "signal.signal(signal.SIGXCPU, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_CPU, (1, 1))\nwhile True: pass",
    "file size": "signal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nresource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    "file = os.open('/tmp', os.O_TMPFILE | os.O_WRONLY)\nos.write(file, b'x' * 10)\nos.write(file, b'x')",
}


@pytest.mark.parametrize("code", LIMITED.values(), ids=LIMITED.keys())
def test_command_that_reaches_a_limit_ends_as_under_subprocess(code, inner_python):
    argv = [inner_python, "-c", f"import os, resource, signal\n{code}"]
    outside = subprocess.Popen(argv, cwd="/tmp")
    inside = contain.run(argv, cwd="/tmp")
    assert outside.wait() < 0
    assert inside.returncode == outside.returncode and inside.ended_by == "signalled"


def test_limits_given_are_those_of_the_command(inner_python):
    limits = (
        contain.Rlimit(resource=resource.RLIMIT_CPU, soft=100, hard=200),
        contain.Rlimit(resource=resource.RLIMIT_CORE, soft=0),
        contain.Rlimit(resource=resource.RLIMIT_FSIZE, soft=1 << 20, hard=resource.getrlimit(resource.RLIMIT_FSIZE)[1]),
    )
    code = "import resource as r; print(*(r.getrlimit(n) for n in (r.RLIMIT_CPU, r.RLIMIT_CORE, r.RLIMIT_FSIZE)))"
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    assert said([inner_python, "-c", code], rlimits=limits) == f"(100, 200) (0, 0) ({1 << 20}, {hard})\n"


def test_command_over_its_limit_ends_as_under_subprocess():
    """The shell starts with its soft limit; its child is ended by the same signal as outside."""
    line = "yes >/tmp/file; echo $?"
    limit = contain.Rlimit(resource=resource.RLIMIT_FSIZE, soft=4096)
    assert said(["sh", "-c", line], rlimits=[limit]) == f"{128 + signal.SIGXFSZ}\n"


def test_signals_ignored_by_the_caller_are_default_inside(script):
    code = """if True:
        import contain, signal
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(contain.run(["sh", "-c", "kill -TERM $$"]).returncode)
    """
    assert script(code).stdout == "-15\n"


def test_command_is_pid_2_and_root_in_namespaces_of_its_own():
    ids, pid, *links = said(["sh", "-c", "id -u; echo $$; cd /proc/self/ns; readlink user mnt pid ipc uts net"]).split()
    assert (ids, pid) == ("0", "2")
    ours = [os.readlink(f"/proc/self/ns/{kind}") for kind in ("user", "mnt", "pid", "ipc", "uts", "net")]
    assert len(links) == 6 and not set(links) & set(ours)


def test_without_init_the_command_is_pid_1():
    assert said(["sh", "-c", "echo $$"], init=False) == "1\n"


def test_host_system_is_read_only_and_tmp_is_private(tmp_path):
    line = f"touch /usr/x 2>/dev/null || echo refused; touch /tmp/mine; ls /tmp; ls {tmp_path} 2>&1 || true"
    seen = said(["sh", "-c", line])
    assert seen.splitlines()[:2] == ["refused", "mine"]
    assert "No such file" in seen
    assert not pathlib.Path("/tmp/mine").exists()


def test_root_is_the_directory_given(root):
    seen = said(["sh", "-c", "read place </etc/place; echo $place; echo /*"], root=root)
    assert seen.startswith("here\n/bin /dev /etc")


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path], ids=["str", "bytes", "path"])
def test_paths_are_str_bytes_or_pathlike(kind, root):
    assert said([kind("/bin/sh"), kind("-c"), "pwd"], root=kind(str(root)), cwd=kind("/etc")) == "/etc\n"


def test_arguments_that_are_not_utf8_arrive():
    assert contain.run(["printf", "%s", b"\xff\xfe"], capture_output=True).stdout == b"\xff\xfe"
    assert contain.run(["printf", "%s", "\udcff"], capture_output=True).stdout == b"\xff"


def test_default_environment_is_small():
    seen = dict(line.split("=", 1) for line in said(["env"]).splitlines())
    assert seen == {
        "container": "contain",
        "HOME": "/root",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }


def test_environment_given_is_the_whole():
    assert said(["/usr/bin/env"], env={"A": "1", "B": "x=y"}) == "A=1\nB=x=y\n"
    assert said(["/usr/bin/env"], env={b"A": b"1"}) == "A=1\n"
    assert said(["/usr/bin/env"], env={}) == ""


def test_command_is_looked_up_on_the_path_of_its_environment():
    assert said(["sh", "-c", "echo found"], env={"PATH": "/nowhere:/bin"}) == "found\n"
    with pytest.raises(contain.CommandNotFoundError):
        contain.run(["sh"], env={"PATH": "/nowhere"})


@pytest.mark.parametrize("name", ["box", b"box"])
def test_hostname_is_set_inside_alone(name):
    before = os.uname().nodename
    assert said(["uname", "-n"], hostname=name) == "box\n"
    assert os.uname().nodename == before


def test_network_is_loopback_alone_or_the_hosts():
    code = "cat /proc/net/dev | tail -n +3 | cut -d: -f1"
    assert said(["sh", "-c", code]).split() == ["lo"]
    assert said(["readlink", "/proc/self/ns/net"], network="host").strip() == os.readlink("/proc/self/ns/net")


def test_id_maps_are_as_asked():
    maps = {"uid_map": f"0:{os.getuid()}:1", "gid_map": f"0:{os.getgid()}:1"}
    uid_map = said(["cat", "/proc/self/uid_map"], **maps).split()
    assert uid_map == ["0", str(os.getuid()), "1"]


@pytest.mark.parametrize("no_new_privs", [True, False])
def test_no_new_privs_is_as_asked(no_new_privs):
    seen = said(["grep", "NoNewPrivs", "/proc/self/status"], no_new_privs=no_new_privs)
    assert seen.split() == ["NoNewPrivs:", "1" if no_new_privs else "0"]


def test_profile_of_seccomp_decides_what_is_refused():
    line = "unshare --user true 2>/dev/null && echo allowed || echo refused"
    assert said(["sh", "-c", line], seccomp="app") == "refused\n"
    assert said(["sh", "-c", line], seccomp="none") == "allowed\n"


def test_usage_is_that_of_the_command(inner_python):
    code = "import time\nheld = b'x' * 50_000_000\nwhile time.process_time() < 0.2: pass\ntime.sleep(0.2)"
    usage = contain.run([inner_python, "-c", code], check=True).usage
    assert 0.2 <= usage.cpu_seconds < 2 and usage.cpu_seconds == usage.user_seconds + usage.system_seconds
    assert 0.4 <= usage.wall_seconds < 10
    assert 50_000_000 <= usage.peak_memory < 500_000_000


def test_background_processes_end_with_the_command(mark):
    assert contain.run(["sh", "-c", f"trap '' HUP TERM; sleep {mark.seconds} & exit 3"]).returncode == 3
    assert mark.processes() == []


def test_check_raises_with_output_and_result():
    with pytest.raises(contain.CalledProcessError) as caught:
        contain.run(["sh", "-c", "echo out; echo err >&2; exit 4"], capture_output=True, text=True, check=True)
    error = caught.value
    assert isinstance(error, subprocess.CalledProcessError)
    assert (error.returncode, error.stdout, error.stderr) == (4, "out\n", "err\n")
    assert error.result.ended_by == "exited" and error.cmd[0] == "sh"
    assert contain.run(["true"], check=True).returncode == 0


def test_result_is_one_of_subprocess():
    result = contain.run(("true",))
    assert isinstance(result, subprocess.CompletedProcess)
    assert (result.args, result.stdout, result.stderr) == (["true"], None, None)
