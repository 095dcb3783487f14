# SPDX-License-Identifier: MIT OR Apache-2.0
"""The yardstick itself: does the floor do the work that it stands for, and does the launcher count what it says?

Run with `python3 tests/bench/test_bench.py`.
"""

import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as xml
from pathlib import Path

from contestants import Entry, floor
from host import ENVIRONMENT, Launcher, build, make_root
from picture import as_svg
from report import as_markdown, spread
from standing import memory, rate, rates, standing
from syscalls import count, parse_summary, summarize

HERE = Path(__file__).resolve().parent


class Bench(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="contain-bench-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.place = Path(folder.name)
        build(HERE, cls.place)
        cls.root = make_root(cls.place)

    def floor(self, script):
        command = [str(self.place / "floor"), str(self.root), "/bin/sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def launch(self, *commands):
        launcher = Launcher(self.place, None)
        self.addCleanup(launcher.close)
        return [launcher.run([str(part) for part in command]) for command in commands]

    def test_floor_status_is_the_commands(self):
        self.assertEqual(self.floor("exit 7").returncode, 7)
        self.assertEqual(self.floor("exit 0").returncode, 0)

    def test_floor_command_missing_is_127(self):
        done = subprocess.run([self.place / "floor", self.root, "/bin/none"], timeout=30, check=False)
        self.assertEqual(done.returncode, 127)

    def test_floor_root_missing_is_125_and_named(self):
        command = [self.place / "floor", "/nowhere/at/all", "/bin/true"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual((done.returncode, done.stderr), (125, "/nowhere/at/all: errno 2\n"))

    def test_floor_mounts_are_all_there(self):
        lines = self.floor("busybox cat /proc/self/mountinfo").stdout.splitlines()
        mounts = {line.split()[4]: line.split(" - ")[1].split()[0] for line in lines}
        devices = {f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero")}
        self.assertEqual(set(mounts), {"/", "/dev", "/dev/pts", "/proc", "/sys"} | devices)
        kinds = (mounts["/dev"], mounts["/dev/pts"], mounts["/proc"], mounts["/sys"])
        self.assertEqual(kinds, ("tmpfs", "devpts", "proc", "sysfs"))

    def test_floor_namespaces_are_all_new(self):
        kinds = ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time")
        inside = self.floor("cd /proc/self/ns; for kind in " + " ".join(kinds) + "; do busybox readlink $kind; done")
        outside = [str((Path("/proc/self/ns") / kind).readlink()) for kind in kinds]
        self.assertEqual(len(set(inside.stdout.split())), len(kinds))
        self.assertFalse(set(inside.stdout.split()) & set(outside))

    def test_floor_inside_is_root_with_loopback_and_a_clean_environment(self):
        done = self.floor("echo $$ $(busybox id -u) $container; busybox ip address show dev lo; echo text >/dev/null")
        self.assertTrue(done.stdout.startswith("1 0 contain\n"), done.stdout)
        self.assertIn("inet 127.0.0.1/8", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_launcher_status_and_message_are_each_runs_own(self):
        busybox = self.root / "bin/busybox"
        good, bad, missing, again = self.launch([busybox, "true"], [busybox, "sh", "-c", "echo word >&2; exit 3"],
                                                ["/nowhere/at/all"], [busybox, "true"])
        self.assertEqual((good.failure, bad.failure, again.failure), ("", "status 3: word", ""))
        self.assertEqual(missing.failure, "status 125: /nowhere/at/all: errno 2")

    def test_launcher_time_covers_the_run_and_cpu_does_not_count_sleep(self):
        sleep, = self.launch([self.root / "bin/busybox", "sleep", "0.2"])
        self.assertGreaterEqual(sleep.wall_ns, 200_000_000)
        self.assertLess(sleep.cpu_us, 100_000)

    def test_launcher_counts_what_a_command_leaves_behind(self):
        script = "(busybox sleep 0.5; while [ $((n += 1)) -lt 30000 ]; do :; done) &"
        busybox = self.root / "bin/busybox"
        plain, orphan = self.launch([busybox, "sh", "-c", "exit 0"], [busybox, "sh", "-c", script])
        self.assertEqual((plain.orphans, orphan.orphans), (0, 1))
        self.assertLess(orphan.wall_ns, 500_000_000)
        self.assertGreater(orphan.cpu_us, 5 * plain.cpu_us)

    def test_enter_is_root_in_all_namespaces_of_the_container(self):
        with standing(floor(self.root, self.place).standing, None) as (_, first):
            script = "busybox id -u; for kind in user mnt pid ipc uts net cgroup time; do busybox readlink /proc/self/ns/$kind; done"
            command = [self.place / "enter", str(first), "/bin/sh", "-c", script + "; exit 7"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            kinds = ("user", "mnt", "pid", "ipc", "uts", "net", "cgroup", "time")
            theirs = [str(Path(f"/proc/{first}/ns/{kind}").readlink()) for kind in kinds]
        self.assertEqual((done.returncode, done.stdout.split()), (7, ["0", *theirs]))

    def test_burst_runs_as_many_at_once_as_it_says(self):
        sleep = [str(self.root / "bin/busybox"), "sleep", "0.2"]
        self.assertLessEqual(rate(sleep, self.place, 3, 1, None), 3 / 0.6)
        self.assertGreater(rate(sleep, self.place, 3, 3, None), 3 / 0.6)

    def test_failure_within_a_burst_is_told(self):
        entry = Entry("floor", [str(self.place / "floor"), "/nowhere", "/bin/true"], many=2)
        figures = rates([entry], self.place, 1, None)
        self.assertEqual(figures, {"rows": {}, "missing": {"floor": "/nowhere: errno 2"}})

    def test_memory_is_that_of_the_floor_alone_and_nothing_stays(self):
        figures = memory([floor(self.root, self.place)], None, 2)
        self.assertEqual((figures["missing"], figures["rows"]["floor"]["processes"]), ({}, 1))
        self.assertTrue(0 < figures["rows"]["floor"]["pss_kb"] < 100, figures)
        left = subprocess.run(["pgrep", "-f", f"{self.place}/floor"], capture_output=True, check=False).stdout
        self.assertEqual(left, b"")

    def test_picture_and_page_show_every_part(self):
        ratios = {"q1": 0.9, "median": 1.0, "q3": 1.2}
        row = {"wall_ms": ratios, "cpu_ms": ratios, "wall_ratio": ratios, "cpu_ratio": ratios, "peak_rss_kb": 1, "minor_faults": 2}
        rows = {"floor": row, "contain": row, "program start": row, "C library start": row}
        machine = {"kernel": "6 & 7", "processor": "one", "processors": 2, "date": "today", "mounts": 1, "load_before": 0.1,
                   "rounds": 2, "made_user": True}
        many = {"at_once": {"median": 5, "least": 4, "most": 6}, "in_sequence": {"median": 3, "least": 2, "most": 4}}
        figures = {"machine": machine, "notes": {}, "as": {"root": {"rows": rows, "missing": {}}},
                   "memory": {"rows": {"floor": {"pss_kb": 8, "processes": 1}}, "missing": {"runc": "not found"}},
                   "rate": {"rows": {"floor": many}, "missing": {}}}
        picture = xml.fromstring(as_svg(figures))
        bars = [one for one in picture.iter() if one.tag.endswith("rect")]
        self.assertEqual(len(bars), 4)
        for told in ("### A container, as root", "1.25 × floor plus C library start", "missing: runc (not found)", "5 (4–6)"):
            self.assertIn(told, as_markdown(figures))

    def test_summary_sums_by_kind(self):
        text = "    calls syscall\n--------- ----------------\n        2 execve\n        1 clone3\n       11 mount\n"
        calls = parse_summary(text + "--------- ----------------\n       14 total\n")
        self.assertEqual(summarize(calls), {"syscalls": 14, "forks": 1, "execs": 2, "mounts": 11})

    @unittest.skipUnless(shutil.which("strace", path=ENVIRONMENT["PATH"]), "strace is not installed")
    def test_count_follows_the_whole_tree(self):
        command = [str(self.place / "floor"), str(self.root), "/bin/true"]
        counted = count(command, None, self.place)
        self.assertEqual((counted["forks"], counted["execs"], counted["mounts"]), (1, 2, 11))
        self.assertEqual(counted["by_name"]["pivot_root"], 1)

    def test_spread_orders_quartiles(self):
        self.assertEqual(spread([5, 1, 3, 2, 4]), {"q1": 2, "median": 3, "q3": 4})


if __name__ == "__main__":
    unittest.main()
