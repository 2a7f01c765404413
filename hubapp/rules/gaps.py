"""What the hub could not see: records of a source that are gone or unreadable, and a gateway that says nothing.

A gateway is silent when every monitor that reports is, at once: their last reports lie within half a minute, and for longer
than that nothing of any monitor was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec

from hubapp.facts import SECOND, Micros, MonitorBack, MonitorLost, SensorRemoved, SourceGap, fold
from hubapp.rules.episode import OPEN_END
from hubapp.rules.house import OF_A_MONITOR
from hubapp.rules.scene import Conclusion, Event, Scene
from hubapp.rules.sightings import Sighting, sighting
from hubapp.rules.told import Onset

SILENT: Micros = 30 * SECOND
AT_LEAST = 2
GATEWAY = "gateway"
REPORTS = "sdc-realtime-state"


class Used(msgspec.Struct, frozen=True):
    """In seconds, monitors, the share of what was read last, and how many of it."""

    silent: float = SILENT / SECOND
    monitors: int = AT_LEAST
    share: float = 0.1
    last: int = 1_000


class Gap(msgspec.Struct, tag=True):
    """From *begin* until *until*, as far as one knows. partition: None where it is of all. signs: what tells of it."""

    why: str
    source: str
    topic: str
    partition: int | None
    begin: Micros
    signs: list[Sighting]
    until: Micros | None = None
    missing: int | None = None
    share: float | None = None

    @property
    def lasts_from(self) -> Micros:
        """A gateway is called silent only after some time."""
        return self.begin + SILENT if self.why == "gateway-silent" else self.begin


class Gateway(msgspec.Struct, tag=True):
    """Monitors (folded) that report, and those that fell silent, by the `sent` of their last report. open: the gap that lasts."""

    reporting: list[str] = []
    silent: dict[str, Micros] = {}
    open: str | None = None

    def stop(self, monitor: str) -> None:
        if monitor in self.reporting:
            self.reporting.remove(monitor)
        self.silent.pop(monitor, None)

    def is_silent(self, sent: Micros) -> bool:
        """Whether every monitor is, and fell so with the one that was heard last."""
        return not self.reporting and sum(sent - last <= SILENT for last in self.silent.values()) >= AT_LEAST


Item: TypeAlias = Gap | Gateway


class Gaps:
    """Its keys: topic, partition, why and the begin of each gap; and one for what is known of the gateway."""

    name = "gaps"
    kind: Any = Item

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}

    def hear(self, event: Event, scene: Scene) -> Iterable[str]:
        match event:
            case SourceGap():
                return self._gap(event)
            case MonitorLost(cause="silent"):
                return self._fell_silent(event)
            case Onset():
                return self._heard(event.order[0], event.sighting)
            case SensorRemoved():
                return self._heard(event.sent, sighting(event))
            case _ if isinstance(event, OF_A_MONITOR):
                return self._of_a_monitor(event)
        return []

    def _gap(self, fact: SourceGap) -> list[str]:
        """What begins at the same instant is one gap: nothing was read between."""
        key = f"{fact.topic}\n{fact.partition}\n{fact.why}\n{fact.at}"
        gap = self.items.setdefault(key, Gap(fact.why, fact.source, fact.topic, fact.partition, fact.at, [], missing=0))
        assert isinstance(gap, Gap)
        gap.until, gap.missing, gap.share = fact.sent, (gap.missing or 0) + fact.missing, fact.share
        gap.signs.append(sighting(fact))
        return [key]

    def _gateway(self) -> Gateway:
        gateway = self.items.setdefault(GATEWAY, Gateway())
        assert isinstance(gateway, Gateway)
        return gateway

    def _fell_silent(self, loss: MonitorLost) -> list[str]:
        gateway, monitor = self._gateway(), fold(loss.monitor)
        gateway.stop(monitor)
        gateway.silent[monitor] = loss.sent
        if gateway.open or not gateway.is_silent(loss.sent):
            return []
        gateway.open = f"{loss.topic}\n\ngateway-silent\n{loss.sent}"
        self.items[gateway.open] = Gap("gateway-silent", REPORTS, loss.topic, None, loss.sent, [sighting(loss)])
        return [gateway.open]

    def _of_a_monitor(self, fact: Any) -> list[str]:
        """A report, or the word that there will be none; all else is a sign of life of the gateway alone."""
        gateway, monitor = self._gateway(), fold(fact.monitor)
        if isinstance(fact, MonitorBack | MonitorLost):
            gateway.stop(monitor)
        if isinstance(fact, MonitorBack):
            gateway.reporting.append(monitor)
        return self._heard(fact.sent, sighting(fact))

    def _heard(self, sent: Micros, sign: Sighting) -> list[str]:
        gateway = self._gateway()
        key, gateway.open = gateway.open, None
        gap = self.items.get(key or "")
        if key is None or not isinstance(gap, Gap):
            return []
        gap.until = sent
        gap.signs.append(sign)
        return [key]

    def found(self, key: str, scene: Scene, now: Micros) -> Iterator[Conclusion]:
        gap = self.items[key]
        if not isinstance(gap, Gap) or (gap.why == "gateway-silent" and (gap.until or now) <= gap.lasts_from):
            return
        number = "" if gap.partition is None else str(gap.partition)
        found = scene.finding(
            self.name, f"{gap.topic}\n{number}\n{gap.why}", gap.begin, Used(), end=gap.until, evidence=gap.signs,
            body={"source": gap.source, "why": gap.why, "missing": gap.missing, "share": gap.share},
        )  # fmt: skip
        yield Conclusion(found, OPEN_END if gap.until is None else gap.until)

    def due(self, key: str) -> Iterable[Micros]:
        gap = self.items[key]
        return [gap.lasts_from] if isinstance(gap, Gap) else []

    def over(self, key: str, horizon: Micros) -> bool:
        """Of a monitor that is long silent nothing is needed."""
        item = self.items[key]
        if isinstance(item, Gap):
            return item.until is not None and item.until < horizon
        item.silent = {monitor: last for monitor, last in item.silent.items() if last >= horizon - SILENT}
        return not item.silent and not item.reporting and item.open is None
