"""What a fetch names of a session with a broker, when it asks for what, and what an answer says of what it does not name."""

from __future__ import annotations

from typing import Any

from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v11, FetchResponse_v11
from faust.types import TP

from hubapp.engine.fetches import FEW, LONG_MS, PACE, Broker, Session

Offsets = dict[str, dict[int, int]]


def whole(offsets: Offsets) -> FetchRequest:
    """As aiokafka asks: for everything, each time."""
    topics = [(topic, [(number, offset, 1_000) for number, offset in parts.items()]) for topic, parts in offsets.items()]
    return FetchRequest(100, 1, 5_000, 1, topics)


def ask(
    session: Session, offsets: Offsets, left_out: frozenset[str] = frozenset()
) -> tuple[int, int, Offsets, dict[str, list[int]]]:
    """The session and the epoch that a request names, the offsets, and what is no longer asked for."""
    sent: Any = session.ask(whole(offsets), 100, set(left_out)).build(FetchRequest_v11)
    named = {topic: {number: offset for number, _, offset, _, _ in parts} for topic, parts in sent.topics}
    return sent.session_id, sent.session_epoch, named, dict(sent.forgotten_topics_data)


def answer(session: Session, highwaters: Offsets, session_id: int = 7, error: int = 0) -> dict[TP, int] | None:
    topics: list[Any] = [
        (topic, [(number, 0, end, end, 0, [], -1, b"") for number, end in parts.items()]) for topic, parts in highwaters.items()
    ]
    return session.answered(FetchResponse_v11(0, error, session_id, topics))


def begun() -> Session:
    session = Session()
    assert ask(session, {"a": {0: 5, 1: 6}, "b": {0: 1}}) == (0, 0, {"a": {0: 5, 1: 6}, "b": {0: 1}}, {})
    assert answer(session, {"a": {0: 5, 1: 9}, "b": {0: 1}}) == {TP("a", 0): 0, TP("a", 1): 0, TP("b", 0): 0}
    return session


def test_after_the_first_request_only_what_changed_is_named() -> None:
    session = begun()
    assert ask(session, {"a": {0: 5, 1: 9}, "b": {0: 1}}) == (7, 1, {"a": {1: 9}}, {})
    answer(session, {})
    assert ask(session, {"a": {0: 5, 1: 9}, "b": {0: 1}}) == (7, 2, {}, {})


def test_what_is_not_asked_for_any_more_is_forgotten_and_named_again_when_it_is() -> None:
    session = begun()
    assert ask(session, {"a": {0: 5}, "b": {0: 1}}) == (7, 1, {}, {"a": [1]})
    answer(session, {})
    assert ask(session, {"a": {0: 5, 1: 6}, "b": {0: 1}}, frozenset("b")) == (7, 2, {"a": {1: 6}}, {"b": [0]})
    assert TP("b", 0) not in session.places


def test_an_answer_keeps_what_was_told_of_partitions_that_it_does_not_name() -> None:
    session = begun()
    ask(session, {"a": {0: 5, 1: 9}, "b": {0: 1}})
    assert answer(session, {"b": {0: 3}}) == {TP("b", 0): 0}
    assert session.highwaters == {TP("a", 0): 5, TP("a", 1): 9, TP("b", 0): 3}


def test_a_session_that_the_broker_has_forgotten_is_begun_anew() -> None:
    session = begun()
    ask(session, {"a": {0: 5, 1: 9}, "b": {0: 1}})
    assert answer(session, {}, 0, error=70) is None
    assert ask(session, {"a": {0: 5}, "b": {0: 1}})[1:] == (0, {"a": {0: 5}, "b": {0: 1}}, {})


def test_after_a_request_without_an_answer_all_is_asked_again_and_nothing_is_taken_as_it_was() -> None:
    session = begun()
    ask(session, {"a": {0: 5, 1: 9}, "b": {0: 1}})
    session.end()
    assert not session.highwaters
    assert ask(session, {"a": {0: 5}, "b": {0: 1}}) == (7, 0, {"a": {0: 5}, "b": {0: 1}}, {})


def test_a_broker_without_room_for_a_session_is_asked_for_everything_each_time() -> None:
    session = Session()
    for _ in range(2):
        assert ask(session, {"a": {0: 5}}) == (0, 0, {"a": {0: 5}}, {})
        answer(session, {"a": {0: 5}}, session_id=0)


def test_a_fetch_after_one_that_brought_nothing_waits_longer() -> None:
    broker, request = Broker(), whole({"a": {0: 5}})
    broker.note(100.0, 1)
    assert broker.plan(101.0, request, {}) == (100, set())
    broker.note(101.0, 0)
    assert broker.plan(102.0, request, {}) == (LONG_MS, set())


def test_a_fetch_that_lacks_what_has_yet_to_be_taken_waits_no_longer() -> None:
    broker = Broker()
    broker.plan(100.0, whole({"a": {0: 5}, "b": {0: 1}}), {})
    assert broker.plan(101.0, whole({"b": {0: 1}}), {}) == (100, set())
    assert broker.plan(102.0, whole({"b": {0: 1}}), {}) == (100, set())
    assert broker.plan(103.0, whole({"a": {0: 5}, "b": {0: 1}}), {}) == (LONG_MS, set())


def test_little_comes_at_a_pace_and_much_at_once() -> None:
    broker = Broker()
    broker.note(100.0, 1)
    assert broker.next == 100.0 + PACE
    broker.note(100.0, FEW)
    assert broker.next < 100.0


def test_what_is_asked_for_every_so_often_is_left_out_meanwhile_and_the_fetch_ends_when_it_is_due() -> None:
    broker, request, every = Broker(), whole({"a": {0: 5}, "b": {0: 1}}), {"b": 0.5, "not here": 0.5}
    assert broker.plan(100.0, request, every) == (LONG_MS, set())
    assert broker.plan(100.2, request, every) == (299, {"b"})
    assert broker.plan(100.5, request, every) == (LONG_MS, set())


def test_nothing_is_left_out_of_a_backlog_or_where_nothing_else_is_read() -> None:
    broker, every = Broker(), {"b": 0.5}
    broker.plan(100.0, whole({"b": {0: 1}}), every)
    assert broker.plan(100.1, whole({"b": {0: 1}}), every) == (LONG_MS, set())
    broker.note(100.1, FEW)
    assert broker.plan(100.2, whole({"a": {0: 5}, "b": {0: 1}}), every) == (100, set())
