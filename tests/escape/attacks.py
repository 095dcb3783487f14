# SPDX-License-Identifier: MIT OR Apache-2.0
"""The attacks: each tries one way out of the container and asserts that it leads nowhere. `CASES` says which published
hole it is, who attacks, and what about the container is needed.
"""

import contextlib
import dataclasses
import errno
import os
import pathlib
import re
import signal
import termios

import lib
from lib import run


@dataclasses.dataclass(frozen=True)
class Place:
    """Who attacks, and what: a root file system of the attacker's own, and a folder of the host's that is not for it."""

    tools: lib.Tools
    environment: dict
    user: lib.User
    root: pathlib.Path
    host: pathlib.Path

    def contain(self, *options, **context):
        """Runs contain with these options and words behind them."""
        context.setdefault("env", {}).update(self.environment)
        return run([self.tools.contain, *options], user=self.user, **context)

    def inside(self, script, *options, **context):
        """Runs a shell script as the command, without console."""
        return self.contain("-c", *options, self.root, "/bin/sh", "-c", script, **context)

    def replace(self, name, target):
        """Puts a symbolic link into the root."""
        path = self.root / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target)
        os.chown(path, self.root.stat().st_uid, self.root.stat().st_gid, follow_symlinks=False)


def link_in_place_of_proc(place):
    """The root has a link where /proc is to be mounted."""
    refuses_link(place, "proc")


def link_in_place_of_dev(place):
    refuses_link(place, "dev")


def link_in_place_of_sys(place):
    refuses_link(place, "sys")


def refuses_link(place, name):
    inner = place.root / "tmp" / "inner"
    inner.mkdir()
    for target in ("tmp/inner", "/tmp/inner", str(place.host), f"../../../../..{place.host}", "/proc/self/root"):
        place.replace(name, target)
        result = place.inside("echo ran")
        (place.root / name).unlink()
        assert result.status == 125 and "ran" not in result.out, f"{name} -> {target}: {result}"
        assert result.err.startswith("contain: step ") and "hint: " in result.err, result.err
    assert not os.listdir(place.host) and not os.listdir(inner)


def link_on_the_way_to_a_mount(place):
    """The root has a link where a place of --bind and --tmpfs is to be made."""
    for target in (str(place.host), f"../../../../..{place.host}", f"/proc/self/root{place.host}"):
        place.replace("link", target)
        for options in (("--bind", "/etc:/link/made"), ("--bind", "/etc/passwd:/link/made"), ("--tmpfs", "/link/a/b")):
            place.inside("true", *options)
            assert not os.listdir(place.host), f"{target} {options}"
        (place.root / "link").unlink()


def link_into_proc_on_the_way_to_a_mount(place):
    """The same into /proc, a file of which would be covered or shown for another."""
    place.replace("link", "/proc")
    for options in (("--bind", "/etc/passwd:/link/version"), ("--tmpfs", "/link/sys"), ("--bind", "/etc:/link")):
        result = place.inside("echo ran", *options)
        assert result.status == 125 and "ran" not in result.out and "EXDEV" in result.err, f"{options}: {result}"


def source_replaced_meanwhile(place):
    """Between the caller's look and PID 1's the source of --bind is replaced by another folder."""
    source, other = place.host / "source", place.host / "other"
    for folder in (source, other):
        folder.mkdir()
        folder.chmod(0o777)
    (other / "secret").touch()
    swap = f"mv {source} {place.host}/old && mv {other} {source}"
    result = place.inside("ls /tmp/x", "-o", swap, "--bind", f"{source}:/tmp/x")
    assert result.status == 125 and "secret" not in result.out and "ESTALE" in result.err, result


def false_proc(place):
    """/proc of the caller is a folder of the caller's making, with the files that maps are written to."""
    # Whoever looks its own number up finds what it expects: so far the folder looks right.
    prepare = """
import os, subprocess, sys
own = {name: open(f"/proc/self/{name}").read() for name in
       ("status", "stat", "uid_map", "gid_map", "setgroups", "mountinfo", "cgroup", "comm", "limits")}
subprocess.run(["mount", "-t", "tmpfs", "none", "/proc"], check=True)
maps = ("setgroups", "uid_map", "gid_map")
others = range(os.getpid() + 1, os.getpid() + 300)
for pid in others:
    os.mkdir(f"/proc/{pid}")
    for name in maps:
        open(f"/proc/{pid}/{name}", "w").close()
if (child := os.fork()) == 0:
    folder = f"/proc/{os.getpid()}"
    os.symlink(sys.argv[1], f"{folder}/exe")
    os.symlink(str(os.getpid()), "/proc/self")
    os.symlink(str(os.getpid()), "/proc/thread-self")
    for name, text in own.items():
        with open(f"{folder}/{name}", "w") as file:
            file.write(text)
    os.dup2(1, 2)
    os.execv(sys.argv[1], sys.argv[1:])
os.wait()
for pid in others:
    for name in maps:
        if pid != child and (text := open(f"/proc/{pid}/{name}").read()):
            print("written:", text)
"""
    with lib.PrivateHost() as host:
        result = run(
            ["python3", "-c", prepare, place.tools.contain, "-c", place.root, "/bin/true"],
            host=host,
            env=dict(place.environment),
        )
    assert "written: " not in result.out, result.out
    assert "contain: " in result.out, result


def leaked_descriptor(place):
    """The caller has a folder of the host's open as descriptor 7, without close-on-exec."""
    descriptor = os.open(place.host, os.O_RDONLY | os.O_DIRECTORY)
    try:
        result = place.contain(
            "-c", place.root, "/bin/probe", "descriptors", pass_fds=[7], before=lambda: os.dup2(descriptor, 7)
        )
    finally:
        os.close(descriptor)
    assert result.out.split() == ["0", "1", "2"], result


def leaked_descriptor_through_console(place):
    """The same with a console, whose ends the monitor has open."""
    descriptor = os.open(place.host, os.O_RDONLY | os.O_DIRECTORY)
    try:
        result = place.contain(
            place.root, "/bin/probe", "descriptors", pass_fds=[7], before=lambda: os.dup2(descriptor, 7)
        )
    finally:
        os.close(descriptor)
    assert result.out.split() == ["0", "1", "2"], result


def working_directory_outside(place):
    """The caller stands in a folder of the host's: the command stands in the root, and nothing leads up from there."""
    result = place.inside("pwd; readlink /proc/self/cwd; cd ../../../../..; ls", cwd=place.host)
    assert result.lines[:2] == ["/", "/"] and "bin" in result.lines and "usr" not in result.lines, result


def typing_into_the_callers_terminal(place):
    """TIOCSTI and TIOCLINUX on the terminal that is passed on."""
    for request in ("tiocsti", "tioclinux"):
        result = place.contain("-c", place.root, "/bin/probe", request)
        assert result.out == "EPERM\n", result


def typing_from_an_injected_command(place):
    """The same from an injected command."""
    with lib.Supervisor(
        [place.tools.contain, "-c", place.root, "/bin/sh", "-c", "echo up; read x"],
        user=place.user,
        env=dict(place.environment),
    ) as supervisor:
        supervisor.expect("up")
        for request in ("tiocsti", "tioclinux"):
            result = run(
                [place.tools.inject, str(supervisor.pid), "/bin/probe", request],
                user=place.user,
                env=dict(place.environment),
            )
            assert result.out == "EPERM\n", result
        supervisor.send("\n")
        supervisor.wait()


def controlling_terminal_of_the_caller(place):
    """With a console the command's session and terminal are its own: the caller's is not to be had by any name."""
    script = 'readlink /proc/self/fd/0; echo typed >/dev/tty; ps -o tty= -p 1; : "$(stty -F /dev/tty -a)"'
    with lib.Terminal(
        [place.tools.contain, place.root, "/bin/sh", "-c", script], user=place.user, env=dict(place.environment)
    ) as terminal:
        name = os.ttyname(terminal.slave)
        terminal.expect("/dev/console")
        assert terminal.wait() == 0
        assert name.encode() not in terminal.buffer, terminal.buffer
        assert terminal.mode()[3] & termios.ECHO


# The reaper can be looked into from a moment after the command's exec on.
CAN_BE_READ = "until (: </proc/1/exe) 2>/dev/null; do sleep 0.01; done"


def changing_the_program_outside(place):
    """PID 1 with --init is contain-init: the container's root opens, changes and replaces it by /proc/1/exe."""
    script = CAN_BE_READ + """
        (: >/proc/1/exe) 2>/dev/null && echo opened to write
        (: >>/proc/1/exe) 2>/dev/null && echo opened to append
        chmod 666 /proc/1/exe 2>/dev/null && echo mode changed
        truncate -s 1 /proc/1/exe 2>/dev/null && echo cut off
        exec 9</proc/1/exe
        (: >/proc/self/fd/9) 2>/dev/null && echo opened again to write
        head -c 4 <&9 | grep -q ELF && echo read
    """
    result = place.inside(script, "--init")
    assert result.lines == ["read"], result


def changing_the_program_when_it_has_ended(place):
    """A descriptor of contain-init is kept until the container that it ran is over, and then opened to write: no
    process runs it any more."""
    keeper = f"{CAN_BE_READ}; exec 9</proc/1/exe; echo up; read x; echo evil >/proc/self/fd/9 && echo written"
    with lib.Supervisor(
        [place.tools.contain, "-c", "--init", place.root, "/bin/sh", "-c", keeper],
        user=place.user,
        env=dict(place.environment),
    ) as supervisor:
        supervisor.expect("up")
        program = os.open(f"/proc/{supervisor.init()}/exe", os.O_RDONLY)
        supervisor.send("\n")
        supervisor.wait()
        told = supervisor.buffer + (supervisor.process.stdout.read() or b"")
    try:
        assert b"written" not in told
        try:
            again = os.open(f"/proc/self/fd/{program}", os.O_WRONLY)
        except OSError:
            return
        try:
            written = os.pwrite(again, b"evil", 0)
        except PermissionError:
            written = 0
        os.close(again)
        assert written == 0, "a program that ran outside can be changed"
    finally:
        os.close(program)


def inheritable_capabilities(place):
    """The caller has inheritable and ambient capabilities: a command that keeps few has none of them to inherit."""
    words = ["setpriv", "--inh-caps", "+chown,+setuid", "--ambient-caps", "+chown,+setuid"] if place.user is None else []
    result = run(
        [*words, place.tools.contain, "-c", "--init", place.root, "/bin/grep", "Cap", "/proc/self/status"],
        user=place.user,
        env=dict(place.environment),
    )
    sets = dict(line.split(":\t") for line in result.lines)
    assert int(sets["CapInh"], 16) == 0 and int(sets["CapAmb"], 16) == 0, sets


def release_agent(place):
    """A cgroup hierarchy of version 1 of the command's own, whose release_agent would run on the host."""
    script = """
        mkdir /tmp/g
        for kind in memory pids freezer cpu rdma misc; do
            mount -t cgroup -o $kind none /tmp/g 2>/dev/null || continue
            echo /bin/true >/tmp/g/release_agent && echo "agent set by $kind"
            (echo 1 >/tmp/g/notify_on_release) 2>/dev/null
            umount /tmp/g
        done
        find /sys/fs/cgroup -name release_agent -o -name notify_on_release | head -n 1
        echo done
    """
    result = place.inside(script, "--init")
    assert result.lines == ["done"], result


def writing_cgroups_of_the_host(place):
    """Whatever of cgroups is mounted inside belongs to the host."""
    script = """
        find /sys/fs/cgroup -maxdepth 1 -type f | while read -r file; do
            (echo 1 >"$file") 2>/dev/null && echo "$file"
        done
        echo done
    """
    result = place.inside(script, "--init")
    assert result.lines == ["done"], result


def kernel_settings(place):
    """What root of a host could write in /proc and /sys: the container's root is no such root."""
    script = """
        for file in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sysrq-trigger /proc/sys/vm/drop_caches \
            /proc/1/oom_score_adj_none /sys/kernel/uevent_helper /proc/sys/fs/suid_dumpable /proc/timer_list \
            /proc/sys/kernel/panic_on_oops /sys/kernel/mm/transparent_hugepage/enabled; do
            (echo 1 >"$file") 2>/dev/null && echo "$file"
        done
        echo done
    """
    result = place.inside(script, "--init")
    assert result.lines == ["done"], result


def device_nodes(place):
    """A device of the host's made with mknod, or found on a file system of the container's own."""
    script = """
        mount -t tmpfs none /mnt
        for at in /tmp /mnt /dev; do
            mknod $at/disk b 254 0 2>/dev/null && (head -c 1 <$at/disk >/dev/null) 2>/dev/null && echo "read $at"
            mknod $at/memory c 1 1 2>/dev/null && (head -c 1 <$at/memory >/dev/null) 2>/dev/null && echo "read $at"
        done
        ls /dev
    """
    result = place.inside(script, "--init")
    allowed = {"core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout"}
    allowed |= {"tty", "urandom", "zero", "console"}
    assert set(result.out.split()) <= allowed, result


def host_file_handles(place):
    """open_by_handle_at with handles of the host's file system (the shocker of 2014), and other calls that reach the
    host's kernel, by the filter's own word."""
    result = place.inside("grep Seccomp: /proc/self/status")
    assert re.fullmatch(r"Seccomp:\s+2\n", result.out), result


def calls_through_the_reaper(place):
    """Container root can write the memory of a PID 1 that reaps, and so make it call what the command's own filter
    refuses: nothing in the container is without a filter."""
    # PID 1 lets itself be looked into a moment after the command has begun.
    script = """
        for try in 1 2 3 4 5 6 7 8 9; do (: >/proc/1/mem) 2>/dev/null && break; sleep 0.1; done
        (: >/proc/1/mem) && echo opened; cat /proc/[0-9]*/status | grep Seccomp:
    """
    for options in (("--init",), ("--init", "--seccomp", "app", "--no-new-privs")):
        result = place.inside(script, *options)
        opened, *filters = result.lines
        assert opened == "opened" and len(filters) >= 3, result
        assert all(line.split() == ["Seccomp:", "2"] for line in filters), result


def freeing_the_reaper(place):
    """Container root has the PID 1 that reaps clear its parent-death signal, by which it ends with the supervisor: nothing
    outlives that."""
    with lib.Supervisor(
        [place.tools.contain, "-c", "--init", place.root, "/bin/probe", "free-reaper"],
        user=place.user,
        env=dict(place.environment),
    ) as supervisor:
        init = supervisor.init()
        try:
            told = supervisor.expect("\n")
            os.kill(supervisor.pid, signal.SIGKILL)
            lib.until(lambda: lib.gone(init), 5, "the end of PID 1")
        finally:
            if not lib.gone(init):
                lib.kill_descendants(init)
                os.kill(init, signal.SIGKILL)
    assert told == f"prctl -{errno.EPERM}\n", told


def looking_into_the_supervisor(place):
    """The host's /proc is bound in: neither the supervisor's memory, files nor namespaces can be opened there."""
    folder = place.root / "mnt"
    script = """
        echo up; read pid
        for name in mem environ fd/0 cwd/. root/. exe ns/mnt maps; do
            (: <"/mnt/$pid/$name") 2>/dev/null && echo "opened $name"
        done
        ls "/mnt/$pid/fd" 2>/dev/null
        echo done
    """
    with lib.Supervisor(
        [place.tools.contain, "-c", "-i", "mount --rbind /proc mnt", place.root, "/bin/sh", "-c", script],
        user=place.user,
        env=dict(place.environment),
    ) as supervisor:
        supervisor.expect("up")
        supervisor.send(f"{supervisor.pid}\n")
        told = supervisor.expect("done")
        supervisor.wait()
    assert folder.is_dir() and told == "up\ndone\n", told


def looking_into_who_tells_a_failure(place):
    """inject fails inside, and is held up while it prints that: neither its monitor nor who prints can be looked into
    through the host's /proc, or container root would have the host's files and the caller's ids."""
    script = """
        echo up
        while read pid && [ -n "$pid" ]; do
            for name in mem environ fd/0 cwd/. root/. exe ns/user maps; do
                (: <"/mnt/$pid/$name") 2>/dev/null && echo "opened $name"
            done
        done
        echo done
    """
    with lib.Supervisor(
        [place.tools.contain, "-c", "-i", "mount --rbind /proc mnt", place.root, "/bin/sh", "-c", script],
        user=place.user,
        env=dict(place.environment),
    ) as supervisor:
        supervisor.expect("up")
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        inject = lib.spawn(
            [place.tools.inject, str(supervisor.pid), "/none"],
            user=place.user,
            env=dict(place.environment),
            stderr=writer,
        )
        try:
            lib.until(lambda: any(map(waits_to_tell, [inject.pid, *lib.descendants(inject.pid)])), 10, "the error")
            supervisor.send("".join(f"{pid}\n" for pid in [inject.pid, *lib.descendants(inject.pid)]) + "\n")
            told = supervisor.expect("done")
        finally:
            os.close(reader)
            os.close(writer)
            assert inject.wait(10) == 127
        supervisor.wait()
    assert told == "up\ndone\n", told


def waits_to_tell(pid):
    """Whether a process is one that prints contain-init's error, and sleeps over it."""
    folder = pathlib.Path("/proc") / str(pid)
    return b"--report-fd" in (folder / "cmdline").read_bytes() and "State:\tS" in (folder / "status").read_text()


def looking_into_the_injected_process(place):
    """A process that joins the container is held back right before its exec: until then its memory, descriptors and
    root, which were the host's a moment ago, are closed to the container's root."""
    script = """
        echo up
        while [ -z "$found" ]; do
            for folder in /proc/[0-9]*; do
                read -r name <"$folder/comm" || continue
                [ "$name" = inject ] || continue
                found=1
                for file in mem environ fd/0 cwd/. root/. exe maps auxv; do
                    (: <"$folder/$file") 2>/dev/null && echo "opened $file"
                done
                ls "$folder/fd" 2>/dev/null
            done
        done 2>/dev/null
        echo looked; read x
    """
    with lib.Supervisor(
        [place.tools.contain, "-c", place.root, "/bin/sh", "-c", script], user=place.user, env=dict(place.environment)
    ) as supervisor:
        supervisor.expect("up")
        words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=execve", "-e", "inject=execve:delay_enter=700000"]
        injected = run(
            [*words, place.tools.inject, str(supervisor.pid), "/bin/true"],
            user=place.user,
            env=dict(place.environment),
        )
        assert injected.status == 0, injected
        told = supervisor.expect("looked")
        supervisor.send("\n")
        supervisor.wait()
    assert told.split() == ["up", "looked"], told


@dataclasses.dataclass(frozen=True)
class Case:
    attack: object
    holes: tuple
    users: tuple = (False, True)

    def __str__(self):
        return self.attack.__name__


CASES = [
    Case(link_in_place_of_proc, ("CVE-2019-16884", "CVE-2019-19921", "CVE-2023-27561")),
    Case(link_in_place_of_dev, ("CVE-2021-30465", "CVE-2024-45310")),
    Case(link_in_place_of_sys, ("CVE-2019-19921",)),
    Case(link_on_the_way_to_a_mount, ("CVE-2021-30465", "CVE-2024-45310")),
    Case(link_into_proc_on_the_way_to_a_mount, ("CVE-2019-16884", "CVE-2019-19921", "CVE-2025-31133")),
    Case(source_replaced_meanwhile, ("CVE-2021-30465",)),
    Case(false_proc, ("CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"), (False,)),
    Case(leaked_descriptor, ("CVE-2024-21626",)),
    Case(leaked_descriptor_through_console, ("CVE-2024-21626",)),
    Case(working_directory_outside, ("CVE-2024-21626",)),
    Case(typing_into_the_callers_terminal, ("CVE-2017-5226",)),
    Case(typing_from_an_injected_command, ("CVE-2017-5226",)),
    Case(controlling_terminal_of_the_caller, ("CVE-2017-5226",)),
    Case(changing_the_program_outside, ("CVE-2019-5736",)),
    Case(changing_the_program_when_it_has_ended, ("CVE-2019-5736",)),
    Case(inheritable_capabilities, ("CVE-2022-29162",)),
    Case(release_agent, ("CVE-2022-0492",)),
    Case(writing_cgroups_of_the_host, ("CVE-2023-25809",)),
    Case(kernel_settings, ("CVE-2025-31133", "CVE-2025-52881")),
    Case(device_nodes, ()),
    Case(host_file_handles, ()),
    Case(calls_through_the_reaper, ()),
    Case(freeing_the_reaper, ()),
    Case(looking_into_the_supervisor, ("CVE-2016-9962",)),
    Case(looking_into_who_tells_a_failure, ("CVE-2016-9962",)),
    Case(looking_into_the_injected_process, ("CVE-2016-9962",)),
]
ATTACKS = {str(case): case for case in CASES}
