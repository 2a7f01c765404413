"""One alarm as the hub remembers it: its summary, the facts held behind the horizon, and what was told of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

import msgspec

from hubapp.facts import SECOND, Micros, iso
from hubapp.findings import Finding, Status, canonical
from hubapp.rules import attendance, episodes
from hubapp.rules.attendance import Attendances
from hubapp.rules.episodes import OPEN_END, Alarm, Episode, Held, Known
from hubapp.rules.house import Timeline

# The newest episode of an alarm is compared with what comes later, at most so long.
NEWEST_KEPT = 24 * 3600 * SECOND


class Told(msgspec.Struct):
    """A finding as it was last told. content: canonical JSON without revision and status."""

    finding: Finding
    content: bytes


class Remembered:
    """An alarm: *patient* is the folded subject by which it is kept."""

    def __init__(self, alarm: Alarm, attendances: Attendances, told: dict[str, Told]) -> None:
        self.alarm, self.attendances, self.told = alarm, attendances, told
        self.held: list[Held] = []
        self.monitors: set[str | None] = {episode.monitor for episode in alarm.episodes}
        self.until: Micros = OPEN_END
        self.due: Micros = OPEN_END

    def hold(self, held: Held) -> None:
        insort(self.held, held, key=lambda known: known.order)

    def conclude(self, house: Timeline, known: Known, watermark: Micros | None, cluster: str) -> Iterator[Finding]:
        """Yield the findings that are new or changed, as of *watermark*."""
        now = watermark if watermark is not None else -OPEN_END
        alarm = episodes.as_of(episodes.settle(self.alarm, self.held, house, known), known, now)
        found = list(episodes.findings(alarm, known, now, cluster))
        found += attendance.evaluate(self.attendances, alarm, house, known, now, cluster)
        self._look_ahead(alarm, known, now)
        yield from self._news(found)

    def _look_ahead(self, alarm: Alarm, known: Known, now: Micros) -> None:
        """When time alone will change a finding, and until when facts of the house may."""
        dues = [due for e in alarm.episodes for due in (*episodes.due_at(e, known), *attendance.due_at(e, known)) if due >= now]
        self.due = min(dues, default=OPEN_END)
        self.until = max((ends(episode, known) for episode in alarm.episodes), default=OPEN_END)
        self.monitors = {episode.monitor for episode in alarm.episodes}

    def _news(self, found: list[Finding]) -> Iterator[Finding]:
        for finding in found:
            content = content_of(finding)
            before = self.told.get(finding.id)
            if before is None:
                finding.revision = 1
            elif before.content != content or (before.finding.status == "provisional" and finding.status == "final"):
                finding.revision = before.finding.revision + 1
                if before.finding.status != "provisional":
                    finding.status = "amended"
            else:
                continue
            self.told[finding.id] = Told(finding, content)
            yield finding
        yield from self._retractions(found)

    def _retractions(self, found: list[Finding]) -> Iterator[Finding]:
        """What is no longer so; where another id took its place, that one is named."""
        current = {finding.id for finding in found}
        for told in [t for t in self.told.values() if t.finding.id not in current and t.finding.status != "retracted"]:
            others = [f for f in found if f.rule == told.finding.rule]
            heir = min(others, key=lambda f: (abs(_distance(f.start, told.finding.start)), f.id), default=None)
            finding = msgspec.structs.replace(
                told.finding, status="retracted", revision=told.finding.revision + 1, replaced_by=heir.id if heir else None
            )
            self.told[finding.id] = Told(finding, b"")
            yield finding

    def settle(self, house: Timeline, known: Known, horizon: Micros) -> list[Held]:
        """Fold what lies before *horizon* into the summary; return the facts that are held no more."""
        index = bisect_left(self.held, (horizon, "", -1, -1, -1), key=lambda known: known.order)
        passed, self.held = self.held[:index], self.held[index:]
        self.alarm = episodes.settle(self.alarm, passed, house, known)
        self.attendances = attendance.settle(self.attendances, self.alarm, house, known)
        return passed

    def forget(self, known: Known, horizon: Micros) -> None:
        """Drop the episodes that nothing can change any more; the newest stays a day, since later facts are compared with it."""
        kept = []
        for episode in self.alarm.episodes:
            keep = NEWEST_KEPT if episode is self.alarm.newest else 0
            if ends(episode, known) >= horizon - keep:
                kept.append(episode)
        gone = {e.start for e in self.alarm.episodes} - {e.start for e in kept}
        self.alarm = Alarm(kept)
        for start in gone:
            self.attendances.pop(start, None)
        starts = {iso(start) for start in gone}
        self.told = {
            i: told for i, told in self.told.items() if told.finding.start not in starts and not _outlived(told.finding, horizon)
        }

    @property
    def empty(self) -> bool:
        return not self.held and not self.alarm.episodes


def _outlived(finding: Finding, horizon: Micros) -> bool:
    return finding.status == "retracted" and finding.start < iso(max(0, horizon - NEWEST_KEPT))


def _distance(one: str, other: str) -> int:
    return 0 if one == other else 1


def ends(episode: Episode, known: Known) -> Micros:
    """The last instant of any of an episode's windows."""
    if episode.ended_by == "lost" and not episode.gone and episode.lost is not None:
        return episode.lost + int(known[episode.thresholds].episodes.taken_up * SECOND)
    due = attendance.deadline(episode, known[episode.thresholds].attendance) if attendance.judged(episode) else episode.sent
    return max(episodes.closes_at(episode), attendance.closes_at(episode, due))


def content_of(finding: Finding) -> bytes:
    """All but revision and status, as one compares it."""
    status: Status = finding.status
    finding.status, revision, finding.revision = "provisional", finding.revision, 0
    content = canonical(finding)
    finding.status, finding.revision = status, revision
    return content
