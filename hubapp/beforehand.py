"""What can be seen to be wrong before anything is started, and no waiting mends."""

from __future__ import annotations

from hubapp import in_force, kafka
from hubapp.failure import Failure
from hubapp.settings import Settings


def insist(settings: Settings) -> None:
    """Raise Failure where hub.toml, an address, a certificate or the embedded Kafka's directory cannot be meant."""
    in_force.of_file(settings.config)
    if settings.kafka is None:
        from hubapp.local.services import kafka_of

        kafka_of(settings)
    else:
        kafka.addresses(settings)
        kafka.client_options(settings)
    url = settings.database.get_secret_value() if settings.database else "postgresql://"
    if not url.startswith(("postgresql://", "postgres://")):
        raise Failure("HUB_DATABASE is no address of a database: write postgresql://USER:PASSWORD@HOST:PORT/NAME")
