"""device-commands-requests -> hub-patients, hub-house, hub-quarantine: commands to monitors."""

from __future__ import annotations

from collections.abc import AsyncIterator

from hubapp.app import app
from hubapp.engine import Batch
from hubapp.intake.agents import take_in
from hubapp.sources import name
from tables.sources import sources


@app.agent(name("device-commands-requests"), beats=True)
async def read_device_commands_requests(batches: AsyncIterator[Batch]) -> None:
    """device-commands-requests -> hub-patients, hub-house, hub-quarantine"""
    await take_in(app, "device-commands-requests", sources["device-commands-requests"], batches)
