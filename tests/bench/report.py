# SPDX-License-Identifier: MIT OR Apache-2.0
"""Turns runs into figures, and figures into a table for a terminal or for docs/performance.md."""

import statistics

import libraries

COLUMNS = ("", "wall ms", "× floor", "CPU ms", "× floor", "RSS KB", "faults", "syscalls", "forks", "execs", "mounts")
COUNTS = ("syscalls", "forks", "execs", "mounts")


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"q1": low, "median": middle, "q3": high}


def figures_of(runs: list) -> dict:
    return {
        "wall_ms": spread([run.wall_ns / 1e6 for run in runs]),
        "cpu_ms": spread([run.cpu_us / 1e3 for run in runs]),
        "peak_rss_kb": statistics.median(run.peak_rss_kb for run in runs),
        "minor_faults": statistics.median(run.minor_faults for run in runs),
        "orphans": max(run.orphans for run in runs),
        "samples": {"wall_ns": [run.wall_ns for run in runs], "cpu_us": [run.cpu_us for run in runs]},
    }


def collect(entries: list, runs: dict, missing: dict, counts: dict) -> dict:
    """The figures of one table, by who ran it, as plain values."""
    tables = {}
    for mode in runs:
        rows = {entry.key: figures_of(runs[mode][entry.key]) for entry in entries if entry.key not in missing[mode]}
        for key, row in rows.items():
            row.update(counts[mode].get(key, {}))
            for what in ("wall", "cpu"):
                base = rows["floor"][f"{what}_ms"]["median"]
                row[f"{what}_ratio"] = {name: value / base for name, value in row[f"{what}_ms"].items()}
        tables[mode] = {"rows": rows, "missing": missing[mode]}
    return tables


def ratio(values: dict) -> str:
    return f"{values['median']:.2f} ({values['q1']:.2f}–{values['q3']:.2f})"


def cells(key: str, row: dict) -> list[str]:
    timed = [f"{row['wall_ms']['median']:.2f}", ratio(row["wall_ratio"])]
    timed += [f"{row['cpu_ms']['median']:.2f}", ratio(row["cpu_ratio"])]
    counted = [f"{row['peak_rss_kb']:.0f}", f"{row['minor_faults']:.0f}"]
    return [key, *timed, *counted, *(str(row.get(name, "–")) for name in COUNTS)]


def limits_of(rows: dict, key: str, what: str, factor: float, starts: tuple, original: float, peers: tuple) -> str:
    """What the budgets of one row come to here, beside what it took. The judging is left to the reader."""
    took = {name: row[what]["median"] for name, row in rows.items()}
    limits = {f"{factor} × floor": factor * took["floor"]} if not starts else {}
    limits |= {f"{factor} × floor plus {start}": factor * took["floor"] + took[start] for start in starts}
    if "original" in took:
        limits[f"{original} × the original"] = original * took["original"]
    limits |= {peer: took[peer] for peer in peers if peer in took}
    listed = ", ".join(f"{limit:.2f} ({meaning})" for meaning, limit in limits.items())
    return f"{what.removesuffix('_ms')} of {key} {took[key]:.2f} ms; to stay below: {listed}"


def budgets(rows: dict) -> list[str]:
    if "contain" not in rows:
        return []
    peers = ("unshare", "bubblewrap", "minijail0")
    starts = ("program start", "C library start")
    lines = [limits_of(rows, "contain", what, 1.25, starts, 0.75, peers) for what in ("wall_ms", "cpu_ms")]
    if "syscalls" in rows["contain"]:
        lines.append(f"system calls of contain {rows['contain']['syscalls']}; at most: 120")
    return lines


def inject_budgets(rows: dict) -> list[str]:
    if "inject" not in rows:
        return []
    return [limits_of(rows, "inject", what, 1.5, (), 0.5, ("nsenter",)) for what in ("wall_ms", "cpu_ms")]


def machine_line(machine: dict) -> str:
    return (f"Kernel {machine['kernel']}, {machine['processors']} × {machine['processor']}, {machine['mounts']} mounts,"
            f" load {machine['load_before']:.1f} before; {machine['rounds']} interleaved runs of each; {machine['date']}.")


def heading(mode: str, machine: dict) -> str:
    if mode == "root":
        return "as root"
    return "as a user without subordinate ids" if machine["made_user"] else "as the caller"


def missing_lines(missing: dict) -> list[str]:
    return [f"missing: {key} ({why})" for key, why in missing.items()]


def memory_grid(part: dict) -> list[list[str]]:
    floor = part["rows"].get("floor", {}).get("pss_kb", 0)
    rows = [[key, f"{row['pss_kb']:.0f}", f"{row['pss_kb'] / floor:.1f}" if floor else "–", f"{row['processes']:.0f}"]
            for key, row in part["rows"].items()]
    return [["", "PSS KB", "× floor", "processes"], *rows]


def rate_grid(part: dict) -> list[list[str]]:
    base = part["rows"].get("floor")
    kinds = ("in_sequence", "at_once")
    lines = [["", "in sequence /s", "× floor", "at once /s", "× floor"]]
    for key, row in part["rows"].items():
        cells = [key]
        for kind in kinds:
            cells.append(f"{row[kind]['median']:.0f} ({row[kind]['least']:.0f}–{row[kind]['most']:.0f})")
            cells.append(f"{row[kind]['median'] / base[kind]['median']:.2f}" if base else "–")
        lines.append(cells)
    return lines


def sections(figures: dict) -> list[tuple[str, list[list[str]], list[str]]]:
    """All tables: heading, grid with its head, remarks."""
    found = []
    for part, what, judge in (("as", "A container", budgets), ("inject", "A command into a container", inject_budgets)):
        for mode, table in figures.get(part, {}).items():
            grid = [list(COLUMNS), *(cells(key, row) for key, row in table["rows"].items())]
            remarks = missing_lines(table["missing"]) + judge(table["rows"])
            found.append((f"{what}, {heading(mode, figures['machine'])}", grid, remarks))
    if "memory" in figures:
        remarks = ["the budget: at most 110 KB", *missing_lines(figures["memory"]["missing"])]
        found.append(("What stays in memory for a running container", memory_grid(figures["memory"]), remarks))
    if "rate" in figures:
        remarks = ["the budget, at once: at least 0.60 × floor", *missing_lines(figures["rate"]["missing"])]
        found.append(("Containers per second", rate_grid(figures["rate"]), remarks))
    return found + libraries.sections(figures.get("libraries", {}), lambda mode: heading(mode, figures["machine"]))


def aligned(grid: list) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*grid)]
    lines = []
    for first, *rest in grid:
        right = (cell.rjust(width) for cell, width in zip(rest, widths[1:]))
        lines.append("  ".join([first.ljust(widths[0]), *right]))
    return lines


def as_text(figures: dict) -> str:
    lines = [machine_line(figures["machine"])]
    for title, grid, remarks in sections(figures):
        lines += ["", title, *aligned(grid), *remarks]
    lines += ["", *(f"{key}: {note}" for key, note in figures["notes"].items())]
    lines.append("medians, with quartiles in brackets; CPU: user and system time of the tree as far as it was waited for")
    return "\n".join(lines)


def as_markdown(figures: dict) -> str:
    lines = [machine_line(figures["machine"])]
    for title, (head, *rows), remarks in sections(figures):
        lines += ["", f"### {title}", ""]
        lines += ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in rows]
        lines += ["", *(f"- {line}" for line in remarks)]
    lines += ["", "### The contestants", "", *(f"- {key}: {note}" for key, note in figures["notes"].items())]
    return "\n".join(lines)
