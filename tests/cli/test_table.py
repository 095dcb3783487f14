# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/compatibility.md names every test of kept and mended behaviour, and none that is not there."""

import re

import lib


def names_in(pattern):
    found = set()
    for path in lib.HERE.glob(pattern):
        found |= set(re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE))
    return found


def test_table_names_every_test_of_kept_and_mended_behaviour():
    text = (lib.REPOSITORY / "docs/compatibility.md").read_text()
    told = set(re.findall(r"`(test_\w+)`", text))
    assert (names_in("test_kept*.py") | names_in("test_mended*.py")) - told == set()


def test_table_names_no_test_that_is_not_there():
    text = (lib.REPOSITORY / "docs/compatibility.md").read_text()
    told = set(re.findall(r"`(test_\w+)`", text)) - {path.stem for path in lib.HERE.glob("test_*.py")}
    assert told - names_in("test_*.py") == set()
