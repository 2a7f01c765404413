"""What a worker costs with nothing to do, and with the 32 connection reports a second of a full hub."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any

import psutil

from hubapp.bench.path import Say, memory
from hubapp.chaos.hub import Hub, Worker, own, until
from hubapp.chaos.load import Load, loading
from hubapp.sim.wires import Wire

MONITORS, REPORT_SECONDS = 64, 2.0
SETTLING = 15.0


@dataclass(slots=True)
class Cost:
    """cpu: percent of a core, of the worker and of the broker; transactions: commits of the worker in a second."""

    state: str
    worker_cpu: float
    broker_cpu: float
    transactions: float
    mib: float
    connections: int


async def run(seconds: int, say: Say) -> dict[str, Any]:
    async with own(past=False, delivery_timeout=5.0) as hub:
        worker = hub.worker("bench")
        await until("the worker is ready", worker.is_ready, hub, 120)
        await asyncio.sleep(SETTLING)
        say("nothing to do")
        costs = [await cost("idle", hub, worker, seconds)]
        say(f"{MONITORS} monitors report")
        async with loading(hub.settings) as load:
            reporting = asyncio.create_task(report(load))
            await asyncio.sleep(SETTLING)
            costs.append(await cost(f"{MONITORS} monitors report", hub, worker, seconds))
            reporting.cancel()
    return {"idle": [asdict(one) for one in costs]}


async def cost(state: str, hub: Hub, worker: Worker, seconds: int) -> Cost:
    assert worker.process is not None
    processes = psutil.Process(worker.process.pid), psutil.Process(hub.kafka.brokers[0].process.pid)
    for process in processes:
        process.cpu_percent()
    before, began = await commits(worker), time.monotonic()
    await asyncio.sleep(seconds)
    used = [process.cpu_percent() for process in processes]
    each = (await commits(worker) - before) / (time.monotonic() - began)
    connections = len(processes[0].net_connections("tcp"))
    return Cost(state, round(used[0], 1), round(used[1], 1), round(each, 1), round(memory(worker)), connections)


async def commits(worker: Worker) -> float:
    """Of the worker's own metrics."""
    import aiohttp

    url = (worker.directory / "web").read_text().strip()
    async with aiohttp.ClientSession() as client, client.get(url + "/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("hub_commits_total"))


async def report(load: Load) -> None:
    """As gateways do: each monitor every two seconds, one after the other."""
    number = 0
    while True:
        monitor = f"PM-{number % MONITORS:03d}"
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{time.time_ns() // 1_000_000 % 1000:03d}"
        value = (
            f'{{"message_id":"r-{number}","event_name":"PM connection status report","event_type":"PM_CONNECTION_STATUS_REPORT",'
            f'"timestamp":"{now}","payload":{{"device_primary_identifier":"{monitor}","connection_status":true}}}}'
        )
        headers = {"event_type": "PM_CONNECTION_STATUS_REPORT"}
        await load.send(Wire("sdc-realtime-state", monitor, headers, value.encode()))
        number += 1
        await asyncio.sleep(REPORT_SECONDS / MONITORS)
