"""A hospital's Kafka: by password with and without TLS, by client certificate, and with no right but those that we ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.protocol.admin import CreateAclsRequest
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from pydantic import SecretStr

from hubapp import cluster
from hubapp.acls import rights
from hubapp.failure import Failure
from hubapp.kafka import client_options, faust_credentials, reach, warnings
from hubapp.local.certificates import Certificates, make
from hubapp.local.doors import LISTENERS, Doors
from hubapp.local.kafka import Cluster
from hubapp.settings import Settings

KINDS = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
PATTERNS = {"literal": 3, "prefixed": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Create": 5, "Alter": 7, "Describe": 8, "DescribeConfigs": 10, "AlterConfigs": 11}
ALLOW = 3
WRONG_PASSWORD: dict[str, object] = {"kafka_password": SecretStr("wrong")}


@dataclass(frozen=True)
class Hospital:
    kafka: Cluster
    doors: Doors

    def settings(self, listener: str, *, user: str = "hub", password: str = "sesame") -> Settings:
        certificates = self.doors.certificates
        given: dict[str, object] = {"kafka": self.doors.address(listener), "kafka_security": listener}
        if listener != "SASL_PLAINTEXT":
            given["kafka_ca"] = certificates.authority
        if listener == "SSL":
            given |= {"kafka_certificate": certificates.client, "kafka_key": certificates.client_key}
        else:
            given |= {"kafka_user": user, "kafka_password": SecretStr(password)}
        return Settings(**given)  # type: ignore[arg-type]  # Of mixed kinds, which pydantic checks.


@pytest.fixture(scope="module")
def hospital(scratch: Path) -> Iterator[Hospital]:
    """A broker with every listener and an authorizer, where user `hub` and CN=hub have the rights that we print."""
    doors = Doors(make(scratch / "certificates"), {"hub": "sesame", "stranger": "sesame"}, authorize=True)
    kafka = Cluster(scratch / "doors", doors=doors)
    kafka.start()
    asyncio.run(grant(kafka, "User:hub", "User:CN=hub"))
    yield Hospital(kafka, doors)
    kafka.kill()


async def grant(kafka: Cluster, *principals: str) -> None:
    asked = [
        CreateAclsRequest(KINDS[right.resource], right.name, PATTERNS[right.pattern], who, "*", OPERATIONS[operation], ALLOW)
        for right in rights(Settings())
        for operation in right.operations
        for who in principals
    ]
    async with cluster.admin(Settings(kafka=kafka.address)) as admin:
        answers = await asyncio.gather(*(admin._send_to_controller(request) for request in asked))
    assert [refused for answer in answers for refused, *_ in answer.creation_responses if refused] == []


@pytest.mark.live
@pytest.mark.parametrize("listener", LISTENERS)
async def test_the_hub_works_by_each_door_with_the_rights_that_it_prints(hospital: Hospital, listener: str) -> None:
    settings = hospital.settings(listener)
    await cluster.apply(settings)
    told = await cluster.check(settings, ours_only=True)
    assert told == []
    options = client_options(settings)
    async with AIOKafkaProducer(transactional_id=f"hub-{listener}", **options) as producer, producer.transaction():
        await producer.send("hub-episodes", listener.encode(), partition=0)
    async with AIOKafkaConsumer("hub-episodes", group_id="hub-archive", auto_offset_reset="earliest", **options) as consumer:
        assert (await consumer.getone()).value == listener.encode()
        await consumer.commit()


@pytest.mark.live
async def test_who_has_no_right_is_told_so_in_one_line(hospital: Hospital) -> None:
    with pytest.raises(Failure, match="`hub topics acls` prints"):
        await cluster.apply(hospital.settings("SASL_PLAINTEXT", user="stranger"))


@pytest.mark.live
@pytest.mark.parametrize(
    ("listener", "changes", "line"),
    [
        ("SASL_PLAINTEXT", WRONG_PASSWORD, "user hub is refused: look at HUB_KAFKA_USER, HUB_KAFKA_PASSWORD"),
        ("SASL_SSL", WRONG_PASSWORD, "user hub is refused: look at HUB_KAFKA_USER, HUB_KAFKA_PASSWORD"),
        ("SASL_SSL", {"kafka_mechanism": "PLAIN"}, "PLAIN is not taken there: look at HUB_KAFKA_MECHANISM, HUB_KAFKA_SECURITY"),
        ("SASL_SSL", {"kafka_ca": None}, "TLS fails (certificate verify failed): look at HUB_KAFKA_SECURITY, HUB_KAFKA_CA"),
        ("SSL", {"kafka_certificate": None}, "look at HUB_KAFKA_SECURITY, "),
        ("SSL", {"kafka_security": "PLAINTEXT"}, "look at HUB_KAFKA"),
    ],
)
async def test_a_refused_connection_is_one_clear_line(
    hospital: Hospital, listener: str, changes: dict[str, object], line: str
) -> None:
    settings = hospital.settings(listener).model_copy(update=changes)
    with pytest.raises(Failure) as told:
        await reach(settings)
    assert str(told.value).startswith(f"no Kafka: {settings.kafka}: ") and line in str(told.value)
    assert "sesame" not in str(told.value) and "\n" not in str(told.value)


def test_scram_without_tls_is_warned_of() -> None:
    scram = {"kafka": "a:1", "kafka_user": "hub", "kafka_password": SecretStr("x")}
    assert "SASL_SSL is safer" in warnings(Settings(kafka_security="SASL_PLAINTEXT", **scram))[0]
    assert warnings(Settings(kafka_security="SASL_SSL", **scram)) == []


def test_a_user_without_a_password_is_one_clear_line() -> None:
    with pytest.raises(Failure, match="HUB_KAFKA_SECURITY is SASL_SSL: set HUB_KAFKA_USER and HUB_KAFKA_PASSWORD too"):
        client_options(Settings(kafka="a:1", kafka_security="SASL_SSL"))


def test_files_that_are_no_certificates_are_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(Failure, match=r"HUB_KAFKA_CA: .*ca\.pem holds no certificates that can be read"):
        client_options(Settings(kafka="a:1", kafka_security="SSL", kafka_ca=tmp_path / "ca.pem"))
    made: Certificates = make(tmp_path)
    with pytest.raises(Failure, match=r"HUB_KAFKA_CERTIFICATE, HUB_KAFKA_KEY: .* are no certificate and key that fit"):
        client_options(Settings(kafka="a:1", kafka_security="SSL", kafka_certificate=made.client, kafka_key=made.authority))


@pytest.mark.parametrize("server", ["localhost", "localhost:many", ":9092"])
async def test_an_address_without_a_port_is_one_clear_line(server: str) -> None:
    with pytest.raises(Failure, match=r"HUB_KAFKA: '.*' is not HOST:PORT"):
        await reach(Settings(kafka=server))


@pytest.mark.parametrize("listener", ["PLAINTEXT", *LISTENERS])
def test_faust_connects_as_our_own_clients_do(listener: str, tmp_path: Path) -> None:
    made = make(tmp_path)
    settings = Settings(
        kafka="a:1", kafka_security=listener, kafka_user="hub", kafka_password=SecretStr("x"),  # type: ignore[arg-type]  # one of four
        kafka_ca=made.authority, kafka_certificate=made.client, kafka_key=made.client_key,
    )  # fmt: skip
    ours = {name: value for name, value in client_options(settings).items() if name not in ("bootstrap_servers", "ssl_context")}
    app = faust.App("x", broker_credentials=faust_credentials(settings))
    theirs = credentials_to_aiokafka_auth(app.conf.broker_credentials, None)
    assert {name: getattr(theirs[name], "value", theirs[name]) for name in ours} == ours
    assert (theirs.get("ssl_context") is not None) == listener.endswith("SSL")
