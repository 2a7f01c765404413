"""What flows all the time: connection reports, some vital signs, and the platform's echoes of alarms. No rule reads the last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubapp.facts import SECOND
from hubapp.sim.beds import Bed
from hubapp.sim.courses import DAY, Process, span

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

ECHOES = (
    "DEVICE_ALERT_CREATED_EVENT", "DEVICE_ALERT_UPDATED_EVENT", "MULTIPLE_DEVICE_ALERTS_UPDATED", "OBSERVATION_CREATED_EVENT",
    "MULTIPLE_OBSERVATIONS_UPDATED", "ALERT_ACTIVATED_EVENT", "ALERT_DEACTIVATED_EVENT",
)  # fmt: skip


def reporting(ward: Ward, bed: Bed) -> Process:
    """Every two seconds while the monitor is in reach, with a patient or without."""
    every = round(ward.plan.report_seconds * SECOND)
    if not every:
        return
    yield span(ward.random, 8, 8 + ward.plan.report_seconds)
    while True:
        if bed.connected:
            ward.gateway.report(bed.stamp(1, 40), bed.serial)
        yield every


def measuring(ward: Ward, bed: Bed) -> Process:
    every = round(ward.plan.vital_seconds * SECOND)
    if not every:
        return
    yield span(ward.random, 15, 15 + ward.plan.vital_seconds)
    while True:
        if bed.connected and bed.patient is not None:
            code, serial = next(iter(bed.sensors.items()), (None, None))
            if code and serial:
                samples = [ward.random.choice((72.0, "72", None))]
                ward.gateway.metrics(bed.stamp(1, 40), bed.patient, serial, "147844", code, samples)
        yield every


def echoing(ward: Ward, bed: Bed) -> Process:
    """As many as the share of alarms that is to be echoed, at any time: what they say is known already."""
    if not ward.plan.echoes:
        return
    mean = DAY / (ward.plan.alarms_per_bed_day * ward.plan.echoes)
    while True:
        yield max(SECOND, round(ward.random.expovariate(1 / mean)))
        if bed.patient is None:
            continue
        event_type = ward.random.choice(ECHOES)
        state = (
            {}
            if event_type.startswith("MULTIPLE")
            else {"code": "258050", "active": True, "patient_primary_identifier": bed.patient}
        )
        ward.platform.echo(ward.soon(), event_type, bed.device(), **state)
