"""What a record does to a monitor's silences: causes come and go, patients come and leave, the monitor is lost and back."""

from __future__ import annotations

import msgspec

from hubapp.facts import SECOND, Limit, LimitsReported, Micros, MonitorConfigured, fold
from hubapp.rules.accounts import LATE_LOG_OUT
from hubapp.rules.moments import Moment
from hubapp.rules.scene import Event, Scene
from hubapp.rules.sightings import Sighting, plain, sighting
from hubapp.rules.silences import RETURNING, TOLD_LATE, Cause, Silence, Watch, cause_key
from hubapp.rules.stays import Stay, contradicts, copy_of, instant_of, left, placed

AUDIO_OFF, PAUSED = cause_key("audio-off", None), cause_key("paused", None)


def befall(watch: Watch, moment: Moment, event: Event) -> None:
    """Let *moment* happen to the patients and silences of its monitor."""
    sent, copy = moment.sent, copy_of(event)
    if moment.what == "lost":
        lost(watch, sent, copy, silent=getattr(event, "cause", None) == "silent")
    elif moment.what == "heard":
        for silence in watch.going_on(sent):
            silence.settle(sent)
    conflict, gone = contradicts(moment, watch.stays), left(moment, watch.stays)
    for silence in watch.going_on(sent):
        silence.conflict = silence.conflict or conflict
        if fold(silence.patient) in gone:
            release(silence, sent, copy)
    for patient in gone:
        del watch.stays[patient]


def lost(watch: Watch, sent: Micros, copy: Sighting | None, *, silent: bool) -> None:
    """A loss that is told counts from its own time, where there was a silence of the monitor before it."""
    for silence in watch.going_on(sent):
        if silence.end is None or silence.end.how == "lost":
            silence.finish(sent, "lost", copy, TOLD_LATE if silent else 0)
        else:
            silence.settle(sent)


def release(silence: Silence, sent: Micros, copy: Sighting | None) -> None:
    if silence.end is None:
        silence.finish(sent, "released", copy)
    else:
        silence.settle(sent)


def tell(watch: Watch, event: Event, scene: Scene) -> set[str]:
    """What *event* says of audio and limits. Returns the causes that begin, or go on after a break."""
    thresholds = scene.thresholds.silenced
    pause = watch.causes.get(PAUSED)
    if pause is not None and pause.broken is not None and event.order[0] - pause.broken >= thresholds.joins * SECOND:
        del watch.causes[PAUSED]
    if isinstance(event, MonitorConfigured):
        return configured(watch, event)
    if isinstance(event, LimitsReported):
        known = scene.was.limits if scene.was is not None else {}
        return {key for limit in event.limits if (key := limited(watch, event, limit, known.get(limit.condition)))}
    return set()


def configured(watch: Watch, fact: MonitorConfigured) -> set[str]:
    begun, pause = set(), watch.causes.get(PAUSED)
    if fact.audio != "off":
        watch.causes.pop(AUDIO_OFF, None)
    elif AUDIO_OFF not in watch.causes:
        watch.causes[AUDIO_OFF] = Cause("audio-off", None, fact.order, sighting(fact))
        begun.add(AUDIO_OFF)
    if fact.audio != "paused":
        if pause is not None and pause.broken is None:
            pause.broken = fact.sent
    elif pause is None:
        watch.causes[PAUSED] = Cause("paused", None, fact.order, sighting(fact))
        begun.add(PAUSED)
    elif pause.broken is not None:
        pause.broken = None
        join(watch, fact.sent)
        begun.add(PAUSED)
    return begun


def join(watch: Watch, now: Micros) -> None:
    """A pause goes on after a short break."""
    for silence in watch.going_on(now):
        if silence.what == "paused" and silence.end is not None and silence.end.how == "on":
            silence.end = None


def limited(watch: Watch, fact: LimitsReported, limit: Limit, known: Limit | None) -> str | None:
    """Returns the cause that begins: a condition disabled, which has not been until now."""
    key = cause_key("condition-disabled", limit.condition)
    if limit.enabled:
        watch.causes.pop(key, None)
    elif key not in watch.causes:
        copy = msgspec.structs.replace(sighting(fact), used={"monitor": fact.monitor, "limits": plain((limit,))})
        watch.causes[key] = Cause("condition-disabled", limit.condition, fact.order, copy, known is not None and known.enabled)
        return key
    return None


def end(watch: Watch, event: Event) -> None:
    """End the silences whose cause is gone. What a discovery says soon after the return was so when the monitor was back."""
    sent = event.order[0]
    for silence in watch.current.values():
        cause = watch.causes.get(silence.cause)
        if cause is not None and cause.broken is None:
            continue
        if silence.returned and getattr(event, "discovery", False) and sent - silence.sent <= RETURNING:
            watch.silences.remove(silence)
        else:
            waits = int(silence.thresholds.joins * SECOND) if silence.what == "paused" else 0
            silence.finish(sent, "on", copy_of(event), waits)


def begin(
    watch: Watch, monitor: str, event: Event, scene: Scene, causes: set[str], arrived: Stay | None, *, returned: bool
) -> None:  # fmt: skip
    """Begin the silences that there were not: of a new cause, of a new patient, or with the monitor's return."""
    known = watch.current
    for patient, stay in sorted(watch.stays.items()):
        for key, cause in sorted(watch.causes.items()):
            new = returned or stay is arrived or key in causes
            if new and cause.broken is None and (patient, key) not in known and silences(cause, stay, scene):
                silence = silence_of(cause, stay, event, scene, returned=returned)
                placed([silence], monitor, scene)
                watch.silences.append(silence)


def silences(cause: Cause, stay: Stay, scene: Scene) -> bool:
    """A condition counts if it was disabled within the session, or must be on."""
    if cause.condition is None or (cause.changed and cause.order > stay.order):
        return True
    return fold(cause.condition) in {fold(condition) for condition in scene.thresholds.silenced.must_be_on}


def silence_of(cause: Cause, stay: Stay, event: Event, scene: Scene, *, returned: bool) -> Silence:
    copies = {copy.order: copy for copy in (copy_of(event), stay.opening, cause.copy) if copy is not None}
    doubtful = (one.until + LATE_LOG_OUT for one in scene.house.accounts.sessions if one.doubtful_at(event.order))
    return Silence(
        stay.patient, cause.what, cause.condition, instant_of(event), event.order[0], cause.order[0], list(copies.values()),
        scene.present(event.order), scene.thresholds.silenced, returned=returned, doubted=max(doubtful, default=0),
    )  # fmt: skip
