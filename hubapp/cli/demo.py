"""hub demo: the whole hub on this machine, with a simulated ward."""

from __future__ import annotations

from typing import Annotated

import typer


def main(
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="End by itself after so many seconds; else ^C ends it")
    ] = None,
    beds: Annotated[int, typer.Option(min=1, max=64, help="Beds of the simulated ward")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="The summary as JSON on standard output, all else on standard error")
    ] = False,
) -> None:
    """Show what the hub does: embedded Kafka and PostgreSQL, topics, two workers and a simulated ward in real time.

    Prints what is concluded as it is concluded, where to look, and a summary at the end. The ward begins ten minutes ago.

    Example: hub demo --for 60 --beds 20 --json
    """
    import asyncio

    from hubapp.demo import stage
    from hubapp.settings import settings

    asyncio.run(stage.play(settings(), seconds=seconds, beds=beds, json=as_json))
