"""/v1/RULE/{patient}: what is concluded about a patient now, answered by the worker that owns the patient's partition."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from yarl import URL

from hubapp.facts import fold, iso, micros
from hubapp.web.desk import DESK, Desk
from hubapp.web.problem import Problem, answer, not_now

# A question is handed on once: whoever gets it with this header answers it or says that it cannot.
HOP = "Hub-Hop"
OWNER = "Hub-Owner"
OWNER_SECONDS = 2
LONGEST, LONGEST_BYTES = 256, 1024
SESSION = web.AppKey("session", ClientSession)


def page(rule: str) -> Any:
    async def findings(request: web.Request) -> web.Response:
        desk, patient = request.app[DESK], identifier(request, rule)
        partition = desk.partition_of(fold(patient).encode())
        if await desk.answers_for(partition):
            return about(desk, rule, partition, patient)
        return await handed_on(request, desk, partition)

    return findings


def identifier(request: web.Request, rule: str) -> str:
    """The rest of the path, whatever it holds: percent-encoded UTF-8, a slash too, encoded or not."""
    encoded = request.raw_path.partition("?")[0].partition(f"/v1/{rule}/")[2]
    try:
        patient = unquote_to_bytes(encoded).decode()
    except UnicodeDecodeError:
        raise Problem(400, "The identifier is no percent-encoded UTF-8.") from None
    if not patient.strip() or len(patient) > LONGEST or len(patient.encode()) > LONGEST_BYTES:
        raise Problem(404, "No patient has such an identifier.")
    return patient


def about(desk: Desk, rule: str, partition: int, patient: str) -> web.Response:
    """The same answer from whichever worker owns it: its name is in a header."""
    findings = desk.held(rule, partition, fold(patient))
    if not findings:
        raise Problem(404, "Nothing is known of this patient.")
    watermark = desk.watermark(partition)
    body = {
        "patient": patient,
        "partition": partition,
        "findings": sorted(findings, key=lambda finding: (finding["start"], finding["id"])),
        "as_of": iso(micros(datetime.now(UTC))),
        "watermark": None if watermark is None else iso(watermark),
    }
    return answer(body, headers={OWNER: desk.name})


async def handed_on(request: web.Request, desk: Desk, partition: int) -> web.Response:
    """The owner's answer, asked for once."""
    owner = desk.owner_of(partition)
    if HOP in request.headers or owner == desk.url:
        raise not_now("This worker has not taken over, or not recovered, the partition of this patient.")
    if owner is None:
        raise not_now("No worker owns the partition of this patient at the moment.")
    url = URL(owner.rstrip("/") + request.raw_path, encoded=True)
    try:
        async with request.app[SESSION].get(url, headers={HOP: "1"}, timeout=ClientTimeout(total=OWNER_SECONDS)) as response:
            return relayed(await response.read(), response.status, response.headers)
    except (ClientError, TimeoutError):
        raise not_now(f"The worker that owns this patient's partition did not answer within {OWNER_SECONDS} s.") from None


def relayed(body: bytes, status: int, headers: Any) -> web.Response:
    kept = {name: headers[name] for name in ("Content-Type", "Retry-After", OWNER) if name in headers}
    return web.Response(body=body, status=status, headers=kept)
