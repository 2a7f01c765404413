"""One alarm as the hub remembers it: its summary, the facts held behind the horizon, and what was told of it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

import msgspec

from hubapp.facts import SECOND, Micros, iso
from hubapp.findings import Finding
from hubapp.rules import attendance, endings, episodes, evidence
from hubapp.rules.episode import OPEN_END, Alarm, Episode, Held, Known, identity, patient_of
from hubapp.rules.evidence import Attendances, judged
from hubapp.rules.house import Timeline
from hubapp.rules.moments import EARLIEST, LATEST, Order, start_of
from hubapp.rules.short import is_due, short
from hubapp.rules.told import EpisodeTold

# The newest episode of an alarm is compared with what comes later: so long, and longer while its patient is still there.
NEWEST_KEPT = 24 * 3600 * SECOND
STILL_THERE_KEPT = 30 * NEWEST_KEPT


class Clock(msgspec.Struct, frozen=True):
    """As of when something is concluded: the watermark, and where it stood at the progress before."""

    now: Micros
    before: Micros


class Tip:
    """The summary with all held facts applied. order: the last that was applied; looked: how far evidence was looked for.

    By start of the episode: dues, attended: behind which instant time alone changes its finding, its attendance; ends: that
    of its last window.
    """

    def __init__(self, alarm: Alarm, attendances: Attendances) -> None:
        self.alarm = alarm.copy()
        self.attendances = {start: attendance.copy() for start, attendance in attendances.items()}
        self.order: Order = EARLIEST
        self.looked: Order | None = None
        self.dues: dict[Micros, Micros] = {}
        self.attended: dict[Micros, Micros] = {}
        self.ends: dict[Micros, Micros] = {}


class Remembered:
    """An alarm: its summary and attendances up to the horizon, its held facts, its findings as they were last told, by id."""

    def __init__(self, alarm: Alarm, attendances: Attendances, told: dict[str, Finding]) -> None:
        self.alarm, self.attendances, self.told = alarm, attendances, told
        self.held: list[Held] = []
        self.tip: Tip | None = None
        self.timeline: Timeline | None = None
        self._waiting: list[Held] = []
        self._closed: set[Micros] = set()
        self.until: Micros = OPEN_END
        self.due: Micros = OPEN_END

    def hold(self, held: Held) -> None:
        if self.reached < held.order:
            self._waiting.append(held)
        elif self.tip is not None:
            self.begin_anew()
        if not self.held or self.held[-1].order < held.order:
            self.held.append(held)
        else:
            insort(self.held, held, key=lambda known: known.order)

    def let_go(self, after: Order) -> list[Held]:
        """Hold no more what comes behind *after*."""
        index = bisect_left(self.held, after, key=lambda held: held.order)
        gone, self.held = self.held[index:], self.held[:index]
        if gone:
            self.begin_anew()
        return gone

    def begin_anew(self) -> None:
        """Go on from the summary, and tell all of it again."""
        self.tip, self._waiting, self._closed = None, [], set()

    @property
    def closed(self) -> bool:
        """Whether nothing is held, and nothing but late word can change what was told."""
        return not self.held and all(episode.start in self._closed for episode in self.alarm.episodes)

    @property
    def reached(self) -> Order:
        return self.tip.order if self.tip else LATEST

    @property
    def monitors(self) -> set[str | None]:
        return {episode.monitor for episode in (self.tip.alarm if self.tip else self.alarm).episodes}

    @property
    def doubtful(self) -> bool:
        """Whether a log-out, told late, may still say who was there."""
        return any(evidence.doubtful(attendance) for attendance in (self.tip or self).attendances.values())

    # Concluding.

    def conclude(self, house: Timeline, known: Known, clock: Clock, cluster: str, everything: bool) -> Iterator[Finding]:
        """Yield the findings that are new or changed; everything: names or places were learnt."""
        again = self.tip is None or self.timeline is not house
        if again:
            self.timeline, self.tip, self._waiting = house, Tip(self.alarm, self.attendances), list(self.held)
        assert self.tip is not None
        tip = self.tip
        touched = self._advance(tip, house, known)
        shown = tip.alarm.episodes
        for index, episode in enumerate(shown):
            start = episode.start
            if everything or start in touched or (again and start not in self._closed):
                tip.dues[start] = tip.attended[start] = -OPEN_END
            elif again:
                tip.dues[start] = tip.attended[start] = OPEN_END
                tip.ends[start] = ends(episode, known)
            if tip.dues[start] < clock.now or tip.attended[start] < clock.now:
                episode.place = house.decided(episode.monitor, episode.linked[0], episode.place)
                following = shown[index + 1].start if index + 1 < len(shown) else None
                yield from self._tell(tip, episode, following, house, known, clock, cluster)
        if again:
            yield from self._retractions(shown)
        self.due = min((*tip.dues.values(), *tip.attended.values()), default=OPEN_END)
        self.until = max(tip.ends.values(), default=OPEN_END)

    def _advance(self, tip: Tip, house: Timeline, known: Known) -> set[Micros]:
        """Apply what was not yet applied. Returns the starts of the episodes that it may have changed."""
        waiting, self._waiting = sorted(self._waiting, key=lambda held: held.order), []
        touched = {episode.start for episode in episodes.advance(tip.alarm, waiting, house, known, tip.order)}
        tip.order = max(tip.order, episodes.latest(tip.alarm, house), *(held.order for held in waiting[-1:]))
        touched |= evidence.advance(tip.attendances, tip.alarm, house, known, tip.looked, touched)
        tip.looked = house.tip
        return touched

    def _tell(
        self, tip: Tip, episode: Episode, following: Micros | None, house: Timeline, known: Known, clock: Clock, cluster: str
    ) -> Iterator[Finding]:  # fmt: skip
        """What is found of one episode, where it is new: it was touched, or time has changed it."""
        start, now = episode.start, clock.now
        seen = episodes.as_of(episode, known, now)
        waits = endings.due_at(seen, known)
        tip.ends[start] = ends(episode, known)
        if tip.dues[start] < now:
            yield from self._news(episodes.found(seen, following, house, known, now, cluster), waits[0], clock)
            tip.dues[start] = min((due for due in waits if due >= now), default=OPEN_END)
        if tip.attended[start] < now or len(waits) > 1:  # How it ends is open to time: so is what is found of its attendance.
            dues = attendance.due_at(seen, known) if judged(seen) else []
            if dues:
                found = attendance.found(tip.attendances[start], seen, house, known, now, cluster)
                yield from self._news(found, dues[-1], clock)
            tip.attended[start] = min((due for due in (*dues, *waits[1:]) if due >= now), default=OPEN_END)

    def _news(self, finding: Finding, closes: Micros, clock: Clock) -> Iterator[Finding]:
        """Final: this progress closed the window. Amended: an earlier one had, and it is not what was told then."""
        status, before = finding.status, self.told.get(finding.id)
        if before is None:
            finding.revision = 1
        else:
            finding.status, finding.revision = before.status, before.revision
            closed = before.status in ("final", "amended")
            if finding == before and before.status != "retracted" and closed == (status == "final"):
                return
            finding.revision += 1
        finding.status = status if status == "provisional" or closes >= clock.before else "amended"
        self.told[finding.id] = finding
        yield finding

    def _retractions(self, current: list[Episode]) -> Iterator[Finding]:
        """What is no longer so; where another id took its place, that one is named."""
        ids = {identity(episode, "episodes") for episode in current}
        ids |= {identity(episode, "attendance") for episode in current if judged(episode)}
        gone = [told for told in self.told.values() if told.id not in ids and told.status != "retracted"]
        for told in sorted(gone, key=lambda told: told.id):
            finding = msgspec.structs.replace(
                told, status="retracted", revision=told.revision + 1, replaced_by=heir(told, current)
            )
            self.told[finding.id] = finding
            yield finding

    def shorts(self, house: Timeline, known: Known, now: Micros) -> Iterator[EpisodeTold]:
        """What other rules are told of its episodes, also of those that are no more."""
        assert self.tip is not None
        shown = [episodes.as_of(episode, known, now) for episode in self.tip.alarm.episodes]
        for previous, episode in zip([None, *shown], shown, strict=False):
            due, found = is_due(episode, known, now), self.told.get(identity(episode, "attendance"))
            verdict = None if due is None or found is None else (due, found.body["result"])
            yield short(episode, previous, self.tip.attendances.get(episode.start), verdict, house)
        retracted = (told.id for told in self.told.values() if told.rule == "episodes" and told.status == "retracted")
        yield from (EpisodeTold(id=name) for name in retracted)

    # Letting go.

    def settle(self, house: Timeline, known: Known, since: Micros, horizon: Micros) -> tuple[list[Held], bool]:
        """Fold what lies between *since* and *horizon* into the summary.

        Returns the facts that are held no more, and whether the summary changed.
        """
        index = bisect_left(self.held, start_of(horizon), key=lambda held: held.order)
        passed, self.held = self.held[:index], self.held[index:]
        closed = {
            episode.start: episode
            for episode in self.alarm.episodes
            if ends(episode, known) < since and house.is_decided(episode.monitor, episode.place)
        }
        if not passed and len(closed) == len(self.alarm.episodes):
            self._closed = {*closed}
            return passed, False
        before = self.alarm, self.attendances
        self.alarm = episodes.settle(self.alarm, passed, house, known)
        self.attendances = evidence.settle(self.attendances, self.alarm, house, known)
        self._keep(house)
        self._closed = {start for start, episode in closed.items() if self._is_as_it_was(episode, known)}
        return passed, bool(passed) or (self.alarm, self.attendances) != before

    def _keep(self, house: Timeline) -> None:
        """Let the tip know what was decided up to the horizon, before that is forgotten."""
        for start, found in self.tip.attendances.items() if self.tip is not None else ():
            if (settled := self.attendances.get(start)) is not None:
                evidence.keep(found, house, settled)

    def _is_as_it_was(self, before: Episode, known: Known) -> bool:
        """Whether neither the facts that have passed nor the episode that follows by them say anything else of it."""
        index = next(i for i, episode in enumerate(self.alarm.episodes) if episode.start == before.start)
        following = self.alarm.episodes[index + 1].start if index + 1 < len(self.alarm.episodes) else None
        same_length = episodes.fleeting(before, following, known) == episodes.fleeting(before, None, known)
        doubtful = before.start in self.attendances and evidence.doubtful(self.attendances[before.start])
        return same_length and not doubtful and self.alarm.episodes[index] == before

    def forget(self, house: Timeline, known: Known, horizon: Micros) -> bool:
        """Drop the episodes that nothing can change any more; the newest stays longer, since later facts are compared with it."""
        newest = self.alarm.newest
        gone = {
            episode.start
            for episode in self.alarm.episodes
            if (end := self._end_of(episode, known)) < horizon
            and (episode is not newest or end < horizon - kept_after(episode, house))
        }
        if gone:
            self._drop(gone)
        starts = {iso(start) for start in gone}
        outlived = [told.id for told in self.told.values() if told.start in starts or outlives(told, horizon)]
        for name in outlived:
            del self.told[name]
        return bool(gone or outlived)

    def _end_of(self, episode: Episode, known: Known) -> Micros:
        """As the tip has it, where there is one: what ends behind the horizon there is not over yet here."""
        told = self.tip.ends.get(episode.start) if self.tip is not None else None
        return ends(episode, known) if told is None else told

    def _drop(self, gone: set[Micros]) -> None:
        self.alarm.episodes = [episode for episode in self.alarm.episodes if episode.start not in gone]
        for start in gone:
            self.attendances.pop(start, None)
        if self.tip is not None:
            self.tip.alarm.episodes = [episode for episode in self.tip.alarm.episodes if episode.start not in gone]
            for start in gone:
                self.tip.attendances.pop(start, None)
                self.tip.dues.pop(start, None)
                self.tip.attended.pop(start, None)
                self.tip.ends.pop(start, None)

    @property
    def empty(self) -> bool:
        return not self.held and not self.alarm.episodes


def outlives(told: Finding, horizon: Micros) -> bool:
    """A retracted finding is remembered for a day: its revisions must go on growing."""
    return told.status == "retracted" and told.start < iso(max(0, horizon - NEWEST_KEPT))


def heir(told: Finding, current: Iterable[Episode]) -> str | None:
    """The finding of the same rule whose start is the nearest."""
    mine = [e for e in current if told.rule == "episodes" or judged(e)]
    starts = {identity(episode, told.rule): iso(episode.start) for episode in mine}
    later = sorted((start, name) for name, start in starts.items() if start >= told.start)
    earlier = sorted((start, name) for name, start in starts.items() if start < told.start)
    return earlier[-1][1] if earlier else later[0][1] if later else None


def kept_after(episode: Episode, house: Timeline) -> Micros:
    """How long the newest episode is remembered: a patient who is still there may be told of again by a list."""
    there = episode.monitor is not None and house.session(episode.monitor, LATEST) == ("open", patient_of(episode))
    return STILL_THERE_KEPT if there else NEWEST_KEPT


def ends(episode: Episode, known: Known) -> Micros:
    """The last instant of any of an episode's windows."""
    if episode.ended_by == "lost" and not episode.gone and episode.lost is not None:
        return episode.lost + int(known[episode.thresholds].episodes.taken_up * SECOND)
    closes = endings.closes_at(episode)
    return max(closes, attendance.due_at(episode, known)[-1]) if judged(episode) else closes
