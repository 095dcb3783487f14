#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The benchmark behind `make bench`: what `contain -c ROOT /bin/true` costs beside the floor and its peers.

Builds the floor, the launcher and a busybox root in a temporary directory, runs every contestant once per round
in an order shuffled anew each round, as root and as a throw-away user, and prints one table of ratios to the floor.
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

from contestants import Entry, contestants
from host import Failure, Launcher, Run, build, describe_machine, make_root, throw_away_user
from report import as_markdown, as_text, collect
from syscalls import count_calls

HERE = Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "target/release/contain"
PAUSE = 0.01  # seconds between runs: a network namespace goes away in the kernel's own time, after its container


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contain", type=Path, default=PROGRAM, metavar="FILE", help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=40, help="runs of each contestant (default: %(default)s)")
    parser.add_argument("--as", choices=("root", "user", "both"), default="both", dest="who",
                        help="who runs the contestants (default: both; who is not root has only user)")
    parser.add_argument("--seed", type=int, default=1, help="of the order within the rounds (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there as well")
    parser.add_argument("--markdown", action="store_true", help="print the tables as docs/performance.md shows them")
    arguments = parser.parse_args()
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
    lanes = [(mode, entry) for mode in launchers for entry in entries if not entry.missing]
    runs: dict[str, dict[str, list[Run]]] = {mode: {entry.key: [] for entry in entries} for mode in launchers}
    missing = {mode: {entry.key: entry.missing for entry in entries if entry.missing} for mode in launchers}
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


def measure(arguments: argparse.Namespace) -> dict:
    machine = describe_machine() | {"rounds": arguments.rounds}
    wanted = modes(arguments.who)
    with tempfile.TemporaryDirectory(prefix="contain-bench-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        build(HERE, place)
        entries = contestants(make_root(place), place, arguments.contain.resolve())
        with throw_away_user("user" in wanted and os.geteuid() == 0) as user:
            machine["made_user"] = user is not None
            users = {mode: user if mode == "user" else None for mode in wanted}
            launchers = {mode: Launcher(place, users[mode]) for mode in wanted}
            try:
                runs, missing = race(entries, launchers, arguments.rounds, arguments.seed)
            finally:
                for launcher in launchers.values():
                    launcher.close()
            counts = {mode: count_calls(entries, missing[mode], users[mode], place) for mode in wanted}
    return collect(entries, runs, missing, counts, machine)


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
    print(as_markdown(figures) if arguments.markdown else as_text(figures))


if __name__ == "__main__":
    main()
