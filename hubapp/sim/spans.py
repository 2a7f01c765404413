"""Stretches of time, half-open; an end of None is not known yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hubapp.facts import Micros
from hubapp.sim.alarms import Loss

ENDLESS: Micros = 1 << 62


class Span(NamedTuple):
    start: Micros
    end: Micros = ENDLESS

    @property
    def open(self) -> bool:
        return self.end >= ENDLESS


def until(end: Micros | None) -> Micros:
    return ENDLESS if end is None else end


def within(spans: Iterable[Span], around: Span) -> Iterator[Span]:
    """The parts of *spans* that lie in *around*."""
    for span in spans:
        part = Span(max(span.start, around.start), min(span.end, around.end))
        if part.start < part.end:
            yield part


def union(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(joined[-1].start, max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


def length(spans: Iterable[Span]) -> Micros:
    return sum(span.end - span.start for span in union(spans))


def runs(told: Sequence[tuple[Micros, object]], value: object) -> Iterator[Span]:
    """When it was *value*, of what was told of it in the order of time."""
    since = None
    for sent, now in told:
        if now == value and since is None:
            since = sent
        elif now != value and since is not None:
            yield Span(since, sent)
            since = None
    if since is not None:
        yield Span(since)


def joined(spans: Iterable[Span], gap: Micros) -> Iterator[Span]:
    """Breaks shorter than *gap* are none."""
    last: Span | None = None
    for span in spans:
        if last is not None and span.start - last.end < gap:
            last = Span(last.start, span.end)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def lost(losses: Iterable[Loss]) -> list[Span]:
    return [Span(loss.sent, until(loss.back)) for loss in losses]


def seen(losses: Iterable[Loss]) -> list[Span]:
    """When the monitor was in reach."""
    edges, since = [], -ENDLESS
    for away in lost(losses):
        edges.append(Span(since, away.start))
        since = away.end
    return [*edges, Span(since)] if since < ENDLESS else edges
