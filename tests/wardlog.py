"""A log of hub-patients in memory: facts and progress in, the findings and the tables of a ward out."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hubapp.chronicle.rules import OF_PATIENTS
from hubapp.facts import SECOND, AnyFact, Micros, Progress, encode_fact
from hubapp.findings import Finding
from hubapp.ward import Outcome, Ward
from hubapp.ward.state import changes, restore

TABLES = ("progress", "monitors", "accounts", "places", "episodes", "attendance", "held", "told", *OF_PATIENTS)
SOURCE = "alerts"
NEVER: Micros = 1 << 61
encode = msgspec.json.encode


def progress(claim: Micros | None = None, ended: Micros | None = None, topic: str = SOURCE) -> Progress:
    """One source of one partition that claims, or has ended."""
    claims = {} if claim is None else {topic: {"0": claim}}
    return Progress(claims=claims, counts={topic: 1}, ended={} if ended is None else {topic: {"0": ended}})


class Log:
    """Feeds a ward, batch for batch, and keeps what it says and what stands in its tables."""

    def __init__(self) -> None:
        self.ward = self.fresh()
        self.tables: dict[str, dict[bytes, bytes]] = {name: {} for name in TABLES}
        self.told: list[Finding] = []
        self.late: list[AnyFact] = []

    def fresh(self) -> Ward:
        return Ward("test", lambda subject: True, {})

    def batch(self, records: Iterable[AnyFact | Progress]) -> Outcome:
        for record in records:
            self.ward.take(encode(record) if isinstance(record, Progress) else encode_fact(record), NEVER)
        outcome = self.ward.conclude()
        for table, key, value in changes(self.ward, outcome):
            if value is None:
                self.tables[table].pop(key, None)
            else:
                self.tables[table][key] = value
        self.told += [msgspec.structs.replace(finding) for finding in outcome.findings]
        self.late += outcome.late
        return outcome

    def take_over(self) -> None:
        """Another worker goes on from the tables."""
        self.ward = self.fresh()
        restore(self.ward, {name: list(rows.items()) for name, rows in self.tables.items()})

    def last(self) -> dict[str, Finding]:
        return {finding.id: finding for finding in self.told}

    def standing(self) -> dict[str, Finding]:
        """The last of each finding that is not retracted."""
        return {name: finding for name, finding in self.last().items() if finding.status != "retracted"}

    def size(self) -> int:
        return sum(len(key) + len(value) for rows in self.tables.values() for key, value in rows.items())


def content(finding: Finding) -> Finding:
    """All but the revision; final and amended are one."""
    status = "final" if finding.status == "amended" else finding.status
    return msgspec.structs.replace(finding, revision=0, status=status)


def contents(findings: Iterable[Finding]) -> dict[str, bytes]:
    return {finding.id: encode(content(finding), order="sorted") for finding in findings}


def steps(facts: Iterable[AnyFact], every: Micros = 10 * SECOND, bound: Micros = 0) -> list[AnyFact | Progress]:
    """*facts* with progress between them, as honest workers claim it: nothing before the claim comes behind it."""
    listed = list(facts)
    records: list[AnyFact | Progress] = []
    claimed: Micros | None = None
    for index, fact in enumerate(listed):
        records.append(fact)
        lowest = min((later.sent for later in listed[index + 1 :]), default=fact.sent)
        if claimed is None or lowest - bound - claimed >= every:
            claimed = lowest - bound
            records.append(progress(claimed))
    return records
