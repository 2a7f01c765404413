"""All that a partition of hub-patients must remember. Written by agents.patients alone.

held      facts behind the horizon, by their coordinates     monitors   by folded serial
accounts  one row                                            places     one row
progress  one row: horizon, watermark, thresholds            episodes, attendance   by patient, device and condition
told      what other rules hear of episodes, by id           the other rules        by what each is about
"""

from __future__ import annotations

from faust.types import TableT

from hubapp.app import app
from hubapp.topics import PATIENT_RULES, PATIENTS
from tables.attendance import attendance
from tables.episodes import episodes

tables: dict[str, TableT] = {
    **{name: app.Table(name, writer=PATIENTS) for name in ("held", "monitors", "accounts", "places", "progress", "told")},
    "episodes": episodes,
    "attendance": attendance,
    **{rule: app.Table(rule, writer=PATIENTS) for rule in PATIENT_RULES if rule not in ("episodes", "attendance")},
}
