"""What a batch of the log changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from hubapp.facts import AnyFact, fold
from hubapp.findings import Finding
from hubapp.rules.episode import Held
from hubapp.rules.told import EpisodeTold
from hubapp.ward.index import Key
from hubapp.ward.telling import HeldFact


@dataclass
class Outcome:
    """What a batch of the log changed: findings to tell, facts that came too late, keys whose state is to be written.

    told: what the house must hear of the episodes.
    """

    findings: list[Finding] = field(default_factory=list)
    late: list[AnyFact] = field(default_factory=list)
    held: dict[str, bytes | None] = field(default_factory=dict)
    alarms: set[Key] = field(default_factory=set)
    monitors: set[str] = field(default_factory=set)
    settled: bool = False
    progressed: bool = False
    told: list[EpisodeTold] = field(default_factory=list)

    def let_go(self, held: Iterable[Held | HeldFact]) -> None:
        """What is held no more; what the same batch brought need not be written at all."""
        for one in held:
            key = held_key(one.fact)
            if self.held.pop(key, None) is None:
                self.held[key] = None


def held_key(fact: AnyFact) -> str:
    return f"{fact.topic}/{fact.partition}/{fact.offset}/{fact.index}"


def concerns(fact: AnyFact) -> str:
    """What a fact is about, to choose the one partition that speaks of it."""
    named = (getattr(fact, name, None) for name in ("patient", "monitor", "serial", "device_id", "account_id", "account_name"))
    return fold(next((str(value) for value in named if value), fact.topic))
