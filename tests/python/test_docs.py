# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every example of docs/python.md runs, and names nothing that is not there."""

import os
import pathlib
import re

import contain
import pytest

PAGE = pathlib.Path(os.environ.get("PYTHON_PAGE") or pathlib.Path(__file__).parents[2] / "docs/python.md").read_text()
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_page_has_examples():
    assert len(EXAMPLES) == 6


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code, script):
    script(code)


def test_every_exception_is_on_the_page():
    exceptions = [name for name in contain.__all__ if isinstance(getattr(contain, name), type(Exception))]
    exceptions = [name for name in exceptions if issubclass(getattr(contain, name), BaseException)]
    assert len(exceptions) >= 13
    for name in exceptions:
        others = [base.__name__ for base in getattr(contain, name).__bases__]
        row = re.search(rf"^\| `{name}` \| (.*?) \|", PAGE, re.MULTILINE)
        assert row, name
        assert all(other in row[1] for other in others if other not in ("ContainError", "CalledProcessError")), name


def test_every_argument_of_run_is_on_the_page():
    import inspect

    for name in inspect.signature(contain.run).parameters:
        assert re.search(rf"^\|[^|]*`{name}`[^|]*\|", PAGE, re.MULTILINE), name
