"""hub explain: a finding in words, what changed between its revisions, and what it rests on, with Kafka or without it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from msgspec.structs import replace

from hubapp.cli.explain import show
from hubapp.explain.case_file import case_file
from hubapp.explain.changes import changes, told
from hubapp.explain.definitions import DEFINITIONS
from hubapp.explain.evidence import says, title
from hubapp.explain.explanation import Stored, explanation
from hubapp.explain.in_force import applied, in_force
from hubapp.explain.sentences import SENTENCES, beside, sentence
from hubapp.explain.text import lines
from hubapp.explain.timeline import timeline
from hubapp.explaining import explained, packed
from hubapp.facts import SECOND, AlarmRaised, AnyFact, MonitorConfigured, RulesChanged, iso
from hubapp.findings import Evidence, Finding, canonical, evidence_of, finding_id
from hubapp.local.kafka import Cluster
from hubapp.records import cluster_id
from hubapp.rules.use import InForce
from hubapp.settings import Settings, settings
from hubapp.store import offsets
from hubapp.store.connection import connect
from hubapp.store.migrate import migrate
from hubapp.store.offsets import Logs
from hubapp.store.partitions import Partitions
from hubapp.store.rows import fact_rows, finding_row, revision_row
from hubapp.store.write import Batch, write
from hubapp.thresholds import AttendanceThresholds, PresenceThresholds, Thresholds, digest
from hubapp.topics import RULES
from tests.test_web import Ward, open_desk

NINE = 1_791_795_600 * SECOND
NAME = finding_id("attendance", "p", NINE)
STRICT = Thresholds(attendance=AttendanceThresholds(deadline_hi=30.0))
ALARM, AUDIO = b'{"given_name": "Canary"}', b'{"audio": "paused"}'


def raised(value: bytes = ALARM) -> AlarmRaised:
    return AlarmRaised(
        at=NINE, sent=NINE + SECOND, timestamp=NINE + SECOND, topic="alerts", partition=0, offset=0, patient="P-1", device="SN-1",
        sha256=sha256(value).hexdigest(), condition="spo2-low", signal="visible", kind="physiological", priority="HI",
    )  # fmt: skip


def paused() -> MonitorConfigured:
    at = NINE + 72 * SECOND
    return MonitorConfigured(
        at=at, sent=at, timestamp=at, topic="events-sdc", partition=0, offset=0, sha256=sha256(AUDIO).hexdigest(), monitor="PM-1",
        audio="paused",
    )  # fmt: skip


def applied_at(at: int, thresholds: Thresholds) -> RulesChanged:
    return RulesChanged(
        at=at, sent=at, timestamp=at, topic="hub.toml", partition=0, offset=at, thresholds=thresholds.text()
    )  # fmt: skip


def copies(cluster: str = "c") -> list[Evidence]:
    alarm = raised()
    used = {"condition": alarm.condition, "priority": "HI", "device": "SN-1", "signal": "visible", "limits": {"lower": 85.0}}
    return [evidence_of(alarm, cluster, **used), evidence_of(paused(), cluster, monitor="PM-1", audio="paused")]


def attended(revision: int, result: str, cluster: str = "c", **other: Any) -> Finding:
    late = result == "attended-late"
    body = {
        "episode": "e", "condition": "spo2-low", "priority": "HI", "result": result, "trace": "audio" if late else None,
        "evidence_class": "bedside" if late else None, "first_evidence_at": iso(NINE + 73 * SECOND) if late else None,
        "seconds": 72.0 if late else None, "deadline": iso(NINE + 61 * SECOND), "log_in_elsewhere_at": None, "account": None,
        "present": [{"account": "ann.canary", "id": "u-1"}], "present_count": 1, "present_then": [],
    }  # fmt: skip
    told: dict[str, Any] = {
        "id": NAME, "rule": "attendance", "rule_version": f"1-{digest(AttendanceThresholds())}", "status": "provisional",
        "quality": [], "units": ["ICU 2"], "bed": "7", "monitor": "PM-1", "device": "SN-1", "patient": "P-1", "account": None,
        "start": iso(NINE), "end": None, "evidence": copies(cluster)[: 2 if late else 1], "body": body, "revision": revision,
    }  # fmt: skip
    return Finding(**{**told, **other})


def three(cluster: str = "c") -> list[Finding]:
    return [
        attended(1, "open", cluster),
        attended(2, "no-evidence", cluster),
        attended(3, "attended-late", cluster, status="final"),
    ]


def plain(finding: Finding) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(canonical(finding))
    return found


def stored(findings: list[Finding], facts: list[AnyFact] | None = None, rules: list[RulesChanged] | None = None) -> Stored:
    rows = [
        {"finding": plain(finding), "epoch": 1, "written": iso(NINE + (60 + number) * SECOND)}
        for number, finding in enumerate(findings)
    ]
    return Stored("hub", rows[-1]["finding"], rows, [("c", fact) for fact in facts or []], rules or [])


# In words


def test_an_alarm_that_was_attended_late_is_told_in_a_sentence() -> None:
    assert sentence(plain(attended(3, "attended-late", status="final"))) == (
        "SpO2 low (HI) at bed 7 of ICU 2 was attended after 72 s, 12 s past its deadline."
    )


def test_what_may_still_change_and_what_was_taken_back_is_said() -> None:
    assert sentence(plain(attended(2, "no-evidence"))).endswith("by its deadline (provisional: it may still change).")
    assert sentence(plain(attended(2, "open", status="retracted"))).endswith("(taken back: it no longer holds).")


def test_beside_an_attended_alarm_stands_its_trace_and_nobody_in_its_place() -> None:
    present = "1 account authenticated at its onset: that is no trace of anybody."
    late = f"Somebody changed the audio at the monitor; the record names nobody. {present}"
    assert beside(plain(attended(3, "attended-late"))) == late
    assert beside(plain(attended(2, "no-evidence"))) == f"No trace of anybody is known. {present}"


@pytest.mark.parametrize(("field", "spot"), [("monitor", "monitor PM-1"), ("device", "device SN-1")])
def test_without_a_bed_the_monitor_or_the_device_says_where(field: str, spot: str) -> None:
    places = {"bed": None, "monitor": None, "device": None, field: spot.split()[1]}
    assert f"(HI) at {spot} had no evidence" in sentence(plain(attended(2, "no-evidence", units=[], **places)))


def test_every_rule_has_its_words_and_its_definition() -> None:
    assert set(SENTENCES) == set(DEFINITIONS) == set(RULES)


BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "episodes": (
        {"condition": "spo2-low", "priority": "HI", "ended_by": "cleared", "duration": 154.5},
        "SpO2 low (HI) at bed 7 of ICU 2 cleared after 154.5 s",
    ),
    "masking": (
        {"condition": "spo2-low", "priority": "HI", "hidden": 30.0, "cause": "sensor-removed", "outcome": "resurfaced"},
        "SpO2 low (HI) at bed 7 of ICU 2 was hidden by the removal of the sensor for 30 s, and it came again",
    ),
    "silenced": (
        {"what": "audio-off", "condition": None, "duration": None, "level": "5-min"},
        "The audio was off at bed 7 of ICU 2 and still is, level 5-min",
    ),
    "nuisance": (
        {"kind": "chattering", "condition": "spo2-low", "onsets": 4, "duration": 50.0},
        "SpO2 low at bed 7 of ICU 2 chattered: 4 onsets in 50 s",
    ),
    "monitored": (
        {"duration": 7200.0, "unobserved": 12.0},
        "A patient at bed 7 of ICU 2 was monitored for 2.0 h; the monitor was lost for 12 s",
    ),
    "presence": (
        {"shared": True, "how_ended": "assumed", "duration": None, "log_ins": 3},
        "A shared account was authenticated, and its end is assumed, with 3 log-ins",
    ),
    "control": (
        {"change": "limits-wider", "condition": "spo2-low", "operation": None, "why": "nobody"},
        "The limits were made wider (SpO2 low) at bed 7 of ICU 2 while nobody was authenticated",
    ),
    "barriers": (
        {"why": "failed-log-ins", "attempts": 3},
        "Somebody could not log in after 3 failed attempts while a patient alarmed at bed 7 of ICU 2",
    ),
    "coverage": (
        {"episode": None, "uncovered_minutes": 2.5, "alarm_minutes": 11.0},
        "Nobody was authenticated at bed 7 of ICU 2 in 2.5 of 11 minutes with an alarm",
    ),
    "floods": ({"onsets": 31, "peak": 14}, "A flood of 31 alarms at bed 7 of ICU 2, at most 14 in one window"),
    "gaps": (
        {"why": "retention", "source": "alerts", "missing": 1, "share": None},
        "1 record of alerts could not be seen (retention)",
    ),
}


@pytest.mark.parametrize("rule", BODIES)
def test_a_finding_of_each_other_rule_is_told_in_a_sentence(rule: str) -> None:
    body, words = BODIES[rule]
    assert sentence({**plain(attended(1, "open")), "rule": rule, "body": body, "status": "final"}) == f"{words}."


def test_a_fact_says_what_was_used_of_it() -> None:
    alarm, audio = plain(attended(3, "attended-late"))["evidence"]
    assert (title(alarm["kind"]), says(alarm)) == ("Alarm raised", "SpO2 low, HI, device SN-1, visible, lower limit 85")
    assert says(audio) == "audio paused, monitor PM-1"


# Between revisions


def test_the_change_between_two_revisions_is_what_differs_and_nothing_else() -> None:
    before, after = plain(attended(2, "no-evidence")), plain(attended(3, "attended-late", status="final"))
    words = [change["words"] for change in changes(before, after)]
    assert "result: no-evidence → attended-late" in words
    assert "evidence: + Monitor configured at events-sdc 0/0" in words
    assert words[-1] == "status: provisional → final"
    assert [change["what"] for change in changes(before, after) if change["what"] in ("deadline", "present", "units")] == []
    assert changes(before, before) == []


def test_evidence_that_is_gone_is_told_as_gone() -> None:
    words = [change["words"] for change in changes(plain(attended(3, "attended-late")), plain(attended(4, "open")))]
    assert "evidence: - Monitor configured at events-sdc 0/0" in words


def test_revisions_that_were_dropped_are_missed() -> None:
    rows = told(stored(three()[1:]).revisions)
    assert rows[0]["words"] == "the first that is kept; those before it were dropped as provisional"
    assert told(stored([three()[0], attended(5, "open", units=[])]).revisions)[1]["words"] == (
        "units: [ICU 2] → [] (and 3 between are no longer kept)"
    )


# Thresholds and deadline


def test_the_hash_in_the_version_proves_which_thresholds_were_used() -> None:
    known = applied([applied_at(NINE - SECOND, STRICT)])
    by_default = in_force(plain(attended(1, "open")), known)
    assert (by_default["since"], by_default["proved"], by_default["values"]["attendance.deadline_hi"]) == (None, True, 60.0)
    strict = attended(1, "open", rule_version=f"1-{digest(STRICT.attendance)}")
    found = in_force(plain(strict), known)
    assert (found["since"], found["proved"], found["values"]["attendance.deadline_hi"]) == (iso(NINE - SECOND), True, 30.0)
    unknown = in_force(plain(attended(1, "open", rule_version="1-abc")), known)
    assert (unknown["since"], unknown["proved"]) == (iso(NINE - SECOND), False)


def test_the_deadline_was_passed_between_the_revisions_around_it() -> None:
    passed = explanation(stored(three()), {})["deadline"]
    assert (passed["at"], passed["open_at"], passed["passed_by"]) == (
        iso(NINE + 61 * SECOND),
        iso(NINE + 60 * SECOND),
        iso(NINE + 61 * SECOND),
    )
    assert not passed["decided"] and "when revision 2 was written" in passed["words"]
    assert explanation(stored(three()[:2]), {})["deadline"]["decided"]
    early = explanation(stored(three()[:1]), {})["deadline"]
    assert (early["open_at"], early["passed_by"]) == (None, None) and "No revision that is kept" in early["words"]


# As a whole


def test_facts_that_the_store_still_has_are_held_against_their_copies() -> None:
    found = explanation(stored(three(), [raised(b"other bytes"), paused()]), {("c", "events-sdc", 0, 0): "same"})
    assert [(copy["stored"], copy["stored_agrees"], copy["record"]) for copy in found["evidence"]] == [
        (True, False, "not-asked"),
        (True, True, "same"),
    ]
    assert [copy["stored"] for copy in explanation(stored(three()), {})["evidence"]] == [False, False]


def test_the_lines_say_all_of_it() -> None:
    said = "\n".join(text for _, text in lines(explanation(stored(three()), {})))
    for words in ("12 s past its deadline", "What it rests on (2)", "attendance.deadline_hi = 60", "3  ", "Revisions (3 kept)"):
        assert words in said


# The case file


def files(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}


def test_a_case_file_names_no_account_and_tells_them_apart() -> None:
    present = [{"account": "ann.canary", "id": "u-1"}, {"account": "Bob.Canary", "id": None}]
    body = {**three()[2].body, "present": present, "present_then": present[:1], "account": "U-1"}
    rules = Thresholds(presence=PresenceThresholds(shared_accounts=("ann.canary",), aliases={"ann.canary": ("canary-2",)}))
    for rule, version in (("attendance", "1-x"), ("control", f"1-{digest(InForce(rules.control, rules.presence))}")):
        last = attended(4, "attended-late", account="U-1", body=body, rule_version=version)
        found = plain(last) | {"rule": rule, "body": body | {"change": "paused", "why": "nobody", "operation": None}}
        rows = stored([*three(), last], rules=[applied_at(NINE - SECOND, rules)])
        told = case_file(replace(rows, finding=found), {})
        assert [name for name, data in told.items() if b"canary" in data.lower() or b"u-1" in data.lower()] == []
        said = json.loads(told["finding.json"])["finding"]
        assert [one["account"] for one in said["body"]["present"]] == ["account-1", "account-2"]
        assert said["account"] == said["body"]["account"] == "account-1"


def test_a_case_file_holds_the_hashes_of_what_is_in_it() -> None:
    told = case_file(stored(three()), {})
    listed = dict(reversed(line.split("  ")) for line in told["SHA256SUMS"].decode().splitlines() if not line.startswith("#"))
    assert listed == {name: sha256(told[name]).hexdigest() for name in ("finding.html", "finding.json")}
    assert f"# {sha256(AUDIO).hexdigest()}  record events-sdc 0/0: not-asked" in told["SHA256SUMS"].decode()
    assert files(packed("case", told)) == told
    assert packed("case", told) == packed("case", case_file(stored(three()), {}))


def test_the_page_needs_nothing_else_and_nothing_in_it_is_markup() -> None:
    odd = attended(3, "attended-late", bed="<script>alert(1)</script>", units=["<b>"])
    told = case_file(stored([odd]), {})["finding.html"].decode()
    assert "&lt;script&gt;" in told and "<script" not in told and "<b>ICU" not in told
    assert not re.search(r"(src|href)=|url\(|@import|https?:", told)
    assert "12 s past its deadline" in told and "<dt>attendance.deadline_hi<dd>60" in told


def test_the_picture_puts_each_fact_and_the_deadline_where_they_belong() -> None:
    drawn = timeline(explanation(stored(three()), {}))
    assert re.findall(r'circle cx="([\d.]+)"', drawn) == ["202.5", "1090.0"]
    assert re.findall(r'class="due" x1="([\d.]+)"', drawn) == ["952.5"]
    assert timeline(explanation(stored(three()), {}) | {"evidence": [], "deadline": None}) == ""


# From a real store


@pytest_asyncio.fixture
async def pool(database: str) -> AsyncIterator[Any]:
    pool = await connect(database)
    await migrate(pool)
    yield pool
    await pool.close()


async def archived(pool: Any, cluster: str, prefix: str = "") -> None:
    """prefix: of the source topics."""
    logs, place = Logs("hub", cluster, 1), ("hub-attendance", 0)
    await offsets.recognise(pool, logs)
    await offsets.next_of(pool, logs, place)
    partitions, row = Partitions(pool), fact_rows("hub", cluster)
    await partitions.look_ahead()
    told = [replace(one, evidence=[replace(copy, topic=prefix + copy.topic) for copy in one.evidence]) for one in three(cluster)]
    rows = [finding_row("hub", cluster, 1, finding) for finding in told]
    revisions = [revision_row(row, NINE + SECOND, canonical(finding)) for row, finding in zip(rows, told, strict=True)]
    sources = [replace(fact, topic=prefix + fact.topic) for fact in (raised(), paused())]
    facts = [row(fact) for fact in (*sources, applied_at(NINE - SECOND, STRICT))]
    await write(partitions, logs, Batch(place, 0, 3, facts, rows, revisions))


def hub(database: str, *arguments: str, kafka: str = "127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HUB_DATABASE": database, "HUB_KAFKA": kafka}
    command = [sys.executable, "-m", "hubapp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.live
async def test_a_finding_is_explained_when_kafka_has_forgotten_all(
    pool: Any, database: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    await archived(pool, "a-cluster")
    done = hub(database, "explain", NAME, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["sentence"] == "SpO2 low (HI) at bed 7 of ICU 2 was attended after 72 s, 12 s past its deadline."
    assert [one["revision"] for one in found["revisions"]] == [1, 2, 3]
    assert [(copy["stored_agrees"], copy["record"]) for copy in found["evidence"]] == [(True, "not-asked")] * 2
    assert found["rule"]["thresholds"]["proved"]
    show(found)
    assert capsys.readouterr().out.startswith(f"{found['sentence']}\n{found['beside']}\n")


@pytest.mark.live
async def test_an_unknown_finding_is_one_line(pool: Any, database: str) -> None:
    done = hub(database, "explain", "00000000-0000-4000-8000-000000000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("hub: there is no finding with that id") and done.stderr.count("\n") == 1


@pytest.mark.live
async def test_the_page_of_a_finding_says_the_same(pool: Any, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await archived(pool, "a-cluster")
    monkeypatch.setenv("HUB_DATABASE", database)
    monkeypatch.setenv("HUB_KAFKA", "127.0.0.1:9")
    told = json.loads(json.dumps(await explained(pool, settings(), NAME, ask_kafka=False)))
    async with open_desk(Ward(), "one") as one, ClientSession() as session:
        async with session.get(f"{one.url}/v1/findings/{NAME}") as page:
            assert (page.status, await page.json()) == (200, told)
        for name in ("00000000-0000-4000-8000-000000000000", "no-id"):
            async with session.get(f"{one.url}/v1/findings/{name}") as page:
                assert (page.status, page.content_type) == (404, "application/problem+json")


async def test_without_a_store_the_page_says_to_come_back(home: Path) -> None:
    async with open_desk(Ward(), "one") as one, ClientSession() as session:
        page = await session.get(f"{one.url}/v1/findings/{NAME}")
        assert (page.status, page.headers["Retry-After"]) == (503, "1")


@pytest.mark.live
async def test_a_case_file_is_written_once(pool: Any, database: str, tmp_path: Path) -> None:
    await archived(pool, "a-cluster")
    path = tmp_path / "case.zip"
    done = hub(database, "case-file", NAME, "--no-records", "--into", str(path), "--json")
    assert json.loads(done.stdout)["sha256"] == sha256(path.read_bytes()).hexdigest()
    assert set(files(path.read_bytes())) == {"finding.html", "finding.json", "SHA256SUMS"}
    again = hub(database, "case-file", NAME, "--into", str(path))
    assert (again.returncode, again.stderr) == (
        1, f"hub: {path} is there already: move it away, or say another with --into\n"
    )  # fmt: skip
    unknown = hub(database, "case-file", "no-id")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (1, 1)


@pytest.mark.live
async def test_records_that_kafka_still_has_are_compared_by_their_bytes(
    pool: Any, database: str, kafka: Cluster, unique: str
) -> None:
    alerts, events = f"{unique}alerts", f"{unique}events-sdc"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1) for topic in (alerts, events)])
    async with AIOKafkaProducer(bootstrap_servers=kafka.address) as producer:
        await producer.send_and_wait(alerts, ALARM)
        await producer.send_and_wait(events, b"not what was read")
    await archived(pool, await cluster_id(Settings(kafka=kafka.address)), unique)
    asked = ("explain", NAME, "--json")
    found = json.loads(hub(database, *asked, kafka=kafka.address).stdout)
    assert [copy["record"] for copy in found["evidence"]] == ["same", "differs"]
    await admin.delete_records({TopicPartition(alerts, 0): RecordsToDelete(before_offset=1)})
    await admin.delete_topics([events])
    await admin.close()
    found = json.loads(hub(database, *asked, kafka=kafka.address).stdout)
    assert [copy["record"] for copy in found["evidence"]] == ["gone", "gone"]
    assert "Canary" not in json.dumps(found)
