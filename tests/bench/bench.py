#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmark behind `make bench`: what contain costs beside the floor and its peers.

Builds the floors, the launcher and a busybox root in a temporary directory, runs every contestant once per round
in an order shuffled anew each round, as root and as a throw-away user, and prints tables of ratios to the floor: a
container from start to end, a command into a running container, what stays in memory, how many fit into a second.
Needs Linux on x86-64, a C compiler and busybox-static; with strace it counts system calls too. Never fails on a time:
the status is 0 unless the benchmark itself cannot run. docs/performance.md says what the columns mean.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import libraries
from contestants import Entry, contestants, references, visitors
from host import Failure, Launcher, Run, build, describe_machine, make_root, throw_away_user
from picture import as_svg
from report import as_markdown, as_text, collect
from standing import memory, rates, standing
from syscalls import count_calls

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "target/release/contain"
MUSL = HERE.parent.parent / "target/x86_64-unknown-linux-musl/release/contain"
PARTS = ("run", "inject", "memory", "rate", "libraries")
PAUSE = 0.01  # seconds between runs: a network namespace goes away in the kernel's own time, after its container


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contain", type=Path, default=PROGRAM, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--musl", type=Path, default=MUSL, metavar="FILE",
                        help="the same program built with musl (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=40, help="runs of each contestant (default: %(default)s)")
    parser.add_argument("--as", choices=("root", "user", "both"), default="both", dest="who",
                        help="who runs the contestants (default: both; who is not root has only user)")
    parser.add_argument("--parts", default=",".join(PARTS), metavar="PART,...", help="of %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="of the order within the rounds (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the figures there")
    parser.add_argument("--markdown", action="store_true", help="print the tables as docs/performance.md shows them")
    arguments = parser.parse_args()
    arguments.parts = arguments.parts.split(",")
    if not set(arguments.parts) <= set(PARTS):
        parser.error(f"--parts: one or more of {','.join(PARTS)}")
    if arguments.rounds < 2:
        parser.error("--rounds: quartiles need at least 2")
    return arguments


def modes(who: str) -> list[str]:
    if os.geteuid() == 0:
        return ["root", "user"] if who == "both" else [who]
    if who == "root":
        raise Failure("--as root: needs root")
    return ["user"]


def race(entries: list[Entry], launchers: dict[str, Launcher], rounds: int, seed: int):
    """Runs all entries interleaved. Returns by mode and key the runs, and why an entry is missing."""
    order = random.Random(seed)
    lanes = [(mode, entry) for mode in launchers for entry in entries
             if not entry.missing and not (entry.only_root and mode != "root")]
    runs: dict[str, dict[str, list[Run]]] = {mode: {entry.key: [] for entry in entries} for mode in launchers}
    missing = {mode: {entry.key: entry.missing or "run as root alone" for entry in entries
                      if entry.missing or entry.only_root and mode != "root"} for mode in launchers}
    for number in range(rounds + 1):
        order.shuffle(lanes)
        for mode, entry in list(lanes):
            run = launchers[mode].run(entry.command)
            if run.failure:
                missing[mode][entry.key] = run.failure
                lanes.remove((mode, entry))
            elif number > 0:  # round 0 fills the caches
                runs[mode][entry.key].append(run)
            time.sleep(PAUSE)
    for mode in launchers:
        if "floor" in missing[mode]:
            raise Failure(f"the floor does not run here as {mode}: {missing[mode]['floor']}")
    return runs, missing


def timed(entries: list[Entry], users: dict, arguments: argparse.Namespace, place: Path) -> dict:
    """The figures of one table by mode."""
    launchers = {mode: Launcher(place, user) for mode, user in users.items()}
    try:
        runs, missing = race(entries, launchers, arguments.rounds, arguments.seed)
    finally:
        for launcher in launchers.values():
            launcher.close()
    counts = {mode: count_calls(entries, missing[mode], user, place) for mode, user in users.items()}
    return collect(entries, runs, missing, counts)


def joined(host: Entry, users: dict, arguments: argparse.Namespace, place: Path, root: Path) -> dict:
    """The figures of commands into a container of contain's, by mode."""
    tables = {}
    for mode, user in users.items():
        with standing(host.standing, user) as (supervisor, first):
            entries = visitors(place, (arguments.contain, arguments.musl), supervisor.pid, first, mode == "root")
            entries += references(root, place, arguments.contain)[:3]
            tables |= timed(entries, {mode: user}, arguments, place)
    return tables


def measure(arguments: argparse.Namespace) -> dict:
    figures: dict = {"machine": describe_machine() | {"rounds": arguments.rounds}}
    wanted = modes(arguments.who)
    arguments.contain, arguments.musl = arguments.contain.resolve(), arguments.musl.resolve()
    with tempfile.TemporaryDirectory(prefix="contain-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        build(HERE, place)
        root = make_root(place)
        entries = contestants(root, place, arguments.contain, arguments.musl)
        with throw_away_user("user" in wanted and os.geteuid() == 0) as user:
            figures["machine"]["made_user"] = user is not None
            users = {mode: user if mode == "user" else None for mode in wanted}
            if "run" in arguments.parts:
                figures["as"] = timed(entries, users, arguments, place)
            host = next(entry for entry in entries if entry.key == "contain")
            if "inject" in arguments.parts and not host.missing:
                figures["inject"] = joined(host, users, arguments, place, root)
            present = [entry for entry in entries if not entry.missing and (not entry.only_root or "root" in wanted)]
            if "memory" in arguments.parts:
                figures["memory"] = memory(present, users[wanted[0]], 5)
            if "rate" in arguments.parts:
                figures["rate"] = rates(present, place, 5, users[wanted[0]])
            if "libraries" in arguments.parts:
                figures["libraries"] = libraries.measure(users, arguments.contain.parent, place, root, arguments.rounds,
                                                         arguments.seed)
    figures["notes"] = {entry.key: entry.note for entry in entries if entry.note and not entry.missing}
    figures["commands"] = {entry.key: entry.command for entry in entries}
    return figures


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # an exit that removes the user
    os.umask(0o022)
    arguments = parse_arguments()
    try:
        figures = measure(arguments)
    except Failure as failure:
        sys.exit(f"bench: {failure}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")
    if arguments.svg:
        arguments.svg.write_text(as_svg(figures))
    print(as_markdown(figures) if arguments.markdown else as_text(figures))


if __name__ == "__main__":
    main()
