# SPDX-License-Identifier: MIT OR Apache-2.0
"""The callers of the benchmark: are they as large as they say, and do they run what they say?

Run with `python3 tests/bench/test_libraries.py`. CARGO_TARGET_DIR names the folder with the built libraries.
"""

import os
import shutil
import tempfile
import unittest
from pathlib import Path

import host
import libraries

HERE = Path(__file__).resolve().parent
BUILT = Path(os.environ.get("CARGO_TARGET_DIR") or HERE.parent.parent / "target") / "release"
ROW = {"wall_ms": {"median": 3.0}, "cpu_ms": {"median": 2.0}, "title": "C: libcontain", "way": "library"}


class Callers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="contain-bench-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.place = Path(folder.name)
        host.build(HERE, cls.place)
        cls.root = host.make_root(cls.place)
        cls.programs = libraries.build(BUILT, cls.place)

    def caller(self, language, megabytes, threads, payload="/bin/true"):
        program = libraries.command_for(self.programs, language, None)
        if isinstance(program, str):
            self.skipTest(program)
        caller = libraries.Caller(program, (megabytes, threads), self.root, payload, self.place / "errors")
        self.addCleanup(caller.close)
        self.assertEqual(caller.wait_until_ready(), "")
        return caller

    def test_callers_have_the_threads_and_the_memory_that_they_say(self):
        for language in libraries.WAYS:
            with self.subTest(language):
                caller = self.caller(language, 32, 5)
                status = Path(f"/proc/{caller.pid}/status").read_text()
                fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
                self.assertEqual(int(fields["Threads"]), 5)
                self.assertGreaterEqual(int(fields["RssAnon"].split()[0]), 32 << 10)

    def test_every_way_runs_the_command(self):
        for language, ways in libraries.WAYS.items():
            for way in ways:
                if way == "bubblewrap" and not shutil.which("bwrap"):
                    continue
                with self.subTest(f"{language} {way}"):
                    status, wall, cpu = self.caller(language, 1, 2).run(way)
                    self.assertEqual(status, 0)
                    self.assertGreater(wall, 0)
                    self.assertGreater(cpu, 0)

    def test_status_of_a_command_that_fails_is_told(self):
        for language, ways in libraries.WAYS.items():
            for way in ways:
                with self.subTest(f"{language} {way}"):
                    self.assertNotEqual(self.caller(language, 1, 1, "/bin/nowhere").run(way)[0], 0)

    def test_caller_that_has_ended_is_a_failure(self):
        caller = self.caller("C", 1, 1)
        self.assertEqual(caller.run("library\n" * 2)[0], 0)
        os.kill(caller.pid, 9)
        self.assertEqual(caller.run("library")[0], 125)

    def test_grid_and_budgets_of_few_rows(self):
        rows = [ROW | {"megabytes": 10, "threads": 1}, ROW | {"megabytes": 256, "threads": 1, "wall_ms": {"median": 4.5}},
                ROW | {"megabytes": 10, "threads": 1, "way": "floor", "title": "floor", "wall_ms": {"median": 1.5}}]
        grid = libraries.grid({"rows": rows}, "wall_ms")
        self.assertEqual(grid[1], ["C: libcontain", "3.00", "–", "4.50", "–", "–", "–", "1.50", "2.00"])
        told = libraries.budgets("C", {"rows": rows})
        self.assertIn("libcontain 3.00 ms; to stay below: 1.88 (1.25 × floor)", told)
        self.assertIn("wall, most ÷ least 1.50; at most: 1.10", told)
        self.assertIn("CPU, most ÷ least 1.00; at most: 1.10", told)


if __name__ == "__main__":
    unittest.main()
