"""events-device -> hub-patients, hub-house, hub-quarantine: the same, by event type."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("events-device"), beats=True)
async def read_events_device(batches: AsyncIterator[Batch]) -> None:
    """events-device -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "events-device", sources["events-device"], batches)
