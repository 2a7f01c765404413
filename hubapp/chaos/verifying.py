"""The ground truth of simulated wards, held against what the hub finds: in one process, or through Kafka by a real worker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from hubapp.chaos import check, kills
from hubapp.chaos.expected import ReplayedHouse, ReplayedWard, Taken, addresses, house_oracle, oracle, told
from hubapp.chaos.load import Played, Source
from hubapp.chaos.orders import Orders
from hubapp.chaos.verdict import Outcome, none, same
from hubapp.engine.transaction import hashed
from hubapp.facts import SECOND, Micros, Progress, encode_fact
from hubapp.sim.ward import Plan
from hubapp.topics import HOUSE, LOG_PARTITIONS, PATIENTS, SOURCES
from hubapp.ward.watermark import AFTER_THE_END

# The time of the logs stands behind everything: no claim is capped by it.
FAR = 1 << 53
EVERY = 500
CLUSTER = "in-process"


async def through_kafka(orders: Orders, plan: Plan) -> Outcome:
    """One worker, the whole input at once."""
    outcome = Outcome(f"seed {plan.seed}", f"{plan.auth} service", orders.kafka)
    return await kills.concluding(orders, outcome, plan, 0.0, ("one",), kills.nothing)


def in_process(plan: Plan) -> Outcome:
    """The same without Kafka: intake, logs with progress, and the ward in batches."""
    began = time.monotonic()
    outcome, played = Outcome(f"seed {plan.seed}", f"{plan.auth} service", "none"), Played.of(plan)
    sources = list(placed(played, plan.seed))
    taken, mark = Taken(sources, past=True), played.newest + AFTER_THE_END
    wards = {n: ReplayedWard(n, log(n, taken, sources, mark), CLUSTER, cut=1009) for n in range(LOG_PARTITIONS)}
    house = ReplayedHouse(log_of_the_house(taken, wards, mark), CLUSTER, cut=1009)
    parts = (house, *wards.values())
    found = {i: one for part in parts for i, one in part.findings.items() if one.status != "retracted"}
    right = oracle(taken.everything(), dict.fromkeys(wards, mark), CLUSTER) | house_oracle(taken.everything(), mark, CLUSTER)
    outcome.checks = [
        same("findings = oracle", {i: told(one) for i, one in right.items()},
             ((i, told(one)) for i, one in found.items()), lambda one: one),
        none("nothing came late", [fact for ward in wards.values() for fact in ward.late]),
        same("quarantine: as many as were planted", {"malformed": played.malformed},
             [("malformed", len(taken.quarantined))]),
    ]  # fmt: skip
    judged, outcome.told["ground truth"] = check.truth(played.truth, found.values())
    outcome.checks += judged
    outcome.told |= {"records": len(sources), "findings": len(found)}
    outcome.seconds = time.monotonic() - began
    return outcome


def placed(played: Played, seed: int) -> Iterator[Source]:
    """Records where a producer would put them, in the order of their arrival; the Kafka timestamp is that arrival."""
    counts, ends, luck = {one.role: one.partitions for one in SOURCES}, Counter[tuple[str, int]](), Random(seed)
    for due, wire in played.wires:
        key = None if wire.key is None else wire.key.encode()
        count = counts[wire.topic]
        number = luck.randrange(count) if key is None else hashed(key) % count
        offset, ends[wire.topic, number] = ends[wire.topic, number], ends[wire.topic, number] + 1
        headers = tuple((name, value.encode()) for name, value in wire.headers.items())
        yield Source(wire.topic, number, offset, due // 1000, key, wire.value, headers)


def log(number: int, taken: Taken, sources: list[Source], mark: Micros) -> list[ConsumerRecord[Any, Any]]:
    """A partition of hub-patients as one worker would have written it: facts as they came, progress behind them."""
    arrived = {(one.topic, one.partition, one.offset): at for at, one in enumerate(sources)}
    mine = [fact for fact in taken.everything() if (PATIENTS, number) in addresses(fact)]
    mine.sort(key=lambda fact: arrived[fact.topic, fact.partition, fact.offset])
    values: list[bytes] = []
    for place, fact in enumerate(mine, 1):
        values.append(encode_fact(fact))
        if place % EVERY == 0:
            values.append(claimed(fact.timestamp - 10 * SECOND))
    values.append(claimed(mark))
    return [record(number, offset, value) for offset, value in enumerate(values)]


def log_of_the_house(taken: Taken, wards: dict[int, ReplayedWard], mark: Micros) -> list[ConsumerRecord[Any, Any]]:
    """The facts, and what each partition of patients told of its episodes."""
    values = [encode_fact(fact) for fact in taken.everything() if (HOUSE, 0) in addresses(fact)]
    values += [msgspec.json.encode(told) for ward in wards.values() for told in ward.told]
    return [record(0, offset, value) for offset, value in enumerate([*values, claimed(mark)])]


def claimed(until: Micros) -> bytes:
    return msgspec.json.encode(Progress(claims={"alerts": {"0": until}}, counts={"alerts": 1}))


def record(number: int, offset: int, value: bytes) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(PATIENTS, number, offset, FAR, 1, None, value, None, 0, len(value), ())
