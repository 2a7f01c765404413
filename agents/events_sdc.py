"""events-sdc -> hub-patients, hub-house, hub-quarantine: technical alerts, discoveries, patient sessions, audio, limits."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("events-sdc"), beats=True)
async def read_events_sdc(batches: AsyncIterator[Batch]) -> None:
    """events-sdc -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "events-sdc", sources["events-sdc"], batches)
