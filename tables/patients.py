"""All that a partition of hub-patients must remember. Written by agents.patients alone.

held      facts behind the horizon, by their coordinates     monitors   by folded serial
accounts  one row                                            places     one row
progress  one row: horizon, watermark, thresholds            episodes, attendance   by patient, device and condition
"""

from __future__ import annotations

from faust.types import TableT

from hubapp.app import app
from hubapp.topics import PATIENTS
from tables.attendance import attendance
from tables.episodes import episodes

tables: dict[str, TableT] = {
    **{name: app.Table(name, writer=PATIENTS) for name in ("held", "monitors", "accounts", "places", "progress")},
    "episodes": episodes,
    "attendance": attendance,
}
