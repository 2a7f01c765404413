"""What the stored findings suggest for thresholds, each with the figures that it rests on. Pure; nothing is put into force."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

Figures: TypeAlias = dict[str, Any]
Span: TypeAlias = tuple[datetime, datetime]

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
# Of fewer nothing is suggested.
FEW = 20
WINDOW_MINUTES = 10
STAFFED = 0.95
STATIONS, DAYS_OF_ALL_SHIFTS = 3, 3
LONGEST_DEADLINE, LONGEST_DAYS = 3_600, 365


class Suggestion(NamedTuple):
    """threshold: its place in hub.toml. suggested: None where the figures say too little."""

    threshold: str
    suggested: Any
    figures: Figures


class Session(NamedTuple):
    """A presence finding. client, service: where it was opened, and by which, as far as that is known."""

    account: str
    client: str | None
    units: Sequence[str]
    shared: bool
    how_ended: str | None
    start: datetime
    end: datetime
    service: str | None = None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that at least *share* of them do not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def deadlines(seconds: Mapping[str, Sequence[float]], without: Mapping[str, int]) -> Iterator[Suggestion]:
    """By priority: a deadline that nine of ten alarms with evidence keep. without: alarms that nobody attended to."""
    for priority in ("HI", "ME"):
        found = sorted(seconds.get(priority, ()))
        figures: Figures = {"with_evidence": len(found), "without_evidence": without.get(priority, 0)}
        if found:
            figures |= {f"p{share}": round(percentile(found, share / 100), 1) for share in (50, 90, 95)}
        value = min(LONGEST_DEADLINE, max(5, math.ceil(figures["p90"] / 5) * 5)) if len(found) >= FEW else None
        yield Suggestion(f"attendance.deadline_{priority.lower()}", value, figures)


def floods(onsets: Iterable[tuple[str, datetime, str, str]], known: Span) -> Iterator[Suggestion]:
    """By unit, of onsets (unit, minute, device, condition): what 99 of 100 ten minutes do not exceed, taken each minute."""
    units: dict[str, dict[datetime, set[tuple[str, str]]]] = {}
    for unit, minute, device, condition in onsets:
        units.setdefault(unit, {}).setdefault(minute, set()).add((device, condition))
    for unit, minutes in sorted(units.items()):
        counts = sorted(sliding(minutes, known))
        total = sum(map(len, minutes.values()))
        figures: Figures = {
            "onsets": total,
            "windows": len(counts),
            "p50": percentile(counts, 0.5),
            "p95": percentile(counts, 0.95),
        }
        figures |= {"p99": percentile(counts, 0.99), "most": counts[-1]}
        value = max(1, int(figures["p99"])) if total >= FEW and known[1] - known[0] >= DAY else None
        yield Suggestion(f"units.{quoted(unit)}.flood_threshold", value, figures)


def sliding(minutes: Mapping[datetime, set[tuple[str, str]]], known: Span) -> Iterator[int]:
    """How many different alarms began in the ten minutes up to each minute of *known*."""
    window: deque[set[tuple[str, str]]] = deque()
    alarms: Counter[tuple[str, str]] = Counter()
    minute = known[0].replace(second=0, microsecond=0)
    while minute <= known[1]:
        window.append(minutes.get(minute, set()))
        alarms.update(window[-1])
        if len(window) > WINDOW_MINUTES:
            alarms.subtract(gone := window.popleft())
            for alarm in gone:
                if not alarms[alarm]:
                    del alarms[alarm]
        yield len(alarms)
        minute += MINUTE


def staffed(sessions: Sequence[Session], units: Iterable[str], known: Span) -> Iterator[Suggestion]:
    """Units in which somebody was authenticated nearly all the time. One with shared accounts alone is not judged."""
    days = (known[1] - known[0]) / DAY
    for unit in sorted({*units, *(name for one in sessions for name in one.units)}):
        here = [one for one in sessions if unit in one.units]
        own = [one for one in here if not one.shared]
        share = covered([(one.start, one.end) for one in own], known)
        figures: Figures = {
            "days": round(days, 1),
            "covered_share": round(share, 4),
            "accounts": len({one.account for one in own}),
        }
        figures["shared_accounts"] = len({one.account for one in here if one.shared})
        somewhere = [(one.start, one.end) for one in sessions if not one.shared and not one.units]
        figures["of_unknown_place"] = len(somewhere)
        figures["covered_with_those"] = round(covered([*somewhere, *((one.start, one.end) for one in own)], known), 4)
        value = share >= STAFFED if days >= 1 and own else None
        yield Suggestion(f"units.{quoted(unit)}.staffed", value, figures)


def covered(spans: Iterable[Span], known: Span) -> float:
    """The share of *known* in which at least one of *spans* lasts."""
    reached, total = known[0], timedelta()
    for start, end in sorted(spans):
        start, end = max(start, reached), min(end, known[1])
        if end > start:
            total += end - start
            reached = end
    return total / (known[1] - known[0]) if known[1] > known[0] else 0.0


def session_days(sessions: Sequence[Session]) -> Iterator[Suggestion]:
    """By service: whole days that 99 of 100 sessions with a log-out did not outlast."""
    for service in sorted({one.service or "" for one in sessions}) or [""]:
        own = [one for one in sessions if not one.shared and (one.service or "") == service]
        place = f"presence.session_days.{service}" if service else "presence.session_days"
        yield lasting(place, own)


def lasting(threshold: str, sessions: Sequence[Session]) -> Suggestion:
    ended = sorted((one.end - one.start) / DAY for one in sessions if one.how_ended == "log-out")
    figures: Figures = {"logged_out": len(ended), "assumed": sum(one.how_ended == "assumed" for one in sessions)}
    if ended:
        figures |= {f"p{share}_days": round(percentile(ended, share / 100), 2) for share in (50, 95, 99)}
        figures["longest_days"] = round(ended[-1], 2)
    value = min(LONGEST_DAYS, max(1, math.ceil(percentile(ended, 0.99)))) if len(ended) >= FEW else None
    return Suggestion(threshold, value, figures)


def shared_accounts(sessions: Sequence[Session], all_shifts: Mapping[str, int]) -> Suggestion:
    """Accounts that were open at several stations at once, or logged in in all three shifts of a day, several days.

    all_shifts: by folded account, on how many days. Those that are listed as shared are not suggested once more.
    """
    found: Figures = {}
    for account, mine in by_account(sessions).items():
        listed = any(one.shared for one in mine)
        at_once, days = stations_at_once(mine), all_shifts.get(account, 0)
        if not listed and (at_once >= STATIONS or days >= DAYS_OF_ALL_SHIFTS):
            found[mine[0].account] = {"stations_at_once": at_once, "days_in_all_shifts": days}
    return Suggestion("presence.shared_accounts", sorted(found), {"accounts": len(by_account(sessions)), "signs": found})


def by_account(sessions: Iterable[Session]) -> dict[str, list[Session]]:
    found: dict[str, list[Session]] = {}
    for one in sessions:
        found.setdefault(one.account.strip().casefold(), []).append(one)
    return found


def stations_at_once(sessions: Iterable[Session]) -> int:
    """The most clients at which one account's sessions were open at the same time."""
    steps = sorted((at, step) for one in sessions if one.client for at, step in ((one.start, 1), (one.end, -1)))
    most = now = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def quoted(name: str) -> str:
    """As a key of hub.toml."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
