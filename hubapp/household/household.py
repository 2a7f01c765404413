"""Takes the records of the log of the house in their order, and says what they change.

Findings are concluded at records of progress and nowhere else, so the same log gives the same findings however it is cut
into batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hubapp.chronicle.chronicle import Chronicle
from hubapp.facts import (
    SECOND,
    AnyFact,
    Micros,
    Progress,
    RulesChanged,
)
from hubapp.findings import Finding
from hubapp.rules.scene import Rule
from hubapp.rules.told import EpisodeTold, decode_house_log
from hubapp.thresholds import Thresholds, digest, parse
from hubapp.ward.outcome import held_key
from hubapp.ward.watermark import CLOSING, LATENESS, Watermark

STEP = 300 * SECOND


@dataclass
class HouseOutcome:
    """What a batch changed: findings to tell; held facts by their coordinates."""

    findings: list[Finding] = field(default_factory=list)
    held: dict[str, bytes | None] = field(default_factory=dict)
    settled: bool = False
    progressed: bool = False


class Household:
    """State of hub-house."""

    def __init__(self, cluster: str, bounds: Mapping[str, Micros], rules: Iterable[Callable[[], Rule]]) -> None:
        self.bounds, self.watermark = bounds, Watermark()
        self.known: dict[str, Thresholds] = {}
        self.in_force = self.learn(Thresholds())
        self.chronicle = Chronicle(rules, cluster, self.known, lambda subject: True)
        self.now: Micros | None = None
        self.outcome = HouseOutcome()

    def learn(self, thresholds: Thresholds) -> str:
        name = digest(thresholds)
        self.known[name] = thresholds
        return name

    def take(self, value: bytes, append_time: Micros) -> None:
        """Take one record of the log; progress concludes what was told before it, and what falls due."""
        record = decode_house_log(value)
        if isinstance(record, Progress):
            self.watermark.hear(record, {topic: append_time - bound for topic, bound in self.bounds.items()})
            self.outcome.progressed = True
            if self.watermark.at is not None and self.watermark.at != self.now:
                self._go_on(self.watermark.at)
        elif isinstance(record, RulesChanged):
            self.in_force = self.learn(parse(record.thresholds))
            self.outcome.progressed = True
        elif isinstance(record, EpisodeTold):
            self.chronicle.tell(record, self.in_force)
            self.chronicle.news.clear()  # Nobody hears of it from here.
        elif not self.watermark.leaves_behind(record.sent) or isinstance(record, CLOSING):
            self._hold(record, value)

    def _hold(self, fact: AnyFact, value: bytes) -> None:
        """What comes too late is told by the partition of the patients that it concerns."""
        self.chronicle.hold(fact, self.in_force)
        self.outcome.held[held_key(fact)] = self.in_force.encode() + b"\n" + value

    def _go_on(self, now: Micros) -> None:
        self.now = now
        self.outcome.findings += self.chronicle.conclude(now)
        if not self.watermark.over and now - LATENESS - self.chronicle.horizon >= STEP:
            passed = self.chronicle.settle(now - LATENESS)
            facts = [heard.event for heard in passed if not heard.is_word]
            self.outcome.held.update((held_key(fact), None) for fact in facts)  # type: ignore[arg-type]  # No words among them.
            self.outcome.settled = True

    def hand_over(self) -> HouseOutcome:
        """What was changed since the last call."""
        outcome, self.outcome = self.outcome, HouseOutcome()
        return outcome
