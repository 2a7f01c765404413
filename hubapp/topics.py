"""Every topic that the hub reads or writes, in one place: name, partitions, retention, compaction, replication.

A source's name is a setting (HUB_TOPICS, a JSON object of role -> name); its role never changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic should be. retention in seconds (None: for ever). bound: how late a record of a source may be, in seconds."""

    role: str
    partitions: int
    retention: int | None
    whose: Literal["source", "ours"]
    read: bool = True
    compacted: bool = False
    append_time: bool = False
    bound: int = 10


SOURCES = (
    Topic("alerts", 12, 72 * HOUR, "source", bound=5),
    Topic("technical-alerts", 12, 72 * HOUR, "source", bound=5),
    Topic("events-sdc", 12, 7 * DAY, "source", bound=5),
    Topic("sdc-realtime-state", 12, MINUTE, "source", bound=5),
    Topic("events-authentication", 12, 7 * DAY, "source"),
    Topic("events-auth", 1, 7 * DAY, "source"),
    Topic("events-patient", 12, 7 * DAY, "source"),
    Topic("events-device", 12, 7 * DAY, "source"),
    Topic("device-commands-requests", 12, MINUTE, "source"),
    Topic("device-commands-responses", 12, MINUTE, "source"),
    Topic("vitals", 12, 48 * HOUR, "source", read=False),
    Topic("waveform", 12, 24 * HOUR, "source", read=False),
    Topic("healthcheck", 12, MINUTE, "source", read=False),
    Topic("events-config", 12, 7 * DAY, "source", read=False),
)
READ = tuple(topic for topic in SOURCES if topic.read)

LOG_PARTITIONS = 4
PATIENTS, HOUSE = "hub-patients", "hub-house"
QUARANTINE, LATE = "hub-quarantine", "hub-late"
# Key log_epoch: made with the hub logs; key thresholds: those in force.
META = "hub-meta"
# Rules by the log that they run in.
PATIENT_RULES: tuple[str, ...] = ("episodes", "attendance", "masking", "silenced", "nuisance", "monitored")
HOUSE_RULES: tuple[str, ...] = ("presence", "control", "barriers", "coverage", "floods", "gaps")
RULES = (*PATIENT_RULES, *HOUSE_RULES)

OURS = (
    Topic(PATIENTS, LOG_PARTITIONS, 7 * DAY, "ours", append_time=True),
    Topic(HOUSE, 1, 7 * DAY, "ours", append_time=True),
    Topic(QUARANTINE, 1, 28 * DAY, "ours"),
    Topic(LATE, 1, 28 * DAY, "ours"),
    Topic(META, 1, None, "ours", compacted=True),
    *(Topic(f"hub-{rule}", LOG_PARTITIONS, 28 * DAY, "ours") for rule in PATIENT_RULES),
    *(Topic(f"hub-{rule}", 1, 28 * DAY, "ours") for rule in HOUSE_RULES),
)
