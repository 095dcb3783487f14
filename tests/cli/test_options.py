# SPDX-License-Identifier: MIT OR Apache-2.0
"""The first of the long options: --help, --version, --explain, --host, --hostname, --init."""

import os
import pathlib
import re
import signal

import lib
import pytest
from lib import run

ORIGINAL_OPTIONS = {"contain": "cginou", "inject": "", "pseudo": "gu"}


@pytest.mark.parametrize("program", ORIGINAL_OPTIONS)
def test_help_is_on_stdout_and_names_every_original_option(ours, program):
    result = run([getattr(ours, program), "--help"])
    assert (result.status, result.err) == (0, "")
    for option in ORIGINAL_OPTIONS[program]:
        assert re.search(rf"(^|\s)-{option}\b", result.out, re.MULTILINE), option
    assert program in result.out


def test_help_of_contain_names_the_long_options(ours):
    text = run([ours.contain, "--help"]).out
    options = ("--host", "--explain", "--hostname", "--init", "--version")
    assert [option for option in options if option not in text] == []


@pytest.mark.parametrize("program", ORIGINAL_OPTIONS)
def test_version_is_one_line_with_the_name(ours, program):
    result = run([getattr(ours, program), "--version"])
    assert (result.status, result.err) == (0, "")
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\S*\n", result.out)


@pytest.mark.parametrize("program", ORIGINAL_OPTIONS)
def test_help_and_version_tell_when_they_cannot_be_written(ours, program):
    with open("/dev/full", "wb") as full:
        assert run([getattr(ours, program), "--help"], stdout=full).status == 125


def test_explain_prints_the_plan_and_does_nothing(ours, make_root, caller, shared):
    folder = make_root(caller)
    helpers = ["-o", f"touch {shared}/o", "-i", f"touch {shared}/i"]
    result = run([ours.contain, "--explain", *helpers, folder, "/bin/touch", "/tmp/c"], user=caller)
    assert result.status == 0, result.err
    for word in ("monitor", "pid 1", "exec", "/bin/touch", "container=contain", f"touch {shared}/o"):
        assert word in result.out
    assert list(shared.iterdir()) == [] and list((folder / "tmp").iterdir()) == []
    assert not (folder / "dev").exists()


def test_explain_shows_the_maps(ours, user_root, user):
    result = run([ours.contain, "--explain", user_root], user=user)
    assert str(user.uids[0]) in result.out and str(user.gids[0]) in result.out


def test_host_in_place_of_dir_is_a_root_of_the_hosts_programs(ours, caller):
    script = "echo $$; id -u; test -x /usr/bin/env && test -r /etc/passwd && echo there"
    result = run([ours.contain, "-c", "--host", "/bin/sh", "-c", script], user=caller)
    assert (result.status, result.lines) == (0, ["1", "0", "there"]), result.err


@pytest.mark.parametrize("place", ["/usr", "/etc", "/bin", "/lib"])
def test_host_files_are_read_only(ours, caller, place):
    name = f"{place}/contain-test-{os.getpid()}"
    options = [] if caller else ["-u", "0:0:1", "-g", "0:0:1"]
    result = run([ours.contain, "-c", *options, "--host", "/bin/sh", "-c", f"touch {name}"], user=caller)
    assert result.status != 0 and "ead-only" in result.err
    assert not pathlib.Path(name).exists()


def test_host_keeps_the_rest_to_itself(ours, shared, user):
    (shared / "secret").write_text("s")
    script = f"test ! -e {shared}/secret && echo mine >/tmp/file && cat /tmp/file"
    result = run([ours.contain, "-c", "--host", "/bin/sh", "-c", script], user=user)
    assert (result.status, result.lines) == (0, ["mine"]), result.err


def test_host_command_defaults_to_bin_sh(ours, user):
    result = run([ours.contain, "-c", "--host"], user=user, stdin=b"exit 6\n")
    assert result.status == 6, result.err


def test_hostname_is_set(ours, root):
    before = os.uname().nodename
    assert run([ours.contain, "-c", "--hostname", "brian", root, "/bin/hostname"]).lines == ["brian"]
    assert run([ours.contain, "-c", "--hostname=brian", root, "/bin/hostname"]).lines == ["brian"]
    assert os.uname().nodename == before


@pytest.mark.parametrize("name", ["", "x" * 65], ids=["empty", "65 characters"])
def test_hostname_that_cannot_be_is_refused(ours, root, name):
    result = run([ours.contain, "-c", "--hostname", name, root, "/bin/echo", "started"])
    assert result.status in (64, 125) and result.out == "" and "hostname" in result.err


def test_init_stands_in_front_of_the_command(ours, root):
    script = "echo $$; tr '\\0' ' ' </proc/1/cmdline; exit 7"
    result = run([ours.contain, "-c", "--init", root, "/bin/sh", "-c", script])
    assert result.status == 7
    assert result.lines[0] != "1" and "/bin/sh" not in "".join(result.lines[1:])


def test_init_reaps_orphans(ours, root):
    script = "(sleep 0.1 & ) ; sleep 0.4; ps -o stat | grep -c Z; exit 0"
    assert run([ours.contain, "-c", "--init", root, "/bin/sh", "-c", script]).lines == ["0"]


@pytest.mark.parametrize("name", ["TERM", "KILL", "SEGV"])
def test_init_gives_the_command_the_signals_of_an_ordinary_process(ours, root, name):
    result = run([ours.contain, "-c", "--init", root, "/bin/sh", "-c", f"kill -{name} $$; echo survived"])
    assert (result.status, result.out) == (128 + getattr(signal, f"SIG{name}"), "")


def test_init_passes_signals_of_the_supervisor_on(ours, root):
    inner = ["/bin/sh", "-c", "trap 'echo hit; exit 5' TERM; echo up; while :; do sleep 0.05; done"]
    with lib.Supervisor([ours.contain, "-c", "--init", root, *inner]) as supervisor:
        supervisor.expect("up")
        os.kill(supervisor.pid, signal.SIGTERM)
        assert supervisor.wait() == 5


def test_init_dies_with_its_supervisor(ours, root, need_probe):
    with lib.Supervisor([ours.contain, "-c", "--init", root, "/bin/probe", "cling", "prctl"]) as supervisor:
        supervisor.expect("clinging")
        below = lib.descendants(supervisor.pid)
        os.kill(supervisor.pid, signal.SIGKILL)
        assert supervisor.wait() == 137
        lib.until(lambda: all(lib.gone(pid) for pid in below), 3, "the end of all processes")
