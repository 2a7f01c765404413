"""hub services: the embedded Kafka and PostgreSQL."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The embedded Kafka and PostgreSQL. Example: hub services up")
AsJson = Annotated[bool, typer.Option("--json", help="As JSON, on one line")]


@app.command()
def up(as_json: AsJson = False) -> None:
    """Start what is not up, and print where it is. Nothing embedded is started where HUB_KAFKA and HUB_DATABASE are set.

    Example: HUB_KAFKA_BROKERS=3 hub services up
    """
    from hubapp.local import services
    from hubapp.settings import settings

    services.ensure_up(settings())
    _show(as_json)


@app.command()
def down() -> None:
    """Stop what is up; the data stays.

    Example: hub services down
    """
    from hubapp.local import services
    from hubapp.settings import settings

    services.down(settings())


@app.command()
def status(as_json: AsJson = False) -> None:
    """Print what is up, and where. Exit 1 unless all that these settings need is up.

    Example: hub services status --json
    """
    if not _show(as_json):
        raise typer.Exit(1)


def _show(as_json: bool) -> bool:
    """Print a table; whether all that is needed is up."""
    import orjson

    from hubapp.console import table
    from hubapp.local.status import standing
    from hubapp.settings import settings

    rows = standing(settings())
    if as_json:
        typer.echo(orjson.dumps(rows))
    else:
        table(list(rows[0]), [list(row.values()) for row in rows])
    return all(row["state"] in ("up", "your own") for row in rows)
