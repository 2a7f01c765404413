"""Settings: each wrong one is one clear line, and what is set can be seen, but for secrets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hubapp.failure import Misuse
from hubapp.settings import FILES, SECRETS, VARIABLES, Settings, listing, settings

ROOT = Path(__file__).parent.parent


def hub(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | environment
    return subprocess.run([sys.executable, "-m", "hubapp", *arguments], capture_output=True, text=True, env=given, cwd=ROOT)


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("HUB_KAFKA_USR", "x", "HUB_KAFKA_USR is no setting: did you mean HUB_KAFKA_USER?"),
        ("HUB_XYZZY_PLUGH", "x", "HUB_XYZZY_PLUGH is no setting: `hub settings` lists them"),
        ("HUB_KAFKA_BROKERS", "2", "HUB_KAFKA_BROKERS: Input should be 1 or 3"),
        ("HUB_ZONE_PLATFORM", "Mars", "HUB_ZONE_PLATFORM: 'Mars' is no IANA time zone, such as Europe/Berlin"),
        ("HUB_TOPICS", "alerts", "HUB_TOPICS: not a JSON object of role and name"),
        ("HUB_TOPICS", '{"alarms": "x"}', "HUB_TOPICS: 'alarms' is no source; they are alerts, "),
        ("HUB_DATABASE_FILE", "/nowhere", "HUB_DATABASE_FILE: /nowhere cannot be read (No such file or directory)"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Misuse) as told:
        settings()
    assert str(told.value).startswith(line)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("variable", "value"), [("HUB_KAFKA_USR", "x"), ("HUB_WEB_PORT", "many")])
def test_a_wrong_setting_ends_the_command_with_2(variable: str, value: str) -> None:
    done = hub("settings", **{variable: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"hub: {variable}.*\n", done.stderr)


def test_a_secret_may_stand_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame\n")
    monkeypatch.setenv("HUB_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    password = settings().kafka_password
    assert password is not None and password.get_secret_value() == "sesame"


def test_a_secret_in_two_places_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame")
    monkeypatch.setenv("HUB_KAFKA_PASSWORD_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("HUB_KAFKA_PASSWORD", "other")
    with pytest.raises(Misuse, match="HUB_KAFKA_PASSWORD and HUB_KAFKA_PASSWORD_FILE are both set"):
        settings()


def test_the_list_holds_every_setting_with_its_source_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame")
    done = hub(
        "settings", "--json",
        HUB_KAFKA="a:9092", HUB_DATABASE="postgresql://me:sesame@x/y", HUB_KAFKA_PASSWORD_FILE=str(tmp_path / "password"),
    )  # fmt: skip
    rows = {row["variable"]: row for row in json.loads(done.stdout)}
    assert set(rows) == set(VARIABLES)
    assert "sesame" not in done.stdout + done.stderr
    assert rows["HUB_KAFKA"]["value"] == "a:9092"
    assert rows["HUB_DATABASE"]["value"] == rows["HUB_KAFKA_PASSWORD"]["value"] == "********"
    assert {name: rows[name]["source"] for name in ("HUB_KAFKA", "HUB_HOME", "HUB_KAFKA_PASSWORD")} == {
        "HUB_KAFKA": "environment", "HUB_HOME": "default", "HUB_KAFKA_PASSWORD": f"file {tmp_path / 'password'}",
    }  # fmt: skip


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_KAFKA", "")
    assert settings().kafka is None


def test_every_setting_says_what_it_is() -> None:
    assert [row.variable for row in listing(Settings(), {}) if not row.description] == []


def test_what_is_secret_is_known_to_be() -> None:
    assert set(FILES) == {"HUB_KAFKA_PASSWORD_FILE", "HUB_DATABASE_FILE"}
    assert {name for name in Settings.model_fields if "password" in name} <= SECRETS


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_pins_and_hashes_everything_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^\S.*(?:\n    --hash.*)*", text, re.MULTILINE)
    assert len(pins) > 50
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []
    assert "://" not in text
