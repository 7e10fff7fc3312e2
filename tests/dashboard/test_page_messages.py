"""The messages over the WebSocket of a page."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import anyio
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from segue.dashboard import page_messages
from segue.dashboard.page_messages import (
    A_SECOND,
    BURST,
    MOST_WIDGETS,
    PATH,
    RUNNING,
    TAKEN,
    UNREADABLE,
    PageMessages,
    _Pace,
)
from tests.asynchronous import run
from tests.waiting import PATIENCE

KINDS = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]


def message(kind: str) -> bytes:
    made = BackMsg()
    value = getattr(made, kind)
    if isinstance(value, bool):
        setattr(made, kind, True)
    elif isinstance(value, str):
        setattr(made, kind, "x")
    else:
        value.SetInParent()
    return bytes(made.SerializeToString())


def with_widgets(number: int) -> bytes:
    made = BackMsg()
    for place in range(number):
        made.rerun_script.widget_states.widgets.add(id=str(place), trigger_value=True)
    return bytes(made.SerializeToString())


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    with suppress(WebSocketDisconnect):
        while True:
            await socket.send_bytes(await socket.receive_bytes())


def arriving(*sent: bytes) -> list[bytes]:
    """The messages among these that reach the page; the last one must."""
    app = Starlette(routes=[WebSocketRoute(PATH, echo)], middleware=[Middleware(PageMessages)])
    with TestClient(app).websocket_connect(PATH) as connection:
        for one in sent:
            connection.send_bytes(one)
        arrived: list[bytes] = []
        while not arrived or arrived[-1] != sent[-1]:
            arrived.append(connection.receive_bytes())
        return arrived


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_messages_of_pages_arrive(kind: str) -> None:
    last = message("app_heartbeat")
    expected = [message(kind), last] if kind in TAKEN - {"app_heartbeat"} else [last]
    assert arriving(message(kind), last) == expected


def test_a_page_has_no_more_widgets_than_pages_have() -> None:
    last = message("app_heartbeat")
    assert arriving(with_widgets(MOST_WIDGETS), last) == [with_widgets(MOST_WIDGETS), last]
    assert arriving(with_widgets(MOST_WIDGETS + 1), last) == [last]


@pytest.mark.parametrize("sent", [b"\xff\xff", "a text", "\ud7ff"])
def test_what_is_no_message_closes_the_connection(sent: bytes | str) -> None:
    """For each, Streamlit wrote an error of fifty lines to the log."""
    received: list[Message] = []

    async def reading(socket: WebSocket) -> None:
        await socket.accept()
        received.append(await socket.receive())
        await socket.send_bytes(b"too late")
        await socket.close()

    app = Starlette(routes=[WebSocketRoute(PATH, reading)], middleware=[Middleware(PageMessages)])
    with TestClient(app).websocket_connect(PATH) as connection:
        if isinstance(sent, str):
            connection.send_text(sent)
        else:
            connection.send_bytes(sent)
        with pytest.raises(WebSocketDisconnect) as closed:
            connection.receive_bytes()
    assert closed.value.code == UNREADABLE
    assert [one["type"] for one in received] == ["websocket.disconnect"]


def test_messages_beyond_a_burst_are_taken_one_after_the_other() -> None:
    """Each runs the page again: one browser could keep the process busy."""
    pace = _Pace()
    waits = [round(pace.next(1000.0) * A_SECOND) for _ in range(BURST + 3)]
    assert waits == [0] * BURST + [1, 2, 3]
    assert pace.next(2000.0) == 0.0, "and after a pause there is another burst"


def test_all_messages_of_a_burst_arrive() -> None:
    sent = [message("rerun_script")] * (BURST - 1) + [message("app_heartbeat")]
    assert arriving(*sent) == sent


ONE, OTHER, HERE = "203.0.113.7", "198.51.100.9", "127.0.0.1"


def finished(status: ForwardMsg.ScriptFinishedStatus.ValueType) -> bytes:
    return bytes(ForwardMsg(script_finished=status).SerializeToString())


class Open:
    """A page that is open: what has reached it, and what its visitor gets."""

    def __init__(self, app: PageMessages, address: str) -> None:
        self.arriving = asyncio.Queue[Message]()
        self.may_read = asyncio.Event()
        self.may_read.set()
        self.may_go_on = asyncio.Event()
        self.end = finished(ForwardMsg.FINISHED_SUCCESSFULLY)
        scope = {"type": "websocket", "path": PATH, "client": (address, 1), "state": {"page": self}}
        self.task = asyncio.create_task(app(scope, self.arriving.get, self._read))
        self.runs = 0

    def rerun(self) -> None:
        self.arriving.put_nowait({"type": "websocket.receive", "bytes": message("rerun_script")})

    def close(self) -> None:
        self.arriving.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def _read(self, _message: Message) -> None:
        await self.may_read.wait()


async def running(scope: Scope, receive: Receive, send: Send) -> None:
    """A page that runs, for each message, until it may go on."""
    page: Open = scope["state"]["page"]
    runs: set[asyncio.Task[None]] = set()

    async def run_once() -> None:
        page.runs += 1
        await page.may_go_on.wait()
        await send({"type": "websocket.send", "bytes": page.end})

    while (await receive())["type"] == "websocket.receive":
        runs.add(asyncio.create_task(run_once()))


async def settled() -> None:
    """Let all tasks go on until they wait."""
    await anyio.wait_all_tasks_blocked()


def test_few_pages_of_a_network_run_at_a_time() -> None:
    """Two hundred pages of one visitor ran at once, and shared the interpreter with those of all others."""

    async def tried() -> None:
        app = PageMessages(running)
        crowd = [Open(app, ONE) for _ in range(3 * RUNNING)]
        others = [Open(app, OTHER), *(Open(app, HERE) for _ in range(2 * RUNNING))]
        for page in (*crowd, *others):
            page.rerun()
        await settled()
        assert sum(page.runs for page in crowd) == RUNNING
        assert all(page.runs == 1 for page in others)
        for page in crowd:
            page.may_go_on.set()
        await settled()
        assert all(page.runs == 1 for page in crowd)
        for page in (*crowd, *others):
            page.close()
        await asyncio.gather(*(page.task for page in (*crowd, *others)))
        assert not app._lines

    run(tried)


@pytest.mark.parametrize(
    ("status", "leaves"),
    [
        (ForwardMsg.FINISHED_SUCCESSFULLY, True),
        (ForwardMsg.FINISHED_WITH_COMPILE_ERROR, True),
        (ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, True),
        (ForwardMsg.FINISHED_EARLY_FOR_RERUN, False),
    ],
)
def test_a_page_leaves_its_place_when_it_has_run(
    status: ForwardMsg.ScriptFinishedStatus.ValueType, leaves: bool
) -> None:
    async def tried() -> None:
        app = PageMessages(running)
        first = [Open(app, ONE) for _ in range(RUNNING)]
        for page in first:
            page.end = finished(status)
            page.rerun()
        await settled()
        last = Open(app, ONE)
        last.rerun()
        await settled()
        assert last.runs == 0
        first[0].may_go_on.set()
        await settled()
        assert last.runs == leaves
        first[1].close()  # whatever it does
        await settled()
        assert last.runs == 1
        for page in (*first, last):
            page.close()
        await asyncio.gather(*(page.task for page in (*first, last)))

    run(tried)


def test_a_page_that_runs_for_long_leaves_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_messages, "RUNNING", 1)
    monkeypatch.setattr(page_messages, "LONGEST_RUN", 0.0)

    async def tried() -> None:
        app = PageMessages(running)
        pages = [Open(app, ONE) for _ in range(3)]
        for page in pages:
            page.rerun()
        with anyio.fail_after(PATIENCE):
            while not all(page.runs for page in pages):
                await asyncio.sleep(0.001)
        for page in pages:
            page.close()
        await asyncio.gather(*(page.task for page in pages))

    run(tried)


def test_a_page_does_not_run_before_its_visitor_has_read_what_it_sent() -> None:
    """Streamlit kept five hundred messages for a visitor who read none."""

    async def tried() -> None:
        for address in (ONE, HERE):
            page = Open(PageMessages(running), address)
            page.may_go_on.set()
            page.may_read.clear()
            for _ in range(5):
                page.rerun()
            await settled()
            assert 1 <= page.runs < 5
            page.may_read.set()
            await settled()
            assert page.runs == 5
            page.close()
            await page.task

    run(tried)
