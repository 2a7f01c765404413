"""The ground truth of alarm controls: each use, at a bed or by a named account, and who was authenticated then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hubapp.facts import SECOND, Micros, iso
from hubapp.sim.accounts import Session, sessions
from hubapp.sim.diary import Diary, Saying, Use
from hubapp.sim.lasting import House
from hubapp.sim.truth import LISTED

Json = dict[str, Any]
DOUBTED: Micros = 8 * 3600 * SECOND
WITHIN: Micros = 600 * SECOND
ENOUGH = 5
FAILED = ("failed", "failed-log-out")


def control(diary: Diary, sayings: Sequence[Saying], house: House) -> Iterator[Json]:
    known = sessions(sayings, house.listed)
    for use in diary.uses:
        body: Json = {"change": use.change, "condition": use.condition, "operation": use.operation}
        body |= {"old": use.old, "new": use.new}
        present = house.presence.at(use.sent)
        if house.counted and present is not None:
            body |= {"why": why(use, known, sayings, bool(present), house), "present": present[:LISTED]}
        yield {
            "rule": "control",
            "patient": use.patient,
            "monitor": diary.monitor,
            "device": None,
            "account": use.account,
            "start": iso(use.sent),
            "open": False,
            "status_expected": "final",
            "quality": [],
            "body": body,
        }


def why(use: Use, known: Sequence[Session], sayings: Sequence[Saying], anybody: bool, house: House) -> str:
    short = use.sent - house.began <= house.history
    if use.account is None:
        return "accounted" if anybody else "history-short" if short else "nobody"
    own = [one for one in known if use.account in (one.first.id, one.first.name) and is_open(one, use.sent)]
    if not own:
        return "history-short" if short else "no-session"
    words = {word for one in own for at in one.log_in_at if at <= use.sent for word in doubts(at, one.first.id, sayings)}
    return next((word for word in ("after-lock", "after-failed-log-ins") if word in words), "accounted")


def is_open(session: Session, at: Micros) -> bool:
    return session.first.sent <= at and (session.closed is None or at <= session.closed)


def doubts(log_in: Micros, account: str, sayings: Sequence[Saying]) -> Iterator[str]:
    """What throws doubt on a log-in: a lock, or five failures in ten minutes, in the eight hours before it."""
    mine = [saying for saying in sayings if saying.id == account and saying.sent < log_in]
    if any(saying.what == "locked" and log_in - saying.sent < DOUBTED for saying in mine):
        yield "after-lock"
    failures = [saying.sent for saying in mine if saying.what in FAILED]
    fifths = zip(failures, failures[ENOUGH - 1 :], strict=False)
    if any(fifth - first <= WITHIN and log_in - fifth < DOUBTED for first, fifth in fifths):
        yield "after-failed-log-ins"
