"""Once a second, behind the facts: what this worker may claim of its source partitions."""

from __future__ import annotations

from hubapp.app import app
from hubapp.intake.progress import Speaker
from hubapp.settings import settings
from hubapp.sources import bounds

app.beat = Speaker(bounds(), lambda: app.counts, settings().input)
