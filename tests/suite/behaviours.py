# SPDX-License-Identifier: MIT OR Apache-2.0
"""What containers do, as one list for the command line, C and Python, for root and for an ordinary user.

A configuration says only what differs from the libraries' own: a command on the container's PATH, PID 2 under a reaping
PID 1, the profile `app`, no_new_privs. The root is a small one with busybox unless it is named. The command line is
given the options that mean the same; `plain` leaves it, and the others, with their own defaults.

Where the three differ by contract, `by` says how and `why` says why. What a language cannot say is in CANNOT, with what
its interface will contain once it can.
"""

import dataclasses
import re
from typing import Any


def like(pattern: str) -> re.Pattern[str]:
    """Text that matches a pattern as a whole."""
    return re.compile(pattern, re.DOTALL)


Text = str | re.Pattern[str]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A command that was executed and ended. `ended_by` None: as the status says; the command line does not tell."""

    exit_status: int = 0
    stdout: Text = ""
    stderr: Text = ""
    ended_by: str | None = None


@dataclasses.dataclass(frozen=True)
class Refusal:
    """An error. The command line tells message, remedy, and for the code a status: 127 of a command that is not found,
    126 of one that is not executable, else 125, or 64 where the value of an option is refused before anything else."""

    code: str | int
    message: Text
    stage: str | None = None
    errno: int | None = None
    cause: Text | None = None
    remedy: Text | None = None
    is_usage: bool = False
    step: int | None = None
    """The number of the plan's step that failed; another in each language, as their plans differ a little."""


@dataclasses.dataclass(frozen=True)
class Behaviour:
    """One of them. `user` is what an ordinary user gets, where that is something else."""

    name: str
    config: dict[str, Any]
    end: Outcome | Refusal = Outcome()
    acts: tuple[tuple[str, Any], ...] = ()
    """What is done while the command runs, in order: (kind, argument)."""
    done: tuple[Any, ...] = ()
    """What comes of each act; "done" for those that are not listed."""
    user: Outcome | Refusal | None = None
    by: dict[str, Outcome | Refusal] = dataclasses.field(default_factory=dict)
    why: str = ""
    plain: bool = False
    only: str = ""
    """"root" or "user", where the other cannot."""
    written: dict[str, str] = dataclasses.field(default_factory=dict)
    """Files of the host, in the folder that is the bind mounts' source or in the root, and what they hold afterwards;
    an empty text: they are not there."""


def sh(script: str, *arguments: str) -> list[str]:
    """A shell's command."""
    return ["/bin/sh", "-c", script, "sh", *arguments] if arguments else ["/bin/sh", "-c", script]


def status(line: str) -> list[str]:
    """A command that prints a line of its own status."""
    return ["/bin/grep", line, "/proc/self/status"]


def bind(target: str, read_only: bool) -> dict[str, Any]:
    """A mount of the behaviour's own folder."""
    return {"kind": "bind", "source": "{folder}", "target": target, "read_only": read_only}


def tmpfs(target: str, size: int, mode: int) -> dict[str, Any]:
    return {"kind": "tmpfs", "target": target, "size": size, "mode": mode}


SPIN = "while :; do :; done"
READY = "echo ready; exec sleep 60"
KILLED = Outcome(137, "ready\n", ended_by="signalled")
ENVIRONMENT = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

ENDS = [
    Behaviour("exit_0", {"argv": sh("exit 0")}),
    Behaviour("exit_7", {"argv": sh("exit 7")}, Outcome(7)),
    Behaviour("exit_255", {"argv": sh("exit 255")}, Outcome(255)),
    Behaviour("exit_137_is_no_signal", {"argv": sh("exit 137")}, Outcome(137, ended_by="exited")),
    Behaviour("killed_by_itself", {"argv": sh("kill -9 $$")}, Outcome(137, ended_by="signalled")),
    Behaviour("terminated_by_itself", {"argv": sh("kill -15 $$")}, Outcome(143, ended_by="signalled")),
    Behaviour("broken_pipe", {"argv": sh("kill -13 $$")}, Outcome(141, ended_by="signalled")),
    Behaviour("core_dumping_signal", {"argv": sh("kill -6 $$")}, Outcome(134, ended_by="signalled")),
    Behaviour("sigsys_under_a_filter_that_ends_nothing", {"argv": sh("kill -31 $$")}, Outcome(159, ended_by="signalled")),
    Behaviour("ended_by_cpu_time", {"argv": sh(SPIN), "rlimits": [["RLIMIT_CPU", 1, 1]]}, Outcome(137, ended_by="cpu"),
              only="root"),
    Behaviour("ended_by_the_soft_limit_of_cpu_time", {"argv": sh(SPIN), "rlimits": [["RLIMIT_CPU", 1, 3]]},
              Outcome(152, "", like(".*"), ended_by="cpu"), only="user"),
    Behaviour("sigxcpu_before_its_time", {"argv": sh("kill -24 $$"), "rlimits": [["RLIMIT_CPU", 5, 5]]},
              Outcome(152, "", like(".*"), ended_by="signalled")),
    Behaviour("killed_with_a_limit_of_cpu_time", {"argv": sh(READY), "rlimits": [["RLIMIT_CPU", 5, 5]]}, KILLED,
              acts=(("read", "ready\n"), ("kill", None))),
    Behaviour("deadline_before_the_limit_of_cpu_time", {"argv": sh(SPIN), "timeout": 0.3, "rlimits": [["RLIMIT_CPU", 5, 5]]},
              Outcome(124, ended_by="wall")),
    Behaviour("what_is_left_ends_too", {"argv": sh("sleep 60 & echo begun")}, Outcome(0, "begun\n")),
]

PROCESS = [
    Behaviour("arguments", {"argv": sh('printf "%s|" "$@"', "a b", "", "*")}, Outcome(0, "a b||*|")),
    Behaviour("argument_of_any_bytes", {"argv": sh('printf %s "$1" | od -An -tx1', "\udcff\udc80")},
              Outcome(0, like(r" *ff 80 *\n"))),
    Behaviour("command_on_path", {"argv": ["echo", "found"]}, Outcome(0, "found\n"),
              by={"cli": Refusal("NOT_FOUND", like("execute echo: ENOENT .*"))},
              why="`contain` takes its command as a path, as the original does"),
    Behaviour("command_on_a_path_of_its_own", {"argv": ["tool"], "env": ["PATH=/opt"]}, Outcome(0, "tool\n"),
              by={"cli": Refusal("NOT_FOUND", like("execute tool: ENOENT .*"))},
              why="`contain` takes its command as a path, as the original does"),
    Behaviour("environment", {"argv": sh('echo "$A|$B"'), "env": ["A=1", "B=x=y"]}, Outcome(0, "1|x=y\n")),
    Behaviour("environment_is_the_whole", {"argv": ["/bin/env"], "env": ["A=1"]}, Outcome(0, "A=1\n"),
              by={"cli": Outcome(0, "container=contain\nA=1\n")},
              why="`--env` adds to container=contain"),
    Behaviour("environment_by_default", {"argv": ["/bin/env"]},
              Outcome(0, f"container=contain\n{ENVIRONMENT}\nHOME=/root\n"), plain=True,
              by={"cli": Outcome(0, "container=contain\n")},
              why="`contain` gives container=contain alone, as the original does"),
    Behaviour("working_directory", {"argv": ["/bin/pwd"]}, Outcome(0, "/\n")),
    Behaviour("chdir", {"argv": ["/bin/pwd"], "chdir": "/tmp"}, Outcome(0, "/tmp\n")),
    Behaviour("ids", {"argv": sh("id -u; id -g")}, Outcome(0, "0\n0\n")),
    Behaviour("no_new_privs", {"argv": status("NoNewPrivs")}, Outcome(0, "NoNewPrivs:\t1\n")),
    Behaviour("new_privs", {"argv": status("NoNewPrivs"), "no_new_privs": False}, Outcome(0, "NoNewPrivs:\t0\n")),
    Behaviour("seccomp_app", {"argv": sh("unshare -U true 2>/dev/null || echo refused; grep Seccomp: /proc/self/status")},
              Outcome(0, "refused\nSeccomp:\t2\n")),
    Behaviour("seccomp_none", {"argv": sh("mount -t tmpfs none /mnt && echo mounted"), "seccomp": "none"},
              Outcome(0, "mounted\n")),
    Behaviour("seccomp_system", {"argv": sh("mount -t tmpfs none /mnt && echo mounted"), "seccomp": "system"},
              Outcome(0, "mounted\n")),
    Behaviour("capabilities_of_app", {"argv": status("CapEff")}, Outcome(0, "CapEff:\t00000000a80425fb\n")),
    Behaviour("capabilities_of_system", {"argv": status("CapEff"), "seccomp": "system"},
              Outcome(0, like("CapEff:\t0000..ffffffffff\n"))),
    Behaviour("capabilities_given", {"argv": status("Cap[EPB]"), "capabilities": ["CAP_CHOWN", "KILL"]},
              Outcome(0, "CapPrm:\t0000000000000021\nCapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n")),
    Behaviour("no_capabilities", {"argv": status("CapEff"), "capabilities": []}, Outcome(0, "CapEff:\t" + "0" * 16 + "\n")),
    Behaviour("user_by_number", {"argv": sh("id -u; id -g"), "user": "1000:50"}, Outcome(0, "1000\n50\n"), only="root"),
    Behaviour("user_has_a_home", {"argv": sh("echo $HOME; echo $PATH"), "user": "guest"},
              Outcome(0, f"/home/guest\n{ENVIRONMENT[5:]}\n"), only="root"),
    Behaviour("user_by_name", {"argv": sh("id -u; id -g; echo $HOME"), "user": "guest", "env": [ENVIRONMENT]},
              Outcome(0, "1000\n1000\n/home/guest\n"), only="root"),
    Behaviour("limits", {"argv": sh("ulimit -n; ulimit -Hn; ulimit -c"),
                         "rlimits": [["RLIMIT_NOFILE", 64, 128], ["RLIMIT_CORE", 0, 0]]}, Outcome(0, "64\n128\n0\n")),
    Behaviour("limit_above_the_callers", {"argv": ["/bin/true"], "rlimits": [["RLIMIT_NOFILE", 64, 1 << 40]]},
              Refusal("SYSTEM", like("set resource limit nofile: EPERM .*"), "process.rlimit", 1)),
    Behaviour("file_size_limit_ends", {"argv": ["/bin/dd", "if=/dev/zero", "of=/dev/shm/x", "bs=4096", "count=4"],
                                       "rlimits": [["RLIMIT_FSIZE", 4096, 4096]]},
              Outcome(153, "", like(".*"), ended_by="signalled")),
    Behaviour("init", {"argv": sh("echo $$")}, Outcome(0, "2\n")),
    Behaviour("without_init", {"argv": sh("echo $$"), "init": False}, Outcome(0, "1\n")),
    Behaviour("defaults", {"argv": sh("echo $$; grep -E 'NoNewPrivs|Seccomp:|CapEff' /proc/self/status")},
              Outcome(0, "2\nCapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2\n"), plain=True,
              by={"cli": Outcome(0, like("1\nCapEff:\t0000..ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t2\n"))},
              why="`contain DIR` boots a system as PID 1 under `system`; the libraries run a command under `app`"),
]

DEADLINES = [
    Behaviour("deadline", {"argv": sh("echo begun; sleep 60 & sleep 60"), "timeout": 0.3}, Outcome(124, "begun\n", ended_by="wall")),
    Behaviour("deadline_that_is_met", {"argv": sh("exit 3"), "timeout": 60}, Outcome(3)),
    Behaviour("deadline_of_a_container", {"argv": sh("echo ready; sleep 60 & sleep 60"), "timeout": 0.3},
              Outcome(124, "ready\n", ended_by="wall"), acts=(("wait", 20000),), done=("ended",)),
]

STREAMS = [
    Behaviour("stdin_to_stdout", {"argv": ["/bin/cat"], "stdin": "one\ntwo\n"}, Outcome(0, "one\ntwo\n")),
    Behaviour("stdin_empty", {"argv": sh("cat; echo end")}, Outcome(0, "end\n")),
    Behaviour("stderr_apart", {"argv": sh("echo out; echo err >&2; exit 3")}, Outcome(3, "out\n", "err\n")),
    Behaviour("much_output", {"argv": sh("head -c 1000000 /dev/zero | tr '\\0' x | wc -c; head -c 300000 /dev/zero | tr '\\0' x")},
              Outcome(0, "1000000\n" + "x" * 300000)),
    Behaviour("no_terminal", {"argv": sh("test -t 0 || test -t 1 || echo none; test -e /dev/console || echo absent")},
              Outcome(0, "none\nabsent\n")),
    Behaviour("outputs_reopened", {"argv": sh("echo a >/dev/stdout; echo b >/proc/self/fd/2")}, Outcome(0, "a\n", "b\n")),
    Behaviour("no_descriptor_leaks", {"argv": sh("ls /proc/self/fd")}, Outcome(0, "0\n1\n2\n3\n")),
]

SURROUNDINGS = [
    Behaviour("hostname", {"argv": ["/bin/hostname"], "hostname": "box"}, Outcome(0, "box\n")),
    Behaviour("hostname_of_the_host", {"argv": ["/bin/hostname"]}, Outcome(0, "{hostname}\n")),
    Behaviour("network_of_its_own", {"argv": sh("readlink /proc/self/ns/net; ip -o address show dev lo | grep -c 127.0.0.1/8")},
              Outcome(0, like(r"(?!{network})net:\[\d+\]\n1\n"))),
    Behaviour("network_of_the_host", {"argv": ["/bin/readlink", "/proc/self/ns/net"], "network": "host"},
              Outcome(0, "{network}\n")),
    Behaviour("processes_of_its_own", {"argv": sh("ls -d /proc/[0-9]*"), "init": False}, Outcome(0, "/proc/1\n")),
    Behaviour("root_is_the_directory", {"argv": ["/bin/cat", "/etc/place"]}, Outcome(0, "here\n")),
    Behaviour("root_is_writable", {"argv": sh("echo new >/etc/written")}, written={"{root}/etc/written": "new\n"}),
    Behaviour("root_of_the_host", {"argv": ["/bin/sh", "-c", "cd /usr && test -d bin && ! touch x 2>/dev/null && echo kept"],
                                   "root": "host"}, Outcome(0, "kept\n")),
    Behaviour("private_tmp_of_the_host", {"argv": ["/bin/sh", "-c", "ls /tmp; echo x >/tmp/x && cat /tmp/x"], "root": "host"},
              Outcome(0, "x\n")),
    Behaviour("maps_given", {"argv": sh("cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '"), "uid_map": "0:{uid}:1",
                             "gid_map": "0:{gid}:1"}, Outcome(0, " 0 {uid} 1\n 0 {gid} 1\n")),
    Behaviour("bind", {"argv": sh("cat /srv/data/before; echo new >/srv/data/after"), "mounts": [bind("/srv/data", False)]},
              Outcome(0, "given\n"), written={"{folder}/after": "new\n"}),
    Behaviour("bind_read_only", {"argv": sh("cat /srv/data/before; echo new >/srv/data/after"),
                                 "mounts": [bind("/srv/data", True)]},
              Outcome(1, "given\n", like(".*Read-only file system\n")), written={"{folder}/after": ""}),
    Behaviour("tmpfs", {"argv": sh("stat -c %a /cache; echo x >/cache/x; head -c 70000 /dev/zero >/cache/big"),
                        "mounts": [tmpfs("/cache", 65536, 0o700)]},
              Outcome(1, "700\n", like("head: .+\n")), written={"{root}/cache/x": ""}),
    Behaviour("overlay", {"argv": sh("echo new >/etc/over; cat /etc/over /etc/place"), "overlay": 1 << 20},
              Outcome(0, "new\nhere\n"), written={"{root}/etc/over": ""}),
    Behaviour("read_only", {"argv": sh("echo new >/etc/over"), "read_only": True},
              Outcome(1, "", like(".*Read-only file system\n")), written={"{root}/etc/over": ""}),
]

ACTS = [
    Behaviour("start_after_create", {"argv": sh("echo begun; exit 4")}, Outcome(4, "begun\n"), acts=(("create", None), ("start", None))),
    Behaviour("start_of_what_is_not_there", {"argv": ["/bin/nowhere"]}, Outcome(125, ended_by="setup"),
              acts=(("create", None), ("start", None)),
              done=("done", Refusal("NOT_FOUND", like("execute /bin/nowhere: ENOENT .*"), "process.exec", 2))),
    Behaviour("killed_before_its_start", {"argv": ["/bin/true"]}, Outcome(137, ended_by="signalled"),
              acts=(("create", None), ("kill", None))),
    Behaviour("kill", {"argv": sh(READY)}, KILLED, acts=(("read", "ready\n"), ("kill", None))),
    Behaviour("kill_takes_all", {"argv": sh("sleep 60 & trap '' TERM; echo ready; wait")}, KILLED,
              acts=(("read", "ready\n"), ("kill", None))),
    Behaviour("stop", {"argv": sh("trap 'echo got; exit 9' TERM; echo ready; while :; do sleep 0.1; done")},
              Outcome(9, "ready\ngot\n"), acts=(("read", "ready\n"), ("stop", 20000))),
    Behaviour("stop_of_what_does_not_listen", {"argv": sh("trap '' TERM; echo ready; while :; do sleep 0.1; done")},
              KILLED, acts=(("read", "ready\n"), ("stop", 50))),
    Behaviour("stop_of_what_has_ended", {"argv": sh("exit 5")}, Outcome(5),
              acts=(("wait", 20000), ("stop", 0)), done=("ended", "done")),
    Behaviour("signal", {"argv": sh(READY)}, Outcome(143, "ready\n", ended_by="signalled"),
              acts=(("read", "ready\n"), ("signal", 15))),
    Behaviour("signal_with_handler", {"argv": sh("trap 'echo got; exit 9' USR1; echo ready; while :; do sleep 0.1; done")},
              Outcome(9, "ready\ngot\n"), acts=(("read", "ready\n"), ("signal", 10))),
    Behaviour("wait_with_timeout", {"argv": sh(READY)}, KILLED,
              acts=(("read", "ready\n"), ("wait", 0), ("wait", 50), ("kill", None), ("wait", 20000), ("wait", 0)),
              done=("done", "running", "running", "done", "ended", "ended")),
    Behaviour("events_of_a_life", {"argv": sh(READY)}, KILLED, acts=(
        ("create", None), ("listen", None), ("hear", 1), ("start", None), ("hear", 1), ("read", "ready\n"), ("kill", None),
        ("hear", 2)), done=("done", "done", "created", "done", "running", "done", "done", "stopped exit:137")),
    Behaviour("events_are_kept_until_they_are_heard", {"argv": sh("exit 5")}, Outcome(5), acts=(
        ("create", None), ("listen", None), ("start", None), ("wait", 20000), ("hear", 4), ("hear", 1)),
        done=("done", "done", "done", "ended", "created running stopped exit:5", Refusal("GONE", like(".*has ended.*"), "events", 3))),
    Behaviour("events_begin_with_the_present", {"argv": sh(READY)}, KILLED, acts=(
        ("read", "ready\n"), ("listen", None), ("hear", 1), ("kill", None), ("wait", 20000), ("listen", None), ("hear", 2)),
        done=("done", "done", "running", "done", "ended", "done", "stopped exit:137")),
    Behaviour("events_of_a_start_that_fails", {"argv": ["/bin/nowhere"]}, Outcome(125, ended_by="setup"), acts=(
        ("create", None), ("listen", None), ("start", None), ("hear", 3)),
        done=("done", "done", Refusal("NOT_FOUND", like("execute /bin/nowhere: ENOENT .*")), "created stopped exit:125")),
    Behaviour("inject", {"argv": sh(READY)}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("cat; cat /etc/place; echo err >&2; exit 3"), "stdin": "in\n"}),
        ("kill", None)), done=("done", Outcome(3, "in\nhere\n", "err\n"), "done")),
    Behaviour("inject_signalled", {"argv": sh(READY)}, KILLED,
              acts=(("read", "ready\n"), ("inject", {"argv": sh("kill -9 $$")}), ("kill", None)),
              done=("done", Outcome(137, ended_by="signalled"), "done")),
    Behaviour("inject_is_inside", {"argv": sh(READY), "hostname": "box"}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("hostname; pwd; id -u; readlink /proc/2/ns/pid | grep -c pid")}),
        ("kill", None)), done=("done", Outcome(0, "box\n/\n0\n1\n"), "done")),
    Behaviour("inject_has_all_capabilities", {"argv": sh(READY)}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("grep -E 'NoNewPrivs|CapEff' /proc/self/status")}), ("kill", None)),
        done=("done", Outcome(0, like("CapEff:\t0000..ffffffffff\nNoNewPrivs:\t0\n")), "done")),
    Behaviour("inject_under_the_profile_of_the_container", {"argv": sh(READY), "seccomp": "none"}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("grep -c . /proc/self/status >/dev/null; unshare -U true && echo allowed")}),
        ("kill", None)), done=("done", Outcome(0, "allowed\n"), "done")),
    Behaviour("inject_under_a_profile_of_its_own", {"argv": sh(READY), "seccomp": "none"}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("unshare -U true 2>/dev/null || echo refused"), "seccomp": "app"}),
        ("kill", None)), done=("done", Outcome(0, "refused\n"), "done")),
    Behaviour("inject_on_path_with_environment", {"argv": sh(READY)}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": ["env"], "env": ["PATH=/bin", "A=1"]}), ("kill", None)),
        done=("done", Outcome(0, "PATH=/bin\nA=1\n"), "done")),
    Behaviour("inject_not_found", {"argv": sh(READY)}, KILLED,
              acts=(("read", "ready\n"), ("inject", {"argv": ["/bin/nowhere"]}), ("kill", None)),
              done=("done", Refusal("NOT_FOUND", like("execute /bin/nowhere: ENOENT .*"), "process.exec", 2), "done")),
    Behaviour("inject_not_executable", {"argv": sh(READY)}, KILLED,
              acts=(("read", "ready\n"), ("inject", {"argv": ["/etc/place"]}), ("kill", None)),
              done=("done", Refusal("NOT_EXECUTABLE", like("execute /etc/place: EACCES .*"), "process.exec", 13), "done")),
]

NONE = "0" * 16
LOOK = "grep -E 'Groups|CapPrm|CapBnd|NoNewPrivs' /proc/self/status"


def injected(name: str, argv: list[str], come: Outcome | Refusal, only: str = "", **given: Any) -> Behaviour:
    """One about a command that is injected."""
    acts = (("read", "ready\n"), ("inject", {"argv": argv, **given}), ("kill", None))
    return Behaviour(name, {"argv": sh(READY)}, KILLED, acts=acts, done=("done", come, "done"), only=only)


INJECTED = [
    injected("inject_chdir", ["/bin/pwd"], Outcome(0, "/tmp\n"), chdir="/tmp"),
    injected("inject_no_working_directory", ["/bin/true"], Refusal("SYSTEM", like(".*/nowhere: ENOENT .*"), None, 2),
             chdir="/nowhere"),
    injected("inject_user", sh("id -u; id -g; echo $HOME"), Outcome(0, "1000\n1000\n/home/guest\n"), "root",
             user="guest", env=[ENVIRONMENT]),
    injected("inject_user_with_a_group", sh(f"id -u; id -g; {LOOK}"),
             Outcome(0, like(f"1000\n50\nGroups:\t \nCapPrm:\t{NONE}\nCapBnd:\t0000..ffffffffff\nNoNewPrivs:\t0\n")), "root",
             user="1000:50"),
    injected("inject_user_that_is_not_there", ["/bin/true"], Refusal("INVALID", like(".*nobodyhere.*")), user="nobodyhere"),
    injected("inject_user_that_is_none", ["/bin/true"], Refusal("INVALID", like(".*a:b:c.*"), is_usage=True), user="a:b:c"),
    injected("inject_user_that_is_not_mapped", ["/bin/true"], Refusal("ID_MAP", like(".*1000.*")), "user", user="1000"),
    injected("inject_groups", ["/bin/id", "-G"], Outcome(0, "1000 50 0\n"), "root", user="guest", groups=[50, "root"]),
    injected("inject_groups_of_root", ["/bin/id", "-G"], Outcome(0, "0 1000\n"), "root", groups=["guest", 0]),
    injected("inject_no_groups", sh(LOOK + " | head -n 1"), Outcome(0, "Groups:\t \n"), groups=[]),
    injected("inject_group_that_is_not_there", ["/bin/true"], Refusal("INVALID", like(".*nobodyhere.*")),
             groups=["nobodyhere"]),
    injected("inject_group_that_is_none", ["/bin/true"], Refusal("INVALID", like(".*-1.*"), is_usage=True), groups=[-1]),
    injected("inject_group_that_is_not_mapped", ["/bin/true"], Refusal("ID_MAP", like(".*group 1000: .*"), "idmap"), "user",
             groups=[1000]),
    injected("inject_capabilities_given", status("Cap[EPB]"),
             Outcome(0, "CapPrm:\t0000000000000021\nCapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n"),
             capabilities=["CAP_CHOWN", "KILL"]),
    injected("inject_no_capabilities", status("Cap[PB]"), Outcome(0, f"CapPrm:\t{NONE}\nCapBnd:\t{NONE}\n"),
             capabilities=[]),
    injected("inject_user_whose_capabilities_are_bounded", status("Cap"), Outcome(
        0, f"CapInh:\t{NONE}\nCapPrm:\t{NONE}\nCapEff:\t{NONE}\nCapBnd:\t0000000000000001\nCapAmb:\t{NONE}\n"), "root",
        user="guest", capabilities=["CHOWN"]),
    injected("inject_capability_that_is_none", ["/bin/true"], Refusal("INVALID", like(".*FLY.*"), is_usage=True),
             capabilities=["FLY"]),
    injected("inject_no_new_privs", sh(LOOK + " | tail -n 1"), Outcome(0, "NoNewPrivs:\t1\n"), no_new_privs=True),
    injected("inject_confined", sh(LOOK), Outcome(0, f"Groups:\t \nCapPrm:\t{NONE}\nCapBnd:\t{NONE}\nNoNewPrivs:\t1\n"),
             "root", user="guest:50", capabilities=[], no_new_privs=True),
    injected("inject_limits", sh("ulimit -n; ulimit -Hn; ulimit -c"), Outcome(0, "64\n128\n0\n"),
             rlimits=[["RLIMIT_NOFILE", 64, 128], ["RLIMIT_CORE", 0, 0]]),
    injected("inject_ended_by_cpu_time", sh(SPIN), Outcome(137, ended_by="cpu"), "user", rlimits=[["RLIMIT_CPU", 1, 1]]),
    injected("inject_limit_above_the_callers", ["/bin/true"],
             Refusal("SYSTEM", like("set resource limit nofile: EPERM .*"), "process.rlimit", 1),
             rlimits=[["RLIMIT_NOFILE", 64, 1 << 40]]),
]

SAYS_SIZE = "trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.1; done"

CONSOLES = [
    Behaviour("console", {"argv": sh("tty; stty size; test /dev/console -ef /dev/pts/0 && echo same; echo err >&2; exit 3"),
                          "console": [50, 132]}, Outcome(3, "/dev/pts/0\r\n50 132\r\nsame\r\nerr\r\n")),
    Behaviour("console_without_init", {"argv": sh("echo $$; test -t 0 && echo to >/dev/tty"), "console": [24, 80],
                                       "init": False}, Outcome(0, "1\r\nto\r\n")),
    Behaviour("console_of_a_user", {"argv": sh("stat -c %u /dev/pts/0 /dev/console; echo to >/dev/tty"), "console": [24, 80],
                                    "user": "1000:50"}, Outcome(0, "1000\r\n1000\r\nto\r\n"), only="root"),
    Behaviour("interrupt_key", {"argv": sh(READY), "console": [24, 80]},
              Outcome(130, like(r"ready\r\n(\^C)?"), ended_by="signalled"), acts=(("read", "ready\r\n"), ("type", "\x03"))),
    Behaviour("end_of_input_key", {"argv": ["/bin/wc", "-c"], "console": [24, 80]}, Outcome(0, "four\r\n5\r\n"),
              acts=(("type", "four\n"), ("read", "four\r\n"), ("type", "\x04"))),
    Behaviour("resize", {"argv": sh(SAYS_SIZE), "console": [24, 80]}, Outcome(5, "ready\r\n10 20\r\n"),
              acts=(("read", "ready\r\n"), ("resize", "10 20"))),
    Behaviour("hang_up", {"argv": sh(READY), "console": [24, 80]}, Outcome(129, "ready\r\n", ended_by="signalled"),
              acts=(("read", "ready\r\n"), ("hang up", None))),
    Behaviour("console_before_the_start", {"argv": ["/bin/cat"], "console": [24, 80]}, Outcome(0, "early\r\nearly\r\n"),
              acts=(("create", None), ("type", "early\n\x04"), ("read", "early\r\n"), ("start", None))),
    Behaviour("start_after_hanging_up", {"argv": ["/bin/true"], "console": [24, 80]}, Outcome(125, ended_by="setup"),
              acts=(("create", None), ("hang up", None), ("start", None)),
              done=("done", "done", Refusal("SYSTEM", like("take the console as controlling terminal: EIO .*"),
                                            "console.session", 5))),
    Behaviour("inject_on_a_console", {"argv": sh(READY)}, KILLED, acts=(
        ("read", "ready\n"), ("inject", {"argv": sh("tty; stty size; exit 3"), "console": [7, 9]}), ("kill", None)),
        done=("done", Outcome(3, "/dev/pts/0\r\n7 9\r\n"), "done")),
    Behaviour("console_that_is_too_large", {"argv": ["/bin/true"], "console": [65536, 80]},
              Refusal("INVALID", "rows 65536: it is a number of characters from 0 to 65535")),
]

REFUSALS = [
    Behaviour("not_found", {"argv": ["/bin/nowhere"]},
              Refusal("NOT_FOUND", "execute /bin/nowhere: ENOENT (No such file or directory): no such program in the container",
                      "process.exec", 2, "no such program in the container", like(".+"))),
    Behaviour("not_executable", {"argv": ["/etc/place"]},
              Refusal("NOT_EXECUTABLE", like("execute /etc/place: EACCES .*: it is not executable .*"), "process.exec", 13)),
    Behaviour("directory_as_command", {"argv": ["/etc"]},
              Refusal("NOT_EXECUTABLE", like("execute /etc: EACCES .*"), "process.exec", 13)),
    Behaviour("no_command", {"argv": []},
              Refusal("INVALID", "argv: there is no command; name a program", "config", None, "there is no command; name a program"),
              by={"cli": Outcome()}, why="`contain` runs a shell where no command is given"),
    Behaviour("command_without_a_name", {"argv": [""]}, Refusal("NOT_FOUND", like("execute: ENOENT .*"), "process.exec", 2)),
    Behaviour("no_root", {"argv": ["/bin/true"], "root": "{folder}/nowhere"},
              Refusal("ROOT", "open the root {folder}/nowhere: ENOENT (No such file or directory): it does not exist",
                      "rootfs.open", 2, "it does not exist", like(".+"))),
    Behaviour("root_that_is_a_file", {"argv": ["/bin/true"], "root": "{folder}/before"},
              Refusal("ROOT", like("open the root {folder}/before: ENOTDIR .*"), "rootfs.open", 20)),
    Behaviour("map_of_nothing", {"argv": ["/bin/true"], "uid_map": "0:0:0"},
              Refusal("INVALID", "map user ids 0:0:0: the count is 0", "idmap", None, "the count is 0")),
    Behaviour("map_that_is_none", {"argv": ["/bin/true"], "gid_map": "all"},
              Refusal("INVALID", like("map group ids all: START:LOWER:COUNT is expected.*"), "idmap")),
    Behaviour("no_hostname", {"argv": ["/bin/true"], "hostname": ""},
              Refusal("INVALID", 'hostname "": a host name has 1 to 64 bytes', "config", None, "a host name has 1 to 64 bytes")),
    Behaviour("long_hostname", {"argv": ["/bin/true"], "hostname": "x" * 65},
              Refusal("INVALID", like('hostname "x+": a host name has 1 to 64 bytes'), "config")),
    Behaviour("no_working_directory", {"argv": ["/bin/true"], "chdir": "/nowhere"},
              Refusal("SYSTEM", like(".*/nowhere: ENOENT .*"), None, 2)),
    Behaviour("variable_without_a_name", {"argv": ["/bin/true"], "env": ["=1"]},
              Refusal("INVALID", like(".+"), is_usage=True)),
    Behaviour("user_that_is_not_there", {"argv": ["/bin/true"], "user": "nobodyhere"}, Refusal("INVALID", like(".*nobodyhere.*"))),
    Behaviour("user_that_is_none", {"argv": ["/bin/true"], "user": "a:b:c"}, Refusal("INVALID", like(".*a:b:c.*"), is_usage=True)),
    Behaviour("user_that_is_not_mapped", {"argv": ["/bin/true"], "user": "1000"}, Refusal("ID_MAP", like(".*1000.*")), only="user"),
    Behaviour("capability_that_is_none", {"argv": ["/bin/true"], "capabilities": ["FLY"]},
              Refusal("INVALID", like(".*FLY.*"), is_usage=True)),
    Behaviour("bind_of_nothing", {"argv": ["/bin/true"], "mounts": [
        {"kind": "bind", "source": "{folder}/nowhere", "target": "/mnt", "read_only": False}]},
              Refusal("ROOT", like("bind {folder}/nowhere: ENOENT .*"), "rootfs.source", 2)),
]

BEHAVIOURS = [*ENDS, *PROCESS, *DEADLINES, *STREAMS, *SURROUNDINGS, *ACTS, *INJECTED, *CONSOLES, *REFUSALS]
