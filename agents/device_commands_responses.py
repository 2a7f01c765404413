"""device-commands-responses -> hub-patients, hub-house, hub-quarantine: their outcome."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("device-commands-responses"), beats=True)
async def read_device_commands_responses(batches: AsyncIterator[Batch]) -> None:
    """device-commands-responses -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "device-commands-responses", sources["device-commands-responses"], batches)
