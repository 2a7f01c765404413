"""Devices, encounters and patients: which serial an id has, where a monitor stands, for whom. Names have no field here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from hubapp.facts import DeviceChanged, EncounterChanged, MonitorPlaced, PatientChanged
from hubapp.wire.event import Event, Said
from hubapp.wire.fields import Text, needed, patient, reader, text
from hubapp.wire.record import Malformed

ASSIGNED, DELETED = "ASSIGN_DEVICE_LOCATION_EVENT", "DEVICE_DELETED_EVENT"


class Device(msgspec.Struct):
    id: Text = None
    primary_identifier: Text = None
    gateway_id: Text = None
    location_id: Text = None


class Patient(msgspec.Struct):
    primary_identifier: Text = None


class Encounter(msgspec.Struct):
    device: Device | None = None
    patient: Patient | None = None


read_device, read_encounter, read_patient = reader(Device), reader(Encounter), reader(Patient)


def device_changed(event: Event) -> Said:
    """A device's event; a monitor's, which has no gateway, also says where it stands."""
    told, stamp = read_device(event.state), event.stamp
    serial = needed(told.primary_identifier, "event_state.primary_identifier")
    device_id, gateway = text(told.id, "event_state.id"), text(told.gateway_id, "event_state.gateway_id")
    changed = stamp.fact(
        DeviceChanged,
        account=event.account,
        device_id=device_id,
        serial=serial,
        gateway_id=gateway,
        operation=event.kind,
        deleted=event.kind == DELETED,
    )
    if gateway is not None:
        return (changed,)
    where, bed = place(event.kind, told)
    return (changed, stamp.fact(MonitorPlaced, account=event.account, device_id=device_id, serial=serial, place=where, bed=bed))


def place(kind: str, told: Device) -> tuple[Literal["bed", "none", "unsure"], str | None]:
    """An assignment carries the bed that the monitor left, not the one where it is now."""
    if kind == ASSIGNED:
        return "unsure", None
    bed = None if kind == DELETED else text(told.location_id, "event_state.location_id")
    return ("none", None) if bed is None else ("bed", bed)


def encounter_changed(event: Event) -> Said:
    told = read_encounter(event.state)
    if told.patient is None:
        raise Malformed("event_state.patient: absent")
    device = told.device or Device()
    return (
        event.stamp.fact(
            EncounterChanged,
            account=event.account,
            patient=patient(told.patient.primary_identifier, "event_state.patient.primary_identifier"),
            serial=text(device.primary_identifier, "event_state.device.primary_identifier"),
            device_id=text(device.id, "event_state.device.id"),
            bed=text(device.location_id, "event_state.device.location_id"),
            operation=event.kind,
        ),
    )


def patient_changed(event: Event) -> Said:
    who = patient(read_patient(event.state).primary_identifier, "event_state.primary_identifier")
    return (event.stamp.fact(PatientChanged, account=event.account, patient=who, operation=event.kind),)


EVENTS: dict[str, Callable[[Event], Said]] = {
    "DEVICE_CREATED_EVENT": device_changed,
    "DEVICE_UPDATED_EVENT": device_changed,
    "DEVICE_CONFIG_UPDATED_EVENT": device_changed,
    "UNASSIGN_DEVICE_LOCATION_EVENT": device_changed,
    "ASSIGN_DEVICE_LOCATION_EVENT": device_changed,
    "DEVICE_DELETED_EVENT": device_changed,
    "PATIENT_ENCOUNTER_PLANNED": encounter_changed,
    "PATIENT_ENCOUNTER_STARTED": encounter_changed,
    "PATIENT_ENCOUNTER_CANCELLED": encounter_changed,
    "PATIENT_ENCOUNTER_COMPLETED": encounter_changed,
    "PATIENT_ADMISSION_DISMISSED": encounter_changed,
    "PATIENT_CREATED_EVENT": patient_changed,
    "UPDATE_PATIENT_INFO_EVENT": patient_changed,
    "PATIENT_DELETED_EVENT": patient_changed,
}
