"""Alarms that wear people out: a condition that comes and goes (chattering), and one that stays on for long (stale).

chattering  three onsets in less than 60 s, and all that follow with less than 60 s between two; by the monitor's own clock
stale       active for longer than its priority allows, from when that priority was first sent
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from hubapp.facts import SECOND, Micros, Quality
from hubapp.rules.episode import OPEN_END
from hubapp.rules.onsets import BEHIND
from hubapp.rules.places import Place
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import Sighting, seconds
from hubapp.rules.told import Ended, Onset, Prioritised, Resumed
from hubapp.thresholds import NuisanceThresholds, Thresholds


class Stretch(msgspec.Struct):
    """Chattering. first: the onsets that made it so; last: the newest; count: of all. over: one came after a quiet time."""

    first: list[Onset]
    last: Onset
    end: Micros
    count: int
    place: Place
    thresholds: NuisanceThresholds
    over: bool = False

    @property
    def closes(self) -> Micros:
        """An onset within the quiet time goes on with it, and is told a minute late at most."""
        return self.end + micros(self.thresholds.within) + BEHIND


class Onsets(msgspec.Struct, tag=True):
    """Of one alarm: the newest onsets that count, and the stretches in which it chattered."""

    thresholds: NuisanceThresholds
    recent: list[Onset] = []
    stretches: list[Stretch] = []


class Active(msgspec.Struct, tag=True):
    """An episode. since: when each priority was first sent. taken_up: until how long after a loss that ended it, it may go on."""

    onset: Onset
    place: Place
    thresholds: NuisanceThresholds
    taken_up: Micros
    since: dict[str, Micros] = {}
    ended: Ended | None = None

    @property
    def stale_from(self) -> Micros:
        limits = {"HI": self.thresholds.stale_hi, "ME": self.thresholds.stale_me, "LO": self.thresholds.stale_lo}
        return min((sent + micros(limits[name]) for name, sent in self.since.items() if name in limits), default=OPEN_END)

    @property
    def until(self) -> Micros:
        """How long it was on: until the loss of a monitor that stays away; until a new onset was told, if its end was missed."""
        if self.ended is None:
            return OPEN_END
        return self.ended.end if self.ended.by == "lost" and self.ended.end is not None else self.ended.order[0]

    @property
    def closes(self) -> Micros:
        """What a loss has ended may go on."""
        lost = self.ended is not None and self.ended.by == "lost"
        return self.until + self.taken_up if lost else self.until


Item: TypeAlias = Onsets | Active


class Nuisance:
    """Episodes by their id, onsets by (subject, device, condition)."""

    name = "nuisance"
    kind: Any = Item

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        match event:
            case Onset() if "backfilled" not in event.sighting.quality:
                place = scene.placed(event.monitor, event.sent, event.place)
                return self._begun(msgspec.structs.replace(event, place=place), scene.thresholds_of(event))
            case Prioritised() if isinstance(active := self.items.get(event.id), Active):
                active.since.setdefault(event.priority, event.order[0])
                return [event.id]
            case Ended() if isinstance(active := self.items.get(event.id), Active):
                active.ended = event
                return [event.id]
            case Resumed() if isinstance(active := self.items.get(event.id), Active):
                active.ended = None
                return [event.id]
        return []

    def _begun(self, onset: Onset, thresholds: Thresholds) -> Iterator[str]:
        """Nothing is stale that was told late; what was not seen to begin does not chatter."""
        used, taken_up = thresholds.nuisance, micros(thresholds.episodes.taken_up)
        if not onset.told_late:
            self.items.setdefault(onset.id, Active(onset, onset.place, used, taken_up))
            yield onset.id
        if onset.counts:
            name = alarm(onset)
            known = self.items.get(name)
            heard = self.items[name] = known if isinstance(known, Onsets) else Onsets(used)
            if not heard.recent or onset.order > heard.recent[-1].order:
                heard.thresholds = used
                count(heard, onset)
            yield name

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        item = self.items[key]
        if isinstance(item, Active):
            if scene.mine(item.onset.subject) and min(now, item.until) > item.stale_from:
                yield stale(item, scene)
            return
        for stretch in item.stretches:
            if scene.mine(stretch.last.subject):
                yield chattering(stretch, scene, now)

    def due(self, key: str) -> Iterable[Micros]:
        item = self.items[key]
        return [item.stale_from, item.closes] if isinstance(item, Active) else [stretch.closes for stretch in item.stretches]

    def over(self, key: str, horizon: Micros) -> bool:
        """A stretch that has ended before the horizon is forgotten, the onsets after it stay."""
        item = self.items[key]
        if isinstance(item, Active):
            return item.closes < horizon
        item.stretches = [stretch for stretch in item.stretches if stretch.closes >= horizon]
        quiet = micros(item.thresholds.within) + BEHIND
        return not item.stretches and all(onset.start + quiet < horizon for onset in item.recent)


def micros(duration: float) -> Micros:
    return round(duration * SECOND)


def alarm(onset: Onset) -> str:
    return f"{onset.subject}\n{onset.sensor}\n{onset.condition}"


def count(heard: Onsets, onset: Onset) -> None:
    """Go on with the open stretch, or begin one if the newest onsets are near enough to each other."""
    thresholds = heard.thresholds
    heard.recent = [*heard.recent, onset][-thresholds.onsets :]
    stretch = heard.stretches[-1] if heard.stretches and not heard.stretches[-1].over else None
    if stretch is not None:
        if onset.start - stretch.end < micros(stretch.thresholds.within):
            stretch.last, stretch.end, stretch.count = onset, max(stretch.end, onset.start), stretch.count + 1
            return
        stretch.over = True
    starts = [one.start for one in heard.recent]
    if len(starts) == thresholds.onsets and max(starts) - min(starts) < micros(thresholds.within):
        first = heard.recent[0]
        heard.stretches.append(Stretch([*heard.recent], onset, max(starts), len(starts), first.place, thresholds))


# What is shown.


def chattering(stretch: Stretch, scene: Scene, now: Micros) -> Conclusion:
    """From the first of the onsets that made it to the last, which is known when it has been quiet."""
    first = stretch.first[0]
    stretch.place = scene.placed(first.monitor, first.sent, stretch.place)
    over = stretch.over or now > stretch.closes
    onsets = [*stretch.first, stretch.last]
    return concluded(
        "chattering", first, stretch.place, stretch.thresholds, scene, count=stretch.count, end=stretch.end if over else None,
        evidence=[onset.sighting for onset in onsets], marks={mark for onset in onsets for mark in quality(onset)},
        closes=stretch.closes,
    )  # fmt: skip


def stale(active: Active, scene: Scene) -> Conclusion:
    """From its onset to its end, if that is known."""
    onset, ended = active.onset, active.ended
    active.place = scene.placed(onset.monitor, onset.sent, active.place)
    return concluded(
        "stale", onset, active.place, active.thresholds, scene, count=1, end=ended.end if ended else None,
        evidence=[onset.sighting, ended.sighting if ended else None], closes=active.closes,
        marks={*quality(onset), *(quality_of_end(ended) if ended else ())},
    )  # fmt: skip


def quality(onset: Onset) -> Iterator[Quality]:
    """The marks of its record; an onset that is not where its record says is that of a clock which is not believed."""
    yield from onset.sighting.quality
    if onset.start != onset.sighting.at:
        yield "clock-behind"


def quality_of_end(ended: Ended) -> Iterator[Quality]:
    if ended.by == "unseen":
        yield "end-missed"
    if ended.sighting is not None:
        yield from ended.sighting.quality
        if ended.by in ("cleared", "removed") and ended.end != ended.sighting.at:
            yield "clock-behind"


def concluded(
    kind: str, onset: Onset, place: Place, used: NuisanceThresholds, scene: Scene, *, count: int, end: Micros | None,
    evidence: Iterable[Sighting | None], marks: Iterable[Quality], closes: Micros,
) -> Conclusion:  # fmt: skip
    """onset: the first, which anchors."""
    body = {
        "kind": kind,
        "condition": onset.condition,
        "onsets": count,
        "duration": None if end is None else seconds(end - onset.start),
    }
    finding = scene.finding(
        "nuisance", f"{alarm(onset)}\n{kind}", onset.start, used, body=body, evidence=evidence, end=end, place=place,
        monitor=onset.serial, device=onset.device, patient=onset.patient, quality=marks,
    )  # fmt: skip
    return Conclusion(finding, closes)
