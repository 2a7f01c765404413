"""What `hub simulate` does: when the ward begins, where its records go, what is written beside them."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import typer
from aiokafka import AIOKafkaProducer

from hubapp.facts import SECOND, Micros, iso, micros
from hubapp.failure import Failure
from hubapp.pipes import connected
from hubapp.settings import settings
from hubapp.sim.play import Lines, Post, Sink, now, perform
from hubapp.sim.ward import Plan, Ward

DAY = 86_400
UNITS = {"s": 1, "m": 60, "h": 3600, "d": DAY}
SHOWN: Micros = SECOND // 2


def lasting(seconds: float | None, days: float | None) -> Micros | None:
    if seconds is not None and days is not None:
        raise typer.BadParameter("--for and --days say the same: give one of them")
    length = seconds if days is None else days * DAY
    return None if length is None else round(length * SECOND)


def beginning(start: str | None, speed: float, lasts: Micros | None) -> Micros:
    """So that nothing stands in a record before it is so: at more than real time the past is played."""
    if speed != 1 and (speed == 0 or speed > 1) and lasts is None:
        raise typer.BadParameter(f"at --speed {speed:g} say how long: --for SECONDS or --days DAYS")
    if start is not None:
        return instant(start)
    ahead = 0 if lasts is None or 0 < speed <= 1 else lasts if speed == 0 else round(lasts * (1 - 1 / speed))
    return now() - ahead


def instant(text: str) -> Micros:
    back = re.fullmatch(r"now(?:-(\d+)([smhd]))?", text)
    if back is not None:
        return now() - int(back[1] or 0) * UNITS[back[2] or "s"] * SECOND
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--start {text}: now, now-10m or 2026-10-12T09:00:00Z is wanted") from None
    return micros(given if given.tzinfo else given.replace(tzinfo=UTC))


async def run(plan: Plan, speed: float, truth: Path | None, lines: str | None, end_of_input: bool) -> dict[str, Any]:
    """Until the ward ends, or ^C or SIGTERM; then the rest of the truth and the summary."""
    ward, stop = Ward(plan), stopped()
    with ExitStack() as files:
        told = Told(ward, files.enter_context(opened(truth)) if truth else None)
        if lines is not None:
            out = sys.stdout.buffer if lines == "-" else files.enter_context(opened(Path(lines)))
            await to_lines(ward, Lines(out), speed, stop, told)
        else:
            await to_kafka(ward, speed, stop, told, end_of_input)
        return told.done()


async def to_lines(ward: Ward, sink: Sink, speed: float, stop: asyncio.Event, told: Told) -> None:
    try:
        await perform(ward, sink, speed, stop, told.progress)
    except BrokenPipeError:
        sys.stdout = None  # nobody reads on: nothing is to be flushed at the end


async def to_kafka(ward: Ward, speed: float, stop: asyncio.Event, told: Told, end_of_input: bool) -> None:
    async with connected(AIOKafkaProducer, settings(), enable_idempotence=True, acks="all", max_batch_size=200_000) as producer:
        post = Post(settings(), producer)
        await perform(ward, post, speed, stop, told.progress)
        await post.acknowledged(0)
        if end_of_input:
            await post.sending.end_of_input()
            await post.sending.acknowledged(0)


class Told:
    """The truth as it becomes known, and on a terminal how far the ward is."""

    def __init__(self, ward: Ward, file: BinaryIO | None) -> None:
        self.ward, self.file, self.shown = ward, file, 0
        self.terminal: Callable[[str], Any] | None = sys.stderr.write if sys.stderr.isatty() else None

    def progress(self, instant: Micros) -> None:
        self.write(self.ward.truth())
        if self.terminal is not None and now() > self.shown + SHOWN:
            self.shown = now()
            self.terminal(f"\r{iso(instant)[:19]}  {self.ward.wires.counts['records']} records ")
            sys.stderr.flush()

    def write(self, truths: list[dict[str, Any]]) -> None:
        if self.file is not None:
            self.file.writelines(orjson.dumps(one) + b"\n" for one in truths)

    def done(self) -> dict[str, Any]:
        self.write(self.ward.rest_of_truth())
        summary = self.ward.summary()
        self.write([{"summary": summary}])
        if self.terminal is not None:
            self.terminal("\n")
        return summary


def opened(path: Path) -> BinaryIO:
    try:
        return path.open("wb")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


def stopped() -> asyncio.Event:
    """Set by ^C and by SIGTERM."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, stop.set)
    return stop
