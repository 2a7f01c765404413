"""A finding as one sentence: what happened, and where. Of persons it says nothing, of accounts only that they were open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from hubapp import codes

Finding = dict[str, Any]
Body = dict[str, Any]

ENDED = {
    "cleared": "cleared", "released": "ended with the patient's session", "removed": "ended as its sensor was removed",
    "lost": "ended as its monitor was lost", "unseen": "ended, but its end was never seen",
}  # fmt: skip
SILENCED = {"audio-off": "The audio was off", "paused": "The audio was paused", "condition-disabled": "An alarm was disabled"}
CHANGES = {
    "audio-off": "The audio was switched off", "paused": "The audio was paused", "limits-wider": "The limits were made wider",
    "limits-changed": "The limits were changed", "condition-disabled": "An alarm was disabled", "command": "A command was given",
}  # fmt: skip
WHY = {
    "accounted": "while somebody was authenticated there or at an unknown place",
    "nobody": "while nobody was authenticated",
    "no-session": "by an account that had no session",
    "after-failed-log-ins": "in a session that followed failed log-ins",
    "after-lock": "in a session that followed a lock of the account",
    "history-short": "and too little history was read to say who was authenticated",
}
OUTCOMES: dict[str | None, str] = {
    "resolved": "and it stayed away when that was over",
    "resurfaced": "and it came again",
    "planned": "which was planned: the patient was released",
    "unresolved": "and that did not end in time",
    None: "and whether it comes again is not known yet",
}


def sentence(finding: Finding) -> str:
    """One sentence for whoever asks what happened."""
    said = (
        SENTENCES[finding["rule"]](finding, finding["body"]) if finding["rule"] in SENTENCES else f"A {finding['rule']} finding"
    )
    return f"{said}{REMARKS.get(finding['status'], '')}."


REMARKS = {
    "provisional": " (provisional: it may still change)",
    "amended": " (amended: a fact that came late has changed it)",
    "retracted": " (taken back: it no longer holds)",
}


def episode(finding: Finding, body: Body) -> str:
    ended = "is still on" if body["ended_by"] is None else ENDED.get(body["ended_by"], body["ended_by"])
    after = "" if body["duration"] is None else f" after {seconds(body['duration'])}"
    return f"{alarm(body)}{where(finding)} {ended}{after}"


def attendance(finding: Finding, body: Body) -> str:
    told = f"{alarm(body)}{where(finding)}"
    result, due = body["result"], body["deadline"]
    if result in ("attended", "visited"):
        return f"{told} was {hands(result)} after {seconds(body['seconds'])}, in time"
    if result in ("attended-late", "visited-late"):
        past = between(due, body["first_evidence_at"])
        return f"{told} was {hands(result)} after {seconds(body['seconds'])}, {seconds(past)} past its deadline"
    return f"{told} {RESULTS.get(result, result)}"


RESULTS = {
    "self-resolved": "ended by itself before its deadline",
    "no-evidence": "had no evidence of anybody by its deadline",
    "unobserved": "could not be observed at its deadline",
    "not-judged": "was told late and is not judged",
    "open": "is open: its deadline has not passed",
}


def hands(result: str) -> str:
    return "attended" if result.startswith("attended") else "visited (somebody logged in there)"


TRACES = {
    "acknowledged": "Somebody acknowledged the alarm at the monitor", "audio": "Somebody changed the audio at the monitor",
    "limits": "Somebody changed a limit at the monitor", "released": "The patient's session was closed",
}  # fmt: skip
CLASSES = {"command": "An account gave a command", "change": "An account made a change", "log-in": "Somebody logged in"}


def beside(finding: Finding) -> str | None:
    """Of an alarm's attendance what the trace was, and how many accounts were authenticated at the onset; of others nothing."""
    if finding["rule"] != "attendance":
        return None
    body = finding["body"]
    count, found = body["present_count"], body["evidence_class"]
    present = f"{counted(count, 'account')} authenticated at its onset: that is no trace of anybody."
    if found is None:
        return f"No trace of anybody is known. {present}"
    trace = TRACES.get(body["trace"], "Somebody did something at the monitor") if found == "bedside" else CLASSES[found]
    named_nobody = "; the record names nobody" if body["account"] is None else ""
    return f"{trace}{named_nobody}. {present}"


def masking(finding: Finding, body: Body) -> str:
    for_so_long = "" if body["hidden"] is None else f" for {seconds(body['hidden'])}"
    cause = named(body["cause"])
    return f"{alarm(body)}{where(finding)} was hidden by {cause}{for_so_long}, {OUTCOMES.get(body['outcome'], body['outcome'])}"


def silenced(finding: Finding, body: Body) -> str:
    what = SILENCED[body["what"]] + ("" if body["condition"] is None else f" ({named(body['condition'])})")
    lasted = "and still is" if body["duration"] is None else f"for {seconds(body['duration'])}"
    return f"{what}{where(finding)} {lasted}, level {body['level']}"


def nuisance(finding: Finding, body: Body) -> str:
    what = f"{named(body['condition'])}{where(finding)}"
    if body["kind"] == "stale":
        return f"{what} was on for very long" + ("" if body["duration"] is None else f": {seconds(body['duration'])}")
    return f"{what} chattered: {counted(body['onsets'], 'onset')}" + (
        "" if body["duration"] is None else f" in {seconds(body['duration'])}"
    )


def monitored(finding: Finding, body: Body) -> str:
    told = "is monitored" if body["duration"] is None else f"was monitored for {seconds(body['duration'])}"
    return f"A patient{where(finding)} {told}; the monitor was lost for {seconds(body['unobserved'])}"


STAYED: dict[str | None, str] = {
    None: "is authenticated", "log-out": "was authenticated until its log-out",
    "assumed": "was authenticated, and its end is assumed",
}  # fmt: skip


def presence(finding: Finding, body: Body) -> str:
    who = "A shared account" if body["shared"] else "An account"
    ended = STAYED[body["how_ended"]]
    lasted = "" if body["duration"] is None else f", {seconds(body['duration'])}"
    return f"{who} {ended}{lasted}, with {counted(body['log_ins'], 'log-in')}"


def control(finding: Finding, body: Body) -> str:
    what = CHANGES.get(body["change"], body["change"])
    of = body["operation"] if body["change"] == "command" else body["condition"] and named(body["condition"])
    return f"{what}{f' ({of})' if of else ''}{where(finding)} {WHY.get(body['why'], body['why'])}"


def barriers(finding: Finding, body: Body) -> str:
    tries = "" if body["attempts"] is None else f" after {counted(body['attempts'], 'failed attempt')}"
    what = "An account was locked" if body["why"] == "locked" else "Somebody could not log in"
    return f"{what}{tries} while a patient alarmed{where(finding)}"


def coverage(finding: Finding, body: Body) -> str:
    if body["episode"] is not None:
        return f"Nobody was authenticated{where(finding)} for {seconds(body['uncovered'])} of an alarm"
    minutes = "an unjudged part" if body["uncovered_minutes"] is None else f"{body['uncovered_minutes']:g}"
    return f"Nobody was authenticated{where(finding)} in {minutes} of {body['alarm_minutes']:g} minutes with an alarm"


def floods(finding: Finding, body: Body) -> str:
    return f"A flood of {body['onsets']} alarms{where(finding)}, at most {body['peak']} in one window"


def gaps(finding: Finding, body: Body) -> str:
    if body["why"] == "gateway-silent":
        return "Nothing of any monitor was seen: all of them were silent at once"
    return f"{counted(body['missing'], 'record')} of {body['source']} could not be seen ({body['why']})"


SENTENCES: dict[str, Callable[[Finding, Body], str]] = {
    "episodes": episode, "attendance": attendance, "masking": masking, "silenced": silenced, "nuisance": nuisance,
    "monitored": monitored, "presence": presence, "control": control, "barriers": barriers, "coverage": coverage,
    "floods": floods, "gaps": gaps,
}  # fmt: skip


def alarm(body: Body) -> str:
    return f"{named(body['condition'])} ({body['priority']})"


def named(condition: str | None) -> str:
    known = {"monitor-lost": "the loss of the monitor", "sensor-removed": "the removal of the sensor"}
    return known.get(condition or "", str(codes.names.get(condition or "", condition or "nothing")))


def where(finding: Finding) -> str:
    """The bed, else the monitor, else the device; and the units."""
    kinds = ("bed", "monitor", "device")
    spot = next((spoken(kind, finding[kind]) for kind in kinds if finding[kind]), None)
    units = ", ".join(finding["units"])
    return (f" at {spot}" if spot else "") + (f"{' of' if spot else ' in'} {units}" if units else "")


def spoken(kind: str, name: str) -> str:
    return name if name.casefold().startswith(kind) else f"{kind} {name}"


def seconds(value: float) -> str:
    return f"{round(value, 3):,.10g} s" if value < 7200 else f"{value / 3600:.1f} h"


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()
