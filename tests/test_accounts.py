"""Sessions of accounts: when they are open."""

from __future__ import annotations

from typing import Any

import pytest

from hubapp.thresholds import PresenceThresholds, SessionDays, Thresholds
from tests.timeline import Timeline, log_in, log_out, raised, session

DAY = 24


def present(line: Timeline, when: str, thresholds: Thresholds | None = None) -> list[str]:
    """Who is present at an onset then."""
    line.at(when, session(), raised())
    [body] = [f.body for f in line.findings("attendance", until="4000:00:00", thresholds=thresholds)]
    return [entry["account"] for entry in body["present"]]


def line() -> Timeline:
    return Timeline().at("-1:00", log_in("ann"))


def test_a_log_in_opens_and_a_log_out_closes() -> None:
    assert present(line(), "0:00") == ["ann"]
    assert present(line().at("-0:30", log_out("ann")), "0:00") == []
    assert present(line().at("0:30", log_out("ann")), "0:00") == ["ann"]


def test_any_log_out_closes_whatever_its_case() -> None:
    assert present(line().at("-0:30", log_out(" ANN ")), "0:00") == []


@pytest.mark.parametrize(("service", "days"), [("older", 7), ("newer", 30)])
def test_a_session_is_taken_as_ended_after_the_days_of_its_service(service: Any, days: int) -> None:
    opened = Timeline().at("0:00", log_in("ann", service=service))
    assert present(opened, f"{days * DAY}:00:00") == ["ann"]
    opened = Timeline().at("0:00", log_in("ann", service=service))
    assert present(opened, f"{days * DAY}:00:00.001") == []


def test_a_log_in_while_open_is_a_re_authentication_and_puts_the_end_off() -> None:
    assert present(Timeline().at("0:00", log_in("ann")).at("480:00:00", log_in("ann")), "1000:00:00") == ["ann"]


@pytest.mark.parametrize(("logs_out", "there"), [("720:09:00", ["ann"]), ("720:10:00", ["ann"]), ("720:10:00.001", [])])
def test_a_log_out_after_the_assumed_end_within_the_lateness_moves_the_end(logs_out: str, there: list[str]) -> None:
    assert present(Timeline().at("0:00", log_in("ann")).at(logs_out, log_out("ann")), "720:05:00") == there


def test_after_an_assumed_end_a_log_in_opens_anew() -> None:
    opened = Timeline().at("0:00", log_in("ann")).at("720:04:00", log_in("ann")).at("720:06:00", log_out("ann"))
    assert present(opened, "720:02:00") == []


def test_with_clients_each_counts_by_itself() -> None:
    both = Timeline().at("-3:00", log_in("ann", client="WS1"), log_in("ann", client="WS2"))
    assert present(both.at("-1:00", log_out("ann", client="ws2")), "0:00") == ["ann"]


def test_a_log_out_without_a_client_closes_all() -> None:
    both = Timeline().at("-3:00", log_in("ann", client="WS1"), log_in("ann"))
    assert present(both.at("-1:00", log_out("ann")), "0:00") == []


def test_a_log_out_with_a_client_that_has_no_session_closes_the_one_without() -> None:
    both = Timeline().at("-3:00", log_in("ann"))
    assert present(both.at("-1:00", log_out("ann", client="WS9")), "0:00") == []


def test_a_shared_account_is_open_whoever_logs_out() -> None:
    shared = Thresholds(presence=PresenceThresholds(shared_accounts=("ann",)))
    assert present(line().at("-0:30", log_out("ann")), "0:00", shared) == ["ann"]


def test_aliases_are_one_account() -> None:
    alias = Thresholds(presence=PresenceThresholds(aliases={"ann": ("HOSPITAL\\ann",)}))
    assert present(line().at("-0:30", log_out("hospital\\ANN")), "0:00", alias) == []
    assert present(line().at("-0:30", log_out("hospital\\ANN")), "0:00") == ["ann"]


def test_a_log_out_by_name_closes_what_was_opened_by_id_once_both_are_known_as_one() -> None:
    opened = Timeline().at("-9:00", log_in(None, account_id="1", service="older"))
    assert present(opened.at("-1:00", log_out("ann", account_id="1")), "0:00") == []


def test_session_days_may_be_one_number_for_both_services() -> None:
    assert PresenceThresholds(session_days=2).days("older") == 2
    assert PresenceThresholds(session_days=SessionDays(older=1, newer=3)).days("newer") == 3
