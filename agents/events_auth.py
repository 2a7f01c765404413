"""events-auth -> hub-patients, hub-house, hub-quarantine: log-ins, failures, log-outs and locks of the newer service."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("events-auth"), beats=True)
async def read_events_auth(batches: AsyncIterator[Batch]) -> None:
    """events-auth -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "events-auth", sources["events-auth"], batches)
