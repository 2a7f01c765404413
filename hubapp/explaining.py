"""A finding explained: the store is read, and Kafka asked for what it still has of the records."""

from __future__ import annotations

import asyncio
import io
import uuid
import zipfile
from typing import Any

from aiokafka.errors import KafkaError

from hubapp import records
from hubapp.explain.evidence import Kept, Place, place
from hubapp.explain.explanation import Stored, explanation
from hubapp.failure import Failure
from hubapp.grounds import grounds
from hubapp.settings import Settings

UNKNOWN = "there is no finding with that id in the store; ids stand in the findings: hub tail hub-attendance --from-beginning"

PATIENCE = 30.0
# A zip's first day: when it was packed is no part of it, so that the same explanation gives the same bytes.
FIRST_DAY = (1980, 1, 1, 0, 0, 0)


def identity(written: str) -> uuid.UUID | None:
    """The name of a finding; None where *written* cannot be one."""
    try:
        return uuid.UUID(written)
    except ValueError:
        return None


async def gathered(
    pool: Any, settings: Settings, name: str, *, ask_kafka: bool = True, patience: float = PATIENCE
) -> tuple[Stored, dict[Place, Kept]] | None:  # fmt: skip
    """What the store has of finding *name*, and Kafka of its records; None where there is no such finding."""
    known = identity(name)
    stored = await grounds(pool, known, settings.name) if known else None
    if stored is None:
        return None
    return stored, await kept(settings, stored, patience) if ask_kafka else {}


async def explained(
    pool: Any, settings: Settings, name: str, *, ask_kafka: bool = True, patience: float = PATIENCE
) -> dict[str, Any] | None:
    """Why finding *name* says what it says; None where there is no such finding."""
    found = await gathered(pool, settings, name, ask_kafka=ask_kafka, patience=patience)
    return None if found is None else explanation(*found)


async def kept(settings: Settings, stored: Stored, patience: float) -> dict[Place, Kept]:
    """What Kafka has; nothing where it does not answer in *patience* seconds: an explanation does not need it."""
    wanted = {place(copy): copy["sha256"] for copy in stored.finding["evidence"] if copy["sha256"]}
    try:
        async with asyncio.timeout(patience):
            return await records.kept(settings, wanted)
    except (Failure, KafkaError, OSError, TimeoutError):
        return {}


def packed(directory: str, files: dict[str, bytes]) -> bytes:
    """*files* as a zip."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(f"{directory}/{name}", FIRST_DAY)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, data)
    return written.getvalue()
