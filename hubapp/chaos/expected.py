"""What one process, without Kafka, makes of the same records: facts from the sources, findings and tables from the logs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from hubapp.chaos.load import Source
from hubapp.chaos.seen import BOUNDS
from hubapp.chronicle import oracle as chronicle
from hubapp.chronicle.rules import OF_THE_HOUSE
from hubapp.engine.transaction import hashed
from hubapp.facts import AlarmFact, AnyFact, Micros, RulesChanged, decode_log, encode_fact, fold
from hubapp.findings import Finding, canonical
from hubapp.household import state as house_state
from hubapp.household.household import Household
from hubapp.intake.intake import Intake
from hubapp.rules.told import EpisodeTold
from hubapp.topics import HOUSE, LOG_PARTITIONS, PATIENTS, READ
from hubapp.ward import state
from hubapp.ward.index import alarm_key
from hubapp.ward.oracle import conclude, events
from hubapp.ward.ward import Ward
from hubapp.wire import Zones

Rows = dict[tuple[str, bytes], bytes]
"""(table, key) -> value"""


def partition_of(subject: str) -> int:
    return hashed(subject.encode()) % LOG_PARTITIONS


def is_of(number: int, subject: str) -> bool:
    return partition_of(subject) == number


class Taken:
    """The facts of each source partition in their order, what is malformed, and what each source's table holds.

    newest: the newest `sent` of all; what is ignored (an echo of the platform) is not read so far.
    """

    def __init__(self, sources: Iterable[Source], past: bool) -> None:
        self.facts: dict[tuple[str, int], list[AnyFact]] = {}
        self.quarantined: dict[tuple[str, int, int], bytes] = {}
        self.tables: dict[str, Rows] = {}
        self.newest: Micros = 0
        parts: defaultdict[tuple[str, int], list[Source]] = defaultdict(list)
        roles = {topic.role for topic in READ}
        for source in sources:
            if source.topic in roles:
                parts[source.topic, source.partition].append(source)
        for part, records in sorted(parts.items()):
            self._take(part, sorted(records, key=lambda record: record.offset), past)

    def _take(self, part: tuple[str, int], records: list[Source], past: bool) -> None:
        intake = Intake(part[0], Zones(), past)
        said = intake.read(records)
        self.facts[part] = said.facts
        self.newest = max(self.newest, intake.newest or 0)
        for value in said.quarantined:
            told = orjson.loads(value)
            self.quarantined[told["topic"], told["partition"], told["offset"]] = value
        rows = self.tables.setdefault(f"source-{part[0]}", {})
        for key, row in intake.changes(records[-1].offset):
            rows[f"{part[1]}", key] = row or b""

    def everything(self) -> Iterator[AnyFact]:
        for facts in self.facts.values():
            yield from facts

    def logs(self) -> dict[tuple[str, int], dict[tuple[str, int], list[bytes]]]:
        """(log, partition) -> source partition -> its facts there, in their order, as bytes."""
        logs: defaultdict[tuple[str, int], defaultdict[tuple[str, int], list[bytes]]] = defaultdict(lambda: defaultdict(list))
        for part, facts in self.facts.items():
            for fact in facts:
                for log in addresses(fact):
                    logs[log][part].append(encode_fact(fact))
        return {log: dict(parts) for log, parts in logs.items()}


def addresses(fact: AnyFact) -> list[tuple[str, int]]:
    """The log partitions to which a fact belongs."""
    if isinstance(fact, AlarmFact) and fact.patient is not None:
        return [(PATIENTS, partition_of(fold(fact.patient)))]
    everywhere = [(PATIENTS, number) for number in range(LOG_PARTITIONS)]
    return everywhere if isinstance(fact, AlarmFact) else [*everywhere, (HOUSE, 0)]


def oracle(facts: Iterable[AnyFact], marks: dict[int, Micros], cluster: str) -> dict[str, Finding]:
    """The findings of all facts at once, each partition as of its watermark."""
    known = list(facts)
    found: dict[str, Finding] = {}
    for number, mark in marks.items():
        spoken_of = [f for f in known if not isinstance(f, AlarmFact) or partition_of(alarm_key(f)[0]) == number]
        here = partial(is_of, number)
        found |= {finding.id: finding for finding in conclude(spoken_of, mark, cluster, mine=here)}
    return found


def house_oracle(facts: Iterable[AnyFact], mark: Micros | None, cluster: str) -> dict[str, Finding]:
    """The same of the rules of the house."""
    if mark is None:
        return {}
    heard = ((event, force) for event, force in events(list(facts), mark, None) if not isinstance(event, AlarmFact))
    found = chronicle.fold(heard, [make() for make in OF_THE_HOUSE.values()], mark, cluster, {})
    return {finding.id: finding for finding in found}


def thresholds_in(records: Iterable[ConsumerRecord]) -> list[AnyFact]:
    return [fact for record in records if isinstance(fact := decode_log(record.value), RulesChanged)]


class Replayed:
    """A partition of a hub log read again in one process: what was told last of each finding, what the tables hold."""

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        self.rows: Rows = {}
        self.mark: Micros | None = None

    def keep(self, findings: Iterable[Finding], rows: Iterable[tuple[str, bytes, bytes | None]]) -> None:
        self.findings |= {finding.id: finding for finding in findings}
        for table, key, value in rows:
            if value is None:
                self.rows.pop((table, key), None)
            else:
                self.rows[table, key] = value


class ReplayedWard(Replayed):
    """Of hub-patients. told: what the house hears of its episodes."""

    def __init__(self, number: int, records: list[ConsumerRecord], cluster: str, cut: int = 997) -> None:
        super().__init__()
        self.late: list[AnyFact] = []
        self.told: list[EpisodeTold] = []
        ward = Ward(cluster, partial(is_of, number), BOUNDS)
        for start in range(0, len(records), cut):
            for record in records[start : start + cut]:
                ward.take(record.value, record.timestamp * 1000)
            outcome = ward.conclude()
            self.late += outcome.late
            self.told += outcome.told
            self.keep(outcome.findings, state.changes(ward, outcome))
        self.mark = ward.watermark.at


class ReplayedHouse(Replayed):
    """Of hub-house."""

    def __init__(self, records: list[ConsumerRecord], cluster: str, cut: int = 997) -> None:
        super().__init__()
        household = Household(cluster, BOUNDS, OF_THE_HOUSE.values())
        for start in range(0, len(records), cut):
            for record in records[start : start + cut]:
                household.take(record.value, record.timestamp * 1000)
            outcome = household.hand_over()
            self.keep(outcome.findings, house_state.changes(household, outcome))
        self.mark = household.watermark.at


def told(finding: Finding) -> dict[str, Any]:
    """A finding as law 3b compares it: without its revision, and a final one may have been amended on the way."""
    content: dict[str, Any] = orjson.loads(canonical(finding))
    del content["revision"]
    content["status"] = {"amended": "final"}.get(content["status"], content["status"])
    return content


def replayed(finding: Finding) -> dict[str, Any]:
    """A finding as law 3a compares it: all but its revision."""
    content: dict[str, Any] = orjson.loads(canonical(finding))
    del content["revision"]
    return content
