"""A copy of what a rule remembers is the same, and changes by itself."""

from __future__ import annotations

from random import Random

import pytest

from hubapp.chronicle.chronicle import Chronicle
from hubapp.chronicle.copies import copied
from hubapp.chronicle.rules import CHRONICLE
from hubapp.facts import SECOND
from hubapp.rules.hiding import Told
from hubapp.rules.monitored import Session, Sessions
from hubapp.rules.sightings import Sighting
from hubapp.rules.stays import Stay
from hubapp.ward.oracle import shorts
from tests.folding import written_and_read
from tests.test_chronicle import IN_FORCE, SET
from tests.test_laws import newest, story

SEEN = Sighting("MonitorSeen", {}, 1, 1, "topic", 0, 0, 0, None, "")


def sessions() -> Sessions:
    return Sessions("M1", [Session(Stay("P1", (1, "topic", 0, 0, 0), 1, SEEN))])


def test_a_copy_says_the_same() -> None:
    assert copied(sessions()) == sessions()


def test_what_is_changed_in_a_copy_is_not_changed_in_what_it_is_of() -> None:
    before = sessions()
    after = copied(before)
    after.sessions[0].conflict = True
    after.sessions.append(after.sessions[0])
    assert before == sessions()


def test_what_is_never_changed_is_shared() -> None:
    told = Told(1, SEEN)
    assert copied([told])[0] is told


@pytest.mark.parametrize("seed", range(8))
def test_every_rule_remembers_in_a_copy_what_its_rows_hold(seed: int) -> None:
    facts = story(seed)
    chronicle = Chronicle(CHRONICLE.values(), "test", {IN_FORCE: SET}, lambda subject: True)
    for fact in facts:
        chronicle.hold(fact, IN_FORCE)
    for one in shorts(facts, newest(facts), SET):
        chronicle.tell(one, IN_FORCE)
    chronicle.settle(newest(facts) - Random(seed).randrange(600) * SECOND)
    assert any(rule.items for rule in chronicle.settled.rules)
    for rule in chronicle.settled.rules:
        assert copied(rule.items) == written_and_read(rule).items
