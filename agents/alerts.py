"""alerts -> hub-patients, hub-house, hub-quarantine: what monitors say of their alarms."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("alerts"), beats=True)
async def read_alerts(batches: AsyncIterator[Batch]) -> None:
    """alerts -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "alerts", sources["alerts"], batches)
