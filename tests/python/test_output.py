# SPDX-License-Identifier: MIT OR Apache-2.0
"""Standard descriptors, pipes, text, deadlines."""

import os
import subprocess
import time

import contain
import pytest


def test_constants_are_those_of_subprocess():
    assert (contain.PIPE, contain.STDOUT, contain.DEVNULL) == (subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL)


def test_both_pipes_are_read_while_both_are_full():
    line = "head -c 3000000 /dev/zero >&2 & head -c 3000001 /dev/zero; wait"
    result = contain.run(["sh", "-c", line], capture_output=True, timeout=30)
    assert (len(result.stdout), len(result.stderr)) == (3000001, 3000000)


def test_input_larger_than_a_pipe_comes_back():
    data = os.urandom(1 << 21)
    assert contain.run(["cat"], input=data, stdout=contain.PIPE, timeout=30).stdout == data
    assert contain.run(["wc", "-c"], input=memoryview(data), stdout=contain.PIPE).stdout == b"2097152\n"


def test_input_that_nobody_reads_is_no_error():
    assert contain.run(["true"], input=b"x" * (1 << 20)).returncode == 0


def test_empty_input_is_end_of_file():
    assert contain.run(["cat"], input=b"", capture_output=True, timeout=10).stdout == b""
    assert contain.run(["cat"], stdin=contain.PIPE, capture_output=True, timeout=10).stdout == b""
    assert contain.run(["cat"], stdin=contain.DEVNULL, capture_output=True, timeout=10).stdout == b""


def test_text_goes_in_and_comes_out():
    assert contain.run(["cat"], input="käse\r\nx\r", capture_output=True, text=True).stdout == "käse\nx\n"
    result = contain.run(["cat"], input="ä", capture_output=True, encoding="latin-1")
    assert result.stdout == "ä"
    assert contain.run(["printf", r"\377"], capture_output=True, errors="replace", text=True).stdout == "\ufffd"
    with pytest.raises(UnicodeDecodeError):
        contain.run(["printf", r"\377"], capture_output=True, encoding="utf-8")


def test_input_of_the_wrong_type_is_refused():
    with pytest.raises(TypeError):
        contain.run(["cat"], input="text")
    with pytest.raises(TypeError):
        contain.run(["cat"], input=b"bytes", text=True)


def test_stderr_joins_stdout():
    line = ["sh", "-c", "echo out; echo err >&2"]
    result = contain.run(line, stdout=contain.PIPE, stderr=contain.STDOUT)
    assert (result.stdout, result.stderr) == (b"out\nerr\n", None)


def test_files_and_numbers_are_descriptors(tmp_path):
    (tmp_path / "in").write_text("from a file\n")
    with open(tmp_path / "in") as source, open(tmp_path / "out", "wb") as target:
        contain.run(["sh", "-c", "cat; echo err >&2"], stdin=source, stdout=target.fileno(), stderr=contain.STDOUT)
        assert not source.closed and not target.closed
    assert (tmp_path / "out").read_text() == "from a file\nerr\n"


def test_descriptors_of_the_caller_are_inherited_where_none_is_given(script):
    code = "import contain; contain.run(['sh', '-c', 'cat; echo err >&2'])"
    done = script(code, input="from the caller\n")
    assert (done.stdout, done.stderr) == ("from the caller\n", "err\n")


def test_stderr_joins_an_inherited_stdout(script):
    done = script("import contain; contain.run(['sh', '-c', 'echo err >&2'], stderr=contain.STDOUT)")
    assert (done.stdout, done.stderr) == ("err\n", "")


def test_command_has_no_descriptor_of_the_caller():
    with open("/dev/null") as other:
        os.set_inheritable(other.fileno(), True)
        result = contain.run(["sh", "-c", "ls /proc/$$/fd; true"], capture_output=True, text=True)
    assert result.stdout.split() == ["0", "1", "2"]


def test_arguments_that_exclude_each_other_are_refused():
    for wrong in (
        {"input": b"", "stdin": contain.PIPE},
        {"capture_output": True, "stdout": contain.PIPE},
        {"capture_output": True, "stderr": contain.DEVNULL},
        {"stdout": contain.STDOUT},
    ):
        with pytest.raises(ValueError):
            contain.run(["true"], **wrong)


def test_deadline_ends_the_whole_tree_though_it_ignores_signals(mark):
    line = f"trap '' HUP INT TERM; setsid sleep {mark.seconds} & (sleep {mark.seconds} &) ; sleep {mark.seconds}"
    before = time.monotonic()
    with pytest.raises(contain.TimeoutExpired) as caught:
        contain.run(["sh", "-c", f"echo begun; {line}"], timeout=0.5, capture_output=True)
    assert mark.processes() == []
    assert 0.5 <= time.monotonic() - before < 5
    error = caught.value
    assert isinstance(error, subprocess.TimeoutExpired) and isinstance(error, TimeoutError)
    assert (error.stdout, error.stderr, error.timeout) == (b"begun\n", b"", 0.5)
    assert (error.result.returncode, error.result.ended_by, error.result.stdout) == (-9, "wall", b"begun\n")
    assert 0.4 <= error.result.usage.wall_seconds < 5


def test_pipes_can_be_opened_again_inside():
    line = "read word </dev/stdin; echo $word >/dev/stdout; echo $word >/dev/stderr"
    result = contain.run(["sh", "-c", line], input=b"in\n", capture_output=True)
    assert (result.stdout, result.stderr) == (b"in\n", b"in\n")


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_output_over_its_limit_is_thrown_away(size):
    line = "yes | head -c 200000; yes n | head -c 500 >&2; exit 3"
    result = contain.run(["sh", "-c", line], capture_output=True, output_limit=size)
    assert (result.returncode, result.ended_by, result.truncated) == (3, "exited", True)
    assert result.stdout == (b"y\n" * 100_000)[:size] and result.stderr == (b"n\n" * 250)[:size]


def test_output_up_to_its_limit_is_whole():
    for on_limit in ("truncate", "end"):
        result = contain.run(["printf", "12345"], capture_output=True, output_limit=5, on_output_limit=on_limit)
        assert (result.stdout, result.truncated, result.ended_by) == (b"12345", False, "exited")


@pytest.mark.parametrize("line", ["yes", "yes >&2", "printf 'x%.0s' $(seq 2000); sleep 60"])
def test_output_over_its_limit_ends_the_command_if_asked(line, mark):
    line = f"sleep {mark.seconds} & {line}"
    result = contain.run(["sh", "-c", line], capture_output=True, output_limit=999, on_output_limit="end", text=True)
    assert (result.returncode, result.ended_by, result.truncated) == (-9, "output", True)
    assert len(result.stdout or result.stderr) == 999
    assert mark.processes() == []
    with pytest.raises(contain.CalledProcessError) as caught:
        contain.run(["yes"], capture_output=True, output_limit=9, on_output_limit="end", check=True)
    assert caught.value.result.ended_by is contain.EndedBy.OUTPUT


def test_limit_within_a_character_is_no_error():
    result = contain.run(["printf", "k\303\244"], capture_output=True, output_limit=2, encoding="utf-8")
    assert result.stdout == "k\ufffd" and result.truncated


def test_limits_that_are_none_are_refused():
    for wrong in ({"output_limit": -1}, {"output_limit": 5, "on_output_limit": "stop"}, {"timeout": float("nan")}):
        with pytest.raises(contain.InvalidError) as caught:
            contain.run(["true"], capture_output=True, **wrong)
        assert list(wrong)[-1] in str(caught.value) and caught.value.cause
    for wrong in ({"output_limit": "5"}, {"timeout": "5"}):
        with pytest.raises(TypeError, match=list(wrong)[0]):
            contain.run(["true"], capture_output=True, **wrong)
    with pytest.raises(ValueError):
        contain.run(["true"], output_limit=5)


def test_deadline_holds_against_a_flood():
    before = time.monotonic()
    with pytest.raises(contain.TimeoutExpired):
        contain.run(["sh", "-c", "yes & yes >&2"], timeout=0.2, capture_output=True)
    assert time.monotonic() - before < 5


def test_deadline_holds_against_a_command_that_closed_its_output_or_reads_nothing():
    for line in ("exec >&- 2>&-; sleep 60", "sleep 60"):
        with pytest.raises(contain.TimeoutExpired):
            contain.run(["sh", "-c", line], timeout=0.2, input=b"x" * (1 << 20), capture_output=True)


def test_deadline_within_a_character_is_still_a_deadline():
    with pytest.raises(contain.TimeoutExpired) as caught:
        contain.run(["sh", "-c", r"printf 'k\303'; sleep 60"], timeout=0.3, capture_output=True, encoding="utf-8")
    assert caught.value.stdout == "k\ufffd"


def test_command_that_ends_in_time_is_not_late():
    assert contain.run(["sh", "-c", "sleep 0.1; exit 5"], timeout=30).returncode == 5


def test_output_ends_with_the_container_whoever_else_holds_the_pipe(script):
    code = """if True:
        import contain, os, signal, time
        config = contain.Config(argv=["sh", "-c", "echo all; sleep 0.3"])
        container = contain.Container.run(config, stdout=contain.PIPE)
        # What a fork in another thread does between the making and the closing of the pipe.
        writer = os.open(f"/proc/self/fd/{container.stdout.fileno()}", os.O_WRONLY)
        before = time.monotonic()
        print(container.communicate(timeout=20)[0], time.monotonic() - before < 10)
    """
    assert script(code).stdout == "b'all\\n' True\n"
