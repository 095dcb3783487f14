# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a profile says it would do is what the kernel does."""

import errno

import contain
import pytest
from contain import Decision, Seccomp

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
