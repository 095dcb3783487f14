#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The figures of who audits contain-idmap and contain-init: lines, unsafe blocks, system calls, dependencies. Counted
from the sources; written as a table into SECURITY.md, between its two markers.

    audit.py            prints the table
    audit.py --write    puts it into SECURITY.md
    audit.py --check    fails where SECURITY.md has other words, or a number that is wrong by more than a tenth
"""

import json
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
DOCUMENT = TOP / "SECURITY.md"
START, END = "<!-- audit: make audit writes this -->", "<!-- end of audit -->"
SYS = TOP / "core/sys/src"
PROGRAMS = {"contain-idmap": "core/idmap", "contain-init": "core/init"}
# Lines of the helper, of the policy, and of what both use of sys, at most.
BUDGET = 2500


def code(text):
    """The lines that are code: no blank ones, no comments, no unit tests, nothing that only tests are compiled with."""
    found, skipping = [], None
    lines = text.splitlines()
    for index, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if skipping is not None:
            # To the end of the item: a brace at its own indentation, or the first line where that ends it.
            if line.strip() and indent == skipping and line.rstrip().endswith(("}", ";")):
                skipping = None
            continue
        if line.strip() == "#[cfg(test)]":
            skipping = indent
            continue
        if line.strip() and not line.lstrip().startswith("//"):
            found.append(line)
    assert skipping is None or index == len(lines) - 1
    return found


def sources(folder):
    """Rust files of a crate, without those that are tests as a whole."""
    files = sorted((TOP / folder / "src").rglob("*.rs"))
    return {file: code(file.read_text()) for file in files if file.name not in ("tests.rs", "properties.rs")}


def unsafe(lines):
    return sum(len(re.findall(r"\bunsafe\s*(?:\{|fn\b|impl\b|extern\b)", line)) for line in lines)


DECLARED = re.compile(
    r"""(?:pub(?:\(crate\))?\ )?(?:const\ (?=fn)|unsafe\ )*(?:extern\ "C"\ )?
    (fn|struct|enum|mod|impl|static|type|macro_rules!|const)\ ?(?:<.*?>\ )?(?:\w+(?:<.*?>)?\ for\ )?(\w+)""",
    re.VERBOSE,
)


def items(lines, owner=None):
    """The items of a file: names without which each is not used, and its lines. An item is a function, a type, a
    constant; methods and what stands in a module need their own name and that of the type or module. The words of
    attributes and of imports count for nobody."""
    found, index = [], 0
    while index < len(lines):
        indent = len(lines[index]) - len(lines[index].lstrip())
        match = DECLARED.match(lines[index].lstrip())
        end = index
        if match:
            # To the brace or semicolon that ends it: the first line that is not further in and says so.
            while not (lines[end].rstrip().endswith(("}", ";", ")")) and len(lines[end]) - len(lines[end].lstrip()) == indent):
                end += 1
            name, body = match[2], lines[index : end + 1]
            if match[1] in ("impl", "mod") and len(body) > 1:
                found += items(body[1:-1], name)
            else:
                # A function is used where it is called or named with its module.
                found.append(({f"{name}()" if match[1] == "fn" else name, owner} - {None}, body))
        index = end + 1
    return found


def used_items(own, files):
    """Of sys: the lines of the items that are named in the lines `own`, or by another such item; by name, so that it is
    rather too much than too little."""

    def named(lines):
        text = "\n".join(lines)
        called = re.findall(r"(?<!fn )\b(\w+)(?=\(|::<)|(?<=::)(\w+)", text)
        return {*re.findall(r"\w+", text), *(f"{word}()" for pair in called for word in pair)}

    every = [item for lines in files.values() for item in items(lines)]
    words = named(own)
    used, changed = set(), True
    while changed:
        changed = False
        for number, (names, lines) in enumerate(every):
            if number not in used and names <= words:
                used.add(number)
                words |= named(lines)
                changed = True
    return [line for number in sorted(used) for line in every[number][1]]


def dependencies():
    command = ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"]
    data = json.loads(subprocess.run(command, cwd=TOP, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package["name"] for package in data["packages"]}
    nodes = {packages[node["id"]]: node for node in data["resolve"]["nodes"]}

    def closure(name):
        found = {name}
        for dependency in nodes[name]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                found |= closure(packages[dependency["pkg"]])
        return found

    return {name: sorted(closure(name) - {name}) for name in PROGRAMS}


def figures():
    sys_files = sources("core/sys")
    result = {}
    for name, linked in dependencies().items():
        parts = {PROGRAMS[name]: sources(PROGRAMS[name])}
        for crate in linked:
            if crate.startswith("contain-") and crate != "contain-sys":
                folder = f"core/{crate.removeprefix('contain-')}"
                parts[folder] = sources(folder)
        own = [line for files in parts.values() for lines in files.values() for line in lines]
        of_sys = used_items(own, sys_files)
        calls = set(re.findall(r"\bcall!\(\s*(\w+)", "\n".join(of_sys)))
        result[name] = {
            "parts": {folder: sum(map(len, files.values())) for folder, files in parts.items()},
            "sys": len(of_sys),
            "unsafe": unsafe(of_sys),
            "unsafe elsewhere": unsafe(own),
            "calls": sorted(call.lower() for call in calls),
            "outside": [crate for crate in linked if not crate.startswith("contain-")],
        }
    return result


def table(found):
    rows = ["| | " + " | ".join(found) + " |", "|---|" + "---|" * len(found)]

    def row(title, cell):
        rows.append(f"| {title} | " + " | ".join(cell(figure) for figure in found.values()) + " |")

    row("lines of code: its own and of its crates", lambda f: ", ".join(f"{folder} {n}" for folder, n in f["parts"].items()))
    row("lines of core/sys that it uses", lambda f: str(f["sys"]))
    row("lines together", lambda f: str(f["sys"] + sum(f["parts"].values())))
    row("unsafe blocks and functions, all in core/sys", lambda f: str(f["unsafe"]))
    row("packages from outside", lambda f: ", ".join(f["outside"]) or "none")
    row("different system calls", lambda f: str(len(f["calls"])))
    text = "\n".join(rows)
    return f"{text}\n\nThe system calls of contain-idmap: {' '.join(found['contain-idmap']['calls'])}."


def differs(old, new):
    """Whether anything but numbers differs, or a number by more than a tenth: not every commit changes the table."""
    number = re.compile(r"\b\d+\b")
    if number.sub("", old) != number.sub("", new):
        return True
    pairs = zip(map(int, number.findall(old)), map(int, number.findall(new)), strict=True)
    return any(abs(a - b) * 10 > max(a, b) for a, b in pairs)


def main():
    found = figures()
    helper = found["contain-idmap"]
    lines = helper["sys"] + sum(helper["parts"].values())
    assert lines <= BUDGET, f"contain-idmap has {lines} lines, {BUDGET} are allowed"
    assert all(figure["unsafe elsewhere"] == 0 for figure in found.values()), "unsafe code outside core/sys"
    text = table(found)
    document = DOCUMENT.read_text()
    before, rest = document.split(START)
    old, after = rest.split(END)
    if "--write" in sys.argv:
        DOCUMENT.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}")
    elif "--check" in sys.argv:
        if differs(old.strip(), text):
            sys.exit(f"the audit figures of SECURITY.md are not those of the sources: make audit\n{text}")
    else:
        print(text)
        print(f"Those of contain-init: {' '.join(found['contain-init']['calls'])}.")


if __name__ == "__main__":
    main()
