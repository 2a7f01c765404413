"""A timeline as a picture: a lane for each signal, an axis in seconds, the findings below. Pure: lanes in, SVG out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple
from xml.sax.saxutils import escape

from hubapp.facts import SECOND, Micros

Kind = Literal["signal", "state", "finding"]
COLOURS: dict[Kind, str] = {"signal": "#c2503a", "state": "#5b7a99", "finding": "#2f6d4f"}
STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
LEFT, WIDTH, RIGHT, LANE, TOP, TICKS = 190, 640, 30, 30, 34, 11
LETTER = 6.2
"""How wide a letter of a label is, about."""


class Bar(NamedTuple):
    """From start to end, or a mark where both are one; end None: it goes on."""

    start: Micros
    end: Micros | None
    label: str = ""


class Lane(NamedTuple):
    name: str
    kind: Kind
    bars: tuple[Bar, ...]


class Scale(NamedTuple):
    """What of time is seen; zero: where the axis says 0."""

    begin: Micros
    end: Micros
    zero: Micros

    def x(self, instant: Micros) -> float:
        share = (min(max(instant, self.begin), self.end) - self.begin) / (self.end - self.begin)
        return round(LEFT + WIDTH * share, 1)

    def ticks(self) -> range:
        """Seconds, a round number apart."""
        first, last = -((self.zero - self.begin) // SECOND), (self.end - self.zero) // SECOND
        step = next((step for step in STEPS if (last - first) / step < TICKS), STEPS[-1])
        return range(-(-first // step) * step, last + 1, step)


def drawn(title: str, lanes: Iterable[Lane], scale: Scale) -> str:
    shown = [lane for lane in lanes if any(seen(bar, scale) for bar in lane.bars)]
    height = TOP + LANE * len(shown) + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img" '
        f'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{LEFT + WIDTH + RIGHT}" height="{height}" fill="#ffffff"/>',
        f'<text x="10" y="20" font-weight="bold">{escape(title)}</text>',
        *axis(scale, TOP + LANE * len(shown)),
    ]
    for place, lane in enumerate(shown):
        parts += lane_of(lane, TOP + LANE * place, scale)
    return "\n".join([*parts, "</svg>", ""])


def seen(bar: Bar, scale: Scale) -> bool:
    return bar.start <= scale.end and (bar.end is None or bar.end >= scale.begin)


def axis(scale: Scale, bottom: int) -> Iterator[str]:
    for tick in scale.ticks():
        x = scale.x(scale.zero + tick * SECOND)
        yield f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{bottom + 4}" stroke="#d8d8d8"/>'
        yield f'<text x="{x}" y="{bottom + 18}" text-anchor="middle" fill="#444444">{tick}</text>'
    yield f'<line x1="{LEFT}" y1="{bottom}" x2="{LEFT + WIDTH}" y2="{bottom}" stroke="#444444"/>'
    yield f'<text x="{LEFT + WIDTH}" y="{bottom + 34}" text-anchor="end" fill="#444444">seconds</text>'


def lane_of(lane: Lane, top: int, scale: Scale) -> Iterator[str]:
    weight = ' font-weight="bold"' if lane.kind == "finding" else ""
    yield f'<text x="{LEFT - 10}" y="{top + 19}" text-anchor="end"{weight}>{escape(lane.name)}</text>'
    bars = [bar for bar in lane.bars if seen(bar, scale)]
    for bar, following in zip(bars, [*bars[1:], None], strict=True):
        until = LEFT + WIDTH + RIGHT if following is None else scale.x(following.start)
        yield from shape(bar, lane.kind, top, scale, until)


def shape(bar: Bar, kind: Kind, top: int, scale: Scale, until: float) -> Iterator[str]:
    """A bar, or a mark, with its label inside, right of it (until something follows), or left of it."""
    start, end = scale.x(bar.start), scale.x(scale.end if bar.end is None else bar.end)
    if start == end:
        yield f'<circle cx="{start}" cy="{top + 15}" r="5" fill="{COLOURS[kind]}"/>'
        start, end = start - 5, end + 5
    else:
        edge = "" if bar.end is not None else ' stroke="#000000" stroke-dasharray="3 3"'
        width = round(end - start, 1)
        yield f'<rect x="{start}" y="{top + 7}" width="{width}" height="16" rx="2" fill="{COLOURS[kind]}"{edge}/>'
    if bar.label:
        yield label_of(bar.label, top, start, end, until)


def label_of(text: str, top: int, start: float, end: float, until: float) -> str:
    needed = LETTER * len(text) + 8
    if end - start >= needed:
        place = f'x="{round(start + 5, 1)}" fill="#ffffff"'
    elif until - end >= needed:
        place = f'x="{round(end + 5, 1)}" fill="#000000"'
    else:
        place = f'x="{round(start - 5, 1)}" fill="#000000" text-anchor="end"'
    return f'<text y="{top + 19}" {place}>{escape(text)}</text>'
