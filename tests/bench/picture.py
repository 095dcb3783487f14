# SPDX-License-Identifier: MIT OR Apache-2.0
"""The figures as a picture: bars with their spread, in SVG that is readable on light and on dark ground."""

from dataclasses import dataclass
from html import escape

WIDTH, LABEL, ROW, BAR = 720, 150, 22, 13
END = 120  # what is left free at the right for the figure
STYLE = """
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 13px }
    .bar { fill: #9aa4b2 } .ours { fill: #0969da } .base { fill: #57606a } .spread { stroke: #1f2328; stroke-width: 1.2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .bar { fill: #6e7681 } .ours { fill: #4493f8 } .base { fill: #9198a1 }
      .spread { stroke: #e6edf3 }
    }"""
OURS = ("contain", "contain --host", "contain, musl", "inject", "inject, musl")


@dataclass(frozen=True)
class Bar:
    name: str
    value: float
    low: float
    high: float
    text: str


def ratio_bars(rows: dict, left_out: tuple[str, ...]) -> list[Bar]:
    bars = []
    for name, row in rows.items():
        if name not in left_out:
            value = row["wall_ratio"]
            bars.append(Bar(name, value["median"], value["q1"], value["q3"],
                            f"{value['median']:.2f} ({row['wall_ms']['median']:.2f} ms)"))
    return bars


def memory_bars(rows: dict) -> list[Bar]:
    return [Bar(name, row["pss_kb"], row["pss_kb"], row["pss_kb"], f"{row['pss_kb']:.0f} KB")
            for name, row in rows.items()]


def rate_bars(rows: dict) -> list[Bar]:
    at_once = {name: row["at_once"] for name, row in rows.items()}
    return [Bar(name, row["median"], row["least"], row["most"], f"{row['median']:.0f}/s") for name, row in at_once.items()]


def panels(figures: dict) -> list[tuple[str, list[Bar]]]:
    references = ("program start", "C library start", "payload alone", "contain --version")
    found = []
    for part, what in (("as", "container from start to end"), ("inject", "command into a running container")):
        for mode, table in figures.get(part, {}).items():
            who = "root" if mode == "root" else "a user"
            found.append((f"{what}, by {who}: wall time, × floor", ratio_bars(table["rows"], references)))
    if "memory" in figures:
        found.append(("memory that stays for a running container, payload aside", memory_bars(figures["memory"]["rows"])))
    if "rate" in figures:
        found.append(("containers per second, all at once", rate_bars(figures["rate"]["rows"])))
    return [panel for panel in found if panel[1]]


def as_svg(figures: dict) -> str:
    """Every panel has a scale of its own; a bar that would leave the others too small to compare is cut and marked."""
    parts, top = [], 8
    for title, bars in panels(figures):
        parts.append(f'<text class="title" x="0" y="{top + 14}">{escape(title)}</text>')
        top += ROW
        ordered = sorted(bar.value for bar in bars)
        longest = min(ordered[-1], 4 * ordered[len(ordered) // 2])
        scale = (WIDTH - LABEL - END) / longest
        for bar in bars:
            kind = "ours" if bar.name in OURS else "base" if bar.name == "floor" else "bar"
            length = min(bar.value, longest) * scale
            y = top + (ROW - BAR) / 2
            parts.append(f'<text x="{LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(bar.name)}</text>')
            parts.append(f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>')
            high = min(bar.high, longest * 1.02) * scale
            if bar.value <= longest and bar.high > bar.low:
                x, middle = LABEL + bar.low * scale, y + BAR / 2
                parts.append(f'<path class="spread" d="M{x:.1f} {middle}H{LABEL + high:.1f}"/>')
            label = LABEL + max(length, high if bar.value <= longest else 0) + 6
            cut = "» " if bar.value > longest else ""
            parts.append(f'<text x="{label:.1f}" y="{top + 15}">{cut}{escape(bar.text)}</text>')
            top += ROW
        top += ROW // 2
    machine = figures["machine"]
    note = f"kernel {machine['kernel']}, {machine['processors']} × {machine['processor']}, {machine['date']}"
    parts.append(f'<text x="0" y="{top + 12}">{escape(note)}; medians, lines are quartiles or extremes</text>')
    body = "\n  ".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 24}" role="img">\n'
            f"  <title>What contain costs beside the floor and its peers</title>\n  <style>{STYLE}\n  </style>\n"
            f"  {body}\n</svg>\n")
