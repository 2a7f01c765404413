"""Answers that are no good news, as RFC 9457 has them. They quote nothing of the question."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

logger = logging.getLogger(__name__)

QUERY_SECONDS = 5
RETRY_SECONDS = 1
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS = {
    "Server": "hub",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Problem(Exception):
    """Ends a request with *status*; *detail* says what to do."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


def not_now(detail: str) -> Problem:
    """It will be answered soon: ask again."""
    return Problem(503, detail)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=orjson.dumps(body, option=orjson.OPT_SORT_KEYS), status=status, content_type="application/json", headers=headers
    )


def told(status: int, detail: str) -> web.Response:
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    again = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/problem+json", headers=again)


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer is JSON, comes within a time, and says nothing of what is inside."""
    response = await solved(request, handler)
    response.headers.update({name: value for name, value in HEADERS.items() if name not in response.headers})
    return response


async def solved(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if not asked_here(request):
            return told(421, "This server answers on loopback only, by the name localhost or its address.")
        async with asyncio.timeout(QUERY_SECONDS):
            return await handler(request)
    except Problem as problem:
        return told(problem.status, problem.detail)
    except web.HTTPException as error:
        return told(error.status, "There is no such page." if error.status == 404 else error.reason)
    except TimeoutError:
        return told(503, f"No answer within {QUERY_SECONDS} s.")
    except Exception:  # Whatever one page does wrong, the worker goes on: logged with its traceback, and told as a 500.
        logger.exception("a page failed")
        return told(500, "The answer failed; the worker's log says where.")


def asked_here(request: web.Request) -> bool:
    """A page elsewhere that makes a browser ask us under a name of its own gets nothing (DNS rebinding)."""
    name = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    return name.lower() in LOOPBACK
