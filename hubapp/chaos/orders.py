"""How a run is to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hubapp.chaos.hub import KafkaVersion
from hubapp.facts import SECOND
from hubapp.sim.ward import Plan


@dataclass(frozen=True, slots=True)
class Orders:
    """speed: how much faster than it happened. database: one that is there already; name: the hub's own in it.

    planted: a defect of the workers.
    """

    seed: int = 1
    kafka: KafkaVersion = "4.1.1"
    kills: int = 15
    beds: int = 12
    speed: float = 30.0
    frozen: float = 70.0
    database: str | None = None
    name: str = "hub"
    planted: tuple[str, ...] = ()
    tell: Callable[[str], None] = lambda line: None

    def plan(self, seconds: float) -> Plan:
        """A ward that is played in so many *seconds*."""
        lasts = int(seconds * self.speed * SECOND)
        return Plan(seed=self.seed, beds=self.beds, lasts=lasts, alarms_per_bed_day=4000, report_seconds=4, vital_seconds=60)
