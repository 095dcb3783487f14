# SPDX-License-Identifier: MIT OR Apache-2.0
"""contain --doctor on hosts that lack something: it is found, and named with its remedy.

Each lack is made for the program alone: in a private mount namespace, in namespaces below, or by what a process lays on
itself.
"""

import ctypes
import json
import os
import re
import resource
import shutil
import struct

import lib
import pytest
from lib import PrivateHost, Terminal, run

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
NR_OPENAT2, NR_CLONE3, ENOSYS = 437, 435, 38
PROGRAMS_IN_MEMORY = "/proc/sys/vm/memfd_noexec"


def examine(contain, *, wrap=(), **options):
    """The findings by name, and the result."""
    result = run([*wrap, contain, "--doctor", "--json"], **options)
    assert result.err == "" and result.status in (0, 1), result
    report = json.loads(result.out)
    assert report["version"] == 1 and report["works"] == (result.status == 0), result
    return {finding["name"]: finding for finding in report["findings"]}, result


def assert_found(finding, status, *words):
    assert finding["status"] == status, finding
    told = " | ".join(finding[key] or "" for key in ("found", "cause", "remedy"))
    for word in words:
        assert word in told, (word, told)
    assert status == "ok" or finding["remedy"], finding


def test_doctor_of_a_good_host_finds_that_containers_work(ours, caller):
    findings, result = examine(ours.contain, user=caller)
    assert result.status == 0
    assert_found(findings["container"], "ok")
    for name in ("privilege", "kernel", "system-calls", "user-namespaces", "namespaces", "ids", "proc", "terminals"):
        assert_found(findings[name], "ok")


def test_doctor_for_people_has_a_line_for_each_finding(ours, user):
    findings, _ = examine(ours.contain, user=user)
    result = run([ours.contain, "--doctor"], user=user)
    told = [line.split()[:2] for line in result.lines if line and not line.startswith(" ")]
    assert told[:-1] == [[finding["status"], name] for name, finding in findings.items()]
    assert result.lines[-1] == "contain works here" and result.status == 0
    assert "\x1b" not in result.out


def test_doctor_has_colour_on_a_terminal_only(ours):
    with Terminal([ours.contain, "--doctor"]) as terminal:
        terminal.expect(r"(?s)^\x1b\[32mok.*contain works here")
        assert terminal.wait() == 0
    with Terminal([ours.contain, "--doctor"], env={"NO_COLOR": "1"}) as terminal:
        terminal.expect(r"^[^\x1b]*contain works here")
        assert terminal.wait() == 0


def test_doctor_takes_no_directory(ours):
    result = run([ours.contain, "--doctor", "/"])
    assert result.status == 64 and "--doctor takes no DIR" in result.err


def test_no_new_privs_is_found(ours, user):
    findings, result = examine(ours.contain, wrap=["setpriv", "--no-new-privs"], user=user)
    assert_found(findings["no-new-privs"], "limited", "start contain from a process without it")
    assert_found(findings["id-helper"], "limited", "no_new_privs")
    assert_found(findings["container"], "missing", "no_new_privs")
    assert result.status == 1


def test_no_user_namespaces_are_found(ours):
    script = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
    wrap = ["unshare", "--user", "--map-root-user", "sh", "-ec", script, "sh"]
    findings, result = examine(ours.contain, wrap=wrap)
    assert_found(findings["user-namespaces"], "missing", "user.max_user_namespaces is 0", "sysctl")
    assert_found(findings["container"], "missing")
    assert result.status == 1


def test_missing_subordinate_ids_are_found(ours, user):
    with PrivateHost() as host:
        host.delegate(None, None)
        findings, result = examine(ours.contain, user=user, host=host)
        assert_found(findings["subordinate-ids"], "limited", "/etc/subuid is not there", "usermod", user.name)
        assert_found(findings["ids"], "limited")
        assert result.status == 0, "one id is enough to start"


def test_ranges_of_two_users_that_overlap_are_found(ours, user):
    text = f"{user.name}:300000:10\nsomebody-else:300009:10\n"
    with PrivateHost() as host:
        host.delegate(text, text)
        findings, _ = examine(ours.contain, user=user, host=host)
        assert_found(findings["subordinate-ids"], "limited", "300000-300009 overlaps", "somebody-else")


def test_helper_on_a_nosuid_mount_is_found(ours, user):
    with PrivateHost() as host:
        host.shell("mount --bind /usr/bin /usr/bin && mount -o remount,bind,nosuid /usr/bin")
        findings, _ = examine(ours.contain, user=user, host=host, env={"CONTAIN_LIBEXECDIR": None})
        assert_found(findings["id-helper"], "limited", "newuidmap", "nosuid", "remount")


def test_masked_proc_is_found(ours, user):
    with PrivateHost() as host:
        host.shell("mount -t tmpfs none /proc/tty")
        findings, result = examine(ours.contain, user=user, host=host)
        assert_found(findings["proc"], "missing", "/proc/tty", "unmask=ALL")
        assert_found(findings["container"], "missing", "mount proc on /proc")
        assert result.status == 1


def test_proc_of_another_pid_namespace_is_found(ours):
    result = run(["unshare", "--pid", "--fork", ours.contain, "--doctor"])
    assert result.status == 1
    assert re.search(r"^missing +proc +/proc does not show this process$", result.out, re.MULTILINE), result.out
    assert "mend: mount -t proc proc /proc" in result.out


def test_small_limits_are_found(ours, user):
    findings, result = examine(ours.contain, user=user, limits={resource.RLIMIT_FSIZE: (4096, 4096)})
    assert_found(findings["file-size"], "missing", "RLIMIT_FSIZE is 4096", "ulimit -f")
    assert result.status == 1
    findings, _ = examine(ours.contain, user=user, limits={resource.RLIMIT_NPROC: (1, 1)})
    assert_found(findings["processes"], "missing", "RLIMIT_NPROC is 1", "ulimit -u")
    assert_found(findings["container"], "missing")
    findings, _ = examine(ours.contain, user=user, limits={resource.RLIMIT_NOFILE: (32, 32)})
    assert_found(findings["open-files"], "limited", "RLIMIT_NOFILE is 32", "ulimit -n")


def test_programs_in_memory_that_are_forbidden_are_found(ours, scratch):
    if not os.path.exists(PROGRAMS_IN_MEMORY):
        pytest.skip("the kernel has no vm.memfd_noexec")
    # It holds for a PID namespace; the host's stays as it is.
    wrap = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-ec", f'echo 2 >{PROGRAMS_IN_MEMORY}; exec "$@"', "sh"]
    nowhere = {"CONTAIN_LIBEXECDIR": str(scratch / "nowhere")}
    findings, result = examine(ours.contain, wrap=wrap, env=nowhere)
    assert_found(findings["contain-init"], "missing", "vm.memfd_noexec is 2", "make install")
    assert result.status == 1


def refuse(*numbers):
    """What a child does to have these system calls answered with ENOSYS, as by a filter that is older than they are."""
    load = struct.pack("HBBI", 0x20, 0, 0, 0)
    tests = [struct.pack("HBBI", 0x15, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    allow, answer = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000), struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | ENOSYS)
    program = ctypes.create_string_buffer(b"".join([load, *tests, allow, answer]))
    libc = ctypes.CDLL(None, use_errno=True)

    def child():
        header = struct.pack("HxxxxxxQ", len(numbers) + 3, ctypes.addressof(program))
        if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) != 0:
            os._exit(99)

    return child


def test_old_filter_around_the_process_is_found(ours):
    findings, result = examine(ours.contain, before=refuse(NR_OPENAT2))
    assert_found(findings["seccomp-filter"], "limited", "(1)", "seccomp=unconfined")
    assert_found(findings["system-calls"], "missing", "openat2", "seccomp=unconfined")
    assert_found(findings["container"], "missing")
    assert result.status == 1
    findings, _ = examine(ours.contain, before=refuse(NR_CLONE3))
    assert_found(findings["system-calls"], "limited", "clone3", "time namespace")


def test_denied_setgroups_is_found(ours, plain_user):
    wrap = ["unshare", "--user", "--map-root-user"]
    findings, _ = examine(ours.contain, wrap=wrap, user=plain_user)
    assert_found(findings["setgroups"], "limited", "denied in this user namespace")


def test_program_with_privilege_is_found(ours, user, scratch):
    folder = scratch / "doctor-setuid"
    folder.mkdir()
    shutil.copy(ours.contain, folder / "contain")
    (folder / "contain").chmod(0o4755)
    findings, result = examine(str(folder / "contain"), user=user)
    assert list(findings) == ["privilege"] and result.status == 1
    assert_found(findings["privilege"], "missing", "setuid", "install contain without privilege")


def test_every_check_is_in_the_readme_and_every_section_has_checks(ours):
    readme = (lib.REPOSITORY / "README.md").read_text()
    text = readme.partition("\n## Troubleshooting\n")[2].partition("\n## ")[0]
    introduction, *sections = re.split(r"^### ", text, flags=re.MULTILINE)
    names = set(examine(ours.contain)[0])
    named = set(re.findall(r"`([a-z-]+)`", introduction))
    # These are about a DIR, a PID and a command that somebody gave, not about the host.
    others = {"The root", "inject", "Helpers"}
    for section in sections:
        title = section.partition("\n")[0]
        line = re.search(r"^Checks of `--doctor`: (.*)\.$", section, re.MULTILINE)
        assert (line is None) == (title in others), title
        if line:
            found = set(re.findall(r"`([a-z-]+)`", line.group(1)))
            assert found and found <= names, (title, found - names)
            named |= found
    assert names <= named, names - named
