"""The messages over the WebSocket of a page."""

from __future__ import annotations

from contextlib import suppress

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from segue.dashboard.page_messages import (
    A_SECOND,
    BURST,
    MOST_WIDGETS,
    PATH,
    TAKEN,
    UNREADABLE,
    PageMessages,
    _Pace,
)

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
