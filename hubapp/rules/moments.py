"""Moments: what house facts mean to an alarm, in the order of facts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hubapp.facts import AnyFact, Micros

Order: TypeAlias = tuple[Micros, str, int, int, int]

# Of a monitor: a patient's session opened or closed, the monitor lost or heard of again, a sensor removed.
Happening: TypeAlias = Literal["opened", "closed", "lost", "heard", "removed"]
# Of somebody: at the bed, by a command, by a change in the hub's pages, by a log-in.
EvidenceClass: TypeAlias = Literal["bedside", "command", "change", "log-in"]


class Moment(msgspec.Struct, frozen=True):
    """Something that happened to *monitor* (folded serial). patient, sensor: folded; known: the session's patient was named or known."""

    order: Order
    what: Happening
    fact: AnyFact
    monitor: str
    patient: str | None = None
    sensor: str | None = None
    named: bool = False

    @property
    def sent(self) -> Micros:
        return self.order[0]


class Trace(msgspec.Struct, frozen=True):
    """What somebody left: evidence. trace: acknowledged, audio, limits, released, log-in, or the operation.

    account: as the fact wrote it, for what a named account did. place: what the log-in's record says, if anything.
    """

    order: Order
    evidence_class: EvidenceClass
    trace: str
    fact: AnyFact
    account: str | None = None
    place: str | None = None

    @property
    def sent(self) -> Micros:
        return self.order[0]
