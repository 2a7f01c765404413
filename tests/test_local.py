"""The embedded Kafka and PostgreSQL: started once, found again after a crash of either side, stopped cleanly."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from hubapp.database import database_url
from hubapp.failure import Failure
from hubapp.kafka import bootstrap
from hubapp.local import diagnosis, jars, ports, services
from hubapp.local.kafka import Cluster
from hubapp.local.postgres import Postgres
from hubapp.settings import Settings

ROOT = Path(__file__).parent.parent


def hub(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = (
        {name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | {"HUB_HOME": str(home)} | more
    )
    return subprocess.run([sys.executable, "-m", "hubapp", *arguments], capture_output=True, text=True, env=environment, cwd=ROOT)


def standing(home: Path) -> dict[str, dict[str, object]]:
    return {row["service"]: row for row in json.loads(hub(home, "services", "status", "--json").stdout)}


async def written(address: str, topic: str, value: bytes, copies: int = 1) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, copies)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        await producer.send_and_wait(topic, value)


async def first(address: str, topic: str) -> bytes | None:
    async with AIOKafkaConsumer(topic, bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        return (await consumer.getone()).value


@pytest.fixture(scope="module")
def up(scratch: Path) -> Iterator[Path]:
    """A home whose services a command has started, and then two more at once."""
    home = scratch / "services"
    starting = [
        subprocess.Popen(
            [sys.executable, "-m", "hubapp", "services", "up", "--json"],
            stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"HUB_HOME": str(home)},
        )
        for _ in range(2)
    ]  # fmt: skip
    told = [command.communicate()[0] for command in starting]
    assert [command.returncode for command in starting] == [0, 0]
    assert told[0] == told[1]
    yield home
    services.down(Settings(home=home))


@pytest.mark.live
def test_two_commands_at_once_start_the_services_once_and_they_outlive_both(up: Path) -> None:
    rows = standing(up)
    assert {name: row["state"] for name, row in rows.items()} == {"kafka": "up", "postgresql": "up"}
    settings = Settings(home=up)
    assert bootstrap(settings) == rows["kafka"]["address"]
    assert database_url(settings) == rows["postgresql"]["address"]


@pytest.mark.live
async def test_both_are_found_again_with_their_data_after_a_kill(up: Path) -> None:
    settings = Settings(home=up)
    await written(bootstrap(settings), "kept", b"before")
    connection = await asyncpg.connect(database_url(settings))
    await connection.execute("CREATE TABLE kept AS SELECT 'before' AS what")
    await connection.close()
    before = standing(up)
    for service in services.found(up):
        service.kill()
    assert {row["state"] for row in standing(up).values()} == {"down"}

    done = hub(up, "services", "up")
    assert (done.returncode, done.stderr) == (0, "")
    after = standing(up)
    assert {name: row["address"] for name, row in after.items()} == {name: row["address"] for name, row in before.items()}
    assert await first(bootstrap(settings), "kept") == b"before"
    connection = await asyncpg.connect(database_url(settings))
    assert await connection.fetchval("SELECT what FROM kept") == "before"
    await connection.close()


@pytest.mark.live
def test_only_what_is_down_is_started_again(up: Path) -> None:
    before = standing(up)
    services.postgres_of(Settings(home=up)).kill()
    services.ensure_up(Settings(home=up))
    after = standing(up)
    assert after["kafka"]["pid"] == before["kafka"]["pid"]
    assert after["postgresql"]["state"] == "up" and after["postgresql"]["pid"] != before["postgresql"]["pid"]


@pytest.mark.live
def test_down_ends_every_process_and_leaves_the_data(up: Path) -> None:
    processes = [
        service.brokers[0].process if isinstance(service, Cluster) else service.process for service in services.found(up)
    ]
    assert None not in [process.pid for process in processes]
    assert hub(up, "services", "down").returncode == 0
    assert [process.pid for process in processes] == [None, None]
    status = hub(up, "services", "status")
    assert status.returncode == 1 and "down" in status.stdout
    assert (up / "kafka" / "node-1" / "data").exists() and (up / "postgres" / "data").exists()


@pytest.mark.live
def test_a_pid_that_is_somebody_elses_now_is_not_the_broker(up: Path) -> None:
    """Runs after `down`: the pid file of a killed broker stays, and its pid may be given out anew."""
    (up / "kafka" / "node-1" / "pid").write_text(str(os.getpid()))
    assert standing(up)["kafka"]["state"] == "down"
    services.down(Settings(home=up))


def test_nothing_embedded_is_started_where_both_are_ones_own(home: Path) -> None:
    own = {"HUB_KAFKA": "kafka.example:9092", "HUB_DATABASE": "postgresql://hub:sesame@db.example/hub"}
    done = hub(home, "services", "up", "--json", **own)
    assert [row["state"] for row in json.loads(done.stdout)] == ["your own", "your own"]
    assert "sesame" not in done.stdout
    assert sorted(path.name for path in home.iterdir()) == ["services.lock"]


@pytest.mark.parametrize("asked", [bootstrap, database_url])
def test_what_is_not_up_is_one_clear_line(home: Path, asked: Callable[[Settings], str]) -> None:
    with pytest.raises(
        Failure, match=r"^no (Kafka|database): the embedded .* is not up; start it with `hub services up`, or set HUB_"
    ):
        asked(Settings(home=home))


@pytest.mark.live
async def test_kafka_3_7_1_starts_and_is_ended_though_frozen(scratch: Path) -> None:
    cluster = Cluster(scratch / "older", "3.7.1")
    cluster.start()
    try:
        await written(cluster.address, "older", b"here")
        assert await first(cluster.address, "older") == b"here"
        (broker,) = cluster.brokers
        broker.pause()
        broker.stop()
        assert broker.process.pid is None
    finally:
        cluster.kill()
    with pytest.raises(Failure, match=r"holds Kafka 3\.7\.1 with 1 broker\(s\), not 4\.1\.1 with 1: use another HUB_HOME"):
        Cluster(scratch / "older", "4.1.1")


@pytest.mark.live
async def test_three_brokers_outlast_the_kill_of_one(scratch: Path) -> None:
    cluster = Cluster(scratch / "three", brokers=3)
    cluster.start()
    try:
        await written(cluster.address, "copied", b"before", copies=3)
        cluster.brokers[0].kill()
        assert await first(cluster.address, "copied") == b"before"
        assert [broker.is_up() for broker in cluster.brokers] == [False, True, True]
    finally:
        cluster.kill()


def test_a_port_that_was_asked_for_and_is_taken_is_one_clear_line(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hub(home, "services", "up", HUB_KAFKA_PORT=str(port), HUB_DATABASE="postgresql://x/y")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"hub: port {port} (HUB_KAFKA_PORT) is taken by another program: choose another, or 0 for a free one\n"


def test_a_kept_port_that_is_taken_now_is_changed_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (home / "cluster.json").write_text(json.dumps({"version": "4.1.1", "cluster_id": "x", "ports": [[port, 0]]}))
        cluster = Cluster(home)
        cluster._settle_ports()
    assert cluster.brokers[0].port not in (0, port)
    assert f"port {port} of the embedded Kafka is taken by another program: it moves to another" in capsys.readouterr().err
    assert Cluster(home).address == cluster.address


def test_a_home_that_cannot_be_written_is_one_clear_line(home: Path) -> None:
    (home / "file").touch()
    done = hub(home / "file" / "below", "services", "up")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"hub: {home / 'file' / 'below'}: Not a directory; give this user the right")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_home_without_the_right_to_write_is_one_clear_line(home: Path) -> None:
    home.chmod(0o500)
    done = hub(home, "services", "up")
    assert done.returncode == 1 and done.stderr.startswith(
        f"hub: {home}/services.lock: Permission denied; give this user the right"
    )


@pytest.mark.live
@pytest.mark.parametrize("damage", ["version=7\n", ""])
def test_damaged_data_of_kafka_is_one_clear_line(home: Path, damage: str) -> None:
    cluster = Cluster(home)
    (cluster.brokers[0].data).mkdir(parents=True)
    (cluster.brokers[0].data / "meta.properties").write_text(damage)
    with pytest.raises(Failure, match=r"^the embedded Kafka did not start: its data is damaged: remove .* to begin anew"):
        cluster.start()


@pytest.mark.live
def test_damaged_data_of_postgresql_is_one_clear_line(scratch: Path) -> None:
    server = Postgres(scratch / "damaged")
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").write_bytes(b"x")
    with pytest.raises(Failure, match=r"^the embedded PostgreSQL did not start: its data is damaged: remove .* to begin anew"):
        server.start()


@pytest.mark.parametrize("said", ["java.io.IOException: No space left on device", "could not write: No space left on device"])
def test_a_full_disk_is_named(said: str) -> None:
    assert "is full: make room" in diagnosis.of_kafka(said, Path("/x"))
    assert "is full: make room" in diagnosis.of_postgres(said, Path("/x"))


def test_a_state_file_that_is_broken_is_one_clear_line(home: Path) -> None:
    (home / "cluster.json").write_text("{")
    with pytest.raises(Failure, match=r"cluster\.json is damaged .*: remove .* to begin anew"):
        Cluster(home)


@pytest.mark.live
@pytest.mark.parametrize("command", ["demo", "worker", "services up"])
def test_a_home_that_is_no_directory_is_one_clear_line_that_asks_to_remove_nothing(home: Path, command: str) -> None:
    (home / "file").touch()
    done = hub(home / "file", *command.split())
    assert done.returncode == 1 and "set HUB_HOME" in done.stderr
    assert done.stderr.startswith("hub: ") and done.stderr.count("\n") == 1 and "remove" not in done.stderr


@pytest.mark.parametrize("text", ["{", "[]", '{"port": "x"}'])
def test_a_damaged_file_with_the_port_of_postgresql_is_one_clear_line(home: Path, text: str) -> None:
    (home / "port.json").write_text(text)
    with pytest.raises(Failure, match=r"port\.json is damaged .*: remove it"):
        Postgres(home)


def test_a_damaged_jar_is_noticed(kafka: Cluster, tmp_path: Path) -> None:
    whole = jars.cache() / f"kafka-{kafka.version}"
    assert jars.is_whole(whole, kafka.version)
    folder = tmp_path / "jars"
    folder.mkdir()
    for jar in whole.iterdir():
        (folder / jar.name).symlink_to(jar)
    assert jars.is_whole(folder, kafka.version)
    damaged = folder / next(iter(jars.locked(kafka.version)))
    damaged.unlink()
    assert not jars.is_whole(folder, kafka.version)
    damaged.write_bytes(b"")
    assert not jars.is_whole(folder, kafka.version)


def test_free_ports_differ_and_are_free() -> None:
    found = ports.free(20)
    assert len(set(found)) == 20 and all(map(ports.is_free, found))


def test_a_killed_command_leaves_no_broker_without_a_pid_file(tmp_path: Path) -> None:
    """The process writes its pid itself, before it becomes the service."""
    from hubapp.local.process import Process

    process = Process(tmp_path, tmp_path / "mark", tmp_path / "log")
    process.launch("/bin/sh", "-c", "sleep 60; :", tmp_path / "mark")
    while process.pid is None:
        assert not process.ended()
    again = Process(tmp_path, tmp_path / "mark", tmp_path / "log")
    assert again.pid == process.pid
    again.end(SIGKILL, 5)
    assert again.pid is None and process.pid is None
