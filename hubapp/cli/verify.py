"""hub verify: the ground truth of simulated wards against what the hub finds of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from hubapp.chaos.verdict import Outcome


def main(
    seeds: Annotated[int, typer.Option(min=1, help="How many wards: seeds 1, 2, 3, …")] = 5,
    first: Annotated[int, typer.Option(min=0, help="The first seed")] = 1,
    beds: Annotated[int, typer.Option(min=1, max=2000, help="Of each ward")] = 20,
    hours: Annotated[float, typer.Option(min=0.1, max=240, help="Of the ward's time")] = 2,
    auth: Annotated[Literal["older", "newer", "both"], typer.Option(help="Which authentication service")] = "both",
    writer: Annotated[Literal["gateway", "emulator"], typer.Option(help="Whose forms of time, null and key")] = "gateway",
    in_process: Annotated[bool, typer.Option("--in-process", help="Without Kafka and PostgreSQL: quick")] = False,
    kafka_version: Annotated[Literal["4.1.1", "3.7.1"], typer.Option(help="Version of the embedded Kafka")] = "4.1.1",
    as_json: Annotated[bool, typer.Option("--json", help="The results as a JSON list")] = False,
) -> None:
    """Hold what the hub finds against what the people of simulated wards did; exit 1 unless precision and recall are 1.

    Each ward goes through a Kafka, a worker and a PostgreSQL of the run's own, and every fact, finding, table value and row
    is compared with what one process makes of the same records.

    Example: hub verify --seeds 5 --hours 2
    """
    import asyncio

    from hubapp.chaos import verifying
    from hubapp.chaos.hub import ended_well
    from hubapp.chaos.orders import Orders
    from hubapp.facts import SECOND
    from hubapp.local.notices import progress
    from hubapp.sim.ward import Plan

    outcomes = []
    for seed in range(first, first + seeds):
        for service in ("older", "newer"):
            if auth not in (service, "both"):
                continue
            plan = Plan(seed=seed, beds=beds, lasts=int(hours * 3600) * SECOND, auth=service, writer=writer, units=min(2, beds))
            progress(f"seed {seed}, {service} service")
            given = Orders(kafka=kafka_version, tell=progress)
            done = verifying.in_process(plan) if in_process else asyncio.run(ended_well(verifying.through_kafka(given, plan)))
            outcomes.append(done)
    show(outcomes, as_json)
    if not all(outcome.good for outcome in outcomes):
        raise typer.Exit(1)


def show(outcomes: list[Outcome], as_json: bool) -> None:
    import orjson

    from hubapp.console import table

    if as_json:
        typer.echo(orjson.dumps([outcome.summary() for outcome in outcomes]))
        return
    columns = ("ward", "service", "records", "rule", "expected", "found", "precision", "recall", "other faults", "seconds")
    table(columns, [row for outcome in outcomes for row in rows(outcome)])
    for outcome in outcomes:
        for check in outcome.checks:
            for words in check.examples:
                typer.echo(f"{outcome.row}, {outcome.title}: {check.name}: {words}")


def rows(outcome: Outcome) -> list[tuple[object, ...]]:
    """A row for each rule; other faults: what was lost, extra or different in any other comparison."""
    others = [check for check in outcome.checks if not check.name.startswith("ground truth")]
    faults = sum(check.lost + check.extra + check.different for check in others)
    return [
        (outcome.row, outcome.title, outcome.told["records"], rule, told["expected"], told["found"],
         f"{told['precision']:.3f}", f"{told['recall']:.3f}", faults, round(outcome.seconds))
        for rule, told in outcome.told["ground truth"].items()
    ]  # fmt: skip
