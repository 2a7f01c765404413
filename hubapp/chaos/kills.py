"""SIGKILL, SIGTERM and SIGSTOP under load: two workers on an input of the past, and afterwards all that they hold compared.

R01  nothing happens             R03  SIGTERM, started again at once
R02  SIGKILL, started again      R04  one sleeps past its session, and wakes up
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hubapp.chaos import check, rows, seen
from hubapp.chaos.check import Held
from hubapp.chaos.hub import Hub, Worker, own, until
from hubapp.chaos.load import Load, Played, Source, loading
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Check, Outcome
from hubapp.sim.ward import Plan
from hubapp.topics import HOUSE, PATIENTS, READ

Hurt = Callable[[Hub, Outcome], Awaitable[None]]


async def nothing(hub: Hub, outcome: Outcome) -> None:
    """For runs that are not hurt."""


async def r01(orders: Orders) -> Outcome:
    """Nothing happens: the last record is answered within 5 s."""

    async def leave_alone(hub: Hub, outcome: Outcome) -> None:
        await asyncio.sleep(20)

    outcome = await under_load(orders, Outcome("R01", "no fault", orders.kafka), 20, leave_alone)
    late = outcome.told["answered_after"] > 5
    outcome.checks.append(Check("the last record: answered within 5 s", 1, 1, different=int(late)))
    return outcome


async def r02(orders: Orders) -> Outcome:
    """SIGKILL of one of two workers at a random moment, again and again, each started again at once."""
    luck = random.Random(orders.seed)
    shortest, longest = (3.0, 17.0) if orders.kills > 5 else (2.0, 5.0)
    gaps = [luck.uniform(shortest, longest) for _ in range(orders.kills)]

    async def kill(hub: Hub, outcome: Outcome) -> None:
        watches: dict[str, asyncio.Task[None]] = {}
        for number, gap in enumerate(gaps, 1):
            await asyncio.sleep(gap)
            victim = luck.choice(hub.workers)
            if victim.name in watches:
                watches[victim.name].cancel()
            victim.kill()
            victim.start()
            orders.tell(f"kill {number} of {len(gaps)}: {victim.name}")
            watches[victim.name] = asyncio.create_task(watch(victim, outcome))
        await asyncio.gather(*watches.values(), return_exceptions=True)

    return await under_load(orders, Outcome("R02", f"{orders.kills} x SIGKILL", orders.kafka), sum(gaps) + 8, kill)


async def watch(worker: Worker, outcome: Outcome) -> None:
    """How long until it is ready again."""
    began = time.monotonic()
    await until(f"{worker.name} is ready again", worker.is_ready, worker.hub, 90)
    outcome.told.setdefault("ready_again", []).append(round(time.monotonic() - began, 1))


async def r03(orders: Orders) -> Outcome:
    """SIGTERM under load, three times each: exit 0 within 10 s."""

    async def stop(hub: Hub, outcome: Outcome) -> None:
        ends = Check("SIGTERM: exit 0 within 10 s")
        for worker in hub.workers * 3:
            await asyncio.sleep(5)
            note_end(ends, outcome, *await worker.stop())
            orders.tell(f"SIGTERM of {worker.name}: {outcome.told['ends'][-1]}")
            worker.start()
            await until("the worker is ready again", worker.is_ready, hub, 60)
        outcome.checks.append(ends)

    return await under_load(orders, Outcome("R03", "6 x SIGTERM", orders.kafka), 90, stop)


def note_end(ends: Check, outcome: Outcome, status: int, seconds: float) -> None:
    outcome.told.setdefault("ends", []).append(f"exit {status} after {seconds:.1f} s")
    ends.expected += 1
    ends.found += 1
    if status or seconds > 10:
        ends.different += 1
        ends.wrong(outcome.told["ends"][-1])


async def r04(orders: Orders) -> Outcome:
    """One of two workers is frozen past its session while the other lives, and let go: it writes nothing more as who it was."""

    async def freeze(hub: Hub, outcome: Outcome) -> None:
        await asyncio.sleep(8)
        sleeper = hub.workers[0]
        sleeper.signal(signal.SIGSTOP)
        orders.tell(f"{sleeper.name} sleeps for {orders.frozen:.0f} s")
        await asyncio.sleep(orders.frozen)
        sleeper.signal(signal.SIGCONT)
        orders.tell(f"{sleeper.name} wakes up")
        await asyncio.sleep(12)
        await until("both are ready", lambda: all_ready(hub), hub, 90)

    title = f"SIGSTOP for {orders.frozen:.0f} s, then SIGCONT"
    return await under_load(orders, Outcome("R04", title, orders.kafka), orders.frozen + 30, freeze)


# The run around them


async def under_load(orders: Orders, outcome: Outcome, seconds: float, hurt: Hurt) -> Outcome:
    """Two workers, a ward played in *seconds*, *hurt* meanwhile."""
    return await concluding(orders, outcome, orders.plan(seconds), orders.speed, ("one", "two"), hurt)


async def concluding(orders: Orders, outcome: Outcome, plan: Plan, speed: float, workers: Sequence[str], hurt: Hurt) -> Outcome:
    """The ward of *plan* to *workers*, *hurt* meanwhile; then the end of the input, and every check."""
    began = time.monotonic()
    played = Played.of(plan)
    orders.tell(f"{len(played.wires)} records of {plan.beds} beds; starting Kafka {orders.kafka} and {len(workers)} workers")
    async with own(orders.kafka, past=True, database=orders.database, name=orders.name) as hub:
        for name in workers:
            hub.worker(name, *orders.planted)
        await until("the workers are ready", lambda: all_ready(hub), hub, 120)
        orders.tell("all are ready: the load begins")
        async with loading(hub.settings) as load:
            playing = asyncio.create_task(load.play(played.wires, speed))
            await hurt(hub, outcome)
            await playing
            await load.end_of_input()
        held = await concluded(hub, load, outcome, orders.tell)
        outcome.checks += await check.everything(hub, load.sent, held, ended=True)
        outcome.checks.append(check.malformed(played.malformed, held))
        judged, outcome.told["ground truth"] = check.truth(played.truth, held.findings.values())
        outcome.checks += judged
        outcome.told |= {"records": len(load.sent), "findings": len(held.findings), "revisions": len(held.revisions)}
        outcome.told["ended by themselves"] = {worker.name: worker.exits for worker in hub.workers if worker.exits}
    outcome.seconds = time.monotonic() - began
    return outcome


async def all_ready(hub: Hub) -> bool:
    return all([await worker.is_ready() for worker in hub.workers])


async def concluded(hub: Hub, load: Load, outcome: Outcome, tell: Callable[[str], None]) -> Held:
    """Wait until all is answered, concluded and stored, and stop the workers."""
    ended = time.monotonic()
    await until("every source is answered", lambda: all_answered(hub, load.sent), hub, 120)
    outcome.told["answered_after"] = round(time.monotonic() - ended, 1)
    async with seen.Following(hub.settings) as following:
        await until("the end of the input is concluded", following.concluded, hub, 120)
    tell("all is concluded: comparing")
    await until("all is stored", lambda: all_stored(hub), hub, 90)
    ends = Check("SIGTERM at the end: exit 0 within 10 s")
    for worker in hub.workers:
        note_end(ends, outcome, *await worker.stop())
    outcome.checks.append(ends)
    return await check.held_by(hub)


async def all_answered(hub: Hub, sources: list[Source]) -> bool:
    held = await seen.answered(hub.settings)
    last: dict[tuple[str, int], int] = {}
    for source in sources:
        last[source.topic, source.partition] = max(last.get((source.topic, source.partition), 0), source.offset)
    read = {topic.role for topic in READ}
    return bool(held) and all(held.get(part, 0) > offset for part, offset in last.items() if part[0] in read)


async def all_stored(hub: Hub) -> bool:
    """The archive has come to the last finding, and to a place in the logs behind the last fact."""
    next_ones = await rows.stored_up_to(hub.database, hub.settings.name)
    found: Any = await seen.everything(hub.settings, [*check.DERIVED])
    ends = {(topic, number): part[-1].offset for topic, parts in found.items() for number, part in parts.items() if part}
    logs = [(PATIENTS, number) for number in range(len(found[check.DERIVED[0]]))] + [(HOUSE, 0)]
    if not all(next_ones.get(place, 0) > offset for place, offset in ends.items()):
        return False
    behind = await seen.ends_of_facts(hub.settings, logs)
    return all(next_ones.get(place, 0) > offset for place, offset in behind.items())
