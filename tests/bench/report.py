# SPDX-License-Identifier: MIT OR Apache-2.0
"""Turns runs into figures, and figures into a table for a terminal or for docs/performance.md."""

import statistics

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


def collect(entries: list, runs: dict, missing: dict, counts: dict, machine: dict) -> dict:
    """All figures as one tree of plain values: what --json writes, and what the tables are made of."""
    tables = {}
    for mode in runs:
        rows = {entry.key: figures_of(runs[mode][entry.key]) for entry in entries if entry.key not in missing[mode]}
        for key, row in rows.items():
            row.update(counts[mode].get(key, {}))
            for what in ("wall", "cpu"):
                base = rows["floor"][f"{what}_ms"]["median"]
                row[f"{what}_ratio"] = {name: value / base for name, value in row[f"{what}_ms"].items()}
        tables[mode] = {"rows": rows, "missing": missing[mode]}
    shown = {key for table in tables.values() for key in table["rows"]}
    notes = {entry.key: entry.note for entry in entries if entry.note and entry.key in shown}
    commands = {entry.key: entry.command for entry in entries}
    references = [entry.key for entry in entries if entry.is_reference]
    return {"machine": machine, "as": tables, "notes": notes, "references": references, "commands": commands}


def ratio(values: dict) -> str:
    return f"{values['median']:.2f} ({values['q1']:.2f}–{values['q3']:.2f})"


def cells(key: str, row: dict) -> list[str]:
    timed = [f"{row['wall_ms']['median']:.2f}", ratio(row["wall_ratio"])]
    timed += [f"{row['cpu_ms']['median']:.2f}", ratio(row["cpu_ratio"])]
    counted = [f"{row['peak_rss_kb']:.0f}", f"{row['minor_faults']:.0f}"]
    return [key, *timed, *counted, *(str(row.get(name, "–")) for name in COUNTS)]


def budgets(rows: dict) -> list[str]:
    """What the budgets for `contain -c` come to here, beside what contain took. The judging is left to the reader."""
    if "contain" not in rows:
        return []
    lines = []
    for name, what in (("wall", "wall_ms"), ("CPU", "cpu_ms")):
        took = {key: row[what]["median"] for key, row in rows.items()}
        starts = [key for key in ("program start", "contain --version") if key in took]
        limits = {f"1.25 × floor plus {key}": 1.25 * took["floor"] + took[key] for key in starts}
        if "original" in took:
            limits["0.75 × arachsys contain"] = 0.75 * took["original"]
        limits |= {peer: took[peer] for peer in ("unshare", "bubblewrap") if peer in took}
        listed = ", ".join(f"{limit:.2f} ({meaning})" for meaning, limit in limits.items())
        lines.append(f"{name} of contain {took['contain']:.2f} ms; to stay below: {listed}")
    if "syscalls" in rows["contain"]:
        lines.append(f"system calls of contain {rows['contain']['syscalls']}; at most: 120")
    return lines


def machine_line(machine: dict) -> str:
    return (f"Kernel {machine['kernel']}, {machine['processors']} × {machine['processor']}, {machine['mounts']} mounts,"
            f" load {machine['load_before']:.1f} before; {machine['rounds']} interleaved runs of each; {machine['date']}.")


def heading(mode: str, machine: dict) -> str:
    if mode == "root":
        return "As root"
    return "As a user without subordinate ids" if machine["made_user"] else "As the caller"


def remarks(table: dict) -> list[str]:
    return [f"missing: {key} ({why})" for key, why in table["missing"].items()] + budgets(table["rows"])


def aligned(grid: list) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*grid)]
    lines = []
    for first, *rest in grid:
        right = (cell.rjust(width) for cell, width in zip(rest, widths[1:]))
        lines.append("  ".join([first.ljust(widths[0]), *right]))
    return lines


def as_text(figures: dict) -> str:
    lines = [machine_line(figures["machine"])]
    for mode, table in figures["as"].items():
        lines += ["", heading(mode, figures["machine"])]
        lines += aligned([COLUMNS, *(cells(key, row) for key, row in table["rows"].items())])
        lines += remarks(table)
    lines += ["", *(f"{key}: {note}" for key, note in figures["notes"].items())]
    lines.append("medians, with quartiles in brackets; CPU: user and system time of the tree as far as it was waited for")
    return "\n".join(lines)


def as_markdown(figures: dict) -> str:
    lines = [machine_line(figures["machine"])]
    for mode, table in figures["as"].items():
        lines += ["", f"### {heading(mode, figures['machine'])}", ""]
        lines += ["| " + " | ".join(COLUMNS) + " |", "|---" + "|---:" * (len(COLUMNS) - 1) + "|"]
        lines += ["| " + " | ".join(cells(key, row)) + " |" for key, row in table["rows"].items()]
        lines += ["", *(f"- {line}" for line in remarks(table))]
    lines += ["", "Contestants:", "", *(f"- {key}: {note}" for key, note in figures["notes"].items())]
    return "\n".join(lines)
