# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a container costs in a C and in a Python program that use the libraries: small ones, and ones of many threads and
much memory, beside the floor's steps in the same C program, subprocess.run and bubblewrap by subprocess.run.

Part of bench.py: `--parts libraries`. Needs libcontain.a and lib_native.so beside `contain`.
"""

import contextlib
import dataclasses
import os
import random
import select
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from host import ENVIRONMENT, LONGEST_RUN, Failure, as_user

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
SIZES = (10, 256, 4096)  # megabytes
THREADS = (1, 64)
WAYS = {"C": ("floor", "library"), "Python": ("subprocess", "bubblewrap", "library")}
TITLES = {
    ("C", "floor"): "C: the floor's steps",
    ("C", "library"): "C: libcontain",
    ("Python", "floor"): "C: the floor's steps, small program",
    ("Python", "subprocess"): "Python: subprocess.run",
    ("Python", "bubblewrap"): "Python: subprocess.run of bwrap",
    ("Python", "library"): "Python: contain.run",
}
PAYLOADS = {"C": "/bin/start", "Python": "/bin/true"}
READY = 120  # seconds to touch all memory
PAUSE = 0.01


@dataclasses.dataclass(frozen=True)
class Lane:
    """One cell of the tables."""

    way: str
    megabytes: int
    threads: int


SMALL = (SIZES[0], THREADS[0])


class Caller:
    """A program that makes a container for each line that it reads: caller.c or caller.py."""

    def __init__(self, program: list[str], lane: tuple[int, int], root: Path, payload: str, errors: Path) -> None:
        self._errors = open(errors, "w+b", buffering=0)
        command = [*program, *map(str, lane), str(root), payload]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                         cwd="/", env=ENVIRONMENT | {"PYTHONDONTWRITEBYTECODE": "1"}, bufsize=0)
        self.pid = self._process.pid

    def _line(self, longest: int) -> bytes:
        ready, _, _ = select.select([self._process.stdout], [], [], longest)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self._process.kill()
        return line

    def wait_until_ready(self) -> str:
        """Why it cannot run, else nothing."""
        return "" if self._line(READY) == b"ready\n" else self.message()

    def run(self, way: str) -> tuple[int, int, int]:
        """How it ended, nanoseconds, microseconds of CPU time; 125 where the caller itself has ended."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(way.encode() + b"\n")
        status, wall, cpu = (self._line(LONGEST_RUN).split() + [b"125", b"0", b"0"])[:3]
        return int(status), int(wall), int(cpu)

    def message(self) -> str:
        """What it wrote to stderr last."""
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "no message"

    def close(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()


def build(built: Path, place: Path) -> dict[str, list[str] | str]:
    """Prepares the callers; for each language the command, or why it is missing."""
    return {"C": build_c(built, place), "Python": build_python(built, place)}


def build_c(built: Path, place: Path) -> list[str] | str:
    if not (built / "libcontain.a").exists():
        return f"{built}/libcontain.a: not there (cargo build --release -p contain-capi)"
    prefix = place / "prefix"
    environment = os.environ | {"TARGET": str(built.parent), "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    command = (f"'{REPOSITORY}/capi/install.sh' '' '{prefix}' && {os.environ.get('CC', 'cc')} -std=gnu11 -O2 -Wall -Wextra"
               f" -Werror -pthread -o '{place}/caller' '{HERE}/caller.c' $(pkg-config --cflags --libs libcontain)"
               f" -Wl,-rpath,'{prefix}/lib'")
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)
    return [str(place / "caller")] if done.returncode == 0 else f"caller.c: {done.stderr.strip()}"


def build_python(built: Path, place: Path) -> list[str] | str:
    """The package as the wheel lays it out."""
    if not (built / "lib_native.so").exists():
        return f"{built}/lib_native.so: not there (cargo build --release -p contain-python)"
    package = place / "package/contain"
    package.mkdir(parents=True)
    for source in (REPOSITORY / "python/contain").glob("*.py"):
        shutil.copy(source, package)
    shutil.copy(built / "lib_native.so", package / "_native.abi3.so")
    shutil.copy(HERE / "caller.py", place)
    return ["env", f"PYTHONPATH={package.parent}", "", str(place / "caller.py")]


def python_for(user: str | None) -> str | None:
    """A Python of 3.11 or newer that this user can run: one in root's home cannot be."""
    test = ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        # Through a shell: setpriv itself still has root's capabilities when it looks the command up.
        command = [*as_user(user), "sh", "-c", 'exec "$0" "$@"', candidate, *test]
        if subprocess.run(command, capture_output=True, check=False, cwd="/").returncode == 0:
            return candidate
    return None


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"q1": low, "median": middle, "q3": high}


def fits(megabytes: int) -> str:
    """Why a size is left out, else nothing: two callers of it stand at a time, on a machine that others use too."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) // 1024
    return "" if 3 * megabytes <= available else f"{available} MB of memory are available"


def command_for(programs: dict, language: str, user: str | None) -> list[str] | str:
    program = programs[language]
    if isinstance(program, str):
        return program
    python = python_for(user) if language == "Python" else ""
    if python is None:
        return "no Python of 3.11 or newer that this user can run"
    return [*as_user(user), *(python if word == "" else word for word in program)]


def race(language: str, programs: dict, user: str | None, root: Path, place: Path, rounds: int, seed: int) -> dict:
    """Runs all ways of one language interleaved: figures by lane, and what is missing."""
    program, order = command_for(programs, language, user), random.Random(seed)
    if isinstance(program, str):
        return {"rows": [], "missing": {language: program}}
    missing = {f"{size} MB": why for size in SIZES if (why := fits(size))}
    callers, lanes, runs = {}, [], {}
    with contextlib.ExitStack() as stack:
        def start(command: list[str], lane: Lane, key: tuple) -> str:
            callers[key] = Caller(command, (lane.megabytes, lane.threads), root, PAYLOADS[language],
                                  place / f"errors-{len(callers)}-{language}-{user}")
            stack.callback(callers[key].close)
            return callers[key].wait_until_ready()

        for size in (size for size in SIZES if f"{size} MB" not in missing):
            for threads in THREADS:
                if why := start(program, Lane("", size, threads), (size, threads)):
                    raise Failure(f"{language}: {size} MB, {threads} threads: {why}")
                lanes += [(Lane(way, size, threads), callers[size, threads]) for way in WAYS[language]
                          if way != "bubblewrap" or shutil.which("bwrap")]
        if language == "Python" and isinstance(floor := command_for(programs, "C", user), list):
            if not start(floor, Lane("floor", *SMALL), ("floor",)):
                lanes.append((Lane("floor", *SMALL), callers["floor",]))
        for number in range(rounds + 1):
            order.shuffle(lanes)
            for lane, caller in list(lanes):
                status, wall, cpu = caller.run(lane.way)
                if status != 0:
                    missing[TITLES[language, lane.way]] = f"status {status}: {caller.message()}"
                    lanes = [(other, its) for other, its in lanes if other.way != lane.way]
                    runs = {other: values for other, values in runs.items() if other.way != lane.way}
                    break
                if number > 0:  # round 0 fills the caches
                    runs.setdefault(lane, []).append((wall, cpu))
                time.sleep(PAUSE)
    rows = [dataclasses.asdict(lane) | {
        "title": TITLES[language, lane.way],
        "wall_ms": spread([wall / 1e6 for wall, _ in values]),
        "cpu_ms": spread([cpu / 1e3 for _, cpu in values]),
        "samples": {"wall_ns": [wall for wall, _ in values], "cpu_us": [cpu for _, cpu in values]},
    } for lane, values in sorted(runs.items(), key=lambda item: (item[0].megabytes, item[0].threads))]
    return {"rows": rows, "missing": missing}


def measure(users: dict, built: Path, place: Path, root: Path, rounds: int, seed: int) -> dict:
    """The figures by who runs them and by language. `root` gets the payload without a C library."""
    shutil.copy(place / "start", root / "bin/start")
    programs = build(built, place)
    return {mode: {language: race(language, programs, user, root, place, rounds, seed) for language in WAYS}
            for mode, user in users.items()}


def grid(table: dict, what: str) -> list[list[str]]:
    """Rows of one table: medians by size and threads, how far they are apart, how much of the small floor they are."""
    places = [(size, threads) for size in SIZES for threads in THREADS]
    floor = next((row[what]["median"] for row in table["rows"]
                  if row["way"] == "floor" and (row["megabytes"], row["threads"]) == SMALL), None)
    lines = [["", *(f"{size} MB, {threads}" for size, threads in places), "most ÷ least", "× floor"]]
    for title in dict.fromkeys(row["title"] for row in table["rows"]):
        took = {(row["megabytes"], row["threads"]): row[what]["median"] for row in table["rows"] if row["title"] == title}
        apart = f"{max(took.values()) / min(took.values()):.2f}" if len(took) > 1 else "–"
        cells = [f"{took[place]:.2f}" if place in took else "–" for place in places]
        lines.append([title, *cells, apart, f"{took[SMALL] / floor:.2f}" if floor else "–"])
    return lines


def budgets(language: str, table: dict) -> list[str]:
    """What the budgets come to here. The judging is left to the reader."""
    lines = []
    took = {row["way"]: row["wall_ms"]["median"] for row in table["rows"] if (row["megabytes"], row["threads"]) == SMALL}
    if language == "C" and {"floor", "library"} <= took.keys():
        lines.append(f"libcontain {took['library']:.2f} ms; to stay below: {1.25 * took['floor']:.2f} (1.25 × floor)")
    if language == "Python" and {"floor", "library", "subprocess"} <= took.keys():
        limit = took["floor"] + took["subprocess"]
        lines.append(f"contain.run {took['library']:.2f} ms; to stay below: {limit:.2f} (floor plus subprocess.run)")
    for name, what in (("wall", "wall_ms"), ("CPU", "cpu_ms")):
        sizes = [row[what]["median"] for row in table["rows"] if row["way"] == "library"]
        if sizes:
            lines.append(f"{name}, most ÷ least {max(sizes) / min(sizes):.2f}; at most: 1.10")
    return lines


def sections(figures: dict, heading) -> list[tuple[str, list[list[str]], list[str]]]:
    """All tables: heading, grid with its head, remarks."""
    found = []
    for mode, tables in figures.items():
        for language, table in tables.items():
            title = f"A container from {language}, {heading(mode)}"
            remarks = [f"missing: {key} ({why})" for key, why in table["missing"].items()] + budgets(language, table)
            found.append((f"{title}: wall ms", grid(table, "wall_ms"), remarks))
            found.append((f"{title}: CPU ms", grid(table, "cpu_ms"), []))
    return found
