# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a language cannot say, and how its interface shows that it can.

A test reads the interfaces, so that an entry goes as soon as it is not true any more.
"""

import os
import pathlib
import subprocess

from languages import REPOSITORY

CANNOT = {
    ("cli", "inject seccomp"): "`inject` runs its command under `system`, or under the profile of a container with a name",
    ("cli", "create"): "`contain` makes and starts in one; the two steps are an engine's",
    ("cli", "console"): "`contain` copies between its own terminal and the container's",
    ("cli", "inject console"): "`inject -t` copies between its own terminal and the container's",
    ("cli", "listen"): "`contain` lasts as long as the command: its start and its end are the container's",
    ("cli", "stop"): "a signal to `contain` and a wait are its stop",
}
"""(language, what): the reason."""

SIGNS = {
    "rlimits": {"cli": r"--r?limit", "c": r"contain_config_\w*rlimit", "python": r"\n    rlimits:"},
    "user": {"cli": r"--user", "c": r"contain_config_set_user\w*\(", "python": r"\n    user:"},
    "capabilities": {"cli": r"--cap-add", "c": r"contain_config_\w*cap", "python": r"\n    capabilities:"},
    "mounts": {"cli": r"--bind ", "c": r"contain_config_\w*(bind|mount)\w*\(", "python": r"\n    mounts:"},
    "overlay": {"cli": r"--overlay", "c": r"contain_config_\w*overlay", "python": r"\n    overlay"},
    "read_only": {"cli": r"--read-only", "c": r"contain_config_\w*read_only", "python": r"\n    read_only: [^\n]*\n    \"\"\"Whether nothing can be written to the root"},
    "timeout": {"cli": r"--timeout", "c": r"contain_config_set_(timeout|deadline)", "python": r"\n    timeout:"},
    "create": {"cli": r"--create", "c": r"contain_container_create\(", "python": r"def create\("},
    "stop": {"cli": r"--stop", "c": r"contain_container_stop\(", "python": r"def stop\("},
    "inject": {"cli": r"usage: inject", "c": r"contain_container_inject\(", "python": r"def inject\("},
    "inject seccomp": {"cli": r"(?s)--seccomp.*usage: contain", "c": r"// A CONTAIN_SECCOMP_ value; 0: the container's own.",
                       "python": r"def inject\((.|\n)*?seccomp:"},
    "console": {"cli": r"--console\b", "c": r"contain_container_take_console\(", "python": r"\n    console:"},
    "inject console": {"cli": r"--console\b", "c": r"contain_process_take_console\(",
                       "python": r"def inject\((.|\n)*?console:"},
    "listen": {"cli": r"--events", "c": r"contain_events_open\(", "python": r"def events\("},
    "signal": {"cli": r"usage: contain", "c": r"contain_container_signal\(", "python": r"def kill\(self, signal"},
}
"""What shows in an interface that a language can: the help, the header, the package's sources."""


def needs(behaviour):
    """What a behaviour takes beyond a root and a command."""
    for kind, argument in behaviour.acts:
        yield kind
        if kind == "inject":
            yield from (f"inject {field}" for field in argument)
            if behaviour.config.get("seccomp", "app") != "app" and "seccomp" not in argument:
                yield "inject seccomp"
    yield from behaviour.config


def _help():
    """What the two programs say of themselves."""
    programs = pathlib.Path(os.environ["SUITE"]) / "bin"
    say = [subprocess.run([programs / name, "--help"], capture_output=True, text=True, check=True).stdout
           for name in ("inject", "contain")]
    return "".join(say)


def _package():
    files = ("_config.py", "_container.py", "_run.py")
    return "".join((REPOSITORY / "python/contain" / name).read_text() for name in files)


INTERFACES = {
    "cli": _help,
    "c": lambda: (REPOSITORY / "include/contain.h").read_text(),
    "python": _package,
}
