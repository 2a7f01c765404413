"""Every published trouble comes out the same in whatever order its records arrive, once or twice, and told bit by bit."""

from __future__ import annotations

import pytest

from tests import test_cases_alarms, test_cases_people, test_cases_records, test_cases_wards
from tests.written import STORIES, doubled, finals, shuffled

# Each of them writes stories.
MODULES = (test_cases_alarms, test_cases_people, test_cases_records, test_cases_wards)


@pytest.mark.parametrize("name", STORIES)
def test_told_in_order_it_is_what_one_process_concludes_of_all_at_once(name: str) -> None:
    story = STORIES[name]()
    found = story.piecemeal()
    assert finals(found.findings) == finals(story.concluded().findings)
    assert found.late == []


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", STORIES)
def test_shuffled_within_the_bounds_it_is_the_same(name: str, seed: int) -> None:
    story = STORIES[name]()
    assert finals(story.piecemeal(shuffled(story.wires, seed), cut=5).findings) == finals(story.concluded().findings)


@pytest.mark.parametrize("name", STORIES)
def test_told_twice_it_is_the_same(name: str) -> None:
    story = STORIES[name]()
    assert finals(story.piecemeal(doubled(story.wires)).findings) == finals(story.concluded().findings)
