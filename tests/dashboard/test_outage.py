"""The dashboard while MongoDB is killed or suspended: status 503, one sentence, and it recovers by itself."""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import httpx
import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect as connect_socket
from websockets.typing import Subprotocol

from segue.dashboard.api.described import OPERATIONS, Operation
from segue.dashboard.text import outage
from segue.local.mongod import Mongod
from segue.local.process import read_record
from segue.storage.mongo import connect
from tests.conftest import own_settings
from tests.dashboard.browser import Served
from tests.dashboard.music import make_music
from tests.ports import with_ports
from tests.waiting import PATIENCE, until

PAGES = ("", "search", "map", "playlists", "you", "listening", "friends", "live", "operations", "audience")
ROUTES = [operation for operation in OPERATIONS if operation.database]
SOON_NOTICED = "connectTimeoutMS=2000&heartbeatFrequencyMS=1000"
"""Options of the address: a suspended server is noticed after three seconds in place of ten."""


@pytest.fixture
def mongod(tmp_path: Path) -> Iterator[Mongod]:
    own = Mongod(with_ports(tmp_path / "mongo", first=32117))
    own.start()
    yield own
    own.stop()


@pytest.fixture
def served(mongod: Mongod, music_files: dict[str, Path], tmp_path: Path) -> Iterator[Served]:
    uri = mongod.start()
    settings = own_settings(f"{uri}{'&' if '?' in uri else '/?'}{SOON_NOTICED}", tmp_path)
    make_music(connect(settings.mongo), settings, music_files)
    dashboard = Served(settings, log=tmp_path / "dashboard.log")
    dashboard.start(SEGUE_MONGO__TIMEOUT="2 seconds")
    yield dashboard
    dashboard.end()


@contextlib.contextmanager
def away(mongod: Mongod, how: str) -> Iterator[None]:
    record = read_record(mongod.record)
    assert record
    process = psutil.Process(record.pid)
    process.send_signal(signal.SIGKILL if how == "killed" else signal.SIGSTOP)
    # On a busy machine it may answer for a moment longer.
    if how == "killed":
        process.wait(PATIENCE)
    else:
        until(lambda: process.status() == psutil.STATUS_STOPPED, "the server to be suspended")
    try:
        yield
    finally:
        if how == "killed":
            mongod.start()
        else:
            process.send_signal(signal.SIGCONT)


def request(client: httpx.Client, operation: Operation) -> httpx.Response:
    path = re.sub(r"{\w+}", "x", operation.path)
    body = {"sent_at": 0, "plays": [], "name": "n", "password": "p" * 20, "code": "c", "confirm": "no"}
    return client.request(operation.method, path, json=body if operation.method == "POST" else None)


@pytest.mark.parametrize("how", ["killed", "suspended"])
def test_every_route_says_when_to_try_again(served: Served, mongod: Mongod, how: str, tmp_path: Path) -> None:
    with httpx.Client(base_url=served.address, timeout=PATIENCE) as client:
        assert client.get("/", headers={"accept": "text/html"}).status_code == 200
        assert client.get("/api/upcoming").status_code == 200
        with away(mongod, how):
            for _ in range(2):
                for operation in ROUTES:
                    answer = request(client, operation)
                    assert answer.status_code == 503, f"{operation.path}: {answer.text[:200]}"
                    assert 0 < int(answer.headers["retry-after"]) <= 60
                page = client.get("/search", headers={"accept": "text/html"})
                assert (page.status_code, outage() in page.text) == (503, True)
            assert client.get("/_stcore/health").status_code == 200, "a restart would not help"
            assert client.get("/api/openapi.json").status_code == 200
        until(lambda: client.get("/api/upcoming").status_code == 200, "the routes answer again")
    log = served.log.read_text()
    assert "Traceback" not in log
    assert log.count("MongoDB does not answer") == log.count("MongoDB answers again") == 1, log


class OpenPage:
    """A page as a browser has it: the messages of Streamlit's connection, without drawing them."""

    def __init__(self, served: Served, path: str, *, until_end: contextlib.ExitStack) -> None:
        with httpx.Client(base_url=served.address, timeout=PATIENCE) as client:
            client.get("/", headers={"accept": "text/html"})
            cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        self._path = path
        socket = connect_socket(
            served.address.replace("http", "ws", 1) + "/_stcore/stream",
            additional_headers={"Cookie": cookies, "Origin": served.address},
            subprotocols=[Subprotocol("streamlit"), Subprotocol("x"), Subprotocol("y")],
            max_size=None,
            open_timeout=PATIENCE,
            ping_interval=None,
        )
        self._socket = until_end.enter_context(socket)

    def run(self) -> None:
        """Ask for a run of the page, as a link or a widget does."""
        message = BackMsg()
        message.rerun_script.page_name = self._path
        self._socket.send(message.SerializeToString())

    def wait_for(self, wanted: Callable[[ForwardMsg], bool]) -> None:
        """Wait for a message; until then, no error may be shown."""
        while True:
            message = ForwardMsg()
            message.ParseFromString(cast("bytes", self._socket.recv(timeout=PATIENCE)))
            assert message.delta.new_element.WhichOneof("type") != "exception", self._path
            if wanted(message):
                return


def is_shown(message: ForwardMsg) -> bool:
    return outage() in message.delta.new_element.alert.body


def is_page(message: ForwardMsg) -> bool:
    """The list of pages is sent when a page's script has found its visitor."""
    return message.WhichOneof("type") == "navigation"


@pytest.mark.parametrize("how", ["killed", "suspended"])
def test_every_page_shows_one_sentence_and_continues_by_itself(
    served: Served, mongod: Mongod, how: str
) -> None:
    with contextlib.ExitStack() as stack:
        pages = [OpenPage(served, path, until_end=stack) for path in PAGES]
        for page in pages:
            page.run()
            page.wait_for(is_page)
            page.wait_for(lambda message: message.WhichOneof("type") == "script_finished")
        with away(mongod, how):
            for page in pages:
                page.run()
            for page in pages:
                page.wait_for(is_shown)
            # An outage is confirmed, and logged, when a further question has got no answer.
            until(lambda: "MongoDB does not answer" in served.log.read_text(), "the outage is in the log")
        for page in pages:
            page.wait_for(is_page)
    until(lambda: "MongoDB answers again" in served.log.read_text(), "the end of the outage is in the log")
    log = served.log.read_text()
    assert "Traceback" not in log
    assert log.count("MongoDB does not answer") == log.count("MongoDB answers again") == 1, log
