"""What the embedded services do, told as rows."""

from __future__ import annotations

from typing import TypeAlias

from hubapp.local.postgres import VERSION
from hubapp.local.process import Process
from hubapp.local.services import kafka_of, postgres_of
from hubapp.settings import Settings

Row: TypeAlias = dict[str, str | int | None]


def standing(settings: Settings) -> list[Row]:
    """A row for each process that these settings need. state: up, down, starting, your own."""
    return _kafka(settings) + _postgres(settings)


def _kafka(settings: Settings) -> list[Row]:
    if settings.kafka is not None:
        return [_row("kafka", None, settings.kafka, None, False)]
    return [
        _row("kafka", broker.cluster.version, broker.address, broker.process, broker.is_up())
        for broker in kafka_of(settings).brokers
    ]


def _postgres(settings: Settings) -> list[Row]:
    if settings.database is not None:
        return [_row("postgresql", None, "HUB_DATABASE", None, False)]
    postgres = postgres_of(settings)
    return [_row("postgresql", VERSION, postgres.url, postgres.process, postgres.is_up())]


def _row(service: str, version: str | None, address: str, process: Process | None, is_up: bool) -> Row:
    pid = process.pid if process else None
    state = "your own" if process is None else "up" if is_up else "starting" if pid else "down"
    directory = str(process.directory) if process else None
    return {"service": service, "version": version, "address": address, "pid": pid, "state": state, "directory": directory}
