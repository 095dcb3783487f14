# SPDX-License-Identifier: MIT OR Apache-2.0
"""Wrong use: an error that names the field, the value and what is allowed, before anything is made."""

import math
import subprocess

import contain
import pytest


class Subject:
    """Neither text, number nor file."""

    def __repr__(self):
        return "<subject>"


SUBJECT = Subject()
TYPES = [
    *({field: SUBJECT} for field in ("read_only", "overlay", "init", "no_new_privs", "text", "check", "capture_output")),
    *({field: SUBJECT} for field in ("argv", "mounts", "rlimits", "capabilities", "pass_fds", "env", "files")),
    *({field: SUBJECT} for field in ("root", "cwd", "hostname", "inside", "outside", "user", "uid_map", "gid_map")),
    *({field: SUBJECT} for field in ("stdin", "stdout", "stderr", "input", "timeout", "encoding", "errors")),
    *({field: SUBJECT} for field in ("network", "seccomp")),
    *({field: 1} for field in ("read_only", "init", "no_new_privs", "network", "seccomp", "uid_map", "pass_fds")),
    {"timeout": True},
    {"timeout": "5"},
    {"argv": "true"},
    {"argv": {"true": 1}},
    {"capabilities": "CAP_CHOWN"},
    {"capabilities": [1]},
    {"env": ["A=B"]},
    {"env": {"A": 1}},
    {"user": b"root"},
    {"user": 1.5},
    {"files": {"/tmp/x": 5}},
    {"files": {"/tmp/x": "text"}},
    {"files": {"/tmp/x": contain.NewFile(contents=b"", mode="x")}},
    {"pass_fds": ["x"]},
    {"mounts": contain.Tmpfs(target="/x")},
    {"mounts": ["/x"]},
    {"mounts": [contain.Bind(source="/etc", target="/x", read_only="yes")]},
    {"rlimits": [5]},
    {"rlimits": [contain.Rlimit(resource=1, soft=1.5)]},
    {"overlay": contain.Overlay(size="1G")},
    {"network": contain.Veth(mtu="1500")},
    {"output_limit": 1.5, "capture_output": True},
]
VALUES = [
    {"timeout": -1},
    {"timeout": 0},
    {"timeout": math.nan},
    {"timeout": math.inf},
    {"timeout": 10**400},
    {"stdin": -1000},
    {"stdout": 2**40},
    {"pass_fds": [2]},
    {"pass_fds": [2**40]},
    {"user": -1},
    {"user": 2**40},
    {"user": ""},
    {"overlay": contain.Overlay(size=-1)},
    {"overlay": contain.Overlay(size=2**70)},
    {"mounts": [contain.Tmpfs(target="/x", mode=-1)]},
    {"mounts": [contain.Tmpfs(target="/x", size=2**70)]},
    {"files": {"/tmp/x": contain.NewFile(contents=b"", mode=0o10000)}},
    {"files": {"relative": b""}},
    {"rlimits": [contain.Rlimit(resource=-1, soft=1)]},
    {"rlimits": [contain.Rlimit(resource=1, soft=2**64)]},
    {"rlimits": [contain.Rlimit(resource=7, soft=5, hard=1)]},
    {"network": "bridge"},
    {"network": contain.Veth(mtu=2**40)},
    {"seccomp": "strict"},
    {"encoding": "no-such-codec"},
    {"errors": "no-such-handler", "text": True},
    {"capabilities": ["CAP_NOTHING"]},
    {"env": {"A": "x\0y"}},
    {"argv": []},
    {"argv": ["true", "a\0b"]},
    {"on_output_limit": "stop", "output_limit": 1, "capture_output": True},
]


def run_wrongly(arguments):
    contain.run(**{"argv": ["sh", "-c", "exit 1"], "check": True, **arguments})


@pytest.mark.parametrize("arguments", TYPES, ids=repr)
def test_value_of_another_type_is_a_type_error(arguments):
    field, value = next(iter(arguments.items()))
    with pytest.raises(TypeError) as caught:
        run_wrongly(arguments)
    said = str(caught.value)
    assert "it is " in said, said
    if not isinstance(value, (list, dict)) and not hasattr(value, "__dataclass_fields__"):
        assert said.startswith(f"{field} is {value!r}: it is "), said


@pytest.mark.parametrize("arguments", VALUES, ids=lambda arguments: repr(arguments)[:60])
def test_value_that_is_not_allowed_is_an_invalid_error(arguments):
    with pytest.raises(contain.InvalidError) as caught:
        run_wrongly(arguments)
    assert caught.value.cause and caught.value.stage and isinstance(caught.value, ValueError)


def test_handles_say_what_is_wrong():
    with contain.Container.run(contain.Config(argv=["sleep", "60"])) as container:
        for wrong in (lambda: container.wait("5"), lambda: container.stop(grace="5"), lambda: container.kill("TERM")):
            with pytest.raises(TypeError):
                wrong()
        for wrong in (
            lambda: container.wait(-1),
            lambda: container.stop(grace=math.nan),
            lambda: container.kill(65),
            lambda: container.inject(["true"], timeout=0),
            lambda: container.inject(["true"], user=-1),
        ):
            with pytest.raises(contain.InvalidError):
                wrong()
        with pytest.raises(TypeError, match="input is"), container.inject(["cat"], stdin=contain.PIPE) as process:
            process.communicate("text")
        assert container.poll() is None


def test_input_may_be_any_buffer():
    for data in (b"abcd", bytearray(b"abcd"), memoryview(b"abcd"), memoryview(b"a-b-c-d-")[::2]):
        assert contain.run(["cat"], input=data, capture_output=True).stdout == b"abcd"


def test_text_is_decoded_as_by_subprocess(tmp_path):
    line = r"printf 'one\r\ntwo\rthree\n\303\244'"
    for more in ({"text": True}, {"encoding": "latin-1"}, {"errors": "replace"}):
        outside = subprocess.run(["sh", "-c", line], capture_output=True, **more)
        assert contain.run(["sh", "-c", line], capture_output=True, **more).stdout == outside.stdout
    for errors in ("replace", "ignore", "surrogateescape", "backslashreplace"):
        argv = ["printf", r"a\377b"]
        outside = subprocess.run(argv, capture_output=True, encoding="utf-8", errors=errors)
        assert contain.run(argv, capture_output=True, encoding="utf-8", errors=errors).stdout == outside.stdout
    with pytest.raises(UnicodeDecodeError):
        contain.run(["printf", r"a\377b"], capture_output=True, encoding="utf-8")


def test_large_output_over_its_limit_takes_no_memory(script):
    code = """if True:
        import contain, resource
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = contain.run(["head", "-c", "300M", "/dev/zero"], capture_output=True, output_limit=1 << 20)
        assert (len(result.stdout), result.truncated, result.returncode) == (1 << 20, True, 0)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024)
    """
    assert script(code).stdout == "True\n"


def test_caller_without_standard_descriptors(script):
    code = """if True:
        import contain, os
        note = os.dup(1)
        os.set_inheritable(note, False)
        for number in range(3):
            os.close(number)
        result = contain.run(["sh", "-c", "cat; echo out; echo err >&2"], input=b"in ", capture_output=True)
        os.write(note, repr((result.stdout, result.stderr)).encode())
        os._exit(0)
    """
    assert script(code).stdout == "(b'in out\\n', b'err\\n')"
