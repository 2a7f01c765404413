"""What the platform services write: devices, beds, groups, encounters, commands, and the echoes of alarms."""

from __future__ import annotations

from random import Random
from typing import Any

import orjson

from hubapp.facts import Micros
from hubapp.sim.forms import microseconds, shortened, uuid_text
from hubapp.sim.gateway import Json, Send, spoken
from hubapp.sim.wires import Wire


class Platform:
    """Every method writes one record, performed at the instant that is its first argument. by: a user, or `system`."""

    def __init__(self, send: Send, random: Random) -> None:
        self.send, self.random = send, random

    def write(
        self, sent: Micros, event_type: str, by: str, state: Json, previous: Json | None = None, data: Json | None = None,
        topic: str = "events-patient", service: str = "patient", message: str | None = None, entity: str | None = None,
    ) -> str:  # fmt: skip
        """Returns the message's id."""
        message = message or uuid_text(self.random)
        form = microseconds if self.random.random() < 0.9 else shortened
        value = {
            "entity_id": entity or state.get("id") or uuid_text(self.random),
            "event_name": spoken(event_type),
            "event_type": event_type,
            "message_id": message,
            "performed_on": form(sent),
            "performed_by": by,
            "entity_name": service,
            "emitted_by": service,
            "event_state": state,
            "previous_state": previous if previous is not None else {},
            "event_data": data,
        }
        self.send(sent, Wire(topic, None, {"event_type": event_type}, orjson.dumps(value)))
        return message

    def bed(self, sent: Micros, by: str, bed: str, name: str) -> None:
        self.write(sent, "BED_CREATED_EVENT", by, {"id": bed, "name": name})

    def group(self, sent: Micros, by: str, unit: str, name: str) -> None:
        self.write(sent, "BED_GROUP_CREATED_EVENT", by, self.group_state(unit, name, []))

    def group_state(self, unit: str, name: str, beds: list[str]) -> Json:
        return {"id": unit, "name": name, "description": None, "beds": beds}

    def grouped(self, sent: Micros, by: str, unit: str, name: str, beds: list[str], bed_name: str) -> None:
        """The last of *beds* is the one that came in."""
        before, after = self.group_state(unit, name, beds[:-1]), self.group_state(unit, name, beds)
        self.write(sent, "BED_ASSIGNED_TO_GROUP_EVENT", by, after, before, {"bed": {"id": beds[-1], "name": bed_name}})

    def device(self, sent: Micros, event_type: str, by: str, device: Json, before: Json | None = None) -> None:
        self.write(sent, event_type, by, device, before if before is not None else device, {})

    def moved(self, sent: Micros, by: str, device: Json) -> None:
        """Unassigned, then assigned, milliseconds apart, though nothing changes; the assignment does not say where."""
        nowhere = {**device, "location_id": None}
        self.device(sent, "UNASSIGN_DEVICE_LOCATION_EVENT", by, nowhere, device)
        self.device(sent + self.random.randrange(3_000, 12_000), "ASSIGN_DEVICE_LOCATION_EVENT", by, nowhere, nowhere)

    def encounter(self, sent: Micros, what: str, by: str, encounter: Json) -> None:
        """`entity_id` is another entity's, as it often is."""
        event_type = "PATIENT_ADMISSION_DISMISSED" if what == "DISMISSED" else f"PATIENT_ENCOUNTER_{what}"
        self.write(sent, event_type, by, encounter, encounter, {}, entity=encounter["patient"]["id"])

    def patient(self, sent: Micros, event_type: str, by: str, patient: Json) -> None:
        names = {"given_name": f"GIVEN-{patient['primary_identifier']}", "family_name": f"FAMILY-{patient['primary_identifier']}"}
        self.write(sent, event_type, by, {**patient, **names, "birth_date": "1950-01-01"}, {}, {})

    def command(self, sent: Micros, by: str, device: Json, operation: str, by_serial: bool) -> str:
        """Returns the message's id. The monitor is named by its serial or by its id."""
        if by_serial:
            monitor: Json = {"pm_identifier": device["primary_identifier"]}
        else:
            monitor = {"id": device["id"], "pm_id": device["id"]}
        state = {**monitor, "command_name": operation, "params": {}}
        topic, event_type = "device-commands-requests", "COMMAND_EXECUTION_REQUEST"
        return self.write(sent, event_type, by, state, topic=topic, service="web", entity=device["id"])

    def answer(self, sent: Micros, device: Json, request: str, success: bool) -> None:
        state = {"success": success, "errors": None if success else ["the monitor refused"], "request_id": request}
        topic, event_type = "device-commands-responses", "COMMAND_EXECUTION_RESPONSE"
        self.write(sent, event_type, "system", state, topic=topic, service="sdc", message=request, entity=device["id"])

    def echo(self, sent: Micros, event_type: str, device: Json, **state: Any) -> None:
        """What the platform says of an alarm or of limits that the gateway has told already."""
        self.write(sent, event_type, "system", state, state, {}, entity=device["id"])
