"""Which alarms a fact of the house may concern: by their monitor, their device, their patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from hubapp.facts import (
    AlarmFact,
    AnyFact,
    DeviceChanged,
    MonitorSeen,
    SensorRemoved,
    fold,
)
from hubapp.rules.house import House

Key = tuple[str, str, str]
"""Patient (or monitor), device and condition, folded."""
Tag = tuple[str, str | None]


class Index:
    """An alarm of which no monitor is known stands under the monitor None."""

    def __init__(self) -> None:
        self._keys: defaultdict[Tag, set[Key]] = defaultdict(set)
        self._monitors: dict[Key, set[str | None]] = {}

    def of(self, tag: str, name: str | None) -> set[Key]:
        return self._keys.get((tag, name), set())

    def on(self, serial: str) -> set[Key]:
        """The alarms on a monitor, and those of which none is known."""
        return self.of("monitor", fold(serial)) | self.of("monitor", None)

    def named(self, fact: AnyFact, house: House) -> set[Key]:
        """The alarms of what *fact* names, and those of which no monitor is known."""
        keys = set(self.of("monitor", None))
        for tag, name in tags(fact, house.places.serials.get):
            keys |= self.of(tag, name)
        return keys

    def add(self, key: Key, monitors: Iterable[str | None]) -> None:
        """Put *key* in, or change which *monitors* its episodes are on."""
        now, before = {*monitors} or {None}, self._monitors.get(key)
        if now == before:
            return
        if before is None:
            self._keys["patient", key[0]].add(key)
            self._keys["device", key[1]].add(key)
        for monitor in (before or set()) - now:
            self._keys["monitor", monitor].discard(key)
        for monitor in now - (before or set()):
            self._keys["monitor", monitor].add(key)
        self._monitors[key] = now

    def drop(self, key: Key) -> None:
        places: list[Tag] = [("patient", key[0]), ("device", key[1])]
        for tag in [*places, *(("monitor", monitor) for monitor in self._monitors.pop(key))]:
            self._keys[tag].discard(key)
            if not self._keys[tag]:
                del self._keys[tag]


def tags(fact: AnyFact, serial_of: Callable[[str], str | None]) -> Iterator[Tag]:
    """What *fact* names; serial_of: the serial of a device that is named by its id."""
    serial = getattr(fact, "monitor", None) or getattr(fact, "serial", None)
    if serial is None and (device_id := getattr(fact, "device_id", None)):
        serial = serial_of(device_id)
    if serial:
        yield "monitor", fold(serial)
    if patient := getattr(fact, "patient", None):
        yield "patient", fold(patient)
    match fact:
        case MonitorSeen():
            yield from (("device", fold(sensor)) for sensor in fact.sensors)
        case SensorRemoved():
            yield "device", fold(fact.sensor)
        case DeviceChanged():
            yield "device", fold(fact.serial)


def alarm_key(fact: AlarmFact) -> Key:
    """Subject, device and condition, folded: the subject is what chooses the partition."""
    return fold(fact.patient or fact.monitor or fact.device), fold(fact.device), fact.condition
