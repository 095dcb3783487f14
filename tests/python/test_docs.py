# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every example of docs/python.md and docs/recipes.md runs, and they name nothing that is not there."""

import os
import pathlib
import re

import contain
import pytest

PAGES = pathlib.Path(os.environ.get("PYTHON_PAGES") or pathlib.Path(__file__).parents[2] / "docs")
PAGE = (PAGES / "python.md").read_text()
EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
EXAMPLES = EXAMPLE.findall(PAGE)
RECIPES = EXAMPLE.findall((PAGES / "recipes.md").read_text())


def test_pages_have_examples():
    assert (len(EXAMPLES), len(RECIPES)) == (14, 6)


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_runs(code, script):
    script(code)


@pytest.mark.parametrize("code", RECIPES, ids=range(1, len(RECIPES) + 1))
def test_recipe_runs(code, script, tmp_path):
    name = re.match(r"# (test_\w+\.py)\n", code)
    if name is None:
        script(code)
        return
    (tmp_path / name[1]).write_text(code)
    script(f"import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(tmp_path / name[1])!r}]))")


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
