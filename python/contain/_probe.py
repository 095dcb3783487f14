# SPDX-License-Identifier: MIT OR Apache-2.0
"""What this host allows."""

import dataclasses
from typing import Literal

from contain import _native


@dataclasses.dataclass(frozen=True)
class Finding:
    """What one check found."""

    name: str
    """The check, by a name that stays the same."""
    status: Literal["ok", "limited", "missing", "unknown"]
    """"limited": containers start, but not with everything; "missing": not as long as this is so, or not those that
    need it; "unknown": it cannot be told."""
    found: str
    """What is there."""
    cause: str | None
    """Why that matters; None where all is well."""
    remedy: str | None
    """What to do about it, where something can be done."""


@dataclasses.dataclass(frozen=True)
class Report:
    """Everything that was found."""

    works: bool
    """Whether containers work here: one was tried, and ran."""
    findings: tuple[Finding, ...]
    """One for each check, in the order in which a person would mend them."""


def probe() -> Report:
    """Looks at this host as this process sees it, and tries a container; nothing of that is left.

    It is what `contain --doctor` prints.
    """
    works, findings = _native.probe()
    return Report(works, tuple(Finding(*finding) for finding in findings))
