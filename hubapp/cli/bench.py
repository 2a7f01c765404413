"""hub bench: what the hub costs and brings, measured here and now."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Measure, on an embedded Kafka of the run's own. Figures: benchmarks/README.md.")

Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


@app.command(epilog="Example: hub bench path --alerts 200000 --json")
def path(
    alerts: Annotated[int, typer.Option(min=1_000, help="About so many alert records")] = 200_000,
    beds: Annotated[int, typer.Option(min=1, help="Beds of the simulated hub")] = 64,
    tenfold: Annotated[bool, typer.Option("--tenfold", help="Before that with a tenth of them: does memory grow?")] = False,
    json: Json = False,
) -> None:
    """Alert records -> facts -> both rules -> derived topics, by one worker that is behind."""
    from hubapp.bench import path as measured

    show(asyncio.run(measured.run(alerts, beds, tenfold, say)), "path", json)


@app.command(epilog="Example: hub bench idle --seconds 30")
def idle(
    seconds: Annotated[int, typer.Option(min=5, help="How long each state is watched")] = 30,
    json: Json = False,
) -> None:
    """What a worker costs with nothing to do, and with the connection reports of a full hub."""
    from hubapp.bench import idle as measured

    show(asyncio.run(measured.run(seconds, say)), "idle", json)


@app.command(epilog="Example: hub bench kernel --records 300000")
def kernel(
    records: Annotated[int, typer.Option(min=1_000, help="Records to count by key")] = 300_000,
    recovery: Annotated[bool, typer.Option(help="Also restart without RocksDB, 500,000 keys in the changelog")] = True,
    json: Json = False,
) -> None:
    """Counts by key on this engine, each batch a transaction, and by a plain Faust agent, on the same records."""
    from hubapp.bench import kernel as measured

    measured.show(measured.run(records, recovery=recovery, say=say), json)


def say(words: str) -> None:
    if sys.stderr.isatty():
        print(words, file=sys.stderr, flush=True)


def show(told: dict[str, Any], rows: str, json: bool) -> None:
    import orjson

    if json:
        print(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    from hubapp.console import table

    table(list(told[rows][0]), [list(row.values()) for row in told[rows]])
