"""Plays wait for a service, are sent once, later, one by one, or never, as the service answers."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from segue.people.app_log_in import FROM_PROGRAMS, OF_APP, session_of_app
from segue.scrobbling import lastfm
from segue.scrobbling.connections import TAKEN_FOR, Connection, Service
from segue.scrobbling.outcome import WORDS
from segue.scrobbling.sending import LONGEST_WAIT, Sending
from segue.scrobbling.working import box_of
from segue.storage.store import Store
from tests.scrobbling.conftest import LENGTH, World
from tests.scrobbling.service import Answer

pytestmark = pytest.mark.integration
BOTH: tuple[Service, ...] = ("listenbrainz", "lastfm")
DAY = 86_400.0
services = pytest.mark.parametrize("kind", BOTH)


@services
def test_a_play_is_sent_once_with_the_time_of_its_start(world: World, kind: Service) -> None:
    own = world.connect(kind)
    records = world.hear(0, 1)
    assert world.sending.send_all() == 2
    assert world.service.taken() == ["Song 0", "Song 1"]
    began = round((world.at - 3600) * 1000) // 1000
    times = sorted(int(at) for at, *_ in (*world.service.listens, *world.service.scrobbles))
    assert times == [began, began + 1]
    world.reading.take(records)  # Kafka delivers again
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.sent, state.refused, state.problem) == (2, 0, None)
    assert state.last_sent_at is not None


def test_nothing_is_sent_of_listeners_without_a_connection(world: World) -> None:
    world.hear(0)
    assert world.store.database.scrobbles.count_documents({}) == 0
    assert world.sending.send_all() == 0
    assert world.service.requests == []


def test_plays_from_before_the_connection_are_not_sent(world: World) -> None:
    own = world.connect("listenbrainz")
    now = {"$set": {"connected_at": world.connections._clock()}}
    world.store.database.scrobble_connections.update_one({"_id": own}, now)
    world.hear(0)
    assert world.sending.send_all() == 0


def test_one_play_for_each_start(world: World) -> None:
    """B11: pauses and jumps within a song add nothing."""
    world.connect("listenbrainz")
    for kind in ("pause", "seek", "impression", "like"):
        world.hear(0, type=kind)
    world.hear(1, ms_played=LENGTH // 2 - 1)
    assert world.sending.send_all() == 0
    world.hear(2)
    assert world.sending.send_all() == 1


def test_records_that_are_no_plays_are_left_out(world: World) -> None:
    world.connect("listenbrainz")
    world.reading.take([b"", b"{", b"[]", b'{"user_id": "ada"}', b"\xff", b'{"user_id": {"$gt": 1}}'])
    world.hear(0, track_id="unknown")
    world.hear(0, occurred_at=round((time.time() + DAY) * 1000))
    assert world.store.database.scrobbles.count_documents({"state": "waiting"}) == 0


@services
@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, "<html>"),
        Answer(502, "<html>"),
        Answer(0),
        Answer(404, {"error": "no such route"}),
        Answer(200, "not JSON"),
        Answer(503, {"error": 11, "message": "Service Offline"}),
    ],
    ids=["500", "502", "broken", "404", "no JSON", "offline"],
)
def test_plays_are_kept_while_the_service_is_away(world: World, kind: Service, fault: Answer) -> None:
    if kind == "listenbrainz" and fault.status == 200:
        pytest.skip("ListenBrainz says by the status alone that it has a listen")
    own = world.connect(kind)
    world.hear(0)
    world.service.faults = [fault]
    assert world.sending.send_all() == 0
    assert world.connection(own).problem == "away"
    assert world.sending.send_all() == 0
    assert len(world.service.requests) == 1, "it is left alone for a while"
    world.later(61)
    world.hear(1, ago=600)
    assert world.sending.send_all() == 2
    assert world.service.taken() == ["Song 0", "Song 1"]
    assert world.connection(own).problem is None
    assert world.connection(own).failures == 0


def test_a_service_that_hangs_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    world.http.timeout = 0.05
    release = world.service.hang
    submit = world.service.submit
    monkeypatch.setattr(world.service, "submit", lambda *given: (release.wait(60), submit(*given))[1])
    assert world.sending.send_all() == 0
    assert world.connection(own).problem == "away"
    release.set()
    world.http.timeout = 60
    world.later(61)
    assert world.sending.send_all() == 1
    assert world.service.taken() == ["Song 0"], "the service knows it by its time, if it has taken it before"


def test_the_pauses_grow_to_an_hour(world: World) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    waits = []
    for _ in range(9):
        world.service.faults = [Answer(500)]
        world.sending.send_all()
        retry = world.connection(own).retry_at
        assert retry is not None
        waits.append(round(retry.timestamp() - world.at))
        world.later(waits[-1] + 61)
    assert waits[:3] == [60, 120, 240]
    assert waits[-1] == LONGEST_WAIT.total_seconds()


@services
def test_a_limit_is_kept_as_the_service_says(world: World, kind: Service) -> None:
    own = world.connect(kind)
    world.hear(0)
    world.service.faults = [
        Answer(
            429,
            {"error": 29, "message": "Rate limit exceeded"},
            X_RateLimit_Reset_In="300",
            Retry_After="300",
        )
    ]
    assert world.sending.send_all() == 0
    assert world.connection(own).problem == "busy"
    world.later(290)
    assert world.sending.send_all() == 0
    assert len(world.service.requests) == 1
    world.later(11)
    assert world.sending.send_all() == 1


def test_no_request_is_sent_beyond_the_limit_of_listenbrainz(world: World) -> None:
    world.connect("listenbrainz")
    world.hear(0)
    world.service.faults = [
        Answer(200, {"status": "ok"}, X_RateLimit_Remaining="0", X_RateLimit_Reset_In="10")
    ]
    assert world.sending.send_all() == 1
    world.hear(1)
    assert world.sending.send_all() == 0
    world.later(11)
    assert world.sending.send_all() == 1


@services
def test_one_play_that_is_refused_does_not_stop_the_others(world: World, kind: Service) -> None:
    own = world.connect(kind)
    world.hear(0, 1, 2)
    world.service.invalid = {"Song 1"}
    assert world.sending.send_all() == 2
    assert world.service.taken() == ["Song 0", "Song 2"]
    state = world.connection(own)
    assert (state.sent, state.refused, state.last_refusal) == (2, 1, "not-taken")
    assert world.scrobbles.count_waiting(own) == 0


@pytest.mark.parametrize("number", [1, 3])
def test_a_proxy_that_refuses_everything_loses_no_play(world: World, number: int) -> None:
    """Such as one that gets HTTP where it wants HTTPS: its page says nothing about the plays."""
    own = world.connect("listenbrainz")
    world.hear(*range(number))
    world.service.faults = [Answer(400, "<html>") for _ in range(3)]
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.refused, state.problem, world.scrobbles.count_waiting(own)) == (0, "away", number)
    world.service.faults = []
    world.later(61)
    assert world.sending.send_all() == number


NOT_OF_THE_SERVICE = [
    Answer(401, "<html>Log in</html>", Content_Type="text/html"),
    Answer(401, ""),
    Answer(401, "[]"),
    Answer(200, "<!DOCTYPE html>"),
    Answer(200, " \n<html>", Content_Type="application/xhtml+xml"),
    Answer(200, {"code": 503, "error": "the database is away"}),
]


@pytest.mark.parametrize("answer", NOT_OF_THE_SERVICE, ids=range(len(NOT_OF_THE_SERVICE)))
def test_an_answer_of_a_proxy_ends_no_connection_and_loses_no_play(world: World, answer: Answer) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    world.service.faults = [answer]
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.ended, state.problem, world.scrobbles.count_waiting(own)) == (False, "away", 1)
    world.later(61)
    assert world.sending.send_all() == 1


def test_a_reason_that_lastfm_does_not_describe_is_no_success(world: World) -> None:
    own = world.connect("lastfm")
    world.hear(0, 1)
    world.service.codes = {"Song 0": 6}
    assert world.sending.send_all() == 1
    state = world.connection(own)
    assert (state.sent, state.refused, state.last_refusal) == (1, 1, "not-taken")


def test_a_refusal_without_json_is_one_if_the_service_answers(world: World) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    world.service.faults = [Answer(400, "invalid listen")]
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.refused, state.problem, world.scrobbles.count_waiting(own)) == (1, None, 0)


def test_a_fault_among_single_deliveries_ends_them(world: World) -> None:
    own = world.connect("listenbrainz")
    world.hear(0, 1, 2)
    world.service.faults = [Answer(400, {"code": 400}), Answer(200, {"status": "ok"}), Answer(500)]
    assert world.sending.send_all() == 1
    assert world.scrobbles.count_waiting(own) == 2
    assert world.connection(own).problem == "away"


@services
def test_a_connection_that_the_service_ended_waits_for_the_listener(world: World, kind: Service) -> None:
    own = world.connect(kind, secret="no longer valid")
    world.hear(0)
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.ended, state.problem) == (True, "credentials")
    world.hear(1, ago=600)
    world.later(DAY)
    assert world.sending.send_all() == 0
    assert len(world.service.requests) == 1
    assert world.connections.that_may_send([own]) == []
    world.connect(kind)
    assert world.sending.send_all() == 2


def test_a_play_is_ignored_waits_or_is_taken_as_lastfm_says(world: World) -> None:
    """B7: codes 0, 3 and 5."""
    own = world.connect("lastfm")
    world.hear(0, 1, 2)
    world.service.codes = {"Song 1": 3, "Song 2": 5}
    assert world.sending.send_all() == 1
    state = world.connection(own)
    assert (state.sent, state.refused, state.last_refusal, state.problem) == (1, 1, "too-old", "daily-limit")
    assert [one.song["title"] for one in world.scrobbles.waiting(own, most=9)] == ["Song 2"]
    assert state.retry_at is not None
    assert timedelta() < state.retry_at - world.connections._clock() < timedelta(days=1, hours=1)
    world.service.codes = {}
    world.later(DAY + 600)
    assert world.sending.send_all() == 1


def test_plays_that_are_too_old_are_not_sent_to_lastfm(world: World) -> None:
    """B7: it would answer as if it had taken them."""
    own = world.connect("lastfm")
    world.hear(0, ago=15 * DAY)
    world.hear(1)
    assert world.sending.send_all() == 1
    assert world.service.taken() == ["Song 1"]
    assert (world.connection(own).refused, world.connection(own).last_refusal) == (1, "too-old")


def test_a_wrong_key_of_the_server_loses_nothing(world: World) -> None:
    own = world.connect("lastfm")
    world.hear(0)
    world.service.faults = [Answer(403, {"error": 10, "message": "Invalid API key"})]
    assert world.sending.send_all() == 0
    assert world.connection(own).problem == "server-key"
    world.later(3700)
    assert world.sending.send_all() == 1


def test_many_plays_go_in_parts_oldest_first(world: World) -> None:
    world.connect("lastfm")
    world.hear(*range(60))
    assert [world.sending.send_all() for _ in range(3)] == [50, 10, 0]
    assert world.service.taken() == [f"Song {n}" for n in range(60)]


def test_a_crash_between_delivery_and_mark_sends_again_and_counts_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)

    def crash(ids: Any, state: str) -> None:
        if state == "sent":
            raise KeyboardInterrupt

    monkeypatch.setattr(world.sending._scrobbles, "finish", crash)
    with pytest.raises(KeyboardInterrupt):
        world.sending.send_all()
    other = world.sender()
    assert other.send_all() == 0, "the connection is still taken"
    world.later(301)
    assert other.send_all() == 1
    assert len(world.service.requests) == 2
    assert world.service.taken() == ["Song 0"]
    assert world.connection(own).sent == 1


def test_one_service_that_is_away_delays_no_other(world: World) -> None:
    world.connect("listenbrainz")
    world.connect("lastfm")
    world.offer("http://127.0.0.1:9")
    world.move("listenbrainz", "http://127.0.0.1:9")
    world.hear(0)
    assert world.sending.send_all() == 1
    assert world.connection("ada:listenbrainz").problem == "away"


@services
def test_a_token_goes_to_no_address_that_is_not_offered_any_more(world: World, kind: Service) -> None:
    own = world.connect(kind)
    world.move(kind, f"{world.service.address}/elsewhere")
    world.hear(0)
    assert world.sending.send_all() == 0
    assert world.service.requests == []
    assert world.connection(own).problem == "not-offered"
    assert world.scrobbles.count_waiting(own) == 1, "nothing is lost"


ABSURD = [
    Answer(200, "[" * 100_000),
    Answer(200, {"error": {"code": 9}}),
    Answer(200, {"error": [9], "scrobbles": 7}),
    Answer(200, {"scrobbles": {"scrobble": {"ignoredMessage": {"code": float("inf")}}}}),
    Answer(200, "x" * 3_000_000),
    Answer(429, {}, Retry_After="9" * 400),
    Answer(503, {}, Retry_After="99999999999999999999"),
    Answer(503, {}, Retry_After="Mon, 01 Jan 9999 00:00:00 -0000"),
    Answer(429, {}, X_RateLimit_Reset_In="9" * 30),
]


@services
@pytest.mark.parametrize("answer", ABSURD, ids=range(len(ABSURD)))
def test_an_absurd_answer_loses_nothing_and_delays_no_other(
    world: World, kind: Service, answer: Answer
) -> None:
    if kind == "listenbrainz" and answer.status == 200:
        pytest.skip("ListenBrainz says by the status alone that it has a listen")
    own = world.connect(kind)
    world.hear(0)
    world.service.faults = [answer]
    assert world.sending.send_all() == 0
    found = world.connection(own)
    assert found.problem in ("away", "busy")
    assert found.retry_at is not None
    assert found.retry_at.timestamp() <= world.at + 86_400
    assert world.sender().send_all() == 0, "it waits"
    world.later(86_401)
    assert world.sending.send_all() == 1
    assert world.service.taken() == ["Song 0"]


@pytest.mark.parametrize("limit", ["0", "99999999999999999999999"])
def test_an_absurd_limit_after_a_success_keeps_the_plays_sent(world: World, limit: str) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    taken = Answer(200, {"status": "ok"}, X_RateLimit_Remaining="0", X_RateLimit_Reset_In=limit)
    world.service.faults = [taken]
    assert world.sending.send_all() == 1
    assert world.connection(own).sent == 1
    world.hear(1)
    world.later(3601)
    assert world.sending.send_all() == 1


def test_an_error_for_one_connection_delays_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections come in the order of their ids."""
    world.connect("lastfm")
    world.connect("listenbrainz")
    world.hear(0)

    def broken(*given: Any, **options: Any) -> Any:
        raise TypeError("unhashable")

    monkeypatch.setattr(lastfm, "send", broken)
    assert world.sending.send_all() == 1
    assert world.connection("ada:listenbrainz").problem is None
    assert world.connection("ada:lastfm").problem == "away"


def test_single_deliveries_end_while_the_connection_is_still_taken(world: World) -> None:
    """Otherwise another process would take it, and send the same plays."""
    own = world.connect("listenbrainz")
    world.hear(*range(50))
    world.service.faults = [Answer(400, {})]
    at = world.at
    sending = Sending(
        world.store,
        world.settings,
        box=box_of(world.settings),
        http=world.http,
        clock=lambda: at + 10 * len(world.service.requests),
    )
    taken = sending.send(own)
    assert 10 <= taken <= 20
    assert taken * 10 < TAKEN_FOR.total_seconds()
    world.later(1000)
    assert world.sending.send_all() == 50 - taken


def test_plays_of_other_programs_are_sent_only_if_the_listener_wants(world: World) -> None:
    """They come from programs that may scrobble there themselves."""
    scrobbled = session_of_app("ada", "navidrome", "p1", kind=FROM_PROGRAMS)
    of_an_app = session_of_app("ada", "Feishin", "p1")
    assert scrobbled.startswith(FROM_PROGRAMS)
    assert of_an_app.startswith(OF_APP)
    world.connect("listenbrainz")
    world.hear(0, session_id=scrobbled)
    world.hear(1, session_id=of_an_app)
    assert world.sending.send_all() == 1
    assert world.service.taken() == ["Song 1"]
    world.connections.include_programs("ada", "listenbrainz", True)
    world.hear(2, session_id=scrobbled, ago=300)
    assert world.sending.send_all() == 1
    assert world.service.taken() == ["Song 1", "Song 2"]


def test_tokens_are_stored_encrypted_and_go_with_the_connection(world: World, store: Store) -> None:
    own = world.connect("listenbrainz")
    world.hear(0)
    stored = str(list(store.database.scrobble_connections.find()))
    assert "lb-token-of-ada" not in stored
    assert world.connections.disconnect("ada", "listenbrainz")
    world.scrobbles.drop(own)
    assert world.sending.send_all() == 0
    assert store.database.scrobble_connections.count_documents({}) == 0
    assert store.database.scrobbles.count_documents({"state": "waiting"}) == 0


def test_a_token_of_another_key_has_to_be_entered_again(world: World, store: Store) -> None:
    own = world.connect("listenbrainz")
    store.database.scrobble_connections.update_one({}, {"$set": {"encrypted": b"of another key"}})
    world.hear(0)
    assert world.sending.send_all() == 0
    assert (world.connection(own).problem, world.connection(own).ended) == ("unreadable", True)


def test_a_damaged_scrobble_does_not_stop_the_others(world: World, store: Store) -> None:
    own = world.connect("listenbrainz")
    world.hear(0, 1)
    store.database.scrobbles.update_one({"song.title": "Song 0"}, {"$set": {"song": {"title": 7}}})
    assert world.sending.send_all() == 1
    assert world.scrobbles.count_waiting(own) == 0


def test_every_reason_has_words() -> None:
    assert all(text for text in WORDS.values())


@pytest.mark.parametrize("number", [1, 3])
def test_a_wrong_secret_of_this_server_loses_no_play(world: World, number: int) -> None:
    """The operator has changed it: the service refuses the signature of each call."""
    own, right = world.connect("lastfm"), world.settings
    wrong = right.scrobbling.model_copy(
        update={"lastfm_secret": type(right.scrobbling.lastfm_secret)("another")}
    )
    world.settings = right.model_copy(update={"scrobbling": wrong})
    world.sending = world.sender()
    world.hear(*range(number))
    assert world.sending.send_all() == 0
    state = world.connection(own)
    assert (state.refused, state.problem, state.ended) == (0, "server-key", False)
    assert world.scrobbles.count_waiting(own) == number
    world.settings = right
    world.sending = world.sender()
    world.later(DAY)
    assert world.sending.send_all() == number


def test_a_play_with_a_signature_that_the_service_computes_otherwise_does_not_stop_the_others(
    world: World,
) -> None:
    """B8."""
    own = world.connect("lastfm")
    world.hear(0, 1, 2)
    world.service.unsigned = {"Song 1"}
    assert world.sending.send_all() == 2
    assert (world.connection(own).refused, world.scrobbles.count_waiting(own)) == (1, 0)


@pytest.mark.parametrize(
    ("counted", "taken"),
    [
        ({"ignored": 0}, 2),
        ({"accepted": "2", "ignored": "0"}, 2),
        ({"accepted": 1, "ignored": 1}, 0),
        ({}, 0),
        ({"ignored": False}, 0),
    ],
)
def test_a_service_that_counts_what_it_took_and_lists_nothing(
    world: World, counted: dict[str, Any], taken: int
) -> None:
    own = world.connect("lastfm")
    world.hear(0, 1)
    world.service.faults = [Answer(200, {"scrobbles": {"@attr": counted}})]
    assert world.sending.send_all() == taken
    assert world.scrobbles.count_waiting(own) == 2 - taken


def test_the_end_of_a_former_token_does_not_end_the_connection_with_a_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = world.connect("listenbrainz", secret="no longer valid")
    world.hear(0)
    delivered = world.sending._delivered

    def meanwhile(connection: Connection) -> Any:
        result = delivered(connection)
        world.connect("listenbrainz")
        return result

    monkeypatch.setattr(world.sending, "_delivered", meanwhile)
    assert world.sending.send_all() == 0
    assert not world.connection(own).ended
    monkeypatch.undo()
    assert world.sending.send_all() == 1
