"""The ground truth of accounts: their sessions, and when somebody could not log in while a patient alarmed.

The rules are never asked: all is read from what the service wrote of log-ins, and from the alarms of the beds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.alarms import Alarm
from hubapp.sim.diary import Diary, Saying
from hubapp.sim.lasting import active
from hubapp.sim.truth import seconds

Json = dict[str, Any]
SOON: Micros = 60 * SECOND
"""Failures as close as that are one stretch, and a success as soon as that says that it was none."""


@dataclass(slots=True)
class Session:
    """first: the log-in that opened it, as it was written."""

    first: Saying
    last: Saying
    log_in_at: list[Micros]
    log_outs: int = 0
    closed: Micros | None = None


def shown(saying: Saying) -> str:
    return saying.name or saying.id


def line(rule: str, saying: Saying, end: Micros | None, body: Json) -> Json:
    return {
        "rule": rule,
        "patient": None,
        "monitor": None,
        "device": None,
        "account": shown(saying),
        "start": iso(saying.sent),
        "end": None if end is None else iso(end),
        "open": end is None,
        "status_expected": "provisional" if end is None else "final",
        "quality": [],
        "body": body,
    }


# Sessions


def sessions(sayings: Iterable[Saying], listed: bool) -> list[Session]:
    """listed: many people's account, which no log-out closes."""
    found: list[Session] = []
    for saying in sayings:
        mine = [one for one in found if one.closed is None and one.first.id == saying.id]
        here = [one for one in mine if listed or one.first.client == saying.client]
        if saying.what == "log-in" and here:
            here[0].last = saying
            here[0].log_in_at.append(saying.sent)
        elif saying.what == "log-in":
            found.append(Session(saying, saying, [saying.sent]))
        elif saying.what == "log-out":
            for one in here if saying.client else mine:
                one.log_outs += 1
                one.closed = None if listed else saying.sent
    return found


def presence(sayings: Iterable[Saying], listed: bool) -> Iterator[Json]:
    for one in sessions(sayings, listed):
        body: Json = {
            "account": shown(one.first),
            "how_ended": "log-out" if one.closed is not None else None,
            "duration": None if one.closed is None else seconds(one.closed - one.first.sent),
            "log_ins": len(one.log_in_at),
            "log_outs": one.log_outs,
            "shared": listed,
            "last_log_in": iso(one.last.sent),
            "client": None if listed else one.first.client,
            "place": None if listed else one.first.place,
        }
        yield line("presence", one.first, one.closed, body)


# Barriers


@dataclass(slots=True)
class Stretch:
    """Failures and locks of one account, each soon after the one before. success: a log-in ended it."""

    marks: list[Saying] = field(default_factory=list)
    success: bool = False

    def instants(self) -> list[Micros]:
        """When somebody could not log in: at a lock, and at the last failure where no success followed."""
        failures, locks = self.of("failed"), self.of("locked")
        found = [locks[0].sent, locks[-1].sent] if locks else []
        return [*found, failures[-1].sent] if len(failures) >= 2 and not self.success else found

    def of(self, what: str) -> list[Saying]:
        return [mark for mark in self.marks if mark.what == what]


def stretches(sayings: Iterable[Saying]) -> list[Stretch]:
    found: list[Stretch] = []
    newest: dict[str, Stretch] = {}
    for saying in sayings:
        going = newest.get(saying.id)
        if going is not None and (going.success or saying.sent - going.marks[-1].sent > SOON):
            going = None
        if saying.what == "log-in" and going is not None:
            going.success = True
        elif saying.what in ("failed", "locked"):
            if going is None:
                going = newest[saying.id] = Stretch()
                found.append(going)
            going.marks.append(saying)
    return found


def barriers(sayings: Iterable[Saying], diaries: Sequence[Diary]) -> Iterator[Json]:
    """While an urgent alarm of a patient goes on in the unit, in the hub where the place is not known."""
    alarms = [(diary.unit, alarm) for diary in diaries for alarm in diary.alarms if alarm.kind == "physiological"]
    for one in stretches(sayings):
        places = {mark.place for mark in one.marks if mark.place}
        instants = one.instants()
        met = [
            alarm
            for unit, alarm in alarms
            if (not places or unit in places) and any(active(alarm).start <= at < active(alarm).end for at in instants)
        ]
        if met:
            yield {**line("barriers", one.marks[0], one.marks[-1].sent, barrier(one)), "episodes": [episode(a) for a in met]}


def barrier(one: Stretch) -> Json:
    clients = {mark.client for mark in one.marks if mark.client}
    newer = any(mark.name for mark in one.marks)
    return {
        "why": "locked" if one.of("locked") else "failed-log-ins",
        "attempts": len(one.of("failed")) if newer else None,
        "account": shown(one.marks[0]),
        "client": next(iter(clients)) if len(clients) == 1 else None,
    }


def episode(alarm: Alarm) -> Json:
    """As the truth of the episode names it."""
    return {
        "rule": "episodes",
        "patient": alarm.patient,
        "device": alarm.device,
        "start": iso(alarm.start),
        "body": {"condition": alarm.condition, "kind": alarm.kind},
    }
