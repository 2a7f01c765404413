"""technical-alerts -> hub-patients, hub-house, hub-quarantine: written by nobody today; read like alerts."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("technical-alerts"), beats=True)
async def read_technical_alerts(batches: AsyncIterator[Batch]) -> None:
    """technical-alerts -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "technical-alerts", sources["technical-alerts"], batches)
