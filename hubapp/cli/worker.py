"""hub worker: the one process that does the hub's work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Only(StrEnum):
    rules = "rules"
    archive = "archive"


def main(
    only: Annotated[Only | None, typer.Option(help="Run the rules without the archive, or the archive alone")] = None,
    input: Annotated[bool, typer.Option("--input", help="Input of the past, ended by an end-of-input (HUB_INPUT=1)")] = False,
) -> None:
    """Read the hub's topics, conclude, archive, and answer on loopback; until SIGTERM or ^C.

    Start as many as you like, each with a name of its own (HUB_WORKER): Kafka shares the work out.

    Example: HUB_WORKER=two hub worker --only rules
    """
    import os

    from hubapp.settings import settings

    if input:
        os.environ["HUB_INPUT"] = "1"
        settings.cache_clear()
    from hubapp.worker import run

    run(settings(), only.value if only else None)
