"""What the two authentication services write of log-ins: the older one of an id, the newer one of an id, a name and roles."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

import orjson

from hubapp.facts import Micros
from hubapp.sim.forms import microseconds, uuid_text
from hubapp.sim.gateway import Json, Send, spoken
from hubapp.sim.wires import Wire


class Account(NamedTuple):
    id: str
    name: str
    roles: tuple[str, ...]


class Older:
    """One event type for everything; the event's name tells. No header, no states, no failed log-ins."""

    topic, service = "events-authentication", "older"

    def __init__(self, send: Send, random: Random) -> None:
        self.send, self.random = send, random

    def user(self, account: Account) -> str:
        """How a platform event names the account."""
        return account.id

    def write(self, sent: Micros, name: str, account: Account, by: str, data: Json | None) -> None:
        value: dict[str, Any] = {
            "entity_id": account.id,
            "event_name": name,
            "event_type": "USER_LOGIN_ATTEMPT_EVENT",
            "message_id": uuid_text(self.random),
            "performed_on": microseconds(sent),
            "performed_by": by,
            "entity_name": "authentication",
            "emitted_by": "user",
            "event_data": data,
        }
        self.send(sent, Wire(self.topic, None, {}, orjson.dumps(value)))

    def created(self, sent: Micros, account: Account) -> None:
        self.write(sent, "User created", account, "system", None)

    def log_in(self, sent: Micros, account: Account, place: Json | None) -> None:
        self.write(sent, "Login", account, self.random.choice((account.id, "")), place)

    def log_out(self, sent: Micros, account: Account, place: Json | None) -> None:
        self.write(sent, "Logout", account, account.id, place)

    def failed(self, sent: Micros, account: Account, place: Json | None, log_out: bool = False) -> None:
        """This service says nothing of it."""

    def locked(self, sent: Micros, account: Account) -> None:
        self.write(sent, "Account locked", account, "system", None)


class Newer:
    topic, service = "events-auth", "newer"

    def __init__(self, send: Send, random: Random) -> None:
        self.send, self.random = send, random

    def user(self, account: Account) -> str:
        return account.name

    def state(self, account: Account, locked_until: str | None = None) -> Json:
        roles = [{"id": f"00000000-0000-4000-8000-{sum(role.encode()):012d}", "name": role} for role in account.roles]
        return {"id": account.id, "username": account.name, "roles": roles, "locked_until": locked_until}

    def write(self, sent: Micros, event_type: str, account: Account, data: Json | None, locked_until: str | None = None) -> None:
        state = self.state(account, locked_until)
        value: dict[str, Any] = {
            "entity_id": account.id,
            "event_name": spoken(event_type),
            "event_type": event_type,
            "message_id": uuid_text(self.random),
            "performed_on": microseconds(sent),
            "performed_by": account.name,
            "entity_name": "auth",
            "emitted_by": "auth",
            "event_state": state,
            "previous_state": state,
            "event_data": data,
        }
        self.send(sent, Wire(self.topic, None, {"event_type": event_type}, orjson.dumps(value)))

    def created(self, sent: Micros, account: Account) -> None:
        self.write(sent, "USER_CREATE_EVENT", account, None)

    def log_in(self, sent: Micros, account: Account, place: Json | None) -> None:
        self.write(sent, "SUCCESSFUL_LOGIN_EVENT", account, place)

    def log_out(self, sent: Micros, account: Account, place: Json | None) -> None:
        self.write(sent, "SUCCESSFUL_LOGOUT_EVENT", account, place)

    def failed(self, sent: Micros, account: Account, place: Json | None, log_out: bool = False) -> None:
        self.write(sent, "FAILED_LOGOUT_EVENT" if log_out else "FAILED_LOGIN_ATTEMPT_EVENT", account, place)

    def locked(self, sent: Micros, account: Account) -> None:
        self.write(sent, "USER_ACCOUNT_LOCKED_EVENT", account, None, microseconds(sent + 900_000_000))


Service = Older | Newer
