"""What the SDC gateway writes, and the emulator in its place: the same events in other forms of time, null and key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

import orjson

from hubapp.facts import Micros
from hubapp.sim.conditions import CONDITIONS, MONITOR
from hubapp.sim.forms import MILLI, microseconds, milliseconds, shortened, uuid_text
from hubapp.sim.wires import Wire

Send = Callable[[Micros, Wire], None]
Json = dict[str, Any]
AUDIO = {"on": (True, False), "paused": (True, True), "off": (False, False)}


def spoken(event_type: str) -> str:
    return event_type.replace("_", " ").capitalize()


class Gateway:
    """Every method writes one record, sent at the instant that is its first argument."""

    def __init__(self, send: Send, random: Random, emulator: bool) -> None:
        self.send, self.random, self.emulator = send, random, emulator

    # Forms

    def told(self, instant: Micros) -> str:
        """A time in a payload."""
        if not self.emulator:
            return milliseconds(instant)
        form = self.random.choice((microseconds, shortened, milliseconds))
        return form(instant) + self.random.choice(("Z", ""))

    def stamp(self, instant: Micros) -> Any:
        """The envelope's `timestamp`."""
        if not self.emulator:
            return milliseconds(instant)
        number = instant / MILLI
        return self.random.choice((number, int(number), str(int(number))))

    def number(self, value: float | None) -> Any:
        """45.0, 45 or "45"."""
        if value is None or not self.emulator or value != int(value):
            return value
        return self.random.choice((value, int(value), str(int(value))))

    def object(self, **fields: Any) -> Json:
        """A null field is omitted by the gateway and written by the emulator."""
        return fields if self.emulator else {name: value for name, value in fields.items() if value is not None}

    def write(self, sent: Micros, topic: str, key: str, event_type: str, payload: Json, **headers: str) -> None:
        value = {
            "message_id": uuid_text(self.random),
            "event_name": spoken(event_type),
            "event_type": event_type,
            "timestamp": self.stamp(sent),
            "payload": payload,
        }
        self.send(sent, Wire(topic, key, {"event_type": event_type, **headers}, orjson.dumps(value)))

    # Parts

    def range(self, code: str | None, lower: float | None, upper: float | None, enabled: bool = True) -> Json:
        return self.object(
            code=code, upper_limit=self.number(upper), lower_limit=self.number(lower), alert_condition_enabled=enabled
        )

    def alert(
        self,
        patient: str,
        device: str,
        device_code: str,
        condition: str,
        audible: bool,
        at: Micros,
        state: str,
        priority: str,
        limits: Any,
    ) -> Json:
        """An alert's payload. state: active, latched, ended; limits: (lower, upper) or None."""
        known = CONDITIONS[condition]
        return self.object(
            patient_primary_identifier=patient,
            patient_id=patient,
            active=state != "ended",
            latching=state == "latched",
            code=known.audible if audible else known.visible,
            device_code=device_code,
            priority=priority,
            determination_time=self.told(at),
            device_primary_identifier=device,
            vital_range=self.range(known.code, *limits) if limits else None,
        )

    def patient(self, patient: str | None, alerts: Iterable[Json]) -> Json | None:
        """Names stand on the wire and are never read."""
        if patient is None:
            return None
        return self.object(
            primary_identifier=patient, given_name=f"GIVEN-{patient}", family_name=f"FAMILY-{patient}", alerts=list(alerts)
        )

    # Events

    def update(self, sent: Micros, monitor: str, alert: Json, technical: bool) -> None:
        patient = alert["patient_primary_identifier"]
        if not technical:
            self.write(sent, "alerts", patient, "NEW_ALERT_OBSERVATION", alert)
            return
        key = patient if self.emulator else monitor
        self.write(sent, "events-sdc", key, "NEW_ALERT_OBSERVATION", alert, patient_primary_identifier=patient)

    def discovered(
        self,
        sent: Micros,
        monitor: str,
        sensors: dict[str, str],
        audio: str,
        technical: list[Json],
        patient: str | None,
        alerts: list[Json],
    ) -> None:
        """A monitor's discovery; sensors: device code -> serial."""
        enabled, paused = AUDIO[audio]
        device = self.object(
            primary_identifier=monitor,
            name=f"Monitor {monitor}",
            gateway_id=None,
            device_code=MONITOR,
            connected_sensors=[
                {"primary_identifier": serial, "name": code, "device_code": code} for code, serial in sensors.items()
            ],
            alerts=technical,
            config={"audio_enabled": enabled, "audio_pause_enabled": paused},
        )
        payload = self.object(device=device, patient=self.patient(patient, alerts), initial_metric_values=[])
        self.write(sent, "events-sdc", monitor, "DEVICE_DISCOVERED", payload)

    def sensor_discovered(self, sent: Micros, monitor: str, serial: str, code: str, patient: str | None) -> None:
        device = self.object(
            primary_identifier=serial,
            name=code,
            gateway_id=monitor,
            device_code=code,
            alerts=[],
            config={"audio_enabled": True, "audio_pause_enabled": True},
        )
        payload = self.object(device=device, patient=self.patient(patient, []), initial_metric_values=[])
        self.write(sent, "events-sdc", serial if self.emulator else monitor, "DEVICE_DISCOVERED", payload)

    def session_started(self, sent: Micros, monitor: str, patient: str, alerts: list[Json]) -> None:
        payload = {"patient_monitor_identifier": monitor, "patient": self.patient(patient, alerts)}
        self.write(sent, "events-sdc", monitor, "PATIENT_SESSION_STARTED", payload)

    def session_closed(self, sent: Micros, monitor: str, patient: str | None) -> None:
        payload = self.object(device_primary_identifier=monitor, patient_primary_identifier=patient)
        key = patient if self.emulator and patient else monitor
        self.write(sent, "events-sdc", key, "PATIENT_SESSION_CLOSED_EVENT", payload)

    def rejected(self, sent: Micros, monitor: str, patient: str) -> None:
        payload = {"device_primary_identifier": monitor, "patient_primary_identifier": patient}
        self.write(sent, "events-sdc", monitor, "PATIENT_ADMISSION_REJECTED", payload)

    def removed(self, sent: Micros, monitor: str, serial: str, code: str, patient: str | None) -> None:
        """The moment of removal is the moment of sending: the monitor has nothing earlier to tell."""
        at = self.told(sent) if self.emulator else str(sent // MILLI)
        payload = self.object(
            device_primary_identifier=serial, patient_primary_identifier=patient, determination_time=at, device_type=code
        )
        self.write(sent, "events-sdc", serial if self.emulator else monitor, "SENSOR_REMOVED_EVENT", payload)

    def configured(self, sent: Micros, monitor: str, audio: str) -> None:
        enabled, paused = AUDIO[audio]
        payload = {"device_primary_identifier": monitor, "audio_enabled": enabled, "audio_pause_enabled": paused}
        self.write(sent, "events-sdc", monitor, "PM_CONFIGURATION_UPDATED", payload)

    def ranges(self, sent: Micros, monitor: str, key: str, ranges: list[Json]) -> None:
        """key: the monitor's serial at a discovery, the patient's identifier after it."""
        self.write(sent, "events-sdc", key, "DEVICE_NEW_VITALS_RANGES", {"primary_identifier": monitor, "ranges": ranges})

    def report(self, sent: Micros, monitor: str, connected: bool = True) -> None:
        payload = {"device_primary_identifier": monitor, "connection_status": connected}
        self.write(sent, "sdc-realtime-state", monitor, "PM_CONNECTION_STATUS_REPORT", payload)

    def disconnected(self, sent: Micros, monitor: str, patient: str | None) -> None:
        """The one gateway event without an envelope."""
        value = self.object(
            event_type="DISCONNECT", id=uuid_text(self.random), timestamp=self.stamp(sent), pm_id=monitor, patient_id=patient
        )
        self.send(sent, Wire("sdc-realtime-state", monitor, {"event_type": "DISCONNECT"}, orjson.dumps(value)))

    def metrics(self, sent: Micros, patient: str, serial: str, code: str, device_code: str, samples: list[Any]) -> None:
        payload = {
            "patient_primary_identifier": patient,
            "samples": samples,
            "determination_time": self.told(sent),
            "code": code,
            "device_code": device_code,
            "device_primary_identifier": serial,
        }
        self.write(sent, "vitals", patient, "NEW_METRICS", payload, code=code, device_primary_identifier=serial)
