"""What each rule concludes, in words to stand beside a finding; docs/rules/ has the whole of it."""

from __future__ import annotations

DEFINITIONS: dict[str, str] = {
    "episodes": (
        "One stretch of one alarm condition of one device. It begins with the first raised while none is open, and ends when the"
        " condition is told as gone, the patient's session closes, the sensor is removed, or its monitor is lost and not back in"
        " time. Both signals of a condition, visible and audible, are one alarm."
    ),
    "attendance": (
        "For each physiological alarm of priority HI or ME: the first evidence of anybody after its onset, and who was"
        " authenticated at it. Evidence is something done at the monitor (nobody is named), a named account's command or change"
        " for this monitor or patient, or a log-in in the alarm's unit. It counts from the onset until the signal ends; the"
        " deadline counts from when that priority was first sent. A log-in is not a person at a bed, and a trace is not a person."
    ),
    "masking": (
        "A technical condition, a removed sensor or a lost monitor hides an alarm of priority HI or ME to which nobody had come:"
        " on the same patient, within the alarm or shortly after its end."
    ),
    "silenced": (
        "Alarming is off where a patient is being monitored: audio off, audio paused for longer than a pause lasts, or a"
        " condition disabled, from the later of that and the session's start until it is on again, released or lost."
    ),
    "nuisance": (
        "An alarm that chatters (several onsets in a short time) or is stale (on for longer than its priority should be)."
        " Onsets that nobody saw begin do not count."
    ),
    "monitored": (
        "When a patient was really monitored: the patient's session on a monitor, without the time in which the monitor was lost."
    ),
    "presence": (
        "Sessions of accounts. One person's account: a log-in opens, a log-out closes; without a log-out the session is assumed"
        " to have ended some days after the last log-in. A shared account's log-ins are counted, and it has no duration."
    ),
    "control": (
        "Each use of an alarm control: audio off or paused, a limit wider or changed, a condition disabled, a named account's"
        " command; and whether anybody was authenticated then. At a monitor nobody is named."
    ),
    "barriers": (
        "Somebody could not log in while a patient alarmed: failed log-ins of one account or client with short gaps and no"
        " success after them, or a lock, within an active HI or ME alarm of that unit."
    ),
    "coverage": (
        "Nobody was authenticated in a staffed unit while it alarmed: no session from an alarm's onset until the grace is over;"
        " and for each hour the minutes with an active HI or ME alarm and no session."
    ),
    "floods": (
        "More alarms in a unit than people can follow: distinct alarms whose onset lies within a sliding window, from when they"
        " are more than the unit's threshold until they are less than half of it."
    ),
    "gaps": (
        "What the hub could not see: records of a source that Kafka had deleted before they were read, or a gateway of which"
        " every monitor fell silent at once."
    ),
}
"""By rule."""

QUALITY: dict[str, str] = {
    "clock-ahead": "a clock was ahead, and was set back to when the record arrived",
    "clock-behind": "a device's clock was behind: the time of sending is taken",
    "clock-absent": "a record had no time of its own: the time of its arrival is taken",
    "time-unsure": "a local time that exists twice, or never",
    "told-late": "first told by a list, long after it began",
    "end-missed": "its end was never seen",
    "late": "a fact came after the time in which it would have counted",
    "gap": "records of a source are missing in its time",
    "backfilled": "told afterwards, from a device's memory",
    "place-unknown": "it is not known where this was",
    "place-unsure": "where this was is not sure",
    "unplaced": "nothing places it in a unit",
    "user-unmatched": "no authentication record ever named this account",
    "shared-account": "an account of many people: it says nothing of one of them",
    "patient-conflict": "records name different patients",
    "limits-unread": "a limit could not be read",
    "excluded": "a test device or a maintenance window: out of all figures",
}
"""What the marks of a finding mean."""
