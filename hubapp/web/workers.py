"""/v1/workers: who owns what. What a worker says of itself counts; one that does not answer is named as such."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from yarl import URL

from hubapp.web.desk import DESK, Desk, Member
from hubapp.web.patients import HOP, SESSION
from hubapp.web.problem import answer

ANSWER_SECONDS = 2


async def workers(request: web.Request) -> web.Response:
    """Every member of the group that this worker knows of; with the hop header, this one alone."""
    desk = request.app[DESK]
    own = await itself(desk)
    if HOP in request.headers:
        return answer(own)
    others = [member for member in desk.members() if member.url != desk.url]
    answers = await asyncio.gather(*[asked(request.app[SESSION], member) for member in others])
    return answer({"workers": sorted([own, *answers], key=lambda worker: str(worker["url"]))})


async def itself(desk: Desk) -> dict[str, Any]:
    owns = next((member.owns for member in desk.members() if member.url == desk.url), {})
    health = await desk.health()
    return {"worker": desk.name, "url": desk.url, "answers": True, "ready": not health.reasons, "owns": owns}


async def asked(session: ClientSession, member: Member) -> dict[str, Any]:
    """What *member* says of itself, else what the group thinks that it owns."""
    url = URL(member.url.rstrip("/") + "/v1/workers", encoded=True)
    try:
        async with session.get(url, headers={HOP: "1"}, timeout=ClientTimeout(total=ANSWER_SECONDS)) as response:
            if response.status == 200:
                said: dict[str, Any] = await response.json()
                return said
    except (ClientError, TimeoutError, ValueError):
        pass  # It is told below, as one whose answer is none.
    return {"worker": None, "url": member.url, "answers": False, "ready": None, "owns": member.owns}
