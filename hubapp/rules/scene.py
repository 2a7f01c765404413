"""What a rule of the chronicle hears and may ask, at one place of the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import msgspec

from hubapp.facts import (
    AccountFact,
    AlarmFact,
    AnyFact,
    BedPlaced,
    EncounterChanged,
    Micros,
    MonitorPlaced,
    Quality,
    SensorRemoved,
    SessionClosed,
    SourceGap,
    fold,
)
from hubapp.findings import Finding, finding_id
from hubapp.rules import accounts, monitors, places, unseen
from hubapp.rules.house import ADMISSIONS as ADMISSIONS
from hubapp.rules.house import ASSIGNMENTS as ASSIGNMENTS
from hubapp.rules.house import MONITOR_CODE, OF_A_MONITOR, House, copy_of, is_of_another
from hubapp.rules.moments import Moment, Order, Trace
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Place
from hubapp.rules.presence import Presence, decided, presence, shown
from hubapp.rules.sightings import Sighting, instant
from hubapp.rules.told import Ended, Handled, Judged, Onset, Prioritised, Resumed, Word
from hubapp.thresholds import Thresholds, digest

VERSION = 1
LISTED = 20
Event: TypeAlias = AnyFact | Word


WORDS: tuple[type, ...] = (Onset, Prioritised, Handled, Judged, Ended, Resumed)


def rank(event: Event) -> tuple[Order, int]:
    """The total order of events: what an alarm's record says comes before what follows from it."""
    return event.order, WORDS.index(type(event)) + 1 if isinstance(event, Word) else 0


class Conclusion(NamedTuple):
    """A finding, and the instant behind which nothing can change it any more (OPEN_END: not yet known).

    One whose status is `retracted` is taken back with what it says, if it was ever told.
    """

    finding: Finding
    closes: Micros


class Rule(Protocol):
    """A fold over events. What it remembers stands in `items`, by key: one row of its table each, a msgspec.Struct of *kind*.

    `hear` takes one event, in the total order, and returns the keys that it concerns; the scene's house is as of just
    before it, `scene.meant` what the event does to its monitor. `found` gives all that is found of a key as of *now* and
    changes nothing but what is decided of places and presence. `due`: behind which instants, all later than *now* or not,
    time alone changes that. `over`: nothing that was sent behind *horizon* can change it, so it may be forgotten.
    """

    name: str
    kind: type
    items: dict[str, Any]

    def hear(self, event: Event, scene: Scene) -> Iterable[str]: ...
    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]: ...
    def due(self, key: str) -> Iterable[Micros]: ...
    def over(self, key: str, horizon: Micros) -> bool: ...


@runtime_checkable
class Heirs(Protocol):
    """A rule that knows which finding, of another key, took up what *finding* was about."""

    def heir(self, finding: Finding, scene: Scene, now: Micros) -> str | None: ...


class Scene:
    """The house as it is between two events. thresholds: those in force at the event's place in the log.

    meant: moments and traces of the monitor that the event is about, as `monitors.step` has them; monitor: its folded
    serial; was: how it stood before, if it was known. mine: whether a subject is written about here. began: the oldest
    `sent` of a record of each authentication service that was ever read.
    """

    def __init__(self, house: House, cluster: str, known: dict[str, Thresholds], mine: Any = lambda subject: True) -> None:
        self.house, self.cluster, self.known, self.mine = house, cluster, known, mine
        self.thresholds = Thresholds()
        self.meant: list[Moment | Trace] = []
        self.monitor: str | None = None
        self.was: Monitor | None = None
        self.began: dict[str, Micros] = {}
        self._after = Monitor("")

    def copy(self) -> Scene:
        other = Scene(copy_of(self.house), self.cluster, self.known, self.mine)
        other.began, other.thresholds = dict(self.began), self.thresholds
        return other

    def prune(self, horizon: Micros) -> None:
        self.house.prune(horizon)

    # Going on.

    def look_at(self, event: Event, thresholds: Thresholds) -> None:
        """Know what *event* means, before anybody is told of it."""
        self.thresholds, self.meant, self.monitor, self.was = thresholds, [], None, None
        if isinstance(event, OF_A_MONITOR):
            self._step(fold(event.monitor), event.monitor, event)
        elif isinstance(event, AlarmFact) and "backfilled" not in event.quality:
            self._hear(self.monitor_of(event), event)
        elif isinstance(event, SensorRemoved):
            self._hear(fold(event.monitor) if event.monitor else self.house.places.monitors.get(fold(event.sensor)), event)

    def moves(self, event: Event) -> bool:
        """Whether *event*, which is looked at, says anything new of where a monitor or a bed is."""
        if isinstance(event, BedPlaced):
            return True
        if not isinstance(event, MonitorPlaced | EncounterChanged) or event.serial is None:
            return False
        of, serial = self.house.places, fold(event.serial)
        unsure = isinstance(event, MonitorPlaced) and event.place == "unsure"
        bed = of.last_bed.get(serial) if unsure else event.bed
        beds, doubts = of.beds.get(serial), of.unsure.get(serial)
        return not beds or not doubts or beds[-1][1] != bed or doubts[-1][1] != unsure

    def _hear(self, monitor: str | None, event: AnyFact) -> None:
        """An alarm or a removed sensor is a sign of life of its monitor, and means something where that is lost.

        An alarm of the patient who is on it: others' are told elsewhere.
        """
        known = self.house.monitors.get(monitor or "")
        if known is not None and isinstance(event, AlarmFact) and is_of_another(event, known.session, known.patient):
            return
        if monitor is not None and known is not None and known.lost is not None:
            self._step(monitor, known.serial, event)

    def _step(self, monitor: str, serial: str, event: AnyFact) -> None:
        known = self.house.monitors.get(monitor)
        self.monitor, self.was = monitor, known.copy() if known else None
        self._after = known.copy() if known else Monitor(serial)
        self.meant = list(monitors.step(self._after, monitor, event))

    def pass_by(self, event: Event) -> bool:
        """Let *event* have happened. Returns whether anything was learnt that concerns what is long past."""
        if self.monitor is not None:
            self.house.monitors[self.monitor] = self._after
        if isinstance(event, AccountFact):
            self.began[event.service] = min(event.sent, self.began.get(event.service, event.sent))
            known = len(self.house.accounts.names), len(self.house.accounts.seen)
            list(accounts.step(self.house.accounts, event, self.thresholds.presence))
            return isinstance(event, SessionClosed) or known != (len(self.house.accounts.names), len(self.house.accounts.seen))
        if isinstance(event, Word | AlarmFact):
            return False
        if isinstance(event, SourceGap):
            unseen.learn(self.house.gaps, event)
            return True
        moves, serials = self.moves(event), len(self.house.places.serials)
        links = list(places.step(self.house.places, event))
        return moves or bool(links) or serials != len(self.house.places.serials)

    # What rules ask.

    def monitor_of(self, fact: AlarmFact) -> str | None:
        """The folded serial of an alarm's monitor: as its record says, the one its sensor was seen at, its patient's."""
        if fact.monitor:
            return fold(fact.monitor)
        device = fold(fact.device)
        if fact.device_code and fold(fact.device_code) == MONITOR_CODE:
            return device
        if (seen := self.house.places.monitors.get(device)) is not None:
            return seen
        return device if device in self.house.monitors else self._with(fold(fact.patient)) if fact.patient else None

    def _with(self, patient: str) -> str | None:
        """The monitor on which *patient*'s session was opened last, and is open."""
        there = [(one.since, key) for key, one in self.house.monitors.items() if (one.session, one.patient) == ("open", patient)]
        return max(there)[1] if there else None

    def present(self, order: Order) -> Presence:
        """The accounts whose sessions are open at *order*."""
        return presence(self.house.accounts, order)

    def decided(self, found: Presence) -> Presence:
        """*found*, where a log-out that was told late has decided who was there."""
        return decided(found, self.house.accounts)

    def shown(self, found: Presence) -> list[dict[str, Any]]:
        """{account, id} of each, the first 20 by account."""
        return shown(self.decided(found).people, self.house.accounts)[:LISTED]

    def placed(self, monitor: str | None, at: Micros, before: Place) -> Place:
        """Where *monitor* (folded) stood at *at*, of which *before* was decided: keep what this returns."""
        by = self.house.places.newest_unit
        if before.known and before.by >= by:
            return before
        place = self.house.places.place(monitor, at, before)
        return msgspec.structs.replace(place, by=by) if place.known else place

    def units(self, place: Place, monitor: str | None) -> list[str]:
        """Those of *place*; in a hub of one unit, that one."""
        only = self.house.places.only_unit if monitor else None
        return [only] if only else list(place.units)

    def units_named(self, written: str | None, at: Micros) -> frozenset[str]:
        """The units that a log-in's place names; in a hub of one unit, that one. Empty: unknown."""
        if only := self.house.places.only_unit:
            return frozenset({only})
        return self.house.places.units_of(written, at) if written else frozenset()

    def name_of(self, account: str) -> str:
        """The folded name that an id or a name stands for, aliases included."""
        return self.house.accounts.key(account, accounts.alias_map(self.thresholds.presence))

    def is_shared(self, account: str) -> bool:
        return accounts.is_shared(self.house.accounts, self.name_of(account), self.thresholds.presence)

    def thresholds_of(self, onset: Onset) -> Thresholds:
        """An episode keeps those in force at its onset."""
        return self.known.get(onset.thresholds, self.thresholds)

    def finding(
        self, rule: str, subject: str, start: Micros, used: msgspec.Struct, *, body: dict[str, Any],
        evidence: Iterable[Sighting | None], end: Micros | None = None, place: Place | None = None, units: Iterable[str] = (),
        monitor: str | None = None, device: str | None = None, patient: str | None = None, account: str | None = None,
        quality: Iterable[Quality] = (),
    ) -> Finding:  # fmt: skip
        """The envelope. start: `at` of the anchoring fact. subject: what chose the writer, and all that tells it from others.

        place: of a monitor, whose units and bed are then shown, with a mark where there are none or where it is unsure.
        """
        marks, bed, units = {*quality}, None, [*units]
        if place is not None:
            units = self.units(place, monitor and fold(monitor))
            bed = self.house.places.bed_names.get(place.bed, place.bed) if place.bed else None
            if not units:
                marks.add("unplaced")
            elif place.unsure and self.house.places.only_unit is None:
                marks.add("place-unsure")
        copies = {s.order: s for s in evidence if s is not None}
        return Finding(
            id=finding_id(rule, subject, start), rule=rule, rule_version=f"{VERSION}-{digest(used)}", status="provisional",
            quality=sorted(marks), units=sorted(units), bed=bed, monitor=monitor, device=device, patient=patient,
            account=account, start=instant(start), end=None if end is None else instant(end),
            evidence=[copies[order].evidence(self.cluster) for order in sorted(copies)], body=body,
        )  # fmt: skip
