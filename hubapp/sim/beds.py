"""A bed with its monitor: what it knows, what it writes, and what became of each of its alarms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hubapp.facts import SECOND, Micros
from hubapp.sim.alarms import Act, Alarm, Loss, State
from hubapp.sim.conditions import CONDITIONS, MONITOR, SWITCHED, USUAL
from hubapp.sim.forms import MILLI, uuid_text

if TYPE_CHECKING:
    from hubapp.sim.ward import Ward

Json = dict[str, Any]
Pair = tuple[float | None, float | None]


class Bed:
    """number: from 0. sensors: device code -> serial, those that are attached. open: alarms whose signal stands, by their key."""

    def __init__(self, ward: Ward, number: int, unit: str) -> None:
        random = ward.random
        self.ward, self.random, self.unit = ward, random, unit
        self.id, self.name, self.serial = (
            uuid_text(random),
            f"Bed {number + 1}",
            f"PM{ward.plan.seed % 1000:03d}-{number + 1:04d}",
        )
        self.device_id, self.clock = uuid_text(random), random.randrange(-300, 300) * MILLI
        chest, finger = random.choice(("ANNE Chest", "ANNE Chest", "ADAM")), random.choice(("Nonin 3150", "ANNE Limb"))
        others = [code for code in ("Viatom BP monitor", "DMT Thermometer") if random.random() < 0.5]
        self.all_sensors = {code: f"{self.serial}-S{place}" for place, code in enumerate((chest, finger, *others), 1)}
        self.sensor_ids = {code: uuid_text(random) for code in self.all_sensors}
        self.sensors = dict(self.all_sensors)
        self.values: dict[str, float | None] = {name: USUAL.get(name) for name in (*USUAL, *SWITCHED)}
        self.enabled = dict.fromkeys(self.values, True)
        self.patient: str | None = None
        self.encounter: Json = {}
        self.opened: Micros = 0
        self.session = 0
        self.audio = "on"
        self.connected, self.long_away = True, False
        self.losses: list[Loss] = []
        self.open: dict[tuple[str, str], Alarm] = {}
        self.newest: dict[tuple[str, str], Alarm] = {}
        self.gone: list[Alarm] = []
        self.sent: Micros = 0

    # Time and place

    def stamp(self, least: int = 40, most: int = 400) -> Micros:
        """When the gateway sends what happens now: later than all that it sent of this monitor, whole milliseconds."""
        soon = (self.ward.now // MILLI + self.random.randrange(least, most)) * MILLI
        self.sent = max(soon, self.sent + MILLI)
        return self.sent

    def device(self, **changed: Any) -> Json:
        """The monitor as the platform knows it."""
        return {
            "id": self.device_id, "primary_identifier": self.serial, "model_number": MONITOR, "name": f"Monitor {self.serial}",
            "location_id": self.id, "gateway_id": None,
            "audio_pause_enabled": self.audio == "paused", "audio_enabled": self.audio != "off", **changed,
        }  # fmt: skip

    def sensor(self, code: str) -> Json:
        return {
            "id": self.sensor_ids[code], "primary_identifier": self.all_sensors[code], "model_number": code, "name": code,
            "location_id": None, "gateway_id": self.device_id, "audio_pause_enabled": False, "audio_enabled": False,
        }  # fmt: skip

    def limits(self, condition: str) -> Pair | None:
        value, side = self.values.get(condition), CONDITIONS[condition].side
        return None if value is None or side is None else (value, None) if side == "lower" else (None, value)

    def ranges(self) -> list[Json]:
        gateway = self.ward.gateway
        return [
            gateway.range(CONDITIONS[name].code, *(self.limits(name) or (None, None)), enabled=self.enabled[name])
            for name in self.values
        ]

    # Alarms

    def raised(self, device_code: str, condition: str, priority: str, patient: str) -> Alarm:
        known = CONDITIONS[condition]
        start = self.ward.now // MILLI * MILLI + self.clock
        alarm = Alarm(
            patient, self.serial, self.unit, self.serial if device_code == MONITOR else self.sensors[device_code], device_code,
            condition, known.kind, start, priority, self.limits(condition), at=start,
        )  # fmt: skip
        if self.connected:
            self.told_anew(alarm)
        self.open[alarm.key] = alarm
        return alarm

    def told_anew(self, alarm: Alarm) -> None:
        """The onset is written, and with it ends what was still open of the same condition."""
        sent = self.tell(alarm)
        before = self.open.get(alarm.key)
        if before is None or before is alarm:
            return
        if before.state != "latched":
            before.ended_by = "unseen"
        self.finish(before, sent)

    def payloads(self, alarm: Alarm) -> list[Json]:
        """Both signals; the audible one may have gone out by itself."""
        limits, silent = self.limits(alarm.condition), not alarm.both_latch and alarm.state != "active"
        audible: State = "ended" if silent else alarm.state
        states = [(False, alarm.state), (True, audible)] if CONDITIONS[alarm.condition].audible else [(False, alarm.state)]
        return [
            self.ward.gateway.alert(
                alarm.patient, alarm.device, alarm.device_code, alarm.condition, loud, alarm.at, state, alarm.priority, limits
            )
            for loud, state in states
        ]

    def tell(self, alarm: Alarm) -> Micros:
        """A plain update: a record for each signal."""
        first = self.stamp()
        visible, *audible = self.payloads(alarm)
        technical = alarm.kind == "technical"
        self.ward.gateway.update(first, self.serial, visible, technical)
        for payload in audible:
            self.ward.gateway.update(self.stamp(1, 30), self.serial, payload, technical)
        self.noted(alarm, first)
        return first

    def noted(self, alarm: Alarm, sent: Micros, listed: bool = False) -> None:
        """What the record at *sent* said of the alarm."""
        if alarm.told is None:
            alarm.told, alarm.told_late = sent, listed and sent - alarm.start > 60 * SECOND
            before = self.newest.get(alarm.key)
            if before is not None and before.patient == alarm.patient:
                alarm.previous_onset, before.next_onset = before.start, alarm.start
            self.newest[alarm.key] = alarm
        if alarm.state == "active" and all(priority != alarm.priority for _, priority in alarm.priorities):
            alarm.priorities.append((sent, alarm.priority))
        alarm.reports += 1
        alarm.told_last, alarm.told_state, alarm.told_limits = sent, (alarm.state, alarm.priority), self.limits(alarm.condition)
        if alarm.state != "active" and alarm.end_sent is None:
            alarm.end_sent, alarm.ended_by, alarm.latched = sent, "cleared", alarm.state == "latched"
        if alarm.state == "ended" and not alarm.over:
            self.finish(alarm, sent)

    def rose(self, alarm: Alarm, priority: str) -> None:
        """Another priority; its time is sometimes that of the onset, sometimes new."""
        alarm.priority = priority
        if self.random.random() < 0.5:
            alarm.at = self.ward.now // MILLI * MILLI + self.clock
        self.tell(alarm)

    def cleared(self, alarm: Alarm, latching: bool, at: Micros | None = None) -> None:
        """The condition is gone, told at once or by the list at the reconnect; of what nobody was told nothing stays."""
        if alarm.told is None:
            self.open.pop(alarm.key, None)
            alarm.signal_end = self.ward.now
            return
        alarm.at = alarm.end = at or self.ward.now // MILLI * MILLI + self.clock
        alarm.state = "latched" if latching else "ended"
        if self.connected:
            self.tell(alarm)

    def acknowledged(self, alarm: Alarm) -> None:
        """The latched signal goes out: somebody was there."""
        alarm.state = "ended"
        first = self.stamp()
        alarm.acts.append(Act(first, "bedside", "acknowledged"))
        alarm.acknowledged_at = first
        visible, *audible = self.payloads(alarm)
        self.ward.gateway.update(first, self.serial, visible, False)
        if alarm.both_latch:
            for payload in audible:
                self.ward.gateway.update(self.stamp(1, 30), self.serial, payload, False)
        self.noted(alarm, first)

    def finish(self, alarm: Alarm, sent: Micros) -> None:
        alarm.signal_end = sent
        if self.open.get(alarm.key) is alarm:
            del self.open[alarm.key]
        self.gone = [other for other in self.gone if (other.signal_end or 0) > self.ward.now - 90 * SECOND]
        self.gone.append(alarm)
        self.ward.conclude(self, alarm)

    # People

    def acted(self, act: Act) -> None:
        """For all whose signal stands, and for those that went out in the same moment: the truth looks at the instants."""
        for alarm in (*self.open.values(), *self.gone):
            if alarm.told is not None and (alarm.signal_end is None or alarm.signal_end >= act.sent):
                alarm.acts.append(act)

    def told_alarms(self) -> Iterable[Alarm]:
        return [alarm for alarm in self.open.values() if alarm.told is not None]
