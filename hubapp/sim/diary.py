"""What a bed's monitor and the house's accounts did, kept for the truth of what lasts. Instants are those in the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from hubapp.facts import Micros
from hubapp.sim.alarms import Alarm, Loss

Said = Literal["log-in", "log-out", "failed", "failed-log-out", "locked"]


class Saying(NamedTuple):
    """What the service wrote of an account. client, place: where the record says them."""

    sent: Micros
    what: Said
    id: str
    name: str | None
    client: str | None = None
    place: str | None = None


class Use(NamedTuple):
    """Of an alarm control. account: as the record names it, None at a bedside; old, new: as they are told."""

    sent: Micros
    patient: str | None
    change: str
    condition: str | None = None
    old: Any = None
    new: Any = None
    operation: str | None = None
    account: str | None = None


@dataclass(slots=True)
class Stay:
    """A patient at a monitor: from the session's opening to its end."""

    patient: str
    opened: Micros
    closed: Micros | None = None


@dataclass(slots=True)
class Diary:
    """Of one bed. audio: whenever it is told; enabled: each time a condition is disabled or enabled; alarms: those told."""

    monitor: str
    unit: str
    stays: list[Stay] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    audio: list[tuple[Micros, str]] = field(default_factory=list)
    enabled: dict[str, list[tuple[Micros, bool]]] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    def limits(self, sent: Micros, enabled: Mapping[str, bool]) -> None:
        for condition, now in enabled.items():
            told = self.enabled.setdefault(condition, [])
            if not told or told[-1][1] != now:
                told.append((sent, now))

    def left(self, sent: Micros) -> None:
        if self.stays and self.stays[-1].closed is None:
            self.stays[-1].closed = sent

    def arrived(self, patient: str, sent: Micros) -> None:
        self.left(sent)
        self.stays.append(Stay(patient, sent))
