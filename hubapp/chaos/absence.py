"""Situations in which it must not be concluded that nobody came: live workers, in real time, evidence that is held up.

R07  the broker is away while a command waits in its producer
R14  clocks: a worker an hour ahead, a producer 50 minutes ahead
R21  somebody's transaction stays open on a source
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaProducer

from hubapp import kafka
from hubapp.chaos import check, kills, seen
from hubapp.chaos.bedside import Bedside, now
from hubapp.chaos.check import Held
from hubapp.chaos.expected import partition_of
from hubapp.chaos.hub import Hub, own, until
from hubapp.chaos.load import Load, Source, loading
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Check, Outcome, equal, none
from hubapp.facts import SECOND, MonitorLost, decode_log, fold
from hubapp.sim.ward import Plan
from hubapp.topics import PATIENTS

COMMANDS, REPORTS = "device-commands-requests", "sdc-realtime-state"
DEADLINE = 60 * SECOND
AWAY = 70.0
HOUR, FIFTY_MINUTES = 3600.0, 3000.0


async def r07(orders: Orders) -> Outcome:
    """The broker is away for 70 s while a producer holds the command that answers an alarm: never `no-evidence`."""
    return await broker_away(orders, Outcome("R07", f"broker away {AWAY:.0f} s", orders.kafka), restarted=False)


async def r07_restarted(orders: Orders) -> Outcome:
    """The same, and meanwhile both workers are killed and started: they too must wait for what was held back."""
    title = f"broker away {AWAY:.0f} s, workers started meanwhile"
    return await broker_away(orders, Outcome("R07R", title, orders.kafka), restarted=True)


async def broker_away(orders: Orders, outcome: Outcome, restarted: bool) -> Outcome:
    async with live(orders, outcome, delivery_timeout=AWAY + 30) as (hub, load):
        bedside = Bedside(load)
        bedside.arrive()
        with bedside.reporting():
            await asyncio.sleep(5)
            bedside.alarm()
            await asyncio.sleep(5)
            await asyncio.to_thread(hub.kafka.stop)
            orders.tell("the broker is away")
            await asyncio.sleep(10)
            bedside.command()
            if restarted:
                for worker in hub.workers:
                    worker.kill()  # Whoever tends them starts them again.
            await asyncio.sleep(AWAY - 10)
            await asyncio.to_thread(hub.kafka.start)
            orders.tell("the broker is back")
            await asyncio.sleep(20)
            bedside.end()
            outcome.checks.append(await answered(orders, hub, [load], bedside, outcome))
    return outcome


async def r14(orders: Orders) -> Outcome:
    """One worker's clock is an hour ahead, one gateway's 50 minutes: nothing is late, nobody's absence is concluded early."""
    outcome = Outcome("R14", "a worker an hour, a producer 50 min ahead", orders.kafka)
    ahead_of = replace(orders, planted=("clock", str(HOUR)))
    async with (
        live(ahead_of, outcome, delivery_timeout=15) as (hub, load),
        loading(hub.settings, ahead=FIFTY_MINUTES) as wrong,
    ):
        bedside, other = Bedside(load), Bedside(wrong, "-AHEAD", FIFTY_MINUTES)
        bedside.arrive()
        other.arrive()
        with bedside.reporting(), other.reporting():
            await asyncio.sleep(5)
            bedside.alarm()
            other.alarm()
            await asyncio.sleep(50)
            bedside.command()
            other.command()
            await asyncio.sleep(15)
            bedside.end()
            other.end()
            outcome.checks.append(await answered(orders, hub, [load, wrong], bedside, outcome))
    return outcome


async def r21(orders: Orders) -> Outcome:
    """Somebody's transaction stays open on a source for 80 s, before the command that answers an alarm: never `no-evidence`."""
    outcome = Outcome("R21", "a transaction left open on two sources", orders.kafka)
    async with live(orders, outcome, delivery_timeout=15) as (hub, load):
        bedside = Bedside(load)
        bedside.arrive()
        with bedside.reporting():
            await asyncio.sleep(5)
            bedside.alarm()
            async with left_open(hub, load, bedside) as partition:
                orders.tell("somebody's transaction is open")
                await asyncio.sleep(20)
                bedside.command(partition)
                await asyncio.sleep(60)
            orders.tell("it is aborted")
            bedside.end()
            outcome.checks.append(await answered(orders, hub, [load], bedside, outcome))
    return outcome


@asynccontextmanager
async def left_open(hub: Hub, load: Load, bedside: Bedside) -> AsyncIterator[int]:
    """Somebody else's records of a transaction, in the partitions in which the monitor reports and the command will come."""
    options: dict[str, Any] = {"transactional_id": "somebody", "transaction_timeout_ms": 300_000}
    reports = next(one.partition for one in reversed(load.sent) if one.topic == REPORTS and one.key == bedside.monitor.encode())
    async with AIOKafkaProducer(**options, **kafka.client_options(hub.settings)) as somebody:
        await somebody.begin_transaction()
        for topic, partition in ((COMMANDS, 0), (REPORTS, reports)):
            await somebody.send_and_wait(topic, b"{}", partition=partition)
        yield 0
        await somebody.abort_transaction()


# The run around them


@asynccontextmanager
async def live(orders: Orders, outcome: Outcome, delivery_timeout: float) -> AsyncIterator[tuple[Hub, Load]]:
    """Two live workers and a simulated ward in real time; what is wrong with the first of them is in the orders."""
    began = time.monotonic()
    async with own(
        orders.kafka, past=False, database=orders.database, name=orders.name, delivery_timeout=delivery_timeout
    ) as hub:
        hub.worker("one", *orders.planted)
        hub.worker("two")
        await until("both workers are ready", lambda: kills.all_ready(hub), hub, 120)
        orders.tell("both are ready")
        plan = Plan(
            seed=orders.seed,
            beds=4,
            start=now() + 5 * SECOND,
            lasts=None,
            alarms_per_bed_day=3000,
            loss_hours=1e6,
            malformed=0.01,
        )
        async with loading(hub.settings) as load:
            playing = asyncio.create_task(load.live(plan))
            try:
                yield hub, load
            finally:
                playing.cancel()
                with suppress(asyncio.CancelledError):
                    await playing
    outcome.seconds = time.monotonic() - began


async def answered(orders: Orders, hub: Hub, loads: list[Load], bedside: Bedside, outcome: Outcome) -> Check:
    """Wait until time has passed the deadline; stop; then every check, and what was said of the alarm by the bed."""
    after = max(bedside.onset + DEADLINE, now()) + 5 * SECOND
    async with seen.Following(hub.settings) as following:

        async def passed() -> bool:
            await following.look()
            return len(following.at) == len(following.partitions) and min(following.at.values()) > after

        await until("the deadline has passed for every partition", passed, hub, 240)
    orders.tell("the deadline has passed: comparing")
    sources = await stopped(loads)
    await until("every source is answered", lambda: kills.all_answered(hub, sources), hub, 60)
    await until("all is stored", lambda: kills.all_stored(hub), hub, 60)
    for worker in hub.workers:
        await worker.stop()
    held = await check.held_by(hub)
    outcome.checks += await check.everything(hub, sources, held)
    outcome.checks += [silent(held), marked(held)]
    outcome.told |= {"records": len(sources), "findings": len(held.findings)}
    outcome.told["ended by themselves"] = {worker.name: worker.exits for worker in hub.workers if worker.exits}
    return attended(held, bedside, outcome)


async def stopped(loads: list[Load]) -> list[Source]:
    """Everybody falls silent at once; all that was sent."""
    for load in loads:
        load.stopped = True
    await asyncio.sleep(2.5)
    for load in loads:
        await load.acknowledged()
    return [source for load in loads for source in load.sent]


def attended(held: Held, bedside: Bedside, outcome: Outcome) -> Check:
    """By the command, and no revision ever said `no-evidence`."""
    said = [
        one.body["result"]
        for one in held.revisions
        if one.rule == "attendance" and fold(one.patient or "") == fold(bedside.patient)
    ]
    outcome.told["results, revision by revision"] = said
    found = Check("the alarm by the bed: attended, never no-evidence", 1, 1 if said else 0)
    if not said or said[-1] != "attended" or "no-evidence" in said:
        found.different = 1
        found.wrong(f"partition {partition_of(fold(bedside.patient))}: {said}")
    return found


def silent(held: Held) -> Check:
    """No monitor was called silent: all of them reported all the time."""
    facts = [decode_log(record.value) for part in held.records[PATIENTS].values() for record in part]
    return none("no monitor called silent", [one for one in facts if isinstance(one, MonitorLost) and one.cause == "silent"])


def marked(held: Held) -> Check:
    """No finding was amended: nothing came behind the progress that closed its window."""
    return equal("no finding amended", 0, sum(one.status == "amended" for one in held.revisions))
