# SPDX-License-Identifier: MIT OR Apache-2.0
"""seccomp profiles, and what they would do with a system call."""

import dataclasses
from typing import Literal

from contain import _native


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
class Seccomp:
    """A filter on system calls, for `Config.seccomp`: a named profile.

    "app" is the engines' default profile, "system" lets a distribution boot, "none" is no filter.
    """

    profile: Literal["system", "app", "none"] = "app"

    def test(
        self,
        name: str,
        *arguments: int,
        architecture: Literal["x86_64", "i386"] = "x86_64",
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
        return Decision(*_native.seccomp_decide(self.profile, name, whole, architecture, terminal))
