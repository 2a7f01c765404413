"""Connection reports come every two seconds from each monitor: only a change is a fact, and so is silence."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from operator import attrgetter

import msgspec

from hubapp.facts import SECOND, AnyFact, Micros, MonitorBack, MonitorLost, fold

SILENT: Micros = 30 * SECOND
# How long reports that were no change are remembered: a loss that is told late may lie before them.
RECENT: Micros = 12 * SECOND
# Reports of a monitor, or proofs of quiet, that are further apart were not all read: what lies between says nothing of anybody.
UNBROKEN: Micros = 10 * SECOND


class Connection(msgspec.Struct):
    """A monitor's reports: the recent ones, and whether the last that was told is a loss."""

    reports: list[MonitorBack]
    lost: Micros | None = None
    silent: bool = False


class Connections:
    """By folded serial. Silence is measured by how far the others have come since, each by its own clock: one that is wrong
    makes nobody silent. Where no others report, by the time for which the partition is proved to be quiet."""

    def __init__(self, past: bool) -> None:
        self.past = past
        self.known: dict[str, Connection] = {}
        self._advanced: dict[str, Micros] = {}
        self._heard_at: dict[str, dict[str, Micros]] = {}
        self._quiet: tuple[Micros, Micros] | None = None
        self._changed: set[str] = set()

    def restore(self, key: bytes, value: bytes) -> None:
        self.known[key.decode()] = msgspec.json.decode(value, type=Connection)

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        for monitor in sorted(self._changed):
            yield b"connection/" + monitor.encode(), msgspec.json.encode(self.known[monitor])
        self._changed.clear()

    def news(self, fact: MonitorLost | MonitorBack) -> Iterator[AnyFact]:
        """What *fact* changes, in whatever order reports come within their bound."""
        monitor = fold(fact.monitor)
        connection = self.known.setdefault(monitor, Connection([]))
        if not self.past:
            self._hear(monitor, connection, fact.sent)
        self._changed.add(monitor)
        if isinstance(fact, MonitorLost):
            yield from self._lost(connection, fact)
        else:
            yield from self._back(connection, fact)

    def _lost(self, connection: Connection, fact: MonitorLost) -> Iterator[AnyFact]:
        """A loss is a fact; so is the first report after it, which may be here already."""
        yield fact
        after = [report for report in connection.reports if report.order > fact.order]
        if after:
            yield after[0]
        elif connection.lost is None or fact.sent > connection.lost:
            connection.lost = fact.sent

    def _back(self, connection: Connection, fact: MonitorBack) -> Iterator[AnyFact]:
        newest = connection.reports[-1].sent if connection.reports else None
        if connection.lost is not None and fact.sent >= connection.lost:
            connection.lost, connection.silent = None, False
            yield fact
        elif connection.silent:
            connection.silent = False
            yield fact
        elif self.past and newest is not None and fact.sent - newest > SILENT:
            yield silence(connection.reports[-1])
            yield fact
        insort(connection.reports, fact, key=attrgetter("order"))
        horizon = connection.reports[-1].sent - RECENT
        while connection.reports[0].sent < horizon:
            del connection.reports[0]

    def _hear(self, monitor: str, connection: Connection, sent: Micros) -> None:
        """How far this monitor has come, in steps without a gap; and how far all had when it was heard last."""
        step = sent - connection.reports[-1].sent if connection.reports else 0
        self._advanced[monitor] = self._advanced.get(monitor, 0) + (step if 0 < step <= UNBROKEN else 0)
        self._heard_at[monitor] = dict(self._advanced)
        self._quiet = None

    def _outlasted(self, monitor: str) -> bool:
        """Whether another monitor has come more than 30 s further since this one was heard, or since this reader began."""
        heard_at = self._heard_at.get(monitor, {})
        return any(come - heard_at.get(other, 0) > SILENT for other, come in self._advanced.items() if other != monitor)

    def _quiet_for(self, now: Micros) -> Micros:
        """For how long nothing came; it begins anew where the proofs have a gap, or the clock made a step."""
        begun, last = self._quiet or (now, now)
        self._quiet = (begun if 0 <= now - last <= UNBROKEN else now, now)
        return now - self._quiet[0]

    def silences(self, now: Micros | None = None) -> Iterator[MonitorLost]:
        """The monitors of which nothing was heard for 30 s, each once. *now*: when the partition was proved quiet."""
        if self.past:
            return
        quiet = now is not None and self._quiet_for(now) > SILENT
        for monitor, connection in sorted(self.known.items()):
            report = connection.reports[-1] if connection.reports else None
            if report and connection.lost is None and not connection.silent and (quiet or self._outlasted(monitor)):
                connection.silent = True
                self._changed.add(monitor)
                yield silence(report)


def silence(report: MonitorBack) -> MonitorLost:
    """An observation of the hub's own, told by the last report that there was."""
    return MonitorLost(
        at=report.at, sent=report.sent, topic=report.topic, partition=report.partition, offset=report.offset,
        index=report.index + 1, timestamp=report.timestamp, message_id=report.message_id, sha256=report.sha256,
        quality=report.quality, monitor=report.monitor, patient=report.patient, cause="silent",
    )  # fmt: skip
