"""All comparisons of one hub: its logs, findings, tables and rows against one process that had the same records."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from aiokafka import ConsumerRecord

from hubapp.chaos import rows, seen, stored
from hubapp.chaos.expected import ReplayedHouse, ReplayedWard, Taken, house_oracle, oracle, replayed, thresholds_in, told
from hubapp.chaos.hub import Hub
from hubapp.chaos.load import Source
from hubapp.chaos.seen import Records
from hubapp.chaos.verdict import Check, equal, none, same
from hubapp.facts import Micros, Progress, RulesChanged, decode_log
from hubapp.findings import Finding
from hubapp.rules.told import EpisodeTold, decode_house_log
from hubapp.sim import compare
from hubapp.sim.ward import Json
from hubapp.topics import HOUSE, LATE, PATIENTS, QUARANTINE, RULES
from hubapp.ward.watermark import AFTER_THE_END

DERIVED = [f"hub-{rule}" for rule in RULES]
decode_finding = msgspec.json.Decoder(Finding).decode


@dataclass(slots=True)
class Held:
    """What a hub holds once its workers have stopped. findings: the newest of each, without what was taken back."""

    records: Records
    wards: dict[int, ReplayedWard]
    house: ReplayedHouse
    findings: dict[str, Finding]
    revisions: list[Finding]

    @property
    def marks(self) -> dict[int, Micros]:
        return {number: ward.mark for number, ward in self.wards.items() if ward.mark is not None}


async def held_by(hub: Hub) -> Held:
    """The logs are read again up to where the workers have answered them: behind that may stand progress of their last second."""
    records = await seen.everything(hub.settings, [PATIENTS, HOUSE, LATE, QUARANTINE, *DERIVED])
    answered = await seen.answered(hub.settings)
    wards = {
        number: ReplayedWard(number, [r for r in part if r.offset < answered.get((PATIENTS, number), 0)], hub.kafka.cluster_id)
        for number, part in records[PATIENTS].items()
    }
    house = [r for r in records[HOUSE][0] if r.offset < answered.get((HOUSE, 0), 0)]
    revisions = [decode_finding(record.value) for record in rows.all_of(records, DERIVED)]
    return Held(records, wards, ReplayedHouse(house, hub.kafka.cluster_id), newest(revisions), revisions)


def newest(revisions: Iterable[Finding]) -> dict[str, Finding]:
    best: dict[str, Finding] = {}
    for finding in revisions:
        if finding.id not in best or finding.revision >= best[finding.id].revision:
            best[finding.id] = finding
    return {name: finding for name, finding in best.items() if finding.status != "retracted"}


async def everything(hub: Hub, sources: list[Source], held: Held, ended: bool = False) -> list[Check]:
    """Every check of a hub whose workers have stopped. *ended*: its input has."""
    taken = Taken(sources, hub.past)
    checks = [facts_once(held.records, taken), facts_in_order(held.records, taken)]
    checks += [quarantine(held.records, taken), none("nothing came late", rows.all_of(held.records, [LATE]))]
    checks += findings(hub, held, taken, ended)
    changelogs = await seen.everything(hub.settings, await seen.changelogs(hub.settings))
    checks.append(stored.changelog_against_logs(changelogs, hub.settings.group, held.wards, held.house, taken))
    directories = [worker.directory for worker in hub.workers]
    checks.append(stored.rocksdb_against_changelogs(changelogs, hub.settings.group, directories))
    return checks + await rows.against_topics(hub.database, hub.settings.name, held.records)


# Facts


def facts_in(part: list[ConsumerRecord]) -> Iterator[tuple[tuple[str, int], tuple[int, int], bytes]]:
    """(source partition, offset and index, bytes) of each fact in a partition of a log, but those of the hub's own."""
    for record in part:
        fact = decode_house_log(record.value)
        if not isinstance(fact, Progress | RulesChanged | EpisodeTold):
            yield (fact.topic, fact.partition), (fact.offset, fact.index), record.value


def facts_once(records: Records, taken: Taken) -> Check:
    """Each fact once in each partition where it belongs."""
    expected: dict[tuple[Any, ...], bytes] = {}
    for log, parts in taken.logs().items():
        for part, facts in parts.items():
            expected |= {(*log, *part, *where(fact)): fact for fact in facts}
    found = [
        ((log, number, *part, *at), value)
        for log in (PATIENTS, HOUSE)
        for number, kept in records[log].items()
        for part, at, value in facts_in(kept)
    ]
    return same("facts: once where they belong", expected, found)


def where(fact: bytes) -> tuple[int, int]:
    told: Any = decode_log(fact)
    return told.offset, told.index


def facts_in_order(records: Records, taken: Taken) -> Check:
    """What one source partition told stands in each log partition in its order."""
    expected, found = taken.logs(), Check("facts: in their order")
    for log in (PATIENTS, HOUSE):
        for number, kept in records[log].items():
            told: defaultdict[tuple[str, int], list[bytes]] = defaultdict(list)
            for part, _, value in facts_in(kept):
                told[part].append(value)
            for part, facts in expected.get((log, number), {}).items():
                found.expected += 1
                found.found += 1
                if facts != told[part]:
                    found.different += 1
                    found.wrong(f"{log}-{number}: facts of {part[0]}-{part[1]}")
    return found


def quarantine(records: Records, taken: Taken) -> Check:
    """Exactly what is malformed, each once, with its bytes."""
    found = []
    for record in rows.all_of(records, [QUARANTINE]):
        told = orjson.loads(record.value)
        found.append(((told["topic"], told["partition"], told["offset"]), record.value))
    return same("quarantine: the malformed, once", taken.quarantined, found)


# Findings


def findings(hub: Hub, held: Held, taken: Taken, ended: bool) -> list[Check]:
    facts = [*thresholds_in(held.records[PATIENTS][0]), *taken.everything()]
    cluster = hub.kafka.cluster_id
    right = {name: told(one) for name, one in oracle(facts, held.marks, cluster).items()}
    right |= {name: told(one) for name, one in house_oracle(facts, held.house.mark, cluster).items()}
    parts = (held.house, *held.wards.values())
    again = {name: one for part in parts for name, one in part.findings.items() if one.status != "retracted"}
    checks = [
        once(held.revisions),
        growing(held.records),
        same("findings = oracle", right, ((name, told(one)) for name, one in held.findings.items()), lambda one: one),
        same("findings = the log read again", {name: replayed(one) for name, one in again.items()},
             ((name, replayed(one)) for name, one in held.findings.items()), lambda one: one),
    ]  # fmt: skip
    if ended:
        marks = dict.fromkeys(held.wards, taken.newest + AFTER_THE_END)
        checks.append(same("watermarks: the end of the input", marks, held.marks.items()))
    return checks


def once(revisions: list[Finding]) -> Check:
    times = Counter((finding.id, finding.revision) for finding in revisions)
    return same("findings: (id, revision) once", dict.fromkeys(times, 1), times.items())


def growing(records: Records) -> Check:
    """In the order of the partition each finding's revisions go 1, 2, 3, …"""
    check, last = Check("findings: revisions grow"), Counter[str]()
    for record in rows.all_of(records, DERIVED):
        finding = decode_finding(record.value)
        check.expected += 1
        check.found += 1
        if finding.revision != last[finding.id] + 1:
            check.different += 1
            check.wrong(f"{finding.id}: {finding.revision} after {last[finding.id]}")
        last[finding.id] = finding.revision
    return check


# The ground truth


def truth(expected: list[Json], findings: Iterable[Finding], statuses: bool = True) -> tuple[list[Check], dict[str, Any]]:
    """A check for each rule, and its precision and recall."""
    score = compare.compare(expected, [msgspec.to_builtins(one) for one in findings], statuses=statuses, most=10)
    checks = []
    for rule, tally in sorted(score.rules.items()):
        check = Check(f"ground truth: {rule}", tally.expected, tally.found)
        check.lost, check.extra = tally.expected - tally.right, tally.found - tally.right
        for words in score.differences:
            if words.startswith(rule) and not check.good:
                check.wrong(words)
        checks.append(check)
    return checks, score.summary()


def malformed(planted: int, held: Held) -> Check:
    return equal("quarantine: as many as were planted", planted, len(rows.all_of(held.records, [QUARANTINE])))
