"""The web server of a worker: its routes, its address, and the file that says where it is."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientSession, web
from yarl import URL

from hubapp import topics
from hubapp.failure import Failure
from hubapp.web import findings, health, patients, workers
from hubapp.web.desk import DESK, Desk
from hubapp.web.patients import SESSION
from hubapp.web.problem import problems


def pages(desk: Desk) -> web.Application:
    site = web.Application(middlewares=[problems], client_max_size=64 * 1024)
    site[DESK] = desk
    site.cleanup_ctx.extend((session, findings.store))
    for rule in topics.PATIENT_RULES:
        site.router.add_get(f"/v1/{rule}/{{patient:.+}}", patients.page(rule))
    site.router.add_get("/v1/findings/{id}", findings.finding)
    site.router.add_get("/v1/workers", workers.workers)
    site.router.add_get("/healthz", health.healthz)
    site.router.add_get("/readyz", health.readyz)
    site.router.add_get("/metrics", health.metrics)
    return site


async def session(site: web.Application) -> AsyncIterator[None]:
    """No proxy, no cookies, no redirects of others: the only ones asked are workers on this machine."""
    async with ClientSession(trust_env=False) as asking:
        site[SESSION] = asking
        yield


async def serve(desk: Desk, listening: socket.socket) -> web.AppRunner:
    """Answer on *listening* from here on, until the runner is cleaned up."""
    runner = web.AppRunner(pages(desk), access_log=None, handle_signals=False, shutdown_timeout=1, max_line_size=8190)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner


def listen(host: str, port: int, before: Path) -> socket.socket:
    """A socket on loopback; port 0: the one of last time, which is in the file *before*, if it is still free."""
    if not loopback(host):
        raise Failure(f"HUB_WEB_HOST={host} is not loopback: the pages have no log-in yet, use 127.0.0.1 or ::1")
    for wanted in [port] if port else [last_port(before), 0]:
        listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listening.bind((host, wanted))
            listening.listen(128)
            return listening
        listening.close()
    raise Failure(f"HUB_WEB_PORT={port} is taken or not allowed: choose another, or 0 for a free one")


def loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def last_port(before: Path) -> int:
    with suppress(OSError, ValueError):
        return URL(before.read_text().strip()).port or 0
    return 0


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
