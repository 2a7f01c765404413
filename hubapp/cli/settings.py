"""hub settings: what this hub is set to."""

from __future__ import annotations

from typing import Annotated

import typer


def main(as_json: Annotated[bool, typer.Option("--json", help="As JSON: a list of objects, on one line")] = False) -> None:
    """Print every setting with its value and where it is from: default, environment, or the file of a secret (HUB_…_FILE).

    Example: HUB_KAFKA=kafka-1:9092 hub settings
    """
    import os

    import orjson

    from hubapp.console import table
    from hubapp.settings import Row, listing, settings

    rows = listing(settings(), os.environ)
    if as_json:
        typer.echo(orjson.dumps([row._asdict() for row in rows]))
    else:
        table(Row._fields, rows)
