"""The pages, over real HTTP: two workers' desks with tables in memory, each with its own server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from yarl import URL

from hubapp import topics
from hubapp.facts import fold
from hubapp.failure import Failure
from hubapp.web import site
from hubapp.web.desk import Health, Member


@dataclass
class Ward:
    """Two partitions, a table for each, and who owns them: what both desks look at."""

    owner: dict[int, str | None] = field(default_factory=dict)
    tables: dict[int, dict[str, list[dict[str, str]]]] = field(default_factory=lambda: {0: {}, 1: {}})


@dataclass
class Desk:
    name: str
    url: str
    ward: Ward
    mine: set[int] = field(default_factory=set)
    reasons: list[str] = field(default_factory=list)

    def partition_of(self, patient: bytes) -> int:
        return sum(patient) % 2

    def owner_of(self, partition: int) -> str | None:
        return self.ward.owner.get(partition)

    async def answers_for(self, partition: int) -> bool:
        return partition in self.mine

    def held(self, rule: str, partition: int, patient: str) -> list[dict[str, str]]:
        return self.ward.tables[partition].get(patient, []) if rule == "episodes" else []

    def watermark(self, partition: int) -> int | None:
        return 1_760_000_000_000_000

    def members(self) -> list[Member]:
        urls = sorted({url for url in self.ward.owner.values() if url})
        return [Member(url, {"hub-patients": [n for n, at in self.ward.owner.items() if at == url]}) for url in urls]

    async def health(self) -> Health:
        return Health(self.reasons, [])

    def metrics(self) -> bytes:
        return b"hub_ready 1\n"

    def know(self, patient: str, *findings: dict[str, str]) -> None:
        key = fold(patient)
        self.ward.tables[self.partition_of(key.encode())][key] = list(findings)


@asynccontextmanager
async def open_desk(ward: Ward, name: str, *owned: int) -> AsyncIterator[Desk]:
    listening = site.listen("127.0.0.1", 0, Path("nowhere"))
    desk = Desk(name, site.address(listening), ward, set(owned))
    ward.owner |= dict.fromkeys(owned, desk.url)
    runner = await site.serve(desk, listening)
    try:
        yield desk
    finally:
        await runner.cleanup()


@pytest.fixture
async def ask() -> AsyncIterator[Any]:
    async with ClientSession() as session:

        async def get(desk: Desk, path: str, **headers: str) -> tuple[int, Any, Any]:
            async with session.get(URL(desk.url + path, encoded=True), headers=headers) as response:
                return response.status, await response.json(content_type=None), response.headers

        yield get


NAMES = ["P1", "Żółć", "a/b", "a b", "50%", "..", "?#&", "p" * 256, "🫀", "%2F"]


@pytest.mark.parametrize("patient", NAMES)
async def test_any_identifier_is_found_through_either_worker(ask: Any, patient: str) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0) as one, open_desk(ward, "two", 1) as two:
        one.know(patient, {"id": "f", "start": "s"})
        for desk in (one, two):
            status, body, _ = await ask(desk, "/v1/episodes/" + quote(patient, safe=""))
            assert (status, body["patient"], [f["id"] for f in body["findings"]]) == (200, patient, ["f"])


async def test_an_identifier_is_compared_without_regard_to_case_and_shown_as_asked(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        one.know("Abc", {"id": "f", "start": "s"})
        status, body, _ = await ask(one, "/v1/episodes/%20aBC")
        assert (status, body["patient"]) == (200, " aBC")


async def test_findings_come_sorted_by_their_start_and_id(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        one.know("p", {"id": "c", "start": "2"}, {"id": "b", "start": "1"}, {"id": "a", "start": "2"})
        _, body, headers = await ask(one, "/v1/episodes/p")
        assert [finding["id"] for finding in body["findings"]] == ["b", "a", "c"]
        assert headers["Hub-Owner"] == "one"


async def test_either_worker_gives_the_same_answer_but_for_the_time_of_asking(ask: Any) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0) as one, open_desk(ward, "two", 1) as two:
        one.know("p", {"id": "a", "start": "2"})
        answers = [(await ask(desk, "/v1/episodes/p"))[1] for desk in (one, two)]
        assert [answer.pop("as_of")[-1] for answer in answers] == ["Z", "Z"]
        assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "path", ["/v1/episodes/nobody", "/v1/attendance/nobody", "/v1/episodes/%20", "/v1/nothing", "/v1/episodes/", "/"]
)
async def test_what_is_unknown_is_a_404_that_quotes_nothing(ask: Any, path: str) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        status, body, headers = await ask(one, path)
        assert (status, body["status"], headers["Content-Type"]) == (404, 404, "application/problem+json")
        assert "nobody" not in str(body)


async def test_an_identifier_that_is_no_text_is_a_400(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        assert (await ask(one, "/v1/episodes/%FF"))[0] == 400


async def test_a_partition_without_an_owner_is_a_503_with_a_time_to_come_back(ask: Any) -> None:
    async with open_desk(Ward(), "one") as one:
        status, _, headers = await ask(one, "/v1/episodes/p")
        assert (status, headers["Retry-After"]) == (503, "1")


async def test_an_owner_that_has_not_recovered_is_a_503(ask: Any) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0, 1) as one:
        one.mine.clear()
        assert (await ask(one, "/v1/episodes/p"))[0] == 503


async def test_two_workers_that_take_each_other_for_the_owner_do_not_loop(ask: Any) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0, 1) as one, open_desk(ward, "two", 0, 1) as two:
        one.mine.clear(), two.mine.clear()
        status, _, headers = await ask(one, "/v1/episodes/p")
        assert (status, headers["Retry-After"]) == (503, "1")


async def test_an_owner_that_is_gone_is_a_503_and_named_among_the_workers(ask: Any) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0) as one, open_desk(ward, "two", 1) as two:
        gone = ward.owner[1] = "http://127.0.0.1:9"
        assert (await ask(one, "/v1/episodes/a"))[0] == 503
        ward.owner[2] = two.url
        _, body, _ = await ask(one, "/v1/workers")
        assert {worker["url"]: (worker["answers"], worker["owns"]["hub-patients"]) for worker in body["workers"]} == {
            one.url: (True, [0]), two.url: (True, [2]), gone: (False, [1])
        }  # fmt: skip


async def test_a_worker_whose_answer_is_no_answer_is_named_among_the_workers_as_one_that_gives_none(ask: Any) -> None:
    ward = Ward()
    async with open_desk(ward, "one", 0) as one, open_desk(ward, "two", 1) as two:

        async def failing() -> Health:
            raise RuntimeError

        two.health = failing  # type: ignore[method-assign]  # What a defect in it would do.
        status, body, _ = await ask(one, "/v1/workers")
        assert (status, {worker["url"]: worker["answers"] for worker in body["workers"]}) == (
            200,
            {one.url: True, two.url: False},
        )


async def test_an_owner_that_says_nothing_is_a_503_within_the_time_of_a_query(ask: Any) -> None:
    ward = Ward()
    silent = await asyncio.start_server(lambda _reader, _writer: asyncio.sleep(60), "127.0.0.1", 0)
    async with open_desk(ward, "one", 0) as one:
        ward.owner[1] = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        status, body, _ = await ask(one, "/v1/episodes/a")
        assert (status, "2 s" in body["detail"]) == (503, True)
    silent.close()


async def test_a_worker_is_ready_or_says_why_not(ask: Any) -> None:
    async with open_desk(Ward(), "one") as one:
        assert (await ask(one, "/readyz"))[:2] == (200, {"ready": True, "reasons": [], "told": [], "worker": "one"})
        one.reasons.append("recovering")
        assert (await ask(one, "/readyz"))[0] == 503
        assert (await ask(one, "/healthz"))[0] == 200


async def test_a_browser_led_here_under_another_name_gets_nothing(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        assert (await ask(one, "/v1/workers", Host="attacker.example"))[0] == 421
        assert (await ask(one, "/healthz", Host="localhost:6066"))[0] == 200


async def test_an_error_inside_is_a_500_that_says_nothing_of_it(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one:
        one.know("p", {"id": "no start"})
        status, body, _ = await ask(one, "/v1/episodes/p")
        assert (status, "start" in str(body)) == (500, False)


async def test_a_url_that_is_too_long_is_refused_and_the_server_goes_on(ask: Any) -> None:
    async with open_desk(Ward(), "one", 0, 1) as one, ClientSession() as session:
        async with session.get(URL(one.url + "/v1/episodes/" + "p" * 20_000, encoded=True)) as response:
            assert response.status == 400
        assert (await ask(one, "/healthz"))[0] == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_an_address_that_is_not_loopback_is_refused_in_one_line(host: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not loopback"):
        site.listen(host, 0, tmp_path / "web")


def test_a_taken_port_is_said_and_a_free_one_is_kept_for_the_next_time(tmp_path: Path) -> None:
    first = site.listen("127.0.0.1", 0, tmp_path / "web")
    (tmp_path / "web").write_text(site.address(first) + "\n")
    port = first.getsockname()[1]
    with pytest.raises(Failure, match=f"HUB_WEB_PORT={port} is taken"):
        site.listen("127.0.0.1", port, tmp_path / "web")
    first.close()
    again = site.listen("127.0.0.1", 0, tmp_path / "web")
    assert again.getsockname()[1] == port
    again.close()


def test_every_page_is_one_of_those_documented() -> None:
    routes = {resource.canonical for resource in site.pages(Desk("one", "", Ward())).router.resources()}
    told = (Path(__file__).parents[1] / "docs" / "operating.md").read_text()
    assert {route for route in routes if f"`{route}`" not in told} == set()
    assert len(routes) == len(topics.PATIENT_RULES) + 5
