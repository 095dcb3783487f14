# SPDX-License-Identifier: MIT OR Apache-2.0
"""Mended: window size, end of file, echo, terminal ioctls, under real terminals."""

import itertools
import os
import shutil

import lib
import pytest
from lib import run


def test_window_size_is_the_terminals_from_the_start(ours, root):
    for _ in range(20):
        with lib.Terminal([ours.contain, root, "/bin/stty", "size"], rows=37, columns=101) as terminal:
            status = terminal.wait()
            assert (status, terminal.buffer) == (0, b"37 101\r\n")


def test_window_size_follows_the_terminal(ours, root):
    script = "trap 'stty size' WINCH; echo u''p; while :; do sleep 0.05; done"
    with lib.Terminal([ours.contain, root, "/bin/sh", "-c", script]) as terminal:
        terminal.expect("up")
        for rows, columns in ((50, 132), (10, 20), (24, 80)):
            terminal.resize(rows, columns)
            terminal.expect(f"{rows} {columns}\r\n")


def test_window_size_follows_a_users_terminal(ours, user_root, user):
    script = "trap 'stty size' WINCH; echo u''p; while :; do sleep 0.05; done"
    with lib.Terminal([ours.contain, user_root, "/bin/sh", "-c", script], user=user) as terminal:
        terminal.expect("up")
        terminal.resize(51, 133)
        terminal.expect("51 133\r\n")


def test_container_under_tmux_is_usable_and_resized(ours, root, scratch):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux")
    tmux = ["tmux", "-f", "/dev/null", "-S", str(scratch / "tmux")]

    def screen():
        return run([*tmux, "capture-pane", "-p"]).out

    command = f"{ours.contain} {root}; echo left with $?; sleep 100"
    try:
        assert run([*tmux, "new-session", "-d", "-x", "90", "-y", "30", command]).status == 0
        lib.until(lambda: "#" in screen(), 10, "the prompt")
        run([*tmux, "send-keys", "stty size; echo $((6 * 7))", "Enter"])
        # The last line of the terminal is tmux's own.
        lib.until(lambda: "42" in screen(), 10, "the command's answer")
        assert {"29 90", "30 90"} & set(screen().splitlines())
        run([*tmux, "resize-window", "-x", "70", "-y", "20"])
        run([*tmux, "send-keys", "clear; stty size; echo $((7 * 7))", "Enter"])
        lib.until(lambda: "49" in screen(), 10, "the command's answer")
        assert {"19 70", "20 70"} & set(screen().splitlines())
        run([*tmux, "send-keys", "exit 9", "Enter"])
        lib.until(lambda: "left with 9" in screen(), 10, "the end")
    finally:
        run([*tmux, "kill-server"])
        lib.until(lambda: run([*tmux, "list-sessions"]).status != 0, 5, "the end of tmux")


@pytest.mark.parametrize(
    "text",
    [b"hi\n", b"hi", b"", b"\n", b"one\ntwo\n", b"one\ntwo", b"a\0b\n", "ä\n".encode()],
    ids=["line", "no newline", "empty", "newline", "lines", "no last newline", "nul", "utf-8"],
)
def test_end_of_file_of_piped_input_is_passed_on_and_nothing_is_echoed(ours, root, text):
    result = run([ours.contain, root, "/bin/cat"], stdin=text, timeout=10)
    assert (result.status, result.raw.replace(b"\r\n", b"\n")) == (0, text)


def test_end_of_file_is_passed_on_for_a_user(ours, user_root, user):
    result = run([ours.contain, user_root, "/bin/cat"], stdin=b"hi\n", timeout=10, user=user)
    assert (result.status, result.lines) == (0, ["hi"])


def test_end_of_file_of_dev_null_is_passed_on(ours, root):
    result = run([ours.contain, root, "/bin/cat"], stdin=None, timeout=10)
    assert (result.status, result.out) == (0, "")


def test_much_piped_input_arrives_in_order(ours, root):
    text = "".join(f"line {number}\n" for number in range(30000))
    result = run([ours.contain, root, "/bin/cat"], stdin=text.encode())
    assert (result.status, result.lines) == (0, text.splitlines())


def test_command_goes_on_after_the_end_of_its_input(ours, root):
    script = "cat; sleep 0.2; echo more; exit 4"
    result = run([ours.contain, root, "/bin/sh", "-c", script], stdin=b"hi\n")
    assert (result.status, result.lines) == (4, ["hi", "more"])


def test_command_that_reads_nothing_is_not_held_up_by_its_input(ours, root):
    result = run([ours.contain, root, "/bin/sh", "-c", "exit 4"], stdin=b"x" * 200_000)
    assert result.status == 4


def test_output_closed_by_its_reader_ends_a_writer(ours, root):
    result = run(["sh", "-c", '"$@" | head -n 1', "sh", ours.contain, root, "/bin/yes"], timeout=10)
    assert result.lines == ["y"]


@pytest.mark.parametrize("kind", ["tiocsti", "tioclinux"])
def test_c_filters_what_types_into_the_callers_terminal(ours, who, kind, need_probe):
    folder, user = who
    # On a descriptor that is no terminal the kernel's own answer would be ENOTTY.
    assert run([ours.contain, "-c", folder, "/bin/probe", kind], user=user).lines == ["EPERM"]


@pytest.mark.parametrize("options", [[], ["-c"]], ids=["console", "-c"])
def test_descriptors_of_the_caller_do_not_leak_in(ours, root, options, need_probe):
    opened = [os.open("/", os.O_RDONLY) for _ in range(3)]
    try:
        result = run([ours.contain, *options, root, "/bin/probe", "descriptors"], pass_fds=opened)
    finally:
        for descriptor in opened:
            os.close(descriptor)
    assert result.lines == ["0 1 2 "]


@pytest.mark.parametrize("closed", [c for n in (1, 2, 3) for c in itertools.combinations("012", n)], ids="".join)
def test_closed_standard_descriptors_are_the_console_inside(ours, root, closed):
    words = " ".join(f"{number}>&-" for number in closed)
    inner = ["/bin/sh", "-c", "test -t 0 && test -t 1 && test -t 2"]
    assert run(["sh", "-c", f'exec "$@" {words}', "sh", ours.contain, root, *inner]).status == 0
