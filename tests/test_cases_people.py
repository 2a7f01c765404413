"""Troubles that readers of sign-in logs have published, from the record to the finding."""

from __future__ import annotations

import pytest

from hubapp.facts import SECOND, iso
from hubapp.findings import Finding
from hubapp.thresholds import PresenceThresholds, Thresholds
from tests.timeline import instant
from tests.written import Found, Story, account, story

DAY = 86_400 * SECOND


def at(text: str) -> str:
    return iso(instant(text))


def after(days: int, seconds: int) -> int:
    return instant("0:00") + days * DAY + seconds * SECOND


# Sessions that end without saying so


@story
def sessions_of_a_week() -> Story:
    told = Story()
    told.monitor("M", "P")
    early, silent, slow = account("early"), account("silent"), account("slow")
    told.older.log_in(after(-1, 0), early, None)
    told.older.log_out(after(-1, 90), early, None)
    told.older.log_in(after(0, 0), silent, None)
    told.older.log_in(after(0, 75), slow, None)
    for seconds, by in ((-2, silent), (2, silent), (200, slow)):
        told.platform.command(after(7, seconds), by.id, told.devices["M"], "ALARM_VALIDATION_ON", by_serial=False)
    told.older.log_out(after(7, 475), slow, None)
    return told


def test_without_a_log_out_a_session_is_taken_as_over_after_its_days() -> None:
    found = sessions_of_a_week().concluded()
    presence = found.one("presence", account=account("silent").id)
    assert (presence.body["how_ended"], presence.body["duration"]) == ("assumed", 7 * 86_400)
    assert [one.body["why"] for one in found.of("control", account=account("silent").id)] == ["accounted", "no-session"]


def test_a_log_out_soon_after_the_assumed_end_is_the_end() -> None:
    found = sessions_of_a_week().concluded()
    presence = found.one("presence", account=account("slow").id)
    assert (presence.body["how_ended"], presence.body["duration"]) == ("log-out", 7 * 86_400 + 400)
    assert found.one("control", account=account("slow").id).body["why"] == "accounted"


def test_until_that_log_out_comes_the_end_is_assumed_and_the_act_after_it_in_doubt() -> None:
    slow, story = account("slow").id, sessions_of_a_week()
    before, after = story.concluded("168:05:00"), story.concluded()
    assumed, act = before.one("presence", account=slow), before.one("control", account=slow)
    assert (assumed.body["how_ended"], assumed.status) == ("assumed", "provisional")
    assert (act.body["why"], act.status) == ("no-session", "provisional")
    assert (after.one("presence", account=slow).id, after.one("control", account=slow).id) == (assumed.id, act.id)


# An id here, a name there


def known_by_two_names(log_out: bool) -> Story:
    told = Story()
    told.monitor("M", "P")
    told.older.log_in(instant("-0:30"), account("uma"), None)
    told.alarm("P", "0:03", "1:45")
    told.command("uma", "1:10")
    if log_out:
        with told.arriving("3:30"):
            told.log_out("uma", "2:10")
    return told


@story
def an_account_that_is_matched_late() -> Story:
    return known_by_two_names(log_out=True)


def test_until_id_and_name_are_matched_a_command_is_accounted_with_a_mark() -> None:
    found = known_by_two_names(log_out=False).concluded()
    control = found.one("control")
    assert (control.body["why"], "user-unmatched" in control.quality) == ("accounted", True)
    assert found.one("presence").account == account("uma").id


def test_a_log_out_that_names_both_makes_them_one() -> None:
    before, found = known_by_two_names(log_out=False).concluded(), known_by_two_names(log_out=True).concluded()
    control = found.one("control")
    assert (control.body["why"], "user-unmatched" in control.quality) == ("accounted", False)
    assert control.id == before.one("control").id
    presence = found.one("presence")
    assert (presence.start, presence.end, presence.body["how_ended"]) == (at("-0:30"), at("2:10"), "log-out")
    attended = found.one("attendance").body
    assert (attended["result"], attended["evidence_class"], attended["seconds"]) == ("attended", "command", 66.88)
    assert attended["present_count"] == 1


# Locked without a failure, unlocked without a word


@story
def a_lock_out_of_nowhere() -> Story:
    told = Story()
    told.monitor("M", "P")
    told.alarm("P", "0:00", "1:50", priority="HI")
    told.older.locked(instant("0:12"), account("lou"))
    told.newer.locked(instant("0:12"), account("lou"))
    for log_in, command, log_out in (("7:30", "9:00", "15:00"), ("8:20:00", "8:21:00", "8:25:00")):
        told.log_in("lou", log_in)
        told.command("lou", command)
        told.log_out("lou", log_out)
    return told


def test_a_lock_told_twice_is_one_barrier_without_invented_failures() -> None:
    found = a_lock_out_of_nowhere().concluded().one("barriers")
    assert (found.start, found.body["why"], found.body["attempts"]) == (at("0:12"), "locked", 0)
    assert "place-unknown" in found.quality


def test_a_lock_throws_doubt_on_the_session_of_the_next_eight_hours_only() -> None:
    assert [one.body["why"] for one in a_lock_out_of_nowhere().concluded().of("control")] == ["after-lock", "accounted"]


# A badge at one station after another


@story
def tapped_in_at_two_stations() -> Story:
    told = Story()
    told.unit("Tap", "T1")
    told.monitor("M", "P", bed="T1")
    told.log_in("kit", "0:00", "station 1", "Tap")
    told.log_in("kit", "1:30", "station 2", "Tap")
    told.log_out("kit", "3:10", "station 2")
    told.alarm("P", "4:20", "7:15")
    told.log_in("lea", "5:00", "station 1", "Tap")
    told.log_out("lea", "8:00", "station 1")
    told.log_out("kit", "9:45", "station 1")
    return told


def test_each_station_has_a_session_of_its_own_that_ends_once() -> None:
    found = tapped_in_at_two_stations().concluded().of("presence")
    assert [(one.account, one.body["client"], one.end) for one in found] == [
        ("kit", "station 1", at("9:45")), ("kit", "station 2", at("3:10")), ("lea", "station 1", at("8:00")),
    ]  # fmt: skip


def test_who_is_still_tapped_in_is_present_and_who_comes_is_the_visitor() -> None:
    body = tapped_in_at_two_stations().concluded().one("attendance").body
    assert [one["account"] for one in body["present"]] == ["kit"]
    assert (body["result"], body["account"], body["seconds"]) == ("visited", "lea", 39.88)


# One person, six spellings

SPELLINGS = ("Jo.Doe", "WARD\\jo.doe", "jo.doe@ward.example", " jo.doe", "jo.doe", "JO.DOE ")
ALIASES = {"jo.doe": ("WARD\\jo.doe", "jo.doe@ward.example")}


def spelt(thresholds: Thresholds | None = None) -> Story:
    told = Story(thresholds)
    told.newer.log_in(after(-31, 0), account("long ago"), None)
    told.newer.log_out(after(-31, 60), account("long ago"), None)
    told.monitor("M", "P")
    told.log_in("jo.doe", "0:00")
    for place, spelling in enumerate(SPELLINGS, 1):
        told.command(spelling, f"{place}:05")
    told.log_out("jo.doe", "14:00")
    return told


@story
def one_person_in_six_spellings() -> Story:
    return spelt()


def unmatched(found: Found) -> list[str | None]:
    def is_unmatched(one: Finding) -> bool:
        return "user-unmatched" in one.quality

    return [one.account for one in found.of("control") if is_unmatched(one)]


def test_case_and_outer_blanks_are_nothing_and_nothing_more_is_guessed() -> None:
    found = one_person_in_six_spellings().concluded()
    assert [one.body["why"] for one in found.of("control")] == ["accounted"] * 6
    assert unmatched(found) == ["WARD\\jo.doe", "jo.doe@ward.example"]


def test_an_alias_that_is_set_is_the_same_account_and_shows_in_the_version() -> None:
    known = spelt(Thresholds(presence=PresenceThresholds(aliases=ALIASES)))
    assert unmatched(known.concluded()) == []
    assert [one.body["why"] for one in known.concluded().of("control")] == ["accounted"] * 6
    versions = {one.rule_version for told in (known, spelt()) for one in told.concluded().of("control")}
    assert len(versions) == 2


@pytest.mark.parametrize("told", [spelt(), spelt(Thresholds(presence=PresenceThresholds(aliases=ALIASES)))])
def test_whatever_the_setting_one_person_is_present_once(told: Story) -> None:
    assert [one.account for one in told.concluded().of("presence", client=None)] == ["long ago", "jo.doe"]
