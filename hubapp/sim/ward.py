"""A simulated ward: a discrete-event simulation of beds, patients, monitors and people that writes real wire records.

The same plan gives the same bytes. No clock is read: the time is the plan's start and what the processes wait.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from hubapp.facts import SECOND, Micros
from hubapp.sim.alarms import Alarm
from hubapp.sim.authentication import Newer, Older, Service
from hubapp.sim.beds import Bed
from hubapp.sim.courses import Process, alarming
from hubapp.sim.gateway import Gateway
from hubapp.sim.losses import back, losing, taking_off
from hubapp.sim.platform import Platform
from hubapp.sim.presence import Presence
from hubapp.sim.staff import Staff
from hubapp.sim.stays import staying
from hubapp.sim.traffic import echoing, measuring, reporting
from hubapp.sim.truth import Scene, deadline, truths
from hubapp.sim.wires import Wire, Wires

Json = dict[str, Any]
SETTLED: Micros = 100 * SECOND
"""How long after an alarm its truth is known: another onset within a minute, a release within a minute of a removal."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A ward to be. lasts: microseconds, None: without end. report_seconds 0: no connection reports."""

    seed: int = 1
    beds: int = 20
    units: int = 2
    start: Micros = 1_791_795_600 * SECOND
    lasts: Micros | None = 3600 * SECOND
    auth: Literal["older", "newer"] = "newer"
    writer: Literal["gateway", "emulator"] = "gateway"
    disorder: float = 0.05
    repeats: float = 0.02
    malformed: float = 0.005
    alarms_per_bed_day: float = 700.0
    report_seconds: float = 2.0
    vital_seconds: float = 0.0
    echoes: float = 0.2
    places: bool = False
    shared_listed: bool = False
    boundaries: bool = False
    stay_hours: float = 8.0
    loss_hours: float = 3.0
    sensor_hours: float = 6.0


class Ward:
    def __init__(self, plan: Plan) -> None:
        self.plan, self.now, self.patients = plan, plan.start, 0
        self.random = Random(f"ward {plan.seed}")
        self.wires = Wires(plan.seed, plan.disorder, plan.repeats, plan.malformed)
        self.gateway = Gateway(self.wires.send, self.random, plan.writer == "emulator")
        self.platform = Platform(self.wires.send, self.random)
        service = Older if plan.auth == "older" else Newer
        self.service: Service = service(self.wires.send, self.random)
        self.presence = Presence()
        self.units = [f"UNIT-{number + 1}" for number in range(plan.units)]
        self.beds = [Bed(self, number, self.units[number * plan.units // plan.beds]) for number in range(plan.beds)]
        self.staff = Staff(self)
        self._queue: list[tuple[Micros, int, Process]] = []
        self._number = 0
        self._waiting: dict[Alarm, Bed] = {}
        self._truth: list[Json] = []
        self._stopped = False
        self.truths = 0

    # Time

    def soon(self) -> Micros:
        """When a platform service says what happens now."""
        return self.now + self.random.randrange(2_000, 20_000)

    def start(self, process: Process) -> None:
        """From the next event on."""
        self._number += 1
        heapq.heappush(self._queue, (self.now, self._number, process))

    @property
    def end(self) -> Micros | None:
        return None if self.plan.lasts is None else self.plan.start + self.plan.lasts

    def ends_before(self, instant: Micros) -> bool:
        return self.end is not None and self.end < instant

    def records(self) -> Iterator[tuple[Micros, Wire]]:
        """(when it arrives, record), in the order of arrival."""
        self.furnish()
        queue, end = self._queue, self.end
        while queue and not self._stopped and (end is None or queue[0][0] <= end):
            instant, number, process = heapq.heappop(queue)
            if instant > self.now:
                yield from self.wires.arrived(instant)
                self.now = instant
            wait = next(process, None)
            if wait is not None:
                heapq.heappush(queue, (instant + wait, number, process))
        self.reconnect()
        yield from self.wires.arrived(None)

    def stop(self) -> None:
        """Nothing more happens; what is under way still arrives."""
        self._stopped = True

    def reconnect(self) -> None:
        """At the end no monitor is out of reach: what became of its alarms would depend on what comes after."""
        for bed in self.beds:
            if not bed.connected:
                back(self, bed, bed.patient)

    # The beginning

    def furnish(self) -> None:
        """Beds, groups and devices are told first, then everything begins."""
        for unit in self.units:
            self.furnish_unit(unit, [bed for bed in self.beds if bed.unit == unit])
        self.staff.begin()
        for bed in self.beds:
            self.start(staying(self, bed))
            self.start(alarming(self, bed))
            self.start(losing(self, bed))
            self.start(taking_off(self, bed))
            self.start(self.staff.rounds(bed))
            self.start(reporting(self, bed))
            self.start(measuring(self, bed))
            self.start(echoing(self, bed))

    def furnish_unit(self, name: str, beds: list[Bed]) -> None:
        platform, unit = self.platform, f"{self.plan.seed % 10**8:08d}-0000-4000-8000-{self.units.index(name):012d}"
        by = self.service.user(self.staff.people[0].account)
        for bed in beds:
            platform.bed(self.now, by, bed.id, bed.name)
        platform.group(self.now + 100_000, by, unit, name)
        for place, bed in enumerate(beds, 1):
            platform.grouped(self.now + 100_000 + place * 5_000, by, unit, name, [one.id for one in beds[:place]], bed.name)
            platform.device(self.now + 700_000, "DEVICE_CREATED_EVENT", "system", bed.device())
            for code in bed.all_sensors:
                platform.device(self.now + 800_000, "DEVICE_CREATED_EVENT", "system", bed.sensor(code))

    # The truth

    def conclude(self, bed: Bed, alarm: Alarm) -> None:
        """The signal of *alarm* is over: soon its truth is known."""
        self._waiting[alarm] = bed
        self.start(self._concluding(bed, alarm))

    def _concluding(self, bed: Bed, alarm: Alarm) -> Process:
        last = max(alarm.signal_end or 0, deadline(alarm) if alarm.judged else 0)
        yield max(SETTLED, last + SETTLED - self.now)
        self._write(bed, alarm)

    def _write(self, bed: Bed, alarm: Alarm) -> None:
        self._waiting.pop(alarm, None)
        scene = Scene(
            bed.losses, self.presence, self.plan.units, not (self.plan.auth == "older" and self.plan.places), self.wires.newest
        )
        found = truths(alarm, scene)
        self.truths += len(found)
        self._truth += found

    def truth(self) -> list[Json]:
        """What has become certain since the last call."""
        found, self._truth = self._truth, []
        return found

    def rest_of_truth(self) -> list[Json]:
        """At the end: what is still open, or has just ended."""
        for alarm, bed in list(self._waiting.items()):
            self._write(bed, alarm)
        for bed in self.beds:
            for alarm in list(bed.open.values()):
                self._write(bed, alarm)
        return self.truth()

    def summary(self) -> dict[str, Any]:
        return {**self.wires.counts, "truths": self.truths, "seed": self.plan.seed, "newest": self.wires.newest}
