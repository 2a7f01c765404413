"""Patients come and go: admission, the monitor's patient session, release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hubapp.facts import SECOND
from hubapp.sim.beds import Bed
from hubapp.sim.courses import Process, span
from hubapp.sim.forms import MILLI, quick_patient, uuid_text
from hubapp.sim.losses import HOUR, discovered, taken_off
from hubapp.sim.releases import must_be_traced, released, session_over

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward


def staying(ward: Ward, bed: Bed) -> Process:
    """One bed's patients, one after the other. The bed's monitor is discovered first, without a patient."""
    random = ward.random
    yield span(random, 1, 5)
    discovered(ward, bed, None, [], bed.stamp())
    yield span(random, 3, 8)
    while True:
        admitted(ward, bed)
        session = bed.session
        until = ward.now + max(20 * 60 * SECOND, round(random.expovariate(1 / (ward.plan.stay_hours * HOUR))))
        while bed.session == session and ward.now < until:
            yield 20 * SECOND
        yield from in_reach(ward, bed, session)
        if bed.session == session:
            yield from leaving(ward, bed)
        yield 0 if bed.patient else span(random, 120, 1500)


def in_reach(ward: Ward, bed: Bed, session: int) -> Process:
    """Nobody is released from a monitor out of reach, nor just after its return: within 5 s its alarms would stay lost."""
    while bed.session == session and (not bed.connected or ward.now - bed.opened < 15 * SECOND):
        yield 5 * SECOND


def leaving(ward: Ward, bed: Bed) -> Process:
    way = ward.random.choices(("named", "sensor first", "unnamed", "next one"), (55, 15, 15, 15))[0]
    if way == "sensor first":
        codes = [
            code for code in bed.sensors if all(a.device != bed.sensors[code] or a.state == "active" for a in bed.open.values())
        ]
        for code in codes[:2]:
            taken_off(ward, bed, code)
        session = bed.session
        yield span(ward.random, 4, 45)
        yield from in_reach(ward, bed, session)
        if bed.session != session:
            return
    plain = way in ("unnamed", "next one") and not must_be_traced(bed) and bed.connected
    if plain and way == "next one":
        return
    released(ward, bed, traced=not plain)
    bed.sensors = dict(bed.all_sensors)


def admitted(ward: Ward, bed: Bed) -> None:
    """Where the one before is still there, the new session is all that tells of its end."""
    now = ward.soon()
    patient = next_patient(ward, bed)
    state = {"id": uuid_text(ward.random), "primary_identifier": patient}
    by = ward.staff.anybody(bed)
    ward.platform.patient(now, "PATIENT_CREATED_EVENT", by or "system", state)
    before = bed.patient
    if before is not None:
        session_over(ward, bed, sent := bed.stamp(), traced=False)
        bed.sensors = dict(bed.all_sensors)
    else:
        sent = bed.stamp(600, 900)
    bed.encounter = encounter(bed, state, now, uuid_text(ward.random))
    if by is not None and before is None and ward.random.random() < 0.6:
        ward.platform.encounter(now, "PLANNED", by, {**bed.encounter, "status": "planned"})
    bed.patient, bed.opened = patient, ward.now
    opened(ward, bed, patient, sent)
    ward.platform.encounter(sent + 20_000, "STARTED", "system", bed.encounter)


def opened(ward: Ward, bed: Bed, patient: str, sent: int) -> None:
    """The emulator sends no session start: there the monitor's discovery opens the session."""
    if ward.plan.writer == "emulator":
        ward.gateway.discovered(sent, bed.serial, bed.sensors, bed.audio, [], patient, [])
    else:
        ward.gateway.session_started(sent, bed.serial, patient, [])
    ward.gateway.ranges(bed.stamp(1, 20), bed.serial, patient, bed.ranges())
    if ward.random.random() < 0.1:
        ward.gateway.rejected(bed.stamp(200, 400), bed.serial, f"R-{patient}")


def next_patient(ward: Ward, bed: Bed) -> str:
    """A quick admission makes an identifier up."""
    ward.patients += 1
    if ward.random.random() < 0.15:
        return quick_patient(ward.now, bed.serial)
    return f"MRN{ward.plan.seed % 1000:03d}{ward.patients:06d}"


def encounter(bed: Bed, patient: dict[str, str], now: int, identifier: str) -> dict[str, object]:
    from hubapp.sim.forms import microseconds

    created = microseconds(now // MILLI * MILLI)
    return {
        "id": identifier,
        "status": "in-progress",
        "created_at": created,
        "start_time": created,
        "end_time": None,
        "device": bed.device(),
        "patient": patient,
    }
