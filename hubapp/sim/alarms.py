"""What happened to one simulated alarm, kept by the bed for the truth. Instants are those that stand in the records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from hubapp.facts import Kind, Micros

State = Literal["active", "latched", "ended"]


class Act(NamedTuple):
    """Something that somebody did to a monitor or about its patient. user: as the record names them, None at a bedside."""

    sent: Micros
    evidence: Literal["bedside", "command", "change"]
    trace: str
    user: str | None = None


@dataclass(slots=True)
class Loss:
    """A monitor out of reach: from the first word of it to the first record after it."""

    sent: Micros
    back: Micros | None = None


@dataclass(slots=True, eq=False)
class Alarm:
    """start: the onset by the monitor's clock. told: when the first record of it was sent, None while nobody was told."""

    patient: str
    monitor: str
    unit: str
    device: str
    device_code: str
    condition: str
    kind: Kind
    start: Micros
    priority: str
    limits: tuple[float | None, float | None] | None
    at: Micros = 0
    state: State = "active"
    both_latch: bool = True
    told: Micros | None = None
    told_state: tuple[State, str] | None = None
    told_last: Micros = 0
    told_limits: tuple[float | None, float | None] | None = None
    told_late: bool = False
    priorities: list[tuple[Micros, str]] = field(default_factory=list)
    reports: int = 0
    end: Micros | None = None
    end_sent: Micros | None = None
    ended_by: Literal["cleared", "released", "removed", "lost", "unseen"] | None = None
    latched: bool = False
    acknowledged_at: Micros | None = None
    signal_end: Micros | None = None
    previous_onset: Micros | None = None
    next_onset: Micros | None = None
    acts: list[Act] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return self.signal_end is not None

    @property
    def key(self) -> tuple[str, str]:
        return (self.device, self.condition)

    @property
    def judged(self) -> bool:
        """Whether attendance is asked of it: physiological, at some time HI or ME."""
        return self.kind == "physiological" and any(priority in ("HI", "ME") for _, priority in self.priorities)
