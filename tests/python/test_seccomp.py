# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a profile says it would do is what the kernel does."""

import errno
import json

import contain
import pytest
from contain import Decision, Seccomp, SeccompCondition, SeccompRule

TIOCSTI = 0x5412
CLONE_NEWUSER = 0x10000000


@pytest.mark.parametrize(
    "profile, call, decision",
    [
        ("app", ("read",), Decision("allow")),
        ("app", ("mount",), Decision("errno", errno.EPERM)),
        ("app", ("unshare", CLONE_NEWUSER), Decision("errno", errno.EPERM)),
        ("app", ("ioctl", 0, TIOCSTI), Decision("errno", errno.EPERM)),
        ("app", ("ioctl", 0, TIOCSTI + 1), Decision("allow")),
        ("system", ("mount",), Decision("allow")),
        ("system", ("kexec_load",), Decision("errno", errno.EPERM)),
        ("system", ("vm86",), None),
        ("none", ("kexec_load",), Decision("allow")),
        ("none", ("ioctl", 0, TIOCSTI), Decision("errno", errno.EPERM)),
    ],
)
def test_decision_is_that_of_the_profile(profile, call, decision):
    if decision is None:
        with pytest.raises(contain.InvalidError):
            Seccomp(profile).test(*call)
        assert Seccomp(profile).test(*call, architecture="i386") == Decision("errno", errno.ENOSYS)
        return
    assert Seccomp(profile).test(*call) == decision
    assert Seccomp(profile).test(*call).allowed == (decision.action == "allow")


def test_terminal_of_the_commands_own_may_be_typed_into():
    assert not Seccomp("system").test("ioctl", 0, TIOCSTI).allowed
    assert Seccomp("system").test("ioctl", 0, TIOCSTI, terminal=True).allowed


@pytest.mark.parametrize("profile", ["app", "system", "none"])
@pytest.mark.parametrize("call, number, arguments", [("unshare", 272, (CLONE_NEWUSER,)), ("keyctl", 250, (0, -3, 0))])
def test_kernel_decides_as_told(profile, call, number, arguments, inner_python):
    code = f"import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall({number}, *{arguments}); print(ctypes.get_errno())"
    result = contain.run([inner_python, "-c", code], seccomp=Seccomp(profile), capture_output=True, text=True)
    told = Seccomp(profile).test(call, *arguments)
    assert told.allowed or int(result.stdout) == told.errno
    if told.allowed:
        # The kernel's own answer; EPERM would be the filter's.
        assert int(result.stdout) != errno.EPERM, result.stdout


def test_wrong_questions_are_errors():
    for call in (lambda: Seccomp("app").test("no_such_call"), lambda: Seccomp("strict").test("read")):
        with pytest.raises(contain.InvalidError) as caught:
            call()
        assert caught.value.cause
    with pytest.raises(contain.InvalidError):
        Seccomp().test("read", architecture="vax")
    with pytest.raises(TypeError):
        Seccomp().test("read", *range(7))


def refusing(**more):
    rules = [
        SeccompRule(["mkdir", 258], "errno", errno.ENOTSUP),
        SeccompRule(["personality"], "kill_process", conditions=[SeccompCondition(0, "==", 4)]),
    ]
    return Seccomp(default="allow", rules=rules, **more)


OCI = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOTSUP}],
}
MAKE = ["sh", "-c", "mkdir /tmp/x 2>&1"]


def test_rules_of_ones_own_decide():
    own = refusing(architectures=["i386"])
    assert own.test("mkdirat") == Decision("errno", errno.ENOTSUP)
    assert own.test("mkdirat", architecture="i386") == Decision("errno", errno.ENOTSUP)
    assert [own.test("personality", value).action for value in (4, 5)] == ["kill_process", "allow"]
    assert own.test("read", architecture="x32") == Decision("kill_thread")
    assert own.test("ioctl", 0, TIOCSTI).errno == errno.EPERM and own.test("ioctl", 0, TIOCSTI, terminal=True).allowed
    assert own.bpf() and len(own.bpf()) % 8 == 0
    assert Seccomp() == Seccomp("app") and Seccomp("none").bpf(terminal=True) == b""


@pytest.mark.parametrize("document", [OCI, json.dumps(OCI), json.dumps(OCI).encode()])
def test_document_of_oci_is_taken(document):
    assert Seccomp.from_oci(document).test("mkdir") == Decision("errno", errno.ENOTSUP)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Seccomp(default="deny"),
        lambda: Seccomp(default="errno", errno=4096),
        lambda: Seccomp(default="allow", errno=1),
        lambda: Seccomp(default="allow", architectures=["arm"]),
        lambda: SeccompRule(["mkdri"], "log"),
        lambda: SeccompRule([], "log"),
        lambda: SeccompRule(["mkdir"], "log", conditions=[SeccompCondition(0, "==", 1), SeccompCondition(0, "==", 2)]),
        lambda: SeccompCondition(6, "==", 1),
        lambda: SeccompCondition(0, "&=", 1),
        lambda: SeccompCondition(0, "==", -1),
        lambda: Seccomp.from_oci("[]"),
        lambda: Seccomp.from_oci({"defaultAction": "ALLOW"}),
        lambda: contain.explain(
            contain.Config(argv=["x"], seccomp=Seccomp(default="allow", rules=[SeccompRule(["execve"], "errno")]))
        ),
    ],
)
def test_what_is_wrong_is_refused(wrong):
    with pytest.raises(contain.InvalidError):
        wrong()


def test_what_goes_together_is_told():
    for wrong in (lambda: Seccomp("app", default="allow"), lambda: Seccomp(rules=[SeccompRule(["mkdir"], "log")])):
        with pytest.raises(TypeError):
            wrong()
    with pytest.raises(contain.UnsupportedError):
        Seccomp.from_oci({**OCI, "listenerPath": "/run/agent"})


@pytest.mark.parametrize("own", [refusing(), Seccomp.from_oci(OCI)])
def test_container_runs_under_a_filter_of_ones_own(own):
    result = contain.run(MAKE, seccomp=own, capture_output=True, text=True)
    assert result.returncode != 0 and "not supported" in result.stdout


def test_rule_that_kills_kills(inner_python):
    code = "import ctypes; ctypes.CDLL(None).syscall(135, 4)"
    result = contain.run([inner_python, "-c", code], seccomp=refusing())
    assert result.returncode == -31


def test_injected_command_has_the_containers_filter_also_by_another_process(script, tmp_path):
    config = contain.Config(argv=["sleep", "60"], seccomp=refusing())
    with contain.Container.run("own", config, runtime=tmp_path / "state") as container:
        process = container.inject(MAKE, stdout=contain.PIPE)
        assert b"not supported" in process.communicate(timeout=10)[0]
        process = container.inject(MAKE, stdout=contain.PIPE, seccomp=Seccomp(default="allow"))
        assert b"not supported" not in process.communicate(timeout=10)[0]
        done = script(f"""
import contain
container = contain.Container.open("own", runtime={str(tmp_path / "state")!r})
process = container.inject({MAKE!r}, stdout=contain.PIPE)
assert b"not supported" in process.communicate(timeout=10)[0]
""")
        assert done.returncode == 0
