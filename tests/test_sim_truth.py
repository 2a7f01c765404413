"""The ground truth of one alarm, case by case, and what the comparison says of findings that differ from it."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.facts import SECOND, iso
from hubapp.sim.alarms import Act, Alarm, Loss
from hubapp.sim.compare import Score, compare
from hubapp.sim.presence import LogIn, Presence
from hubapp.sim.truth import Scene, truths

T0 = 1_791_795_600 * SECOND


def s(seconds: float) -> int:
    return T0 + round(seconds * SECOND)


def alarm(**changed: Any) -> Alarm:
    """HI, begun at 0 s, told at once, cleared and told so at 300 s."""
    told: dict[str, Any] = {
        "patient": "P", "monitor": "M", "unit": "U", "device": "D", "device_code": "Nonin 3150", "condition": "spo2-low",
        "kind": "physiological", "start": s(0), "priority": "HI", "limits": (90.0, None), "told": s(0),
        "priorities": [(s(0), "HI")], "reports": 2, "end": s(300), "end_sent": s(300),
        "ended_by": "cleared", "signal_end": s(300), "told_last": s(300),
    }  # fmt: skip
    return Alarm(**{**told, **changed})


def scene(*losses: Loss, units: int = 2, log_ins: tuple[LogIn, ...] = ()) -> Scene:
    presence = Presence()
    presence.log_ins += log_ins
    for log_in in log_ins:
        presence.change(log_in.sent, [*presence.now(), (log_in.id, log_in.name)])
    return Scene(losses, presence, units, True, s(4000))


def attendance(told: Alarm, where: Scene | None = None) -> dict[str, Any]:
    body: dict[str, Any] = truths(told, where or scene())[1]["body"]
    return body


def episode(told: Alarm, where: Scene | None = None) -> dict[str, Any]:
    body: dict[str, Any] = truths(told, where or scene())[0]["body"]
    return body


HAND = Act(s(60), "bedside", "audio")
ENDS_AT_ONCE = {"end": s(50), "end_sent": s(50), "signal_end": s(50)}


@pytest.mark.parametrize(
    ("told", "losses", "result"),
    [
        (alarm(acts=[HAND]), [], "attended"),
        (alarm(acts=[Act(s(61), "command", "X", "u")]), [], "attended-late"),
        (alarm(acts=[Act(s(301), "bedside", "audio")]), [], "no-evidence"),
        (alarm(acts=[Act(s(0), "bedside", "audio")]), [], "attended"),
        (alarm(end=s(60), end_sent=s(60), signal_end=s(60)), [], "self-resolved"),
        (alarm(end=s(59), end_sent=s(61), signal_end=s(61)), [], "no-evidence"),
        (alarm(latched=True, end=s(20), end_sent=s(20)), [], "no-evidence"),
        (alarm(told_late=True), [], "not-judged"),
        (alarm(told_late=True, acts=[HAND]), [], "attended"),
        (alarm(), [Loss(s(50), s(70))], "unobserved"),
        (alarm(), [Loss(s(20), s(60))], "no-evidence"),
        (alarm(), [Loss(s(60), s(90))], "unobserved"),
        (alarm(**ENDS_AT_ONCE), [Loss(s(20), s(40))], "self-resolved"),
        (alarm(**{**ENDS_AT_ONCE, "ended_by": "removed"}), [], "unobserved"),
        (alarm(**{**ENDS_AT_ONCE, "ended_by": "released"}), [], "unobserved"),
        (alarm(ended_by="released"), [], "no-evidence"),
        (alarm(ended_by="unseen", end=None, end_sent=None, told_last=s(0)), [], "unobserved"),
        (alarm(priorities=[(s(0), "ME"), (s(170), "HI")]), [], "no-evidence"),
        (alarm(priorities=[(s(0), "LO"), (s(250), "ME")]), [], "self-resolved"),
    ],
)
def test_the_result_is_the_first_that_holds(told: Alarm, losses: list[Loss], result: str) -> None:
    assert attendance(told, scene(*losses))["result"] == result


def test_of_two_deadlines_the_one_that_passes_first_counts() -> None:
    assert attendance(alarm(priorities=[(s(0), "ME"), (s(30), "HI")]))["deadline"] == iso(s(90))
    assert attendance(alarm(priorities=[(s(0), "ME"), (s(170), "HI")]))["deadline"] == iso(s(180))


def test_a_hand_in_time_goes_before_a_log_in_and_a_log_in_in_time_before_a_late_hand() -> None:
    log_in = LogIn(s(20), "id-7", "u7", None)
    one_unit = scene(units=1, log_ins=(log_in,))
    assert attendance(alarm(acts=[HAND]), one_unit)["evidence_class"] == "bedside"
    late = attendance(alarm(acts=[Act(s(90), "bedside", "audio")]), one_unit)
    assert (late["result"], late["account"], late["seconds"]) == ("visited", {"one_of": ["id-7", "u7"]}, 20.0)


def test_in_a_hub_of_two_units_a_log_in_of_unknown_place_decides_nothing() -> None:
    body = attendance(alarm(), scene(log_ins=(LogIn(s(20), "id-7", "u7", None),)))
    assert (body["result"], body["log_in_elsewhere_at"]) == ("no-evidence", iso(s(20)))
    body = attendance(alarm(), scene(log_ins=(LogIn(s(20), "id-7", "u7", "U"),)))
    assert (body["result"], body["log_in_elsewhere_at"]) == ("visited", None)


def test_who_was_present_is_told_as_of_the_onset() -> None:
    where = scene(log_ins=(LogIn(s(-60), "a", "u1", None), LogIn(s(30), "b", "u2", None)))
    body = attendance(alarm(acts=[HAND]), where)
    assert (body["present"], body["present_count"]) == ([{"account": "u1", "id": "a"}], 1)
    assert [one["id"] for one in body["present_then"]] == ["a", "b"]


def test_what_hangs_on_a_hair_is_left_open() -> None:
    body = attendance(alarm(acts=[Act(s(60.02), "bedside", "audio")]))
    assert "result" not in body
    assert body["deadline"] == iso(s(60))
    assert "present" not in attendance(alarm(), scene(log_ins=(LogIn(s(0.01), "a", "u1", None),)))


def test_unobserved_is_the_time_that_the_monitor_was_away_while_the_condition_held() -> None:
    assert episode(alarm(), scene(Loss(s(10), s(40)), Loss(s(100), s(130))))["unobserved"] == 60.0
    assert episode(alarm(), scene(Loss(s(-90), s(-30)), Loss(s(400), s(430))))["unobserved"] == 0.0
    assert "unobserved" not in episode(alarm(), scene(Loss(s(290), s(330))))


@pytest.mark.parametrize(
    ("changed", "fleeting"),
    [
        ({"end": s(9.9)}, True),
        ({"end": s(10)}, False),
        ({"end": s(5), "next_onset": s(40)}, False),
        ({"end": s(5), "previous_onset": s(-80)}, True),
        ({"end": s(5), "ended_by": "removed"}, False),
    ],
)
def test_fleeting_is_short_cleared_and_not_repeated(changed: dict[str, Any], fleeting: bool) -> None:
    assert episode(alarm(**changed))["fleeting"] is fleeting


def test_nothing_is_expected_of_an_alarm_that_nobody_was_told_of() -> None:
    assert truths(alarm(told=None), scene()) == []


# Comparison


def truth() -> list[dict[str, Any]]:
    return [*truths(alarm(acts=[HAND]), scene(log_ins=(LogIn(s(-60), "a", "u1", None),))), {"summary": {}}]


def findings() -> list[dict[str, Any]]:
    """As the hub would publish them."""
    episode, attendance, _ = truth()
    shared = {"revision": 3, "status": "final", "quality": [], "monitor": "m", "patient": "p", "device": "d", "start": iso(s(0))}
    first = {**shared, "id": "e", "rule": "episodes", "end": iso(s(300)), "body": episode["body"]}
    return [first, {**shared, "id": "a", "rule": "attendance", "end": None, "body": {**attendance["body"], "episode": "e"}}]


def with_body(place: int, **changed: Any) -> list[dict[str, Any]]:
    told = findings()
    told[place]["body"] = {**told[place]["body"], **changed}
    return told


def with_envelope(place: int, **changed: Any) -> list[dict[str, Any]]:
    told = findings()
    told[place].update(changed)
    return told


def wrong(found: list[dict[str, Any]]) -> Score:
    score = compare(truth(), found)
    assert not score.exact
    return score


def test_what_is_as_expected_scores_one() -> None:
    score = compare(truth(), findings())
    assert score.exact
    assert not score.differences
    assert score.summary()["episodes"] == {"expected": 1, "found": 1, "right": 1, "precision": 1.0, "recall": 1.0}


def test_times_and_numbers_may_differ_by_a_millisecond() -> None:
    assert compare(truth(), with_envelope(0, start=iso(s(0.001)), end=iso(s(300.001)))).exact
    assert compare(truth(), with_body(0, duration=300.001)).exact


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (with_body(0, duration=300.002), "duration 300.002, expected 300.0"),
        (with_body(0, fleeting=True), "fleeting True, expected False"),
        (with_body(0, fleeting=0), "fleeting 0, expected False"),
        (with_body(0, limits=None), "limits None"),
        (with_body(0, limits={"lower": 90.0}), "limits {"),
        (with_body(1, result="no-evidence"), "result no-evidence, expected attended"),
        (with_body(1, account="u1"), "account u1, expected None"),
        (with_body(1, present=[]), "present []"),
        (with_body(1, present=[{"account": "u1", "id": "b"}]), "present [{"),
        (with_body(1, episode="another"), "episode another, expected e"),
        (with_envelope(0, end=None), "end None"),
        (with_envelope(0, monitor="other"), "monitor other, expected M"),
        (with_envelope(0, status="provisional"), "status provisional, expected final"),
    ],
)
def test_each_planted_difference_is_told(found: list[dict[str, Any]], words: str) -> None:
    score = wrong(found)
    assert len(score.differences) == 1
    assert words in score.differences[0]


def test_a_body_without_a_field_of_the_contract_is_wrong() -> None:
    found = findings()
    found[0]["body"] = {name: value for name, value in found[0]["body"].items() if name != "reports"}
    assert "reports is absent" in wrong(found).differences[0]


def test_a_missing_finding_costs_recall_and_an_extra_one_precision() -> None:
    missing = compare(truth(), findings()[1:])
    assert (missing.rules["episodes"].precision, missing.rules["episodes"].recall) == (1.0, 0.0)
    extra = compare(truth(), [*findings(), {**findings()[0], "id": "x"}])
    assert (extra.rules["episodes"].precision, extra.rules["episodes"].recall) == (0.5, 1.0)
    assert "not expected" in extra.differences[0]


def test_two_milliseconds_off_is_another_episode() -> None:
    score = wrong(with_envelope(0, start=iso(s(0.002))))
    assert [("not found" in words, "not expected" in words) for words in score.differences] == [(True, False), (False, True)]


def test_the_newest_revision_counts_and_a_retracted_finding_does_not() -> None:
    older = {**with_body(0, duration=7)[0], "revision": 2}
    assert compare(truth(), [*findings(), older]).exact
    retracted = {**findings()[0], "id": "r", "start": iso(s(9)), "status": "retracted"}
    assert compare(truth(), [*findings(), retracted]).exact
    assert "not found" in wrong([*findings(), {**findings()[0], "revision": 4, "status": "retracted"}]).differences[0]


def test_an_open_alarm_is_expected_provisional() -> None:
    told = truths(alarm(end=None, end_sent=None, ended_by=None, signal_end=None), scene())
    assert {(one["status_expected"], one["open"]) for one in told} == {("provisional", True)}


def test_further_differences_are_counted() -> None:
    score = compare(truth(), [], most=1)
    assert (len(score.differences), score.more) == (1, 1)
