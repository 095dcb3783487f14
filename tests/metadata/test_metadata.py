#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The walls of the house: who may depend on whom, which outside packages there are, and under which licences."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# Who may link whom, inside (docs/architecture.md). The runtime executes contain-init; it never links it.
INSIDE = {
    "contain-sys": set(),
    "contain-policy": set(),
    "contain-plan": {"contain-sys"},
    "contain-init": {"contain-sys", "contain-plan"},
    "contain-idmap": {"contain-sys", "contain-policy"},
    "contain": {"contain-sys", "contain-policy", "contain-plan"},
    "contain-capi": {"contain"},
    "contain-cli": {"contain"},
    "contain-python": {"contain"},
}

# What comes from outside and ends up in a program or library of ours. Core takes zeroize alone, which has
# no dependencies.
OUTSIDE = {
    "contain-sys": set(),
    "contain-policy": set(),
    "contain-plan": set(),
    "contain-init": {"zeroize"},
    "contain-idmap": set(),
    "contain": {"libc", "nix", "seccompiler", "serde_json"},
    "contain-capi": {"libc"},
    "contain-cli": {"lexopt", "serde_json", "dlmalloc"},
    "contain-python": {"pyo3"},
}

LICENCES = {"MIT", "Apache-2.0", "BSD-3-Clause", "Unicode-3.0", "Unlicense", "Zlib", "Apache-2.0 WITH LLVM-exception"}


def metadata():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"]
    return json.loads(subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE).stdout)


class Metadata(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        data = metadata()
        cls.packages = {package["id"]: package for package in data["packages"]}
        cls.ours = {cls.packages[id]["name"]: cls.packages[id] for id in data["workspace_members"]}

    def direct(self, package):
        return {dependency["name"] for dependency in package["dependencies"] if dependency["kind"] is None}

    def test_every_crate_has_a_room(self):
        self.assertEqual(set(self.ours), set(INSIDE))

    def test_dependencies_point_one_way(self):
        for name, package in self.ours.items():
            inside = {other for other in self.direct(package) if other in INSIDE}
            self.assertLessEqual(inside, INSIDE[name], f"{name} depends on {inside - INSIDE[name]}")

    def test_outside_packages_are_the_known_ones(self):
        for name, package in self.ours.items():
            outside = {other for other in self.direct(package) if other not in INSIDE}
            self.assertLessEqual(outside, OUTSIDE[name], f"{name} depends on {outside - OUTSIDE[name]}")

    def test_licences_are_allowed(self):
        # cbindgen (MPL-2.0) writes the header in a test; nothing of it is in what is built.
        for package in self.packages.values():
            if package["name"] == "cbindgen":
                continue
            choices = [choice.strip(" ()") for choice in (package["license"] or "").replace("/", " OR ").split(" OR ")]
            allowed = any(all(part.strip(" ()") in LICENCES for part in choice.split(" AND ")) for choice in choices)
            self.assertTrue(allowed, f"{package['name']}: {package['license']}")

    def test_sources_are_the_registry(self):
        for package in self.packages.values():
            source = package["source"]
            known = source is None or source == "registry+https://github.com/rust-lang/crates.io-index"
            self.assertTrue(known, f"{package['name']}: {source}")

    def test_documents_are_up_to_date(self):
        command = ["cargo", "run", "--quiet", "--locked", "-p", "contain-cli", "--example", "documents", "--", "--check"]
        found = subprocess.run(command, cwd=TOP, stderr=subprocess.PIPE, text=True)
        self.assertEqual(found.returncode, 0, found.stderr)

    def test_what_needs_no_building_is_installed_and_removed(self):
        with tempfile.TemporaryDirectory() as place:
            made = [f"DESTDIR={place}", "PREFIX=/usr", "LIBEXECDIR=/usr/libexec/here"]
            subprocess.run(["make", "-s", "install-data", *made], cwd=TOP, check=True)
            files = {str(path.relative_to(place)) for path in Path(place).rglob("*") if path.is_file()}
            for program in ("contain", "inject", "pseudo"):
                self.assertIn(f"usr/share/man/man1/{program}.1", files)
                self.assertIn(f"usr/share/bash-completion/completions/{program}", files)
                self.assertIn(f"usr/share/zsh/site-functions/_{program}", files)
                self.assertIn(f"usr/share/fish/vendor_completions.d/{program}.fish", files)
            self.assertIn("usr/share/man/man3/libcontain.3", files)
            self.assertIn("usr/share/man/man8/contain-idmap.8", files)
            self.check_apparmor_profile(Path(place) / "etc/apparmor.d/contain-init")
            subprocess.run(["make", "-s", "uninstall", *made], cwd=TOP, check=True, stderr=subprocess.DEVNULL)
            self.assertEqual([path for path in Path(place).rglob("*") if path.is_file()], [])

    def check_apparmor_profile(self, path):
        text = path.read_text()
        self.assertIn("profile contain-init /usr/libexec/here/contain-init flags=(unconfined) {", text)
        self.assertNotIn("@", text)
        parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin")
        if parser is None or not Path("/etc/apparmor.d/abi/4.0").exists():
            print("skipped: no apparmor_parser 4 that could read the profile")
            return
        subprocess.run([parser, "-Q", "-K", path], check=True)

    def test_audit_figures_are_those_of_the_sources(self):
        found = subprocess.run(
            [sys.executable, "tests/metadata/audit.py", "--check"], cwd=TOP, stderr=subprocess.PIPE, text=True
        )
        self.assertEqual(found.returncode, 0, found.stderr)

    def test_every_rule_of_the_helper_has_tests_that_exist(self):
        text = (TOP / "docs/idmap.md").read_text()
        rules = [line for line in text.split("## The rules")[1].splitlines() if line.startswith("| ")][1:]
        self.assertEqual(len(rules), 19)
        folders = [*(TOP / "tests/setuid").glob("test_*.py"), TOP / "tests/metadata/test_elf.py"]
        there = set(re.findall(r"def (test_\w+)", "".join(file.read_text() for file in folders)))
        for rule in rules:
            named = set(re.findall(r"`(test_\w+)`", rule))
            self.assertTrue(named, rule)
            self.assertLessEqual(named, there, rule)

    def test_files_name_their_licence(self):
        tracked = subprocess.run(["git", "ls-files", "*.rs"], cwd=TOP, check=True, stdout=subprocess.PIPE, text=True)
        for name in tracked.stdout.split():
            first = (TOP / name).read_text().splitlines()[0]
            self.assertEqual(first, "// SPDX-License-Identifier: MIT OR Apache-2.0", name)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=1).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    sys.exit(bool(bad))
