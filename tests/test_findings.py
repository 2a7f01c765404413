"""Names and instants of findings: what the standard library makes of them, said faster."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from hubapp.facts import EPOCH, Micros, iso
from hubapp.findings import NAMESPACE, finding_id

INSTANTS = [0, 1, 999_999, 1_000_000, 1_764_072_000_123_456, -1, -62_135_596_800_000_000, 253_402_300_799_999_999]


@pytest.mark.parametrize("at", INSTANTS)
def test_an_instant_has_six_decimals_and_is_in_utc(at: Micros) -> None:
    expected = (EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    assert iso(at) == expected.removesuffix("+00:00") + "Z"


@pytest.mark.parametrize("number", range(40))
def test_the_name_of_a_finding_is_a_uuid_of_version_5(number: int) -> None:
    subject, at = f"P{number}\nsensor\nSpO\u2082 low", number * 77_777_777
    assert finding_id("episodes", subject, at) == str(uuid.uuid5(NAMESPACE, f"episodes\n{subject}\n{iso(at)}"))
