"""How to connect to Kafka: the embedded one, or one of the hospital's own by certificate or password."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from hubapp.failure import Failure
from hubapp.settings import Settings

PATIENCE = 10.0


def bootstrap(settings: Settings) -> str:
    """HOST:PORT,… of the Kafka in use."""
    if settings.kafka is not None:
        return settings.kafka
    from hubapp.local.services import kafka_of

    cluster = kafka_of(settings)
    if not cluster.is_up():
        raise Failure(
            f"no Kafka: the embedded one in {settings.home} is not up; start it with `hub services up`, or set HUB_KAFKA"
        )
    return cluster.address


def addresses(settings: Settings) -> list[tuple[str, int]]:
    """Host and port of each broker in use. Raises Failure for one that is none."""
    return [_host_and_port(server) for server in bootstrap(settings).split(",")]


def client_options(settings: Settings) -> dict[str, Any]:
    """What every aiokafka client is made with."""
    options: dict[str, Any] = {"bootstrap_servers": bootstrap(settings), "security_protocol": settings.kafka_security}
    if settings.kafka_security.endswith("SSL"):
        options["ssl_context"] = ssl_context(settings)
    if settings.kafka_security.startswith("SASL"):
        options |= _sasl(settings)
    return options


def faust_credentials(settings: Settings) -> Any:
    """The same for Faust's `broker_credentials`; None where nothing is asked for."""
    from faust.auth import SASLCredentials, SSLCredentials

    options = client_options(settings)
    if settings.kafka_security.startswith("SASL"):
        return SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            ssl_context=options.get("ssl_context"),
            mechanism=options["sasl_mechanism"],
        )
    return SSLCredentials(context=options["ssl_context"]) if settings.kafka_security == "SSL" else None


def warnings(settings: Settings) -> list[str]:
    """What a worker says of its connection as it starts."""
    if settings.kafka is not None and settings.kafka_security == "SASL_PLAINTEXT":
        return ["HUB_KAFKA_SECURITY is SASL_PLAINTEXT: what goes to and from Kafka can be read on the network; SASL_SSL is safer"]
    return []


def ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ca)
    except (OSError, ssl.SSLError) as error:
        raise Failure(f"HUB_KAFKA_CA: {settings.kafka_ca} holds no certificates that can be read ({_reason(error)})") from error
    if settings.kafka_certificate is not None:
        try:
            context.load_cert_chain(settings.kafka_certificate, settings.kafka_key)
        except (OSError, ssl.SSLError) as error:
            raise Failure(
                f"HUB_KAFKA_CERTIFICATE, HUB_KAFKA_KEY: {settings.kafka_certificate} and {settings.kafka_key} "
                f"are no certificate and key that fit ({_reason(error)})"
            ) from error
    return context


async def reach(settings: Settings) -> None:
    """Connect to one of the brokers, once: what fails then is one clear line, where a client would only try again."""
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError

    options = client_options(settings)
    servers = options.pop("bootstrap_servers")
    problems = []
    for server in servers.split(","):
        host, port = _host_and_port(server)
        try:
            connection = await asyncio.wait_for(
                create_conn(host, port, request_timeout_ms=int(PATIENCE * 1000), **options), PATIENCE
            )
        except (OSError, KafkaError, TimeoutError) as error:
            problems.append(f"{server}: {explain(error, settings)}")
        else:
            connection.close()
            return
    raise Failure(f"no Kafka: {'; '.join(problems)}")


def explain(error: BaseException, settings: Settings) -> str:
    """Why a connection failed, and which setting to look at."""
    from aiokafka.errors import (
        AuthenticationFailedError,
        AuthenticationMethodNotSupported,
        IllegalSaslStateError,
        KafkaConnectionError,
        SaslAuthenticationFailed,
        UnsupportedSaslMechanismError,
    )

    if isinstance(error, AuthenticationFailedError | SaslAuthenticationFailed):
        return f"user {settings.kafka_user} is refused: look at HUB_KAFKA_USER, HUB_KAFKA_PASSWORD"
    if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError | AuthenticationMethodNotSupported):
        return f"{settings.kafka_mechanism} is not taken there: look at HUB_KAFKA_MECHANISM, HUB_KAFKA_SECURITY"
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there: look at HUB_KAFKA"
    if isinstance(error, ssl.SSLError):
        return f"TLS fails ({_reason(error)}): look at HUB_KAFKA_SECURITY, HUB_KAFKA_CA, HUB_KAFKA_CERTIFICATE"
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE:.0f} s: look at HUB_KAFKA, HUB_KAFKA_SECURITY"
    if isinstance(error, KafkaConnectionError):
        return "it closes the connection: look at HUB_KAFKA_SECURITY, HUB_KAFKA_CERTIFICATE"
    return f"{_reason(error)}: look at HUB_KAFKA"


def _sasl(settings: Settings) -> dict[str, str]:
    if settings.kafka_user is None or settings.kafka_password is None:
        raise Failure(f"HUB_KAFKA_SECURITY is {settings.kafka_security}: set HUB_KAFKA_USER and HUB_KAFKA_PASSWORD too")
    return {
        "sasl_mechanism": settings.kafka_mechanism,
        "sasl_plain_username": settings.kafka_user,
        "sasl_plain_password": settings.kafka_password.get_secret_value(),
    }


def _host_and_port(server: str) -> tuple[str, int]:
    host, _, port = server.strip().rpartition(":")
    if not host or not port.isdigit():
        raise Failure(f"HUB_KAFKA: {server.strip()!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.lower().replace("_", " ")
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
