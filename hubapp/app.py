"""The Faust app of this hub, made from its settings: agents and tables are declared on it at module level."""

from __future__ import annotations

from hubapp.engine import HubApp, hub_app
from hubapp.kafka import client_options
from hubapp.settings import Settings, settings


def make(given: Settings) -> HubApp:
    return hub_app(
        given.group,
        connection=lambda: client_options(given),
        datadir=given.home / "workers" / given.worker,
        replicas=given.replication,
        commit_interval=given.commit_interval,
        quiet_after_error=given.delivery_timeout,
        session_timeout=given.session_timeout,
    )


app = make(settings())
