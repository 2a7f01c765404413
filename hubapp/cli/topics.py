"""hub topics: what the hub reads and writes in Kafka, and what of it is there."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Topics, as declared and as they are. Example: hub topics check")
AsJson = Annotated[bool, typer.Option("--json", help="As JSON: a list of objects, on one line")]


@app.command("list")
def declared(as_json: AsJson = False) -> None:
    """Print the declaration: every topic that the hub reads or writes.

    Example: hub topics list --json
    """
    from hubapp.declaration import name_of
    from hubapp.settings import settings
    from hubapp.topics import OURS, SOURCES

    rows: list[dict[str, object]] = [
        {
            "topic": name_of(topic, settings()),
            "whose": topic.whose,
            "read": topic.read,
            "partitions": topic.partitions,
            "retention_seconds": topic.retention,
            "compacted": topic.compacted,
            "timestamps": "LogAppendTime" if topic.append_time else "CreateTime",
        }
        for topic in (*SOURCES, *OURS)
    ]
    _show(rows, as_json)


@app.command()
def check(
    ours: Annotated[bool, typer.Option("--ours", help="Leave out the sources, which are not ours to change")] = False,
    as_json: AsJson = False,
) -> None:
    """Print every difference between the cluster and the declaration, and what would break exactly-once there. Exit 1 if any.

    Example: hub topics check
    """
    import asyncio

    from hubapp import cluster
    from hubapp.settings import settings

    found = asyncio.run(cluster.check(settings(), ours_only=ours))
    rows = [difference._asdict() for difference in found]
    if rows or as_json:
        _show([{**row, "whose": "source, not ours" if row["whose"] == "source" else row["whose"]} for row in rows], as_json)
    if rows:
        raise typer.Exit(1)


@app.command()
def apply(
    sources: Annotated[
        bool, typer.Option("--sources", help="Make the source topics too: where no hub of the hospital does")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make our topics, and mend what differs where nothing is given up by it; print what was done. Nothing is shrunk or deleted.

    Example: hub topics apply --sources
    """
    import asyncio

    import orjson

    from hubapp import cluster
    from hubapp.settings import settings

    done = asyncio.run(cluster.apply(settings(), sources=sources))
    typer.echo(orjson.dumps(done) if as_json else "\n".join(done) or "nothing to do")


@app.command()
def acls(
    strimzi: Annotated[bool, typer.Option("--strimzi", help="As a KafkaUser of Strimzi, in YAML")] = False,
    principal: Annotated[
        str | None, typer.Option(help="User:NAME; without it HUB_KAFKA_USER, or User:CN=hub by certificate")
    ] = None,
) -> None:
    """Print the least that the hub's Kafka user must be allowed: lines for kafka-acls, or YAML.

    Example: hub topics acls --strimzi --principal User:hub
    """
    from hubapp import acls as rights
    from hubapp.settings import settings

    who = principal or rights.principal_of(settings())
    if strimzi:
        typer.echo(rights.strimzi(settings(), who))
    else:
        typer.echo("\n".join(rights.kafka_acls(settings(), who)))


def _show(rows: list[dict[str, object]], as_json: bool) -> None:
    import orjson

    from hubapp.console import table

    if as_json:
        typer.echo(orjson.dumps(rows))
    else:
        table(list(rows[0]), [list(row.values()) for row in rows])
