# SPDX-License-Identifier: MIT OR Apache-2.0
"""The fixtures of the command line's tests, and the programs with one defence taken out."""

import importlib.util
import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "cli"))
_place = importlib.util.spec_from_file_location("cli_conftest", HERE.parent / "cli" / "conftest.py")
_cli = importlib.util.module_from_spec(_place)
_place.loader.exec_module(_cli)
# Fixtures and hooks are found by their names in this module.
globals().update({name: value for name, value in vars(_cli).items() if not name.startswith("__")})

import attacks  # noqa: E402


@pytest.fixture
def place(scratch, ours, make_root, user, probe, shared):
    """Makes what an attack is given: who attacks, and the program that is attacked."""
    if probe is None:
        pytest.skip("no C compiler with a static libc")

    def make(as_user, tools=ours, environment=None):
        owner = user if as_user else None
        return attacks.Place(tools, environment or {}, owner, make_root(owner), shared)

    return make


def pytest_report_header():
    return f"escape: as {'root and users' if os.geteuid() == 0 else 'this user'}"
