"""Who was authenticated where, as the cover of a unit is judged: stays of accounts, and the places of their log-ins.

A session of unknown place covers every unit; one with several places covers each of them, from the log-in there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hubapp.facts import AnyAccount, Micros, SessionOpened, fold
from hubapp.rules import accounts, stations
from hubapp.rules.accounts import LATE_LOG_OUT, Session
from hubapp.rules.scene import Scene
from hubapp.rules.sightings import Sighting, sighting
from hubapp.rules.stations import Station


class Spot(msgspec.Struct):
    """Where, and since when: at a station, or at one that nobody told. place: as written, folded; copy: of the log-in there."""

    place: str
    at: Micros
    copy: Sighting | None = None
    station: Station | None = None

    def covers(self, unit: str, scene: Scene) -> bool:
        here = stations.units([self.station] if self.station else [], scene)
        return not here or unit in here


class Stay(msgspec.Struct):
    """A session. ended: by a log-out; until: its assumed end."""

    account: str
    client: str | None
    opened: Micros
    until: Micros
    shared: bool
    over: bool = False
    ended: Micros | None = None
    spots: list[Spot] = []

    @property
    def end(self) -> Micros:
        return self.until if self.ended is None else self.ended

    @property
    def settled(self) -> Micros:
        """Behind this, no log-out moves its end."""
        return self.end if self.ended is not None or self.over else self.until + LATE_LOG_OUT

    def unsure_at(self, at: Micros) -> bool:
        return self.until < at <= self.settled and self.ended is None


class Last(msgspec.Struct):
    """Of sessions that are forgotten, at one place: when the last of one person's ended, and the last shared one."""

    spot: Spot
    personal: Micros | None = None
    shared: Micros | None = None


class Crowd(msgspec.Struct):
    stays: list[Stay] = []
    last: dict[str, Last] = {}

    def hear(self, fact: AnyAccount, scene: Scene) -> list[Stay]:
        """Returns the stays that *fact* begins or changes."""
        after = scene.house.accounts.copy()
        list(accounts.step(after, fact, scene.thresholds.presence))
        known = {(stay.account, stay.client, stay.opened): stay for stay in self.stays}
        changed = []
        for session in after.sessions:
            stay = known.get((session.account, session.client, session.opened[0]))
            if stay is None or differs(stay, session):
                changed.append(self._take(stay, session, fact, scene))
        return changed

    def _take(self, stay: Stay | None, session: Session, fact: AnyAccount, scene: Scene) -> Stay:
        if stay is None:
            stay = Stay(session.account, session.client, session.opened[0], session.until, session.shared)
            self.stays.append(stay)
        stay.until, stay.over = session.until, session.over
        stay.ended = session.closed[0] if session.closed else None
        copy = sighting(fact) if isinstance(fact, SessionOpened) else None
        for place in session.places:
            if fold(place or "") not in {spot.place for spot in stay.spots}:
                at = fact.sent if stay.spots else stay.opened
                stay.spots.append(Spot(fold(place or ""), at, copy, stations.station(place, at, scene) if place else None))
        return stay

    def spots(self) -> Iterator[Spot]:
        yield from (spot for stay in self.stays for spot in stay.spots)
        yield from (last.spot for last in self.last.values())

    def been(self, since: Micros, until: Micros, shared: bool) -> Iterator[Spot]:
        """Where sessions, shared ones or one person's, were open at any time in between."""
        for stay in self.stays:
            if stay.shared == shared and stay.opened <= until and stay.end >= since:
                yield from (spot for spot in stay.spots if spot.at <= until)
        for last in self.last.values():
            end = last.shared if shared else last.personal
            if end is not None and end >= since:
                yield last.spot

    def forget(self, horizon: Micros) -> None:
        """Of what ended before *horizon*, where and when is enough."""
        for stay in [stay for stay in self.stays if stay.settled < horizon]:
            self.stays.remove(stay)
            for one in stay.spots:
                last = self.last.setdefault(one.place, Last(one))
                if stay.shared:
                    last.shared = max(stay.end, last.shared or stay.end)
                else:
                    last.personal = max(stay.end, last.personal or stay.end)


def differs(stay: Stay, session: Session) -> bool:
    ended = session.closed[0] if session.closed else None
    return (stay.until, stay.over, stay.ended, len(stay.spots)) != (session.until, session.over, ended, len(session.places))


def decide(spots: Iterable[Spot], scene: Scene) -> None:
    """Keep what is known of places before it changes."""
    for one in spots:
        if one.station is not None:
            one.station.decide(scene)


def only_shared(personal: Iterable[Spot], shared: Iterable[Spot], unit: str, scene: Scene) -> bool:
    """Whether all sessions that were there are many people's: then nobody is judged. None at all are."""
    if any(one.covers(unit, scene) for one in personal):
        return False
    return any(one.covers(unit, scene) for one in shared)
