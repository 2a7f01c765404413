"""Records that no decoder can read, each beside a real one, never in its place. No two have the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from hubapp.sim.forms import uuid_text

if TYPE_CHECKING:
    from hubapp.sim.wires import Wire

PAYLOAD: dict[str, Any] = {
    "patient_primary_identifier": "BROKEN", "active": True, "latching": False, "code": "258050", "device_code": "ANNE Chest",
    "priority": "ME", "determination_time": "2025-03-11T07:40:49.200", "device_primary_identifier": "BROKEN-S",
}  # fmt: skip


def alert(random: Random, **altered: object) -> bytes:
    return orjson.dumps(
        {
            "message_id": uuid_text(random),
            "event_name": "New alert observation",
            "event_type": "NEW_ALERT_OBSERVATION",
            "timestamp": "2025-03-11T07:40:49.358",
            "payload": {**PAYLOAD, **altered},
        }
    )


BREAKS: tuple[Callable[[Random], bytes], ...] = (
    lambda random: alert(random)[: random.randrange(50, 200)],
    lambda random: b"\xef\xbb\xbf" + alert(random),
    lambda random: bytes(random.randrange(128, 256) for _ in range(40)),
    lambda random: alert(random, code=""),
    lambda random: alert(random, priority="URGENT"),
    lambda random: alert(random, device_primary_identifier=" "),
    lambda random: alert(random, determination_time="yesterday"),
    lambda random: alert(random, active=None),
    lambda random: b"[%d]" % random.getrandbits(60),
)


def broken(random: Random, beside: Wire) -> Wire:
    """On `alerts`, with the key of a real record."""
    value = random.choice(BREAKS)(random)
    return beside._replace(
        topic="alerts", key=beside.key or "BROKEN", headers={"event_type": "NEW_ALERT_OBSERVATION"}, value=value
    )
