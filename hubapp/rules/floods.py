"""More alarms in a unit than people can follow (ISA-18.2: alarm flood).

Onsets of distinct (device, condition) in a sliding ten minutes, by when they were sent, from when they are more than the
unit's threshold until they are less than half of it. A unit without a threshold has no floods.

Where an alarm was may be learnt after its onset, within the lateness: so long onsets wait, minute by minute, before they
are counted for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from hubapp.facts import AccountFact, BedPlaced, EncounterChanged, Micros, MonitorPlaced, Quality, fold
from hubapp.rules import accounts
from hubapp.rules.accounts import Accounts, Session
from hubapp.rules.flood import LATENESS, MINUTE, SETTLING, Flood, Sounding, heard, rise, span
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import seconds
from hubapp.rules.told import Judged, Onset

STAFF = "\naccounts"
# What attendance says of an alarm that nobody had come to at its deadline.
UNANSWERED = {"no-evidence", "attended-late", "visited-late"}


class Minute(msgspec.Struct, tag=True):
    """The onsets that were sent in one minute, by episode. settled: they are counted for good."""

    soundings: dict[str, Sounding] = {}
    settled: bool = False

    def ordered(self) -> list[Sounding]:
        return sorted(self.soundings.values(), key=lambda one: one.order)


class Unit(msgspec.Struct, tag=True):
    """The floods that are counted for good; the newest may go on. horizon: what closed before it was told and is no more."""

    floods: list[Flood] = []
    horizon: Micros = -(1 << 62)


class Staff(msgspec.Struct, tag=True):
    """Who is authenticated, and was while onsets wait."""

    accounts: Accounts


class Used(msgspec.Struct, frozen=True):
    """The thresholds that a flood goes by."""

    window: float
    threshold: int


Item: TypeAlias = Minute | Unit | Staff


class Floods:
    """Units by their folded names; minutes and accounts by keys that no unit has."""

    name = "floods"
    kind: Any = Item

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        keys = self._settle(event.order[0], scene)
        match event:
            case Onset() if not (event.told_late or event.unobserved or "backfilled" in event.sighting.quality):
                keys |= self._begun(event, scene)
            case Judged():
                keys |= self._judged(event)
            case MonitorPlaced() | EncounterChanged() | BedPlaced() if scene.moves(
                event
            ):  # What was true until now counts for what was before.
                self._decide(scene)
            case AccountFact() if isinstance(staff := self.items.get(STAFF), Staff):
                list(accounts.step(staff.accounts, event, scene.thresholds.presence))
                staff.accounts.prune(event.sent - SETTLING - span(scene.thresholds.floods.window))
                keys |= {STAFF, *self._units()}
        return keys

    def _begun(self, onset: Onset, scene: Scene) -> set[str]:
        thresholds = scene.thresholds_of(onset)
        limits = {fold(name): unit.flood_threshold for name, unit in thresholds.units.items() if unit.flood_threshold is not None}
        if not limits:
            return set()
        key = f"\n{onset.sent // MINUTE:012d}"
        minute = self.items.setdefault(key, Minute())
        self.items.setdefault(STAFF, Staff(scene.house.accounts.copy()))
        if isinstance(minute, Minute) and not minute.settled:
            decide(minute.soundings.setdefault(onset.id, heard(onset, thresholds, limits)), scene)
        for unit in limits:
            self.items.setdefault(unit, Unit())
        return {key, STAFF, *self._units()}

    def _judged(self, word: Judged) -> set[str]:
        """An alarm that is counted already is counted anew."""
        for key, minute in self._minutes():
            one = minute.soundings.get(word.id)
            if one is None or word.order[0] > one.judged_by:
                continue
            more = int(word.result in UNANSWERED) - one.unanswered
            one.unanswered = word.result in UNANSWERED
            if minute.settled and more:
                for flood in (flood for name in one.units for flood in self._units()[name].floods if flood.holds(one)):
                    flood.no_evidence += more
            return {key, *self._units()}
        return set()

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        item = self.items[key]
        if not isinstance(item, Unit):
            return
        self._decide(scene)
        for flood in self._floods(key, item):
            if flood.closes >= item.horizon:
                self._count(flood, scene)
                yield concluded(flood, scene, now)

    def due(self, key: str) -> Iterable[Micros]:
        item = self.items[key]
        return [flood.ends for flood in self._floods(key, item)] if isinstance(item, Unit) else ()

    def over(self, key: str, horizon: Micros) -> bool:
        """What an onset that waits may yet go on with stays, however long it waits."""
        first = next((one.sent for one in self._waiting()), horizon)
        match self.items[key]:
            case Minute() as minute:
                return minute.settled and all(one.kept < min(horizon, first + SETTLING) for one in minute.soundings.values())
            case Unit() as unit:
                unit.horizon = horizon
                unit.floods = [flood for flood in unit.floods if flood.closes >= min(horizon, first)]
                return not unit.floods and not self._minutes()
        return len(self.items) == 1

    # Counting for good.

    def _settle(self, sent: Micros, scene: Scene) -> set[str]:
        """Where an alarm was that began so long before *sent* is decided."""
        passed = [(key, minute) for key, minute in self._minutes() if not minute.settled and end_of(key) + LATENESS <= sent]
        for _, minute in passed:
            self._decide(scene)
            before, soundings = self._settled(), minute.ordered()
            for name, unit in self._units().items():
                rise(unit.floods, name, before, soundings)
            minute.settled = True
        changed = {key for key, _ in passed}
        for name, unit in self._units().items():
            for flood in unit.floods:
                if not flood.counted and (passed or flood.ends + SETTLING <= sent):
                    self._count(flood, scene)
                    flood.counted = flood.ends + SETTLING <= sent
                    changed.add(name)
        return changed

    def _count(self, flood: Flood, scene: Scene) -> None:
        """Who was authenticated at any time in it, that its unit can see."""
        staff = self.items.get(STAFF)
        if flood.counted or not isinstance(staff, Staff):
            return
        for session in staff.accounts.sessions:
            if flood.overlaps(session) and visible(session, flood, scene):
                flood.people[session.shown] = session.shared

    def _floods(self, name: str, unit: Unit) -> list[Flood]:
        """With the onsets that wait, as far as one knows where they were."""
        floods = msgspec.json.decode(msgspec.json.encode(unit.floods), type=list[Flood])
        rise(floods, name, self._settled(), self._waiting())
        return floods

    def _decide(self, scene: Scene) -> None:
        for one in self._waiting():
            decide(one, scene)

    # What is remembered.

    def _minutes(self) -> list[tuple[str, Minute]]:
        """In their order."""
        return sorted(((key, item) for key, item in self.items.items() if isinstance(item, Minute)), key=lambda pair: pair[0])

    def _units(self) -> dict[str, Unit]:
        return {key: item for key, item in self.items.items() if isinstance(item, Unit)}

    def _settled(self) -> list[Sounding]:
        return [one for _, minute in self._minutes() if minute.settled for one in minute.ordered()]

    def _waiting(self) -> list[Sounding]:
        return [one for _, minute in self._minutes() if not minute.settled for one in minute.ordered()]


def end_of(minute: str) -> Micros:
    return (int(minute) + 1) * MINUTE


def decide(one: Sounding, scene: Scene) -> None:
    """Where it was, of the units that have a threshold."""
    one.place = scene.placed(one.monitor, one.sent, one.place)
    one.unsure = one.place.unsure and scene.house.places.only_unit is None
    one.units = {fold(name): name for name in scene.units(one.place, one.monitor) if fold(name) in one.limits}


def visible(session: Session, flood: Flood, scene: Scene) -> bool:
    """A session of unknown place is seen by every unit."""
    for written in session.places:
        named = scene.units_named(written, session.opened[0])
        if not named or fold(flood.unit) in map(fold, named):
            return True
    return False


# What is shown.


def concluded(flood: Flood, scene: Scene, now: Micros) -> Conclusion:
    used = Used(seconds(flood.window), flood.threshold)
    people = {scene.name_of(name) for name in flood.people}
    body = {
        "peak": flood.peak,
        "onsets": flood.onsets,
        "threshold": flood.threshold,
        "contributors": [{"condition": one.condition, "device": one.device, "onsets": one.onsets} for one in flood.top()],
        "per_session": flood.onsets / len(people) if people else None,
        "no_evidence": flood.no_evidence,
    }
    finding = scene.finding(
        "floods", fold(flood.unit), flood.start, used, body=body, evidence=flood.evidence, units=[flood.unit],
        end=flood.ends if now > flood.ends else None, quality=marks(flood, scene),
    )  # fmt: skip
    return Conclusion(finding, flood.closes)


def marks(flood: Flood, scene: Scene) -> Iterator[Quality]:
    yield from flood.marks
    if any(shared or scene.is_shared(name) for name, shared in flood.people.items()):
        yield "shared-account"
