"""A worker of the engine's tests: python -m tests.engine_worker, told by ENGINE_TEST (JSON) what to be.

count   PREFIXsource -> PREFIXcounts-out, and each tenth record to every partition of PREFIXlog; beats go there too
tally   PREFIXtallied -> PREFIXtallies-out each fiftieth record; all else is lazy. It counts in its memory
later   PREFIXlater -> PREFIXcounts-out, a topic that may not exist yet; what is gone of it, to PREFIXlog
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from hubapp.engine import Batch, Standing, Transaction, hub_app
from hubapp.engine.lane import Lane
from hubapp.engine.transaction import Transaction as Work
from hubapp.kafka import client_options
from hubapp.settings import Settings

GIVEN: dict[str, Any] = json.loads(os.environ["ENGINE_TEST"])
PREFIX, FAULT = GIVEN["prefix"], GIVEN.get("fault", "")


def connection() -> dict[str, Any]:
    """Plain, or by the hub's own settings of a hospital's Kafka."""
    return client_options(Settings(**GIVEN["hospital"])) if "hospital" in GIVEN else GIVEN["connection"]


app = hub_app(f"{PREFIX}group", datadir=GIVEN["datadir"], connection=connection, **GIVEN.get("settings", {}))
app.advertise(f"http://{GIVEN['name']}.test:8080")
counts = app.Table("counts", writer=f"{PREFIX}source")
tallies = app.Table("tallies", writer=f"{PREFIX}tallied")
encode, decode = msgspec.json.encode, msgspec.json.decode


@app.agent(f"{PREFIX}source", name="count", beats=True)
async def count(batches: AsyncIterator[Batch]) -> None:
    async for batch in batches:
        async with batch.transaction() as out:
            totals = out.view(counts)
            for record in batch:
                event = decode(record.value)
                total = int(totals.get(record.key, b"0") or b"0") + 1
                totals[record.key] = b"%d" % total
                out.send(f"{PREFIX}counts-out", record.key, encode({**event, "total": total}), [("n", b"1")])
                if event["id"] % 10 == 0:
                    fact = {**event, "partition": record.partition, "offset": record.offset}
                    out.broadcast(f"{PREFIX}log", record.key, encode(fact))
            out.claim(batch.records[-1].offset)


@app.agent(f"{PREFIX}tallied", name="tally")
async def tally(batches: AsyncIterator[Batch]) -> None:
    async for batch in batches:
        async with batch.transaction() as out:
            held, view = batch.memory, out.view(tallies)
            if "all" not in held:
                held["all"] = {key: int(value) for key, value in view.items()}
            urgent = [note(held["all"], view, out, record) for record in batch]
            if not any(urgent):
                out.lazy()


def note(held: dict[bytes, int], view: Any, out: Transaction, record: Any) -> bool:
    held[record.key] = held.get(record.key, 0) + 1
    view[record.key] = b"%d" % held[record.key]
    event = decode(record.value)
    urgent = event["id"] % 50 == 0
    if urgent:
        out.send(f"{PREFIX}tallies-out", record.key, encode({**event, "tally": held[record.key]}))
    return bool(urgent)


@app.agent(f"{PREFIX}later", name="later", beats=True)
async def later(batches: AsyncIterator[Batch]) -> None:
    async for batch in batches:
        async with batch.transaction() as out:
            if batch.gap:
                out.send_to(f"{PREFIX}log", 0, None, encode({"gap": batch.gap}))
            for record in batch:
                out.send_to(f"{PREFIX}counts-out", 0, record.key, record.value)


def beat(standings: Sequence[Standing]) -> Iterable[tuple[str, bytes]]:
    for standing in standings:
        said = {"beat": [*standing.tp], "claim": standing.claim, "quiet": standing.quiet_since}
        yield f"{PREFIX}log", encode(said)


app.beat = beat

# Faults: planted where the engine works, so that the check of the results is checked itself.
times = itertools.count(1)
send, deliver = Work.send, Lane._send


async def failing(lane: Lane, group: list[Work], beats: Any) -> Any:
    """Every fifth transaction is sent and then fails, as it would where the broker refuses it; not one that failed before."""
    if FAULT == "early":
        for view in (view for work in group for view in work._views.values()):
            view.write(0)
    if next(times) % 5 == 0 and not any(work.suspect for work in group):
        lane._producer.commit_transaction = refuse  # type: ignore[union-attr]  # connected
    return await deliver(lane, group, beats)


async def refuse() -> None:
    raise RuntimeError("planted")


def damaged(work: Work, topic: str, key: bytes | None, value: bytes | None, *headers: Any) -> None:
    unlucky = topic.endswith("counts-out") and value is not None and decode(value)["id"] == 777
    if unlucky and FAULT == "poison":
        raise RuntimeError("planted")
    for _ in range({"drop": 0, "twice": 2}.get(FAULT, 1) if unlucky else 1):
        send(work, topic, key, value, *headers)


if FAULT in ("abort", "early"):
    Lane._send = failing  # type: ignore[assignment, method-assign]  # the defect
if FAULT in ("drop", "twice", "poison"):
    Work.send = damaged  # type: ignore[assignment, method-assign]  # the defect


@app.task
async def tell() -> None:
    """What the app says of itself, for the test to read."""
    path, parts = Path(GIVEN["datadir"]) / "told.json", Path(GIVEN["datadir"]) / "told.part"
    while True:
        held = app.committed(counts, 0)
        said = {
            "pid": os.getpid(),
            "ready": app.ready,
            "counts": app.counts,
            "cluster": app.cluster_id,
            "owned": [[one.topic, one.partition, one.position, one.highwater, one.open] for one in app.owned()],
            "owner": app.owner_of(f"{PREFIX}source", 0),
            "held": None if held is None else {key.decode(): value.decode() for key, value in held.items()},
        }
        parts.write_text(json.dumps(said))
        parts.replace(path)
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    app.Worker(loglevel="INFO").execute_from_commandline()
