"""What a rule of the chronicle hears and may ask, at one place of the order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

from hubapp.facts import AccountFact, AnyFact, Micros, Quality, fold
from hubapp.findings import Finding, finding_id
from hubapp.rules import accounts, monitors, places
from hubapp.rules.house import ADMISSIONS as ADMISSIONS
from hubapp.rules.house import ASSIGNMENTS as ASSIGNMENTS
from hubapp.rules.house import OF_A_MONITOR, House
from hubapp.rules.moments import Moment, Order, Trace
from hubapp.rules.monitors import Monitor
from hubapp.rules.places import Place
from hubapp.rules.presence import Presence, decided, presence, shown
from hubapp.rules.sightings import Sighting, instant
from hubapp.rules.told import Ended, Handled, Judged, Onset, Prioritised, Word
from hubapp.thresholds import Thresholds, digest

VERSION = 1
LISTED = 20
Event: TypeAlias = AnyFact | Word


WORDS: tuple[type, ...] = (Onset, Prioritised, Handled, Judged, Ended)


def rank(event: Event) -> tuple[Order, int]:
    """The total order of events: what an alarm's record says comes before what follows from it."""
    return event.order, WORDS.index(type(event)) + 1 if isinstance(event, Word) else 0


class Conclusion(NamedTuple):
    """A finding, and the instant behind which nothing can change it any more (OPEN_END: not yet known)."""

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

    def copy(self) -> Scene:
        held, accounts, places = self.house.monitors, self.house.accounts, self.house.places
        house = House({key: monitor.copy() for key, monitor in held.items()}, accounts.copy(), places.copy())
        other = Scene(house, self.cluster, self.known, self.mine)
        other.began, other.thresholds = dict(self.began), self.thresholds
        return other

    def prune(self, horizon: Micros) -> None:
        self.house.accounts.prune(horizon)
        self.house.places.prune(horizon)

    # Going on.

    def look_at(self, event: Event, thresholds: Thresholds) -> None:
        """Know what *event* means, before anybody is told of it."""
        self.thresholds, self.meant, self.monitor, self.was = thresholds, [], None, None
        if isinstance(event, OF_A_MONITOR):
            self.monitor = fold(event.monitor)
            known = self.house.monitors.get(self.monitor)
            self.was = known.copy() if known else None
            after = known.copy() if known else Monitor(event.monitor)
            self.meant = list(monitors.step(after, self.monitor, event))
            self._after: Monitor | None = after

    def pass_by(self, event: Event) -> None:
        """Let *event* have happened."""
        if self.monitor is not None and self._after is not None:
            self.house.monitors[self.monitor] = self._after
        if isinstance(event, AccountFact):
            self.began[event.service] = min(event.sent, self.began.get(event.service, event.sent))
            list(accounts.step(self.house.accounts, event, self.thresholds.presence))
        elif not isinstance(event, Word):
            list(places.step(self.house.places, event))

    # What rules ask.

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
