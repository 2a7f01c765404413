"""Of each staffed unit and hour: for how long it alarmed, and for how much of that nobody was authenticated there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from hubapp.facts import SECOND, Micros, Quality
from hubapp.findings import Finding
from hubapp.rules.accounts import DAY
from hubapp.rules.crowds import Crowd, only_shared
from hubapp.rules.scene import Conclusion, Scene
from hubapp.rules.sightings import seconds
from hubapp.rules.uncovered import Alarm, body, days

HOUR: Micros = 3_600 * SECOND
# An hour is final when what is late may no longer come.
LATENESS: Micros = 600 * SECOND
AHEAD = 1_000

Span: TypeAlias = tuple[Micros, Micros]


class Hours(msgspec.Struct, tag=True):
    """crowd: who was authenticated in the hours that are not over for good; the first of them begins at *begin*."""

    crowd: Crowd = msgspec.field(default_factory=Crowd)
    begin: Micros | None = None

    def forget(self, horizon: Micros) -> None:
        """The hours that are final are told no more."""
        self.begin = max(begin_of(horizon - LATENESS - 1), self.begin or 0)
        self.crowd.forget(self.begin)


def begin_of(at: Micros) -> Micros:
    return at - at % HOUR


def closes(hour: Micros) -> Micros:
    return hour + HOUR + LATENESS


def dues(alarms: Iterable[Alarm], begin: Micros | None) -> Iterator[Micros]:
    """The ends of the hours in which they were on; of those that still are, of many hours to come."""
    spans = [(alarm.since, alarm.until) for alarm in alarms if alarm.since is not None]
    if spans:
        first = max(begin_of(min(since for since, _ in spans)), begin or 0)
        lasts = [first + AHEAD * HOUR if until is None else begin_of(until) for _, until in spans]
        yield from range(first + HOUR, max(lasts) + HOUR + 1, HOUR)


def conclusions(hours: Hours, alarms: Iterable[Alarm], scene: Scene, now: Micros) -> Iterator[Conclusion]:
    """Of the hours that have passed."""
    rows: defaultdict[tuple[str, Micros], list[Alarm]] = defaultdict(list)
    for alarm in alarms:
        if alarm.since is None or alarm.short:
            continue
        passed = list(passed_hours(alarm, alarm.since, hours.begin, now))
        for unit in alarm.units(scene) if passed else ():
            for hour in passed:
                rows[unit, hour].append(alarm)
    for (unit, hour), there in sorted(rows.items(), key=lambda row: row[0]):
        yield Conclusion(finding(unit, hour, there, hours.crowd, scene), closes(hour))


def passed_hours(alarm: Alarm, since: Micros, begin: Micros | None, now: Micros) -> Iterator[Micros]:
    """Those in which it was on; one that ends exactly with an hour is not in the next."""
    last = now - HOUR if alarm.until is None else min(now - HOUR, max(alarm.until, since + 1))
    for hour in range(max(begin_of(since), begin or 0), last, HOUR):
        if since >= hour or spans(alarm, hour):
            yield hour


def spans(alarm: Alarm, hour: Micros) -> list[Span]:
    """When it was on within an hour. What was resumed after the hour was final had ended for that."""
    since, found = max(alarm.since or 0, hour), []
    for lost, resumed in alarm.gaps:
        if resumed > closes(hour):
            found.append((since, lost))
            since = max(since, resumed)
    found.append((since, hour + HOUR if alarm.until is None else alarm.until))
    clipped = [(start, min(end, hour + HOUR)) for start, end in found]
    return [(start, end) for start, end in clipped if start < end]


def finding(unit: str, hour: Micros, alarms: list[Alarm], crowd: Crowd, scene: Scene) -> Finding:
    end, used = hour + HOUR, max(alarms, key=lambda alarm: alarm.onset.order).used
    on = union(span for alarm in alarms for span in spans(alarm, hour))
    before = end - int(days(used, scene) * DAY)
    unjudged = only_shared(crowd.been(before, end, shared=False), crowd.been(before, end, shared=True), unit, scene)
    marks: set[Quality] = {mark for alarm in alarms for mark in alarm.onset.sighting.quality}
    if unjudged:
        marks.add("shared-account")
    alarmed = length(on)
    uncovered = alarmed - length(overlap(on, covered(unit, crowd, scene)))
    told = body(uncovered_minutes=None if unjudged else minutes(uncovered), alarm_minutes=minutes(alarmed))
    return scene.finding(
        "coverage", unit, hour, used, body=told, evidence=[alarm.onset.sighting for alarm in alarms], end=end, units=[unit],
        quality=marks,
    )  # fmt: skip


def covered(unit: str, crowd: Crowd, scene: Scene) -> list[Span]:
    """When somebody was authenticated there."""
    return union((one.at, stay.end) for stay in crowd.stays for one in stay.spots if one.covers(unit, scene))


def union(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for since, until in sorted(spans):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def overlap(some: list[Span], others: list[Span]) -> Iterator[Span]:
    for since, until in some:
        for start, end in others:
            if max(since, start) < min(until, end):
                yield max(since, start), min(until, end)


def length(spans: Iterable[Span]) -> Micros:
    return sum(until - since for since, until in spans)


def minutes(micros: Micros) -> float:
    return seconds(micros) / 60
