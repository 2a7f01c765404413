"""What a worker counts, for Prometheus. Labels name topics, partitions and lanes; never a patient, a device or an account."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from hubapp import tally
from hubapp.engine import Attempt

disable_created_metrics()  # type: ignore[no-untyped-call]  # It has no types.
REGISTRY = CollectorRegistry()


def counter(name: str, about: str, *labels: str) -> Counter:
    return Counter(f"hub_{name}", about, labels, registry=REGISTRY)


RECORDS = counter("records", "Records whose transaction is committed", "topic")
BATCHES = counter("batches", "Batches whose transaction is committed", "topic")
COMMITS = counter("commits", "Transactions committed")
ABORTS = counter("aborts", "Transactions aborted, and batches that their agent failed", "reason")
SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3)
OPEN = Histogram("hub_transaction_seconds", "How long transactions were open", registry=REGISTRY, buckets=SECONDS)

TALLIED: dict[tally.What, str] = {
    "facts": "Facts that source records gave",
    "ignored": "Records that say nothing that the hub needs",
    "repeats": "Records dropped because they repeat another",
    "unchanged": "Facts dropped because they say nothing new",
    "quarantined": "Malformed records sent to hub-quarantine",
    "findings": "Findings told, revisions included",
    "late": "Facts that came behind the watermark and the lateness",
}


@dataclass
class Commits:
    """When each lane committed, and whether it fails now: told of every transaction by the engine."""

    committed: dict[str, float] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)

    def observe(self, attempt: Attempt) -> None:
        if attempt.error is not None:
            self.failing[attempt.lane] = type(attempt.error).__name__
            ABORTS.labels(type(attempt.error).__name__).inc()
            return
        self.committed[attempt.lane] = time.monotonic()
        self.failing.pop(attempt.lane, None)
        COMMITS.inc()
        OPEN.observe(attempt.seconds)
        for topic, records in attempt.records.items():
            RECORDS.labels(topic).inc(records)
            BATCHES.labels(topic).inc()


Figure: TypeAlias = tuple[str, str, dict[str, str], float]
"""name, what it is, labels, value."""


class Looked(Collector):
    """Figures that are known already, asked for at each look."""

    def __init__(self, figures: Callable[[], Iterable[Figure]]) -> None:
        self._figures = figures

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from tallied()
        families: dict[str, GaugeMetricFamily] = {}
        for name, about, labels, value in self._figures():
            family = families.setdefault(name, GaugeMetricFamily(f"hub_{name}", about, labels=sorted(labels)))
            family.add_metric([labels[label] for label in sorted(labels)], value)
        yield from families.values()


def tallied() -> Iterator[Metric]:
    for what, about in TALLIED.items():
        family = CounterMetricFamily(f"hub_{what}", about, labels=["topic"])
        for (counted, topic), number in tally.counted.items():
            if counted == what:
                family.add_metric([topic], number)
        yield family


def page(figures: Callable[[], Iterable[Figure]]) -> bytes:
    """All of it in Prometheus' text format."""
    looked = Looked(figures)
    REGISTRY.register(looked)
    try:
        return generate_latest(REGISTRY)
    finally:
        REGISTRY.unregister(looked)
