"""/healthz: the process is alive. /readyz: it does its work, else why not. /metrics: in figures."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from hubapp.web.desk import DESK
from hubapp.web.problem import RETRY_SECONDS, answer


async def healthz(request: web.Request) -> web.Response:
    return answer({"status": "alive", "worker": request.app[DESK].name})


async def readyz(request: web.Request) -> web.Response:
    health = await request.app[DESK].health()
    body = {"ready": not health.reasons, "reasons": health.reasons, "told": health.told, "worker": request.app[DESK].name}
    return answer(body, 503, {"Retry-After": str(RETRY_SECONDS)}) if health.reasons else answer(body)


async def metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[DESK].metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})
