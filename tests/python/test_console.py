# SPDX-License-Identifier: MIT OR Apache-2.0
"""A console whose other end is taken: what the command has, keys, size, hang-up, wrong use."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import termios

import pytest

import contain

SOON = 10
"""Seconds; what has not come by then does not come."""


class Dialog:
    """The other end, and what has come from it."""

    def __init__(self, handle: contain.Container | contain.Process) -> None:
        self.fd = handle.take_console()
        self.read = b""

    def more(self) -> bool:
        """Reads once more; False at the end, which is EIO."""
        assert select.select([self.fd], [], [], SOON)[0], self.read
        try:
            self.read += os.read(self.fd, 4096)
        except OSError as error:
            assert error.errno == 5
            return False
        return True

    def expect(self, words: bytes) -> None:
        """Reads up to these words and forgets them."""
        while words not in self.read:
            assert self.more(), self.read
        self.read = self.read.split(words, 1)[1]

    def say(self, words: bytes) -> None:
        os.write(self.fd, words)

    def rest(self) -> bytes:
        """What comes until the end."""
        while self.more():
            pass
        return self.read

    def close(self) -> None:
        os.close(self.fd)


def on_console(*argv: str, **more: object) -> contain.Config:
    return contain.Config(argv=argv, console=contain.Console(rows=50, columns=132), **more)


def sh(script: str, **more: object) -> contain.Config:
    return on_console("sh", "-c", script, **more)


LOOK = "tty; stty size; test /dev/console -ef /dev/pts/0 && echo same; test -t 0 -a -t 1 -a -t 2 && echo to >/dev/tty"
SEEN = b"/dev/pts/0\r\n50 132\r\nsame\r\nto\r\n"


def test_command_has_the_terminal():
    before = len(os.listdir("/proc/self/fd"))
    with contain.Container.run(sh(LOOK)) as container:
        dialog = Dialog(container)
        assert not os.get_inheritable(dialog.fd) and os.get_blocking(dialog.fd)
        assert dialog.rest() == SEEN
        assert container.wait(SOON).returncode == 0
        dialog.close()
    del container
    assert len(os.listdir("/proc/self/fd")) == before


def test_created_container_has_it_before_its_start():
    with contain.Container.create(on_console("cat")) as container:
        dialog = Dialog(container)
        attributes = termios.tcgetattr(dialog.fd)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(dialog.fd, termios.TCSANOW, attributes)
        dialog.say(b"early\n\x04")
        container.start()
        assert dialog.rest() == b"early\r\n"
        assert container.wait(SOON).returncode == 0
        dialog.close()


def test_keys_reach_the_foreground():
    with contain.Container.run(sh("echo ready; exec sleep 60")) as container:
        dialog = Dialog(container)
        dialog.expect(b"ready")
        dialog.say(b"\x03")
        assert container.wait(SOON).returncode == -signal.SIGINT
        dialog.close()


def test_shell_has_job_control():
    with contain.Container.run(on_console("sh", "-i", env={"PATH": "/usr/bin:/bin", "PS1": "ask "})) as container:
        dialog = Dialog(container)
        dialog.expect(b"ask ")
        dialog.say(b"sh -c 'echo be\"\"gin; exec sleep 60'\n")
        dialog.expect(b"begin\r\n")
        dialog.say(b"\x1a")
        dialog.expect(b"Stopped")
        dialog.expect(b"ask ")
        # A shell with stopped jobs asks once.
        dialog.say(b"exit 7\nexit 7\n")
        dialog.rest()
        assert container.wait(SOON).returncode == 7
        dialog.close()


def test_size_is_told():
    script = "trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 60 & wait; done"
    with contain.Container.run(sh(script)) as container:
        dialog = Dialog(container)
        dialog.expect(b"ready")
        termios.tcsetwinsize(dialog.fd, (10, 20))
        dialog.expect(b"10 20")
        assert container.wait(SOON).returncode == 5
        dialog.close()


def test_closing_it_hangs_the_command_up():
    with contain.Container.run(sh("echo ready; exec sleep 60")) as container:
        dialog = Dialog(container)
        dialog.expect(b"ready")
        dialog.close()
        assert container.wait(SOON).returncode == -signal.SIGHUP
    # What nobody takes goes with the handle.
    container = contain.Container.run(on_console("sleep", "60"))
    pidfd = container.pidfd()
    del container
    assert select.select([pidfd], [], [], SOON)[0]
    os.close(pidfd)


def test_death_of_who_has_it_hangs_a_detached_container_up():
    code = """if True:
        import contain, os
        config = contain.Config(argv=["sleep", "60"], console=contain.Console(), lifetime="detached")
        container = contain.Container.run(config)
        master = container.take_console()
        print(container.init_pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == -9, done.stderr
    try:
        pidfd = os.pidfd_open(int(done.stdout))
    except ProcessLookupError:
        return
    assert select.select([pidfd], [], [], SOON)[0]
    os.close(pidfd)


def test_some_of_the_three_lead_elsewhere():
    with contain.Container.run(sh("tty; test -t 2 && echo here >&2"), stdout=contain.PIPE) as container:
        dialog = Dialog(container)
        assert container.stdout.read() == b"/dev/pts/0\n"
        assert dialog.rest() == b"here\r\n"
        dialog.close()
    with contain.Container.run(sh("tty; tty <&2"), stderr=contain.STDOUT) as container:
        dialog = Dialog(container)
        assert dialog.rest() == b"/dev/pts/0\r\n" * 2
        dialog.close()
    null = dict.fromkeys(("stdin", "stdout"), contain.DEVNULL)
    with pytest.raises(contain.InvalidError, match="all lead elsewhere"):
        contain.Container.run(sh("true"), **null, stderr=contain.STDOUT)


@pytest.mark.parametrize("timeout", [None, 60])
def test_injected_command_has_one_of_its_own(timeout):
    console = contain.Console(rows=7, columns=9)
    with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
        with container.inject(["sh", "-c", "tty; stty size; exec sleep 60"], console=console, timeout=timeout) as process:
            dialog = Dialog(process)
            dialog.expect(b"/dev/pts/0\r\n7 9\r\n")
            dialog.say(b"\x03")
            assert process.wait(SOON).returncode == -signal.SIGINT
            dialog.close()
        # One that was not taken is hung up at the end of the block.
        with container.inject(["sleep", "60"], console=console, timeout=timeout) as process:
            pass
        assert process.poll().returncode == -signal.SIGHUP
        with container.inject(["true"]) as process, pytest.raises(contain.InvalidError, match="made without one"):
            process.take_console()


def test_it_is_taken_once_by_who_made_the_container(tmp_path):
    with contain.Container.create("web", on_console("sleep", "60"), runtime=tmp_path / "state") as container:
        with contain.Container.open("web", runtime=tmp_path / "state") as opened:
            with pytest.raises(contain.InvalidError, match="by another process, which alone has it") as raised:
                opened.take_console()
            assert "process that creates" in raised.value.remedy
            dialog = Dialog(container)
            with pytest.raises(contain.InvalidError, match="taken before"):
                container.take_console()
            opened.start()
            dialog.close()
            assert opened.wait(SOON).returncode == -signal.SIGHUP


def test_start_without_it_is_refused():
    with contain.Container.create(on_console("true")) as container:
        os.close(container.take_console())
        with pytest.raises(contain.ContainError, match="closed before the command could begin"):
            container.start()


def test_other_loops_can_read_it():
    async def main() -> bytes:
        with contain.Container.run(sh(LOOK)) as container:
            fd, read, ended = container.take_console(), bytearray(), asyncio.Event()

            def readable() -> None:
                try:
                    read.extend(os.read(fd, 4096))
                except OSError:
                    asyncio.get_running_loop().remove_reader(fd)
                    ended.set()

            asyncio.get_running_loop().add_reader(fd, readable)
            await asyncio.wait_for(ended.wait(), SOON)
            assert (await contain.aio.wait(container, SOON)).returncode == 0
            os.close(fd)
            return bytes(read)

    assert asyncio.run(main()) == SEEN


@pytest.mark.parametrize(
    ("console", "error", "words"),
    [
        (contain.Console(rows=-1), contain.InvalidError, "rows -1: .* 0 to 65535"),
        (contain.Console(columns=65536), contain.InvalidError, "columns 65536: .* 0 to 65535"),
        (contain.Console(rows="24"), TypeError, "rows is '24': it is a number"),
        (True, TypeError, "console is True: it is a Console"),
    ],
)
def test_wrong_sizes_are_named(console, error, words):
    with pytest.raises(error, match=words):
        contain.Container.run(contain.Config(argv=["true"], console=console))
    with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
        with pytest.raises(error, match=words):
            container.inject(["true"], console=console)


def test_run_has_none():
    """Nobody would read it."""
    with pytest.raises(TypeError, match="console"):
        contain.run(["true"], console=contain.Console())
