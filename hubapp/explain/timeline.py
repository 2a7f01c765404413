"""A finding as a picture of its time: from when to when, its facts by when they were sent, its deadline. As SVG, in a page."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

from hubapp.explain.evidence import title

Explanation = dict[str, Any]

LEFT, RIGHT, LANE = 190, 1090, 30
# More facts than these are a table, not a picture.
MOST = 12


def timeline(told: Explanation) -> str:
    """Nothing where there is nothing to see: of one instant, or of too many facts."""
    finding, copies = told["finding"], told["evidence"]
    instants = [finding["start"], finding["end"], *(copy["sent"] for copy in copies), told["deadline"] and told["deadline"]["at"]]
    known = sorted(instant for instant in instants if instant)
    if len(copies) > MOST or known[0] == known[-1]:
        return ""
    scale = Scale(known[0], known[-1])
    lanes = [span(finding, scale), *(point(copy, row, scale) for row, copy in enumerate(copies, 1))]
    height = LANE * len(lanes) + 30
    due = told["deadline"] and deadline(told["deadline"]["at"], height, scale)
    ends = (tick(known[0], LEFT, height, "start"), tick(known[-1], RIGHT, height, "end"))
    label = escape(f"From {known[0]} to {known[-1]}: {told['sentence']}")
    return f'<svg viewBox="0 0 1120 {height}" role="img" aria-label="{label}">{"".join((*lanes, due or "", *ends))}</svg>'


class Scale:
    """Instants as text to places in the picture."""

    def __init__(self, first: str, last: str) -> None:
        self._first = datetime.fromisoformat(first)
        self._length = (datetime.fromisoformat(last) - self._first).total_seconds()

    def __call__(self, instant: str) -> float:
        part = (datetime.fromisoformat(instant) - self._first).total_seconds() / self._length
        return round(LEFT + (RIGHT - LEFT) * part, 1)


def span(finding: Explanation, scale: Scale) -> str:
    """Open at its right where it has no end."""
    begin, end = scale(finding["start"]), RIGHT if finding["end"] is None else scale(finding["end"])
    name = escape(finding["rule"] + ("" if finding["end"] else ", no end"))
    width = max(2.0, round(end - begin, 1))
    return f'<text x="0" y="20">{name}</text><rect class="span" x="{begin}" y="6" width="{width}" height="18" rx="4"/>'


def point(copy: Explanation, row: int, scale: Scale) -> str:
    x, y = scale(copy["sent"]), row * LANE + 20
    name, when = escape(title(copy["kind"])), escape(copy["sent"][11:23])
    anchor, beside = ("end", x - 12) if x > (LEFT + RIGHT) / 2 else ("start", x + 12)
    return (
        f'<text x="0" y="{y}">{name}</text><line x1="{LEFT}" x2="{RIGHT}" y1="{y + 8}" y2="{y + 8}"/>'
        f'<circle cx="{x}" cy="{y - 4}" r="6"/><text class="ink" x="{beside}" y="{y}" text-anchor="{anchor}">{when}</text>'
    )


def deadline(at: str, height: int, scale: Scale) -> str:
    x = scale(at)
    return f'<line class="due" x1="{x}" x2="{x}" y1="2" y2="{height - 22}"/>{tick(at, x, height, "middle", "deadline ")}'


def tick(instant: str, x: float, height: int, anchor: str, what: str = "") -> str:
    return f'<text x="{x}" y="{height - 6}" text-anchor="{anchor}">{escape(what + instant[11:19])}</text>'
