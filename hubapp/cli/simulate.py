"""hub simulate: a ward that writes real records, and its ground truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from hubapp.sim.ward import Plan


def main(
    seed: Annotated[int, typer.Option(min=0, help="The same seed and start give the same records")] = 1,
    beds: Annotated[int, typer.Option(min=1, max=2000, help="A hub has at most 64")] = 20,
    units: Annotated[int, typer.Option(min=1, help="Bed groups; in a hub of one unit a log-in's place is known")] = 2,
    seconds: Annotated[float | None, typer.Option("--for", min=1, help="Seconds of the ward's time")] = None,
    days: Annotated[float | None, typer.Option(min=0.001, help="The same in days")] = None,
    speed: Annotated[float, typer.Option(min=0, help="1: real time; 0: as fast as it goes; N: N times as fast")] = 1,
    start: Annotated[
        str | None, typer.Option(help="now, now-10m (s, m, h, d) or ISO 8601; default: so that it ends now, or now at --speed 1")
    ] = None,
    auth: Annotated[Literal["older", "newer"], typer.Option(help="One shared account, or one for each person")] = "newer",
    writer: Annotated[Literal["gateway", "emulator"], typer.Option(help="Whose forms of time, null and key")] = "gateway",
    alarms_per_bed_day: Annotated[float, typer.Option(min=1, max=5000, help="Onsets at one bed in a day")] = 700,
    disorder: Annotated[float, typer.Option(min=0, max=1, help="Share of records that come late, within the bounds")] = 0.05,
    repeats: Annotated[float, typer.Option(min=0, max=1, help="Share of records that come twice")] = 0.02,
    malformed: Annotated[float, typer.Option(min=0, max=0.09, help="Broken records beside that share of real ones")] = 0.005,
    reports: Annotated[bool, typer.Option(help="Connection reports of the monitors")] = True,
    report_seconds: Annotated[float, typer.Option(min=0.5, max=25, help="How often a monitor reports")] = 2,
    vital_seconds: Annotated[float, typer.Option(min=0, help="How often a patient's metrics are written; 0: never")] = 0,
    places: Annotated[bool, typer.Option("--places", help="Log-ins say client and unit, which no service does today")] = False,
    shared_listed: Annotated[
        bool, typer.Option("--shared-listed", help="The truth for a hub.toml that lists the shared account of --auth older")
    ] = False,
    boundaries: Annotated[
        bool, typer.Option("--boundaries", help="Also acts exactly at a deadline, alarms of exactly 10 s")
    ] = False,
    truth: Annotated[Path | None, typer.Option(help="Write here what must be found, JSON lines, a summary last")] = None,
    lines: Annotated[str | None, typer.Option(help="Write JSON lines here, for hub send, in place of Kafka; - is stdout")] = None,
    end_of_input: Annotated[
        bool, typer.Option("--end-of-input", help="Then say to every source that nothing more comes (hub worker --input)")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON")] = False,
) -> None:
    """Simulate a ward: real wire records of monitors, platform and log-ins to Kafka, and what must be found of them.

    Example: hub simulate --beds 20 --days 1 --speed 0 --truth truth.jsonl --end-of-input
    """
    import asyncio

    from hubapp.sim import stage
    from hubapp.sim.ward import Plan

    lasts = stage.lasting(seconds, days)
    plan = Plan(
        seed=seed,
        beds=beds,
        units=min(units, beds),
        start=stage.beginning(start, speed, lasts),
        lasts=lasts,
        auth=auth,
        writer=writer,
        disorder=disorder,
        repeats=repeats,
        malformed=malformed,
        alarms_per_bed_day=alarms_per_bed_day,
        report_seconds=report_seconds if reports else 0.0,
        vital_seconds=vital_seconds,
        places=places,
        shared_listed=shared_listed,
        boundaries=boundaries,
    )
    summary = asyncio.run(stage.run(plan, speed, truth, lines, end_of_input))
    if lines != "-":
        show(plan, summary, as_json)


def show(plan: Plan, summary: dict[str, object], as_json: bool) -> None:
    import orjson

    if as_json:
        typer.echo(orjson.dumps(summary).decode())
        return
    words = ("alerts", "repeats", "malformed", "truths")
    told = ", ".join(f"{summary[word]} {word}" for word in words)
    typer.echo(f"{summary['records']} records of {plan.beds} beds: {told}")
