"""hub quarantine: the records that could not be read."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Records that could not be read. Example: hub quarantine list")


@app.callback()
def quarantine() -> None:
    """Records that could not be read. Example: hub quarantine list"""


@app.command("list")
def listed(
    topic: Annotated[str | None, typer.Option(help="Only those of one source topic")] = None,
    last: Annotated[int, typer.Option(min=1, help="So many, the newest ones")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON: a list of objects, on one line")] = False,
) -> None:
    """Print which records are in hub-quarantine, and why; not what they hold.

    A record's own bytes, in base64: hub tail hub-quarantine --from-beginning --until-end

    Example: hub quarantine list --topic alerts --last 10
    """
    import asyncio

    import orjson

    from hubapp.console import table
    from hubapp.quarantined import Row, newest
    from hubapp.settings import settings

    rows = asyncio.run(newest(settings(), topic, last))
    if as_json:
        typer.echo(orjson.dumps([row._asdict() for row in rows]))
    else:
        table(Row._fields, rows)
