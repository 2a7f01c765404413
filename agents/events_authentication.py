"""events-authentication -> hub-patients, hub-house, hub-quarantine: log-ins, log-outs and locks of the older service."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("events-authentication"), beats=True)
async def read_events_authentication(batches: AsyncIterator[Batch]) -> None:
    """events-authentication -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "events-authentication", sources["events-authentication"], batches)
