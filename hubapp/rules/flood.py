"""A flood of alarms in one unit, by the onsets that lie in it, in their order: when it crosses, how long it goes on.

A window holds what was sent less than its length ago. A flood begins with the onset that makes more alarms than the
threshold, and ends when there are less than half as many.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hubapp.facts import SECOND, Micros, Quality
from hubapp.rules.accounts import Session
from hubapp.rules.moments import Order
from hubapp.rules.places import NOWHERE, Place
from hubapp.rules.sightings import Sighting
from hubapp.rules.told import Onset
from hubapp.thresholds import Thresholds

SHOWN = 20
MINUTE: Micros = 60 * SECOND
LATENESS: Micros = 600 * SECOND
# So long it may still be learnt where an alarm was: the lateness, from the end of its minute.
SETTLING: Micros = LATENESS + MINUTE


class Sounding(msgspec.Struct):
    """An onset that counts. limits: the threshold of each unit (folded) that has one; units: those it lies in, and their
    names as they were then; unsure: its place is. judged_by: until when attendance may say that nobody came; unanswered: it
    did.
    """

    order: Order
    id: str
    sensor: str
    device: str
    condition: str
    start: Micros
    sighting: Sighting
    monitor: str | None
    place: Place
    window: Micros
    judged_by: Micros
    limits: dict[str, int]
    units: dict[str, str] = {}
    unsure: bool = False
    unanswered: bool = False

    @property
    def sent(self) -> Micros:
        return self.order[0]

    @property
    def kept(self) -> Micros:
        """Until when it may be asked for: as part of a window, or by attendance."""
        return max(self.sent + self.window + SETTLING, self.judged_by)

    @property
    def alarm(self) -> str:
        return f"{self.sensor}\n{self.condition}"


class Contributor(msgspec.Struct):
    device: str
    condition: str
    onsets: int = 0


class Flood(msgspec.Struct):
    """since, start: of the first onset of the window that crossed. ends: when it does, if no more alarms come.

    closes: behind it nothing changes it. people: who was authenticated in it, as written, and whether many share that
    account; counted: that is known for good.
    """

    unit: str
    threshold: int
    window: Micros
    since: Order
    start: Micros
    evidence: list[Sighting]
    ends: Micros
    closes: Micros
    peak: int = 0
    onsets: int = 0
    no_evidence: int = 0
    contributors: dict[str, Contributor] = {}
    marks: list[Quality] = []
    people: dict[str, bool] = {}
    counted: bool = False

    def holds(self, one: Sounding) -> bool:
        return self.since <= one.order and one.sent <= self.ends

    def overlaps(self, session: Session) -> bool:
        begun = session.opened[0] <= self.ends
        return begun and (session.closed >= self.since if session.closed else session.until >= self.since[0])

    def top(self) -> list[Contributor]:
        """Those that sounded most, first."""
        ordered = sorted(self.contributors.values(), key=lambda one: (-one.onsets, one.condition, one.device))
        return ordered[:SHOWN]


def span(duration: float) -> Micros:
    return round(duration * SECOND)


def heard(onset: Onset, thresholds: Thresholds, limits: dict[str, int]) -> Sounding:
    """Where it was is decided here: the word may know of it what is learnt later than the lateness."""
    deadline = span(max(thresholds.attendance.deadline_hi, thresholds.attendance.deadline_me))
    return Sounding(
        onset.order, onset.id, onset.sensor, onset.device, onset.condition, onset.start, onset.sighting, onset.monitor,
        NOWHERE, span(thresholds.floods.window), onset.sent + max(deadline, SETTLING), limits,
    )  # fmt: skip


def rise(floods: list[Flood], unit: str, before: Iterable[Sounding], soundings: Iterable[Sounding]) -> None:
    """Let *soundings* of *unit*, which come after those *before*, make and carry on *floods*, the newest of which stands last."""
    window = [one for one in before if unit in one.units]
    for one in soundings:
        if unit in one.units:
            window = [*(other for other in window if other.sent > one.sent - one.window), one]
            sound(floods, unit, window)


def sound(floods: list[Flood], unit: str, window: list[Sounding]) -> None:
    newest = window[-1]
    if floods and newest.sent <= floods[-1].ends:
        join(floods[-1], newest)
    elif len({one.alarm for one in window}) > newest.limits[unit]:
        floods.append(begun(unit, window))
    else:
        return
    measure(floods[-1], window)


def begun(unit: str, window: list[Sounding]) -> Flood:
    first, newest = window[0], window[-1]
    flood = Flood(
        newest.units[unit], newest.limits[unit], newest.window, first.order, first.start,
        [one.sighting for one in (*window[: SHOWN - 1], newest)], newest.sent, newest.sent,
    )  # fmt: skip
    for one in window:
        join(flood, one)
    return flood


def join(flood: Flood, one: Sounding) -> None:
    by = flood.contributors.setdefault(one.alarm, Contributor(one.device, one.condition))
    by.onsets += 1
    flood.onsets += 1
    flood.no_evidence += one.unanswered
    flood.closes = max(flood.closes, one.judged_by, one.sent + SETTLING)
    unsure: set[Quality] = {"place-unsure"} if one.unsure else set()
    flood.marks = sorted({*flood.marks, *unsure, *one.sighting.quality})


def measure(flood: Flood, window: list[Sounding]) -> None:
    """It goes on while as many alarms as half of the threshold, or more, have their newest onset in the window."""
    newest = sorted({one.alarm: one.sent for one in window}.values(), reverse=True)
    half = (flood.threshold + 1) // 2
    flood.peak = max(flood.peak, len(newest))
    if len(newest) >= half:
        flood.ends = max(flood.ends, newest[half - 1] + flood.window)
    flood.closes = max(flood.closes, flood.ends)
