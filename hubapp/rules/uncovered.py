"""An urgent alarm in a staffed unit, and since when somebody was authenticated there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hubapp.facts import SECOND, Micros
from hubapp.rules import use
from hubapp.rules.accounts import DAY
from hubapp.rules.crowds import Crowd, Spot, Stay, only_shared
from hubapp.rules.episode import OPEN_END
from hubapp.rules.places import Place
from hubapp.rules.scene import Conclusion, Scene
from hubapp.rules.sightings import seconds
from hubapp.rules.told import Ended, Onset
from hubapp.thresholds import CoverageThresholds, SessionDays


class Used(msgspec.Struct, frozen=True):
    """The thresholds that an alarm went by. staffed: units, by name."""

    coverage: CoverageThresholds
    session_days: SessionDays | float
    staffed: tuple[str, ...]

    @property
    def grace(self) -> Micros:
        return round(self.coverage.grace * SECOND)


class Alarm(msgspec.Struct, tag=True):
    """A physiological episode. since: when it was first sent as HI or ME. gaps: from a loss that ended it until it was resumed.

    first: by the place of sessions, when the first was open since then. personal, shared: where such sessions had been in the
    `session_days` before. short: too little history was read. unsure: until when a log-out may tell of somebody who was there.
    """

    onset: Onset
    used: Used
    taken_up: Micros
    place: Place
    since: Micros | None = None
    ended: Ended | None = None
    gaps: list[tuple[Micros, Micros]] = []
    first: dict[str, Spot] = {}
    personal: list[Spot] = []
    shared: list[Spot] = []
    short: bool = False
    unsure: Micros = 0

    @property
    def until(self) -> Micros | None:
        return self.ended.until if self.ended else None

    @property
    def settled(self) -> Micros:
        """Behind this, its end is not taken back."""
        if self.ended is None:
            return OPEN_END
        return self.ended.until + (self.taken_up if self.ended.by == "lost" else 0)

    def spots(self) -> Iterator[Spot]:
        yield from (*self.first.values(), *self.personal, *self.shared)

    def urgent(self, sent: Micros, crowd: Crowd, scene: Scene) -> None:
        """From now on it counts."""
        self.since, self.short = sent, use.history_short(sent, scene)
        before = sent - int(days(self.used, scene) * DAY)
        self.personal, self.shared = once(crowd.been(before, sent, shared=False)), once(crowd.been(before, sent, shared=True))
        self.unsure = max((stay.settled for stay in crowd.stays if stay.unsure_at(sent)), default=sent)
        self.meet(crowd.stays)

    def resume(self, sent: Micros) -> None:
        """It was on all the time; but what had been told for good of an hour stays."""
        if self.ended is not None:
            self.gaps.append((self.ended.until, sent))
        self.ended = None

    def meet(self, stays: Iterable[Stay]) -> bool:
        """Whether one of *stays* tells of somebody, there earlier than was known."""
        if (since := self.since) is None:
            return False
        news = False
        for spot in (spot for stay in stays if stay.end >= since for spot in stay.spots):
            at, known = max(spot.at, since), self.first.get(spot.place)
            if known is None or at < known.at:
                self.first[spot.place] = msgspec.structs.replace(spot, at=at)
                news = True
        return news

    def units(self, scene: Scene) -> list[str]:
        """The staffed units that it is in."""
        self.place = scene.placed(self.onset.monitor, self.onset.sent, self.place)
        return [unit for unit in scene.units(self.place, self.onset.monitor) if unit in self.used.staffed]


def once(spots: Iterable[Spot]) -> list[Spot]:
    return list({spot.place: spot for spot in spots}.values())


def conclusions(alarm: Alarm, scene: Scene, now: Micros) -> Iterator[Conclusion]:
    """For each staffed unit without a session from the onset on, until too late, if the alarm lasted for so long."""
    if alarm.since is None or alarm.short:
        return
    due, until = alarm.since + alarm.used.grace, alarm.until
    if now <= due or (until is not None and until <= due):
        return
    for unit in alarm.units(scene):
        first = min((spot for spot in alarm.first.values() if spot.covers(unit, scene)), key=lambda spot: spot.at, default=None)
        if (first is None or first.at > due) and not only_shared(alarm.personal, alarm.shared, unit, scene):
            yield concluded(alarm, alarm.since, unit, first, scene)


def concluded(alarm: Alarm, since: Micros, unit: str, first: Spot | None, scene: Scene) -> Conclusion:
    """Uncovered until the first session, or the end."""
    onset, end = alarm.onset, alarm.until
    copy = alarm.ended.sighting if alarm.ended else None
    if first is not None and (end is None or first.at < end):
        end, copy = first.at, first.copy
    uncovered = None if end is None else seconds(end - since)
    finding = scene.finding(
        "coverage", f"{unit}\n{onset.id}", onset.start, alarm.used, body=body(episode=onset.id, uncovered=uncovered),
        evidence=[onset.sighting, copy], end=end, place=alarm.place, monitor=onset.serial, device=onset.device,
        patient=onset.patient, quality=onset.sighting.quality,
    )  # fmt: skip
    finding.units = [unit]
    known = alarm.settled if end == alarm.until else end
    return Conclusion(finding, OPEN_END if known is None else max(known, alarm.unsure))


def body(
    episode: str | None = None, uncovered: float | None = None, uncovered_minutes: float | None = None,
    alarm_minutes: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """One form for both: what does not apply is null."""
    return {
        "episode": episode, "uncovered": uncovered, "uncovered_minutes": uncovered_minutes, "alarm_minutes": alarm_minutes,
    }  # fmt: skip


def days(used: Used, scene: Scene) -> float:
    """How long a session may last, with the service that lets it last longest, of those that were read."""
    if not isinstance(used.session_days, SessionDays):
        return used.session_days
    both = {"older": used.session_days.older, "newer": used.session_days.newer}
    return max(both[service] for service in scene.began or both)
