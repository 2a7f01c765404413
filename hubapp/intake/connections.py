"""Connection reports come every two seconds from each monitor: only a change is a fact, and so is silence."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hubapp.facts import SECOND, AnyFact, Micros, MonitorBack, MonitorLost, fold

SILENT: Micros = 30 * SECOND
# How long reports that were no change are remembered: a loss that is told late may lie before them.
RECENT: Micros = 12 * SECOND
# Reports of a partition that are further apart were not all read: what lies between says nothing of anybody.
UNBROKEN: Micros = 10 * SECOND


class Connection(msgspec.Struct):
    """A monitor's reports: the recent ones, and whether the last that was told is a loss."""

    reports: list[MonitorBack]
    lost: Micros | None = None
    silent: bool = False


class Connections:
    """By folded serial."""

    def __init__(self, past: bool) -> None:
        self.past = past
        self.known: dict[str, Connection] = {}
        self.since: Micros | None = None
        self.newest: Micros | None = None
        self._changed: set[str] = set()

    def restore(self, key: bytes, value: bytes) -> None:
        self.known[key.decode()] = msgspec.json.decode(value, type=Connection)

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        for monitor in sorted(self._changed):
            yield b"connection/" + monitor.encode(), msgspec.json.encode(self.known[monitor])
        self._changed.clear()

    def news(self, fact: MonitorLost | MonitorBack) -> Iterator[AnyFact]:
        """What *fact* changes, in whatever order reports come within their bound."""
        self._hear(fact.sent)
        monitor = fold(fact.monitor)
        connection = self.known.setdefault(monitor, Connection([]))
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
        connection.reports = sorted([*connection.reports, fact], key=lambda report: report.order)
        horizon = connection.reports[-1].sent - RECENT
        connection.reports = [r for r in connection.reports if r.sent >= horizon or r is connection.reports[-1]]

    def _hear(self, now: Micros) -> None:
        """Since when this reader has heard all there is, up to *now*."""
        if self.since is None or self.newest is None or now - self.newest > UNBROKEN:
            self.since = now
        self.newest = max(now, self.newest or now)

    def silences(self, now: Micros | None = None) -> Iterator[MonitorLost]:
        """The monitors of which nothing was heard for 30 s, each once.

        *now*: up to when this reader is known to have read all there is; without it the newest report of any monitor says so.
        """
        if now is not None and self.since is None:
            self.since = now
        heard = now if now is not None else self.newest
        if self.past or self.since is None or heard is None or heard - self.since <= SILENT:
            return
        for monitor, connection in sorted(self.known.items()):
            report = connection.reports[-1] if connection.reports else None
            if report and connection.lost is None and not connection.silent and heard - report.sent > SILENT:
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
