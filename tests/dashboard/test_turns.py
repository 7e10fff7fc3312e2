"""Hundreds of requests of one network at once do not keep those of others waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from segue.dashboard import turns
from segue.dashboard.opensubsonic.routes import no_room
from segue.dashboard.turns import AT_WORK, MOST_WAITING, SOUND_AT_WORK, Turns
from tests.asynchronous import run

ONE, OTHER, HERE = "203.0.113.7", "198.51.100.9", "127.0.0.1"


class Working:
    """An application whose requests are at work until they may go on."""

    def __init__(self) -> None:
        self.at_work = Counter[str]()
        self.may_go_on = anyio.Event()
        self.answer_first = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = scope["client"][0]
        self.at_work[address] += 1
        if self.answer_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await self.may_go_on.wait()
        if not self.answer_first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        self.at_work[address] -= 1


Ask = Callable[..., Coroutine[Any, Any, None]]


def asking(app: Turns, statuses: Counter[tuple[str, int]]) -> Ask:
    async def ask(address: str, path: str = "/api/search") -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[address, message["status"]] += 1

        async def receive() -> Message:
            raise AssertionError("nothing is read")

        scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": (address, 1)}
        scope |= {"query_string": b"f=json"}
        await app(scope, receive, send)

    return ask


def test_one_network_takes_a_part_of_the_threads_only() -> None:
    async def tried() -> None:
        work, statuses = Working(), Counter[tuple[str, int]]()
        ask = asking(Turns(work, of_apps=no_room), statuses)
        async with anyio.create_task_group() as group:
            for _ in range(AT_WORK + 20):
                group.start_soon(ask, ONE)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work == {ONE: AT_WORK}
            for address in (OTHER, HERE):
                group.start_soon(ask, address)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work == {ONE: AT_WORK, OTHER: 1, HERE: 1}
            work.may_go_on.set()
        assert statuses == {(ONE, 200): AT_WORK + 20, (OTHER, 200): 1, (HERE, 200): 1}

    run(tried)


def test_a_request_leaves_its_place_when_its_answer_begins() -> None:
    """Streams last for hours."""

    async def tried() -> None:
        work, statuses = Working(), Counter[tuple[str, int]]()
        work.answer_first = True
        ask = asking(Turns(work, of_apps=no_room), statuses)
        async with anyio.create_task_group() as group:
            for _ in range(3 * AT_WORK):
                group.start_soon(ask, ONE)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work == {ONE: 3 * AT_WORK}
            work.may_go_on.set()

    run(tried)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/search", 429), ("/api/v1/search", 429), ("/rest/search3", 503), ("/1/submit-listens", 503)],
)
def test_too_many_are_refused_at_once(path: str, status: int) -> None:
    async def tried() -> None:
        work, statuses = Working(), Counter[tuple[str, int]]()
        ask = asking(Turns(work, of_apps=no_room), statuses)
        async with anyio.create_task_group() as group:
            for _ in range(AT_WORK + MOST_WAITING + 3):
                group.start_soon(ask, ONE, path)
            await anyio.wait_all_tasks_blocked()
            assert statuses == {(ONE, status): 3}
            work.may_go_on.set()
        assert statuses[ONE, 200] == AT_WORK + MOST_WAITING

    run(tried)


def test_a_request_that_fails_or_is_given_up_gives_its_place_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AT_WORK", 1)

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/fails":
            raise ValueError
        if scope["path"] == "/waits":
            await anyio.sleep_forever()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def tried() -> None:
        statuses = Counter[tuple[str, int]]()
        app = Turns(failing, of_apps=no_room)
        ask = asking(app, statuses)
        with pytest.raises(ValueError):
            await ask(ONE, "/fails")
        async with anyio.create_task_group() as group:
            group.start_soon(ask, ONE, "/waits")
            group.start_soon(ask, ONE, "/waits")
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        await ask(ONE)
        assert statuses == {(ONE, 200): 1}
        assert not app._lines

    run(tried)


def test_recordings_wait_for_nobody() -> None:
    """The conversion of a recording can take a while to begin."""

    async def tried() -> None:
        work, statuses = Working(), Counter[tuple[str, int]]()
        ask = asking(Turns(work, of_apps=no_room), statuses)
        paths = ("/api/audio/t1", "/s/token/audio/t1", "/rest/stream", "/rest/stream.view", "/rest/download")
        async with anyio.create_task_group() as group:
            for _ in range(AT_WORK):
                for path in paths:
                    group.start_soon(ask, ONE, path)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work[ONE] == AT_WORK * len(paths)
            group.start_soon(ask, ONE)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work[ONE] == AT_WORK * len(paths) + 1
            work.may_go_on.set()

    run(tried)


@pytest.mark.parametrize("path", ["/rest/stream", "/api/audio/t1"])
def test_hundreds_of_requests_for_recordings_wait_for_each_other(path: str) -> None:
    """A request with a wrong password looks for its account in the threads of all apps, too."""

    async def tried() -> None:
        work, statuses = Working(), Counter[tuple[str, int]]()
        ask = asking(Turns(work, of_apps=no_room), statuses)
        async with anyio.create_task_group() as group:
            for _ in range(SOUND_AT_WORK + 20):
                group.start_soon(ask, ONE, path)
            group.start_soon(ask, OTHER, path)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work == {ONE: SOUND_AT_WORK, OTHER: 1}
            work.may_go_on.set()
        assert statuses == {(ONE, 200): SOUND_AT_WORK + 20, (OTHER, 200): 1}

    run(tried)


@pytest.mark.parametrize(
    "path", ["/x/audio/y", "/audio/", "/rest/audio/x", "/api/v1/audio/x", "/api/audio/x/y"]
)
def test_other_addresses_with_the_word_audio_wait(path: str) -> None:
    async def tried() -> None:
        work = Working()
        ask = asking(Turns(work, of_apps=no_room), Counter[tuple[str, int]]())
        async with anyio.create_task_group() as group:
            for _ in range(2 * AT_WORK):
                group.start_soon(ask, ONE, path)
            await anyio.wait_all_tasks_blocked()
            assert work.at_work[ONE] == AT_WORK
            work.may_go_on.set()

    run(tried)


def test_a_music_app_is_refused_in_the_form_of_its_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_WAITING", -turns.AT_WORK)

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("there is no room")

    client = TestClient(Turns(never, of_apps=no_room), client=(ONE, 1))
    answer = client.get("/rest/getSong.view?f=json")
    assert answer.json()["subsonic-response"]["status"] == "failed"
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (503, "*")
    assert int(answer.headers["Retry-After"]) > 0
