"""Log-ins, log-outs and locks, by the older service and by the newer one: the records themselves say which wrote them."""

from __future__ import annotations

from typing import Any

import msgspec

from hubapp.facts import AccountLocked, AnyAccount, AnyFact, LogInFailed, SessionClosed, SessionOpened
from hubapp.wire import times
from hubapp.wire.fields import Text, Time, account, needed, read_type, reader, text, type_of
from hubapp.wire.record import Ignored, Malformed, Record
from hubapp.wire.stamp import Stamp, stamped

OLDER = "USER_LOGIN_ATTEMPT_EVENT"
BY_NAME: dict[str, type[AnyAccount]] = {"Login": SessionOpened, "Logout": SessionClosed, "Account locked": AccountLocked}
BY_TYPE: dict[str, type[AnyAccount]] = {
    "SUCCESSFUL_LOGIN_EVENT": SessionOpened,
    "SUCCESSFUL_LOGOUT_EVENT": SessionClosed,
    "USER_ACCOUNT_LOCKED_EVENT": AccountLocked,
    "FAILED_LOGIN_ATTEMPT_EVENT": LogInFailed,
    "FAILED_LOGOUT_EVENT": LogInFailed,
}


class Role(msgspec.Struct):
    name: Text = None


class State(msgspec.Struct):
    id: Text = None
    username: Text = None
    roles: list[Role] | None = None


class Data(msgspec.Struct):
    client: Text = None
    location: Text = None


class Act(msgspec.Struct):
    """What the newer service's events say, and the older's in part."""

    event_name: Text = None
    entity_id: Text = None
    message_id: Text = None
    performed_on: Time = None
    performed_by: Text = None
    event_state: State | None = None
    event_data: Data | None = None


class Name(msgspec.Struct):
    event_name: Text = None


read, read_name = reader(Act), reader(Name)


def decode(record: Record, value: bytes, zones: times.Zones) -> tuple[AnyFact, ...] | Ignored:
    kind = type_of(read_type(value).event_type, record.headers)
    fact = by_name(value) if kind == OLDER else BY_TYPE.get(kind)
    if fact is None:
        return Ignored(kind)
    act = read(value)
    told, sure = times.platform(act.performed_on, "performed_on", zones.authentication, record.timestamp)
    stamp = stamped(record, told, act.message_id, unsure=not sure)
    return (by_older(stamp, fact, act) if kind == OLDER else by_newer(stamp, fact, act, kind),)


def by_name(value: bytes) -> type[AnyAccount] | None:
    return BY_NAME.get(needed(read_name(value).event_name, "event_name").strip())


def by_older(stamp: Stamp, fact: type[AnyAccount], act: Act) -> AnyAccount:
    """Its accounts have an id and no name."""
    data = act.event_data or Data()
    return stamp.fact(
        fact,
        account_id=needed(act.entity_id, "entity_id"),
        client=text(data.client, "event_data.client"),
        place=text(data.location, "event_data.location"),
        service="older",
    )


def by_newer(stamp: Stamp, fact: type[AnyAccount], act: Act, kind: str) -> AnyAccount:
    """Its state has the account's id and name; without a state they are the entity and who did it."""
    state, data = act.event_state or State(), act.event_data or Data()
    account_id = text(state.id, "event_state.id") or text(act.entity_id, "entity_id")
    account_name = text(state.username, "event_state.username") or account(act.performed_by, "performed_by")
    if account_id is None and account_name is None:
        raise Malformed("entity_id: absent or blank")
    of: dict[str, Any] = {"of": "log-out"} if kind == "FAILED_LOGOUT_EVENT" else {}
    return stamp.fact(
        fact,
        account_id=account_id,
        account_name=account_name,
        roles=roles(state),
        client=text(data.client, "event_data.client"),
        place=text(data.location, "event_data.location"),
        service="newer",
        **of,
    )


def roles(state: State) -> tuple[str, ...] | None:
    return None if state.roles is None else tuple(needed(role.name, "event_state.roles") for role in state.roles)
