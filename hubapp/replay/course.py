"""Facts in their total order through the wards and the house, as the workers take them, in one process. Pure.

What is concluded is let go, so a replay of a month needs no more memory than a worker.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from hubapp.chronicle.rules import OF_THE_HOUSE
from hubapp.engine.transaction import hashed
from hubapp.facts import AlarmFact, AnyFact, Micros, Progress, RulesChanged, encode_fact
from hubapp.findings import Finding
from hubapp.household.household import Household
from hubapp.thresholds import Thresholds
from hubapp.topics import LOG_PARTITIONS
from hubapp.ward.index import alarm_key
from hubapp.ward.ward import Ward

# So many facts, then what is due is concluded: many, as what is folded at once is told once.
STEP = 2_000
encode = msgspec.json.Encoder().encode


def partition_of(subject: str) -> int:
    """Where the workers write of *subject*: no join crosses a partition, neither does it here."""
    return hashed(subject.encode()) % LOG_PARTITIONS


def is_of(number: int, subject: str) -> bool:
    return partition_of(subject) == number


class InForce:
    """Which thresholds were in force for a fact.

    That is decided by the fact's place in the log behind the change. The store does not keep that place; it has the Kafka
    timestamps of the record and of the change.
    """

    def __init__(self, changes: Iterable[RulesChanged]) -> None:
        self._changes = sorted(changes, key=lambda change: change.timestamp)
        self._instants = [change.timestamp for change in self._changes]

    def at(self, timestamp: Micros) -> str | None:
        """As text; None: no change was before it, so the defaults."""
        index = bisect_right(self._instants, timestamp)
        return self._changes[index - 1].thresholds if index else None


class Always:
    """The same thresholds for every fact."""

    def __init__(self, thresholds: Thresholds) -> None:
        self._text = thresholds.text()

    def at(self, timestamp: Micros) -> str | None:
        return self._text


class Course:
    """Made, given all facts in their order, and ended."""

    def __init__(self, cluster: str, rules: InForce | Always) -> None:
        self.rules = rules
        self.wards = [Ward(cluster, partial(is_of, number), {}) for number in range(LOG_PARTITIONS)]
        self.house = Household(cluster, {}, OF_THE_HOUSE.values())
        self.taken = 0
        self._in_force: str | None = None

    def run(self, facts: Iterable[AnyFact], watermark: Micros) -> Iterator[Finding]:
        """All revisions of what is found of *facts*, as of *watermark* in the end."""
        for fact in facts:
            yield from self.take(fact)
        yield from self.pass_to(watermark)

    def take(self, fact: AnyFact) -> list[Finding]:
        """Take one fact. Returns what was concluded of those before it, now and then."""
        found = self.pass_to(fact.sent - 1) if self.taken and self.taken % STEP == 0 else []
        self.taken += 1
        self._put_in_force(fact.timestamp)
        value = encode_fact(fact)
        if isinstance(fact, AlarmFact):
            self.wards[partition_of(alarm_key(fact)[0])].take(value, 0)
        else:
            self._tell_all(value)
        return found

    def _put_in_force(self, timestamp: Micros) -> None:
        text = self.rules.at(timestamp)
        if text == self._in_force:
            return
        self._in_force = text
        change = RulesChanged(
            at=timestamp, sent=timestamp, topic="hub.toml", partition=0, offset=timestamp, timestamp=timestamp,
            thresholds=text or Thresholds().text(),
        )  # fmt: skip
        self._tell_all(encode_fact(change))

    def _tell_all(self, value: bytes) -> None:
        for ward in self.wards:
            ward.take(value, 0)
        self.house.take(value, 0)

    def pass_to(self, until: Micros) -> list[Finding]:
        """Nothing sent up to *until* is still to come: what that says."""
        passed = encode(Progress(claims={"facts": {"0": until}}, counts={"facts": 1}))
        found: list[Finding] = []
        for ward in self.wards:
            ward.take(passed, 0)
            outcome = ward.conclude()
            found += outcome.findings
            for told in outcome.told:
                self.house.take(encode(told), 0)
        self.house.take(passed, 0)
        return found + self.house.hand_over().findings
