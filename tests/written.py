"""A story as its writers put it on the wire, and what the hub makes of the records: decoded, taken in, concluded.

Times are those of `tests.timeline`: m:ss.fff after T0. A monitor tells an alarm 0.12 s after it is true, its audible signal 1 ms
after the visible one; whatever is written arrives 20 ms later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from hubapp.chaos.expected import ReplayedHouse, ReplayedWard, Taken, addresses, house_oracle, oracle, told
from hubapp.chaos.load import Source
from hubapp.chaos.verifying import CLUSTER, claimed, record
from hubapp.engine.transaction import hashed
from hubapp.facts import SECOND, AnyFact, Micros, RulesChanged, encode_fact
from hubapp.findings import Finding
from hubapp.sim.authentication import Account, Newer, Older
from hubapp.sim.conditions import CONDITIONS, MEASURES, MONITOR
from hubapp.sim.gateway import Gateway, Json
from hubapp.sim.platform import Platform
from hubapp.sim.wires import LATE, Wire
from hubapp.thresholds import Thresholds
from hubapp.topics import HOUSE, LOG_PARTITIONS, PATIENTS
from hubapp.ward.watermark import AFTER_THE_END
from tests.timeline import instant

TELLING, UNDER_WAY = 120_000, 20_000
Wires = list[tuple[Micros, Wire]]


def number(name: str) -> str:
    """The identifier of what is called so."""
    return str(UUID(int=hashed(name.encode()) << 64 | hashed(name[::-1].encode()), version=4))


def account(name: str, *roles: str) -> Account:
    return Account(number(name), name, roles or ("clinical",))


def measuring(condition: str) -> str:
    return next((code for code, conditions in MEASURES.items() if condition in conditions), MONITOR)


@dataclass
class Found:
    """What was concluded, and of which facts."""

    findings: list[Finding]
    facts: list[AnyFact]
    quarantined: int
    late: list[AnyFact] = field(default_factory=list)

    def of(self, rule: str, **where: Any) -> list[Finding]:
        """Those that are as *where* says, of themselves or in their body; in the order of their start."""
        of_rule = (one for one in self.findings if one.rule == rule and one.status != "retracted")
        return sorted((one for one in of_rule if is_as(one, where)), key=lambda one: (one.start, one.id))

    def one(self, rule: str, **where: Any) -> Finding:
        [one] = self.of(rule, **where)
        return one


def is_as(finding: Finding, where: dict[str, Any]) -> bool:
    return all(
        (getattr(finding, key) if hasattr(finding, key) else finding.body.get(key)) == value for key, value in where.items()
    )


class Story:
    """Collects records. Serials, patients and accounts are named by the caller."""

    def __init__(self, thresholds: Thresholds | None = None) -> None:
        chance = Random("a story")
        self.wires: Wires = []
        self.thresholds = thresholds
        self.devices: dict[str, Json] = {}
        self.gateway = Gateway(self.send, chance, emulator=False)
        self.platform = Platform(self.send, chance)
        self.newer, self.older = Newer(self.send, chance), Older(self.send, chance)
        self._arrives: Micros | None = None

    def send(self, sent: Micros, wire: Wire) -> None:
        self.wires.append((sent + UNDER_WAY if self._arrives is None else self._arrives + len(self.wires), wire))

    @contextmanager
    def arriving(self, when: str) -> Iterator[None]:
        """What is written inside was held up, and arrives at *when*."""
        self._arrives = instant(when)
        yield
        self._arrives = None

    def monitor(
        self, serial: str, patient: str | None = None, *conditions: str, bed: str | None = None, since: str = "-6:00"
    ) -> None:
        """A monitor with the sensors for *conditions*, and its patient."""
        at = instant(since)
        self.devices[serial] = {
            "id": number(serial), "primary_identifier": serial, "model_number": MONITOR, "name": MONITOR, "gateway_id": None,
            "location_id": None if bed is None else number(bed), "audio_pause_enabled": False, "audio_enabled": True,
        }  # fmt: skip
        self.platform.device(at, "DEVICE_CREATED_EVENT", "system", self.devices[serial])
        self.discovered(serial, at + 20 * SECOND, *conditions)
        if patient is not None:
            self.gateway.session_started(at + 40 * SECOND, serial, patient, [])

    def discovered(self, serial: str, at: Micros, *conditions: str, audio: str = "on") -> None:
        sensors = {code: sensor(serial, code) for code in map(measuring, conditions or ("spo2-low",))}
        self.gateway.discovered(at, serial, sensors, audio, [], None, [])

    def unit(self, name: str, *beds: str, since: str = "-10:00") -> None:
        at = instant(since)
        self.platform.group(at, "admin", number(name), name)
        for place, bed in enumerate(beds, 1):
            self.platform.bed(at + place * 10_000, "admin", number(bed), bed)
            self.platform.grouped(
                at + place * 10_000 + 5_000, "admin", number(name), name, [number(x) for x in beds[:place]], bed
            )

    def told(
        self, patient: str, at: str, state: str = "active", *, condition: str = "spo2-low", monitor: str = "M",
        audible: bool = False, priority: str = "ME", sent: str | None = None, limits: Any = None,
        since: Micros | None = None, **more: Any,
    ) -> None:  # fmt: skip
        """One report of one signal. since: what is told as its time, where that is not *at*."""
        kind, code = CONDITIONS[condition].kind, measuring(condition)
        true = instant(at) if since is None else since
        alert = self.gateway.alert(patient, sensor(monitor, code), code, condition, audible, true, state, priority, limits)
        when = instant(sent) if sent else instant(at) + TELLING + 1000 * audible
        self.gateway.update(when, monitor, alert | more, technical=kind == "technical")

    def alarm(self, patient: str, start: str, end: str | None = None, **fields: Any) -> None:
        """Both signals of it, or the only one."""
        signals = (False, True) if CONDITIONS[fields.get("condition", "spo2-low")].audible else (False,)
        for audible in signals:
            self.told(patient, start, audible=audible, **fields)
        for audible in signals if end is not None else ():
            self.told(patient, end or "", "ended", audible=audible, **fields)

    def log_in(self, who: str, at: str, client: str | None = None, location: str | None = None) -> None:
        self.newer.log_in(instant(at), account(who), where(client, location))

    def log_out(self, who: str, at: str, client: str | None = None) -> None:
        self.newer.log_out(instant(at), account(who), where(client, None))

    def command(self, by: str, at: str, monitor: str = "M") -> None:
        self.platform.command(instant(at), by, self.devices[monitor], "ALARM_VALIDATION_ON", by_serial=False)

    def concluded(self, until: str | None = None) -> Found:
        """In one process, of all of it at once; until: as of a watermark."""
        taken = Taken(placed(self.wires), past=True)
        mark = instant(until) if until else taken.newest + AFTER_THE_END
        facts = [*in_force(self.thresholds), *taken.everything()]
        told_by = [fact for fact in facts if fact.sent <= mark]
        found = oracle(told_by, dict.fromkeys(range(LOG_PARTITIONS), mark), CLUSTER) | house_oracle(told_by, mark, CLUSTER)
        return Found(list(found.values()), facts, len(taken.quarantined))

    def piecemeal(self, wires: Wires | None = None, cut: int = 2) -> Found:
        """By the ward and the house as a worker holds them: record by record, the watermark ten seconds behind each."""
        wires = self.wires if wires is None else wires
        taken = Taken(placed(wires), past=True)
        mark, first = taken.newest + AFTER_THE_END, in_force(self.thresholds)
        facts = sorted(taken.everything(), key=lambda fact: fact.timestamp)
        wards = [ward(n, [*first, *facts], mark, cut) for n in range(LOG_PARTITIONS)]
        values = [encode_fact(fact) for fact in (*first, *facts) if (HOUSE, 0) in addresses(fact)]
        words = [encode_fact(word) for one in wards for word in one.told]
        house = ReplayedHouse([record(0, n, value) for n, value in enumerate([*values, *words, claimed(mark)])], CLUSTER, cut)
        found = [finding for part in (house, *wards) for finding in part.findings.values()]
        return Found(found, facts, len(taken.quarantined), [fact for one in wards for fact in one.late])


def where(client: str | None, location: str | None) -> Json:
    return {name: value for name, value in (("client", client), ("location", location)) if value is not None}


def sensor(serial: str, code: str) -> str:
    return serial if code == MONITOR else f"{serial}-{code[:6].strip()}"


def ward(number: int, facts: list[AnyFact], mark: Micros, cut: int) -> ReplayedWard:
    values: list[bytes] = []
    for fact in facts:
        if (PATIENTS, number) in addresses(fact):
            values += [encode_fact(fact), claimed(fact.timestamp - 10 * SECOND)]
    values.append(claimed(mark))
    return ReplayedWard(number, [record(number, n, value) for n, value in enumerate(values)], CLUSTER, cut)


def in_force(thresholds: Thresholds | None) -> list[AnyFact]:
    if thresholds is None:
        return []
    return [RulesChanged(at=0, sent=0, topic="hub.toml", partition=0, offset=0, timestamp=0, thresholds=thresholds.text())]


def placed(wires: Wires) -> list[Source]:
    """Each topic has one partition; the Kafka timestamp is the moment of arrival."""
    ends: dict[str, int] = {}
    sources = []
    for due, wire in sorted(wires, key=lambda arrival: arrival[0]):
        ends[wire.topic] = offset = ends.get(wire.topic, -1) + 1
        headers = tuple((name, value.encode()) for name, value in wire.headers.items())
        key = None if wire.key is None else wire.key.encode()
        sources.append(Source(wire.topic, 0, offset, due // 1000, key, wire.value, headers))
    return sources


def shuffled(wires: Wires, seed: int) -> Wires:
    """Within the bounds: what has a key is a gateway's, and no more than 5 s late, all else 10 s."""
    chance = Random(seed)
    return [(due + chance.randrange(LATE[wire.key is not None]), wire) for due, wire in wires]


def doubled(wires: Wires) -> Wires:
    return [*wires, *((due + 1_500_000, wire) for due, wire in wires)]


def finals(findings: Iterable[Finding]) -> dict[str, Json]:
    """What is told in the end, but for the places of the records, which are others in another order."""
    contents = {one.id: told(one) for one in findings if one.status != "retracted"}
    for content in contents.values():
        for fact in content["evidence"]:
            del fact["offset"]
    return contents


STORIES: dict[str, Callable[[], Story]] = {}


def story(write: Callable[[], Story]) -> Callable[[], Story]:
    """A story that must come out the same in whatever order its records arrive."""
    STORIES[write.__name__] = write
    return write
