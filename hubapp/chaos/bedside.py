"""One patient at one monitor, written record by record in real time, beside the simulated ward."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hubapp.chaos.load import Load
from hubapp.facts import Micros
from hubapp.sim.authentication import Account, Newer
from hubapp.sim.gateway import Gateway
from hubapp.sim.platform import Platform
from hubapp.sim.wires import Wire

MONITOR, SENSOR, PATIENT, CHEST = "PM-BEDSIDE", "PM-BEDSIDE-S1", "BEDSIDE", "ANNE Chest"
NURSE = Account("00000000-0000-4000-8000-0000000000aa", "nurse.bedside", ("nurse",))
DEVICE = {"id": "00000000-0000-4000-8000-0000000000bb", "primary_identifier": MONITOR, "location_id": None}
REPORT_SECONDS = 2.0


def now() -> Micros:
    """Whole milliseconds, as the gateway writes them."""
    return int(time.time() * 1000) * 1000


@dataclass
class Bedside:
    """ahead: by how many seconds the clock of its writer is wrong."""

    load: Load
    name: str = ""
    ahead: float = 0.0
    onset: Micros = 0
    _written: list[Wire] = field(default_factory=list)

    def __post_init__(self) -> None:
        random = Random(self.name)
        self.gateway = Gateway(self._write, random, False)
        self.platform, self.service = Platform(self._write, random), Newer(self._write, random)
        self.monitor, self.sensor, self.patient = MONITOR + self.name, SENSOR + self.name, PATIENT + self.name
        self.device = {**DEVICE, "id": DEVICE["id"], "primary_identifier": self.monitor}

    def _write(self, _sent: Micros, wire: Wire) -> None:
        self._written.append(wire)

    @property
    def now(self) -> Micros:
        return now() + int(self.ahead * 1_000_000)

    def say(self, partition: int | None = None) -> None:
        """Send what was written."""
        for wire in self._written:
            self.load.post(wire, partition)
        self._written.clear()

    def arrive(self) -> None:
        self.service.log_in(self.now, NURSE, None)
        self.platform.device(self.now, "DEVICE_CREATED_EVENT", "system", self.device)
        self.gateway.discovered(self.now, self.monitor, {CHEST: self.sensor}, "on", [], self.patient, [])
        self.say()

    def alert(self, state: str, at: Micros) -> Any:
        limits = (None, 120.0)
        return self.gateway.alert(self.patient, self.sensor, CHEST, "hr-high", False, at, state, "HI", limits)

    def alarm(self) -> None:
        """HI: evidence is wanted within 60 s."""
        self.onset = self.now
        self.gateway.update(self.onset, self.monitor, self.alert("active", self.onset), False)
        self.say()

    def end(self) -> None:
        at = self.now
        self.gateway.update(at, self.monitor, self.alert("ended", at), False)
        self.say()

    def command(self, partition: int | None = None) -> None:
        """What the nurse does about it."""
        self.platform.command(self.now, NURSE.name, self.device, "PauseAlarmAudio", True)
        self.say(partition)

    async def report(self) -> None:
        """Every two seconds, until the load is stopped: a monitor that says nothing more is silent."""
        while not self.load.stopped:
            self.gateway.report(self.now, self.monitor)
            self.say()
            await asyncio.sleep(REPORT_SECONDS)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        task = asyncio.create_task(self.report())
        try:
            yield
        finally:
            task.cancel()
