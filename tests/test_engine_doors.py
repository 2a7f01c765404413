"""All clients of the engine come by certificate or password, where the hospital's Kafka wants it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hubapp.local.certificates import Certificates, make
from hubapp.local.doors import LISTENERS, Doors
from hubapp.local.kafka import Cluster
from tests.engine_rig import Worker, create_topics, faults, load, no_worker_left, until
from tests.test_engine_exact import all_answered

pytestmark = pytest.mark.live


async def test_a_worker_counts_by_password_with_and_without_tls_and_by_certificate(scratch: Path) -> None:
    doors = Doors(make(scratch / "engine-certificates"), {"hub": "sesame"})
    cluster = Cluster(scratch / "engine-doors", doors=doors)
    cluster.start()
    workers = [
        Worker(scratch, "w1", f"{listener.lower().replace('_', '-')}-", "", hospital=hospital(listener, doors))
        for listener in LISTENERS
    ]
    try:
        with no_worker_left(*workers):
            for worker in workers:
                await create_topics(cluster.address, worker.prefix)
                worker.start()
            await load(cluster.address, [worker.prefix + name for worker in workers for name in ("source", "tallied")], 200)
            for worker in workers:
                await all_answered(cluster, worker.prefix, 200, worker)
                await until(lambda worker=worker: bool(worker.told().get("ready")), worker)  # type: ignore[misc]  # a default binds
                assert await worker.stop() == 0
                assert not await faults(cluster.address, worker.prefix, 200, worker)
    finally:
        cluster.kill()


def hospital(listener: str, doors: Doors) -> dict[str, object]:
    given: dict[str, object] = {"kafka": doors.address(listener), "kafka_security": listener}
    certificates: Certificates = doors.certificates
    if listener.endswith("SSL"):
        given["kafka_ca"] = str(certificates.authority)
    if listener == "SSL":
        given |= {"kafka_certificate": str(certificates.client), "kafka_key": str(certificates.client_key)}
    return given if listener == "SSL" else given | {"kafka_user": "hub", "kafka_password": "sesame"}
