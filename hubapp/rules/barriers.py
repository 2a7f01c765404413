"""Somebody could not log in while a patient alarmed: log-ins that failed and did not succeed soon after, or a lock.

One finding for each account and stretch; by client only where several accounts failed there. The last failure, or the
lock, lies in an active HI/ME physiological episode of the unit; where the place is unknown, of the hub.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from hubapp.facts import (
    AccountFact,
    AccountLocked,
    AnyAccount,
    BedPlaced,
    EncounterChanged,
    LogInFailed,
    Micros,
    MonitorPlaced,
    SessionOpened,
    fold,
)
from hubapp.findings import Finding
from hubapp.rules import stations
from hubapp.rules.naming import Naming, naming, same
from hubapp.rules.places import Place
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import Sighting, instant, sighting
from hubapp.rules.stretches import Stretch, join, mark
from hubapp.rules.told import Ended, Onset, Prioritised, Resumed

URGENT = ("HI", "ME")
LAST: Micros = 1 << 62


class Alarm(msgspec.Struct, tag=True):
    """A physiological episode. since: when it was first sent as HI or ME; ended: when its end was. A latched one has ended."""

    id: str
    monitor: str | None
    onset: Sighting
    sent: Micros
    place: Place
    since: Micros | None = None
    ended: Micros | None = None

    def active(self, at: Micros) -> bool:
        """At its onset it is, at its end no more."""
        return self.since is not None and self.since <= at and (self.ended is None or at < self.ended)


class Barriers:
    """Its keys are account or client and beginning, one stretch each; and those of episodes that may be active."""

    name = "barriers"
    kind: Any = Stretch | Alarm

    def __init__(self) -> None:
        self.items: dict[str, Stretch | Alarm] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        match event:
            case Onset(kind="physiological"):
                self.items[alarm_key(event.id)] = Alarm(event.id, event.monitor, event.sighting, event.sent, event.place)
            case Prioritised() if event.priority in URGENT and (alarm := self._alarm(event.id)) is not None:
                alarm.since = event.order[0] if alarm.since is None else alarm.since
            case Ended() if (alarm := self._alarm(event.id)) is not None:
                alarm.ended = event.order[0]
            case Resumed() if (alarm := self._alarm(event.id)) is not None:
                alarm.ended = None
            case BedPlaced() | MonitorPlaced() | EncounterChanged() if scene.moves(event):
                self._decide(scene)
            case AccountFact():
                return self._account(event, scene)
            case _:
                return ()
        return [stretch.key for stretch in self._stretches()]

    def _alarm(self, name: str) -> Alarm | None:
        alarm = self.items.get(alarm_key(name))
        return alarm if isinstance(alarm, Alarm) else None

    def _alarms(self) -> Iterator[Alarm]:
        return (item for item in self.items.values() if isinstance(item, Alarm))

    def _stretches(self) -> Iterator[Stretch]:
        return (item for item in self.items.values() if isinstance(item, Stretch))

    def _decide(self, scene: Scene) -> None:
        """Keep what is known of places before it changes."""
        for alarm in self._alarms():
            alarm.place = scene.placed(alarm.monitor, alarm.sent, alarm.place)
        for stretch in self._stretches():
            for one in stretch.stations:
                one.decide(scene)

    def _account(self, fact: AnyAccount, scene: Scene) -> list[str]:
        for stretch in self._stretches():
            if stretch.closes < fact.sent:  # What is learnt of accounts from now on comes too late for it.
                stretch.alone = stretch.is_one_account(scene)
        if (who := naming(fact, scene)) is None:
            return []
        mine = [one for one in self._stretches() if one.what == "account" and who.is_it(one.named)]
        here = [one for one in self._stretches() if one.what == "client" and fold(one.named) == fold(fact.client or "")]
        keys = [one.key for one in (*mine, *here)]
        self._one_account([one for one in mine if one.goes_on(fact.sent)], fact)
        if isinstance(fact, SessionOpened):
            for one in (*mine, *here):
                if one.success is None and fact.sent <= one.waits:
                    one.success = fact.sent
        elif isinstance(fact, AccountLocked):
            keys.append(self._mark("account", who.written, fact, who, scene))
        elif isinstance(fact, LogInFailed) and fact.of == "log-in":
            keys.append(self._mark("account", who.written, fact, who, scene))
            if fact.client:
                keys.append(self._mark("client", fact.client, fact, who, scene))
        return keys

    def _one_account(self, going: list[Stretch], fact: AnyAccount) -> None:
        """Of those that prove to be one account's the younger are a part of the oldest."""
        in_order = sorted(going, key=lambda one: one.first.order)
        for younger in in_order[1:]:
            join(in_order[0], younger, sighting(fact))
            del self.items[younger.key]

    def _mark(
        self, what: Literal["account", "client"], named: str, fact: LogInFailed | AccountLocked, who: Naming, scene: Scene
    ) -> str:  # fmt: skip
        """Begin a stretch, or go on with the one that is. Returns its key."""
        is_it = who.is_it if what == "account" else lambda other: fold(other) == fold(named)
        going = (one for one in self._stretches() if one.what == what and is_it(one.named) and one.goes_on(fact.sent))
        if (stretch := next(going, None)) is None:
            copy, shared = sighting(fact), what == "account" and who.shared
            stretch = Stretch(what=what, named=named, used=scene.thresholds.barriers, first=copy, recent=copy, shared=shared)
            self.items[stretch.key] = stretch
        mark(stretch, fact, who.written, scene)
        return stretch.key

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        stretch = self.items[key]
        if not isinstance(stretch, Stretch):
            return
        if stretch.what == "client" and stretch.is_one_account(scene):
            return  # It is that account's own.
        units = stations.units(stretch.stations, scene)
        alarms = self._in(stretch, units, scene, now)
        if alarms:
            yield Conclusion(finding(stretch, alarms, units, scene, now), stretch.closes)

    def _in(self, stretch: Stretch, units: frozenset[str], scene: Scene, now: Micros) -> list[Alarm]:
        """The episodes that were active where and when somebody could not log in."""
        instants = stretch.instants(now)
        active = [alarm for alarm in self._alarms() if any(alarm.active(at) for at in instants)]
        return [alarm for alarm in active if not units or not units.isdisjoint(where(alarm, scene))]

    def heir(self, finding: Finding, scene: Scene, now: Micros) -> str | None:
        """The finding of the stretch that took up what proved to be its own."""
        if finding.account is None:
            return None
        it = same(finding.account, scene)
        mine = [one for one in self._stretches() if one.what == "account" and it(one.named)]
        before = [one for one in mine if instant(one.first.at) <= finding.start]
        older = max(before, key=lambda one: one.first.order, default=None)
        found = None if older is None else next(self.found(older.key, scene, now), None)
        return None if found is None else found.finding.id

    def due(self, key: str) -> Iterable[Micros]:
        stretch = self.items[key]
        return (stretch.waits, stretch.closes) if isinstance(stretch, Stretch) else ()

    def over(self, key: str, horizon: Micros) -> bool:
        item = self.items[key]
        if isinstance(item, Stretch):
            return item.closes < horizon
        if item.ended is None or item.ended >= horizon:
            return False
        return not any(item.active(at) for stretch in self._stretches() for at in stretch.instants(LAST))


def alarm_key(name: str) -> str:
    return f"episode\n{name}"


def where(alarm: Alarm, scene: Scene) -> list[str]:
    return scene.units(scene.placed(alarm.monitor, alarm.sent, alarm.place), alarm.monitor)


def finding(stretch: Stretch, alarms: list[Alarm], units: frozenset[str], scene: Scene, now: Micros) -> Finding:
    why = "failed-log-ins" if stretch.lock is None else "locked"
    account = stretch.named if stretch.what == "account" else None
    copies = [stretch.first, stretch.failure, stretch.lock, stretch.relock, stretch.recent, *stretch.proofs]
    marks = {mark for copy in copies if copy is not None for mark in copy.quality}
    if not units:
        marks.add("place-unknown")
    if stretch.shared:
        marks.add("shared-account")
    place = fold(stretch.first.used["place"] or "")
    return scene.finding(
        "barriers", f"{why}\n{fold(stretch.named)}\n{place}", stretch.first.at, stretch.used,
        body=body(stretch, why, account, alarms), evidence=[*copies, *(alarm.onset for alarm in alarms)],
        end=stretch.recent.at if now > stretch.closes else None, units=units, account=account, quality=marks,
    )  # fmt: skip


def body(stretch: Stretch, why: str, account: str | None, alarms: list[Alarm]) -> dict[str, Any]:
    """attempts: the older service tells of none. client: where one alone was named."""
    client = stretch.named if stretch.what == "client" else stretch.clients[0] if len(stretch.clients) == 1 else None
    return {
        "why": why, "attempts": stretch.attempts if stretch.newer else None, "episodes": sorted(alarm.id for alarm in alarms),
        "account": account, "client": client,
    }  # fmt: skip
