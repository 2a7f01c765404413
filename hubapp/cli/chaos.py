"""hub chaos: hurt a hub of the run's own, and compare everything it then holds with what it should hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from hubapp.chaos.verdict import Outcome


def main(
    rows: Annotated[list[str] | None, typer.Argument(help="R02, R04, … or all; see --list", show_default=False)] = None,
    which: Annotated[bool, typer.Option("--list", help="Print what can be tried, and nothing else")] = False,
    kills: Annotated[int, typer.Option(min=1, help="Of R02: how often a worker is killed")] = 15,
    seed: Annotated[int, typer.Option(min=0, help="Of the ward, and of the random moments")] = 1,
    kafka_version: Annotated[Literal["4.1.1", "3.7.1"], typer.Option(help="Version of the embedded Kafka")] = "4.1.1",
    beds: Annotated[int, typer.Option(min=1, max=64, help="Of the simulated ward")] = 12,
    speed: Annotated[float, typer.Option(min=1, help="Of R01 to R04: how much faster than it happened")] = 30,
    frozen: Annotated[float, typer.Option(min=12, help="Of R04: seconds of sleep")] = 70,
    as_json: Annotated[bool, typer.Option("--json", help="The results as a JSON list")] = False,
) -> None:
    """Kill, freeze and mislead workers under load, on a Kafka and a PostgreSQL of the run's own; exit 1 if anything is wrong.

    Afterwards every fact, finding, table value and row of the database is compared with what one process makes of the same
    records: lost, extra and different must be zero.

    Example: hub chaos R02 --kills 15 --kafka-version 3.7.1
    """
    import asyncio
    import time

    from hubapp.chaos import scenarios
    from hubapp.chaos.hub import ended_well
    from hubapp.chaos.orders import Orders
    from hubapp.console import table
    from hubapp.failure import Misuse
    from hubapp.local.notices import progress

    if which:
        table(("row", "what happens"), [(row, scenarios.title(row)) for row in scenarios.ALL])
        return
    wanted = list(scenarios.ALL) if rows and "all" in map(str.lower, rows) else [row.upper() for row in rows or ()]
    if not wanted or (unknown := [row for row in wanted if row not in scenarios.ALL]):
        raise Misuse(f"no row {unknown[0]}: hub chaos --list" if wanted else "say which row, or all: hub chaos --list")
    began = time.monotonic()

    def tell(line: str) -> None:
        progress(f"{time.monotonic() - began:6.1f} s  {line}")

    given = Orders(seed=seed, kafka=kafka_version, kills=kills, beds=beds, speed=speed, frozen=frozen, tell=tell)
    outcomes = [asyncio.run(ended_well(scenarios.ALL[row](given))) for row in wanted]
    show(outcomes, as_json)
    if not all(outcome.good for outcome in outcomes):
        raise typer.Exit(1)


def show(outcomes: list[Outcome], as_json: bool) -> None:
    import orjson

    from hubapp.console import table

    if as_json:
        typer.echo(orjson.dumps([outcome.summary() for outcome in outcomes]))
        return
    for outcome in outcomes:
        typer.echo(f"{outcome.row}: {outcome.title}, Kafka {outcome.kafka}, {outcome.seconds:.0f} s")
        columns = ("compared", "expected", "found", "lost", "extra", "different")
        table(columns, [(c.name, c.expected, c.found, c.lost, c.extra, c.different) for c in outcome.checks])
        for check in outcome.checks:
            for words in check.examples:
                typer.echo(f"  {check.name}: {words}")
        for name, value in outcome.told.items():
            typer.echo(f"  {name}: {value}")
        typer.echo("good" if outcome.good else "WRONG")
