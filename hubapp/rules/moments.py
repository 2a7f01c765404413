"""Moments: what house facts mean to an alarm, in the order of facts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hubapp.facts import AnyFact, Micros

Order: TypeAlias = tuple[Micros, str, int, int, int]
EARLIEST: Order = (-(1 << 62), "", -1, -1, -1)
LATEST: Order = (1 << 62, "", -1, -1, -1)

# Of a monitor: a patient's session opened or closed, a close that contradicts the open one, the monitor lost or heard of again.
# Of a device: removed; found to be on a monitor.
Happening: TypeAlias = Literal["opened", "closed", "contradicted", "lost", "heard", "removed", "linked"]
# Of somebody: at the bed, by a command, by a change in the hub's pages, by a log-in.
EvidenceClass: TypeAlias = Literal["bedside", "command", "change", "log-in"]


def start_of(instant: Micros) -> Order:
    """Before all that was sent at *instant*."""
    return (instant, "", -1, -1, -1)


class Moment(msgspec.Struct, frozen=True, gc=False):
    """Something that happened to *monitor* (folded serial). patient: folded; named: the record said which patient."""

    order: Order
    what: Happening
    fact: AnyFact
    monitor: str | None
    patient: str | None = None
    named: bool = False

    @property
    def sent(self) -> Micros:
        return self.order[0]


class Trace(msgspec.Struct, frozen=True, gc=False):
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
