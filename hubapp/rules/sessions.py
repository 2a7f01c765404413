"""The rule `presence`: sessions of accounts, and how far they can be trusted (DICOM audit 110122, 110123).

One person's session goes from a log-in to a log-out, or to its assumed end, `session_days` after the last log-in. A shared
account is open from its first log-in until then, whoever logs out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hubapp.facts import AccountFact, AnyAccount, BedPlaced, Micros, SessionClosed, SessionOpened, fold
from hubapp.findings import Finding, finding_id
from hubapp.rules.accounts import DAY, LATE_LOG_OUT
from hubapp.rules.naming import Naming, naming, same
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import Sighting, instant, seconds, sighting
from hubapp.rules.stations import Station, station, units


class Used(msgspec.Struct, frozen=True):
    """The values that a session went by."""

    session_days: float
    shared: bool


class Session(msgspec.Struct):
    """A session of an account at a client, as its first log-in wrote them; client: None where that does not say.

    last: the newest log-in; until: the assumed end after it. over: when it was heard that a newer session follows its assumed
    end, so that no log-out is this one's. proofs: what showed that a session of another spelling was this one.
    """

    account: str
    client: str | None
    station: Station | None
    used: Used
    opened: Sighting
    last: Sighting
    until: Micros
    log_ins: int = 1
    log_outs: int = 0
    closed: Sighting | None = None
    over: Micros | None = None
    proofs: list[Sighting] = []

    @property
    def subject(self) -> str:
        return f"{fold(self.account)}\n{fold(self.client or '')}"

    @property
    def key(self) -> str:
        return f"{self.subject}\n{instant(self.opened.at)}"

    @property
    def closes(self) -> Micros:
        """Behind this instant nothing changes it, as far as is known."""
        if self.closed is not None:
            return self.closed.sent
        if self.over is not None:
            return self.over
        return self.until if self.used.shared else self.until + LATE_LOG_OUT

    def pending(self, sent: Micros) -> bool:
        """Whether what is sent then may still be about it."""
        return self.closed is None and self.over is None and sent <= self.closes


class Sessions:
    """Its keys are account, client and beginning: one session each."""

    name = "presence"
    kind: type = Session

    def __init__(self) -> None:
        self.items: dict[str, Session] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        if isinstance(event, BedPlaced):
            for session in self.items.values():
                if session.station is not None:
                    session.station.decide(scene)
        if not isinstance(event, AccountFact) or (who := naming(event, scene)) is None:
            return ()
        heard = [session for session in self.items.values() if who.is_it(session.account) and session.pending(event.sent)]
        keys = {session.key for session in heard}
        heard = self._one_account(heard, event)
        if isinstance(event, SessionOpened):
            keys.add(self._log_in(event, who, heard, scene))
        elif isinstance(event, SessionClosed):
            log_out(event, who, heard)
        return keys

    def _one_account(self, sessions: list[Session], fact: AnyAccount) -> list[Session]:
        """Those that go on: of two at one client the younger is a part of the older, if that was open when it began."""
        going: dict[str, Session] = {}
        for session in sorted(sessions, key=lambda one: one.opened.order):
            older = going.get(slot(session))
            if older is not None and session.opened.sent <= older.until:
                join(older, session, sighting(fact))
                del self.items[session.key]
                continue
            if older is not None:
                older.over = fact.sent
            going[slot(session)] = session
        return list(going.values())

    def _log_in(self, fact: SessionOpened, who: Naming, sessions: list[Session], scene: Scene) -> str:
        """Opens, or is a re-authentication. Returns the key of the session."""
        client = None if who.shared else fact.client
        days = scene.thresholds.presence.days(fact.service)
        until, copy = fact.sent + int(days * DAY), sighting(fact)
        for session in sessions:
            if slot(session) == fold(client or "") and fact.sent <= session.until:
                again(session, copy, until, days)
                return session.key
        place = None if who.shared or not fact.place else station(fact.place, fact.sent, scene)
        new = Session(who.written, client, place, Used(days, who.shared), copy, copy, until)
        if (before := self.items.get(new.key)) is not None:  # Logged out of and in again within the same microsecond.
            again(before, copy, until, days)
            before.closed = None
        return self.items.setdefault(new.key, new).key

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        session = self.items[key]
        where = units([session.station] if session.station else [], scene)
        copies = [session.opened, session.last, session.closed, *session.proofs]
        marks = {mark for copy in copies if copy is not None for mark in copy.quality}
        if session.used.shared:
            marks.add("shared-account")
        if not where:
            marks.add("place-unknown")
        end, how = ending(session, now)
        finding = scene.finding(
            self.name, session.subject, session.opened.at, session.used, body=body(session, end, how), evidence=copies,
            end=end, units=where, account=session.account, quality=marks,
        )  # fmt: skip
        yield Conclusion(finding, session.closes)

    def heir(self, finding: Finding, scene: Scene, now: Micros) -> str | None:
        """The session that took up what proved to be its own."""
        it, client = same(finding.account or "", scene), fold(finding.body["client"] or "")
        mine = [one for one in self.items.values() if slot(one) == client and it(one.account)]
        before = [one for one in mine if instant(one.opened.at) <= finding.start]
        older = max(before, key=lambda one: one.opened.order, default=None)
        return None if older is None else finding_id(self.name, older.subject, older.opened.at)

    def due(self, key: str) -> Iterable[Micros]:
        return (self.items[key].until,)

    def over(self, key: str, horizon: Micros) -> bool:
        return self.items[key].closes < horizon


def slot(session: Session) -> str:
    return fold(session.client or "")


def again(session: Session, copy: Sighting, until: Micros, days: float) -> None:
    session.log_ins, session.last, session.until = session.log_ins + 1, copy, max(session.until, until)
    session.used = Used(days, session.used.shared)


def join(older: Session, younger: Session, proof: Sighting) -> None:
    older.log_ins += younger.log_ins
    older.log_outs += younger.log_outs
    older.proofs = [*older.proofs, younger.opened, *younger.proofs, proof]
    older.until = max(older.until, younger.until)
    if younger.last.order > older.last.order:
        older.last, older.used = younger.last, Used(younger.used.session_days, older.used.shared)


def log_out(fact: SessionClosed, who: Naming, sessions: list[Session]) -> None:
    """With a client: that client's session, else the one without; without a client: all. A shared one it only counts in."""
    sessions = [one for one in sessions if one.opened.order <= fact.order]
    if fact.client is not None and not who.shared:
        here = [one for one in sessions if slot(one) == fold(fact.client)]
        sessions = here or [one for one in sessions if not slot(one)]
    for session in sessions:
        session.log_outs += 1
        if not who.shared:
            session.closed = sighting(fact)


def ending(session: Session, now: Micros) -> tuple[Micros | None, str | None]:
    """When and how it ended, as of *now*."""
    if session.closed is not None:
        return session.closed.at, "log-out"
    if session.over is not None or now > session.until:
        return session.until, "assumed"
    return None, None


def body(session: Session, end: Micros | None, how: str | None) -> dict[str, Any]:
    duration = None if end is None or session.used.shared else seconds(end - session.opened.at)
    return {
        "account": session.account, "how_ended": how, "duration": duration,
        "log_ins": session.log_ins, "log_outs": session.log_outs, "shared": session.used.shared,
        "last_log_in": instant(session.last.at), "client": session.client,
        "place": session.station.written if session.station else None,
    }  # fmt: skip
