"""events-patient -> hub-patients, hub-house, hub-quarantine: devices, beds, groups, encounters, patients."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("events-patient"), beats=True)
async def read_events_patient(batches: AsyncIterator[Batch]) -> None:
    """events-patient -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "events-patient", sources["events-patient"], batches)
