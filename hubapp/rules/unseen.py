"""What was not seen of a source, and which rules' findings that concerns: those whose window meets it carry `gap`."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hubapp.facts import SECOND, Micros, Quality, SourceGap
from hubapp.rules.sightings import instant

# The newest episode of an alarm, long over, is shown anew for thirty days: `ward.memory`.
KEPT: Micros = 31 * 86_400 * SECOND

MONITORS = frozenset({"events-sdc", "sdc-realtime-state"})
ALARMS = MONITORS | {"alerts", "technical-alerts"}
ACCOUNTS = frozenset({"events-authentication", "events-auth"})
COMMANDS = frozenset({"device-commands-requests", "device-commands-responses"})
PLACES = frozenset({"events-patient", "events-device"})
# The sources that a rule reads, by their roles; where a monitor stands is read for its units.
READS: dict[str, frozenset[str]] = {
    "episodes": ALARMS | PLACES,
    "attendance": ALARMS | ACCOUNTS | COMMANDS | PLACES,
    "masking": ALARMS | COMMANDS | PLACES,
    "silenced": ALARMS | ACCOUNTS | PLACES,
    "nuisance": ALARMS | PLACES,
    "monitored": MONITORS | PLACES,
    "presence": ACCOUNTS,
    "control": MONITORS | ACCOUNTS | COMMANDS | PLACES,
    "barriers": ALARMS | ACCOUNTS | PLACES,
    "coverage": ALARMS | ACCOUNTS | PLACES,
    "floods": ALARMS | ACCOUNTS | PLACES,
    "gaps": frozenset(),
}


class Unseen(msgspec.Struct, frozen=True):
    """Of a source: what was sent between *begin* and *until*, of some partition."""

    source: str
    begin: Micros
    until: Micros


def learn(gaps: list[Unseen], fact: SourceGap) -> None:
    """Those of one source that overlap are one: a window that meets it meets one of them."""
    source, begin, until = fact.source, fact.at, fact.sent
    met = [gap for gap in gaps if gap.source == source and gap.begin < until and begin < gap.until]
    whole = Unseen(source, min([begin, *(gap.begin for gap in met)]), max([until, *(gap.until for gap in met)]))
    gaps[:] = sorted([*(gap for gap in gaps if gap not in met), whole], key=order_of)


def prune(gaps: list[Unseen], horizon: Micros) -> None:
    """Of the long past one is enough for each source: a window of that time that is known still is open, and meets its end."""
    old = [gap for gap in gaps if gap.until < horizon - KEPT]
    if not old:
        return
    kept = [gap for gap in gaps if gap.until >= horizon - KEPT]
    for source in {gap.source for gap in old}:
        mine = [gap for gap in old if gap.source == source]
        kept.append(Unseen(source, min(gap.begin for gap in mine), max(gap.until for gap in mine)))
    gaps[:] = sorted(kept, key=order_of)


def order_of(gap: Unseen) -> tuple[str, Micros, Micros]:
    return gap.source, gap.begin, gap.until


def marks(gaps: list[Unseen], rule: str, start: str, closes: Micros) -> Iterator[Quality]:
    """For a finding of *rule* whose window begins at *start* and closes at *closes*: it meets what lies between what was read."""
    for gap in gaps:
        if gap.source in READS[rule] and start < instant(gap.until) and gap.begin < closes:
            yield "gap"
            return
