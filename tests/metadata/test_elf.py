#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the programs are as files: contain-init and contain-idmap static, without libc, position-independent, hardened,
small; those that a person types static, position-independent and small."""

import re
import subprocess
import sys
import tomllib
import unittest
from os import environ
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TARGET = Path(environ.get("CARGO_TARGET_DIR", TOP / "target"))


def readelf(*options, file):
    return subprocess.run(["readelf", "-W", *options, file], check=True, stdout=subprocess.PIPE, text=True).stdout


class Core:
    """What holds for both programs without libc; NAME and BUDGET say which it is and how large it may be."""

    @classmethod
    def setUpClass(cls):
        build = ["cargo", "build", "--locked", "--quiet", "-p", cls.NAME, "--profile", "core"]
        subprocess.run(build, cwd=TOP, check=True)
        cls.file = TARGET / "core" / cls.NAME
        cls.headers = readelf("-l", file=cls.file)
        cls.dynamic = readelf("-d", file=cls.file)
        cls.relocations = readelf("-r", file=cls.file)

    def test_no_library_is_needed(self):
        self.assertNotIn("(NEEDED)", self.dynamic)

    def test_no_interpreter_and_no_thread_local_storage(self):
        self.assertNotIn("INTERP", self.headers)
        self.assertNotIn("TLS", self.headers)

    def test_only_relative_relocations(self):
        kinds = set(re.findall(r"R_X86_64_\w+", self.relocations))
        self.assertEqual(kinds, {"R_X86_64_RELATIVE"})

    def test_no_undefined_symbols(self):
        symbols = readelf("-s", "--dyn-syms", file=self.file).splitlines()
        undefined = [line for line in symbols if " UND " in line and line.split()[-1] != "UND"]
        self.assertEqual(undefined, [])

    def test_position_independent_relro_bind_now(self):
        self.assertIn("DYN", readelf("-h", file=self.file))
        self.assertIn("GNU_RELRO", self.headers)
        self.assertRegex(self.dynamic, r"BIND_NOW|NOW")

    def test_nothing_is_writable_and_executable(self):
        for line in self.headers.splitlines():
            self.assertNotRegex(line, r"^\s+(LOAD|GNU_STACK)\s.*\bRWE\b")
        self.assertRegex(self.headers, r"GNU_STACK\s.*\sRW\s")

    def test_nothing_to_unwind_with(self):
        self.assertNotIn(".eh_frame", readelf("-S", file=self.file))

    def test_size_is_within_budget(self):
        self.assertLessEqual(self.file.stat().st_size, self.BUDGET)


class ContainInit(Core, unittest.TestCase):
    NAME = "contain-init"
    BUDGET = 128 * 1024

    def test_started_without_a_plan_it_ends_with_125(self):
        self.assertEqual(subprocess.run([self.file]).returncode, 125)
        self.assertEqual(subprocess.run([self.file, "--plan=0"], stdin=subprocess.DEVNULL).returncode, 125)
        self.assertEqual(subprocess.run([self.file, "--plan=99999999999"]).returncode, 125)


class ContainIdmap(Core, unittest.TestCase):
    NAME = "contain-idmap"
    BUDGET = 64 * 1024

    def test_profile_checks_arithmetic_and_aborts(self):
        manifest = tomllib.loads((TOP / "Cargo.toml").read_text())
        profile = manifest["profile"]["core"]
        self.assertEqual((profile["overflow-checks"], profile["panic"]), (True, "abort"))

    def test_started_without_a_socket_it_ends_with_125(self):
        for arguments in ([], ["--help"], ["--version"], [""]):
            run = subprocess.run([self.file, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            self.assertEqual((run.returncode, run.stdout), (125, b""), arguments)


class CommandLines(unittest.TestCase):
    BUDGET = 1600 * 1024

    @classmethod
    def setUpClass(cls):
        library = subprocess.run(["cc", "-print-file-name=libc.a"], check=True, stdout=subprocess.PIPE, text=True)
        if not Path(library.stdout.strip()).is_absolute():
            raise unittest.SkipTest("libc.a is not installed: the programs are linked dynamically")
        subprocess.run(["cargo", "build", "--locked", "--quiet", "--release", "-p", "contain-cli"], cwd=TOP, check=True)
        cls.files = [TARGET / "release" / name for name in ("contain", "inject", "pseudo")]

    def test_static_and_position_independent(self):
        for file in self.files:
            self.assertNotIn("(NEEDED)", readelf("-d", file=file), file)
            self.assertNotIn("INTERP", readelf("-l", file=file), file)
            self.assertIn("DYN", readelf("-h", file=file), file)

    def test_size_is_within_budget(self):
        for file in self.files:
            self.assertLessEqual(file.stat().st_size, self.BUDGET, file)


class CommandLinesWithMusl(CommandLines):
    """As `make` builds them where Rust's target with musl is installed."""

    BUDGET = 1280 * 1024
    FOR = "x86_64-unknown-linux-musl"

    @classmethod
    def setUpClass(cls):
        asked = ["rustc", "--print", "target-libdir", "--target", cls.FOR]
        libraries = subprocess.run(asked, cwd=TOP, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
        if not Path(libraries).is_dir():
            raise unittest.SkipTest(f"Rust's target {cls.FOR} is not installed")
        build = ["cargo", "build", "--locked", "--quiet", "--release", "-p", "contain-cli", "--target", cls.FOR]
        subprocess.run(build, cwd=TOP, check=True)
        cls.files = [TARGET / cls.FOR / "release" / name for name in ("contain", "inject", "pseudo")]

    def test_container_runs(self):
        run = [self.files[0], "--host", "--user", "root", "/bin/sh", "-c", "id -u; exit 7"]
        ended = subprocess.run(run, stdout=subprocess.PIPE)
        self.assertEqual((ended.returncode, ended.stdout), (7, b"0\n"))

    def test_command_is_injected(self):
        run = [self.files[0], "--host", "--hostname", "there", "/bin/sh", "-c", "echo; exec sleep 60"]
        with subprocess.Popen(run, stdout=subprocess.PIPE) as supervisor:
            supervisor.stdout.readline()
            inject = [self.files[1], str(supervisor.pid), "/bin/sh", "-c", "uname -n; exit 3"]
            ended = subprocess.run(inject, stdout=subprocess.PIPE)
            supervisor.terminate()
            self.assertEqual((ended.returncode, ended.stdout), (3, b"there\n"))
        self.assertEqual(supervisor.returncode, 128 + 15)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(bool(bad))
