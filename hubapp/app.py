"""The Faust app of this hub, made from its settings: agents and tables are declared on it at module level."""

from __future__ import annotations

from hubapp.engine import HubApp, hub_app
from hubapp.settings import Settings, settings


def make(given: Settings) -> HubApp:
    # Needs the embedded services where no Kafka is set: the engine and the rules do not.
    from hubapp import kafka

    return hub_app(
        given.group,
        brokers=kafka.bootstrap(given),
        connection=kafka.client_options(given),
        datadir=given.home / "workers" / given.worker,
        replicas=given.replication,
        commit_interval=given.commit_interval,
        quiet_after_error=given.delivery_timeout,
        session_timeout=given.session_timeout,
    )


app = make(settings())
