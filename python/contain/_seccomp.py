# SPDX-License-Identifier: MIT OR Apache-2.0
"""seccomp filters, named ones and one's own, and what they would do with a system call."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from contain import _native
from contain._check import word
from contain._errors import invalid

if TYPE_CHECKING:
    _Action: TypeAlias = Literal["allow", "errno", "kill_process", "kill_thread", "trap", "trace", "log"]
    _Comparison: TypeAlias = Literal["!=", "<", "<=", "==", ">=", ">", "&="]
    _Architecture: TypeAlias = Literal["x86_64", "i386", "x32"]

_ACTIONS: "dict[_Action, str]" = {
    "allow": "SCMP_ACT_ALLOW",
    "errno": "SCMP_ACT_ERRNO",
    "kill_process": "SCMP_ACT_KILL_PROCESS",
    "kill_thread": "SCMP_ACT_KILL_THREAD",
    "trap": "SCMP_ACT_TRAP",
    "trace": "SCMP_ACT_TRACE",
    "log": "SCMP_ACT_LOG",
}
_COMPARISONS: "dict[_Comparison, str]" = {
    "!=": "SCMP_CMP_NE",
    "<": "SCMP_CMP_LT",
    "<=": "SCMP_CMP_LE",
    "==": "SCMP_CMP_EQ",
    ">=": "SCMP_CMP_GE",
    ">": "SCMP_CMP_GT",
    "&=": "SCMP_CMP_MASKED_EQ",
}
_ARCHITECTURES: "dict[_Architecture, str]" = {
    "x86_64": "SCMP_ARCH_X86_64",
    "i386": "SCMP_ARCH_X86",
    "x32": "SCMP_ARCH_X32",
}
_FLAGS: dict[Literal["log", "spec_allow"], str] = {
    "log": "SECCOMP_FILTER_FLAG_LOG",
    "spec_allow": "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
}


@dataclasses.dataclass(frozen=True)
class Decision:
    """What the kernel would do with a system call."""

    action: Literal["allow", "errno", "kill_process", "kill_thread", "trap", "trace", "log", "notify"]
    """Carry it out ("allow", "log"), refuse it ("errno"), or end or stop who made it."""
    errno: int | None = None
    """With which error number it is refused."""

    @property
    def allowed(self) -> bool:
        """Whether it would be carried out."""
        return self.action in ("allow", "log")


@dataclasses.dataclass(frozen=True)
class SeccompCondition:
    """What one argument of a system call has to be for a rule to hold."""

    argument: int
    """Which, 0 to 5."""
    comparison: "_Comparison"
    """Argument first; "&=": its bits that `mask` has are those of `value`."""
    value: int
    """What it is compared with, 0 to 2**64 - 1."""
    mask: int | None = None
    """The bits that count, with "&=" alone."""

    def __post_init__(self) -> None:
        if self.argument not in range(6):
            raise invalid("argument", self.argument, "it is a number from 0 to 5")
        if self.comparison not in _COMPARISONS:
            raise invalid("comparison", self.comparison, f"it is one of {' '.join(_COMPARISONS)}")
        if (self.comparison == "&=") != (self.mask is not None):
            raise invalid("mask", self.mask, 'it goes with the comparison "&=", and that with it')
        for value in (self.value, self.mask or 0):
            if not 0 <= value < 2**64:
                raise invalid("value", value, "it is a number from 0 to 2**64 - 1")


@dataclasses.dataclass(frozen=True)
class SeccompRule:
    """What is done about some system calls, where all of the conditions hold."""

    calls: Sequence[str | int]
    """Names, or numbers on x86-64; InvalidError for a name that no system call has."""
    action: "_Action"
    """What is done."""
    errno: int | None = None
    """With "errno" the error number, 0 to 4095, with "trace" the message; None for EPERM."""
    conditions: Sequence[SeccompCondition] = ()
    """When; one for each argument at most. Always where there are none."""

    def __post_init__(self) -> None:
        if isinstance(self.calls, str):
            raise TypeError(f"calls is {self.calls!r}: it is a sequence of names and numbers")
        object.__setattr__(self, "calls", tuple(self.calls))
        object.__setattr__(self, "conditions", tuple(self.conditions))
        _check_action("action", self.action, self.errno)
        if not self.calls:
            raise invalid("calls", self.calls, "a rule names at least one system call")
        for call in self.calls:
            _native.seccomp_check_call(str(call))
        arguments = [condition.argument for condition in self.conditions]
        if len(set(arguments)) < len(arguments):
            allowed = "a rule has one condition for each argument: use a mask, or several rules"
            raise invalid("conditions", arguments, allowed)


@dataclasses.dataclass(frozen=True)
class Seccomp:
    """A filter on system calls, for `Config.seccomp`: a named profile, or one of one's own.

    "app" is the engines' default profile, "system" lets a distribution boot, "none" is no filter. One of one's own has
    a `default` and `rules`, or is OCI's: `Seccomp.from_oci`. Of several rules for one call the first without conditions
    decides, else the first whose conditions hold.
    """

    profile: Literal["system", "app", "none"] | None = None
    """The name of a profile; None for one's own, and for "app" where nothing else is given."""
    _: dataclasses.KW_ONLY
    default: "_Action | None" = None
    """Of one's own: what is done about what no rule decides."""
    errno: int | None = None
    """With "errno" as default the error number, with "trace" the message; None for EPERM."""
    rules: Sequence[SeccompRule] = ()
    """Of one's own."""
    architectures: "Sequence[_Architecture]" = ()
    """What the rules hold for beside "x86_64"; a call in another architecture ends its thread."""
    flags: Sequence[Literal["log", "spec_allow"]] = ()
    """How it is loaded: everything but what is allowed is logged; speculative store bypass is not prevented."""
    oci: str | None = None
    """OCI's `linux.seccomp` object, as JSON."""

    def __post_init__(self) -> None:
        for name in ("rules", "architectures", "flags"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        given = [name for name in ("profile", "default", "oci") if getattr(self, name) is not None]
        if not given:
            object.__setattr__(self, "profile", "app")
        if len(given) > 1:
            raise TypeError(f"{' and '.join(given)} are given: a filter is one of them")
        if self.default is None:
            for name in ("errno", "rules", "architectures", "flags"):
                if getattr(self, name) not in (None, ()):
                    raise TypeError(f"{name} is given without default")
        else:
            _check_action("default", self.default, self.errno)
            _check_words("architectures", self.architectures, _ARCHITECTURES)
            _check_words("flags", self.flags, _FLAGS)
            self.bpf()

    @classmethod
    def from_oci(cls, document: str | bytes | Mapping[str, object]) -> "Seccomp":
        """The filter of OCI's `linux.seccomp` object, as JSON or as what `json.loads` makes of it.

        InvalidError names the place of what is wrong, its value and what is allowed; UnsupportedError
        for what needs a listener.
        """
        if isinstance(document, bytes):
            document = document.decode()
        if not isinstance(document, str):
            document = json.dumps(dict(document))
        if not document.lstrip().startswith("{"):
            raise invalid("seccomp", document[:80], "it is a JSON object")
        filtered = cls(oci=document.lstrip())
        filtered.bpf()
        return filtered

    def bpf(self, *, terminal: bool = False) -> bytes:
        """The program: the kernel's struct sock_filter, 8 bytes each; empty where nothing is loaded.

        `terminal` as of `test`; one's own is the same with either.
        """
        return _native.seccomp_bpf(spelled(self), terminal)

    def test(
        self,
        name: str,
        *arguments: int,
        architecture: "_Architecture" = "x86_64",
        terminal: bool = False,
    ) -> Decision:
        """What would happen to the system call of this name; nothing is done.

        Up to six arguments; those that are left out are 0. `terminal` asks for the filter of a
        command that has the console of its own (`contain` without -c); that of `run` also
        refuses to type into the caller's terminal. InvalidError for a name that the
        architecture does not have.
        """
        if len(arguments) > 6:
            raise TypeError(f"{name} has {len(arguments)} arguments: a system call has at most 6")
        whole = [argument % 2**64 for argument in arguments] + [0] * (6 - len(arguments))
        return Decision(*_native.seccomp_decide(spelled(self), name, whole, architecture, terminal))


def _check_action(field: str, action: str, errno: int | None) -> None:
    if action not in _ACTIONS:
        raise invalid(field, action, f"it is one of {', '.join(_ACTIONS)}")
    most = {"errno": 4095, "trace": 65535}.get(action)
    if errno is not None and (most is None or not 0 <= errno <= most):
        raise invalid("errno", errno, f"it is a number from 0 to {most}" if most else "it goes with errno and trace")


def _check_words(field: str, words: Sequence[str], known: Collection[str]) -> None:
    for word in words:
        if word not in known:
            raise invalid(field, word, f"it has only {', '.join(known)}")


def spelled(seccomp: Literal["system", "app", "none"] | Seccomp) -> str:
    """A filter as the extension module reads it: a profile's name, or JSON."""
    if not isinstance(seccomp, Seccomp):
        return seccomp
    if seccomp.oci is not None:
        return seccomp.oci
    if seccomp.default is None:
        return word("profile", seccomp.profile)
    return json.dumps(
        {
            "defaultAction": _ACTIONS[seccomp.default],
            "defaultErrnoRet": seccomp.errno,
            "architectures": [_ARCHITECTURES[word] for word in seccomp.architectures],
            "flags": [_FLAGS[word] for word in seccomp.flags],
            "syscalls": [_rule(rule) for rule in seccomp.rules],
        }
    )


def _rule(rule: SeccompRule) -> dict[str, object]:
    numbers = [int(call) if isinstance(call, int) or call.isdecimal() else call for call in rule.calls]
    return {
        "names": numbers,
        "action": _ACTIONS[rule.action],
        "errnoRet": rule.errno,
        "args": [_condition(condition) for condition in rule.conditions],
    }


def _condition(condition: SeccompCondition) -> dict[str, object]:
    value, second = condition.value, 0
    if condition.mask is not None:
        value, second = condition.mask, condition.value
    comparison = _COMPARISONS[condition.comparison]
    return {"index": condition.argument, "value": value, "valueTwo": second, "op": comparison}
