#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""docs/cves.md has a row for every published hole that the rules come from, and the tests that it names exist."""

import re
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HOLES = """
    2014-8989 2014-9680 2015-3202 2016-6252 2016-8659 2016-9962 2017-5226 2017-5985 2018-18955 2018-6556 2018-7169
    2019-16884 2019-19921 2019-5736 2021-30465 2021-4034 2021-43784 2021-44730 2022-0492 2022-29162 2022-47952
    2023-25809 2023-27561 2023-28486 2023-4911 2023-6246 2024-21626 2024-45310 2025-31133 2025-32463 2025-52565
    2025-52881 2026-30892 2026-41163 2026-41579 2026-47766 2026-87766
""".split()


class Holes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = (TOP / "docs/cves.md").read_text()
        cls.rows = {row.split("|")[1].strip(): row for row in text.splitlines() if row.startswith("| CVE-")}

    def test_every_hole_has_its_row(self):
        self.assertEqual(sorted(self.rows), sorted(f"CVE-{hole}" for hole in HOLES))

    def test_every_row_names_a_test_that_exists(self):
        attacks = (TOP / "tests/escape/attacks.py").read_text()
        for hole, row in self.rows.items():
            names = re.findall(r"`([^`]+)`", row.split("|")[4])
            self.assertTrue(names, hole)
            for name in names:
                path, _, test = name.rpartition("::")
                source = (TOP / path).read_text() if path else attacks
                self.assertRegex(source, rf"\b(def|fn) {re.escape(test)}\(", f"{hole}: {name}")

    def test_attacks_that_are_named_for_a_hole_name_it(self):
        cases = re.findall(r"Case\((\w+), \(([^)]*)\)", (TOP / "tests/escape/attacks.py").read_text())
        for attack, holes in cases:
            for hole in re.findall(r"CVE-[\d-]+", holes):
                self.assertIn(hole, self.rows)


if __name__ == "__main__":
    unittest.main()
