"""What must be remembered of each source: repeats, connections, audio. Written by that source's agent."""

from __future__ import annotations

from faust.types import TableT

from hubapp.app import app
from hubapp.sources import name
from hubapp.topics import READ

sources: dict[str, TableT] = {topic.role: app.Table(f"source-{topic.role}", writer=name(topic.role)) for topic in READ}
