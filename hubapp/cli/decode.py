"""hub decode: what the hub reads in records, without a broker."""

from __future__ import annotations

from typing import Annotated

import typer


def main(
    file: Annotated[str, typer.Argument(help="JSON lines {topic, key, headers, value, timestamp}; - reads standard input")],
) -> None:
    """Print what each record says, as one JSON line: {line, facts}, {line, ignored: TYPE} or {line, malformed: reason}.

    Lines count from 1. Naive times are read in HUB_ZONE_AUTHENTICATION and HUB_ZONE_PLATFORM.

    Example: hub decode records.jsonl | jq .facts[].type
    """
    import sys

    from hubapp import decoding
    from hubapp.settings import settings
    from hubapp.wire import Zones

    zones = Zones.named(settings().zone_authentication, settings().zone_platform)
    with decoding.opened(file) as texts:
        for line in decoding.said(texts, decoding.roles(settings().topics), zones):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
