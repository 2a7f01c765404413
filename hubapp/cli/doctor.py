"""hub doctor: whether the hub is well, a line for each thing that is looked at."""

from __future__ import annotations

from typing import Annotated

import typer


def main(as_json: Annotated[bool, typer.Option("--json", help="As JSON: a list of objects, on one line")] = False) -> None:
    """Look at Kafka, the topics, the workers, the archive, the places and the thresholds; change nothing. Exit 1 if any is bad.

    Example: hub doctor --json
    """
    import asyncio

    import orjson

    from hubapp.doctor.examine import examine
    from hubapp.settings import settings

    lines = asyncio.run(examine(settings()))
    if as_json:
        typer.echo(orjson.dumps([line._asdict() for line in lines]))
    else:
        typer.echo("\n".join(f"{line.state:<8} {line.check}: {line.says}" for line in lines))
    if any(line.state == "bad" for line in lines):
        raise typer.Exit(1)
