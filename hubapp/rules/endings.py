"""How an episode ends, and how an ended one goes on: its own word, its patient, its sensor, its monitor, time."""

from __future__ import annotations

from hubapp.facts import SECOND, AlarmEnded, AlarmFact, AlarmLatched, Micros, Quality
from hubapp.rules.episode import FINAL_AFTER, OPEN_END, Alarm, Break, EndedBy, Episode, Known, patient_of
from hubapp.rules.house import Timeline
from hubapp.rules.moments import Moment, Order, start_of
from hubapp.rules.sightings import Sighting, sighting

RELEASED_WITHIN: Micros = 60 * SECOND
# A patient's session must still be open so long after a lost monitor was heard of again.
SETTLING: Micros = 5 * SECOND
# How long an alarm that is raised after its patient has gone waits for somebody to end it.
STRAY: Micros = 24 * 3600 * SECOND


def happen(alarm: Alarm, moment: Moment, known: Known, house: Timeline) -> list[Episode]:
    """What *moment* does to the episodes that are on its monitor. Returns those that it may have changed."""
    touched = []
    for episode in alarm.episodes:
        if moment.what == "linked":
            if episode.monitor is None:
                linked(episode, moment, house)
                touched.append(episode)
        elif moment.what == "removed" or episode.monitor == moment.monitor:
            expire(episode, known, moment.sent)
            befall(episode, moment, known)
            touched.append(episode)
    return touched


def befall(episode: Episode, moment: Moment, known: Known) -> None:
    match moment.what:
        case "lost":
            lost(episode, moment)
        case "heard":
            heard(episode, known, moment)
        case "opened" | "closed":
            heard(episode, known, moment)
            leave(episode, moment)
        case "contradicted" if episode.signalling:
            episode.mark("patient-conflict")
        case "removed" if episode.open:
            ended(episode, "removed", moment.fact.at, moment.sent, sighting(moment.fact))


def linked(episode: Episode, moment: Moment, house: Timeline) -> None:
    """It is told which monitor the alarm is on; what happened there before says nothing of it."""
    assert moment.monitor is not None
    episode.monitor, episode.serial = moment.monitor, house.serial(moment.monitor)
    episode.linked = moment.order


def lost(episode: Episode, moment: Moment) -> None:
    """A loss that is told counts from its own time, where there was a silence before it."""
    if not episode.signalling:
        return
    if episode.lost is not None:
        episode.losses[-1] = (moment.sent, None)
    else:
        episode.losses.append((moment.sent, None))


def leave(episode: Episode, moment: Moment) -> None:
    """The patient's session closes, or another's opens: that is the end of all its alarms here."""
    mine = patient_of(episode)
    another = moment.what == "opened" and moment.patient != mine
    closes = moment.what == "closed" and (moment.patient is None or moment.patient == mine)
    if mine is None or not (another or closes or episode.stray):
        return
    if episode.as_lost is not None and moment.sent - (episode.returned or 0) <= SETTLING:
        let_go(episode, episode.as_lost)
    episode.gone = True
    if moment.named and closes and episode.released is None and takes_trace(episode, moment.sent):
        episode.released = sighting(moment.fact)
    if episode.open:
        ended(episode, "released", moment.fact.at, moment.sent, sighting(moment.fact))
    elif episode.signalling:
        signal_over(episode, moment.sent)


def takes_trace(episode: Episode, sent: Micros) -> bool:
    """Whether a release is a trace at this alarm: its signal is on, or its sensor was removed just before."""
    removed = episode.ended_by == "removed" and episode.ended_sent is not None and sent - episode.ended_sent <= RELEASED_WITHIN
    return episode.signalling or removed


def heard(episode: Episode, known: Known, word: Moment | AlarmFact) -> None:
    """The monitor is back: the time without it was unobserved, and an alarm that the loss ended was on all the time."""
    since, sent = episode.lost, word.sent
    if since is None:
        return
    if episode.ended_by == "lost":
        if episode.gone or sent - since > known[episode.thresholds].episodes.taken_up * SECOND:
            return
        episode.as_lost, episode.returned = episode.copy(), sent
        take_up(episode, word.order)
    episode.losses[-1] = (since, sent)
    quality: tuple[Quality, ...] = word.fact.quality if isinstance(word, Moment) else word.quality
    if "late" in quality:
        episode.mark("late")


def let_go(episode: Episode, lost: Episode) -> None:
    """The patient was gone when the monitor was back: all that was told since then is of no account."""
    for field in Episode.__struct_fields__:
        setattr(episode, field, getattr(lost, field))


def expire(episode: Episode, known: Known, now: Micros) -> None:
    """Let what waited for time happen, if *now* is later."""
    since = episode.lost
    if since is not None and episode.open and now - since > known[episode.thresholds].episodes.lost * SECOND:
        ended(episode, "lost", since, since, None)
        episode.closes = since + int(known[episode.thresholds].episodes.lost * SECOND)
    if episode.returned is not None and now - episode.returned > SETTLING:
        episode.returned = episode.as_lost = None
    if episode.stray and episode.open and now - episode.start > STRAY:
        ended(episode, "released", episode.start + STRAY, episode.start + STRAY, None)


def waits(episode: Episode) -> bool:
    """Whether time alone may change how it ends."""
    return episode.open and (episode.stray or episode.lost is not None)


def take_up(episode: Episode, order: Order) -> None:
    """The alarm was on all the time: a lost monitor was heard of again, or a list says so, at *order*."""
    if episode.ended_by is not None:
        episode.breaks = [*episode.breaks, Break(episode.ended_by, episode.end, ended_order(episode), order)]
    episode.gone = False
    episode.end = episode.ended_by = episode.ended_at = episode.closes = None
    episode.ended_sent = episode.signal_ended = episode.ending = episode.released = None
    episode.latched_signals = []


def ended_order(episode: Episode) -> Order:
    """When one knew that the condition was over."""
    if episode.ending is not None:
        return episode.ending.order
    decided = episode.closes if episode.ended_by == "lost" else episode.signal_ended if episode.ended_by == "unseen" else None
    return start_of(decided or episode.ended_sent or episode.sent)


def ended(episode: Episode, by: EndedBy, at: Micros, sent: Micros, ending: Sighting | None) -> None:
    """The condition ends at *at*; before its onset, or where the clock is not believed, at *sent*."""
    end = at
    if by in ("cleared", "removed") and (episode.behind or at < episode.start):
        end = sent
        episode.mark("clock-behind")
    episode.end, episode.ended_by, episode.ended_at, episode.ended_sent = max(end, episode.start), by, at, sent
    episode.ending = ending
    episode.signal_ended = sent
    if ending is not None:
        episode.mark(*ending.quality)


def latched(episode: Episode, fact: AlarmLatched) -> None:
    """The condition is gone, its signal stays; told of an end that was told already, the signal is on again."""
    if episode.open:
        ended(episode, "cleared", fact.at, fact.sent, sighting(fact))
    elif episode.ended_by != "cleared" or fact.at != episode.ended_at or episode.acknowledged is not None or episode.gone:
        return
    episode.reports += counted(fact)
    episode.latched = True
    episode.signal_ended = None
    if fact.signal not in episode.latched_signals:
        episode.latched_signals = sorted([*episode.latched_signals, fact.signal])


def cleared(episode: Episode, fact: AlarmEnded) -> None:
    """The signal is off: the condition's end, or somebody's acknowledgement of a latched signal."""
    if episode.open:
        ended(episode, "cleared", fact.at, fact.sent, sighting(fact))
    elif episode.signalling and fact.signal in episode.latched_signals:
        episode.acknowledged = sighting(fact)
        episode.mark(*fact.quality)
        signal_over(episode, fact.sent)
    elif episode.ended_by != "cleared" or fact.at != episode.ended_at:
        return
    episode.reports += counted(fact)


def signal_over(episode: Episode, sent: Micros) -> None:
    if episode.latched_signals:
        episode.signal_ended, episode.latched_signals = sent, []


def counted(fact: AlarmFact) -> int:
    """Updates of the visible or only signal are what is counted: the audible one says the same."""
    return int(fact.signal != "audible")


def closes_at(episode: Episode) -> Micros:
    """When the window closes: the end of the signal and a minute; not yet known for an open one."""
    if episode.signalling or episode.signal_ended is None:
        return OPEN_END
    return max(episode.signal_ended + FINAL_AFTER, episode.closes or episode.signal_ended)


def due_at(episode: Episode, known: Known) -> list[Micros]:
    """The instants behind which time alone changes this episode."""
    dues = [closes_at(episode)]
    if episode.open and episode.lost is not None:
        dues.append(episode.lost + int(known[episode.thresholds].episodes.lost * SECOND))
    if episode.stray and episode.open:
        dues.append(episode.start + STRAY)
    return dues
